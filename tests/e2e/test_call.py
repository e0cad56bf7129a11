"""beamtap call: the result or how it ended, and exactly the events of the call, each time."""
import collections, csv
from lib import *

compile_erlang('e2e_call.erl')


def call(node, *args):
    return Run(None, node.name, *args, command='call').wait()


def events(run, name='a.csv'):
    with open(run.path(name), newline='', encoding='utf-8') as f:
        return only_events(csv.DictReader(f))


def counts(run):
    return dict(collections.Counter(r['event'] for r in events(run) if r['event'] not in ('node_up', 'node_down', 'plan')))


def figures(run):
    line = json.loads(run.out())
    assert line['produced'] == line['kept'] + line['filtered'] + line['lost'], line
    return line


CSV = ('--sink', 'csv:path=a.csv', '--json')


def a_result_is_printed_alone():
    node = Node()
    run = call(node, 'e2e_call', 'add', '[20, 22]').ended(0)
    assert run.out() == '42\n', run.out()
    assert re.search(r'function_call e2e_call:add/2 \[20,22\]', run.err()), run.err()
    assert re.search(r'function_return e2e_call:add/2 42', run.err()), run.err()
    assert len(run.err().splitlines()) == 2, run.err()
    node.clean()


def every_end_has_its_events():
    node = Node()
    killed = {'function_call': 1, 'function_exception': 1, 'process_exit': 1}  # OTP 25 says both
    if node('erlang:system_info(otp_release)') != '"25"':
        del killed['function_exception']
    raised = {'function_call': 1, 'function_exception': 1}
    node('erl_eval:expr({integer,1,1}, [])')
    cases = [('add', '[1, 2]', 'returned', '3', {'function_call': 1, 'function_return': 1}, 0),
             ('throws', '[x]', 'throw', '{thrown,x}', raised, 1),
             ('exits', '[{a, "text"}]', 'exit', '{exited,{a,"text"}}', raised, 1),
             ('fails', '[#{k => <<"v">>}]', 'error', '{failed,#{k => <<"v">>}}', raised, 1),
             ('killed', '[]', 'died', 'killed', killed, 1),
             ('sleeps', '[]', 'timeout', '', killed, 1)]
    for function, arguments, end, value, expected, code in cases:
        run = call(node, 'e2e_call', function, arguments, '--timeout', '500ms' if end == 'timeout' else '60s', *CSV)
        assert run.code == code, (function, run.code, run.err())
        line = figures(run)
        assert (line['end'], line['value']) == (end, value), line
        assert counts(run) == expected, (function, counts(run))
        assert line['produced'] == sum(expected.values()) and line['lost'] == 0, line
    node.clean()


def nine_hundred_processes_are_all_of_it():
    node = Node()
    run = call(node, 'e2e_call', 'spawns', '[900]', '--timeout', '60s', *CSV).ended(0)
    expected = {'function_call': 2703, 'function_return': 2703, 'process_spawn': 900, 'process_start': 900,
                'process_exit': 900, 'message_receive': 900}
    assert counts(run) == expected, counts(run)
    assert figures(run)['produced'] == sum(expected.values())
    rows = events(run)
    children = {r['peer'] for r in rows if r['event'] == 'process_spawn'}
    assert len(children) == 900 and {r['pid'] for r in rows if r['event'] == 'process_exit'} == children
    node.clean()


def nothing_else_is_in_it():
    """While others work and a server answers: the request and the reply, and neither the server's work nor the others'."""
    node = Node()
    node('register(server, spawn(e2e_call, serve, []))')
    node('[spawn(fun() -> (fun F() -> e2e_call:echo(busy), receive after 1 -> F() end end)() end) || _ <- lists:seq(1, 5)], ok')
    run = call(node, 'e2e_call', 'asks', '[server, 21]', *CSV).ended(0)
    assert counts(run) == {'function_call': 1, 'function_return': 1, 'message_send': 1, 'message_receive': 1}, counts(run)
    assert figures(run)['value'] == '42'
    node.clean()


def a_sink_has_commas_in_its_values():
    """By the same rule as for export (tests/unit/test_sink_args.c), twice the same sink too."""
    node = Node()
    run = call(node, 'e2e_call', 'add', '[1, 2]', '--sink', 'csv:path=a,b.csv,columns=event,pid', '--sink=csv:path=a.csv,,c=d',
               '--json').ended(0)
    assert run.read('a,b.csv').startswith('event,pid\n') and run.read('a.csv,c=d').startswith('ts,node,event,'), run.err()
    for command, arguments in (('call', [node.name, 'm', 'f']), ('export', ['no.btf'])):
        refused = Run(None, *arguments, '--sink', command=command).ended(2)
        assert '--sink needs a value after it' in refused.err(), refused.err()
        help = Run(None, '--help', command=command).ended(0)
        assert 'a comma begins the next KEY=VALUE where KEY= follows it' in help.out(), help.out()
    node.stop()


def what_an_output_lacks_is_told():
    """Its own losses, not only those of the node: here of a reader that goes."""
    node = Node()
    for more, code in (((), 0), (('--set', 'session.fail_on_loss=true'), 3)):
        folder = tempfile.mkdtemp(dir=work)
        os.mkfifo(folder + '/pipe')
        reader = subprocess.Popen(['head', '-c', '1000', folder + '/pipe'], stdout=subprocess.DEVNULL)
        started.append(reader)
        run = Run(None, node.name, 'e2e_call', 'spawns', '[900]', '--timeout', '60s', '--sink', 'csv:path=pipe', *CSV, *more,
                  command='call', cwd=folder).ended(code)
        [pipe, whole] = figures(run)['sinks']
        assert (pipe['sink'], whole['sink']) == ('sink:csv', 'sink:csv_2'), run.out()
        assert pipe['lost'] > 0 and pipe['written'] + pipe['lost'] == whole['written'] == figures(run)['produced'], run.out()
        assert '[sink:csv] lacks %d of %d events' % (pipe['lost'], whole['written']) in run.err(), run.err()
        assert '[sink:csv_2] lacks' not in run.err() and ('fail_on_loss is set' in run.err()) == (code == 3), run.err()
    run = call(node, 'e2e_call', 'add', '[20, 22]', '--set', 'session.fail_on_loss=true').ended(0)
    assert run.out() == '42\n', run.out()
    node.clean()


def an_endless_busy_call_is_killed():
    node = Node()
    run = call(node, 'e2e_call', 'spins', '--timeout', '500ms', '--set', 'session.events=function_call', '--json').ended(1)
    assert figures(run)['end'] == 'timeout' and figures(run)['produced'] == 1, run.out()
    assert node('[P || P <- processes(), {_, {erl_eval, _, _}} <- [process_info(P, current_function)], P =/= self()]') == '[]'
    node.clean()


def an_interrupt_ends_the_call_too():
    node = Node()
    run = Run(None, node.name, 'e2e_call', 'sleeps', '--timeout', '0', '--json', command='call')
    running = '[P || P <- processes(), {_, {e2e_call, sleeps, 0}} <- [process_info(P, current_function)]]'
    wait_for(lambda: node(running) != '[]', 'the call')
    run.interrupt()
    assert run.code == 1 and figures(run)['end'] == 'stopped', (run.code, run.out(), run.err())
    assert node(running) == '[]'
    node.clean()


ELIXIR = [':atom', ':"two words"', ':valid?', 'nil', 'true', 'Shop.Cart', 'Elixir.Shop', ':erlang', '1', '-17', '1_000_000', '0xFF',
          '0o17', '0b1010', '123456789012345678901234567890', '1.5', '-2.5e-3', '"text"', '"tab\\tquote\\"\\u00e9\\x41"', '""',
          "~c\"chars\"", '?a', '?\\n', '[]', '[1, 2 | 3]', '[1 | [2]]', '[a: 1, b: [c: 2]]', '["k k": 1]', '{}', '{1, :b, "c"}', '%{}',
          '%{"b" => 2, 3 => {4}, a: 1}', '%{"q" => %{deep: [1]}}', '<<1, 2, 255>>', '<<>>', '<<"abc", 0>>', '[1, 2,]',
          '[{:a, 1}, {:b, 2}]', '# comment\n 1', '~D[2026-01-31]', '~T[10:00:00.5]', '~N[2026-01-31 10:00:00]',
          '~U[2026-01-31 10:00:00.123Z]', '1..3', '3..1//-2', 'MapSet.new([1, :a, [b: 2]])', '&Enum.map/2', '&:lists."a b"/1', '<<1, 5::size(3)>>',
          '%{__struct__: Shop.Item, id: 1}', ':+', '%{+: 1, and: 2}', '<<258::16>>', '[?\\a, ?\\b, ?\\d, ?\\e, ?\\f, ?\\r, ?\\s, ?\\t, ?\\v, ?\\0, ?\\\\, ?\\?, ?\u00e9]', '"\\a\\d\\0"']


def elixir_terms_are_what_elixir_reads():
    node = Node()
    text = '[' + ',\n '.join(ELIXIR) + ']'
    program = os.path.join(work, 'terms.exs')
    with open(program, 'w', encoding='utf-8') as f:
        f.write('IO.write(:base64.encode(:erlang.term_to_binary(%s)))' % text)
    encoded = subprocess.run(['elixir', program], check=True, capture_output=True, text=True, env=dict(env, LANG='C.UTF-8')).stdout
    node('put(expected, binary_to_term(base64:decode("%s"))), ok' % encoded.strip())
    run = call(node, ':e2e_call', 'echo', '[' + text + ']', '--quiet').ended(0)
    assert 'Shop.Cart' in run.out() and '%{' in run.out(), run.out()
    run = call(node, ':e2e_call', 'same', '[' + text + ', "%s"]' % encoded.strip(), '--quiet').ended(0)
    assert run.out() == 'true\n', (run.out(), call(node, ':e2e_call', 'echo', '[' + text + ']').out())
    node.clean()


def what_has_an_identity_is_that_of_the_node():
    node = Node()
    node('register(keeper, spawn(fun() -> P = open_port({spawn, "cat"}, []), put(keeps, {self(), P, make_ref()}), receive stop -> ok end end)), ok')
    wait_for(lambda: 'keeps' in node('process_info(whereis(keeper), dictionary)'), 'what is kept')
    kept = call(node, ':erlang', 'process_info', '[%s, :dictionary]' % call(node, ':erlang', 'whereis', '[:keeper]', '--quiet').ended(0).out().strip(),
                '--quiet').ended(0).out()
    pid, port, ref = re.search(r'\{(#PID<0[.0-9]*>), (#Port<0[.0-9]*>), (#Reference<0[.0-9]*>)\}', kept).groups()
    run = call(node, ':erlang', '=:=', '[{%s, [%s | %s], %%{%s => %s}}, {%s, [%s | %s], %%{%s => %s}}]' % (2 * (pid, port, ref, ref, pid)), '--quiet')
    assert run.ended(0).out() == 'true\n', run.out()
    run = call(node, ':e2e_call', 'kept', '[%s, %s, %s]' % (pid, port, ref), '--quiet')
    assert run.ended(0).out() == 'true\n', (run.out(), run.err())
    run = call(node, ':erlang', 'send', '[%s, :stop]' % pid, '--quiet').ended(0)
    wait_for(lambda: node('whereis(keeper)') == 'undefined', 'the end of the process that was told to stop')
    for text, why in (('#PID<a@b.1.2>', 'only those of the called node'), ('#PID<0.1>', 'not as it is printed'), ('#Function<1.2/0 in M>', 'a fun with a name')):
        assert re.search(why, call(node, ':m', 'f', '[%s]' % text).ended(2).err())
    node.clean()


def erlang_terms_are_what_erl_reads():
    node = Node()
    text = '[a, \'b c\', "text", <<"bin">>, 1.5, -3, 16#ff, $a, {x, [y|z]}, #{k => [1, 2]}, [], 123456789012345678901234567890]'
    encoded = node('base64:encode(term_to_binary(%s))' % text)
    run = call(node, 'e2e_call', 'same', '[%s, %s]' % (text, encoded), '--quiet').ended(0)
    assert run.out() == 'true\n', run.out()
    node.clean()


def mistakes_are_told_before_anything_is_asked():
    cases = [(['nobody@nowhere', 'm', 'f', '[1, 2'], r'the arguments, character 6: expected'),
             (['nobody@nowhere', 'm', 'f', '{1}'], r'they must be a list, such as \[1, 2\]'),
             (['nobody@nowhere', 'm', 'f', '[1] [2]'], r'the arguments, character 5'),
             (['nobody@nowhere', 'M.N', 'f', '[x]'], r"'x' would be a variable or a call.*an atom is :x"),
              (['nobody@nowhere', 'M.N', 'f', '[%{a: 1, "b" => 2}]'], r'after a keyword only keywords'),
            (['nobody@nowhere', 'M.N', 'f', '[%{a: 1]'], r"the closing sign, found \]"),
             (['nobody@nowhere', "'m", 'f', '[]'], r'the module, character 1: the closing single quote is missing'),
             (['nobody@nowhere', 'm', 'f', '[]', '--timeout', 'soon'], r'--timeout soon: this is not a duration'),
             (['nobody@nowhere', 'm', 'f', '[]', '--timeout'], r'--timeout needs a value'),
             (['nobody@nowhere', 'm', 'f', '[]', '--sink', 'csv:pth=a'], r"unknown key 'pth' \(did you mean 'path'\?\)"),
             (['nobody@nowhere', 'm', 'f', '[]', '--sink', 'cvs:path=a'], r"csv"),
             (['nobody@nowhere', 'm', 'f', '[]', '--set', 'filter:pids.pids=new'], r'no filter may name others'),
             (['nobody@nowhere,other@nowhere', 'm', 'f', '[]'], r'a call is made in one node'),
             (['nobody@nowhere', 'm'], r'an argument is missing')]
    for arguments, expected in cases:
        run = Run(None, *arguments, command='call').ended(2)
        assert re.search(expected, run.err()) and run.out() == '', (arguments, run.err())


def a_node_that_is_not_there():
    run = Run(None, 'nobody@localhost', 'm', 'f', command='call').ended(1)
    assert 'nobody@localhost' in run.err(), run.err()


def what_was_spawned_may_linger():
    node = Node()
    short = call(node, 'e2e_call', 'leaves', '[300000]', *CSV).ended(0)
    assert counts(short)['process_spawn'] == 1 and 'process_exit' not in counts(short), counts(short)
    run = call(node, 'e2e_call', 'leaves', '[200]', '--linger', '50s', *CSV).ended(0)
    assert counts(run) == {'function_call': 3, 'function_return': 3, 'process_spawn': 1, 'process_start': 1, 'process_exit': 1,
                           'message_receive': 1}, counts(run)
    node('[exit(P, kill) || P <- processes(), {_, {e2e_call, sleeper, 1}} <- [process_info(P, initial_call)]], ok')
    node.clean()


tests(a_result_is_printed_alone, every_end_has_its_events, nine_hundred_processes_are_all_of_it, nothing_else_is_in_it,
      a_sink_has_commas_in_its_values, what_an_output_lacks_is_told, an_endless_busy_call_is_killed, an_interrupt_ends_the_call_too,
      elixir_terms_are_what_elixir_reads, what_has_an_identity_is_that_of_the_node, erlang_terms_are_what_erl_reads, mistakes_are_told_before_anything_is_asked, a_node_that_is_not_there,
      what_was_spawned_may_linger)
