"""What processes are called, asked of the node: a name of each kind, over either transport, played again, and never while
scheduling is traced; and the lengths of mailboxes, when asked for."""
from lib import *

INI = """[session]
nodes = %s
events = %s
max_rate = 0
[transport:%s]
[filter:match_spec]
trace = e2e_names:work/1
[sink:chrome]
path = trace.json
[sink:csv]
path = trace.csv
columns = ts, node, event, pid, module, function, arity, peer, message, metadata, process
[sink:record]
path = trace.btf
[sink:summary]
path = summary.txt
top = 100
"""
compile_erlang('e2e_names.erl')
node = Node()
pids = dict(re.findall(r'\{(\w+),(<[\d.]+>)\}', node('e2e_names:start()')))
release = int(node('list_to_integer(erlang:system_info(otp_release))'))
one_key = node("(catch process_info(self(), {dictionary, k}))").startswith('{{dictionary')
labels = node('erlang:function_exported(proc_lib, set_label, 1)') == 'true'


def begin(*args, events='function_call', transport='dist'):
    run = Run(INI % (node.name, events, transport), '--json', *args)
    node.traced()
    assert node('e2e_names:all()') == 'ok'
    return run


def titles(run, name='trace.json'):
    """What each process was called last, by its pid."""
    trace = json.loads(run.read(name))
    given = [e['args']['name'] for e in trace['traceEvents'] if e['name'] == 'thread_name']
    return {pid[0]: title for title in given if (pid := re.search(r'<[\d.]+>$', title))}


def known(run):
    """The names of all that have one are in the file: it is whole whenever no write is under way."""
    try:
        found = titles(run)
    except ValueError:
        return False
    return all(found.get(pids[kind]) == '%s %s' % (title, pids[kind]) for kind, title in expected().items())


def expected():
    names = {'registered': 'e2e_registered', 'plain': 'e2e_names:plain/0'}
    if one_key:
        names.update(server='e2e_names:init/1', proc_lib='e2e_names:by_proc_lib/0')
    names['labelled'] = '{cart,7}' if labels else 'e2e_names:labelled/1'
    names['huge_label'] = 'e2e_names:labelled/1'
    return names


def end(run):
    run.interrupt()
    assert run.code == 0, run.err()
    invariant(run.summary())
    assert all(s['lost'] == 0 for s in run.summary()['sinks']), run.summary()['sinks']
    node.clean()


def each_kind_of_name():
    for transport in ('dist', 'tcp'):
        run = begin(transport=transport)
        wait_for(lambda: known(run), 'the names %s; there are %s' % (expected(), titles(run)))
        assert node('e2e_names:all()') == 'ok'  # so that there are rows behind what was told
        end(run)
        found = titles(run)
        for kind in ('fun_', *(() if one_key else ('server', 'proc_lib'))):  # nobody knows more of these than their pids
            assert found[pids[kind]] == pids[kind], (kind, found)
        table = run.read('summary.txt').split('Busiest processes')[1].split('\n\n')[0].rstrip('\n').split('\n')[2:]
        summed = {title.split(' ')[-1]: title for title in (line[47:].strip() for line in table)}
        assert summed == found and len(found) > 5, (summed, found)  # the summary calls them so too
        last = {r['pid']: r['process'] for r in rows(run) if r['event'] != 'gap'}
        assert last == {pid: title.removesuffix(pid).strip() for pid, title in found.items()}, (last, found)
        again = Run(None, run.path('trace.btf'), '--sink', 'chrome:path=again.json', '--json', command='export').ended(0)
        assert titles(again, 'again.json') == found


def nobody_is_asked():
    """Not with names = false, and not while scheduling is traced: only registered names are told, which wakes nobody."""
    for args, events in ((('--set', 'session.names=false'), 'function_call'), ((), 'function_call, schedule_in')):
        run = begin(*args, events=events)
        wait_for(lambda: os.path.getsize(run.path('trace.json')) > 300 and 'e2e_registered' in run.read('trace.json'), 'events')
        end(run)
        found = titles(run)
        assert found[pids['registered']] == 'e2e_registered ' + pids['registered'], found
        assert found[pids['plain']] == pids['plain'] and found[pids['labelled']] == pids['labelled'], found


def mailboxes():
    def points(run):
        trace = json.loads(run.read('trace.json'))
        return [(e['ts'], e['args']['messages']) for e in trace['traceEvents']
                if e['ph'] == 'C' and e['name'].startswith('mailbox ') and pids['proc_lib'] in e['name']]

    def drawn(run, length):
        try:
            return any(n == length for _, n in points(run))
        except ValueError:
            return False

    for transport in ('dist', 'tcp'):
        node('e2e_names:all()')
        run = begin('--set', 'session.mailbox=20ms', transport=transport)
        wait_for(lambda: drawn(run, before()), 'the mailbox as it is')
        now = before() + 100
        assert node('e2e_names:fill(proc_lib, 100)') == 'ok'
        wait_for(lambda: drawn(run, now), 'a hundred messages more')
        end(run)
        times = [ts for ts, _ in points(run)]
        assert times == sorted(times) and {n for _, n in points(run)} <= {now - 100, now}, points(run)
    bad = Run(INI % (node.name, 'function_call, schedule_out', 'dist'), '--set', 'session.mailbox=1s').ended(2)
    assert 'to look at a mailbox wakes its process' in bad.err(), bad.err()


def before():
    return int(node('element(2, process_info(element(2, lists:keyfind(proc_lib, 1, get(e2e_names))), message_queue_len))'))


tests(each_kind_of_name, nobody_is_asked, mailboxes)
