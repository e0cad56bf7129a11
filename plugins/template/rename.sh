#!/bin/sh
# rename.sh NAME: the sink gets your name, in all files of this folder; then this script is of no more use, and goes.
set -eu
cd "$(dirname "$0")"
name=${1:-}
case $name in
'' | [!a-z]* | *[!a-z0-9_]*)
    echo "usage: sh rename.sh NAME (small letters, digits and _, a letter first)" >&2
    exit 2
    ;;
esac
package=$(echo "$name" | tr _ -)
for file in beamtap_sink_lines.c Makefile README.md test.sh debian/control debian/changelog debian/copyright; do
    sed -i -e "s/beamtap-sink-lines/@package@/g" -e "s/\(\b\|_\)lines\b/\1$name/g" -e "s/@package@/beamtap-sink-$package/g" "$file"
done
sed -i -e '/^> /d' -e '2{/^$/d}' README.md
mv beamtap_sink_lines.c "beamtap_sink_$name.c"
rm rename.sh
