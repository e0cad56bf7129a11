%% heaps.hrl: which processes are traced without the arguments of their calls, because these would hurt the node.
%%
%% A traced call's arguments are copied by the process that makes it, before anybody can look at them. A server that hands a large
%% state through hundreds of functions for each request stands still for seconds, and what it copies fills the node. So this
%% process looks before: the size of a heap costs little to ask for, and no argument is larger than the heap that it stands on
%% (or it is a binary, which is not copied). The flag `arity` is the VM's, of each process: whoever has it calls without
%% arguments, and everything else of it is traced as before.
%%
%% At the start everyone has the flag, and those lose it that turn out to be small. Later a bounded number is looked at each
%% tick. One whose argument was above max_term all the same gets the flag from the relay, at once, and from here a second chance
%% after a while. Where too many processes do so, all have it for a while.
%%
%% A process may be long in answering: so neither the relay nor a guardian asks.

-define(HEAPS_TICK, 250).       % ms
-define(HEAPS_SLICE, 2500).     % processes that are looked at in a tick
-define(HEAPS_WORDS, 32768).    % a heap is never called large below that
-define(HEAPS_ROWS, 200).       % processes that are told one by one
-define(HEAPS_NAMED, 5).        % and named in one line of the log
-define(HEAPS_TERMS, 64).       % processes with too large arguments at one time: more are all
-define(AGAIN_LEAST, 5000).     % ms until it is tried again, doubled each time
-define(AGAIN_MOST, 60000).

-record(heaps, {
    run, limit,         % words
    marks = #{},        % pid => #mark{}: who has the flag from here
    tries = #{},        % pid => how often its arguments were too large
    left = [],          % pids still to be looked at in this round
    all = none,         % none | {Since, Until}: all have the flag
    all_tries = 0,
    told = 0, longest = 0
}).
-record(mark, {since, until, why, size}). % ns of monotonic time; not before; heap | term; bytes

%% On a guardian, before anything is traced: it must not be traced itself.
heaps_start(#{arity_only := true}) -> none;
heaps_start(#{events := Events, max_term := Max}) ->
    case lists:member(call, event_flags(Events)) of
        true ->
            Guardian = self(),
            spawn_opt(fun() -> heaps_begin(Guardian, max(?HEAPS_WORDS, Max)) end, [?OWN_HEAP]);
        false -> none
    end.

%% Flags that everyone has until the first look.
heaps_flags(#run{heaps = none}) -> [];
heaps_flags(_) -> [arity].

%% Waits for the first look, but not for a process that does not answer.
heaps_first(#run{heaps = none}) -> ok;
heaps_first(#run{heaps = Heaps} = Run) ->
    Ref = monitor(process, Heaps),
    Heaps ! {heaps_first, self(), Ref, Run},
    receive
        {Ref, ok} -> ok;
        {'DOWN', Ref, process, _, _} -> ok
    after 2000 ->
        report(Run, {log, warning, <<"it takes more than 2 s to see how large processes are (one does not answer, or the node is busy): until "
                                     "that is known, their calls come with their arity alone">>})
    end,
    erlang:demonitor(Ref, [flush]).

%% The run is over, and tracing is off: what is open is told.
heaps_finish(#run{heaps = none}) -> ok;
heaps_finish(#run{heaps = Heaps}) ->
    Ref = monitor(process, Heaps),
    Heaps ! {heaps_finish, self(), Ref},
    receive
        {Ref, ok} -> erlang:demonitor(Ref, [flush]);
        {'DOWN', Ref, process, _, _} -> ok
    after 500 -> exit(Heaps, kill)
    end,
    ok.

heaps_begin(Guardian, Limit) ->
    own_begin(),
    Down = monitor(process, Guardian),
    receive
        {heaps_first, From, Ref, Run} ->
            S = heaps_look_first(#heaps{run = Run, limit = Limit}),
            From ! {Ref, ok},
            erlang:send_after(?HEAPS_TICK, self(), tick),
            heaps_loop(Down, S);
        {heaps_finish, From, Ref} -> From ! {Ref, ok};
        {'DOWN', Down, process, _, _} -> ok
    end.

heaps_loop(Down, S) ->
    receive
        tick ->
            S1 = heaps_tick(S),
            erlang:send_after(?HEAPS_TICK, self(), tick), % not before: however long the round took
            heaps_loop(Down, S1);
        {heaps_term, Pid, Size} -> heaps_loop(Down, heaps_term(Pid, Size, S));
        {heaps_follow, Pids, Select} -> heaps_loop(Down, heaps_follow(Pids, Select, S));
        {heaps_finish, From, Ref} ->
            heaps_end(S),
            From ! {Ref, ok};
        {'DOWN', Down, process, _, _} -> ok;
        _ -> heaps_loop(Down, S)
    end.

%% ---- Looking -------------------------------------------------------------------------------------------------------

%% More processes, which have the flag until they were looked at.
heaps_follow(Pids, Select, #heaps{run = Run, all = All} = S0) ->
    S = S0#heaps{run = Run#run{select = Select}},
    case All of
        none -> heaps_told(lists:foldl(fun heaps_look_small/2, {[], S}, Pids));
        _ -> S
    end.

heaps_look_first(#heaps{run = #run{select = Select}} = S) ->
    Pids = case Select of
        #select{everyone = true, excluded = Excluded} -> [P || P <- processes(), not is_map_key(P, Excluded)];
        #select{call = true} -> []; % what begins with the call is small
        #select{listed = Listed, trees = Trees} -> Listed ++ Trees
    end,
    heaps_told(lists:foldl(fun heaps_look_small/2, {[], S}, Pids)).

%% It has the flag, and loses it.
heaps_look_small(Pid, {New, #heaps{limit = Limit} = S}) ->
    case heap_words(Pid) of
        gone -> {New, S};
        Words when Words > Limit -> {[Pid | New], heaps_mark(Pid, heap, 8 * Words, S)};
        _ -> heaps_set(Pid, false, S), {New, S}
    end.

heap_words(Pid) ->
    case process_info(Pid, total_heap_size) of
        {total_heap_size, Words} -> Words;
        undefined -> gone
    end.

heaps_tick(#heaps{all = none, left = [], run = #run{select = Select}} = S) ->
    heaps_slice(heaps_again(S#heaps{left = heaps_candidates(Select)}));
heaps_tick(#heaps{all = none} = S) ->
    heaps_slice(heaps_again(S));
heaps_tick(S) ->
    heaps_all_tick(S).

heaps_candidates(#select{call = false, everyone = false, new = false, trees = [], listed = Listed}) -> Listed;
heaps_candidates(#select{excluded = Excluded}) -> [P || P <- processes(), not is_map_key(P, Excluded)].

heaps_slice(#heaps{left = Left} = S) ->
    {Some, Rest} = heaps_split(Left),
    heaps_told(lists:foldl(fun heaps_look_large/2, {[], S#heaps{left = Rest}}, Some)).

heaps_split(Left) ->
    try lists:split(?HEAPS_SLICE, Left) catch error:badarg -> {Left, []} end.

%% It calls with arguments. Membership is asked for last: it costs more.
heaps_look_large(Pid, {New, #heaps{marks = Marks}} = Acc) when is_map_key(Pid, Marks) -> {New, element(2, Acc)};
heaps_look_large(Pid, {New, #heaps{limit = Limit, run = #run{session = Session, relay = Relay, select = Select}} = S}) ->
    #select{trees = Trees} = Select,
    case heap_words(Pid) of
        Words when is_integer(Words), Words > Limit ->
            case is_member(Session, Relay, Pid) of
                true -> {[Pid | New], heaps_mark(Pid, heap, 8 * Words, S)};
                false -> {New, S}
            end;
        Words when is_integer(Words), Trees =/= [] ->
            is_member(Session, Relay, Pid) andalso heaps_set(Pid, false, S), % it may have it from its parent
            {New, S};
        _ -> {New, S}
    end.

%% Those that have shrunk well below what is large, or whose time is over.
heaps_again(#heaps{marks = Marks} = S) when map_size(Marks) =:= 0 -> S;
heaps_again(#heaps{marks = Marks, limit = Limit} = S) ->
    Now = erlang:monotonic_time(nanosecond),
    maps:fold(
        fun(_, #mark{until = Until}, Acc) when Until > Now -> Acc;
           (Pid, Mark, Acc) ->
               case heap_words(Pid) of
                   Words when Words =/= gone, 2 * Words > Limit -> Acc;
                   Words ->
                       Words =/= gone andalso heaps_set(Pid, false, Acc),
                       heaps_unmark(Pid, Mark, Now, Acc)
               end
        end, S, Marks).

%% ---- Marks ---------------------------------------------------------------------------------------------------------

heaps_set(Pid, How, #heaps{run = Run}) -> arity_set(Pid, How, Run).

%% Also on the relay. A guardian that takes tracing away says so first, then clears; whichever comes last, the flags are off.
arity_set(Pid, How, #run{session = Session, relay = Relay, shared = Shared}) ->
    try set_process(Session, Relay, Pid, How, [arity]) catch error:_ -> ok end,
    atomics:get(Shared, ?STOPPING) =:= 0 orelse
        (try set_process(Session, Relay, Pid, false, [all]) catch error:_ -> ok end),
    ok.

heaps_mark(Pid, Why, Size, #heaps{marks = Marks, told = Told, run = Run} = S) ->
    heaps_set(Pid, true, S),
    Now = erlang:monotonic_time(nanosecond),
    Told < ?HEAPS_ROWS andalso report(Run, {gap, Now, Now, ?REASON_TERM, heaps_why(Why, Size), Pid}),
    Mark = #mark{since = Now, until = Now, why = Why, size = Size},
    S#heaps{marks = Marks#{Pid => Mark}, told = Told + 1}.

heaps_unmark(Pid, #mark{since = Since, why = Why, size = Size}, Now, #heaps{marks = Marks, run = Run} = S) ->
    S#heaps.told =< ?HEAPS_ROWS andalso report(Run, {gap, Since, Now, ?REASON_TERM, heaps_why(Why, Size), Pid}),
    S#heaps{marks = maps:remove(Pid, Marks), longest = max(S#heaps.longest, Now - Since)}.

heaps_why(heap, Size) -> text("calls without arguments: the process holds ~ts", [size_text(Size)]);
heaps_why(term, Size) -> text("calls without arguments: one was above max_term (~ts)", [size_text(Size)]).

size_text(Bytes) when Bytes >= 10 bsl 20 -> text("~b MB", [Bytes bsr 20]);
size_text(Bytes) when Bytes >= 10 bsl 10 -> text("~b kB", [Bytes bsr 10]);
size_text(Bytes) -> text("~b bytes", [Bytes]).

heaps_told({[], S}) -> S;
heaps_told({New, #heaps{told = Told} = S}) when Told - length(New) > ?HEAPS_ROWS -> S;
heaps_told({New, #heaps{run = Run} = S}) ->
    report(Run, {log, warning, text("~ts and would copy it with each call's arguments: traced with the arity alone while so "
                                    "large (max_term sets what is large)", [heaps_names(lists:reverse(New), S)])}),
    S.

heaps_names(Pids, #heaps{marks = Marks}) ->
    Shown = [text("~ts (~ts)", [process_text(P), size_text((map_get(P, Marks))#mark.size)])
             || P <- lists:sublist(Pids, ?HEAPS_NAMED)],
    Listed = lists:join(", ", Shown),
    case length(Pids) - length(Shown) of
        0 when length(Pids) =:= 1 -> [Listed, " holds much"];
        0 -> [Listed, " hold much"];
        More -> [Listed, text(" and ~b more processes hold much", [More])]
    end.

%% ---- Arguments above max_term --------------------------------------------------------------------------------------

%% The relay has seen one, and set the flag.
heaps_term(_, _, #heaps{all = {_, _}} = S) -> S;
heaps_term(Pid, Size, #heaps{marks = Marks, tries = Tries} = S0) ->
    Times = maps:get(Pid, Tries, 0),
    S = S0#heaps{tries = case map_size(Tries) of
        N when N < 1000 -> Tries#{Pid => Times + 1};
        _ -> #{Pid => Times + 1}
    end},
    S1 = case Marks of
        #{Pid := _} -> S;
        _ -> heaps_mark(Pid, term, Size, S)
    end,
    #{Pid := Mark} = S1#heaps.marks,
    Until = erlang:monotonic_time(nanosecond) + 1000000 * again_after(Times),
    S2 = S1#heaps{marks = (S1#heaps.marks)#{Pid := Mark#mark{until = Until}}},
    heaps_many(S2).

%% ms until what was too large is tried again.
again_after(Times) -> min(?AGAIN_MOST, ?AGAIN_LEAST bsl min(Times, 10)).

heaps_many(#heaps{marks = Marks, all_tries = Times, run = Run} = S) ->
    case length([term || #mark{why = term} <- maps:values(Marks)]) of
        N when N > ?HEAPS_TERMS ->
            Now = erlang:monotonic_time(nanosecond),
            Select = Run#run.select,
            (Select#select.everyone orelse Select#select.new) andalso heaps_new(true, Run),
            report(Run, {gap, Now, Now, ?REASON_TERM, all_text()}),
            report(Run, {log, warning, text("more than ~b processes made calls with arguments above max_term: all calls come "
                                            "without their arguments for a while", [?HEAPS_TERMS])}),
            S#heaps{all = {Now, Now + 1000000 * again_after(Times + 1)}, all_tries = Times + 1,
                    left = heaps_candidates(Select)};
        _ -> S
    end.

all_text() -> <<"calls without arguments, in every process: too many were above max_term">>.

heaps_new(How, #run{session = Session, relay = Relay, shared = Shared}) ->
    try set_new(Session, Relay, How, [arity]) catch error:_ -> ok end,
    atomics:get(Shared, ?STOPPING) =:= 0 orelse (try clear_flags(Session, Relay, [all]) catch error:_ -> ok end).

%% First everyone gets the flag, a slice a tick; when the time is over, those that are small lose it.
heaps_all_tick(#heaps{all = {Since, Until}, left = [], run = Run} = S) ->
    Now = erlang:monotonic_time(nanosecond),
    case Now >= Until of
        false -> S;
        true ->
            #select{everyone = Everyone, new = New} = Run#run.select,
            (Everyone orelse New) andalso heaps_new(false, Run),
            report(Run, {gap, Since, Now, ?REASON_TERM, all_text()}),
            Left = [{small, P} || P <- heaps_candidates(Run#run.select)],
            heaps_all_tick(S#heaps{all = {Since, ended}, marks = #{}, left = Left, longest = max(S#heaps.longest, Now - Since)})
    end;
heaps_all_tick(#heaps{left = Left, all = {_, Until}, run = #run{session = Session, relay = Relay}} = S) ->
    {Some, Rest} = heaps_split(Left),
    S1 = lists:foldl(
        fun({small, P}, Acc) ->
                case is_member(Session, Relay, P) of
                    true -> heaps_told(heaps_look_small(P, {[], Acc}));
                    false -> Acc
                end;
           (P, Acc) -> is_member(Session, Relay, P) andalso heaps_set(P, true, Acc), Acc
        end, S#heaps{left = Rest}, Some),
    case Rest of
        [] when Until =:= ended -> S1#heaps{all = none};
        _ -> S1
    end.

%% ---- The end -------------------------------------------------------------------------------------------------------

heaps_end(#heaps{told = 0, all_tries = 0}) -> ok;
heaps_end(#heaps{run = Run, marks = Marks, all = All, told = Told} = S0) ->
    Now = erlang:monotonic_time(nanosecond),
    S = maps:fold(fun(Pid, Mark, Acc) -> heaps_unmark(Pid, Mark, Now, Acc) end, S0, Marks),
    Longest = case All of
        {Since, Until} when is_integer(Until) ->
            report(Run, {gap, Since, Now, ?REASON_TERM, all_text()}),
            max(S#heaps.longest, Now - Since);
        _ -> S#heaps.longest
    end,
    report(Run, {log, info, text("calls of ~b process~ts came without their arguments, for up to ~.1f s: they hold much, or an argument "
                                 "was above max_term", [Told, plural(Told), Longest / 1.0e9])}).

plural(1) -> "";
plural(_) -> "es".
