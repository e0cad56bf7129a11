#!/bin/sh
# run.sh: the one test command. Installs what is missing (Debian), builds, runs every test, and ends with one line
# "N passed, M failed".
#
#   sh tests/run.sh              unit, plugin and live tests; the unit tests under sanitizers too, and seconds of each fuzz
#                                target (scons fuzz: minutes)
#   sh tests/run.sh NAME...      only the test programs whose name contains NAME
#   sh tests/run.sh --matrix     the live tests on OTP 27 and on the newest that Debian has too, in folders that it makes
#                                (matrix.sh); CI runs the death matrix there where the time allows
#   sh tests/run.sh --viewers    only the timelines in a real viewer (CI runs them with the rest)
#   sh tests/run.sh --apps       only the runs on real applications, RabbitMQ and ejabberd, under load (minutes): their packages
#                                are unpacked in a folder (apps/fetch.sh), nothing is installed
#   sh tests/run.sh --packages   only the Debian packages: built, installed, used, upgraded and purged in clean folders, which it makes,
#                                and a sink that is written and packaged there as plugins/README.md says (minutes; packages/)
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
. config/packages.sh
need_to_build
need_for_exporters
need erlang-runtime-tools:/usr/share/doc/erlang-runtime-tools erlang-tools:/usr/share/doc/erlang-tools elixir:elixir \
    sqlite3:sqlite3 jq:jq python3-pandas:/usr/share/doc/python3-pandas valgrind:valgrind pkgconf:pkg-config \
    faketime:faketime locales:/usr/share/i18n/locales clang-format-14:clang-format-14 g++:g++ clang:clang \
    erlang-ssl:/usr/share/doc/erlang-ssl openssl:openssl zsh:zsh groff-base:groff protobuf-compiler:protoc tmux:tmux

kinds=unit,plugins,e2e
if [ "${1:-}" = --viewers ]; then
    shift
    scons -Q -s -j2 variant=release build/release/beamtap build/release/plugins
    exec python3 tests/runner.py --build build/release --only viewers "$@"
fi
if [ "${1:-}" = --apps ]; then
    shift
    scons -Q -s -j2 variant=release build/release/beamtap build/release/plugins
    exec python3 tests/runner.py --build build/release --only apps --jobs 1 "$@" # by itself: answers are timed
fi
if [ "${1:-}" = --packages ]; then
    shift
    need debootstrap:debootstrap dpkg-dev:dpkg-buildpackage
    exec python3 -B tests/packages/packages.py "$@"
fi
[ -z "${CI:-}" ] || kinds=$kinds,viewers
matrix=
if [ "${1:-}" = --matrix ]; then
    shift
    matrix=all
elif [ -n "${CI:-}" ] && [ $# = 0 ]; then
    matrix=ci
fi
began=$(date +%s)

scons -Q -s -j2 variant=release
scons -Q -s -j2 variant=asan

out=$(mktemp)
trap 'rm -f "$out"' EXIT
status=0
python3 tests/runner.py --build build/release --only "$kinds" "$@" | tee "$out.1" || status=1
echo "under the address and undefined behaviour sanitizers:"
python3 tests/runner.py --build build/asan --only unit,plugins,fuzz "$@" | tee "$out.2" || status=1
# All folders first: a cluster of several releases has one of each.
roots=
for suite in ${matrix:+trixie sid}; do
    if [ "$matrix" = ci ]; then
        export BEAMTAP_MATRIX_LIMIT=180
        if [ $(($(date +%s) - began)) -gt 540 ]; then
            echo "# skipped: no live tests on Debian $suite, the others took too long; run sh tests/run.sh --matrix"
            continue
        fi
    fi
    root=$(sh tests/matrix.sh "$suite") || {
        echo "# skipped: no live tests on Debian $suite, its folder cannot be had (see above)"
        continue
    }
    roots=$roots${roots:+:}$root
done
if [ "$matrix" = ci ]; then
    set -- death
fi
for root in $(echo "$roots" | tr : ' '); do
    if [ "$matrix" = ci ] && [ $(($(date +%s) - began)) -gt 540 ]; then
        echo "# skipped: no live tests in $root, the others took too long; run sh tests/run.sh --matrix"
        continue
    fi
    echo "on OTP $(chroot "$root" erl -noshell -eval 'io:put_chars(erlang:system_info(otp_release)), halt().' </dev/null):"
    BEAMTAP_TEST_ROOT=$root BEAMTAP_OTP_ROOTS=$root BEAMTAP_CLUSTER_ROOTS=$roots \
        python3 tests/runner.py --build build/release --only e2e "$@" | tee "$out.${root##*/}" || status=1
done
total=$(cat "$out".* | awk '/^[0-9]+ passed, [0-9]+ failed$/ {p += $1; f += $3} END {print p+0 " passed, " f+0 " failed"}')
rm -f "$out".*
echo "$total"
case $total in
"0 passed"* | *[!\ 0-9a-z,]*) exit 1 ;;
*", 0 failed") exit 0 ;;
*) exit 1 ;;
esac
