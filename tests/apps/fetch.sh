#!/bin/sh
# fetch.sh: a folder with Debian's rabbitmq-server and ejabberd, for the tests beside it. Nothing is installed, so no service
# of theirs is ever started or stays: their packages, and those that they need and this machine lacks, are unpacked there.
# Whoever may read the lists of packages may do that, not only root.
#
#   sh tests/apps/fetch.sh       makes the folder where it is not there yet, and prints its name; or says why it cannot be had
#
# Folders are kept in BEAMTAP_APPS_DIR, by default /var/cache/beamtap/apps (root) or ~/.cache/beamtap/apps.
set -eu
if [ "$(id -u)" = 0 ]; then
    cache=${BEAMTAP_APPS_DIR:-/var/cache/beamtap/apps}
else
    cache=${BEAMTAP_APPS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/beamtap/apps}
fi
cannot() {
    echo "rabbitmq-server and ejabberd: $*" >&2
    exit 1
}

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || cannot "they are taken from Debian's packages, and here is no apt"
plan() {
    LC_ALL=C apt-get -s -q install --no-install-recommends --reinstall rabbitmq-server ejabberd 2>&1
}
planned=$(plan) || {
    [ "$(id -u)" = 0 ] && apt-get update >&2 || true
    planned=$(plan) || cannot "apt knows no way to install them: $(echo "$planned" | grep '^E:' | head -n 1)"
}
# "Inst NAME (VERSION Debian:..." or "Inst NAME [INSTALLED] (VERSION ..."
packages=$(echo "$planned" | awk '$1 == "Inst" {print $2}')
name=$(echo "$planned" | sed -n 's/^Inst \(rabbitmq-server\|ejabberd\) .*(\([^ ]*\) .*/\1-\2/p' | sort | tr '\n' '_')
folder=$cache/${name}otp$(erl -noshell -eval 'io:put_chars(erlang:system_info(otp_release)), halt().' </dev/null)
if [ ! -d "$folder" ]; then
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    flock 9
fi
if [ ! -d "$folder" ]; then
    echo "making $folder" >&2
    rm -rf "$folder.part" "$folder.deb"
    mkdir "$folder.part" "$folder.deb"
    (cd "$folder.deb" && apt-get -q download $packages) >"$folder.log" 2>&1 9>&- ||
        cannot "they cannot be downloaded: $(grep '^E:' "$folder.log" | head -n 1), see $folder.log"
    for package in "$folder.deb"/*.deb; do
        dpkg-deb -x "$package" "$folder.part"
    done
    rm -rf "$folder.deb"
    mv "$folder.part" "$folder"
fi
echo "$folder"
