%% load.hrl: modules that are loaded during the run, or loaded again.
%%
%% A pattern is on a module's code and goes with it. The VM has one spec for whatever is loaded from now on (on_load), which
%% is on the new code before anybody can run it: the only way without a hole. It is one for all functions of all modules, so it
%% reports every call, tagged as such; the relay judges these calls by the rules of the run (first_calls.hrl), and has a guardian
%% put the module in order at once: the specs that the rules ask for, and no spec on what they do not name.
%%
%% Before OTP 27 there is one on_load for everyone. It is taken only while nobody else traces: their processes would tell
%% them of our functions. Elsewhere the guardian looks each tick what was loaded, for some time more often when something was, and
%% a gap says for how long nobody looked.

-define(LOAD_POLL, 20).         % ms
-define(LOAD_WATCH, 2000).      % ms after a change: code is seldom loaded alone
-define(LOAD_NAMED, 5).
-define(LOAD_TRIES, 10).        % where a module is loaded again and again
-define(LOAD_STAYED_MOST, 2000). % processes that are asked whether they stay in old code
-define(LOAD_STAYED_MS, 500).
-define(LOAD_ASK, 200).         % ms that a guardian waits for the code server
-define(LOAD_BUSY, 5000).       % ms until it is asked again

%% ---- At the start --------------------------------------------------------------------------------------------------

%% What is named exactly and was never loaded is loaded, so that its first call is seen: [Module].
load_named(Entries, #{load := true}) ->
    lists:usort([Module || #entry{match = {exact, Name}} <- Entries, Module <- [module_file(Name)], is_atom(Module),
                           Module =/= loaded, Module =/= none, have(Module)]);
load_named(_, _) -> [].

load_named_log([]) -> [];
load_named_log(Modules) ->
    [{log, info, text("~ts: not loaded yet, and loaded now so that no call is missed (load = false leaves that to the node)",
                      [load_names(Modules)])}].

%% Whoever traces, where that is shared; for a run of a few processes not of very many.
load_others(none, []) -> tracers();
load_others(none, _) -> few_tracers();
load_others(_, _) -> [].

%% Before anything is planned.
load_begin(Run, [], _, _) -> Run;
load_begin(#run{session = Session, id = Id} = Run, Entries, Others, Peer) ->
    case load_may(Session, Others) of
        true ->
            Spec = load_spec(Entries, Id),
            Run1 = tell_peer(Run#run{on_load = Spec}, Peer),
            try set_function(Session, on_load, Spec) of
                _ -> Run1
            catch error:_ -> tell_peer(Run, Peer)
            end;
        false -> Run
    end.

load_may(none, Others) -> Others =:= [] andalso erlang:trace_info(on_load, traced) =:= {traced, false};
load_may(_, _) -> true.

%% Returns are reported where any rule asks for them. The relay takes away what was not asked for.
load_spec(Entries, Id) ->
    Actions = [Action || #entry{clauses = Clauses} <- Entries, {_, _, Body} <- Clauses, Action <- Body],
    Trace = case {lists:member({exception_trace}, Actions), lists:member({return_trace}, Actions)} of
        {true, _} -> [{exception_trace}];
        {_, true} -> [{return_trace}];
        _ -> []
    end,
    [{'_', [], [mark(Id), {message, {{{const, '$beamtap_new'}, {caller}}}} | Trace]}].

%% A function with the spec of on_load, this run's or another's: the rules were not looked at yet.
is_new_code(Session, MFA) -> is_load_spec(function_spec(Session, MFA)).

is_load_spec([{'_', [], [{const, {beamtap, _}}, {message, {{{const, '$beamtap_new'}, {caller}}}} | _]}]) -> true;
is_load_spec(_) -> false.

%% Every module has it.
is_new_module(Session, Module) -> is_new_code(Session, {Module, module_info, 0}).

%% ---- Looking -------------------------------------------------------------------------------------------------------

%% What was loaded while the plan was made is looked at first of all: since the plan began nobody looked.
load_first(#guardian{run = #run{on_load = OnLoad}} = G0) ->
    load_again(load_look(G0#guardian{polls = OnLoad =:= none})).

load_again(#guardian{pending = [], watch = none} = G) -> G;
load_again(G) ->
    erlang:send_after(?LOAD_POLL, self(), poll),
    G#guardian{polling = true}.

load_wake(#guardian{polling = true} = G) -> G;
load_wake(G) -> load_again(G).

load_poll(#guardian{watch = Watch, pending = Pending} = G0) ->
    Now = erlang:monotonic_time(millisecond),
    G = G0#guardian{polling = false, watch = if Watch =:= none; Watch < Now -> none; true -> Watch end},
    Look = G#guardian.watch =/= none orelse lists:any(fun erlang:module_loaded/1, Pending),
    load_again(if Look -> load_look(G); true -> G end).

load_tick(G) -> load_wake(load_look(load_lost(G))).

%% Someone else may take on_load for themselves.
load_lost(#guardian{polls = false, run = #run{on_load = Spec, session = Session} = Run} = G) when Spec =/= none ->
    case function_spec(Session, on_load) of
        Spec -> G;
        _ ->
            report(Run, {log, warning, <<"someone else took the pattern for modules to come: modules that are loaded from here on "
                                         "are looked for, and gaps say when">>}),
            G#guardian{polls = true}
    end;
load_lost(G) -> G.

load_look(#guardian{entries = []} = G) -> G;
load_look(#guardian{run = #run{targets = Targets, session = Session} = Run, known = Known, looked = Since, polls = Polls} = G0) ->
    Began = erlang:monotonic_time(nanosecond),
    Loaded = lists:usort(erlang:loaded()),
    Again = lists:usort([M || #target{module = M} = T <- Targets, has_vanished(T, Run)] ++
                            [M || Run#run.on_load =/= none, M <- Loaded, is_new_module(Session, M)]),
    %% One that another run is putting in order just now is looked at when it has done so.
    New = [M || M <- Loaded -- Known, Run#run.on_load =/= none orelse not is_new_module(Session, M)],
    G1 = G0#guardian{known = lists:usort(New ++ lists:filter(fun erlang:module_loaded/1, Known)), looked = Began},
    {G2, Traced} = lists:foldl(fun load_one/2, {G1, []}, lists:usort(Again ++ New)),
    Missed = Polls andalso Traced =/= [],
    Traced =/= [] andalso counters_targets(Traced, G2#guardian.run),
    Missed andalso load_gap(Since, Traced, Run),
    G2#guardian{pending = [M || M <- G2#guardian.pending, not lists:member(M, Loaded)],
                watch = case Missed of true -> erlang:monotonic_time(millisecond) + ?LOAD_WATCH; false -> G2#guardian.watch end}.

load_gap(Since, Modules, Run) ->
    report(Run, {gap, Since, erlang:monotonic_time(nanosecond), ?REASON_CODE,
                 text("calls of ~ts may be missing: loaded since the last look", [load_names(lists:reverse(Modules))])}).

load_names(Modules) ->
    Shown = lists:join(", ", [atom_to_binary(M) || M <- lists:sublist(Modules, ?LOAD_NAMED)]),
    case length(Modules) - ?LOAD_NAMED of
        More when More > 0 -> [Shown, text(" and ~b more", [More])];
        _ -> Shown
    end.

has_vanished(#target{spec = [{count, _} | _]} = Target, #run{session = Session}) -> counters_vanished(Target, Session);
has_vanished(#target{module = M, functions = all}, #run{session = Session}) ->
    function_spec(Session, {M, module_info, 0}) =:= false;
has_vanished(#target{module = M, functions = [{F, A} | _]}, #run{session = Session}) ->
    functions_of(M) =/= [] andalso lists:member(function_spec(Session, {M, F, A}), [false, undefined]).

%% ---- One module ----------------------------------------------------------------------------------------------------

%% Puts it in order; {G, Traced}: with the module in front where functions of it are traced.
load_one(Module, {#guardian{run = Run, returns_off = ReturnsOff, stacks_off = StacksOff} = G, Traced}) ->
    {Run1, Count} = load_set(Module, G, ?LOAD_TRIES),
    [returns_off(Run1, MFA) || {M, _, _} = MFA <- maps:keys(ReturnsOff), M =:= Module],
    [less_spec(fun without_dumps/1, Run1, MFA) || {M, _, _} = MFA <- maps:keys(StacksOff), M =:= Module],
    case Count of
        0 -> {G#guardian{run = Run1}, Traced};
        _ ->
            Before = lists:keymember(Module, #target.module, Run#run.targets),
            report(Run1, {log, info, text("~ts was loaded~ts: ~b of its functions are traced",
                                          [Module, if Before -> " again"; true -> "" end, Count])}),
            Before andalso load_stayed(Module, Run1),
            {G#guardian{run = Run1}, [Module | Traced]}
    end.

%% The run with what it wants of the module, set. The module may be loaded once more in the middle of it, and all of it has the
%% spec of on_load again: then this is done again. What the last try leaves so the relay judges.
load_set(Module, #guardian{run = #run{session = Session, targets = Targets, on_load = OnLoad} = Run, entries = Entries, peer = Peer} = G, Left) ->
    Code = load_code(Module),
    File = load_file_of(Module),
    Others = [T || T <- Targets, T#target.module =/= Module],
    New = case plan_module(Module, File, Entries, Run) of otp -> []; {Found, _, _} -> Found end,
    Run1 = case New =:= [] andalso Others =:= Targets of
        true -> Run;
        false -> unmarked_known(tell_peer(Run#run{targets = New ++ Others}, Peer))
    end,
    Count = lists:sum([try set_target(Session, T) catch throw:_ -> 0 end || T <- New]),
    OnLoad =/= none andalso load_clear(Module, plan_matching(Module, File, Entries, Run#run.otp), Run),
    case Left > 1 andalso OnLoad =/= none andalso (load_code(Module) =/= Code orelse load_is_new(Session, targets_functions(New))) of
        true -> load_set(Module, G#guardian{run = Run1}, Left - 1);
        false -> {Run1, Count}
    end.

%% Where its file is; "": nobody says so. Before OTP 26 the code server is asked, which may be busy for long: then nobody asks again
%% for a while, and the module's name alone must do (otp.hrl).
load_file_of(Module) ->
    Busy = case get(load_busy) of undefined -> false; Until -> erlang:monotonic_time(millisecond) < Until end,
    Answer = case erlang:system_info(otp_release) < "26" of
        false -> code:is_loaded(Module);
        true when Busy -> busy;
        true -> load_ask_file(Module)
    end,
    case Answer of
        {file, File} -> erase(load_busy), File;
        busy when not Busy -> put(load_busy, erlang:monotonic_time(millisecond) + ?LOAD_BUSY), "";
        _ -> ""
    end.

load_ask_file(Module) ->
    Self = self(),
    Ref = make_ref(),
    Asker = try spawn_opt(fun() -> own_begin(), Self ! {Ref, code:is_loaded(Module)} end, [?OWN_HEAP]) catch error:_ -> none end,
    receive
        {Ref, Answer} -> Answer
    after if Asker =:= none -> 0; true -> ?LOAD_ASK end -> is_pid(Asker) andalso exit(Asker, kill), busy
    end.

load_code(Module) -> try erlang:get_module_info(Module, md5) catch error:_ -> none end.

%% What was set first has the spec of on_load: then it was loaded since.
load_is_new(Session, [First | _]) -> is_new_code(Session, First);
load_is_new(_, []) -> false.

%% What no rule speaks of does not keep the spec of on_load. The rules say it and not what was planned, which may have been of
%% other code than is there by now.
load_clear(Module, Rules, #run{session = none, id = Id}) when Rules =:= []; Rules =:= otp ->
    clear_target(#target{module = Module, functions = all}, Id);
load_clear(Module, Rules, #run{session = Session}) when Rules =:= []; Rules =:= otp ->
    set_function(Session, {Module, '_', '_'}, false);
load_clear(Module, Rules, #run{session = Session, on_load = Spec}) ->
    [set_function(Session, {Module, F, A}, false)
     || {F, A} <- functions_of(Module), not lists:any(fun(E) -> fits(E#entry.function, F) andalso fits(E#entry.arity, A) end, Rules),
        function_spec(Session, {Module, F, A}) =:= Spec].

%% The relay has seen a call of it.
load_seen(Module, #guardian{run = #run{session = Session}} = G) ->
    case is_any_new(Session, Module) of
        true -> element(1, load_one(Module, {G#guardian{known = lists:usort([Module | G#guardian.known])}, []}));
        false -> G
    end.

is_any_new(Session, Module) -> lists:any(fun({F, A}) -> is_new_code(Session, {Module, F, A}) end, functions_of(Module)).

%% ---- Before OTP 27: taking away ------------------------------------------------------------------------------------

%% The pattern on modules to come; then those that it has put on modules, of which nobody knows more than that they are loaded.
%% Number of functions.
load_take_away(#run{on_load = none}) -> 0;
load_take_away(#run{id = Id, targets = Targets}) ->
    (catch owner(function_spec(none, on_load)) =:= {ours, Id} andalso erlang:trace_pattern(on_load, false, [local])),
    Modules = [M || M <- erlang:loaded(), is_new_module(none, M)] ++ [M || #target{module = M} <- Targets],
    clear_targets([#target{module = M, functions = all} || M <- Modules], Id, 0).

%% ---- Old code ------------------------------------------------------------------------------------------------------

%% Patterns go with the code that they are on: a process that stays in the old code is seen again when it calls the new one
%% by its full name. Asked by a process of its own, since it may be long until they answer.
load_stayed(Module, #run{select = Select} = Run) ->
    (catch erlang:check_old_code(Module)) =:= true andalso
        (try spawn_opt(fun() -> load_stayed_ask(Module, Select, Run) end, [?OWN_HEAP]) catch error:_ -> ok end).

load_stayed_ask(Module, Select, Run) ->
    own_begin(),
    Asked = lists:foldl(fun(Pid, N) -> load_ask(Pid, Module), N + 1 end, 0,
                        lists:sublist(heaps_candidates(Select) -- [self()], ?LOAD_STAYED_MOST)),
    erlang:send_after(?LOAD_STAYED_MS, self(), over),
    case load_stayed_wait(Asked, []) of
        [] -> ok;
        Stayed ->
            Shown = lists:join(", ", [process_text(P) || P <- lists:sublist(Stayed, ?LOAD_NAMED)]),
            More = length(Stayed) - ?LOAD_NAMED,
            report(Run, {log, warning, text("~ts was loaded again while ~ts~ts run its old code: their calls are not traced until they "
                                            "call the new code by its full name",
                                            [Module, Shown, if More > 0 -> text(" and ~b more", [More]); true -> "" end])})
    end.

load_ask(Pid, Module) ->
    try erlang:check_process_code(Pid, Module, [{async, Pid}, {allow_gc, false}]) catch error:_ -> ok end.

load_stayed_wait(0, Stayed) -> Stayed;
load_stayed_wait(Left, Stayed) ->
    receive
        {check_process_code, Pid, Answer} -> load_stayed_wait(Left - 1, [Pid || Answer =/= false] ++ Stayed);
        over -> Stayed
    end.
