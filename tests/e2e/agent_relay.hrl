%% agent_relay.hrl: what the relay makes of trace messages of other shapes, and of what comes in an unusual order, while agent_test
%% traces.

%% ---- With schedule events each message has the scheduler in it, behind what was said of it -------------------------

said(Event) -> element(5, Event).

t_stack_scheduled() ->
    {Peer, Node} = target(),
    {ok, C} = start(Node, (options())#{functions => [{<<"e2e_work">>, <<"target">>, 2, none, [stack], <<>>}],
                                       events => [function_call, schedule_in]}),
    ok = ask(Peer, e2e_work, run, [1, 5, 0]),
    #{events := Events} = stop(C),
    Calls = tagged(call, Events),
    [{5, 7}] = lists:usort([{length(Calls), tuple_size(E)} || E <- Calls]),
    [{'$beamtap_stack', e2e_work, calls}] =
        lists:usort([{Tag, element(1, Caller), element(2, Caller)} || E <- Calls, {Tag, [Caller | _], none} <- [said(E)]]),
    clean(Peer).

%% In the node: a process gets more than max_term from the loader, which is no payload of its own, and messages of its own then.
fetches(Path) ->
    {_, Ref} = spawn_monitor(fun() ->
        [begin
             {ok, _, _} = erl_prim_loader:get_file(Path),
             timer:sleep(300),
             self() ! {small, N},
             receive {small, N} -> ok end
         end || N <- [1, 2, 3]]
    end),
    receive {'DOWN', Ref, process, _, Why} -> Why end.

t_code_scheduled() ->
    {Peer, Node} = target(),
    {ok, C} = start(Node, (options())#{events => [message_receive, schedule_in], max_term => 10000}),
    normal = ask(Peer, ?MODULE, fetches, [ask(Peer, code, which, [lists])]),
    #{events := Events} = S = stop(C),
    [_ | _] = [N || {_, _, 'receive', {'$beamtap_cut', N}, _, _, _} <- Events],
    [1, 2, 3] = [N || {_, _, 'receive', {small, N}, {'$beamtap_from', _, P}, _, _} = E <- Events, P =:= pid(E)],
    [] = reports(gap, S),
    clean(Peer).

%% ---- Frames that wait for credit when the run ends -----------------------------------------------------------------

%% Events are lost then; reports are not, and stand in their places among what was lost.
t_no_credit_reports() ->
    {Peer, Node} = target(),
    {ok, {Pid, _} = C} = start(Node, (options())#{credit => 1, overload => pause, max_queue => 10000000, max_memory => 0}, #{grant => false}),
    ok = ask(Peer, e2e_work, run, [1, 10, 0]),
    Pid ! {tell, {beamtap, clock, 7}},
    ok = peer:call(Peer, ?MODULE, storm, [2, 150000], 60000),
    timer:sleep(100),
    {e2e_work, Beam, File} = ask(Peer, code, get_object_code, [e2e_work]),
    {module, e2e_work} = ask(Peer, code, load_binary, [e2e_work, File, Beam]),
    timer:sleep(1200), % over a tick, in which that is found
    #{events := [], lost := Lost, final := #{produced := Lost}} = S = stop(C),
    true = Lost > 31,
    [{gap, From, To, 1, <<"the collector did not read">>}] = reports(gap, S),
    true = To - From > 1000000000,
    [clock, log, gap, final] = [element(1, R) || {0, R} <- maps:get(reports, S),
                                                 lists:member(element(1, R), [gap, final]) orelse element(1, R) =:= log orelse
                                                     (element(1, R) =:= clock andalso element(2, R) =:= 7)],
    [_] = [T || {log, info, T} <- reports(log, S), string:find(T, "was loaded again") =/= nomatch],
    clean(Peer).

%% ---- Trace messages that come late ---------------------------------------------------------------------------------
%%
%% Where many send at once the VM keeps the order of each sender's messages alone. Here an order is made that may come of it, in the
%% node, while the relay stands still: what says that all was delivered, then some of that.

%% Sends Late behind the first message that has this tag. Steps: the relay runs for a moment between two looks; whether the message
%% was found before the relay took it.
overtaken(Relay, Owner, {Early, Tag, Late, Steps}) ->
    process_flag(priority, max), % the relay's is high
    true = erlang:suspend_process(Relay),
    [Relay ! M || M <- Early],
    Owner ! {self(), still},
    Found = overtaken_wait(Relay, Tag, Steps),
    [Relay ! M || M <- Late],
    true = erlang:resume_process(Relay),
    Owner ! {self(), Found}.

overtaken_wait(Relay, Tag, Steps) ->
    {messages, Messages} = process_info(Relay, messages),
    case lists:keymember(Tag, 1, Messages) of
        true -> true;
        false when Steps, Messages =:= [] -> false;
        false ->
            Steps andalso erlang:resume_process(Relay),
            case Steps of true -> process_info(Relay, message_queue_len); false -> receive after 1 -> ok end end, % nothing that loads code
            Steps andalso erlang:suspend_process(Relay),
            overtaken_wait(Relay, Tag, Steps)
    end.

made_call(Pid, Argument) -> {trace_ts, Pid, call, {e2e_work, target, [made, Argument]}, erlang:monotonic_time(nanosecond)}.
made_calls(Events) -> [X || {trace_ts, _, call, {e2e_work, target, [made, X]}, _} <- Events].

t_late_at_the_end() ->
    {Peer, Node} = target(),
    {ok, {Pid, #{tracer := Relay}} = C} = start(Node, options()),
    Late = [made_call(Relay, 1), {relay_report, {log, info, <<"late">>}}, made_call(Relay, 2)],
    Vm = ask(Peer, erlang, spawn, [?MODULE, overtaken, [Relay, self(), {[], relay_finish, Late, false}]]),
    receive {Vm, still} -> ok end,
    Pid ! {tell, {beamtap, stop}},
    #{events := Events, reports := Reports, final := #{produced := 2, lost := 0}} = final(C),
    [1, 2] = made_calls(Events),
    [1] = [N || {N, {log, info, <<"late">>}} <- Reports],
    clean(Peer).

%% By then the relay only counts. The guardian stands still too until the relay has said what ends the run.
t_late_after_a_limit() ->
    {Peer, Node} = target(),
    {ok, {_, #{tracer := Relay, guardian := Guardian}} = C} = start(Node, (options())#{max_events => 3}),
    Still = ask(Peer, erlang, spawn, [?MODULE, overtaken, [Guardian, self(), {[], go_on, [], false}]]),
    receive {Still, still} -> ok end,
    [Relay ! made_call(Relay, N) || N <- [1, 2, 3]],
    wait_for(limit, fun() -> lists:keymember(relay_end, 1, element(2, ask(Peer, erlang, process_info, [Guardian, messages]))) end),
    Late = [made_call(Relay, N) || N <- [4, 5]],
    Vm = ask(Peer, erlang, spawn, [?MODULE, overtaken, [Relay, self(), {[], relay_finish, Late, false}]]),
    receive {Vm, still} -> ok end,
    Guardian ! {go_on},
    #{events := Events, final := #{reason := max_events, produced := 5, lost := 2}, why := #{6 := 2}} = final(C),
    [1, 2, 3] = made_calls(Events),
    clean(Peer).

%% Each of the late ones ends a frame, by its size. All together is less than what a connection takes at once: nothing is held.
t_late_in_a_pause() ->
    {Peer, Node} = target(),
    late_in_a_pause(Peer, Node, 50),
    clean(Peer).

late_in_a_pause(Peer, Node, Tries) ->
    {ok, {_, #{tracer := Relay}} = C} = start(Node, (options())#{max_queue => 5000, max_memory => 0}),
    Early = [made_call(Relay, N) || N <- lists:seq(1, 19000)],
    Late = [made_call(Relay, lists:duplicate(2000, late)) || _ <- [1, 2, 3]],
    Vm = ask(Peer, erlang, spawn, [?MODULE, overtaken, [Relay, self(), {Early, trace_delivered, Late, true}]]),
    Found = receive {Vm, Bool} when is_boolean(Bool) -> Bool end,
    Found andalso wait_for(gap, fun() -> {S, _} = so_far(C), reports(gap, S) =/= [] end),
    #{reports := Reports, final := #{produced := 19003, lost := 0}} = stop(C),
    case Found of
        true -> [19003] = [N || {N, {gap, _, _, 2, _}} <- Reports];
        false when Tries > 1 -> late_in_a_pause(Peer, Node, Tries - 1)
    end.
