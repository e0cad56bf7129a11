%% follow.hrl: who bears a name that the run asks for, as long as it lasts, and who belongs to a tree already.
%%
%% A supervisor gives the name to another process within microseconds of an end. So a guardian monitors who bears it, looks
%% at once and then often, and each tick for names that change hands in peace: to ask who bears a name costs next to nothing. Flags are
%% the relay's to set, since it knows whether the events are off just now.
%%
%% The VM knows each process's parent (since OTP 25; before, proc_lib does). A process may be long in answering, so a process
%% of its own asks, and nobody waits long for it.

-define(FOLLOW_SOON, 5).        % ms until the next look, for some time after an end
-define(FOLLOW_HURRY, 2000).    % ms
-define(FOLLOW_LATER, 20).      % ms, while nobody bears a name
-define(TREE_MS, 2000).
-define(TREE_MOST, 20000).      % processes
-define(TREE_HEAP, 32768).      % words: of a larger process no dictionary is read

%% ---- Names ---------------------------------------------------------------------------------------------------------

%% name => pid, or none. Found: [{Selector's text, Pid}].
follow_new(Selectors, Found) ->
    Names = lists:usort([N || {name, N} <- Selectors] ++ [N || {tree, {name, N}} <- Selectors]),
    maps:from_list([{N, follow_found(lists:keyfind(atom_to_binary(N), 1, Found))} || N <- Names]).

follow_found({_, Pid}) -> monitor(process, Pid, [{tag, follow_down}]), Pid;
follow_found(false) -> none.

%% What the processes of a tree spawned before they had their flags is asked for once more.
follow_first(#guardian{follow = Follow, roots = Roots} = G) ->
    Roots =/= [] andalso tree_ask(Roots),
    follow_later(Follow, G).

%% Looks again soon where nobody bears a name.
follow_later(Follow, #guardian{following = true} = G) when map_size(Follow) > 0 -> G;
follow_later(Follow, #guardian{hurry = Hurry} = G) ->
    case lists:member(none, maps:values(Follow)) of
        false -> G;
        true ->
            Hurried = Hurry > erlang:monotonic_time(millisecond),
            erlang:send_after(if Hurried -> ?FOLLOW_SOON; true -> ?FOLLOW_LATER end, self(), follow),
            G#guardian{following = true}
    end.

follow_down(Pid, #guardian{follow = Follow} = G) ->
    Less = maps:map(fun(_, P) when P =:= Pid -> none; (_, P) -> P end, Follow),
    follow_look(G#guardian{follow = Less, hurry = erlang:monotonic_time(millisecond) + ?FOLLOW_HURRY}).

follow_poll(G) -> follow_look(G#guardian{following = false}).

follow_look(#guardian{follow = Follow} = G) when map_size(Follow) =:= 0 -> G;
follow_look(#guardian{follow = Follow} = G0) ->
    G = maps:fold(fun follow_name/3, G0, Follow),
    follow_later(G#guardian.follow, G).

follow_name(Name, Known, #guardian{run = #run{select = #select{excluded = Excluded}}} = G) ->
    case whereis(Name) of
        Pid when is_pid(Pid), Pid =/= Known, not is_map_key(Pid, Excluded) -> follow_pid(Name, Known, Pid, G);
        _ -> G
    end.

follow_pid(Name, Known, Pid, #guardian{run = Run, follow = Follow} = G) ->
    #run{options = #{processes := Selectors}} = Run,
    monitor(process, Pid, [{tag, follow_down}]),
    Text = atom_to_binary(Name),
    report(Run, {plan, #{processes => [{Text, Pid}]}}),
    report(Run, {log, info, text("~ts is ~p now, and traced as such", [Name, Pid])}),
    Tree = lists:member({tree, {name, Name}}, Selectors),
    G1 = follow_add([Pid], Tree, Known, G#guardian{follow = Follow#{Name := Pid}}),
    Tree andalso tree_ask([{Text, Pid}]),
    G1.

%% More processes of this run. Who bore the name is left alone where it lives on: it had the name when it was chosen.
follow_add(Pids, Tree, Gone, #guardian{run = #run{select = Select, relay = Relay} = Run, peer = Peer} = G) ->
    #select{listed = Listed, trees = Trees} = Select,
    Keep = fun(Old) -> [P || P <- Old, P =/= Gone orelse is_process_alive(P), not lists:member(P, Pids)] end,
    New = case Tree of
        true -> Select#select{trees = Pids ++ Keep(Trees)};
        false -> Select#select{listed = Pids ++ Keep(Listed)}
    end,
    Run1 = tell_peer(Run#run{select = New}, Peer),
    Relay ! {relay_follow, Pids, Tree, New},
    G#guardian{run = Run1}.

%% ---- The relay's part ----------------------------------------------------------------------------------------------

follow_on(Pids, Tree, Select, #relay{run = #run{heaps = Heaps} = Run0, paused = Paused, ended = Ended} = R) ->
    Run = Run0#run{select = Select},
    Bad = case Paused =:= none andalso not Ended of
        true -> each_process(fun(Pid) -> follow_flags(Pid, Tree, Run) end, Pids);
        false -> [] % they are on when the others are
    end,
    is_pid(Heaps) andalso (Heaps ! {heaps_follow, Pids, Select}),
    R#relay{run = Run, say = [{log, warning, text("~p: ~ts", [P, process_note(taken)])} || {P, taken} <- Bad] ++ R#relay.say}.

%% As in arity_set: whichever comes last, the flags are off.
follow_flags(Pid, Tree, #run{session = Session, tracer = Tracer, flags = Flags, shared = Shared} = Run) ->
    case atomics:get(Shared, ?STOPPING) of
        0 ->
            set_process(Session, Tracer, Pid, true, [set_on_spawn || Tree] ++ heaps_flags(Run) ++ Flags),
            atomics:get(Shared, ?STOPPING) =:= 0 orelse set_process(Session, Tracer, Pid, false, [all]);
        _ -> ok
    end.

%% ---- Trees ---------------------------------------------------------------------------------------------------------

%% Of the roots [{Text, Pid}] those that live below them: [{Text, Pid}]. unknown: they did not answer in time.
tree_below([], _) -> [];
tree_below(Roots, Excluded) ->
    Ref = make_ref(),
    Self = self(),
    Asker = spawn_opt(fun() -> own_begin(), Self ! {Ref, tree_find(Roots)} end, [?OWN_HEAP]),
    receive
        {Ref, Found} -> [F || {_, P} = F <- Found, not is_map_key(P, Excluded)]
    after ?TREE_MS -> exit(Asker, kill), unknown
    end.

%% Told in a message, since nobody waits.
tree_ask(Roots) ->
    Self = self(),
    try spawn_opt(fun() -> own_begin(), Self ! {tree, tree_find(Roots)} end, [?OWN_HEAP]) catch error:_ -> ok end.

tree_found(Found, #guardian{run = #run{select = Select, session = Session, tracer = Tracer} = Run} = G) ->
    #select{trees = Trees, excluded = Excluded} = Select,
    case [F || {_, P} = F <- Found, not lists:member(P, Trees), not is_map_key(P, Excluded), not is_member(Session, Tracer, P)] of
        [] -> G;
        New ->
            report(Run, {plan, #{processes => tree_selectors(New)}}),
            follow_add([P || {_, P} <- New], true, none, G)
    end.

tree_selectors(Below) -> [{{tree, Text}, P} || {Text, P} <- Below].

tree_find(Roots) ->
    Below = maps:groups_from_list(fun({_, Parent}) -> Parent end, fun({P, _}) -> P end,
                                  [{P, Parent} || P <- processes(), Parent <- [tree_parent(P)], is_pid(Parent)]),
    All = [[{Text, P} || P <- tree_walk([Root], Below, #{Root => true}, [])] || {Text, Root} <- Roots],
    lists:sublist(lists:append(All), ?TREE_MOST).

tree_walk([], _, _, Found) -> Found;
tree_walk([Pid | Rest], Below, Seen, Found) ->
    New = [P || P <- maps:get(Pid, Below, []), not is_map_key(P, Seen)],
    tree_walk(New ++ Rest, Below, maps:merge(Seen, maps:from_list([{P, true} || P <- New])), New ++ Found).

tree_parent(Pid) ->
    try process_info(Pid, parent) of
        {parent, Parent} -> Parent;
        undefined -> none
    catch error:badarg -> tree_ancestor(process_info(Pid, [total_heap_size, registered_name]), Pid)
    end.

tree_ancestor([{total_heap_size, Words} | _], Pid) when Words < ?TREE_HEAP ->
    case process_info(Pid, dictionary) of
        {dictionary, Items} ->
            case lists:keyfind('$ancestors', 1, Items) of
                {_, [Parent | _]} when is_pid(Parent) -> Parent;
                {_, [Name | _]} when is_atom(Name) -> whereis(Name);
                _ -> none
            end;
        undefined -> none
    end;
tree_ancestor(_, _) -> none.
