#!/bin/sh
# test.sh: what the sink writes of a recording that has one call.
set -e
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
BEAMTAP_PLUGIN_PATH=. beamtap export one_call.btf --sink lines:path="$out/calls.txt" --quiet
printf '%s\n' '1.000 <0.100.0> shop_cart:add/2 1,<<"tea">>' | diff - "$out/calls.txt"
echo "ok: it writes what it should"
