%% plan.hrl: what the options mean in this node, now.
%%
%% The collector names functions by globs and processes by names; here they become the modules that are loaded and the
%% pids that are alive. Nothing is set here, so a plan that cannot be made real leaves no trace. Resolving one module at a
%% time is what lets a module that is loaded or reloaded later be traced by the same rules.

%% One entry of `functions`, made ready. match: {any} | {exact, Binary} | {glob, Chars}; weight: how much it asks for.
-record(entry, {match, function, arity, clauses, weight, named, what}).

plan_entries(#{functions := [], events := Events} = Options) ->
    case wants_functions(Events) of
        true -> plan_entries(Options, [{any, any, any, none, [], <<>>} | call_functions(Options)]);
        false -> []
    end;
plan_entries(#{functions := Functions} = Options) ->
    plan_entries(Options, Functions).

plan_entries(#{run := Run, events := Events, stack := Stack}, Functions) ->
    All = [return || lists:member(function_return, Events)] ++ [exception || lists:member(function_exception, Events)],
    Entries = [plan_entry(Function, All, Stack, Run) || Function <- Functions],
    %% The first clause that matches decides what is reported: the entries that ask for more stand first.
    lists:sort(fun(A, B) -> A#entry.weight >= B#entry.weight end, Entries).

plan_entry({Module, F, A, Spec, Flags, Where}, All, Stack, Run) ->
    What = entry_text(Module, F, A, Where),
    case check_spec(Spec, What) of
        ok -> ok;
        {error, Text} -> throw({refused, bad_spec, Text})
    end,
    Match = glob(Module),
    Wanted = Flags ++ All,
    Weight = 8 * length([1 || exception <- Wanted]) + 4 * length([1 || return <- Wanted]) + 2 * length([1 || stack <- Wanted]) +
        length([1 || caller <- Wanted]),
    #entry{match = Match, function = function_name(F), arity = A, clauses = function_clauses(Spec, Wanted, Stack, Run), what = What,
           weight = min(Weight, 31), named = lists:member(named, Flags) orelse element(1, Match) =:= exact}.

entry_text(Module, F, A, Where) ->
    text("~ts:~ts/~ts~ts", [glob_text(Module), any_text(F), any_text(A),
                            case byte_size(Where) of 0 -> ""; _ -> [" (", Where, ")"] end]).

glob_text(any) -> "*";
glob_text(Module) -> Module.
any_text(any) -> "*";
any_text(X) when is_integer(X) -> integer_to_list(X);
any_text(Name) -> Name.

%% Names come as binaries, so that a function may be called any. One that the node has no atom for stays a binary: no function
%% has that name yet, and an atom is for ever.
function_name(any) -> any;
function_name(Name) -> {named, try binary_to_existing_atom(Name) catch error:_ -> Name end}.

wants_functions(Events) ->
    lists:any(fun(E) -> lists:member(E, [function_call, function_return, function_exception, function_counters]) end, Events).

%% Globs know * and ?; everything else stands for itself.
glob(any) -> {any};
glob(Text) ->
    Chars = unicode:characters_to_list(Text, utf8),
    case [C || C <- Chars, C =:= $* orelse C =:= $?] of
        [] -> {exact, Text};
        _ -> {glob, Chars}
    end.

glob_matches({any}, _) -> true;
glob_matches({exact, Text}, Name) -> Text =:= Name;
glob_matches({glob, Chars}, Name) -> glob_run(Chars, unicode:characters_to_list(Name, utf8), none).

%% Star: where to go on when what follows the last * does not fit here.
glob_run([], [], _) -> true;
glob_run([$* | Glob], Name, _) -> glob_run(Glob, Name, {Glob, Name});
glob_run([$? | Glob], [_ | Name], Star) -> glob_run(Glob, Name, Star);
glob_run([C | Glob], [C | Name], Star) -> glob_run(Glob, Name, Star);
glob_run(_, _, {Glob, [_ | Name]}) -> glob_run(Glob, Name, {Glob, Name});
glob_run(_, _, _) -> false.

%% ---- Functions -----------------------------------------------------------------------------------------------------

%% The rules that speak of a module; otp: all would, if it were not OTP's.
plan_matching(Module, File, Entries, Otp) ->
    Name = atom_to_binary(Module),
    case [E || E <- Entries, glob_matches(E#entry.match, Name)] of
        [] -> [];
        Matching ->
            case lists:prefix("beamtap_agent_", atom_to_list(Module)) of
                true -> [];
                false ->
                    Open = lists:all(fun(E) -> E#entry.named end, Matching) orelse not is_otp(Name, File, Otp),
                    case [E || #entry{named = Named} = E <- Matching, Open orelse Named] of
                        [] -> otp;
                        Entries1 -> Entries1
                    end
            end
    end.

%% The targets in one loaded module: {[#target{}], [What of the entries that matched], [{What, Why}] skipped}; otp: left out.
plan_module(Module, File, Entries, #run{otp = Otp} = Run) ->
    case plan_matching(Module, File, Entries, Otp) of
        [] -> {[], [], []};
        otp -> otp;
        Matching -> plan_module(Module, Matching, Run)
    end.

plan_module(Module, Entries, Run) ->
    Wanted = [{{F, A}, [E || E <- Entries, fits(E#entry.function, F), fits(E#entry.arity, A)]}
              || {F, A} <- functions_of(Module)],
    {Free, Taken} = lists:partition(fun({{F, A}, _}) -> is_free({Module, F, A}, Run) end,
                                    [W || {_, [_ | _]} = W <- Wanted]),
    Skipped = [{text("~ts:~ts/~b", [Module, F, A]), <<"someone else traces this function">>} || {{F, A}, _} <- Taken],
    Matched = lists:usort([E#entry.what || {_, Es} <- Free ++ Taken, E <- Es]),
    Groups = maps:groups_from_list(fun({{_, A}, Es}) -> plain(lists:append([E#entry.clauses || E <- Es]), A, Run) end,
                                   fun({FA, _}) -> FA end, Free),
    Targets = [#target{module = Module, spec = Spec,
                       functions = case length(FAs) =:= length(Wanted) of true -> all; false -> FAs end}
               || {Spec, FAs} <- maps:to_list(Groups)],
    {Targets, Matched, Skipped}.

fits(any, _) -> true;
fits({named, X}, Y) when is_binary(X) -> X =:= atom_to_binary(Y);
fits({named, X}, Y) -> X =:= Y;
fits(X, Y) -> X =:= Y.

%% Before OTP 27 a pattern of ours would replace another tool's. Ours may be there by now: that of on_load.
is_free(MFA, #run{session = none, options = #{count := [_ | _] = Kinds}}) -> counters_free(MFA, Kinds);
is_free(MFA, #run{session = none, id = Id, targets = Targets}) ->
    erlang:trace_info(MFA, traced) =:= {traced, false} orelse owner(function_spec(none, MFA)) =:= {ours, Id} orelse
        is_plain_ours(MFA, Targets);
is_free(_, _) -> true.

%% Every loaded module: {Targets, Skipped, Pending, Later, Left}. Pending: modules named exactly that can still be loaded; Later:
%% others that match may come; Left: modules that are left out because they are OTP's.
plan_functions(Entries, Run) ->
    {Targets, Matched, Skipped, Left} = lists:foldl(
        fun({Module, File}, {T, M, S, L}) ->
            case plan_module(Module, File, Entries, Run) of
                {T1, M1, S1} -> {T1 ++ T, M1 ++ M, S1 ++ S, L};
                otp -> {T, M, S, [Module | L]}
            end
        end, {[], [], [], []}, code:all_loaded()),
    Unmatched = [E || E <- Entries, not lists:member(E#entry.what, Matched)],
    Come = code:get_mode() =:= interactive,
    {Pending, Notes} = lists:foldl(fun(E, Acc) -> plan_unmatched(E, Come, Acc) end, {[], []}, Unmatched),
    {Targets, Skipped ++ Notes, Pending, Come andalso [E || #entry{match = M} = E <- Unmatched, element(1, M) =/= exact] =/= [],
     lists:sort(Left)}.

plan_unmatched(#entry{match = {exact, Name}, what = What}, _, {Pending, Notes}) ->
    case module_file(Name) of
        loaded -> {Pending, [{What, <<"the module has no such function">>} | Notes]};
        none -> {Pending, [{What, <<"there is no such module">>} | Notes]};
        Module -> {[Module | Pending], [{What, <<"the module is not loaded yet: traced from when it is">>} | Notes]}
    end;
plan_unmatched(#entry{what = What}, true, {Pending, Notes}) ->
    {Pending, [{What, <<"matches no loaded function yet: traced from when one is loaded">>} | Notes]};
plan_unmatched(#entry{what = What}, false, {Pending, Notes}) ->
    {Pending, [{What, <<"matches no loaded function">>} | Notes]}.

%% Makes no atom of a name that no file has.
module_file(Name) ->
    case code:where_is_file(unicode:characters_to_list(<<Name/binary, ".beam">>, utf8)) of
        non_existing ->
            try erlang:module_loaded(binary_to_existing_atom(Name)) of
                true -> loaded;
                false -> none
            catch error:_ -> none
            end;
        _ ->
            Module = binary_to_atom(Name),
            case erlang:module_loaded(Module) of true -> loaded; false -> Module end
    end.

%% ---- Processes -----------------------------------------------------------------------------------------------------

%% {#select{}, [{Selector, Pid}], Skipped}.
plan_processes([], Excluded) ->
    {#select{everyone = true, excluded = Excluded}, [], []};
plan_processes(Selectors, Excluded) ->
    lists:foldl(
        fun(new, {Select, Found, Bad}) -> {Select#select{new = true}, Found, Bad};
           ({tree, Selector}, {Select, Found, Bad}) ->
               case plan_process(Selector, Excluded) of
                   {ok, Pid} -> {Select#select{trees = [Pid | Select#select.trees]}, [{selector_text(Selector), Pid} | Found], Bad};
                   {error, Why} -> {Select, Found, [{selector_text(Selector), Why} | Bad]}
               end;
           (Selector, {Select, Found, Bad}) ->
               case plan_process(Selector, Excluded) of
                   {ok, Pid} -> {Select#select{listed = [Pid | Select#select.listed]}, [{selector_text(Selector), Pid} | Found], Bad};
                   {error, Why} -> {Select, Found, [{selector_text(Selector), Why} | Bad]}
               end
        end, {#select{excluded = Excluded}, [], []}, Selectors).

%% With what lives below the roots of trees: {#select{}, Found, Notes}. Who reads it is not to take these for the root.
plan_trees(#select{trees = [], excluded = _} = Select, Found) -> {Select, Found, []};
plan_trees(#select{call = true} = Select, Found) -> {Select, Found, []};
plan_trees(#select{trees = Roots, excluded = Excluded} = Select, Found) ->
    case tree_below([F || {_, P} = F <- Found, lists:member(P, Roots)], Excluded) of
        unknown ->
            {Select, Found, [{<<"tree">>, <<"a process did not answer who its parent is: of those that live already only the first is traced">>}]};
        Below ->
            {Select#select{trees = lists:usort(Roots ++ [P || {_, P} <- Below])}, Found ++ tree_selectors(Below), []}
    end.

selector_text({pid, Text}) -> Text;
selector_text({name, Name}) -> atom_to_binary(Name).

plan_process(Selector, Excluded) ->
    Found = case Selector of
        {pid, Text} -> try list_to_pid(binary_to_list(Text)) catch error:_ -> undefined end;
        {name, Name} -> whereis(Name)
    end,
    if
        not is_pid(Found), element(1, Selector) =:= name -> {error, <<"there is no process of this name yet: traced from when there is">>};
        not is_pid(Found) -> {error, <<"there is no such process">>};
        node(Found) =/= node() -> {error, <<"it is a process of another node">>};
        map_get(Found, Excluded) =:= agent -> {error, <<"it belongs to beamtap">>};
        true ->
            case process_info(Found, backtrace) of
                undefined -> {error, <<"there is no such process">>};
                {backtrace, Empty} when byte_size(Empty) =:= 0 -> {error, <<"it is sensitive: the VM hides it from tracing">>};
                _ -> {ok, Found}
            end
    end.

%% Processes that carry the trace itself, that is the node's connections, the calls that come over them, and its code: with every
%% process traced these would trace their own work, and a module that is loaded is a message of a hundred kilobytes. Nobody else
%% is left out, whatever it is called or linked to. Pid => agent | system.
excluded(Agents) ->
    Named = [P || N <- [rex, net_kernel, net_sup, auth, erl_epmd, code_server, erl_prim_loader, init, erts_code_purger],
                  P <- [whereis(N)], is_pid(P)],
    %% Its ticker, and those that listen for connections.
    Linked = [P || Q <- [whereis(net_kernel)], is_pid(Q), {links, L} <- [process_info(Q, links)], P <- L, is_pid(P),
                   node(P) =:= node(), {_, {M, _, _}} <- [process_info(P, initial_call)], M =:= net_kernel orelse own_is_dist(M)],
    Controllers = [P || {_, P} <- erlang:system_info(dist_ctrl), is_pid(P)],
    System = [P || P <- lists:sublist(processes(), 12), {_, {M, _, _}} <- [process_info(P, initial_call)],
                   lists:prefix("erts_", atom_to_list(M)), is_listed(otp_modules(), atom_to_binary(M))],
    maps:merge(maps:from_list([{P, system} || P <- Named ++ Linked ++ Controllers ++ System]),
               maps:from_list([{P, agent} || P <- Agents])).

%% What is left out of "all": #{left_out => Text}, or nothing.
left_out(_, #select{call = true}) -> #{}; % nobody asked for all
left_out(Modules, #select{everyone = Everyone, excluded = Excluded}) ->
    System = lists:sort([P || Everyone, {P, system} <- maps:to_list(Excluded)]),
    Parts = [text("~b module~ts of Erlang/OTP and Elixir (~ts; include_otp = true brings them)",
                  [length(Modules), case Modules of [_] -> ""; _ -> "s" end, load_names(Modules)]) || Modules =/= []] ++
        [text("~b processes that carry the trace (~ts)", [length(System), lists:join(", ", [process_text(P) || P <- System])])
         || System =/= []],
    case Parts of
        [] -> #{};
        _ -> #{left_out => text("~ts", [lists:join(", and ", Parts)])}
    end.

%% Before OTP 27: who else traces, by what the plan needs. [] when the plan may go ahead.
rivals(Events, #select{everyone = Everyone, new = New}, Messages, Tracers, OnLoad) ->
    Global = Everyone orelse New orelse Messages =/= [] orelse lists:member(message_send, Events)
        orelse lists:member(message_receive, Events),
    case Global of
        false -> [];
        true ->
            [text("~ts traces", [process_text(T)]) || T <- case Tracers of many -> tracers(); _ -> Tracers end] ++
                [text("there is a pattern on ~ts", [W]) || W <- [send, 'receive'],
                 match_spec(erlang:trace_info(W, match_spec)) =/= true] ++
                [<<"there is a pattern on_load">> || OnLoad =:= none, erlang:trace_info(on_load, traced) =/= {traced, false}]
    end.

%% To ask takes 5 to 10 microseconds a process: not of a hundred thousand.
-define(TRACERS_MOST, 20000).
few_tracers() ->
    case erlang:system_info(process_count) of
        Few when Few =< ?TRACERS_MOST -> tracers();
        _ -> many
    end.

%% Everyone who traces with the interface that is shared.
tracers() ->
    lists:usort([T || P <- [new_processes | processes()], T <- [tracer_of(P)], T =/= []]).

tracer_of(P) ->
    try erlang:trace_info(P, tracer) of
        {tracer, T} -> T;
        undefined -> []
    catch error:_ -> []
    end.

process_text(Pid) when is_pid(Pid) ->
    case catch process_info(Pid, registered_name) of
        {registered_name, Name} -> text("~tp (~p)", [Name, Pid]);
        _ -> text("~p", [Pid])
    end;
process_text(Other) -> text("~0tP", [Other, 10]).
