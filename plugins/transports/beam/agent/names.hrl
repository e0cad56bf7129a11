%% names.hrl: what processes are called, and how many messages wait for them, asked of the processes themselves.
%%
%% Only those are asked that the collector has seen in events, a bounded number at a time, and never while scheduling is
%% traced: to answer, a process is woken. It may also be long in answering (it is in a NIF, or a hundred thousand others go
%% first), so neither the relay nor a guardian asks: this process does, and whoever waits for it is nobody. It ends with the
%% run (take_away), and by itself when the guardian ends.
%%
%% Never a whole dictionary: since OTP 26.2 one key of it can be asked for. Before that neither what proc_lib started nor a
%% label is told.

-define(NAMES_PIDS, 256).       % in one question, and so many mailboxes are looked at
-define(NAMES_LABEL, 512).      % bytes; a larger label is not told
-define(NAMES_HEAP, 4000000).   % words
-define(NAMES_AGAIN, 10).       % rounds after which all lengths are told, not only those that changed

-record(names, {
    relay, down,        % down: the monitor of the guardian
    names, keys,        % keys: what a process is asked for
    mailbox,            % ms; 0: never
    rounds = 0,
    watched = #{}       % pid => length of its mailbox, as last told
}).

%% On a guardian, before anything is traced: it must not be traced itself.
names_start(#{names := false, mailbox := 0}, _) -> none;
names_start(#{events := Events, names := Names, mailbox := Mailbox}, Relay) ->
    case lists:member(running, event_flags(Events)) of
        true -> none;
        false ->
            Guardian = self(),
            %% A label may be of any size, and is copied to whoever asks: better no names than that.
            Cap = #{size => ?NAMES_HEAP, kill => true, error_logger => false},
            spawn_opt(fun() -> names_begin(Guardian, Relay, Names, Mailbox) end, [{max_heap_size, Cap}])
    end.

names_ask(#run{namer = none} = Run, Ref, _) -> report(Run, {process_info, [], Ref});
names_ask(#run{namer = Namer}, Ref, Pids) -> Namer ! {names, Ref, lists:sublist(Pids, ?NAMES_PIDS)}, ok.

names_begin(Guardian, Relay, Names, Mailbox) ->
    own_begin(),
    Down = monitor(process, Guardian),
    One = try process_info(self(), {dictionary, '$initial_call'}) of
        _ -> [{dictionary, '$initial_call'}, {dictionary, '$process_label'}]
    catch error:badarg -> []
    end,
    Mailbox > 0 andalso erlang:send_after(Mailbox, self(), sample),
    names_loop(#names{relay = Relay, down = Down, names = Names, keys = [registered_name, initial_call | One],
                      mailbox = Mailbox}).

names_loop(#names{relay = Relay, down = Down, mailbox = Mailbox} = S) ->
    receive
        {names, Ref, Pids} ->
            Relay ! {relay_report, {process_info, names_of(Pids, S), Ref}},
            names_loop(names_watch(Pids, S));
        sample ->
            Sampled = names_sample(S),
            erlang:send_after(Mailbox, self(), sample), % not before: however long the round took
            names_loop(Sampled);
        {untold, Lengths} -> names_loop(names_untold(Lengths, S));
        {'DOWN', Down, process, _, _} -> ok;
        _ -> names_loop(S)
    end.

%% One that is gone, or has nothing to tell, is left out.
names_of(_, #names{names = false}) -> [];
names_of(Pids, #names{keys = Keys}) ->
    [{P, Facts} || P <- Pids, is_pid(P), node(P) =:= node(), [_ | _] = Facts <- [names_facts(process_info(P, Keys))]].

names_facts(undefined) -> [];
names_facts(Items) -> lists:append([names_fact(Item) || Item <- names_initial(Items)]).

%% What proc_lib keeps says more than how the process began.
names_initial(Items) ->
    case lists:keyfind({dictionary, '$initial_call'}, 1, Items) of
        {_, {M, F, A}} when is_atom(M), is_atom(F), is_integer(A), A >= 0 -> lists:keydelete(initial_call, 1, Items);
        _ -> lists:keydelete({dictionary, '$initial_call'}, 1, Items)
    end.

names_fact({registered_name, Name}) when is_atom(Name) -> [{name, Name}];
names_fact({initial_call, Call}) -> [{initial_call, Call}];
names_fact({{dictionary, '$initial_call'}, Call}) -> [{initial_call, Call}];
names_fact({{dictionary, '$process_label'}, Label}) when Label =/= undefined ->
    [{label, Label} || erlang:external_size(Label) =< ?NAMES_LABEL];
names_fact(_) -> [].

%% ---- Mailboxes -----------------------------------------------------------------------------------------------------

names_watch(_, #names{mailbox = 0} = S) -> S;
names_watch(Pids, #names{watched = Watched} = S) ->
    Room = max(0, ?NAMES_PIDS - map_size(Watched)),
    New = lists:sublist([P || P <- Pids, is_pid(P), node(P) =:= node(), not is_map_key(P, Watched)], Room),
    S#names{watched = maps:merge(Watched, maps:from_list([{P, none} || P <- New]))}.

%% Told are those that have changed, and now and then all. The relay lets a report fall that would have to wait, and says so: what
%% stood in it changes with the next round. Those that are gone make room for others.
names_sample(#names{watched = Watched} = S) when map_size(Watched) =:= 0 -> S;
names_sample(#names{relay = Relay, watched = Watched, rounds = Rounds} = S) ->
    Now = erlang:monotonic_time(nanosecond),
    Lengths = maps:from_list([{P, N} || P <- maps:keys(Watched),
                                        {message_queue_len, N} <- [process_info(P, message_queue_len)]]),
    All = Rounds rem ?NAMES_AGAIN =:= 0,
    case [{P, N} || {P, N} <- maps:to_list(Lengths), All orelse map_get(P, Watched) =/= N] of
        [] -> ok;
        Told -> Relay ! {relay_sample, {mailboxes, Now, Told}}
    end,
    S#names{watched = Lengths, rounds = Rounds + 1}.

names_untold(Lengths, #names{watched = Watched} = S) ->
    S#names{watched = lists:foldl(fun({P, _}, W) when is_map_key(P, W) -> W#{P := none}; (_, W) -> W end, Watched, Lengths)}.
