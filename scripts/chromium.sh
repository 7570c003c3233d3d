#!/bin/sh
# Installs Debian's Chromium, which opens the documentation's page in the tests: chromium.sh PATH-WHERE-IT-BELONGS
set -u
wanted=$1
packages="chromium fonts-liberation"

give_up() {
    echo "The tests need Chromium at $wanted, and $1." >&2
    echo "On Debian, as root: apt-get install --no-install-recommends $packages" >&2
    echo "Elsewhere install Chromium and name its program: make test CHROMIUM=/path/to/chromium" >&2
    exit 1
}

[ "$wanted" = /usr/bin/chromium ] || give_up "it isn't there"
command -v apt-get >/dev/null || give_up "there is no apt-get to install it with"
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    give_up "installing it needs root or sudo"
fi
echo "Installing $packages for the tests" >&2
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >/dev/null
}
# shellcheck disable=SC2086 # these are two words
apt update && apt install -y --no-install-recommends $packages || give_up "installing it failed"
[ -x "$wanted" ] || give_up "the package did not bring it"
