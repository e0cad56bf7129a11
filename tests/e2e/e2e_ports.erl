%% e2e_ports.erl: traces as others make them, with dbg and ttb, and what dbg reads of them again.
-module(e2e_ports).
-export([trace/3, live/2, go/1, stop/1, told/1, ttb/2, loop/0, f/2, g/1]).

f(A, B) -> _ = (catch g(A)), {A, B}.
g(X) -> error({no, X}).

work(0) -> ok;
work(N) ->
    f(N, {msg, "text", <<"bin">>, #{a => N, 'with blank' => 1.5, b => [N | tail]}}),
    self() ! {hello, N, make_ref(), self()},
    receive {hello, N, _, _} -> ok end,
    P = spawn_link(fun() -> receive stop -> ok end end),
    P ! stop,
    work(N - 1).

%% Traces N turns of work, with these flags, to a file as trace_port takes it.
trace(File, Flags, N) ->
    P = begin_trace(dbg:trace_port(file, File), Flags),
    go(P, N),
    ok = dbg:flush_trace_port(),
    dbg:stop(),
    gone().

begin_trace(Port, Flags) ->
    {ok, _} = dbg:tracer(port, Port),
    P = spawn(fun() -> receive {go, N} -> work(N) end end),
    {ok, _} = dbg:p(P, Flags),
    {ok, _} = dbg:tpl(?MODULE, f, x),
    {ok, _} = dbg:tpl(?MODULE, g, [{'_', [], [{exception_trace}, {message, {caller}}]}]),
    P.

go(P, N) ->
    M = monitor(process, P),
    P ! {go, N},
    receive {'DOWN', M, _, _, _} -> delivered() end.

delivered() ->
    {ok, Port} = dbg:get_tracer(),
    Ref = erlang:trace_delivered(all),
    receive {trace_delivered, all, Ref} -> true = is_port(Port), ok end.

gone() ->
    case whereis(dbg) of
        undefined -> ok;
        _ -> timer:sleep(1), gone()
    end.

%% The same over TCP: the port's number.
live(Flags, Queue) ->
    P = begin_trace(dbg:trace_port(ip, {0, Queue}), Flags),
    register(e2e_ports_live, P),
    {ok, Number} = dbg:trace_port_control(get_listen_port),
    Number.

go(N) -> go(whereis(e2e_ports_live), N).

stop(_) -> dbg:stop(), gone().

%% As ttb does it (ttb itself is in observer, which few have): a trace port, and runtime_tools' process beside it that writes down
%% what traced processes are called.
ttb(File, N) ->
    P = spawn(fun() -> receive {go, Turns} -> work(Turns) end end),
    register(e2e_ports_named, P),
    {ok, _} = dbg:tracer(port, dbg:trace_port(file, File)),
    {ok, _, Meta} = observer_backend:ttb_init_node(File ++ ".ti", true, [{node, node()}, {file, File}, {note, lists:duplicate(300, $x)}]),
    {ok, _} = dbg:p(P, [call, send, 'receive', procs, set_on_spawn, timestamp]),
    {ok, _} = dbg:tpl(?MODULE, f, x),
    observer_backend:ttb_write_trace_info(Meta, flags, {[P], [call]}),
    go(P, N),
    ok = dbg:flush_trace_port(),
    observer_backend:ttb_stop(Meta),
    dbg:stop(),
    gone().

loop() -> receive stop -> ok end.

%% What dbg reads of a file: a line for each event, as beamtap's table has it.
told(File) ->
    Self = self(),
    Collect = fun(end_of_trace, L) -> Self ! {lines, lists:reverse(L)}, [];
                 (T, L) -> [line(T) | L]
              end,
    dbg:start(),
    dbg:trace_client(file, File, {Collect, []}),
    Lines = receive {lines, L} -> L after 30000 -> exit(no_end_of_trace) end,
    dbg:stop(),
    gone(),
    unicode:characters_to_binary(lists:join($\n, Lines)).

line(T) when element(1, T) =:= trace -> line(T, "");
line(T) ->
    Time = case element(tuple_size(T), T) of
        {M, S, U} -> integer_to_list(((M * 1000000 + S) * 1000000 + U) * 1000);
        _ -> "" % nobody knows when its clock began
    end,
    line(erlang:delete_element(tuple_size(T), T), Time).

line(T, Time) ->
    [_, Pid, Tag | Rest] = tuple_to_list(T),
    {Kind, M, F, A, Message} = case {Tag, Rest} of
        {call, [{Mod, Fun, Args} | _]} -> {function_call, Mod, Fun, length(Args), args(Args)};
        {return_from, [{Mod, Fun, Arity}, V]} -> {function_return, Mod, Fun, Arity, text(V)};
        {exception_from, [{Mod, Fun, Arity}, V]} -> {function_exception, Mod, Fun, Arity, text(V)};
        {send, [V, _]} -> {message_send, '', '', -1, text(V)};
        {send_to_non_existing_process, [V, _]} -> {message_send, '', '', -1, text(V)};
        {'receive', [V]} -> {message_receive, '', '', -1, text(V)};
        {spawn, [_, {Mod, Fun, Args} = V]} -> {process_spawn, Mod, Fun, length(Args), text(V)};
        {spawned, [_, {Mod, Fun, Args} = V]} -> {process_start, Mod, Fun, length(Args), text(V)};
        {exit, [V]} -> {process_exit, '', '', -1, text(V)};
        {register, [V]} -> {process_register, '', '', -1, text(V)};
        {unregister, [V]} -> {process_unregister, '', '', -1, text(V)};
        {Link, [_]} when Link =:= link; Link =:= getting_linked -> {process_link, '', '', -1, ""};
        {Link, [_]} when Link =:= unlink; Link =:= getting_unlinked -> {process_unlink, '', '', -1, ""}
    end,
    lists:join($\t, [Time, atom_to_list(Kind), pid_to_list(Pid), name(M), name(F), integer_to_list(A), Message]).

name('') -> "";
name(Atom) -> text(Atom).
args(Args) -> [$[, lists:join($,, [text(A) || A <- Args]), $]].
text(Term) -> io_lib:format("~0tp", [Term]).
