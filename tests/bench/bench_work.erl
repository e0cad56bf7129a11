%% bench_work: the traced workload of the bench and its peers inside the VM.
%%
%% Each peer traces the same calls of f/2 by `Procs` processes and is done when the last event is where that peer puts it.
%% Answers {Wall, Total} in microseconds: what the workload took, and until the peer was done.
-module(bench_work).
-export([bare/2, discard/2, file_port/3, tcp_port/3, tcp_close/0, dbg_text/3, workload/2, worker/2, f/2]).

f(A, B) -> {A, B}.

worker(0, _) -> ok;
worker(N, B) -> ?MODULE:f(N, B), worker(N - 1, B).

%% Procs processes make Calls calls each; the wall time in us. The processes are spawned by the caller, so a tracer with
%% set_on_spawn or `new` sees them.
workload(Procs, Calls) ->
    Pids = [spawn_monitor(fun() -> receive go -> worker(Calls, apple) end end) || _ <- lists:seq(1, Procs)],
    T0 = erlang:monotonic_time(microsecond),
    [P ! go || {P, _} <- Pids],
    [receive {'DOWN', R, _, _, normal} -> ok end || {_, R} <- Pids],
    erlang:monotonic_time(microsecond) - T0.

bare(Procs, Calls) ->
    W = workload(Procs, Calls),
    {W, W}.

on(Tracer) ->
    1 = erlang:trace_pattern({?MODULE, f, 2}, true, [local]),
    erlang:trace(new_processes, true, [call, monotonic_timestamp, {tracer, Tracer}]).

off() ->
    erlang:trace_pattern({?MODULE, f, 2}, false, [local]),
    erlang:trace(all, false, [all]).

measured(Tracer, Procs, Calls, Drain) ->
    on(Tracer),
    T0 = erlang:monotonic_time(microsecond),
    W = workload(Procs, Calls),
    Ref = erlang:trace_delivered(all),
    receive {trace_delivered, all, Ref} -> ok end,
    Drain(),
    T = erlang:monotonic_time(microsecond) - T0,
    off(),
    {W, T}.

discard(Procs, Calls) ->
    Tracer = spawn_opt(fun drop/0, [{message_queue_data, off_heap}, {priority, normal}]),
    R = measured(Tracer, Procs, Calls, fun() -> Tracer ! {done, self()}, receive done -> ok end end),
    exit(Tracer, kill),
    R.

drop() ->
    receive
        {done, From} -> From ! done;
        _ -> drop()
    end.

file_port(Procs, Calls, File) ->
    Open = dbg:trace_port(file, File),
    Port = Open(),
    R = measured(Port, Procs, Calls, fun() -> dbg_flush(Port) end),
    catch erlang:port_close(Port),
    R.

%% The reader must be connected before the first event, and tells when it had the last one: this answers {Wall, Began}, in
%% microseconds and as system time. The port stays open until tcp_close/0.
tcp_port(Procs, Calls, TcpPort) ->
    Open = dbg:trace_port(ip, {TcpPort, Calls * Procs + 1000}),
    Port = Open(),
    put(tcp_port, Port),
    io:format("port ready~n"),
    receive after 300 -> ok end,
    on(Port),
    Began = os:system_time(microsecond),
    W = workload(Procs, Calls),
    Ref = erlang:trace_delivered(all),
    receive {trace_delivered, all, Ref} -> ok end,
    off(),
    {W, Began}.

tcp_close() -> port_close(erase(tcp_port)).

dbg_flush(Port) ->
    case erlang:port_control(Port, $f, "") of
        [0] -> ok;
        <<0>> -> ok;
        _ -> ok
    end.

%% A raw file belongs to the process that opened it: the first message does.
dbg_text(Procs, Calls, File) ->
    Write = fun Write(M, none) ->
                    {ok, Out} = file:open(File, [write, raw, delayed_write]),
                    Write(M, Out);
                Write(M, Out) ->
                    ok = file:write(Out, unicode:characters_to_binary(io_lib:format("~tp~n", [M]))),
                    Out
            end,
    {ok, _} = dbg:tracer(process, {Write, none}),
    {ok, Tracer} = dbg:get_tracer(),
    {ok, _} = dbg:p(new_processes, [call, monotonic_timestamp]),
    {ok, _} = dbg:tpl(?MODULE, f, 2, []),
    T0 = erlang:monotonic_time(microsecond),
    W = workload(Procs, Calls),
    Ref = erlang:trace_delivered(all),
    receive {trace_delivered, all, Ref} -> ok end,
    wait_empty(Tracer),
    T = erlang:monotonic_time(microsecond) - T0,
    dbg:stop_clear(),
    {W, T}.

wait_empty(Tracer) ->
    case process_info(Tracer, message_queue_len) of
        {message_queue_len, 0} -> ok;
        _ -> timer:sleep(5), wait_empty(Tracer)
    end.
