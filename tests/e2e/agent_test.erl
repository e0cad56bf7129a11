%% agent_test: the agent alone, with plain Erlang nodes as collectors.
%%
%% agent_rig.hrl starts the nodes and plays the collector. After each test the node must be as it was before.
-module(agent_test).
-export([main/1, collector/2, killed_at_once/1, hold/2, storm/2, storm_worker/2, foreign/2, foreign_loop/2, deep/1, pile/1, big/1, calls/1, any/1, load_and/2, stays/2,
         loads_meanwhile/3, fetches/1, overtaken/3]).

-define(PATIENCE, 30000).

-include("agent_rig.hrl").
-include("agent_call.hrl").
-include("agent_load.hrl").
-include("agent_relay.hrl").

%% Arguments: Beam, Name of its module, folder for nodes, roots of other OTP releases or "-", part of test names or "".
main([Beam, Module, Folder, Roots, Part]) ->
    process_flag(trap_exit, true),
    put(agent, {list_to_atom(Module), element(2, file:read_file(Beam))}),
    put(folder, Folder),
    put(root, none),
    Here = [run_test(Name, Fun) || {Name, Fun} <- tests(), matches(Name, Part)],
    There = [begin
                 put(root, Root),
                 Name = lists:concat([Test, "@", filename:basename(Root)]),
                 run_test(Name, Fun)
             end || Root <- string:lexemes(Roots, ":"), {Test, Fun} <- tests(), lists:member(Test, sessions()),
                    matches(Test, Part)],
    halt(case lists:usort(Here ++ There) of [ok] -> 0; _ -> 1 end).

matches(Name, Part) -> string:find(atom_to_list(Name), Part) =/= nomatch.

tests() ->
    [{exact_counts, fun t_exact_counts/0}, {order, fun t_order/0}, {user_specs, fun t_user_specs/0},
     {selection, fun t_selection/0}, {tree, fun t_tree/0}, {everyone, fun t_everyone/0},
     {refusals, fun t_refusals/0}, {any_module, fun t_any_module/0},
     {no_credit_drop, fun() -> t_no_credit(drop) end}, {no_credit_pause, fun() -> t_no_credit(pause) end},
     {no_credit_stop, fun() -> t_no_credit(stop) end}, {late_credit, fun t_late_credit/0},
     {collector_killed, fun t_collector_killed/0}, {collector_stopped, fun t_collector_stopped/0},
     {relay_killed, fun t_relay_killed/0}, {guardian_killed, fun t_guardian_killed/0},
     {second_guardian_killed, fun t_second_guardian_killed/0}, {lease, fun t_lease/0},
     {duration, fun t_duration/0}, {max_events, fun() -> t_max_events(100000) end},
     {max_events_flood, fun() -> t_max_events(100) end}, {a_function_any, fun t_function_any/0}, {max_rate, fun t_max_rate/0},
     {max_term_call, fun t_max_term_call/0}, {max_term_send, fun t_max_term_send/0},
     {max_term_return, fun t_max_term_return/0}, {max_term_metadata, fun t_max_term_metadata/0},
     {storm_pause, fun() -> t_storm(pause) end}, {storm_drop, fun() -> t_storm(drop) end},
     {storm_stop, fun() -> t_storm(stop) end}, {memory, fun t_memory/0},
     {reload, fun t_reload/0}, {reload_at_once, fun t_reload_at_once/0}, {reload_scheduled, fun t_reload_scheduled/0},
     {two_versions, fun t_two_versions/0},
     {loaded_by_us, fun t_loaded_by_us/0}, {loaded_past_the_code_server, fun t_loaded_past_the_code_server/0},
     {not_loaded_by_us, fun t_not_loaded_by_us/0}, {modules_to_come, fun t_modules_to_come/0}, {load_polled, fun t_load_polled/0},
     {load_polled_first, fun t_load_polled_first/0},
     {old_code, fun t_old_code/0}, {load_all_killed, fun t_load_all_killed/0}, {returns_off, fun t_returns_off/0},
     {two_runs, fun t_two_runs/0}, {foreign_trace, fun t_foreign/0}, {foreign_refused, fun t_foreign_refused/0},
     {clean, fun t_clean/0}, {clean_silent, fun t_clean_silent/0}, {info, fun t_info/0}, {clock, fun t_clock/0}, {names, fun t_names/0},
     {mailboxes, fun t_mailboxes/0}, {mailboxes_untold, fun t_mailboxes_untold/0}, {run_after_run, fun t_run_after_run/0},
     {call_results, fun t_call_results/0}, {call_spawns, fun t_call_spawns/0}, {call_timeout, fun t_call_timeout/0},
     {call_stopped, fun t_call_stopped/0}, {call_linger, fun t_call_linger/0}, {call_others, fun t_call_others/0},
     {call_limit, fun t_call_limit/0}, {stack_scheduled, fun t_stack_scheduled/0}, {code_scheduled, fun t_code_scheduled/0},
     {no_credit_reports, fun t_no_credit_reports/0}, {late_at_the_end, fun t_late_at_the_end/0},
     {late_after_a_limit, fun t_late_after_a_limit/0}, {late_in_a_pause, fun t_late_in_a_pause/0}].

%% What differs with trace sessions: run in each other release that is there.
sessions() ->
    [exact_counts, user_specs, tree, everyone, no_credit_pause, relay_killed, guardian_killed, second_guardian_killed,
     collector_killed, max_term_call, storm_pause, reload, reload_at_once, two_versions, modules_to_come,
     old_code, returns_off, two_runs, foreign_trace, clean, clean_silent, info, max_rate,
     names, mailboxes,
     call_results, call_spawns, call_timeout, call_stopped, call_linger, call_others, call_limit,
     reload_scheduled, stack_scheduled, code_scheduled, no_credit_reports, late_at_the_end, late_after_a_limit, late_in_a_pause].

run_test(Name, Fun) ->
    Parent = self(),
    Root = get(root), Folder = get(folder), Agent = get(agent),
    {Pid, Ref} = spawn_monitor(fun() ->
        put(root, Root), put(folder, Folder), put(agent, Agent), put(peers, []),
        Result = try Fun(), ok catch C:R:S -> {failed, C, R, S} end,
        [catch peer:stop(P) || P <- get(peers)],
        Parent ! {self(), Result}
    end),
    Result = receive {Pid, R} -> R after 120000 -> exit(Pid, kill), {failed, late} end,
    receive {'DOWN', Ref, process, Pid, _} -> ok end,
    case Result of
        ok -> io:format("ok agent.~s~n", [Name]), ok;
        _ -> io:format("not ok agent.~s: ~0tp~n", [Name, Result]), failed
    end.

%% ---- What is traced ------------------------------------------------------------------------------------------------

all_events() ->
    [function_call, function_return, function_exception, message_send, message_receive, process_spawn, process_start,
     process_exit].

four() ->
    [{<<"e2e_work">>, F, any, none, [named], <<>>} || F <- [<<"target">>, <<"outer">>, <<"inner">>, <<"thrower">>]].

t_exact_counts() ->
    {Peer, Node} = target(),
    {ok, C} = start(Node, (options())#{events => all_events(), functions => four()}),
    ok = ask(Peer, e2e_work, run, [4, 50, 20]),
    #{events := All} = S = stop(C),
    [{node_up, Up}] = reports(node_up, S),
    true = Node =:= maps:get(name, Up),
    [{plan, #{function_count := 4, skipped := []}}] = reports(plan, S),
    Workers = lists:usort([pid(E) || {trace_ts, _, call, {e2e_work, target, _}, _} = E <- All]),
    4 = length(Workers),
    Children = [Child || {trace_ts, P, spawn, Child, _, _} <- All, lists:member(P, Workers)],
    Ours = [E || E <- All, lists:member(pid(E), Workers ++ Children)],
    #{function_call := Calls, function_return := Returns, function_exception := Exceptions, message_send := Sends,
      message_receive := Receives, process_spawn := Spawns, process_exit := Exits, process_start := Starts} =
        e2e_work:expected(4, 50, 20),
    Kinds = [call, return_from, exception_from, send, 'receive', spawn, exit, spawned],
    Wanted = [Calls, Returns, Exceptions, Sends, Receives, Spawns, Exits, Starts],
    {Wanted, Wanted} = {Wanted, [length(tagged(K, Ours)) || K <- Kinds]},
    %% Every receive names who sent it, and that process has sent it.
    Balls = [{From, P, M} || {trace_ts, P, 'receive', {ball, _, _} = M, {'$beamtap_from', N, From}, _} <- Ours, N =:= Node],
    Sent = [{P, To, M} || {trace_ts, P, send, {ball, _, _} = M, To, _} <- Ours],
    80 = length(Balls),
    true = lists:sort(Balls) =:= lists:sort(Sent),
    #{lost := 0, final := #{reason := stop}} = S,
    clean(Peer).

t_order() ->
    {Peer, Node} = target(),
    {ok, C} = start(Node, options()),
    ok = ask(Peer, e2e_work, run, [3, 500, 0]),
    #{events := All} = stop(C),
    ByPid = maps:groups_from_list(fun pid/1, fun(E) -> {element(2, element(3, {x, x, element(4, E)})), E} end,
                                  [E || {trace_ts, _, call, {e2e_work, target, _}, _} = E <- All]),
    3 = map_size(ByPid),
    [begin
         Numbers = [N || {_, {_, _, _, {_, _, [_, N]}, _}} <- Events],
         true = Numbers =:= lists:seq(500, 1, -1),
         Times = [T || {_, {_, _, _, _, T}} <- Events],
         true = Times =:= lists:sort(Times)
     end || Events <- maps:values(ByPid)],
    clean(Peer).

t_user_specs() ->
    {Peer, Node} = target(),
    Spec = [{['$1', '$2'], [{'>', '$2', 3}], [{message, {{'$1', '$2'}}}]}, {['_', 1], [], [{return_trace}]}],
    Functions = [{<<"e2e_work">>, <<"target">>, 2, Spec, [caller], <<>>},
                 {<<"e2e_work">>, <<"outer">>, 1, none, [return], <<>>},
                 {<<"e2e_work">>, <<"inner">>, 1, [{['$1'], [], [{message, '$1'}]}], [], <<>>}],
    Receives = [[{['_', '_', {ball, '_', '$1'}], [{'<', '$1', 3}], [{message, '$1'}]}, {['_', '_', {ball, '_', 4}], [], []},
                 {['_', '_', '_'], [], [{message, false}]}]],
    Sends = [[{['$1', {ball, '_', '$2'}], [{'>', '$2', 4}], [{message, '$2'}]}, {'_', [], [{message, false}]}]],
    {ok, C} = start(Node, (options())#{functions => Functions, receives => Receives, sends => Sends,
                                       events => [function_call, message_receive, message_send]}),
    ok = ask(Peer, e2e_work, run, [1, 5, 5]),
    #{events := All} = stop(C),
    Workers = [pid(E) || {trace_ts, _, call, {e2e_work, outer, _}, _} = E <- All],
    [Worker] = lists:usort(Workers),
    Events = [E || E <- All, pid(E) =:= Worker],
    [5, 4] = [N || {_, _, call, {_, target, [1, N]}, {'$beamtap_caller', {e2e_work, calls, 2}, {1, N}}, _} <- Events],
    [1] = [N || {_, _, call, {_, target, [1, N]}, {'$beamtap_caller', {e2e_work, calls, 2}}, _} <- Events],
    [{1, 1}] = [V || {_, _, return_from, {_, target, 2}, V, _} <- Events],
    5 = length([1 || {_, _, return_from, {_, outer, 1}, _, _} <- Events]),
    [5, 4, 3, 2, 1] = [X || {_, _, call, {_, inner, [X]}, {'$beamtap_x', X}, _} <- Events],
    [1, 2] = [X || {_, P, 'receive', {ball, 1, X}, {'$beamtap_from', N, P, X}, _} <- Events, N =:= Node],
    [4] = [X || {_, P, 'receive', {ball, 1, X}, {'$beamtap_from', _, P}, _} <- Events],
    [5] = [X || {_, P, send, {ball, 1, X}, P, {'$beamtap_x', X}, _} <- Events],
    3 = length(tagged('receive', Events)),
    clean(Peer).

t_selection() ->
    {Peer, Node} = target(),
    P1 = ask(Peer, erlang, spawn, [?MODULE, calls, [loop]]),
    P2 = ask(Peer, erlang, spawn, [?MODULE, calls, [loop]]),
    P3 = ask(Peer, erlang, spawn, [?MODULE, calls, [sensitive]]),
    true = ask(Peer, erlang, register, [agent_test_two, P2]),
    Text = list_to_binary(ask(Peer, erlang, pid_to_list, [P1])),
    Hidden = list_to_binary(ask(Peer, erlang, pid_to_list, [P3])),
    {ok, C} = start(Node, (options())#{processes => [{pid, Text}, {name, agent_test_two}, {name, nobody_here},
                                                     {pid, Hidden}, {pid, <<"<0.99999.0>">>}]}),
    [P ! {work, self(), 10} || P <- [P1, P2, P3]],
    [receive {done, P} -> ok end || P <- [P1, P2, P3]],
    #{events := Events} = S = stop(C),
    [10, 10] = [length([E || E <- Events, pid(E) =:= P]) || P <- [P1, P2]],
    20 = length(Events),
    [{plan, #{processes := Found, skipped := Skipped}}] = reports(plan, S),
    true = lists:sort(Found) =:= lists:sort([{Text, P1}, {<<"agent_test_two">>, P2}]),
    true = lists:sort([W || {W, _} <- Skipped]) =:= lists:sort([Hidden, <<"nobody_here">>, <<"<0.99999.0>">>]),
    clean(Peer).

t_tree() ->
    {Peer, Node} = target(),
    P1 = ask(Peer, erlang, spawn, [?MODULE, calls, [loop]]),
    true = ask(Peer, erlang, register, [agent_test_root, P1]),
    {ok, C} = start(Node, (options())#{processes => [{tree, {name, agent_test_root}}]}),
    ok = ask(Peer, e2e_work, run, [2, 10, 0]), % not of the tree
    P1 ! {spawn, self(), 7},
    Child = receive {done, P1, Kid} -> Kid end,
    P1 ! {work, self(), 5},
    receive {done, P1} -> ok end,
    #{events := Events} = stop(C),
    {7, 5, 12} = {length([E || E <- Events, pid(E) =:= Child]), length([E || E <- Events, pid(E) =:= P1]), length(Events)},
    clean(Peer).

t_everyone() ->
    {Peer, Node} = target(),
    Old = ask(Peer, erlang, spawn, [?MODULE, calls, [loop]]),
    {ok, {_, #{tracer := Relay}} = C} = start(Node, (options())#{events => [function_call, message_send, message_receive],
                                                                  processes => []}),
    Old ! {work, self(), 10},
    receive {done, Old} -> ok end,
    ok = ask(Peer, e2e_work, run, [2, 10, 10]),
    timer:sleep(1200), % over a tick
    #{events := Events} = stop(C),
    10 = length([E || {_, P, call, _, _} = E <- Events, P =:= Old]),
    1 = length([E || {_, P, 'receive', {work, _, 10}, {'$beamtap_from', _, _}, _} = E <- Events, P =:= Old]),
    20 = length([E || {_, _, send, {ball, _, _}, _, _} = E <- Events]),
    [] = [E || E <- Events, pid(E) =:= Relay],
    [] = [E || {_, _, 'receive', {beamtap, _}, _, _} = E <- Events],
    clean(Peer).

t_refusals() ->
    {Peer, Node} = target(),
    O = options(),
    Codes = [{empty_plan, O#{functions => [{<<"no_such_module">>, any, any, none, [], <<"x.ini:3">>}]}},
             {empty_plan, O#{functions => [{<<"e2e_work">>, <<"no_such">>, any, none, [], <<>>}]}},
             {no_process, O#{processes => [{pid, <<"<0.9999999.0>">>}]}},
             {bad_spec, O#{functions => [{<<"e2e_work">>, <<"target">>, 2, [{['$1', '$2'], [{nonsense, '$1'}], []}], [], <<"x.ini:7">>}]}},
             {bad_spec, O#{functions => [{<<"e2e_work">>, <<"target">>, 2, [{'_', [], [{enable_trace, send}]}], [], <<>>}]}},
             {bad_spec, O#{functions => [{<<"e2e_work">>, <<"target">>, 2, [{'_', [], [{silent, true}]}], [], <<>>}]}},
             {bad_spec, O#{functions => [{<<"e2e_work">>, <<"target">>, 2, [{'_', [], [{disable_trace, call}]}], [], <<>>}]}},
             {bad_spec, O#{events => [message_send], sends => [[{'_', [], [{message, [{{a, {silent, true}}}]}]}]]}},
             {bad_spec, O#{functions => [{<<"e2e_work">>, <<"target">>, 2, not_a_list, [], <<>>}]}},
             {bad_spec, O#{events => [message_send], sends => [[{['_', '_'], [], [{return_trace, 1}]}]]}}],
    [begin
         {error, {Got, Text}} = start(Node, Options),
         {Code, true, true} = {Got, is_binary(Text), byte_size(Text) > 10}
     end || {Code, Options} <- Codes],
    {error, {bad_spec, Named}} = start(Node, element(2, lists:nth(4, Codes))),
    {_, _} = binary:match(Named, <<"x.ini:7">>),
    clean(Peer).

%% Without functions: every module that is not OTP's.
t_any_module() ->
    {Peer, Node} = target(),
    {ok, C} = start(Node, (options())#{functions => []}),
    ok = ask(Peer, e2e_work, run, [1, 5, 0]),
    #{events := Events} = S = stop(C),
    [{plan, #{functions := Functions}}] = reports(plan, S),
    Modules = lists:usort([M || {M, _, _} <- Functions]),
    true = lists:member(e2e_work, Modules),
    [] = [M || M <- Modules, M =:= lists orelse M =:= gen_server orelse lists:prefix("beamtap", atom_to_list(M))],
    5 = length([E || {_, _, call, {e2e_work, target, _}, _} = E <- Events]),
    %% `child` is started by spawn, a call from outside; `calls` and `worker` are local.
    6 = length([E || {_, _, call, {e2e_work, calls, _}, _} = E <- Events]),
    clean(Peer).

%% ---- Credit --------------------------------------------------------------------------------------------------------

%% calls(N): N calls of target by a process that is new.
storm(Processes, Calls) ->
    Refs = [monitor(process, spawn(?MODULE, storm_worker, [P, Calls])) || P <- lists:seq(1, Processes)],
    [receive {'DOWN', R, process, _, Why} -> normal = Why end || R <- Refs],
    ok.

storm_worker(_, 0) -> ok;
storm_worker(P, N) ->
    {P, N} = e2e_work:target(P, N),
    storm_worker(P, N - 1).

calls(loop) ->
    receive
        {work, From, N} -> storm_worker(1, N), From ! {done, self()}, calls(loop);
        {spawn, From, N} ->
            {Pid, Ref} = spawn_monitor(?MODULE, storm_worker, [1, N]),
            receive {'DOWN', Ref, _, _, _} -> ok end,
            From ! {done, self(), Pid},
            calls(loop)
    end;
calls(sensitive) ->
    process_flag(sensitive, true),
    calls(loop).

t_no_credit(Overload) ->
    {Peer, Node} = target(),
    {ok, {_, _} = C} = start(Node, (options())#{credit => 100000, overload => Overload, max_queue => 10000000,
                                                max_memory => 0}, #{grant => false}),
    ok = peer:call(Peer, ?MODULE, storm, [2, 150000], 60000), % it is never held up
    Overload =:= stop orelse timer:sleep(100),
    #{final := #{reason := Reason, produced := Produced, lost := Lost}} =
        case Overload of stop -> final(C); _ -> stop(C) end,
    case Overload of
        drop -> {300000, stop, true} = {Produced, Reason, Lost > 200000};
        pause ->
            %% Off before anything had to be dropped, apart from what could never be sent.
            {stop, true} = {Reason, Produced < 300000};
        stop -> {overload, true} = {Reason, Produced =< 300000}
    end,
    true = Lost > 0,
    clean(Peer).

%% Credit that comes late: everything that was produced arrives, and the gap says when nothing was.
t_late_credit() ->
    {Peer, Node} = target(),
    {ok, {Pid, _} = C} = start(Node, (options())#{credit => 1000, overload => pause, max_queue => 5000}, #{grant => false}),
    ok = peer:call(Peer, ?MODULE, storm, [2, 100000], 60000),
    Pid ! {how, #{grant => true}},
    wait_for(gap, fun() -> {#{reports := R}, _} = so_far(C), [1 || {_, {gap, _, _, _, _}} <- R] =/= [] end),
    ok = ask(Peer, e2e_work, run, [1, 10, 0]),
    #{events := Events, final := #{lost := Lost, produced := Produced, peak_queue := Peak}} = stop(C),
    true = Produced < 200000,
    true = Lost =:= 0 orelse Peak >= 4 * 5000, % a relay that had no processor for so long sheds what is above max_queue
    10 = length([E || {_, _, call, {e2e_work, inner, _}, _} = E <- Events]),
    clean(Peer).

%% ---- Ends ----------------------------------------------------------------------------------------------------------

t_collector_killed() ->
    {Peer, Node} = target(),
    {OtherPeer, Other} = target(none),
    {ok, _} = start(Other, Node, (options())#{processes => [], lease => 15000}, #{}),
    Os = ask(OtherPeer, os, getpid, []),
    os:cmd("kill -9 " ++ Os),
    Began = erlang:monotonic_time(millisecond),
    wait_for(tracing_off, fun() -> not ask(Peer, e2e_node, traced, []) end),
    true = erlang:monotonic_time(millisecond) - Began < 12000, % before the lease ends
    clean(Peer).

t_collector_stopped() ->
    {Peer, Node} = target(),
    {OtherPeer, Other} = target(none),
    {ok, C} = start(Other, Node, (options())#{lease => 1000}, #{}),
    Os = ask(OtherPeer, os, getpid, []),
    os:cmd("kill -STOP " ++ Os),
    clean(Peer),
    os:cmd("kill -CONT " ++ Os),
    #{final := #{reason := lease, lost := 0}} = final(C).

t_relay_killed() ->
    {Peer, Node} = target(),
    {ok, {_, #{tracer := Relay}} = C} = start(Node, (options())#{processes => []}),
    ok = ask(Peer, e2e_work, run, [1, 100, 0]),
    exit(Relay, kill),
    #{final := #{reason := relay}} = final(C),
    clean(Peer).

t_guardian_killed() ->
    {Peer, Node} = target(),
    {ok, {_, #{guardian := Guardian}} = C} =
        start(Node, (options())#{processes => [], events => [function_call, message_send, message_receive]}),
    ok = ask(Peer, e2e_work, run, [1, 100, 0]),
    exit(Guardian, kill),
    #{final := #{reason := failed}, lost := 0} = final(C),
    clean(Peer).

t_second_guardian_killed() ->
    {Peer, Node} = target(),
    {ok, {_, #{guardian := Guardian}} = C} = start(Node, options()),
    {Agent, _} = get(agent),
    [Second] = [P || #{guardian := P, module := M} <- runs(Node, Agent), M =:= Agent, P =/= Guardian],
    exit(Second, kill),
    #{final := #{reason := failed}, lost := 0} = final(C),
    clean(Peer).

runs(Node, Agent) -> maps:get(runs, rpc:call(Node, Agent, info, [])).

t_lease() ->
    {Peer, Node} = target(),
    Began = erlang:monotonic_time(millisecond),
    {ok, C} = start(Node, (options())#{lease => 600}, #{renew => false}),
    ok = ask(Peer, e2e_work, run, [1, 10, 0]),
    #{final := #{reason := lease}} = final(C),
    Took = erlang:monotonic_time(millisecond) - Began,
    true = Took >= 600 andalso Took < 15000,
    clean(Peer).

t_duration() ->
    {Peer, Node} = target(),
    Began = erlang:monotonic_time(millisecond),
    {ok, C} = start(Node, (options())#{duration => 300}),
    #{final := #{reason := duration}} = final(C),
    Took = erlang:monotonic_time(millisecond) - Began,
    true = Took >= 300 andalso Took < 15000,
    clean(Peer).

%% ---- Limits --------------------------------------------------------------------------------------------------------

%% Whatever the queue does meanwhile: 1,000 are sent or lost before the limit, and none is sent beyond it.
t_max_events(Queue) ->
    {Peer, Node} = target(),
    {ok, C} = start(Node, (options())#{max_events => 1000, max_queue => Queue}),
    ok = ask(Peer, ?MODULE, storm, [2, 20000]),
    #{events := Events, final := #{reason := max_events, produced := Produced}, why := Why} = final(C),
    true = Produced >= 1000 andalso Produced =< 40000,
    {true, _} = {1000 - maps:get(2, Why, 0) =< length(Events) andalso length(Events) =< 1000, {length(Events), Why}},
    Produced = length(Events) + maps:get(2, Why, 0) + maps:get(6, Why, 0),
    clean(Peer).

t_function_any() ->
    {Peer, Node} = target(),
    {ok, C} = start(Node, (options())#{functions => [{<<"agent_test">>, <<"any">>, any, none, [], <<>>}]}),
    {_, Ref} = ask(Peer, erlang, spawn_monitor, [?MODULE, any, [1]]),
    ok = ask(Peer, ?MODULE, storm, [1, 3]),
    wait_for(call, fun() -> {_, N} = so_far(C), N > 0 end),
    #{events := [{trace_ts, _, call, {agent_test, any, [1]}, _}]} = S = stop(C),
    [{plan, #{functions := [{agent_test, any, 1}]}}] = reports(plan, S),
    true = is_reference(Ref),
    clean(Peer).

any(X) -> X.

t_max_rate() ->
    {Peer, Node} = target(),
    {ok, C} = start(Node, (options())#{max_rate => 1000, processes => case get(root) of none -> [new]; _ -> [] end}),
    Busy = ask(Peer, erlang, spawn, [?MODULE, calls, [loop]]),
    Began = erlang:monotonic_time(millisecond),
    [begin Busy ! {work, self(), 1000}, receive {done, Busy} -> timer:sleep(5) end end || _ <- lists:seq(1, 250)],
    Seconds = (erlang:monotonic_time(millisecond) - Began) / 1000,
    #{events := Events, lost := 0} = S = stop(C),
    Gaps = [To - From || {gap, From, To, 2, _} <- reports(gap, S)] ++ [To - From || {gap, From, To, 3, _} <- reports(gap, S)],
    true = length(Gaps) >= 2,
    [true = G > 0 || G <- Gaps],
    %% A window's events, and what was on its way when the limit was reached.
    Windows = trunc(Seconds) + 1,
    {true, _} = {length(Events) >= 2000 andalso length(Events) =< Windows * 8000, {length(Events), Windows}},
    clean(Peer).

t_max_term_call() ->
    {Peer, Node} = target(),
    {ok, C} = start(Node, (options())#{max_term => 10000, functions => [{<<"e2e_work">>, <<"echo">>, 1, none, [], <<>>}],
                                       processes => case get(root) of none -> [new]; _ -> [] end}),
    ok = ask(Peer, ?MODULE, big, [fun_calls]),
    #{events := Events} = S = stop(C),
    Calls = [A || {_, _, call, {e2e_work, echo, A}, _} <- Events],
    [[small], {'$beamtap_cut', Size, 1} | Rest] = Calls,
    {true, Size} = {Size > 100000, Size},
    {true, Calls} = {lists:member(1, Rest), Calls},
    1 = lists:last(Calls), % only the arity, in the end
    [{log, warning, _}] = [L || {log, warning, _} = L <- reports(log, S)],
    clean(Peer).

%% A big argument between small ones; the pauses let the relay act.
big(fun_calls) ->
    Big = binary:copy(<<"x">>, 200000),
    [begin e2e_work:echo(T), big_pause(T) end || T <- [small, Big, small, small]],
    ok;
big(fun_sends) ->
    Pid = spawn(fun Loop() -> receive stop -> ok; _ -> Loop() end end),
    [begin Pid ! T, e2e_work:echo(T), big_pause(T) end || T <- [small, lists:seq(1, 50000), small, stop]],
    ok;
big(fun_returns) ->
    Worker = fun(F) -> {Pid, Ref} = spawn_monitor(F), receive {'DOWN', Ref, _, Pid, normal} -> ok end, timer:sleep(50) end,
    [Worker(fun() -> [] = deep(N) -- deep(N) end) || N <- [10, 100000, 10, 10]],
    ok.

big_pause(T) -> timer:sleep(if is_atom(T) -> 50; true -> 1000 end).

deep(N) -> lists:seq(1, N).

%% What a {message, X} of the user's gives is a term of theirs: no word of the agent's own stands in its place.
%% So beside who called, within a stack, beside who sent, and of a send.
t_max_term_metadata() ->
    Out = <<"left out: 195 kB, above max_term">>,
    Here = list_to_integer(erlang:system_info(otp_release)),
    Spec = [{['$1'], [], [{message, {{said, '$1'}}}]}],
    [begin
        {Peer, Node} = target(),
        {ok, C} = start(Node, (options())#{max_term => 10000, functions => [{<<"e2e_work">>, <<"echo">>, 1, Spec, Flags, <<>>}]}),
        ok = ask(Peer, ?MODULE, big, [fun_calls]),
        #{events := Events} = stop(C),
        [{said, small}, Out | _] = [X || {trace_ts, _, call, {e2e_work, echo, _}, Said, _} <- Events, X <- [what_is_said(Flags, Said)]],
        clean(Peer)
     end || Flags <- [[], [caller]] ++ [[stack] || Here >= 26] ++ [[caller, stack] || Here >= 26]],
    {Peer2, Node2} = target(),
    {ok, C2} = start(Node2, (options())#{max_term => 10000, events => [function_call, message_send, message_receive],
                                         functions => [{<<"e2e_work">>, <<"echo">>, 1, none, [], <<>>}],
                                         receives => [[{['_', '_', '$1'], [{is_list, '$1'}], [{message, {{said, '$1'}}}]}]],
                                         sends => [[{['_', '$1'], [{is_list, '$1'}], [{message, {{said, '$1'}}}]}]]}),
    ok = ask(Peer2, ?MODULE, big, [fun_sends]),
    #{events := Events2} = stop(C2),
    Larger = <<"left out: 243 kB, above max_term">>,
    [Larger] = [X || {_, P, send, {'$beamtap_cut', _}, Q, {'$beamtap_x', X}, _} <- Events2, is_pid(P), is_pid(Q)],
    [Larger] = [X || {_, _, 'receive', {'$beamtap_cut', _}, {'$beamtap_from', N, P, X}, _} <- Events2, N =:= Node2, is_pid(P)],
    clean(Peer2).

what_is_said([], {'$beamtap_x', X}) -> X;
what_is_said([caller], {'$beamtap_caller', Caller, X}) when tuple_size(Caller) =:= 3; Caller =:= undefined -> X;
what_is_said(Flags, {'$beamtap_stack', [_ | _], Said}) -> what_is_said(Flags -- [stack], Said).

t_max_term_send() ->
    {Peer, Node} = target(),
    {ok, C} = start(Node, (options())#{max_term => 10000, events => [function_call, message_send, message_receive],
                                       functions => [{<<"e2e_work">>, <<"echo">>, 1, none, [], <<>>}]}),
    ok = ask(Peer, ?MODULE, big, [fun_sends]),
    #{events := Events} = stop(C),
    [small] = [M || {_, _, send, M, _, _} <- Events, M =:= small],
    [_ | _] = [N || {_, _, Tag, {'$beamtap_cut', N}, _, _} <- Events, Tag =:= send orelse Tag =:= 'receive'],
    [] = [M || {_, _, send, M, _, _} <- Events, M =:= stop],
    1 = lists:last([A || {_, _, call, {_, echo, A}, _} <- Events]),
    clean(Peer).

t_max_term_return() ->
    {Peer, Node} = target(),
    {ok, C} = start(Node, (options())#{max_term => 10000, functions => [{<<"agent_test">>, <<"deep">>, 1, none, [return], <<>>}]}),
    ok = ask(Peer, ?MODULE, big, [fun_returns]),
    #{events := Events} = S = stop(C),
    8 = length(tagged(call, Events)),
    Returns = [V || {_, _, return_from, {agent_test, deep, 1}, V, _} <- Events],
    true = lists:any(fun({'$beamtap_cut', _}) -> true; (_) -> false end, Returns),
    true = length(Returns) =< 4,
    [_] = [L || {log, warning, Text} = L <- reports(log, S), string:find(Text, "returned a term") =/= nomatch],
    clean(Peer).

%% ---- Overload ------------------------------------------------------------------------------------------------------

t_storm(Overload) ->
    {Peer, Node} = target(),
    {ok, C} = start(Node, (options())#{overload => Overload, max_queue => 200}),
    ok = peer:call(Peer, ?MODULE, storm, [8, 25000], 60000),
    #{final := #{reason := Reason, produced := Produced, peak_queue := Peak}, why := Why, lost := Lost} = S =
        case Overload of
            stop -> final(C);
            _ -> stop(C)
        end,
    Reason =:= relay andalso error(maps:get(final, S)),
    true = Peak > 200,
    Gaps = [G || {gap, _, _, 2, _} = G <- reports(gap, S)],
    case Overload of
        pause -> {stop, true, [_ | _]} = {Reason, Produced < 200000, Gaps};
        drop -> {stop, true, true} = {Reason, Lost > 0, maps:get(2, Why) =:= Lost};
        stop -> {overload, true} = {Reason, Produced < 200000}
    end,
    clean(Peer).

t_memory() ->
    {Peer, Node} = target(),
    {ok, C} = start(Node, (options())#{overload => pause, max_queue => 10000000, max_memory => 200000}),
    ok = peer:call(Peer, ?MODULE, storm, [8, 25000], 60000),
    #{final := #{reason := stop}} = S = stop(C),
    [_ | _] = [G || {gap, _, _, 4, _} = G <- reports(gap, S)],
    clean(Peer).

%% ---- Returns -------------------------------------------------------------------------------------------------------

%% A process with so many frames on its stack.
pile(0) -> receive stop -> ok end;
pile(N) -> 1 + pile(N - 1).

t_returns_off() ->
    {Peer, Node} = target(),
    {ok, {Pid, _} = C} = start(Node, (options())#{functions => four(), events => [function_call, function_return]}),
    ok = ask(Peer, e2e_work, run, [1, 5, 0]),
    Deep = ask(Peer, erlang, spawn, [?MODULE, pile, [20]]),
    %% Not where the stack does not hold so many calls.
    Pid ! {tell, {beamtap, returns_off, {e2e_work, inner, 1}, Deep, 1000000}},
    Pid ! {tell, {beamtap, returns_off, {e2e_work, target, 2}, Deep, 1}},
    wait_for(returns_off, fun() ->
        {#{reports := Reports}, _} = so_far(C),
        [1 || {_, {log, warning, _}} <- Reports] =/= []
    end),
    ok = ask(Peer, e2e_work, run, [1, 7, 0]),
    #{events := Events} = stop(C),
    12 = length([E || {_, _, call, {_, target, _}, _} = E <- Events]),
    5 = length([E || {_, _, return_from, {_, target, _}, _, _} = E <- Events]),
    12 = length([E || {_, _, return_from, {_, inner, _}, _, _} = E <- Events]),
    clean(Peer).

%% ---- Others ----------------------------------------------------------------------------------------------------

%% Before OTP 27 the second run gets what is free, and is refused what cannot be shared.
t_two_runs() ->
    {Peer, Node} = target(),
    P1 = ask(Peer, erlang, spawn, [?MODULE, calls, [loop]]),
    P2 = ask(Peer, erlang, spawn, [?MODULE, calls, [loop]]),
    true = ask(Peer, erlang, register, [agent_test_one, P1]),
    true = ask(Peer, erlang, register, [agent_test_two, P2]),
    Target = {<<"e2e_work">>, <<"target">>, any, none, [], <<>>},
    Sessions = ask(Peer, code, ensure_loaded, [trace]) =:= {module, trace},
    {ok, C1} = start(Node, (options())#{processes => [{name, agent_test_one}], functions => [Target]}),
    {Expected, Options2} = case Sessions of
        true -> {20, (options())#{processes => [], events => [function_call, message_receive], functions => [Target]}};
        false ->
            {error, {busy, _}} = start(Node, (options())#{processes => []}),
            {error, {busy, _}} = start(Node, (options())#{processes => [{name, agent_test_two}], events => [message_receive]}),
            {error, {busy, _}} = start(Node, (options())#{processes => [{name, agent_test_one}],
                                                          functions => [{<<"e2e_work">>, <<"outer">>, any, none, [], <<>>}]}),
            {0, (options())#{processes => [{name, agent_test_two}],
                             functions => [Target, {<<"e2e_work">>, <<"outer">>, any, none, [], <<>>}]}}
    end,
    {ok, C2} = start(Node, Options2),
    [begin P ! {work, self(), 10}, receive {done, P} -> ok end end || P <- [P1, P2]],
    #{events := E2} = S2 = stop(C2),
    %% The first goes on.
    P1 ! {work, self(), 10},
    receive {done, P1} -> ok end,
    #{events := E1} = stop(C1),
    {20, 20} = {length([E || {_, P, call, _, _} = E <- E1, P =:= P1]), length(E1)},
    case Sessions of
        true -> Expected = length(tagged(call, E2));
        false ->
            %% The second's pattern would have replaced the first's: skipped and told. (Flags and the first's pattern make
            %% calls of target visible to both.)
            [{plan, #{skipped := [_ | _]}}] = reports(plan, S2)
    end,
    clean(Peer).

%% Another tool's tracer: its own process, its own pattern.
foreign(Pid, Parent) ->
    erlang:trace_pattern({e2e_work, target, 2}, [{'_', [], [{return_trace}]}], [local]),
    1 = erlang:trace(Pid, true, [call]),
    Parent ! {self(), ready},
    foreign_loop(Parent, 0).

foreign_loop(Parent, N) ->
    receive
        {trace, _, _, _} -> foreign_loop(Parent, N + 1);
        {trace, _, _, _, _} -> foreign_loop(Parent, N + 1);
        {count, From} -> From ! {self(), N}, foreign_loop(Parent, N);
        stop -> erlang:trace_pattern({e2e_work, target, 2}, false, [local]), erlang:trace(all, false, [all]), From = Parent,
                From ! {self(), stopped}
    end.

start_foreign(Peer, P1) ->
    Pid = ask(Peer, erlang, spawn, [?MODULE, foreign, [P1, self()]]),
    receive {Pid, ready} -> Pid end.

t_foreign() ->
    {Peer, Node} = target(),
    P1 = ask(Peer, erlang, spawn, [?MODULE, calls, [loop]]),
    P2 = ask(Peer, erlang, spawn, [?MODULE, calls, [loop]]),
    [true = ask(Peer, erlang, register, [N, P]) || {N, P} <- [{agent_test_one, P1}, {agent_test_two, P2}]],
    Other = start_foreign(Peer, P1),
    Before = ask(Peer, e2e_node, residue, []),
    {ok, C} = start(Node, (options())#{processes => [{name, agent_test_one}, {name, agent_test_two}], functions => four()}),
    [begin P ! {work, self(), 10}, receive {done, P} -> ok end end || P <- [P1, P2]],
    S = stop(C),
    [{plan, #{skipped := Skipped}}] = reports(plan, S),
    case ask(Peer, code, ensure_loaded, [trace]) of
        {module, _} -> [] = Skipped;
        _ -> 2 = length(Skipped) % the function, and the process
    end,
    wait_for(as_before, fun() ->
        Now = ask(Peer, e2e_node, residue, []),
        Now =:= Before orelse {Now, Before}
    end),
    P1 ! {work, self(), 10},
    receive {done, P1} -> ok end,
    wait_for(foreign_events, fun() ->
        Other ! {count, self()},
        receive {Other, N} -> N =:= 40 orelse N end % 20 calls, 20 returns
    end),
    Other ! stop,
    receive {Other, stopped} -> ok end,
    clean(Peer).

t_foreign_refused() ->
    {Peer, Node} = target(),
    P1 = ask(Peer, erlang, spawn, [?MODULE, calls, [loop]]),
    Other = start_foreign(Peer, P1),
    Before = ask(Peer, e2e_node, residue, []),
    [{error, {busy, _}} = start(Node, (options())#{processes => P, events => E})
     || {P, E} <- [{[], [function_call]}, {[new], [function_call]}, {[new], [message_send]}]],
    wait_for(as_before, fun() -> ask(Peer, e2e_node, residue, []) =:= Before end),
    Other ! stop,
    receive {Other, stopped} -> ok end,
    clean(Peer).

%% Everything of a run killed at once: only patterns can be left, and `clean` finds them by their mark.
%% None of them sees another one die.
killed_at_once(Pids) ->
    [erlang:suspend_process(P) || P <- Pids],
    [exit(P, kill) || P <- Pids],
    ok.

t_clean() ->
    {Peer, Node} = target(),
    {Agent, Beam} = get(agent),
    P1 = ask(Peer, erlang, spawn, [?MODULE, calls, [loop]]),
    true = ask(Peer, erlang, register, [agent_test_one, P1]),
    {ok, {_, #{tracer := Relay}}} = start(Node, (options())#{processes => [{name, agent_test_one}],
                                                             events => [function_call, message_receive]}),
    All = [Relay | [P || #{guardian := P} <- runs(Node, Agent)]],
    3 = length(All),
    ok = ask(Peer, ?MODULE, killed_at_once, [All]),
    wait_for(module_gone, fun() -> ask(Peer, erlang, module_loaded, [Agent]) =:= false end),
    {module, Agent} = load(Node, Agent, Beam),
    #{living := [], functions := Functions, messages := Messages} = rpc:call(Node, Agent, clean, []),
    case ask(Peer, code, ensure_loaded, [trace]) of
        {module, _} -> ok; % the session went with its last reference
        _ -> {true, ['receive']} = {length(Functions) > 5, Messages}
    end,
    ok = rpc:call(Node, Agent, unload, []),
    clean(Peer).

%% Who suspends another one has to live as long as that is to last.
hold(Pid, Parent) ->
    erlang:suspend_process(Pid),
    Parent ! {self(), held},
    receive stop -> erlang:resume_process(Pid), Parent ! {self(), stopped} end.

%% The registry is busy for a while: whether its runs live is not known then, and theirs is left alone.
t_clean_silent() ->
    {Peer, Node} = target(),
    {Agent, _} = get(agent),
    P1 = ask(Peer, erlang, spawn, [?MODULE, calls, [loop]]),
    true = ask(Peer, erlang, register, [agent_test_one, P1]),
    {ok, C} = start(Node, (options())#{processes => [{name, agent_test_one}], functions => four()}),
    Registry = ask(Peer, erlang, whereis, [Agent]),
    Holder = ask(Peer, erlang, spawn, [?MODULE, hold, [Registry, self()]]),
    receive {Holder, held} -> ok end,
    Parent = self(),
    Cleaner = spawn_link(fun() -> Parent ! {self(), rpc:call(Node, Agent, clean, [])} end),
    {error, {failed, Text}} = receive {Cleaner, Cleaned} -> Cleaned end,
    {_, _} = binary:match(unicode:characters_to_binary(Text), <<"nothing was taken away">>),
    Holder ! stop,
    receive {Holder, stopped} -> ok end,
    #{living := [_], relays := 0, sessions := [], functions := []} = rpc:call(Node, Agent, clean, []),
    P1 ! {work, self(), 10},
    receive {done, P1} -> ok end,
    #{events := Events} = stop(C),
    true = length([E || {_, P, call, _, _} = E <- Events, P =:= P1]) >= 10, % it lived on
    clean(Peer).

t_info() ->
    {Peer, Node} = target(),
    {Agent, _} = get(agent),
    {ok, {_, #{guardian := Guardian, tracer := Relay}} = C} = start(Node, options()),
    #{runs := Runs, release := Release, tracers := Tracers, beamtap_patterns := Patterns, sessions := Sessions,
      patterns := 0} = rpc:call(Node, Agent, info, []),
    true = lists:member(Guardian, [P || #{guardian := P} <- Runs]),
    true = Release =:= list_to_binary(ask(Peer, erlang, system_info, [otp_release])),
    case ask(Peer, code, ensure_loaded, [trace]) of
        {module, _} -> {[], 0, [_]} = {Tracers, Patterns, Sessions};
        _ -> {[{Relay, _}], true, []} = {Tracers, Patterns > 5, Sessions}
    end,
    stop(C),
    clean(Peer).

t_clock() ->
    {Peer, Node} = target(),
    {ok, {Pid, _} = C} = start(Node, (options())#{lease => 900}),
    Pid ! {tell, {beamtap, clock, 77}},
    wait_for(clock, fun() ->
        {#{reports := Reports}, _} = so_far(C),
        [1 || {_, {clock, 77, _, _}} <- Reports] =/= [] andalso [1 || {_, {clock, undefined, _, _}} <- Reports] =/= []
    end),
    S = stop(C),
    [{clock, 77, Monotonic, Offset} | _] = [R || {clock, 77, _, _} = R <- reports(clock, S)],
    true = abs(Monotonic + Offset - erlang:system_time(nanosecond)) < 30000000000,
    [{node_up, _} | _] = [R || {_, R} <- maps:get(reports, S)],
    {final, _} = lists:last([R || {_, R} <- maps:get(reports, S)]),
    true = reports(process_info, S) =/= [],
    clean(Peer).

%% The dead, the nameless and who is no process of the node are left out; one answer a question, however many are asked about.
t_names() ->
    {Peer, Node} = target(),
    One = ask(Peer, erlang, spawn, [?MODULE, calls, [loop]]),
    Fun = ask(Peer, erlang, spawn, [erlang, apply, [fun timer:sleep/1, [infinity]]]),
    Dead = ask(Peer, erlang, spawn, [erlang, now, []]),
    Init = ask(Peer, erlang, whereis, [init]),
    Logger = ask(Peer, erlang, whereis, [logger]), % a gen_server
    wait_for(death, fun() -> not ask(Peer, erlang, is_process_alive, [Dead]) end),
    {ok, {Pid, _} = C} = start(Node, (options())#{names => true}),
    Pid ! {tell, {beamtap, names, {1, [One, Dead, self(), Init, no_pid, Logger, Fun]}}},
    Pid ! {tell, {beamtap, names, {2, [One || _ <- lists:seq(1, 1000)]}}},
    wait_for(answers, fun() -> {S, _} = so_far(C), length([R || {process_info, _, _} = R <- reports(process_info, S)]) =:= 2 end),
    S = stop(C),
    [{process_info, First, 1}, {process_info, Second, 2}] = [R || {process_info, _, _} = R <- reports(process_info, S)],
    [{One, [{initial_call, {?MODULE, calls, 1}}]}, {Init, [{name, init} | _]}, {Logger, [{name, logger}, {initial_call, Call}]} | _] =
        First,
    true = lists:member(Call, [{proc_lib, init_p, 5}, {logger_server, init, 1}, {logger, init, 1}]),
    256 = length(Second),
    %% What is not asked for is not told; without names an answer comes all the same.
    {ok, {Pid2, _} = C2} = start(Node, options()),
    Pid2 ! {tell, {beamtap, names, {3, [One]}}},
    wait_for(answer, fun() -> {S2, _} = so_far(C2), lists:member({process_info, [], 3}, reports(process_info, S2)) end),
    stop(C2),
    clean(Peer).

%% Only of those that were asked about, and only while scheduling is not traced.
t_mailboxes() ->
    {Peer, Node} = target(),
    [Full, Empty] = [ask(Peer, erlang, spawn, [timer, sleep, [infinity]]) || _ <- [1, 2]],
    [Full ! N || N <- [1, 2, 3]],
    {ok, {Pid, _} = C} = start(Node, (options())#{mailbox => 10}),
    Pid ! {tell, {beamtap, names, {1, [Full, Empty]}}},
    wait_for(three, fun() -> lists:member({Full, 3}, mailboxes(C)) end),
    Full ! 4,
    wait_for(four, fun() -> lists:member({Full, 4}, mailboxes(C)) end),
    S1 = stop(C),
    Samples = reports(mailboxes, S1),
    true = [T || {_, T, _} <- Samples] =:= lists:sort([T || {_, T, _} <- Samples]),
    Told = lists:append([L || {_, _, L} <- Samples]),
    true = lists:usort(Told) =:= lists:usort([{Empty, 0}, {Full, 3}, {Full, 4}]),
    {ok, {Pid2, _} = C2} = start(Node, (options())#{mailbox => 10, names => true, events => [function_call, schedule_in]}),
    Pid2 ! {tell, {beamtap, names, {1, [Full]}}},
    wait_for(answer, fun() -> {S, _} = so_far(C2), lists:member({process_info, [], 1}, reports(process_info, S)) end),
    #{reports := _} = Last = stop(C2),
    [] = reports(mailboxes, Last),
    clean(Peer).

%% What a dropped sample said is told by the next one that can be sent, and not only when all are told.
t_mailboxes_untold() ->
    {Peer, Node} = target(),
    Full = ask(Peer, erlang, spawn, [timer, sleep, [infinity]]),
    {ok, {Pid, _} = C} = start(Node, (options())#{mailbox => 1000, credit => 1}, #{grant => false}),
    Pid ! {tell, {beamtap, names, {1, [Full]}}},
    wait_for(first, fun() -> lists:member({Full, 0}, mailboxes(C)) end),
    ok = ask(Peer, e2e_work, run, [1, 3, 0]), % a frame that waits for credit
    Full ! 1,
    timer:sleep(2500), % two samples, which fall
    [] = [L || {P, L} <- mailboxes(C), P =:= Full, L > 0],
    Pid ! {how, #{grant => true}},
    Granted = ask(Peer, erlang, monotonic_time, [nanosecond]),
    wait_for(told, fun() -> lists:member({Full, 1}, mailboxes(C)) end),
    S = stop(C),
    [At | _] = [T || {mailboxes, T, L} <- reports(mailboxes, S), lists:member({Full, 1}, L)],
    {true, _} = {At - Granted < 3500000000, At - Granted},
    clean(Peer).

mailboxes(C) -> lists:append([L || {mailboxes, _, L} <- reports(mailboxes, element(1, so_far(C)))]).

%% One run after another, without a pause: the module is there or loaded anew, never half gone.
t_run_after_run() ->
    {Peer, Node} = target(),
    [begin
         {ok, C} = start(Node, options()),
         ok = ask(Peer, e2e_work, run, [1, 3, 0]),
         #{events := Events} = stop(C),
         3 = length([E || {_, _, call, {_, target, _}, _} = E <- Events]),
         timer:sleep(case I rem 2 of 0 -> 495 + I; 1 -> 0 end) % around the time when it is removed
     end || I <- lists:seq(1, 20)],
    clean(Peer).
