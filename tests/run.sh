#!/bin/sh
# run.sh: the one test command. Installs what is missing (Debian), builds, runs every test, and ends with one line
# "N passed, M failed".
#
#   sh tests/run.sh              unit, plugin and live tests; the unit tests under sanitizers too
#   sh tests/run.sh NAME...      only the test programs whose name contains NAME
#   sh tests/run.sh --viewers    only the timelines in a real viewer (CI runs them with the rest)
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
. config/packages.sh
need_to_build
need erlang-runtime-tools:/usr/share/doc/erlang-runtime-tools erlang-tools:/usr/share/doc/erlang-tools elixir:elixir \
    sqlite3:sqlite3 jq:jq python3-pandas:/usr/share/doc/python3-pandas valgrind:valgrind pkgconf:pkg-config \
    faketime:faketime

kinds=unit,plugins,e2e
if [ "${1:-}" = --viewers ]; then
    shift
    scons -Q -s -j2 variant=release build/release/beamtap build/release/plugins
    exec python3 tests/runner.py --build build/release --only viewers "$@"
fi
[ -z "${CI:-}" ] || kinds=$kinds,viewers

scons -Q -s -j2 variant=release
scons -Q -s -j2 variant=asan

out=$(mktemp)
trap 'rm -f "$out"' EXIT
status=0
python3 tests/runner.py --build build/release --only "$kinds" "$@" | tee "$out.1" || status=1
echo "under the address and undefined behaviour sanitizers:"
python3 tests/runner.py --build build/asan --only unit,plugins "$@" | tee "$out.2" || status=1
total=$(cat "$out.1" "$out.2" | awk '/^[0-9]+ passed, [0-9]+ failed$/ {p += $1; f += $3} END {print p+0 " passed, " f+0 " failed"}')
rm -f "$out.1" "$out.2"
echo "$total"
case $total in
"0 passed"* | *[!\ 0-9a-z,]*) exit 1 ;;
*", 0 failed") exit 0 ;;
*) exit 1 ;;
esac
