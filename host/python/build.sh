#!/usr/bin/env bash
# Builds the wheel of janitor-cleanup into a folder: host/python/build.sh DIR [PIP-OPTION]... It
# requires Python with pip; PYTHON names another one than python3.
set -euo pipefail
folder=$(realpath --canonicalize-missing "$1")
shift
cd "$(dirname "$0")/../.."

cargo run --quiet --locked --package janitor-python -- "$folder/project"
"${PYTHON:-python3}" -m pip wheel --quiet --no-deps --wheel-dir "$folder" "$@" "$folder/project"
