#!/usr/bin/env bash
# Installs the requirements of the tests of tests/embedders, unless they are installed:
# node_modules for the hosts in Node, and for the build of the npm package, target/embedders/python
# for the hosts in Python, and for the build of the Python package, the wheels that this package
# depends on, the host in Rust, and a stock wasmtime.
set -euo pipefail
cd "$(dirname "$0")"
python=../../target/embedders/python
wheels=../../target/embedders/wheels
missing=0

missing() {
  printf '%s is missing: install it and run tests/embedders/setup.sh again\n' "$1" >&2
  missing=1
}

# Succeeds if a folder was made from the current version of a file.
is_made_from() {
  cmp --silent "$2" "$1/made-from"
}

if ! command -v npm >/dev/null; then
  missing "Node 20 with npm"
else
  for folder in node ../../host/node; do
    if ! is_made_from "$folder/node_modules" "$folder/package-lock.json"; then
      npm ci --prefix "$folder" --loglevel=error >/dev/null
      cp "$folder/package-lock.json" "$folder/node_modules/made-from"
    fi
  done
fi

if ! python3 -c 'import ensurepip' 2>/dev/null; then
  missing "Python 3.11 with venv"
elif ! is_made_from "$python" <(cat python/*.txt); then
  python3 -m venv --clear "$python"
  "$python/bin/pip" install --quiet --require-hashes \
    --requirement python/requirements.txt --requirement python/tools.txt
  for needs in requirements oldest; do
    "$python/bin/pip" download --quiet --require-hashes --no-deps --only-binary :all: \
      --dest "$wheels" --requirement "python/$needs.txt"
  done
  cat python/*.txt >"$python/made-from"
fi

# With the packages and features of `cargo xtask fuel`, so that the dependencies are compiled once for
# both.
if ! cargo build --quiet --locked --features janitor/jit --package janitor --package janitor-bench \
  --package janitor-compiled-once --package janitor-embedder --example janitor-embedder; then
  missing "Rust with the target wasm32-unknown-unknown"
fi

if ! ./wasmtime.sh >/dev/null; then
  missing "pip, or the network,"
fi

exit "$missing"
