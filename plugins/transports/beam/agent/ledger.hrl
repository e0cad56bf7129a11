%% ledger.hrl: which runs use this module in this node, and its end.
%%
%% One registered process a module (that is: a version of the agent), so that two runs share it and the last one has it
%% purged. Code cannot purge itself: the purge is a few expressions that erl_eval runs in a process without any of ours. That
%% process takes the ledger's name first, so a run that begins meanwhile either finds the ledger and keeps the module, or
%% finds the module deleted and says so.

-define(LINGER, 2000). % ms that an unused module stays: a start that failed is followed by unload/0

%% {ok, Pid}, or {error, Code, Text}; code again: the module is being purged.
ledger_pid() -> ledger_pid(100).

ledger_pid(0) -> {error, failed, <<"the agent could not be registered">>};
ledger_pid(Tries) ->
    case whereis(?MODULE) of
        undefined ->
            {Pid, Down} = spawn_monitor(fun ledger_begin/0),
            ledger_ping(Pid, Down, Tries);
        Pid ->
            ledger_ping(Pid, monitor(process, Pid), Tries)
    end.

ledger_ping(Pid, Ref, Tries) ->
    Pid ! {ping, self(), Ref},
    receive
        {Ref, ok} -> erlang:demonitor(Ref, [flush]), ledger_current(Pid);
        {'DOWN', Ref, process, Pid, _} -> ledger_pid(Tries - 1)
    after 100 ->
        %% The purge has the name, and waits for us.
        case process_info(Pid, initial_call) of
            {initial_call, {erl_eval, exprs, 2}} -> erlang:demonitor(Ref, [flush]), ledger_gone();
            _ -> ledger_ping(Pid, Ref, Tries)
        end
    end.

ledger_gone() -> {error, again, <<"the agent was being removed from the node at this moment: try again">>}.

ledger_current(Pid) ->
    case erlang:module_loaded(?MODULE) andalso not erlang:check_process_code(self(), ?MODULE) of
        true -> {ok, Pid};
        false -> ledger_gone()
    end.

ledger_begin() ->
    try register(?MODULE, self()) of
        true -> ledger_loop(#{}, ?LINGER)
    catch error:badarg -> ok % another start was faster: the caller looks again
    end.

%% Called by a guardian; the ledger watches it until its end.
ledger_enter(Ledger, Pid, Run) ->
    Ref = monitor(process, Ledger),
    Ledger ! {enter, self(), Ref, Pid, Run},
    receive
        {Ref, ok} -> erlang:demonitor(Ref, [flush]), ok;
        {'DOWN', Ref, process, Ledger, _} -> exit(ledger)
    end.

ledger_loop(Runs, Linger) ->
    receive
        {enter, From, Ref, Pid, Run} ->
            Down = monitor(process, Pid),
            From ! {Ref, ok},
            ledger_loop(Runs#{Down => {Pid, Run}}, Linger);
        {'DOWN', Down, process, _, _} ->
            Left = maps:remove(Down, Runs),
            case map_size(Left) of
                0 -> ledger_loop(Left, ?LINGER div 4);
                _ -> ledger_loop(Left, Linger)
            end;
        {ping, From, Ref} ->
            From ! {Ref, ok},
            ledger_loop(Runs, ?LINGER);
        {runs, From, Ref} ->
            From ! {Ref, lists:usort([{Run, Pid} || {Pid, Run} <- maps:values(Runs)])},
            ledger_loop(Runs, Linger);
        unload when map_size(Runs) =:= 0 ->
            ledger_end();
        _ ->
            ledger_loop(Runs, Linger)
    after if map_size(Runs) =:= 0 -> Linger; true -> infinity end ->
        ledger_end()
    end.

ledger_end() ->
    unregister(?MODULE),
    purge_later().

%% A soft purge waits for whoever still runs the module (this process, an rpc that returns just now); after five seconds
%% it is a hard one.
purge_later() ->
    Text = "case catch register(M, self()) of true -> code:delete(M), "
           "(fun Purge(N) -> case code:soft_purge(M) of true -> true; false when N > 0 -> timer:sleep(5), Purge(N - 1); "
           "false -> code:purge(M) end end)(1000); _ -> false end.",
    {ok, Tokens, _} = erl_scan:string(Text),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    spawn(erl_eval, exprs, [Expressions, [{'M', ?MODULE}]]),
    ok.
