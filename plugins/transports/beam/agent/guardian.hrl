%% guardian.hrl: the two processes that make sure that nothing is left.
%%
%% The first sets everything up, hears the collector, and watches the relay, the collector's node, the lease and the second.
%% The second only holds a copy of what was set, always told before it is set, and watches the first: whichever is killed, the
%% other takes everything away. Ending a run is one function, end_run, and may be done twice.

-record(guardian, {
    run, peer, starter,
    entries = [], pending = [], known = [],     % functions: the rules, modules to come, modules seen
    looked = 0,                                 % ns: when modules were last looked at (load.hrl)
    polls = false, polling = false,             % on_load is not used; a poll is on its way
    watch = none,                               % ms until which is looked more often
    returns_off = #{},                             % {M,F,A} => true: set without its return trace
    stacks_off = #{},                              % and without its dumps
    names = #{},                                % registered name => pid, as last reported
    follow = #{},                               % name => pid | none (follow.hrl)
    roots = [],                                 % of trees: [{Text, Pid}]
    following = false, hurry = 0,               % a look is on its way; ms until which looks are soon
    call = none,                                % #call{}
    looks = none,                               % visible, connected: for which nodes the collector is told of
    renewed = 0, ends = infinity, due = 0       % ms of monotonic time; due: the next tick
}).

%% ---- The first guardian: setting up --------------------------------------------------------------------------------

guardian_begin(Starter, Tag, Registry, Options) ->
    Session = session_name(),
    try guardian_spawn(Registry, Session, Options) of
        {Run, Peer} -> guardian_try(#guardian{run = Run, peer = Peer, starter = Starter}, Tag, Registry, Session)
    catch error:system_limit -> Starter ! {Tag, {error, {failed, full_text()}}}
    end.

%% The other processes of the run; all of them, or none.
guardian_spawn(Registry, Session, Options) ->
    #{run := Id, collector := Collector, lease := Lease} = Options,
    Self = self(),
    own_begin(),
    registry_enter(Registry, Self, Id, Session),
    erlang:monitor_node(node(Collector), true),
    Shared = atomics:new(?SHARED, []),
    atomics:put(Shared, ?CREDIT, maps:get(credit, Options)),
    Relay = spawn_opt(fun() -> relay_begin(Self) end, relay_options(Options)),
    Peer = try spawn_opt(fun() -> peer_begin(Self, Relay, Lease) end, [{priority, high}, ?OWN_HEAP])
    catch error:system_limit -> exit(Relay, kill), error(system_limit)
    end,
    registry_enter(Registry, Peer, Id, Session),
    monitor(process, Relay, [{tag, relay_down}]),
    monitor(process, Peer, [{tag, peer_down}]),
    {#run{id = Id, collector = Collector, options = Options, shared = Shared, relay = Relay, tracer = Relay}, Peer}.

guardian_try(#guardian{run = #run{options = #{duration := Duration}, relay = Relay}} = G0, Tag, Registry, Session) ->
    Self = self(),
    try guardian_set_up(G0, Registry, Session) of
        G ->
            Now = erlang:monotonic_time(millisecond),
            G0#guardian.starter ! {Tag, {ok, #{relay => Self, guardian => Self, tracer => Relay}}},
            guardian_first(G#guardian{starter = none, renewed = Now,
                                     ends = case Duration of 0 -> infinity; _ -> Now + Duration end})
    catch
        throw:{refused, Code, Text} -> guardian_refuse(G0, Tag, {Code, Text});
        error:system_limit -> guardian_refuse(G0, Tag, system_limit);
        Class:Reason:Stack -> guardian_refuse(G0, Tag, {Class, Reason, Stack})
    end.

relay_options(#{max_memory := Memory, max_queue := Queue}) ->
    %% The heap holds frames in the making; what waits outside of it is bounded by relay_load. This is the backstop, above what
    %% one gigantic term takes: the first must come in, so that it can turn payloads off (a map of a million keys: 60 MB and more).
    Words = max(64 bsl 20, Memory div erlang:system_info(wordsize)),
    [{priority, relay_priority(Queue)}, {message_queue_data, off_heap}, {min_heap_size, 32768}, {min_bin_vheap_size, 1 bsl 20},
     {max_heap_size, #{size => Words, kill => true, error_logger => false}}].

%% Among a hundred thousand runnable processes its turn would come too seldom to see how long its queue is: 1.7 million messages
%% with max_queue = 10k, and 48,000 when it goes before them. It has work only where they made some. Who lets more wait than a
%% storm brings wants the traced processes to go first.
relay_priority(Queue) when Queue > ?QUEUE_STORM -> normal;
relay_priority(_) -> high.

%% Nothing that was set in a start that failed stays: the second guardian has the list of it, and where it was killed just
%% now this one does it. Explained is only what was undone.
guardian_refuse(#guardian{run = Run, peer = Peer, starter = Starter}, Tag, Why) ->
    Down = monitor(process, Peer),
    Peer ! {peer_undo, self()},
    receive
        {'DOWN', Down, process, Peer, normal} -> ok;
        {'DOWN', Down, process, Peer, _} -> peer_undo(case get(?MODULE) of undefined -> Run; Told -> Told end)
    end,
    exit(Run#run.relay, kill),
    Starter ! {Tag, {error, refusal(Why)}}.

refusal({Code, Text}) -> {Code, Text};
refusal(system_limit) -> {failed, full_text()};
refusal(Exception) -> {failed, text("the agent failed while it started: ~0tP", [Exception, 40])}.

%% Throws {refused, Code, Text}.
guardian_set_up(#guardian{run = Run0, peer = Peer} = G0, Registry, SessionName) ->
    #run{options = #{events := Events, processes := Selectors} = Options, relay = Relay} = Run0,
    {Native, NativeNotes} = native_start(Options, Relay, Registry),
    {Stream, Notes} = case Native of none -> stream_start(Options, Relay, Run0#run.shared); _ -> {none, []} end,
    Tracer = native_tracer(Native, Relay),
    Session = session_new(SessionName, Tracer),
    %% From here on the second guardian can undo.
    Run01 = tell_peer(Run0#run{session = Session, stream = Stream, native = Native, tracer = Tracer}, Peer),
    Call = call_new(Options),
    Run02 = tell_peer(Run01#run{caller = call_pid(Call)}, Peer),
    Run03 = tell_peer(Run02#run{namer = names_start(Options, Relay)}, Peer),
    Run1 = tell_peer(Run03#run{heaps = case Native of none -> heaps_start(Options); _ -> none end}, Peer),
    {Kinds, KindNotes} = counters_kinds(Options),
    Run12 = tell_peer(Run1#run{counters = counters_start(Kinds, Options), options = Options#{count => Kinds}}, Peer),
    #run{namer = Namer, heaps = Heaps, counters = Counters} = Run12,
    {Stack, StackNotes} = case Kinds of [] -> stack_how(Options, Native); _ -> {{count, Kinds}, KindNotes} end,
    Entries = plan_entries(Options#{stack => Stack}),
    Messages = guardian_messages(Options),
    {Select0, Found0, Missing} = case Call of
        none ->
            Agents = [self(), Peer, Relay, Stream, Namer, Heaps, Counters, Registry, G0#guardian.starter],
            Ours = [P || P <- Agents, is_pid(P)],
            Registry ! {own, self(), Ours},
            plan_processes(Selectors, excluded(Ours ++ own_processes()));
        _ -> call_select(Call)
    end,
    Follow = follow_new(Selectors, Found0),
    Comes = lists:member(none, maps:values(Follow)),
    Selectors =/= [] andalso Found0 =:= [] andalso not Select0#select.new andalso not Comes andalso
        throw({refused, no_process, missing_text(Missing)}),
    {Select, Found, Unknown} = plan_trees(Select0, Found0),
    Named = load_named(Entries, Options),
    Looked = erlang:monotonic_time(nanosecond), % not after: what is loaded meanwhile belongs to the next look
    Known = lists:usort(erlang:loaded()),
    Others = load_others(Session, Selectors),
    Run10 = Run12#run{otp = otp_new(Options), plain = Session =/= none orelse (Native =/= none andalso Others =:= [])},
    Run11 = case Native of none when Kinds =:= [] -> load_begin(Run10, Entries, Others, Peer); _ -> Run10 end,
    {Targets, Skipped, Pending, Later, Left} = plan_functions(Entries, Run11),
    Other = event_flags(Events) -- [call],
    Targets =:= [] andalso Pending =:= [] andalso not Later andalso Other =:= [] andalso
        throw({refused, empty_plan, empty_text(Skipped)}),
    Session =:= none andalso Kinds =/= [call_count] andalso guardian_rivals(rivals(Events, Select, Messages, Others, Run11#run.on_load)),
    Run2 = tell_peer(Run11#run{targets = Targets, messages = Messages, select = Select, carriers = own_carriers(Select),
                              flags = counters_flags(Kinds, [monotonic_timestamp || Native =:= none] ++ event_flags(Events)
                                                         ++ [arity || native_arity(Native, Options)])}, Peer),
    unmarked_known(Run2),
    [guardian_message(Session, Which, Spec) || {Which, Spec} <- Messages],
    Count = lists:sum([set_target(Session, T) || T <- Targets]),
    Up = node_up(Run2), % its time is before that of every event
    Run3 = tell_peer(Run2#run{on = true}, Peer),
    Bad = flags_on(Run3, first),
    own_watch(Run3),
    Taken = [{text("~p", [P]), Why} || {P, Why} <- process_notes(Bad, Select)],
    Comes orelse guardian_nobody(Select, Bad, Found),
    Names = registered_names(),
    Plan = (left_out(Left, Select))#{functions => lists:sublist(targets_functions(lists:sublist(Targets, 10000)), 10000), function_count => Count,
             processes => [F || {_, P} = F <- Found, not lists:keymember(P, 1, Bad)],
             skipped => lists:sublist(Skipped ++ Missing ++ Unknown ++ Taken, 2000)},
    Stays = [{log, warning, Text} || Text <- maps:values(module_stays())],
    Relay ! {relay_begin, self(), Run3, [Up, {plan, Plan} | load_named_log(Named) ++ Stays ++ NativeNotes ++ Notes ++ StackNotes ++ name_reports(Names)], Entries},
    heaps_first(Run3),
    counters_go(Run3),
    G0#guardian{run = Run3, call = Call, entries = Entries, pending = Pending, names = Names, known = Known, follow = Follow,
                roots = [F || {_, P} = F <- Found0, Call =:= none, lists:member(P, Select0#select.trees)],
                looked = Looked}.

tell_peer(Run, Peer) ->
    Peer ! {peer_run, Run},
    put(?MODULE, Run), % should this one have to undo alone
    Run.

guardian_messages(#{events := Events, sends := Sends, receives := Receives, run := Id}) ->
    [case check_spec(Spec, <<"send">>) of ok -> ok; {error, Text} -> throw({refused, bad_spec, Text}) end || Spec <- Sends],
    [case check_spec(Spec, <<"receive">>) of ok -> ok; {error, Text} -> throw({refused, bad_spec, Text}) end || Spec <- Receives],
    [{send, message_spec(send, Sends, Id)} || lists:member(message_send, Events), Sends =/= []] ++
        [{'receive', message_spec('receive', Receives, Id)} || lists:member(message_receive, Events)].

guardian_message(Session, Which, Spec) ->
    try set_message(Session, Which, Spec)
    catch error:badarg -> throw({refused, bad_spec, text("~s: the node does not take this match spec", [Which])})
    end.

guardian_rivals([]) -> ok;
guardian_rivals(Texts) ->
    Shown = lists:sublist(lists:usort(Texts), 3),
    throw({refused, busy, text("someone else traces in this node, and before OTP 27 messages and all or new processes cannot be "
                               "shared: ~ts", [lists:join(", ", Shown)])}).

%% Everyone was asked and nobody could be traced.
guardian_nobody(#select{everyone = true}, _, _) -> ok;
guardian_nobody(#select{new = true}, _, _) -> ok;
guardian_nobody(_, Bad, Found) ->
    case [P || {_, P} <- Found, not lists:keymember(P, 1, Bad)] of
        [] ->
            Code = case lists:keymember(taken, 2, Bad) of true -> busy; false -> no_process end,
            throw({refused, Code, missing_text([{text("~p", [P]), process_note(W)} || {P, W} <- Bad])});
        _ -> ok
    end.

missing_text(Missing) ->
    text("no process to trace: ~ts", [lists:join(", ", [[What, ": ", Why] || {What, Why} <- lists:sublist(Missing, 5)])]).

empty_text(Skipped) ->
    text("nothing would be traced: ~ts",
         [lists:join(", ", [[What, ": ", Why] || {What, Why} <- lists:sublist(Skipped, 5)])]).

%% With every process traced, those that ended meanwhile are nothing to report.
process_notes(Bad, #select{everyone = Everyone}) ->
    [{P, process_note(W)} || {P, W} <- Bad, not Everyone orelse W =:= taken].

process_note(gone) -> <<"it is gone">>;
process_note(taken) -> <<"someone else traces it">>.

set_target(Session, #target{module = M, functions = all, spec = Spec}) ->
    set_spec(Session, {M, '_', '_'}, Spec);
set_target(Session, #target{module = M, functions = Functions, spec = Spec}) ->
    lists:sum([set_spec(Session, {M, F, A}, Spec) || {F, A} <- Functions]).

set_spec(Session, MFA, Spec) ->
    try set_function(Session, MFA, Spec)
    catch error:badarg -> throw({refused, bad_spec, text("~0tp: the node does not take this match spec", [MFA])})
    end.

%% ---- The first guardian: watching ----------------------------------------------------------------------------------

guardian_first(G0) ->
    guardian_loop(call_start(follow_first(load_first(guardian_next_tick(G0))))).

guardian_loop(#guardian{run = #run{relay = Relay, shared = Shared} = Run, peer = Peer} = G) ->
    receive
        {beamtap, credit, Total} when is_integer(Total) ->
            credit_grant(Run, Total),
            guardian_loop(G);
        {beamtap, renew} ->
            guardian_loop(G#guardian{renewed = erlang:monotonic_time(millisecond)});
        {beamtap, stop} ->
            end_run(G, stop, <<"the collector ended the run">>);
        {beamtap, clock, Ref} ->
            Report = clock_report(Ref),
            atomics:add(Shared, ?URGENT, 1),
            Relay ! {relay_urgent, Report},
            report(Run, clock_report(undefined)), % in its place: how far the events are
            guardian_loop(G);
        {beamtap, nodes, Which} when Which =:= visible; Which =:= connected ->
            guardian_loop(guardian_look(Which, G));
        {beamtap, names, {Ref, Pids}} when is_list(Pids) ->
            names_ask(Run, Ref, Pids),
            guardian_loop(G);
        {nodeup, Node, _} ->
            guardian_neighbours(Run, [Node]),
            guardian_loop(G);
        {beamtap, returns_off, {_, _, _} = MFA, Pid, Open} when node(Pid) =:= node(), is_integer(Open) ->
            %% A process may be long in answering: the other guardian has nothing to do meanwhile.
            Peer ! {peer_look, self(), Pid, {MFA, Open}},
            guardian_loop(G);
        {peer_saw, {MFA, Open}, Stack} ->
            guardian_loop(case is_pile(MFA, Open, Stack, return_words(Run)) of
                true ->
                    guardian_returns_off(MFA, text("~b of its calls in one process ended in tail calls, and the trace of each "
                                               "return stays on the stack", [Open]), G);
                false -> G
            end);
        {relay_returns_off, MFA, Why} ->
            guardian_loop(guardian_returns_off(MFA, Why, G));
        {relay_stacks_off, MFA, Why} ->
            guardian_stacks_off(MFA, Why, Run),
            guardian_loop(G#guardian{stacks_off = (G#guardian.stacks_off)#{MFA => true}});
        {relay_end, Relay, Reason, Text} ->
            call_limit(Reason, Text, G);
        {relay_down, _, process, Relay, Why} ->
            end_run(G, relay, {"the relay was ended: ~0tP", [Why, 10]});
        {peer_down, _, process, Peer, Why} ->
            end_run(G, failed, {"a guardian was ended: ~0tP", [Why, 10]});
        {nodedown, _} ->
            end_run(G, connection, <<"the connection to the collector was lost">>);
        poll ->
            guardian_loop(load_poll(G));
        {follow_down, _, process, Pid, _} ->
            guardian_loop(follow_down(Pid, G));
        follow ->
            guardian_loop(follow_poll(G));
        {tree, Found} ->
            guardian_loop(tree_found(Found, G));
        {counters_over, Text} ->
            end_run(G, overload, Text);
        {counters_down, _, process, _, Why} ->
            end_run(G, failed, {"the process that reads the counters was ended: ~0tP", [Why, 10]});
        {relay_new, Module} ->
            guardian_loop(load_seen(Module, G));
        tick ->
            guardian_ticked(G);
        Message ->
            call_message(Message, G)
    end.

guardian_ticked(G0) ->
    Now = erlang:monotonic_time(millisecond),
    #guardian{run = #run{options = #{lease := Lease}} = Run, renewed = Renewed, ends = Ends} = G =
        guardian_heard(Now, G0),
    G#guardian.peer ! peer_alive,
    if
        Now - Renewed > Lease -> end_run(G, lease, {"the collector did not renew the lease of ~b ms", [Lease]});
        Now >= Ends -> end_run(G, duration, <<"the duration is over">>);
        true ->
            report(Run, clock_report(undefined)),
            guardian_exclude(Run),
            guardian_loop(guardian_next_tick(guardian_names(follow_look(load_tick(G)))))
    end.

%% Before the lease is judged: renewals that wait behind the tick count, and so does the time for which this node itself
%% stood still and could hear nobody.
guardian_heard(Now, G) ->
    receive {beamtap, renew} -> guardian_heard(Now, G#guardian{renewed = Now})
    after 0 -> guardian_forgive(Now - G#guardian.due, G)
    end.

guardian_forgive(Late, #guardian{run = #run{options = #{lease := Lease}}, renewed = Renewed} = G) when Late > Lease div 4 ->
    G#guardian{renewed = Renewed + Late};
guardian_forgive(_, G) -> G.

%% The next tick, or the end if that is nearer.
guardian_next_tick(#guardian{run = #run{options = #{lease := Lease}}, ends = Ends} = G) ->
    Now = erlang:monotonic_time(millisecond),
    Tick = max(10, min(1000, Lease div 3)),
    Left = case Ends of infinity -> Tick; _ -> min(Tick, max(1, Ends - Now)) end,
    erlang:send_after(Left, self(), tick),
    G#guardian{due = Now + Left}.

%% Asked once, each node that comes is told at once: it may be gone again before the next question (global cuts nodes off
%% within milliseconds when they cannot all reach each other).
guardian_look(Which, #guardian{run = Run, looks = Looks} = G) ->
    Looks =/= Which andalso
        net_kernel:monitor_nodes(true, [{node_type, case Which of visible -> visible; connected -> all end}]),
    guardian_neighbours(Run, nodes(Which)),
    G#guardian{looks = Which}.

guardian_neighbours(#run{collector = Collector}, Nodes) ->
    erlang:send(Collector, {beamtap, nodes, Nodes}, [nosuspend, noconnect]).

report(#run{relay = Relay}, Report) -> Relay ! {relay_report, Report}.

clock_report(Ref) ->
    {clock, Ref, erlang:monotonic_time(nanosecond), erlang:time_offset(nanosecond)}.

%% Connections that are made during the run would trace the trace.
guardian_exclude(#run{select = #select{everyone = true, excluded = Old}, session = Session, tracer = Tracer}) ->
    New = maps:without(maps:keys(Old), excluded([])),
    each_process(fun(P) -> is_member(Session, Tracer, P) andalso set_process(Session, Tracer, P, false, [all]) end,
                 maps:keys(New));
guardian_exclude(_) -> ok.

%% A tail call leaves the trace of its return on the stack and nothing else; one that waits for another has its own frame there
%% too, a word at the least. So few words for so many calls are tail calls. Where others' calls are among them, the frames must tell:
%% the VM shows neither traces of returns nor what is the same as the frame above it, and a function that is there more than
%% once waits for its own calls, which do return. (In doubt it is asked again, when there are twice as many.)
is_pile({M, F, A}, Open, [{stack_size, Words}, {current_stacktrace, Frames}], Each) when Words >= Each * Open ->
    Times = length([here || {Module, Function, Arity, _} <- Frames, {Module, Function, Arity} =:= {M, F, A}]),
    Words < (Each + 1) * Open orelse Times =:= 1 orelse (Times =:= 0 andalso length(Frames) < ?FRAMES_SHOWN);
is_pile(_, _, _, _) -> false.

%% Words of a stack that the trace of a return takes: since OTP 27 the trace session is among them.
return_words(#run{session = none}) -> 3;
return_words(_) -> 4.

guardian_returns_off(MFA, _, #guardian{returns_off = ReturnsOff} = G) when is_map_key(MFA, ReturnsOff) -> G;
%% Said before it is done: a call between the two that still has a return adds one more to those at the end of the loop. One that
%% were thought to have a return, and had none, would stand open for ever.
guardian_returns_off(MFA, Why, #guardian{run = Run, returns_off = ReturnsOff} = G) ->
    Said = fun(Spec) ->
        case without_returns(Spec) of
            same -> same;
            Less -> report_now(Run, {returns_off, MFA, Why}), Less
        end
    end,
    case less_spec(Said, Run, MFA) of
        true ->
            {M, F, A} = MFA,
            report(Run, {log, warning, text("~0tp:~0tp/~b is traced without its returns from here on: ~ts", [M, F, A, Why])}),
            G#guardian{returns_off = ReturnsOff#{MFA => true}};
        false -> G
    end.

guardian_stacks_off({M, F, A} = MFA, Why, Run) ->
    less_spec(fun without_dumps/1, Run, MFA) andalso
        report(Run, {log, warning, text("~0tp:~0tp/~b is traced without its stack from here on: ~ts", [M, F, A, Why])}).

returns_off(Run, MFA) -> less_spec(fun without_returns/1, Run, MFA).

%% Only a pattern that is ours; it stays ours, so that it is taken away with the others.
less_spec(Without, #run{id = Id, session = Session}, MFA) ->
    try
        Spec = function_spec(Session, MFA),
        {ours, Id} = owner(Spec),
        Less = Without(Spec),
        Less =/= same andalso set_function(Session, MFA, Less) > 0
    catch error:_ -> false
    end.
