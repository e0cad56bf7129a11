%% e2e_native_vm: the native tracer's library without the agent and the collector: loaded into this VM, used under load, and unloaded,
%% again and again; what it sends is read here, and its sums are looked at.
-module(e2e_native_vm).
-export([main/3, busy/0, call/1]).

-define(LIB, beamtap_native_00000000).
-define(FLAGS, [call, send, 'receive', procs, running, scheduler_id, garbage_collection]).

main(Beam, Library, Rounds) ->
    {ok, Code} = file:read_file(Beam),
    Busy = [spawn(fun ?MODULE:busy/0) || _ <- [1, 2, 3]],
    Done = [round(I, Code, Library, Busy) || I <- lists:seq(1, Rounds)],
    {Produced, Lost} = lists:unzip(Done),
    io:format("rounds ~b produced ~b lost ~b~n", [length(Done), lists:sum(Produced), lists:sum(Lost)]),
    io:get_line(""), % until it was looked what is still mapped
    halt(0).

%% Each round has other limits, and another end.
round(I, Code, Library, Busy) ->
    {module, ?LIB} = erlang:load_module(?LIB, Code),
    ok = ?LIB:load(Library),
    {Number, Sink} = open(#{max_term => 512 bsl (I rem 8), max_memory => 1 bsl (20 + I rem 8), overload => I rem 2,
                            max_rate => case I rem 3 of 0 -> 20000; _ -> 0 end}),
    Tracer = {tracer, ?LIB, Number},
    erlang:trace_pattern({?MODULE, '_', '_'}, [{'_', [], [{return_trace}, {message, {{{const, '$beamtap_caller'}, {caller}}}}]}], [local]),
    erlang:trace(new, true, [Tracer | ?FLAGS]),
    [erlang:trace(P, true, [Tracer | ?FLAGS]) || P <- Busy],
    timer:sleep(10 + I rem 20),
    receive {beamtap_native, Number, resume} -> ?LIB:resume(Number) after 0 -> ok end,
    timer:sleep(I rem 5),
    erlang:system_flag(schedulers_online, 1 + I rem 2),
    Off = fun() -> erlang:trace(all, false, [all, Tracer]) end,
    Figures = case I rem 4 of
        0 -> ?LIB:abort(Number), Off(), {0, 0};
        1 -> Found = finish(Number, Sink), Off(), Found; % while it is still traced
        _ -> Off(), finish(Number, Sink)
    end,
    I rem 4 =:= 3 orelse erlang:trace_pattern({?MODULE, '_', '_'}, false, [local]),
    true = erlang:delete_module(?LIB),
    erts_code_purger:purge(?LIB),
    receive {Sink, _} -> ok after 0 -> ok end,
    Figures.

open(#{max_term := Term, max_memory := Memory, overload := Overload, max_rate := Rate}) ->
    {Listen, Host, Port, Local} = listen(Rate),
    Self = self(),
    %% Over TCP, and behind it over a Unix socket.
    {Tokens, Answers} = {<<"0123456789abcdef", "0123456789ABCDEF">>, <<"fedcba9876543210", "FEDCBA9876543210">>},
    Way = case Local of <<>> -> 0; _ -> 16 end,
    Sink = spawn_link(fun() ->
        {ok, Socket} = gen_tcp:accept(Listen),
        {ok, Hello} = gen_tcp:recv(Socket, 20),
        Hello = <<"BTT1", (binary_part(Tokens, Way, 16))/binary>>,
        ok = gen_tcp:send(Socket, binary_part(Answers, Way, 16)),
        Self ! {self(), received(Socket, [])}
    end),
    {ok, Number, _} = ?LIB:open(Host, Local, Tokens, Answers, {Port, 5000, 10000, Memory, Term, 0, Rate, 1 bsl 40, 30, Overload, 0}),
    receive {beamtap_native, Number, connected} -> {Number, Sink} end.

%% Two times of three over a Unix socket (where there is no limit to the rate), else over TCP.
listen(0) ->
    Name = <<0, "beamtap-test-", (list_to_binary(os:getpid()))/binary, (integer_to_binary(erlang:unique_integer()))/binary>>,
    {ok, Listen} = gen_tcp:listen(0, [binary, {packet, raw}, {active, false}, {ifaddr, {local, Name}}]),
    {Listen, <<>>, 0, Name};
listen(_) ->
    {ok, Listen} = gen_tcp:listen(0, [binary, {packet, raw}, {active, false}, {ip, {127, 0, 0, 1}}]),
    {ok, Port} = inet:port(Listen),
    {Listen, <<"127.0.0.1">>, Port, <<>>}.

received(Socket, Got) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Bytes} -> received(Socket, [Bytes | Got]);
        {error, closed} -> iolist_to_binary(lists:reverse(Got))
    end.

%% {Produced, Lost}, which the frames have to say too.
finish(Number, Sink) ->
    ?LIB:finish(Number, 5000),
    receive {beamtap_native, Number, figures} -> ok after 30000 -> error({no_figures, process_info(self(), messages)}) end,
    {Produced, Sent, Lost, _, _} = ?LIB:figures(Number),
    ok = ?LIB:control(Number, term_to_binary(the_end), 2),
    receive {beamtap_native, Number, done} -> ok end,
    receive {Sink, Bytes} -> ok end,
    {{Produced, Sent, Lost}, _} = {frames(Bytes, 0, 0, 0), {Produced, Sent, Lost}},
    {Produced, Lost}.

%% Every number once, every message whole and of this tracer's grammar, the last report last.
frames(<<"BTF1", 1, Flags, 0:16, _:32, _:32, Seq:64, Count:32, Lost:32, 0:32, Length:32, Body:Length/binary, Rest/binary>>, Next, Sent, All) ->
    Seq = Next + Lost,
    case Flags of
        1 when Rest =:= <<>> -> <<_:32, Report/binary>> = Body, the_end = binary_to_term(Report), {Seq, Sent, All + Lost};
        1 -> frames(Rest, Seq, Sent, All + Lost);
        0 -> frames(Rest, Seq, Sent, All + Lost);
        4 ->
            Messages = binary_to_term(Body),
            Count = length([M || M <- Messages, element(1, M) =:= trace_ts, is_pid(element(2, M)), is_integer(element(tuple_size(M), M))]),
            frames(Rest, Seq + Count, Sent + Count, All + Lost)
    end.

%% ---- What is traced ------------------------------------------------------------------------------------------------

busy() ->
    Refs = [element(2, spawn_monitor(fun() -> work(30) end)) || _ <- lists:seq(1, 10)],
    Killed = spawn(fun() -> endless() end),
    erlang:yield(),
    exit(Killed, kill),
    [receive {'DOWN', R, process, _, _} -> ok end || R <- Refs],
    ?MODULE:busy().

work(0) -> erlang:garbage_collect();
work(N) ->
    call({N, self(), make_ref(), #{k => N, large => 1 bsl 80}, fun() -> N end, fun lists:map/2, <<N:13>>, "text", 1.5, [a | b], 'h\x{e9}', '\x{3bb}'}),
    self() ! {x, N},
    receive {x, N} -> ok end,
    work(N - 1).

endless() -> call(lists:seq(1, 2000)), endless().

call(X) -> X.
