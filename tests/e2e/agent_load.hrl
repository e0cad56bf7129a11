%% agent_load.hrl: modules that come and go while agent_test traces.

t_reload() ->
    {Peer, Node} = target(),
    {ok, C} = start(Node, (options())#{lease => 600, functions => four()}),
    ok = ask(Peer, e2e_work, run, [1, 5, 0]),
    {e2e_work, Beam, File} = ask(Peer, code, get_object_code, [e2e_work]),
    {module, e2e_work} = ask(Peer, code, load_binary, [e2e_work, File, Beam]),
    wait_for(traced_again, fun() ->
        {#{reports := Reports}, _} = so_far(C),
        [1 || {_, {log, info, _}} <- Reports] =/= []
    end),
    ok = ask(Peer, e2e_work, run, [1, 7, 0]),
    #{events := Events} = stop(C),
    12 = length([E || {_, _, call, {e2e_work, target, _}, _} = E <- Events]),
    clean(Peer).


%% In the node: has code loaded and makes calls at once, so often.
load_and(Loads, {M, F, A}) ->
    {_, Ref} = spawn_monitor(fun() ->
        [begin {module, _} = code:load_binary(Module, File, Beam), apply(M, F, A) end || {Module, Beam, File} <- Loads]
    end),
    receive {'DOWN', Ref, process, _, Why} -> Why end.

%% The beam of a module with add/2, other/1, and loop/0, which stays where it is until it is told to go.
made(Module) ->
    Source = ["-module(" ++ atom_to_list(Module) ++ ").", "-export([add/2, all/1, other/1, loop/0]).",
              "add(A, B) -> A + B.", "other(X) -> add(X, 9).", "all(N) -> [add(1, I) || I <- lists:seq(1, N)] ++ [other(0)].",
              "loop() -> receive stop -> ok; {From, Ref} -> From ! Ref, loop() end."],
    Forms = [begin {ok, T, _} = erl_scan:string(Text), {ok, F} = erl_parse:parse_form(T), F end || Text <- Source],
    {ok, Module, Beam} = compile:forms(Forms, []),
    {Module, Beam, "/nowhere/" ++ atom_to_list(Module) ++ ".beam"}.

calls_of(M, F, Events) -> [A || {trace_ts, _, call, {Module, Function, A}, _} <- Events, Module =:= M, Function =:= F].

%% No call is missed, none is told that was not asked for, and so it is with their returns.
t_reload_at_once() ->
    {Peer, Node} = target(),
    {ok, C} = start(Node, (options())#{functions => four(), events => [function_call, function_return]}),
    Code = ask(Peer, code, get_object_code, [e2e_work]),
    {e2e_work, Beam, File} = Code,
    normal = peer:call(Peer, ?MODULE, load_and, [lists:duplicate(200, {e2e_work, Beam, File}), {e2e_work, run, [1, 5, 0]}], 60000),
    #{events := Events, final := #{lost := 0}} = S = stop(C),
    1000 = length(calls_of(e2e_work, target, Events)),
    [inner, outer, target, thrower] = lists:usort([F || {_, _, call, {_, F, _}, _} <- Events]),
    3000 = length(tagged(return_from, Events)), % thrower's are exceptions, which nobody asked for
    [] = reports(gap, S),
    clean(Peer).

%% With schedule events each message has the scheduler in it, behind what was said of it.
t_reload_scheduled() ->
    {Peer, Node} = target(),
    {ok, C} = start(Node, (options())#{functions => four(), events => [function_call, function_return, schedule_in]}),
    {e2e_work, Beam, File} = ask(Peer, code, get_object_code, [e2e_work]),
    normal = peer:call(Peer, ?MODULE, load_and, [lists:duplicate(50, {e2e_work, Beam, File}), {e2e_work, run, [1, 5, 0]}], 60000),
    #{events := Events, final := #{lost := 0}} = stop(C),
    Calls = tagged(call, Events),
    [inner, outer, target, thrower] = lists:usort([F || {_, _, call, {_, F, _}, _, _, _} <- Calls]),
    250 = length([1 || {_, _, call, {e2e_work, target, [1, _]}, {'$beamtap_tail', {e2e_work, _, _}}, _, _} <- Calls]),
    ['$beamtap_tail'] = lists:usort([element(1, element(5, E)) || E <- Calls]),
    750 = length(tagged(return_from, Events)),
    clean(Peer).

%% Two versions in turn, of which one alone has what is wanted besides; its calls go on while the module is put in order.
t_two_versions() ->
    {Peer, Node} = target(),
    Loads = lists:append(lists:duplicate(100, [version("sub", []), version("add", ["add(A, B) -> A + B."])])),
    {ok, C} = start(Node, (options())#{functions => [{<<"made_sh*">>, <<"add">>, 2, none, [], <<>>}, {<<"made_sh*">>, any, 3, none, [], <<>>}],
                                       max_queue => 100000, max_term => 1 bsl 25, lease => 20000}),
    normal = peer:call(Peer, ?MODULE, load_and, [Loads, {made_shop, all, [300]}], 100000),
    #{events := Events, final := #{lost := 0}} = S = stop(C),
    [] = [Gap || {gap, _, _, Why, _} = Gap <- reports(gap, S), Why =/= 5], % calls without arguments are calls
    30000 = length(calls_of(made_shop, add, Events)),
    [add] = lists:usort([F || {_, _, call, {_, F, _}, _} <- Events]),
    clean(Peer).

version(Called, More) ->
    Source = ["-module(made_shop).", "-compile([export_all, nowarn_export_all]).", "sub(A, B) -> A - B.",
              "all(N) -> [" ++ Called ++ "(1, I) + 0 * lists:sum(lists:seq(1, 3000)) || I <- lists:seq(1, N)].",
              "unused(A, B) -> {A, B}."] ++ More ++ [lists:concat(["f", I, "(X, _, _) -> X."]) || I <- lists:seq(1, 800)],
    Forms = [begin {ok, T, _} = erl_scan:string(Text), {ok, F} = erl_parse:parse_form(T), F end || Text <- Source],
    {ok, made_shop, Beam} = compile:forms(Forms, []),
    {made_shop, Beam, "/nowhere/made_shop.beam"}.

%% What is loaded past a code server that answers nobody is put in order as any other.
t_loaded_past_the_code_server() ->
    {Peer, Node} = target(),
    {made_shop, Beam, _} = made(made_shop),
    {ok, C} = start(Node, (options())#{functions => [{<<"made_sh*">>, <<"add">>, 2, none, [], <<>>}]}),
    ok = ask(Peer, sys, suspend, [code_server]),
    {module, made_shop} = ask(Peer, erlang, load_module, [made_shop, Beam]),
    6 = length(ask(Peer, made_shop, all, [5])),
    wait_for(settled, fun() -> {S, _} = so_far(C), reports(log, S) =/= [] end),
    6 = length(ask(Peer, made_shop, all, [5])),
    ok = ask(Peer, sys, resume, [code_server]),
    #{events := Events, final := #{lost := 0}} = stop(C),
    12 = length(calls_of(made_shop, add, Events)),
    clean(Peer).

t_loaded_by_us() ->
    {Peer, Node} = target(),
    true = ask(Peer, code, delete, [e2e_work]),
    false = ask(Peer, code, purge, [e2e_work]),
    {ok, C} = start(Node, options()),
    true = ask(Peer, erlang, module_loaded, [e2e_work]),
    ok = ask(Peer, e2e_work, run, [1, 7, 0]),
    #{events := Events} = S = stop(C),
    7 = length(calls_of(e2e_work, target, Events)),
    [{plan, #{function_count := Count, skipped := []}}] = reports(plan, S),
    true = Count > 5,
    [_] = [Text || {log, info, Text} <- reports(log, S), string:find(Text, "e2e_work: not loaded yet, and loaded now") =/= nomatch],
    clean(Peer).

t_not_loaded_by_us() ->
    {Peer, Node} = target(),
    true = ask(Peer, code, delete, [e2e_work]),
    false = ask(Peer, code, purge, [e2e_work]),
    {ok, C} = start(Node, (options())#{load => false}),
    false = ask(Peer, erlang, module_loaded, [e2e_work]),
    ok = ask(Peer, e2e_work, run, [1, 7, 0]), % loads it
    #{events := Events} = S = stop(C),
    7 = length(calls_of(e2e_work, target, Events)),
    [{plan, #{function_count := 0, skipped := [{_, _}]}}] = reports(plan, S),
    clean(Peer).

%% A glob that matches nothing loaded; the first calls are judged as the VM judges those that follow.
t_modules_to_come() ->
    {Peer, Node} = target(),
    Spec = [{['_', '$1'], [{'>', '$1', 3}], [{message, '$1'}, {return_trace}]}],
    {ok, C} = start(Node, (options())#{functions => [{<<"made_sh*">>, <<"add">>, 2, Spec, [caller], <<"x.ini:1">>}]}),
    normal = ask(Peer, ?MODULE, load_and, [[made(made_shop)], {made_shop, all, [6]}]),
    wait_for(settled, fun() -> {S, _} = so_far(C), reports(log, S) =/= [] end),
    normal = ask(Peer, ?MODULE, load_and, [[made(made_other)], {made_shop, all, [6]}]),
    normal = ask(Peer, ?MODULE, load_and, [[made(made_other)], {made_other, all, [6]}]),
    #{events := Events, final := #{lost := 0}} = S = stop(C),
    [{plan, #{function_count := 0, skipped := [{<<"made_sh*:add/2 (x.ini:1)">>, <<"matches no loaded function yet", _/binary>>}]}}] =
        reports(plan, S),
    Each = [{call, [0, 9], 9}, {9}, {call, [1, 4], 4}, {5}, {call, [1, 5], 5}, {6}, {call, [1, 6], 6}, {7}], % all/1 begins at its end
    Expected = Each ++ Each,
    Expected = [case E of
                    {trace_ts, _, call, {made_shop, add, A}, {'$beamtap_caller', {made_shop, _, _}, X}, _} -> {call, A, X};
                    {trace_ts, _, return_from, {made_shop, add, 2}, V, _} -> {V}
                end || E <- Events],
    clean(Peer).

%% Before OTP 27 on_load is not taken while someone else traces: a gap says what may be missing.
t_load_polled() ->
    {Peer, Node} = target(),
    P1 = ask(Peer, erlang, spawn, [?MODULE, calls, [loop]]),
    Other = ask(Peer, erlang, spawn, [?MODULE, foreign, [P1, self()]]),
    receive {Other, ready} -> ok end,
    true = ask(Peer, erlang, register, [agent_test_two, ask(Peer, erlang, spawn, [?MODULE, calls, [loop]])]),
    {ok, C} = start(Node, (options())#{functions => [{<<"made_*">>, any, any, none, [], <<>>}], processes => [{name, agent_test_two}]}),
    {on_load, {traced, false}} = {on_load, ask(Peer, erlang, trace_info, [on_load, traced])},
    Before = ask(Peer, erlang, monotonic_time, [nanosecond]),
    normal = ask(Peer, ?MODULE, load_and, [[made(made_shop)], {made_shop, all, [6]}]),
    After = ask(Peer, erlang, monotonic_time, [nanosecond]),
    wait_for(gap, fun() -> {S, _} = so_far(C), reports(gap, S) =/= [] end),
    [{gap, From, To, 12, <<"calls of made_shop may be missing", _/binary>>}] = reports(gap, stop(C)),
    {true, true} = {From < After, To > Before},
    Other ! stop,
    receive {Other, stopped} -> ok end,
    clean(Peer).

%% In the node: while the run that begins waits for those who look at heaps, its plan is made and its patterns are set. Loads and calls
%% a module then, and says when.
loads_meanwhile(Owner, Traced, Load) ->
    case [P || P <- processes(), {_, {_, heaps_begin, _}} <- [process_info(P, current_function)]] of
        [] ->
            receive missed -> Owner ! {self(), missed} after 0 -> erlang:yield() end,
            loads_meanwhile(Owner, Traced, Load);
        [Heaps] ->
            true = erlang:suspend_process(Heaps),
            wait_for(flags, fun() -> erlang:trace_info(Traced, flags) =/= {flags, []} end),
            Before = erlang:monotonic_time(nanosecond),
            normal = load_and([Load], {element(1, Load), all, [6]}),
            After = erlang:monotonic_time(nanosecond),
            true = erlang:resume_process(Heaps),
            Owner ! {self(), Before, After}
    end.

%% Also of a module that is loaded while a run begins.
t_load_polled_first() ->
    {Peer, Node} = target(),
    Other = start_foreign(Peer, ask(Peer, erlang, spawn, [?MODULE, calls, [loop]])),
    Traced = ask(Peer, erlang, spawn, [?MODULE, calls, [loop]]),
    true = ask(Peer, erlang, register, [agent_test_two, Traced]),
    Loads = ask(Peer, erlang, spawn, [?MODULE, loads_meanwhile, [self(), Traced, made(made_shop)]]),
    {C, Before, After} = load_while_it_begins(Node, Loads, 100),
    wait_for(gap, fun() -> {S, _} = so_far(C), reports(gap, S) =/= [] end),
    [{gap, From, To, 12, <<"calls of made_shop may be missing", _/binary>>}] = reports(gap, stop(C)),
    {true, true} = {From < Before, To > After},
    Other ! stop,
    receive {Other, stopped} -> ok end,
    clean(Peer).

%% The moment is short, and the node may not come to look in time: then the run is begun again.
load_while_it_begins(Node, Loads, Tries) when Tries > 0 ->
    {ok, C} = start(Node, (options())#{functions => [{<<"made_*">>, any, any, none, [], <<>>}], processes => [{name, agent_test_two}]}),
    Loads ! missed,
    receive
        {Loads, Before, After} -> {C, Before, After};
        {Loads, missed} -> stop(C), load_while_it_begins(Node, Loads, Tries - 1)
    end.

%% In the node: waits in the code as it is now.
stays(Module, Name) -> register(Name, self()), Module:loop().

t_old_code() ->
    {Peer, Node} = target(),
    normal = ask(Peer, ?MODULE, load_and, [[made(made_shop)], {made_shop, all, [1]}]),
    Old = ask(Peer, erlang, spawn, [?MODULE, stays, [made_shop, made_loop]]),
    wait_for(loop, fun() -> ask(Peer, erlang, whereis, [made_loop]) =:= Old end),
    {ok, C} = start(Node, (options())#{functions => [{<<"made_shop">>, any, any, none, [], <<>>}], processes => [{name, made_loop}]}),
    {Module, Beam, File} = made(made_shop),
    {module, Module} = ask(Peer, code, load_binary, [Module, File, Beam]),
    wait_for(said, fun() -> {S, _} = so_far(C), [T || {log, warning, T} <- reports(log, S)] =/= [] end),
    [<<"made_shop was loaded again while made_loop (<", _/binary>>] = [T || {log, warning, T} <- reports(log, stop(C))],
    exit(Old, kill),
    clean(Peer).

%% Relay and guardians killed at once: the pattern for modules to come goes all the same, and puts itself on nothing any more.
t_load_all_killed() ->
    {Peer, Node} = target(),
    {Agent, _} = get(agent),
    {ok, {_, #{tracer := Relay}}} = start(Node, options()),
    {traced, local} = ask(Peer, erlang, trace_info, [on_load, traced]),
    All = [Relay | [P || #{guardian := P} <- runs(Node, Agent)]],
    ask(Peer, lists, foreach, [fun(P) -> exit(P, kill) end, All]),
    wait_for(on_load_gone, fun() -> ask(Peer, erlang, trace_info, [on_load, traced]) =:= {traced, false} end),
    ask(Peer, erlang, trace_pattern, [{e2e_work, '_', '_'}, false, [local]]),
    clean(Peer).
