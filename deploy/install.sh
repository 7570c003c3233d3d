#!/bin/sh
# Installs the gateway into a virtual environment of its own: deploy/install.sh FOLDER [EXTRA]
# Run in the repository's folder. Every package must match the hashes in requirements/. EXTRA is the name of a lock there,
# such as postgresql, otel or encryption. PYTHON names the interpreter.
set -eu
folder=$1
extra=${2:-runtime}
python=${PYTHON:-python3}

"$python" -m venv "$folder"
pip="$folder/bin/python -m pip install --quiet --no-input --disable-pip-version-check"
$pip --require-hashes --no-deps -r "requirements/$extra.txt"

# What builds the wheel, the web pages in it included, is left behind.
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"$python" -m venv "$tools/venv"
build="$tools/venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check"
$build --require-hashes --no-deps -r requirements/build.txt
PATH="$tools/venv/bin:$PATH" "$tools/venv/bin/hatchling" build --target wheel --directory "$tools/dist"
# Over an older one as well, whose version may have the same name.
$pip --no-deps --force-reinstall "$tools"/dist/*.whl
"$folder/bin/codenex" version
