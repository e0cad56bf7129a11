%% agent_rig.hrl: traced nodes, and a collector, for agent_test.
%%
%% A collector here is a process that reads frames as the C side does: it checks every header (numbers without holes,
%% sequence numbers that add up with what is said to be lost), grants credit and renews the lease as a test tells it to.
%% The traced nodes are peers over their standard input and output, so a test can ask a node what really happened
%% whatever the distribution is doing.

%% ---- Nodes ---------------------------------------------------------------------------------------------------------

%% A node of the release that is tested; {Peer, Node}.
target() -> target(get(root)).
target(Root) ->
    Folder = get(folder),
    {Exec, Path} = case Root of
        none -> {os:find_executable("erl"), Folder};
        _ ->
            {{os:find_executable("chroot"), [Root, "erl"]}, made_for(Root, Folder)}
    end,
    Name = lists:concat(["t", os:getpid(), "_", erlang:unique_integer([positive])]),
    {ok, Peer, Node} = peer:start(#{name => Name, host => "localhost", exec => Exec, connection => standard_io,
                                    wait_boot => 60000,
                                    args => ["-setcookie", atom_to_list(erlang:get_cookie()), "-pa", Path, "-hidden"]}),
    put(peers, [Peer | get(peers)]),
    put({peer, Node}, Peer),
    {module, _} = ask(Peer, code, ensure_loaded, [e2e_work]),
    {module, _} = ask(Peer, code, ensure_loaded, [agent_test]),
    true = net_kernel:connect_node(Node),
    {Peer, Node}.

%% A release need not load what an older one has compiled: it makes the modules itself, once, in a folder of its own.
made_for(Root, Folder) ->
    Name = "/beamtap-" ++ filename:basename(Folder),
    Inside = Root ++ Name,
    filelib:is_file(filename:join(Inside, "agent_test.beam")) orelse begin
        ok = filelib:ensure_path(Inside),
        [{ok, _} = file:copy(F, filename:join(Inside, filename:basename(F)))
         || F <- filelib:wildcard(filename:join([Folder, "sources", "*"]))],
        Said = os:cmd("chroot '" ++ Root ++ "' sh -c 'cd " ++ Name ++ " && erlc *.erl && echo made'"),
        lists:suffix("made\n", Said) orelse error({compiler, Said})
    end,
    Name.

%% peer:call's own patience, 5 s, is too little where both cores are busy with other things.
ask(Peer, M, F, Args) -> peer:call(Peer, M, F, Args, ?PATIENCE).

wait_for(What, Condition) -> wait_for(What, Condition, erlang:monotonic_time(millisecond) + ?PATIENCE).
wait_for(What, Condition, End) ->
    case Condition() of
        true -> ok;
        Value ->
            erlang:monotonic_time(millisecond) > End andalso error({waited_in_vain, What, Value}),
            timer:sleep(10),
            wait_for(What, Condition, End)
    end.

%% Nothing of beamtap is left in the node.
clean(Peer) ->
    wait_for(clean_node, fun() -> case peer:call(Peer, e2e_node, residue, [], 20000) of [] -> true; R -> R end end).

%% ---- The collector -------------------------------------------------------------------------------------------------

options() ->
    #{run => run_id(), events => [function_call], processes => [new], lease => 3000, max_queue => 100000,
      functions => [{<<"e2e_work">>, any, any, none, [named], <<"test:1">>}], credit => 4 bsl 20}.

run_id() -> list_to_binary(io_lib:format("~16.16.0b", [erlang:unique_integer([positive])])).

%% Starts a run from this node: {ok, Collector} or the agent's refusal.
start(Node, Options) -> start(node(), Node, Options, #{}).
start(Node, Options, How) -> start(node(), Node, Options, How).
start(At, Node, Options, How) ->
    Me = self(),
    {Agent, Beam} = get(agent),
    Pid = spawn(At, ?MODULE, collector, [Me, {Node, Agent, Beam, Options, How}]),
    Ref = monitor(process, Pid),
    receive
        {Pid, started, Started} -> demonitor(Ref, [flush]), {ok, {Pid, Started}};
        {Pid, refused, Error} -> demonitor(Ref, [flush]), Error;
        {'DOWN', Ref, _, _, Why} -> error({collector, Why})
    end.

%% Loads the agent and starts a run; again, when the module was just being removed.
begin_run(_, _, _, _, 0) -> {error, {again, <<"in vain">>}};
begin_run(Node, Agent, Beam, Options, Tries) ->
    case rpc:call(Node, erlang, module_loaded, [Agent]) of
        true -> ok;
        false -> {module, Agent} = load(Node, Agent, Beam)
    end,
    Result = rpc:call(Node, Agent, start, [Options]),
    Again = case Result of
        {error, {again, _}} -> true;
        {badrpc, {'EXIT', {undef, [{Agent, start, _, _} | _]}}} -> true;
        {badrpc, {'EXIT', killed}} -> true;
        _ -> false
    end,
    case Again of
        true -> timer:sleep(20), begin_run(Node, Agent, Beam, Options, Tries - 1);
        false -> Result
    end.

%% Past the code server, as the collector does it. An earlier one may be just leaving.
load(Node, Agent, Beam) ->
    case rpc:call(Node, erlang, load_module, [Agent, Beam]) of
        {error, not_purged} -> timer:sleep(20), load(Node, Agent, Beam);
        Result -> Result
    end.

collector(Owner, {Node, Agent, Beam, Options, How}) ->
    case begin_run(Node, Agent, Beam, Options#{collector => self()}, 20) of
        {ok, Started} ->
            Owner ! {self(), started, Started},
            #{lease := Lease} = maps:merge(#{lease => 10000}, Options),
            {ok, Timer} = timer:send_interval(max(1, Lease div 4), renew),
            collect(#{owner => Owner, started => Started, how => How, timer => Timer, seq => 0, number => 0, bytes => 0,
                      granted => 0, events => [], reports => [], lost => 0, why => #{}, final => none, waiting => none});
        Error ->
            _ = rpc:call(Node, Agent, unload, []),
            Owner ! {self(), refused, Error}
    end.

collect(#{started := #{relay := Relay, guardian := Guardian}, how := How} = S) ->
    receive
        <<"BTF1", 1, Flags, 0:16, Number:32, Why:32, Seq:64, Count:32, Lost:32, 0:32, Length:32, Body:Length/binary>> = F ->
            collect(grant(frame({Flags, Number, Why, Seq, Count, Lost}, Body, byte_size(F), S)));
        Frame when is_binary(Frame) ->
            exit({no_frame, Frame});
        renew ->
            maps:get(renew, How, true) andalso (Guardian ! {beamtap, renew}),
            collect(S);
        {how, New} ->
            collect(grant(S#{how => maps:merge(How, New)}));
        {tell, What} ->
            Guardian ! What,
            collect(S);
        {credit, Total} ->
            Relay ! {beamtap, credit, Total},
            collect(S);
        {get, From} ->
            From ! {self(), maps:with([reports, final, lost, seq, why], S#{events => []}), length(maps:get(events, S))},
            collect(S);
        {wait, From} ->
            collect(tell_final(S#{waiting => From}))
    end.

frame({1, Number, _, Seq, 1, 0}, <<Length:32, Bin:Length/binary>>, Bytes, #{number := Next, seq := At} = S) ->
    Report = binary_to_term(Bin),
    %% What a killed relay held is a hole before the report of its end.
    case Report of
        {final, #{reason := relay}} when Number >= Next, Seq >= At -> ok;
        _ when Number =:= Next, Seq =:= At -> ok;
        _ -> exit({bad_frame, Number, Next, Seq, At, Report})
    end,
    #{reports := Reports, bytes := All, events := Events} = S,
    S1 = S#{number => Number + 1, reports => [{length(Events), Report} | Reports], bytes => All + Bytes},
    case Report of
        {final, Map} -> tell_final(S1#{final => Map});
        _ -> S1
    end;
frame({Flags, Number, Why, Seq, Count, Lost}, Body, Bytes, #{number := Number, seq := Next, why := Whys} = S)
  when Seq =:= Next + Lost, Flags =:= 0 orelse Flags =:= 4 ->
    #{lost := Before, events := Events, bytes := All} = S,
    New = case Flags of
        0 -> terms(Body, Events);
        4 -> lists:reverse(binary_to_term(Body), Events)
    end,
    Count = length(New) - length(Events),
    (Lost > 0) =:= (Why > 0) orelse exit({lost_without_reason, Lost, Why}),
    S#{number => Number + 1, seq => Seq + Count, lost => Before + Lost, events => New, bytes => All + Bytes,
       why => case Lost of 0 -> Whys; _ -> maps:update_with(Why, fun(L) -> L + Lost end, Lost, Whys) end};
frame(Header, _, _, S) ->
    exit({bad_frame, Header, maps:with([number, seq], S)}).

terms(<<>>, Events) -> Events;
terms(<<Length:32, Bin:Length/binary, Rest/binary>>, Events) -> terms(Rest, [binary_to_term(Bin) | Events]).

grant(#{how := How, bytes := Bytes, granted := Granted, started := #{relay := Relay}} = S) ->
    Window = maps:get(window, How, 4 bsl 20),
    case maps:get(grant, How, true) of
        true when Bytes + Window - Granted > Window div 2 ->
            Relay ! {beamtap, credit, Bytes + Window},
            S#{granted => Bytes + Window};
        _ -> S
    end.

%% Where returns are asked for, each call brings its caller, by which the collector knows a tail call (test_tail.py).
without_tail({trace_ts, P, call, MFA, {'$beamtap_tail', _}, Ts}) -> {trace_ts, P, call, MFA, Ts};
without_tail({trace_ts, P, call, MFA, {'$beamtap_tail', _, X}, Ts}) -> {trace_ts, P, call, MFA, {'$beamtap_x', X}, Ts};
without_tail(Event) -> Event.

tell_final(#{waiting := none} = S) -> S;
tell_final(#{final := none} = S) -> S;
tell_final(#{waiting := From, events := Events, timer := Timer} = S) ->
    timer:cancel(Timer),
    From ! {self(), final, S#{events => lists:map(fun without_tail/1, lists:reverse(Events)), reports => lists:reverse(maps:get(reports, S))}},
    exit(normal).

%% Waits for the final report. What was received, what the agent says, and the sums of both.
final({Pid, _}) ->
    Ref = monitor(process, Pid),
    Pid ! {wait, self()},
    receive
        {Pid, final, #{events := Events, final := Final, lost := Lost} = S} ->
            demonitor(Ref, [flush]),
            #{produced := Produced, sent := Sent, lost := FinalLost} = Final,
            {sums, Produced, Produced} = {sums, Produced, Sent + FinalLost},
            maps:get(reason, Final) =:= relay orelse
                ({Sent, FinalLost} =:= {length(Events), Lost} orelse error({sums, Final, length(Events), Lost})),
            S;
        {'DOWN', Ref, _, _, Why} -> error({collector, Why})
    after ?PATIENCE -> error(no_final_report)
    end.

stop({Pid, _} = Collector) ->
    Pid ! {tell, {beamtap, stop}},
    final(Collector).

reports(Kind, #{reports := Reports}) -> [R || {_, R} <- Reports, element(1, R) =:= Kind].

%% How many events came so far.
so_far({Pid, _}) ->
    Pid ! {get, self()},
    receive {Pid, State, Count} -> {State, Count} end.

tag(Event) -> element(3, Event).
pid(Event) -> element(2, Event).
tagged(Tag, Events) -> [E || E <- Events, tag(E) =:= Tag].
