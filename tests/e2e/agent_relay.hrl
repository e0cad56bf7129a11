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
