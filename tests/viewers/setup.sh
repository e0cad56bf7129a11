#!/bin/sh
# setup.sh DIR: puts a real timeline viewer into DIR: catapult, the code of chrome://tracing, and what drives it in a
# headless Chromium. Debian's chromium is built without that page, so its code comes from the Debian package that ships it
# for `go tool trace`; playwright-core comes from npm. Ends with 0 when all is there, with 1 and one line when it is not.
set -eu
dir=${1:?usage: setup.sh DIR}
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/config/packages.sh"
static=usr/share/go-1.19/src/cmd/trace/static
ready() {
    command -v chromium >/dev/null && command -v node >/dev/null && [ -f "$dir/$static/trace_viewer_full.html" ] &&
        [ -d "$dir/node_modules/playwright-core" ]
}
ready && exit 0
mkdir -p "$dir"
{
    need chromium:chromium nodejs:node npm:npm fonts-dejavu-core:/usr/share/fonts/truetype/dejavu || exit 1
    cd "$dir"
    if [ ! -f "$static/trace_viewer_full.html" ]; then
        apt-get download golang-1.19-src || { apt-get update && apt-get download golang-1.19-src; }
        dpkg-deb --fsys-tarfile golang-1.19-src_*.deb | tar -x "./$static"
        rm golang-1.19-src_*.deb
    fi
    [ -d node_modules/playwright-core ] || npm install --no-audit --no-fund --no-save playwright-core
} >"$dir/setup.log" 2>&1 || true
ready || { echo "the viewer cannot be had here: $(tail -n 1 "$dir/setup.log")"; exit 1; }
