#!/bin/sh
# test_agent.sh: the agent alone, without the collector (agent_test.erl), and its beam, which must be what OTP 25 makes of
# its sources.
#
#   sh test_agent.sh [NAME]      only the tests whose name contains NAME
#
# Other releases are tested too where their roots are: BEAMTAP_OTP_ROOTS, separated by colons, each a folder to chroot into
# (tests/matrix.sh makes such folders); none by default.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
agent=$here/../../plugins/transports/beam/agent
work=$(mktemp -d)
ERL_EPMD_PORT=$(awk 'BEGIN { srand(); print 20000 + int(rand() * 39999) }' </dev/null)
ERL_EPMD_PORT=$((20000 + ($ERL_EPMD_PORT + $$) % 40000))
export ERL_EPMD_PORT ERL_CRASH_DUMP=/dev/null
finish() {
    epmd -port "$ERL_EPMD_PORT" -kill >/dev/null 2>&1 || true
    rm -rf "$work"
    for root in $(echo "$BEAMTAP_OTP_ROOTS" | tr : ' '); do
        rm -rf "$root/beamtap-${work##*/}"
    done
}
trap finish EXIT
BEAMTAP_OTP_ROOTS=${BEAMTAP_OTP_ROOTS:-}

name=$(escript "$agent/build.escript" "$work/rebuilt.beam")
status=0
release=$(erl -noshell -eval 'io:put_chars(erlang:system_info(otp_release)), halt().')
if [ "$release" != 25 ]; then
    echo "# skipped agent.beam_is_current: this is OTP $release, the beam is made by 25"
elif cmp -s "$work/rebuilt.beam" "$agent/beamtap_agent.beam"; then
    echo "ok agent.beam_is_current"
else
    echo "not ok agent.beam_is_current: beamtap_agent.beam is not what its sources give; run build.escript"
    status=1
fi

mkdir "$work/sources"
cp "$here"/agent_*.?rl "$here/e2e_node.erl" "$here/e2e_work.erl" "$here/e2e_call.erl" "$work/sources"
erlc -o "$work" "$work"/sources/*.erl
rm "$work/rebuilt.beam"
erl -noshell -hidden -sname "agent_test_$$@localhost" -setcookie "agent$$" -pa "$work" \
    -kernel logger_level critical \
    -run agent_test main "$agent/beamtap_agent.beam" "$name" "$work" "$BEAMTAP_OTP_ROOTS" "${1:-}" \
    </dev/null || status=1
exit $status
