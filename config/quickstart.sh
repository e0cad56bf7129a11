#!/bin/sh
# quickstart.sh: from nothing to a page that shows a trace. Installs what is missing (Debian), builds, starts a demo node, traces it for
# three seconds, and leaves trace.html, trace.json and trace.csv in the folder you call it from.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
. "$here/packages.sh"
need_to_build

(cd "$top" && scons -Q -s variant=release build/release/beamtap build/release/plugins)
beamtap=$top/build/release/beamtap

work=$(mktemp -d)
# A cookie and an epmd port of the demo's own: nothing of yours is touched.
BEAMTAP_COOKIE=quickstart$$
ERL_EPMD_PORT=$((20000 + $$ % 20000))
export BEAMTAP_COOKIE ERL_EPMD_PORT
erlc -o "$work" "$here"/demo/*.erl
erl -noinput -sname beamtap_demo@localhost -setcookie "$BEAMTAP_COOKIE" -kernel logger_level none -pa "$work" \
    -eval "demo:start(), ok = file:write_file(\"$work/open\", [])" &
node=$!
finish() {
    kill "$node" 2>/dev/null || true
    wait "$node" 2>/dev/null || true
    epmd -port "$ERL_EPMD_PORT" -kill >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

tries=0
until [ -e "$work/open" ]; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { echo "quickstart: the demo node did not start" >&2; exit 1; }
    sleep 0.1
done

"$beamtap" run "$here/quickstart.ini"

cat <<EOF

trace.html  a page: open it in your browser
trace.json  a timeline: open https://ui.perfetto.dev (or chrome://tracing) and drop the file on it
trace.csv   a table:    sqlite3 :memory: '.import --csv trace.csv t' 'select event, count(*) from t group by 1'

Next: your own node. Copy $here/calls.ini, put its name under nodes, and run
    $beamtap run calls.ini
EOF
