#!/bin/bash
# Make the virtual environment .venv from requirements.lock, and install what this machine lacks for it.
# `make` calls it; it is safe to repeat.
set -euo pipefail
cd "$(dirname "$0")"

die() { echo "set-up: $1; $2" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install() {
    command -v apt-get >/dev/null || die "$1 is missing and apt-get is not here" "install $1 yourself"
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || die "$1 is missing, and neither root nor sudo is at hand" "install $1"
    echo "Installing $1 ..."
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "$1" >/dev/null
}

command -v python3 >/dev/null || install python3
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || die "$(python3 --version) is too old" "install Python 3.11 or newer"
python3 -c 'import ensurepip, venv' 2>/dev/null || install python3-venv
command -v ssh >/dev/null || install openssh-client
command -v curl >/dev/null || install curl

if [ ! -x .venv/bin/pip ]; then
    echo "Making the virtual environment .venv ..."
    python3 -m venv .venv
fi
if [ ! -x .venv/bin/uv ]; then
    echo "Installing uv into it ..."
    sed -n '/^uv==/,/^[a-z].*==/p' requirements.lock | sed '$d' > .venv/uv.lock
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.lock
fi
echo "Installing what requirements.lock names ..."
.venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e . -e service
touch .venv/.ready
