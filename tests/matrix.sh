#!/bin/sh
# matrix.sh: a folder with another Debian in it, for the live tests on other OTP releases: chroot DIR erl ... is a real node
# that shares this machine's loopback and epmd.
#
#   sh tests/matrix.sh SUITE     makes the folder where it is not there yet, and prints its name; or says why it cannot be had
#
# Folders are kept in BEAMTAP_MATRIX_DIR, by default /var/cache/beamtap/matrix. BEAMTAP_MATRIX_LIMIT is how many seconds one
# may take to be made (900).
set -eu
suite=$1
cache=${BEAMTAP_MATRIX_DIR:-/var/cache/beamtap/matrix}
folder=$cache/$suite
cannot() {
    echo "$suite: $*" >&2
    exit 1
}

[ "$(id -u)" = 0 ] || cannot "only root can make and enter such a folder"
if [ ! -x "$folder/usr/bin/erl" ]; then
    cd "$(dirname "$0")/.."
    . config/packages.sh
    need debootstrap:debootstrap || cannot "debootstrap cannot be installed"
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    flock 9
fi
if [ ! -x "$folder/usr/bin/erl" ]; then
    # The mirror that this machine takes its own packages from; where apt tells none, debootstrap's own default.
    mirror=$(apt-get indextargets --format '$(LABEL) $(SITE)' 2>/dev/null | awk '$1 == "Debian" {print $2; exit}')
    rm -rf "$folder.part" "$folder"
    echo "$suite: making $folder" >&2
    # What it starts must not hold the lock.
    timeout "${BEAMTAP_MATRIX_LIMIT:-900}" debootstrap --variant=minbase \
        --include=erlang-base,erlang-runtime-tools,erlang-ssl,erlang-tools "$suite" "$folder.part" $mirror >"$folder.log" 2>&1 9>&- || {
        tail -n 3 "$folder.log" >&2
        rm -rf "$folder.part"
        cannot "debootstrap could not make the folder, see $folder.log"
    }
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$folder.part/etc/hosts"
    echo 'hosts: files' >"$folder.part/etc/nsswitch.conf"
    mv "$folder.part" "$folder"
fi
chroot "$folder" erl -noshell -eval 'halt().' </dev/null >&2 || cannot "erl does not run in $folder"
echo "$folder"
