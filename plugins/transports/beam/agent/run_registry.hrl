%% run_registry.hrl: which runs use this module in this node, and its end.
%%
%% One registered process a module (that is: a version of the agent), so that two runs share it and the last one has it
%% purged. The module is known to the VM alone and not to the code server, which may be busy: it was loaded without it, and
%% goes without it. Code cannot purge itself, so what does is a message to the VM's purger that a timer sends: it
%% needs neither a process nor a module. The registry deletes the module while it still has the name: a run that begins
%% meanwhile either finds the registry and keeps the module, or finds the module deleted and says so.

-define(LINGER, 2000). % ms that an unused module stays: a start that failed is followed by unload/0
%% ms after which the purger is asked: soft, which does nothing while somebody still runs the module (an rpc that returns just
%% now), and at last hard.
-define(PURGES, [2, 20, 100, 300, 700, 1500, 2500, 3500]).
-define(PURGE_HARD, 5000).
-define(PURGE_ROUND, 100).
-define(PURGE_ROUNDS, 50).
%% Words of heap that the purger takes. Before it had an iterator (OTP 28) it listed all processes: it died at 30 words for
%% each (measured on 25 and 27).
-define(PURGE_WORDS, 50000).
-define(PURGE_WORDS_PROCESS, 64).

%% {ok, Pid}, or {error, Code, Text}; code again: the module is being purged.
registry_pid() -> registry_pid(100).

registry_pid(0) -> {error, failed, <<"the agent could not be registered">>};
registry_pid(Tries) ->
    case is_current() andalso whereis(?MODULE) of
        false -> registry_gone();
        undefined ->
            {Pid, Down} = spawn_opt(fun registry_begin/0, [monitor, ?OWN_HEAP]),
            registry_ping(Pid, Down, Tries);
        Pid ->
            registry_ping(Pid, monitor(process, Pid), Tries)
    end.

registry_ping(Pid, Ref, Tries) ->
    Pid ! {ping, self(), Ref},
    receive
        {Ref, ok} -> erlang:demonitor(Ref, [flush]), {ok, Pid};
        {'DOWN', Ref, process, Pid, _} -> registry_pid(Tries - 1)
    after 100 -> registry_ping(Pid, Ref, Tries)
    end.

registry_gone() -> {error, again, <<"the agent was being removed from the node at this moment: try again">>}.

is_current() -> erlang:module_loaded(?MODULE) andalso not erlang:check_process_code(self(), ?MODULE).

registry_begin() ->
    own_begin(),
    try register(?MODULE, self()) of
        true -> is_current() andalso registry_loop(#{}, ?LINGER) % else it was deleted just now: the caller looks again
    catch error:badarg -> ok % another start was faster: the caller looks again
    end.

%% Called by a guardian; the registry watches it until its end.
registry_enter(Registry, Pid, Run, Session) ->
    Ref = monitor(process, Registry),
    Registry ! {enter, self(), Ref, Pid, {Run, Session}},
    receive
        {Ref, ok} -> erlang:demonitor(Ref, [flush]), ok;
        {'DOWN', Ref, process, Registry, _} -> exit(registry)
    end.

registry_loop(Runs, Linger) ->
    receive
        {enter, From, Ref, Pid, Run} ->
            Down = monitor(process, Pid),
            From ! {Ref, ok},
            erase(native_waited),
            registry_loop(Runs#{Down => {Pid, Run}}, Linger);
        {native, From, Ref, {Module, Beam, Library}} ->
            From ! {Ref, native_load(Module, Beam, Library)},
            registry_loop(Runs, Linger);
        {unmarked, Run, Targets} when is_binary(Run) ->
            put({unmarked, Run}, Targets),
            registry_loop(Runs, Linger);
        {own, Guardian, Pids} ->
            put({own, Guardian}, Pids),
            registry_loop(Runs, Linger);
        {owned, From, Ref} ->
            From ! {Ref, [self() | lists:append([Pids || {{own, _}, Pids} <- get()])]},
            registry_loop(Runs, Linger);
        {'DOWN', Down, process, Gone, Why} ->
            erase({own, Gone}),
            Left = maps:remove(Down, Runs),
            registry_ended(maps:get(Down, Runs, none), Left, Why),
            case map_size(Left) of
                0 -> registry_loop(Left, ?LINGER div 4);
                _ -> registry_loop(Left, Linger)
            end;
        {ping, From, Ref} ->
            From ! {Ref, ok},
            registry_loop(Runs, ?LINGER);
        {runs, From, Ref} ->
            From ! {Ref, lists:usort([{Run, Pid} || {Pid, {Run, _}} <- maps:values(Runs)])},
            registry_loop(Runs, Linger);
        {unmarked, From, Ref} when is_pid(From) ->
            From ! {Ref, [{Run, Targets} || {{unmarked, Run}, Targets} <- get()]},
            registry_loop(Runs, Linger);
        {sessions, From, Ref} ->
            From ! {Ref, lists:usort([Session || {_, {_, Session}} <- maps:values(Runs)])},
            registry_loop(Runs, Linger);
        unload when map_size(Runs) =:= 0 ->
            registry_leave(Runs, 0);
        _ ->
            registry_loop(Runs, Linger)
    after if map_size(Runs) =:= 0 -> Linger; true -> infinity end ->
        Waited = case erase(native_waited) of undefined -> 0; N -> N end,
        registry_leave(Runs, Waited)
    end.

%% A run of the library's ends a moment after its relay: the library goes before this process, which alone knows of it. What
%% another agent's run uses goes with that one.
registry_leave(Runs, Waited) when Waited < ?NATIVE_WAITS ->
    case native_is_used() of
        true -> put(native_waited, Waited + 1), registry_loop(Runs, ?NATIVE_WAIT);
        false -> registry_end()
    end;
registry_leave(_, _) -> registry_end().

%% Where both guardians of a run were killed at once, `clean` finds what is left. But on_load would go on putting patterns on
%% whatever is loaded, which nobody wished for; and counters and plain patterns do not say whose they are.
registry_ended({_, {Run, none}}, Left, Why) ->
    case [Other || {_, {Other, _}} <- maps:values(Left), Other =:= Run] of
        [] ->
            Unmarked = case erase({unmarked, Run}) of undefined -> []; Targets -> Targets end,
            Why =/= normal andalso begin
                clear_targets(Unmarked, Run, 0),
                (catch load_take_away(#run{id = Run, on_load = left, targets = []}))
            end;
        _ -> ok
    end;
registry_ended(_, _, _) -> ok.

%% Two collectors that came at the same time may both have loaded the module: then there is old code beside the current one,
%% and this process may be running it. It goes on in the current code, has the old one purged, and ends by that.
registry_end() ->
    native_unload(),
    case {erlang:check_old_code(?MODULE), erlang:module_loaded(?MODULE)} of
        {false, _} -> purge_later(), unregister(?MODULE);
        {true, true} -> ?MODULE:registry();
        {true, false} -> ok % somebody deleted it, and has it purged
    end.

registry() ->
    Rounds = case get(rounds) of undefined -> 0; N -> N end,
    put(rounds, Rounds + 1),
    case purge_blocked() of
        false when Rounds < ?PURGE_ROUNDS -> erts_code_purger:soft_purge(?MODULE), registry_loop(#{}, ?PURGE_ROUND);
        false -> erts_code_purger:purge(?MODULE), registry_loop(#{}, ?PURGE_ROUND);
        _ -> unregister(?MODULE)
    end.

purge_later() ->
    case purge_blocked() of
        false ->
            Ref = make_ref(),
            catch erlang:delete_module(?MODULE),
            [erlang:send_after(Ms, erts_code_purger, {soft_purge, ?MODULE, self(), Ref}) || Ms <- ?PURGES],
            erlang:send_after(?PURGE_HARD, erts_code_purger, {purge, ?MODULE, self(), Ref});
        _ -> kept % loaded and unused: the next run takes it as it is
    end.

%% Another version's, which nobody uses: true when it is gone.
purge_now(Module) ->
    case purge_blocked() of
        false ->
            erts_code_purger:purge(Module),
            catch erlang:delete_module(Module),
            erts_code_purger:purge(Module),
            true;
        _ -> false
    end.

%% The purger is a process like others: where the node's default limit (+hmax, +hmaxk) kills it, the node ends.
%% {Limit, Needed} in words where that could be.
purge_blocked() ->
    system_blocked(case erlang:function_exported(erlang, processes_iterator, 0) of
        true -> 0;
        false -> erlang:system_info(process_count)
    end).

%% So is erts_trace_cleaner, which goes through all processes when a trace session ends.
session_blocked() -> system_blocked(erlang:system_info(process_count)).

%% The VM's own processes began under the same default.
system_blocked(Processes) ->
    Needed = ?PURGE_WORDS + Processes * ?PURGE_WORDS_PROCESS,
    case process_info(whereis(erts_code_purger), garbage_collection) of
        {_, Items} ->
            case lists:keyfind(max_heap_size, 1, Items) of
                {_, #{kill := true, size := Size}} when Size > 0, Size < Needed -> {Size, Needed};
                _ -> false
            end;
        _ -> false
    end.

stay_text({Limit, Needed}) ->
    text("the agent's module stays in the node, unused, when tracing is over: to purge it may take the VM's erts_code_purger ~b "
         "words with ~b processes, the node's default max_heap_size (+hmax) kills it at ~b, and with it the node",
         [Needed, erlang:system_info(process_count), Limit]).

%% What the answers of info and clean say of it: #{stays => Text}, or nothing.
module_stays() ->
    case purge_blocked() of
        false -> #{};
        Blocked -> #{stays => stay_text(Blocked)}
    end.
