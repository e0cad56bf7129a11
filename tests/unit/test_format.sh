#!/bin/sh
# test_format.sh: clang-format changes nothing. Versions lay out some lines differently: the one that counts is 14, and where
# only another one is there nothing is judged.
cd "$(dirname "$0")/../.." || exit 1
format=
for command in clang-format-14 clang-format; do
    case $("$command" --version 2>/dev/null) in *" version 14."*) format=$command && break ;; esac
done
[ -n "$format" ] || { echo "# skipped: there is no clang-format 14" && exit 0; }
# A file that is badly laid out is found.
printf 'int f( void ){return 0 ;}\n' | "$format" --assume-filename=core/x.c --dry-run -Werror >/dev/null 2>&1 &&
    echo "not ok format_is_judged: a bad file passes" || echo "ok format_is_judged"
files=$(find core plugins tests -name '*.[ch]')
if out=$(echo "$files" | xargs "$format" --dry-run -Werror 2>&1); then
    echo "ok files_are_formatted"
else
    echo "not ok files_are_formatted: run $format -i on $(echo "$out" | sed -n 's/^\([^:]*\):.*/\1/p' | sort -u | tr '\n' ' ')"
fi
wide=$(echo "$files" | xargs awk 'length($0) > 100 {print FILENAME ":" FNR}' | head -n 5 | tr '\n' ' ')
[ -z "$wide" ] && echo "ok lines_have_100_columns" || echo "not ok lines_have_100_columns: $wide"
