#!/bin/sh
# Sees to it that the programs are there that the tests run and no package index has: test_programs.sh PATH-OF-CHROMIUM
# Debian's packages are installed where that is possible; everybody else is told what to install.
set -u
chromium=$1
missing=
packages=
command -v curl >/dev/null || { missing="curl"; packages="curl"; }
[ -x "$chromium" ] || { missing="${missing:+$missing and }Chromium at $chromium"; packages="$packages chromium fonts-liberation"; }
[ -n "$missing" ] || exit 0

give_up() {
    echo "The tests need $missing, and $1." >&2
    echo "On Debian, as root: apt-get install --no-install-recommends" $packages >&2
    echo "A Chromium from elsewhere is named so: make test CHROMIUM=/path/to/chromium" >&2
    exit 1
}

[ -x "$chromium" ] || [ "$chromium" = /usr/bin/chromium ] || give_up "it isn't there"
command -v apt-get >/dev/null || give_up "there is no apt-get to install it with"
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    give_up "installing it needs root or sudo"
fi
echo "Installing for the tests:" $packages >&2
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >/dev/null
}
# The packages are several words.
apt update && apt install -y --no-install-recommends $packages || give_up "installing it failed"
[ -x "$chromium" ] || give_up "the package did not bring it"
