"""`check` prints the match specs that the node is given, and refuses those that would hurt other tools."""
from lib import *

compile_erlang('e2e_call.erl')
TRACE = """[session]
nodes = %s
events = function_call, message_send, message_receive%s
duration = 0
[filter:match_spec]
trace = e2e_call:echo(X) when X > 1 ; X < 0 -> message({X, caller()}), caller
trace = e2e_call:add(_, B) when B =/= 2
    ; B > 7
; not this
    -> return, message(B)
trace = e2e_call:big(_) -> caller, exception
spec = e2e_call:same/2 [{'_', [], [{message, true}, {message, {caller}}]}, {['$1', _], [], [{message, false}]}]
trace = send(To, {x, N}) when N > 3 ; N < 0 -> message({To, N})
trace = receive(Node, _, {y, N}) -> message(N)
spec = receive [{'$1', [], [{message, true}, {message, false}]}]
[sink:csv]
path = trace.csv
""".replace("['$1', _]", "['$1', '_']")
FUNCTIONS = [('e2e_call', 'echo', 1), ('e2e_call', 'add', 2), ('e2e_call', 'big', 1), ('e2e_call', 'same', 2)]

# What the VM has for the whole of a run, with the mark as check prints it. Since OTP 27 it is in a session.
GIVEN = """(fun() ->
    Ask = fun(What) -> case erlang:function_exported(trace, session_info, 1) of
        false -> erlang:trace_info(What, match_spec);
        true -> hd([R || S <- trace:session_info(all), {match_spec, [_ | _]} = R <- [catch trace:info(S, What, match_spec)]])
    end end,
    {match_spec, Spec} = Ask(%s),
    [{H, C, [{const, {beamtap, run}} | B]} || {H, C, [{const, {beamtap, _}} | B]} <- Spec]
end)()""".replace('\n', ' ')


def the_specs_are_those_that_the_node_has():
    for more in ('', ', function_return', ', function_return, function_exception'):
        node = Node()
        node('code:ensure_loaded(e2e_call)')
        run = Run(TRACE % (node.name, more))
        node.traced()
        check = Run(TRACE % (node.name, more), command='check').ended(0)
        specs = [line.strip() for line in check.out().splitlines() if line.startswith(' ' * 16 + ' [{')]
        assert len(specs) == 7, check.out()
        for text, (m, f, a) in zip(specs, FUNCTIONS):
            shown = node('(fun() -> {ok, T, _} = erl_scan:string("%s."), {ok, S} = erl_parse:parse_term(T), S end)()' % text)
            assert node(GIVEN % ('{%s,%s,%d}' % (m, f, a))) == shown, (m, f, a, text)
        for kind, texts in (('send', specs[4:5]), ("'receive'", specs[5:])):
            shown = node('(fun() -> {ok, T, _} = erl_scan:string("%s."), {ok, S} = erl_parse:parse_term(T), S end)()' %
                         ' ++ '.join(texts).replace('] ++ [', ', '))
            assert node(GIVEN % kind) == shown, (kind, texts)
        run.interrupt()
        assert run.code == 0, run.err()
        node.clean()
        node.stop()


def the_stack_is_asked_for_as_check_says():
    """Since OTP 26; before, it takes a dump (test_stack.py says what for)."""
    node = Node()
    if node("list_to_integer(erlang:system_info(otp_release)) < 26") == 'false':
        node('code:ensure_loaded(e2e_call)')
        ini = ("[session]\nnodes = %s\nevents = function_call\nduration = 0\n[filter:match_spec]\ntrace = e2e_call:echo(X) -> stack\n"
               "trace = e2e_call:add(_, B) -> stack, message(B)\ntrace = e2e_call:big(_) -> return, stack\n"
               "[sink:csv]\npath = trace.csv\n" % node.name)
        run = Run(ini)
        node.traced()
        check = Run(ini, command='check').ended(0)
        specs = [line.strip() for line in check.out().splitlines() if line.startswith(' ' * 16 + ' [{')]
        assert len(specs) == 3, check.out()
        for text, (m, f, a) in zip(specs, FUNCTIONS):
            shown = node('(fun() -> {ok, T, _} = erl_scan:string("%s."), {ok, S} = erl_parse:parse_term(T), S end)()' % text)
            assert node(GIVEN % ('{%s,%s,%d}' % (m, f, a))) == shown, (m, f, a, text)
        run.interrupt()
    node.stop()


HURTS = [("{silent, true}", 'silent'), ("{silent, false}", 'silent'), ("{disable_trace, call}", 'disable_trace'),
         ("{disable_trace, '$1', call}", 'disable_trace'), ("{enable_trace, send}", 'enable_trace'), ("{trace, [call], []}", 'trace'),
         ("{trace, '$1', [call], []}", 'trace'), ("{set_tcw, 1}", 'set_tcw'), ("{set_seq_token, label, 1}", 'set_seq_token'),
         ("{message, {silent, true}}", 'silent')]


def what_acts_on_other_tools_is_refused():
    """With its place, and before the node is asked; the other tool's trace goes on."""
    node = Node()
    node('spawn(fun() -> register(driver, self()), (fun F() -> e2e_call:echo(1), receive after 5 -> F() end end)() end), ok')
    wait_for(lambda: node('is_pid(whereis(driver))') == 'true', 'the traced process')
    node('spawn(fun() -> register(other_tool, self()), erlang:trace(whereis(driver), true, [call]), '
         'erlang:trace_pattern({e2e_call, echo, 1}, true, []), (fun C(N) -> receive {From, n} -> From ! N, C(N); _ -> C(N + 1) end '
         'end)(0) end), ok')
    for action, name in HURTS:
        for target in ("e2e_call:echo/1", 'send'):
            spec = "%s [{%s, [], [%s]}]" % (target, "['$1']" if ':' in target else "['$1', '_']", action)
            run = Run("[session]\nnodes = %s\nevents = function_call, message_send\nduration = 2s\n[filter:match_spec]\n"
                      "spec = %s\n[sink:csv]\npath = a.csv\n" % (node.name, spec)).ended(2)
            place = 'trace.ini:6:%d: ' % (len('spec = ') + spec.index('{' + name + ',') + 2)
            assert place in run.err() and "'%s' would change" % name in run.err(), (place, run.err())
    wait_for(lambda: node('is_pid(whereis(other_tool))') == 'true', 'the other tool')
    count = "(fun() -> other_tool ! {self(), n}, receive N -> N end end)()"
    before = int(node(count))
    wait_for(lambda: int(node(count)) > before, 'calls for the other tool')
    node.stop()


tests(the_specs_are_those_that_the_node_has, the_stack_is_asked_for_as_check_says, what_acts_on_other_tools_is_refused)
