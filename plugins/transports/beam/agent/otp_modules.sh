#!/bin/sh
# otp_modules.sh: otp_modules.hrl, from installed releases of Erlang/OTP and Elixir.
#
#   sh otp_modules.sh ROOT...     folders with usr/lib/erlang and usr/lib/elixir; / is this machine
#
# What stands there already stays: that one release or one machine lacks a module or an application takes nothing away.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
list=$here/otp_modules.hrl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# words FUNCTION: those that stand in the file by now.
words() {
    if [ -e "$list" ]; then
        sed -n "/^$1() ->/,/>>\\./p" "$list" | grep -o '"[^"]*"' | tr -d '"' | tr ' ' '\n' | grep . || true
    fi
}
# text FUNCTION: the words of standard input as a function with one binary, a space around each.
text() {
    echo "$1() ->"
    echo "    <<\" \""
    LC_ALL=C sort -u | tr '\n' ' ' | fold -s -w 112 | sed 's/.*/      "&"/'
    printf '\n    >>.\n'
}
words otp_applications >"$work/applications"
words otp_modules >"$work/modules"
for root in "$@"; do
    find "${root%/}/usr/lib/erlang/lib" "${root%/}/usr/lib/elixir/lib" -path '*/lib/*/ebin/*.beam' \
        -not -path '*/examples/*' 2>/dev/null >"$work/files" || true
    sed -E 's,.*/([a-z_0-9]+)(-[0-9.]+)?/ebin/.*,\1,' "$work/files" >>"$work/applications"
    sed -E 's,.*/ebin/(.*)\.beam$,\1,' "$work/files" >>"$work/modules"
done
{
    echo "%% otp_modules.hrl: the applications and modules of Erlang/OTP and Elixir, as otp_modules.sh found them."
    echo
    text otp_applications <"$work/applications"
    echo
    text otp_modules <"$work/modules"
} >"$work/list"
mv "$work/list" "$list"
