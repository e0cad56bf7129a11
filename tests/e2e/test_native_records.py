"""Native records, a kind of term that is new in OTP 29: no tracer may end the node for them, and a process prints them as the node does."""
from lib import *
from native_lib import *

RECORDS = ('records:create(shop, item, [{id, 1}, {name, <<"a">>}, {more, [x, {y}]}], #{is_exported => true})',
           "records:create('Shop', 'my item', [{'B c', #{}}], #{is_exported => false})", 'records:create(shop, none, [], #{is_exported => true})')
CALLS = RECORDS + tuple('{<<5:3>>, [%s], #{%s => 1.5}}' % (r, r) for r in RECORDS) + ('{12345678901234567890, make_ref(), fun e2e_native:echo/1}',)


def traced_calls(how):
    """What is in the file of calls and their values, and what the node says that they are."""
    node = node_of()
    if not node('code:ensure_loaded(records)').startswith('{module'):
        node.stop()
        return None
    text = config(node, 'events = function_call, function_return\n[filter:match_spec]\ntrace = e2e_native:echo(_) -> return\n')
    run = Run(text.replace('collect = native', 'collect = ' + how), '--json')
    node.traced()
    said = [node('lists:flatten(io_lib:format("~0p", [e2e_native:echo(%s)]))' % call) for call in CALLS]
    run.interrupt().ended(0)
    summary = run.summary()
    invariant(summary)
    assert summary['nodes'][0]['produced'] == 2 * len(CALLS) and summary['nodes'][0]['lost'] == 0, summary
    node.clean()
    node.stop()
    found = [r for r in rows(run) if r['function'] == 'echo']
    return found, [json.loads(s) for s in said]


def a_process_tells_what_the_node_does():
    result = traced_calls('process')
    if not result:
        print('# skipped: no native records before OTP 29')
        return
    found, said = result
    assert [r['message'] for r in found[0::2]] == ['[%s]' % s for s in said], (found, said)
    values = [r['message'] for r in found[1::2]]
    assert values == said, (values, said)


def the_native_tracer_leaves_them_out():
    """It can neither read nor measure them."""
    result = traced_calls('native')
    if not result:
        print('# skipped: no native records before OTP 29')
        return
    found, said = result
    calls = [r['message'] for r in found[0::2]]
    n = len(RECORDS)
    assert calls[:n] == ['[...]'] * n, calls
    assert calls[n:2 * n] == ['[{<<5:3>>,[...],#{... => 1.5}}]'] * n, calls
    assert calls[2 * n:] == ['[%s]' % s for s in said[2 * n:]], (calls, said)
    assert all(r['metadata'] == 'truncated=0' for r in found[1:2 * n:2]), found


tests(a_process_tells_what_the_node_does, the_native_tracer_leaves_them_out)
