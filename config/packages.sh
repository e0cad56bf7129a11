# packages.sh: sourced by quickstart.sh and tests/run.sh. need PACKAGE:PROBE... installs the Debian packages whose probe
# (a command's name or a file) is not there. Where something is missing and we are not root, it says what to run.
need() {
    missing=
    for pair in "$@"; do
        package=${pair%%:*} probe=${pair#*:}
        case $probe in
        /*) [ -e "$probe" ] || missing="$missing $package" ;;
        *) command -v "$probe" >/dev/null 2>&1 || missing="$missing $package" ;;
        esac
    done
    [ -z "$missing" ] && return 0
    if [ "$(id -u)" != 0 ]; then
        echo "beamtap: missing packages; run: sudo apt-get install$missing" >&2
        return 1
    fi
    echo "beamtap: installing$missing" >&2
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >&2
}

need_to_build() {
    need gcc:gcc libc6-dev:/usr/include/stdlib.h scons:scons erlang-base:erl erlang-dev:/usr/lib/erlang/usr/include/ei.h \
        libinih-dev:/usr/include/ini.h libcjson-dev:/usr/include/cjson/cJSON.h libcunit1-dev:/usr/include/CUnit/CUnit.h \
        zlib1g-dev:/usr/include/zlib.h libzstd-dev:/usr/include/zstd.h libncurses-dev:/usr/include/curses.h
}

# What exporters are made with: where it is missing they are left out.
need_for_exporters() {
    need libsqlite3-dev:/usr/include/sqlite3.h libcurl4-openssl-dev:curl-config
}
