%% bench_work: the traced workload of the bench and its peers inside the VM.
%%
%% A workload is What (calls, returns: of f/2; messages: sends and receives), Procs processes, Calls of each, and Payload
%% (small: an atom; large: a binary of 1,000 bytes). Each peer traces the same events and is done when the last is where that
%% peer puts it; it answers {Wall, Total} in microseconds: what the workload took, and until the peer was done.
-module(bench_work).
-export([relay/2, bare/4, discard/4, encoded/4, kept/4, file_port/5, tcp_port/5, tcp_close/0, dbg_text/5, dbg_client/2, workload/4, worker/2, sender/3,
         receiver/0, f/2, idle/1, watch/0, watched/0, dbg_attach/0]).

f(A, B) -> {A, B}.

worker(0, _) -> ok;
worker(N, B) -> ?MODULE:f(N, B), worker(N - 1, B).

sender(0, _, To) -> To ! stop;
sender(N, B, To) -> To ! {N, B}, sender(N - 1, B, To).

receiver() ->
    receive
        stop -> ok;
        {_, _} -> receiver()
    end.

payload(small) -> apple;
payload(large) -> binary:copy(<<"0123456789">>, 100).

%% The wall time in us. The processes are spawned by the caller, so a tracer with `new` sees them.
workload(What, Procs, Calls, Payload) ->
    B = payload(Payload),
    Started = lists:append([start(What, Calls, B) || _ <- lists:seq(1, Procs)]),
    T0 = erlang:monotonic_time(microsecond),
    [P ! go || {P, _, true} <- Started],
    [receive {'DOWN', R, _, _, normal} -> ok end || {_, R, _} <- Started],
    erlang:monotonic_time(microsecond) - T0.

start(messages, Calls, B) ->
    {To, Ref} = spawn_monitor(fun receiver/0),
    {From, Ref1} = spawn_monitor(fun() -> receive go -> sender(Calls, B, To) end end),
    [{To, Ref, false}, {From, Ref1, true}];
start(_, Calls, B) ->
    {P, Ref} = spawn_monitor(fun() -> receive go -> worker(Calls, B) end end),
    [{P, Ref, true}].

bare(What, Procs, Calls, Payload) ->
    W = workload(What, Procs, Calls, Payload),
    {W, W}.

on(What, Tracer) ->
    Flags = case What of
        messages -> [send, 'receive'];
        calls -> 1 = erlang:trace_pattern({?MODULE, f, 2}, true, [local]), [call];
        returns -> 1 = erlang:trace_pattern({?MODULE, f, 2}, [{'_', [], [{return_trace}]}], [local]), [call]
    end,
    erlang:trace(new_processes, true, [monotonic_timestamp, {tracer, Tracer} | Flags]).

off() ->
    erlang:trace_pattern({?MODULE, f, 2}, false, [local]),
    erlang:trace(all, false, [all]).

measured(Tracer, What, Procs, Calls, Payload, Drain) ->
    on(What, Tracer),
    T0 = erlang:monotonic_time(microsecond),
    W = workload(What, Procs, Calls, Payload),
    Ref = erlang:trace_delivered(all),
    receive {trace_delivered, all, Ref} -> ok end,
    Drain(),
    T = erlang:monotonic_time(microsecond) - T0,
    off(),
    {W, T}.

discard(What, Procs, Calls, Payload) -> process(fun drop/0, What, Procs, Calls, Payload).

%% What a relay does at the least: frames of 256, which nobody gets.
encoded(What, Procs, Calls, Payload) -> process(fun() -> encode(0, []) end, What, Procs, Calls, Payload).

%% A tracer that never gets to its mailbox.
kept(What, Procs, Calls, Payload) -> process(fun done/0, What, Procs, Calls, Payload).

process(Loop, What, Procs, Calls, Payload) ->
    Tracer = spawn_opt(Loop, [{message_queue_data, off_heap}]),
    R = measured(Tracer, What, Procs, Calls, Payload, fun() -> Tracer ! {done, self()}, receive done -> ok end end),
    exit(Tracer, kill),
    R.

done() -> receive {done, From} -> From ! done end.

drop() ->
    receive
        {done, From} -> From ! done;
        _ -> drop()
    end.

encode(256, Acc) -> relay_encode(list, Acc), encode(0, []);
encode(N, Acc) ->
    receive
        {done, From} -> relay_encode(list, Acc), From ! done;
        Message -> encode(N + 1, [Message | Acc])
    end.

file_port(What, Procs, Calls, Payload, File) ->
    Open = dbg:trace_port(file, File),
    Port = Open(),
    R = measured(Port, What, Procs, Calls, Payload, fun() -> dbg_flush(Port) end),
    port_close(Port),
    R.

%% The reader must be connected before the first event, and tells when it had the last one: this answers {Wall, Began}, in
%% microseconds and as system time. The port stays open until tcp_close/0.
tcp_port(What, Procs, Calls, Payload, TcpPort) ->
    Open = dbg:trace_port(ip, {TcpPort, 3 * Calls * Procs + 1000}),
    Port = Open(),
    put(tcp_port, Port),
    io:format("port ready~n"),
    receive after 300 -> ok end,
    on(What, Port),
    Began = os:system_time(microsecond),
    W = workload(What, Procs, Calls, Payload),
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

%% dbg empties its mailbox before it handles what was in it: only the handler knows when the last of them is written. A raw
%% file belongs to the process that opened it, so the handler does. Calls only.
dbg_text(calls, Procs, Calls, Payload, File) ->
    Me = self(),
    Last = Procs * Calls,
    Write = fun Write(M, none) ->
                    {ok, Out} = file:open(File, [write, raw, delayed_write]),
                    Write(M, {Out, 1});
                Write(M, {Out, N}) ->
                    ok = file:write(Out, unicode:characters_to_binary(io_lib:format("~tp~n", [M]))),
                    N =:= Last andalso (ok = file:close(Out)) =:= ok andalso (Me ! written),
                    {Out, N + 1}
            end,
    {ok, _} = dbg:tracer(process, {Write, none}),
    {ok, _} = dbg:p(new_processes, [call, monotonic_timestamp]),
    {ok, _} = dbg:tpl(?MODULE, f, 2, []),
    T0 = erlang:monotonic_time(microsecond),
    W = workload(calls, Procs, Calls, Payload),
    receive written -> ok end,
    T = erlang:monotonic_time(microsecond) - T0,
    dbg:stop_clear(),
    {W, T}.

%% How long dbg's own client takes to print a file of the file port; in us.
dbg_client(From, To) ->
    Me = self(),
    T0 = erlang:monotonic_time(microsecond),
    Handler = fun Handler(M, none) ->
                      {ok, Out} = file:open(To, [write, raw, delayed_write]),
                      Handler(M, Out);
                  Handler(end_of_trace, Out) ->
                      ok = file:close(Out),
                      Me ! printed;
                  Handler(M, Out) ->
                      ok = file:write(Out, unicode:characters_to_binary(io_lib:format("~tp~n", [M]))),
                      Out
              end,
    dbg:trace_client(file, From, {Handler, none}),
    receive printed -> ok end,
    erlang:monotonic_time(microsecond) - T0.

%% ---- Attaching --------------------------------------------------------------------------------------------------

idle(N) ->
    [spawn(fun() -> receive never -> ok end end) || _ <- lists:seq(1, N)],
    ok.

%% A process that tells the system time, in us, when it is traced; watched/0 waits for that.
watch() ->
    Me = self(),
    Pid = spawn(fun() -> receive never -> ok end end),
    spawn(fun() -> watch(Pid, Me) end),
    ok.

watch(Pid, Me) ->
    case erlang:trace_info(Pid, flags) of
        {flags, []} -> receive after 1 -> watch(Pid, Me) end;
        {flags, _} -> Me ! {watched, os:system_time(microsecond)}, exit(Pid, kill)
    end.

watched() -> receive {watched, T} -> T after 60000 -> none end.

dbg_attach() ->
    T0 = erlang:monotonic_time(microsecond),
    {ok, _} = dbg:tracer(process, {fun(_, N) -> N end, 0}),
    {ok, _} = dbg:p(all, [call, monotonic_timestamp]),
    {ok, _} = dbg:tpl(?MODULE, f, 2, []),
    T = erlang:monotonic_time(microsecond) - T0,
    dbg:stop_clear(),
    T.

%% ---- The relay's ways --------------------------------------------------------------------------------------------

%% What a process like the relay takes an event, in ns, when Events trace messages wait for it: only to take them out of its
%% mailbox, or to encode them in one of the ways that there are. 256 make a frame.
relay(Way, Events) ->
    Me = self(),
    Start = atomics:new(1, []),
    Messages = [{trace_ts, Me, call, {?MODULE, f, [I, apple]}, erlang:monotonic_time()} || I <- lists:seq(1000, 999 + Events)],
    Pid = spawn_opt(fun() ->
                            relay_wait(Start),
                            T0 = erlang:monotonic_time(nanosecond),
                            relay_loop(Events, 0, [], Way),
                            Me ! {relay, (erlang:monotonic_time(nanosecond) - T0) / Events}
                    end, [{message_queue_data, off_heap}, {min_heap_size, 32768}, {min_bin_vheap_size, 1 bsl 20}]),
    [Pid ! M || M <- Messages],
    atomics:put(Start, 1, 1),
    receive {relay, Ns} -> Ns end.

relay_wait(Start) ->
    case atomics:get(Start, 1) of
        0 -> receive after 1 -> relay_wait(Start) end;
        1 -> ok
    end.

relay_loop(0, _, Acc, Way) -> relay_encode(Way, Acc);
relay_loop(Left, 256, Acc, Way) -> relay_encode(Way, Acc), relay_loop(Left, 0, [], Way);
relay_loop(Left, N, Acc, Way) ->
    receive Message when element(1, Message) =:= trace_ts -> relay_loop(Left - 1, N + 1, [Message | Acc], Way) end.

relay_encode(take, _) -> ok;
relay_encode(each, Acc) ->
    iolist_to_binary([begin Bin = term_to_binary(M), [<<(byte_size(Bin)):32>> | Bin] end || M <- lists:reverse(Acc)]);
relay_encode(list, Acc) -> iolist_to_binary([<<0:320>> | term_to_binary(lists:reverse(Acc))]);
relay_encode(iovec, Acc) -> iolist_to_binary([<<0:320>> | erlang:term_to_iovec(lists:reverse(Acc))]);
relay_encode(sized, Acc) ->
    lists:foreach(fun erlang:external_size/1, Acc),
    relay_encode(list, Acc).
