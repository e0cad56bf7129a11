"""beamtap trace: one line gives a first answer, and stands for a configuration file that says the same."""
import collections, csv, gzip
from lib import *

compile_erlang('e2e_call.erl')


def trace(*args, **more):
    return Run(None, *args, command='trace', **more)


def busy(node):
    """Calls e2e_call:add(N, 1) for N = 1, 2, 3, ... and tells a process `sink` of each."""
    node('register(sink, spawn(fun F() -> receive _ -> F() end end)), '
         'spawn(fun() -> (fun F(N) -> e2e_call:add(N, 1), sink ! {order, N}, receive after 2 -> F(N + 1) end end)(1) end), ok')


def a_first_answer_is_on_the_terminal():
    node = Node()
    busy(node)
    run = trace(node.name, 'e2e_call:add(N, _) when N > 3 -> return', '--count', '20').ended(0)
    lines = run.out().splitlines()
    calls = [re.search(r'-> e2e_call:add\((\d+), 1\)', line) for line in lines]
    calls = [int(m[1]) for m in calls if m]
    assert len(calls) >= 4 and min(calls) > 3 and calls == list(range(calls[0], calls[0] + len(calls))), run.out()
    returned = [int(m[1]) for m in (re.search(r'e2e_call:add/2 = (\d+)', line) for line in lines) if m]
    # The first calls of a process may come by their arity alone: until its heap was looked at.
    assert len(returned) >= 4 and all(r - 1 in calls or r - 1 < calls[0] for r in returned), run.out()
    assert 'max_events' in run.err() or 'ended' in run.err(), run.err()
    node.clean()


def patterns_are_elixirs_where_the_function_is():
    node = Node()
    run = trace(node.name, ':e2e_call.echo(%{id: n, name: "ab" <> rest}) when n in 1..9 and rest != "x" -> return', '--for', '10s',
                '-o', 'a.csv', '-o', 'b.txt')
    node.traced()
    node('[e2e_call:echo(T) || T <- [#{id => 3}, #{id => 10, name => <<"abc">>}, #{id => 3, name => <<"abx">>}, #{id => 3, name => ab},'
         '#{id => 4, name => <<"abc">>, more => 1}, #{id => 5, name => <<"ab">>}, [], #{id => 4.0, name => <<"abc">>}]], ok')
    wait_for(lambda: len(run.read('b.txt').splitlines()) >= 4, 'the calls')
    run.interrupt()
    found = [(r['event'], r['message']) for r in rows(run, 'a.csv')]
    assert [kind for kind, _ in found] == 2 * ['function_call', 'function_return'], found
    # The first call of a process may come by its arity alone: its heap is looked at then.
    assert '"ab"' in run.read('b.txt') and 'id: 5' in run.read('b.txt'), run.read('b.txt')
    node.clean()


def without_a_name_it_is_the_node_that_is_there():
    """The first test: epmd is this program's own, and knows no other nodes yet."""
    run = trace('e2e_call:add/2').ended(1)
    assert 'no epmd runs at localhost' in run.err(), run.err()
    one = Node('alone')
    busy(one)
    run = trace('e2e_call:add/2', '--count', '3').ended(0)
    assert run.out().count('-> e2e_call:add') == 3 and one.name in run.err(), (run.out(), run.err())
    one.clean()
    two = Node('second')
    run = trace('e2e_call:add/2').ended(1)
    assert re.search(r'several nodes.*(alone.*second|second.*alone)', run.err()), run.err()
    one.stop(), two.stop()


def it_ends_by_itself():
    node = Node()
    run = trace(node.name, 'e2e_call:add/2', '--for', '300ms', '--json').ended(0)
    assert 'function_call' not in run.out()
    node.clean()


def files_go_by_their_endings():
    node = Node()
    busy(node)
    run = trace(node.name, 'e2e_call:add/2 -> return', 'send(_, {order, _})', '-o', 'a.csv', '-o', 'b.json.gz', '-o', 'c.btf',
                '-o', 'd.jsonl', '-o', 'e.txt', '-o', 'f.csv.gz', '-o', 'g.html', '--for', '500ms', '--json').ended(0)
    invariant(run.summary())
    wrote = {s['sink']: s['written'] for s in run.summary()['sinks']}
    assert len(wrote) == 7 and len(set(wrote.values())) == 1 and min(wrote.values()) > 50, wrote
    found = rows(run, 'a.csv')
    kinds = collections.Counter(r['event'] for r in found)
    assert set(kinds) == {'function_call', 'function_return', 'message_send'}, kinds
    with gzip.open(run.path('f.csv.gz'), 'rt', newline='', encoding='utf-8') as f:
        assert len(only_events(csv.DictReader(f))) == len(found)
    assert len(json_rows(run.read('d.jsonl'))) == len(found)
    with gzip.open(run.path('b.json.gz'), 'rb') as f:
        assert json.loads(f.read())['traceEvents']
    assert 'e2e_call:add/2' in run.read('g.html') and run.read('g.html').endswith('</html>\n')
    again = Run(None, 'c.btf', '--sink', 'csv:path=again.csv', command='export', cwd=run.dir).ended(0)
    assert len(rows(again, 'again.csv')) == len(found)
    node.clean()


def modules_and_processes():
    node = Node()
    busy(node)
    run = trace(node.name, 'e2e_c*', '--pids', 'new', '--for', '10s', '-o', 'a.csv')
    node.traced()
    node('e2e_call:add(1, 1)')  # of a process that was there
    node('spawn(fun() -> e2e_call:echo(mine) end)')
    wait_for(lambda: node('e2e_node:traced()') == 'true' and 'echo' in run.read('a.csv'), 'the call of the new process')
    run.interrupt()
    assert {r['function'] for r in rows(run, 'a.csv')} == {'echo'}, rows(run, 'a.csv')
    node.clean()


def the_file_that_it_stands_for():
    """--print-config traces nothing, and what it prints is accepted and asks for the same."""
    for args in (['lists:map(_, [X | _]) when X > 1; X < 0 -> return', 'send(To, {order, _})'],
                 ['Shop.Cart.add/2 -> return, exception', '--count', '7', '--pids', 'shop_door,new', '-o', 'a.jsonl', '-o', 'b.json.gz'],
                 ['shop_*', '--events', 'function_call, process_exit', '--for', '2s', '--sink', 'csv:path=x.csv,columns=ts,pid',
                  '--sink', 'csv:path=y.csv'],
                 ['Shop.Cart.add(%Shop.Item{id: x}, "a;b", <<"c", _::binary>>) when x == 1 when x == :b # %{', ':lists.map(_, a: 1)'],
                 ["'odd name':'f g'(\"a;b\", '%') when true", '--elixir'],
                 ['--pids', 'shop_door', '--set', 'session.max_rate=5000', '--set', 'sink:stdout.time=absolute']):
        printed = trace('shop@nowhere', *args, '--print-config').ended(0)
        file = Run(printed.out(), command='check').ended(0)
        assert 'shop@nowhere' in file.out(), file.out()
        for word in args:
            if ':' in word and not word.startswith(('csv', 'session', 'sink')):
                assert word in printed.out(), (word, printed.out())
        again = Run(printed.out(), command='run')
        assert re.search(r'shop@nowhere', again.ended(1).err()), again.err()
    for args, words in ((['-o', 'a ;b.csv'], r'this cannot be written in a file: path = a ;b\.csv \(--set alone can say it'),
                        (['--sink', 'pipe:command=cat ;true'], 'this cannot be written in a file: command = cat ;true'),
                        (['--set', 'filter:nodes.nodes=shop@*, ;x @y'], r'this cannot be written in a file: nodes = shop@\*,;x @y'),
                        (['-o', 'a\u00a0b.csv'], 'would print:10:9.*no-break space')):
        run = trace('shop@nowhere', 'lists', *args, '--print-config').ended(2)
        assert re.search(words, run.err()) and not run.out(), (run.err(), run.out())
    spaced = trace('shop@nowhere', 'send (To, {order, _})', '--print-config').ended(0).out()
    assert 'events = message_send\n' in spaced, spaced


def what_has_an_at_may_be_a_pattern():
    for words, nodes, patterns in (
            (['gleam@list:map -> return'], '*@localhost', ['gleam@list:map -> return']), (['gleam@list:map'], '*@localhost', ['gleam@list:map']),
            (['a@b', 'gleam@list:map'], 'a@b', ['gleam@list:map']), (['a@b:14370', 'm'], 'a@b:14370', ['m']),
            (['a@[::1]:14370', 'm'], 'a@[::1]:14370', ['m']), (['a@[::1]', 'm'], 'a@[::1]', ['m']), (['a@b, c@d:1', 'm'], 'a@b, c@d:1', ['m']),
            (['*@localhost', 'm'], '*@localhost', ['m'])):
        printed = Run(None, *words, '--print-config', command='trace').ended(0).out()
        assert 'nodes = %s\n' % nodes in printed and re.findall('trace = (.*)', printed) == patterns, (words, printed)


def a_key_that_is_set_again_is_printed_once():
    """A file that gives a key twice is refused: of what the command says itself and what --set says the last holds."""
    for command, args, words in (
            ('trace', ['shop_cart', '--set', 'session.max_events=0'], 'max_events = 0'),
            ('trace', ['shop_cart', '--for', '2s', '--set', 'session.duration=3s', '--set', 'session.duration=4s'], 'duration = 4s'),
            ('trace', ['shop_cart', '--set', 'sink:stdout.names=false'], 'names = false'),
            ('trace', ['shop_cart', '-o', 'a.csv', '--set', 'sink:csv.plugin=stdout'], 'plugin = stdout'),
            ('trace', ['a', 'b', '--set', 'filter:match_spec.trace=c', '--set', 'session.nodes=till@nowhere,shop@nowhere'], 'trace = c'),
            ('top', ['--set', 'session.mailbox=100ms'], 'mailbox = 100ms'),
            ('profile', ['shop_cart', '--interval', '1s', '--set', 'session.interval=2s'], 'interval = 2s')):
        printed = Run(None, 'shop@nowhere', *args, '--print-config', command=command).ended(0).out()
        assert printed.count(words + '\n') == 1, (args, printed)
        for section in printed.split('\n\n'):
            keys = [line.split(' = ')[0] for line in section.splitlines()[1:]]
            assert len(keys) == len(set(keys)) or keys == ['trace'] * 3, (args, section)
        file = Run(printed, command='check').ended(0)
        assert 'shop@nowhere' in file.out(), file.out()
    lines = trace('shop@nowhere', 'm:f(X) when\n  X > 1;\n  X < 0', '--print-config').ended(0).out()
    assert 'X < 0' in lines and 'shop@nowhere' in Run(lines, command='check').ended(0).out(), lines
    refused = trace('shop@nowhere', 'shop_cart', '-o', 'a ;b.csv', '--print-config').ended(2)
    assert 'this cannot be written in a file' in refused.err() and not refused.out(), (refused.err(), refused.out())


def what_is_wrong_is_told_before_any_node_is_touched():
    for args, words in (([], 'what is to be traced?'), (['a@b'], 'what is to be traced?'), (['a@b', 'lists:map('], r'trace.*expected'),
                        (['a@b', 'Shop.Cart.add(%{id: x}) when x =~ "a"'], r"match_spec.trace \(character 32\).*'=~' cannot be used here"),
                        (['a@b', 'x:y', '-o', 'a.foo'], r'no installed sink writes such a file \(there are: .*\.csv'),
                        (['a@b', 'x:y', '-o', 'csv'], 'no installed sink'), (['a@b', 'x:y', '-o'], '-o needs a value'),
                        (['a@b', 'x:y', '--for', 'soon'], "invalid value 'soon' for 'duration'"),
                        (['a@b', 'x:y', '--count', 'many'], "invalid value 'many' for 'max_events'"),
                        (['a@b', 'x:y', '--cuont', '1'], "unknown option '--cuont'"),
                        (['a@b', 'x:y', '--events', 'function_cal'], "did you mean 'function_call'"),
                        (['a@b', 'x:y', '--set', 'sink:stdout.pth=a'], "did you mean 'path'"),
                        (['a@b', 'lists:map(', '--print-config'], r'trace.*expected')):
        run = trace(*args).ended(2)
        assert re.search(words, run.err()) and not run.out(), (args, run.err(), run.out())
        assert os.listdir(run.dir) and set(os.listdir(run.dir)) == {'stderr', 'stdout'}, os.listdir(run.dir)


if __name__ == '__main__':
    tests(without_a_name_it_is_the_node_that_is_there, a_first_answer_is_on_the_terminal, patterns_are_elixirs_where_the_function_is,
          it_ends_by_itself, files_go_by_their_endings, modules_and_processes,
          the_file_that_it_stands_for, a_key_that_is_set_again_is_printed_once, what_has_an_at_may_be_a_pattern,
          what_is_wrong_is_told_before_any_node_is_touched)
