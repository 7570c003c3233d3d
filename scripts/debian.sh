#!/bin/sh
# Installs what tests and benchmarks need of Debian: debian.sh PATH-THAT-IS-MISSING PACKAGE…
set -u
wanted=$1
shift

give_up() {
    echo "$wanted is needed, and $1." >&2
    echo "On Debian, as root: apt-get install --no-install-recommends $*" >&2
    exit 1
}

command -v apt-get >/dev/null || give_up "there is no apt-get to install it with" "$@"
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    give_up "installing it needs root or sudo" "$@"
fi
echo "Installing $*" >&2
apt() {
    # The run level keeps servers from being started: the tests start their own.
    $as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >/dev/null
}
apt update && apt install -y --no-install-recommends "$@" || give_up "installing it failed" "$@"
[ -e "$wanted" ] || give_up "the package did not bring it" "$@"
