%% counters.hrl: a profile: no events, only what the VM counts by itself: calls, and by process time and memory.
%%
%% A function that is counted has no match spec but the VM's own counters (call_count; call_time and call_memory, for processes
%% that have the flag `call`), and nothing is sent. This process reads them, each interval and at the end, and
%% sends the relay what has come since the last reading, a row for each function and process, in the form of a trace message:
%%
%%     {trace_ts, Pid | all, counted, {M, F, A}, {Calls, Nanoseconds | none, Bytes | none}, Time}
%%
%% So rows are numbered, bounded and lost as events are. The sum of a function's rows is what erlang:trace_info says of it.
%%
%% The VM keeps a cell for each function and process, also of those that have ended. So they are set back, between a pause and
%% a restart that a gap tells of, when there are more than max_memory has room for; where that does not help the run ends.
%%
%% Before OTP 27 a function has one counter of each kind, for all tools, and it says nothing of who set it. A function that has one is left
%% out, and what is set here is taken away by the list of it.

-define(COUNT_TICK, 250).       % ms
-define(COUNT_FIRST, 1000).     % ms until it is looked how many cells a process takes
-define(COUNT_CELL, 400).       % bytes of max_memory for a cell
-define(COUNT_ROWS, 20000).     % of a reading: what is beyond is told by function alone
-define(COUNT_CHUNK, 200).      % rows that are sent at once
-define(COUNT_FINISH, 5000).    % ms that the last reading may take
-define(COUNT_WORD, erlang:system_info(wordsize)).

-record(counters, {
    run, kinds, most,
    interval, due,      % ms
    told = #{},         % {M,F,A} => #{Pid | all => {Calls, Us, Words}}: as last read
    cells = 0,
    each = 10,          % cells that a process takes
    last_pid            % number of a process that was spawned at the last reading
}).

%% ---- A guardian's part ---------------------------------------------------------------------------------------------

%% {Kinds of counters, Notes}.
counters_kinds(#{counters := []}) -> {[], []};
counters_kinds(#{counters := Wanted}) ->
    Memory = lists:member(memory, Wanted),
    Can = have_stacktraces(), % of the same release
    Kinds = [call_time || lists:member(time, Wanted) orelse (Memory andalso not Can)] ++ [call_memory || Memory, Can],
    {case Kinds of [] -> [call_count]; _ -> Kinds end,
     [{log, warning, <<"memory is not counted: the VM does so since OTP 26">>} || Memory, not Can]}.

%% Rows are of its own making: no rate is a reason to turn anything off. No call is told, so none needs a look at its arguments.
counters_options(#{counters := []} = Options) -> Options;
counters_options(Options) -> Options#{arity_only := true, max_rate := 0}.

%% call_count asks for no flag, and counts every process.
counters_flags([call_count], _) -> [];
counters_flags(_, Flags) -> Flags.

counters_start([], _) -> none;
counters_start(Kinds, #{interval := Interval, max_memory := Memory}) ->
    Guardian = self(),
    Most = max(10000, min(500000, case Memory of 0 -> 500000; _ -> Memory div ?COUNT_CELL end)),
    spawn_opt(fun() -> counters_begin(Guardian, #counters{kinds = Kinds, interval = Interval, most = Most}) end, [?OWN_HEAP]).

counters_go(#run{counters = none}) -> ok;
counters_go(#run{counters = Pid} = Run) ->
    monitor(process, Pid, [{tag, counters_down}]),
    Pid ! {counters_begin, Run},
    ok.

%% Again: modules that were loaded, whose counters began anew.
counters_targets(_, #run{counters = none}) -> ok;
counters_targets(Again, #run{counters = Pid, targets = Targets}) ->
    Pid ! {counters_targets, Targets, Again},
    ok.

%% The last reading, where there is somebody to hear of it: before anything is taken away, for then the counters are gone.
counters_finish(#run{counters = Pid} = Run, Reason) when is_pid(Pid), Reason =:= stop; is_pid(Pid), Reason =:= duration ->
    flags_pause(Run),
    Ref = monitor(process, Pid),
    Pid ! {counters_finish, self(), Ref},
    counters_wait(Run, Ref, erlang:monotonic_time(millisecond) + ?COUNT_FINISH);
counters_finish(_, _) -> ok.

%% Credit is granted meanwhile: the relay may hold what is read.
counters_wait(Run, Ref, Until) ->
    receive
        {Ref, ok} -> erlang:demonitor(Ref, [flush]), ok;
        {'DOWN', Ref, process, _, _} -> ok;
        {beamtap, credit, Total} when is_integer(Total) ->
            credit_grant(Run, Total),
            counters_wait(Run, Ref, Until)
    after max(0, Until - erlang:monotonic_time(millisecond)) ->
        report(Run, {log, warning, <<"the last reading of the counters took too long: what came since the one before is not told">>}),
        ok
    end.

%% ---- In the VM -----------------------------------------------------------------------------------------------------

counters_set(none, MFA, On, Kinds) -> erlang:trace_pattern(MFA, On, Kinds);
counters_set(Session, MFA, On, Kinds) -> trace:function(Session, MFA, On, Kinds).

%% false: it has no such counter; undefined: there is no such function.
counters_value(none, MFA, Kind) -> element(2, erlang:trace_info(MFA, Kind));
counters_value(Session, MFA, Kind) -> element(2, trace:info(Session, MFA, Kind)).

%% Before OTP 27: nobody counts it.
counters_free(MFA, Kinds) -> lists:all(fun(Kind) -> counters_value(none, MFA, Kind) =:= false end, Kinds).

%% How many functions had one.
counters_clear(#target{module = M, functions = Functions, spec = [{count, Kinds} | _]} = Target) ->
    Functions =:= all andalso erlang:trace_pattern({M, '_', '_'}, false, Kinds),
    [catch erlang:trace_pattern({M, F, A}, false, Kinds) || Functions =/= all, {F, A} <- Functions],
    length(target_functions(Target)).

%% Its module was loaded again.
counters_vanished(#target{module = M, spec = [{count, [Kind | _]} | _]} = Target, Session) ->
    case target_functions(Target) of
        [MFA | _] -> functions_of(M) =/= [] andalso counters_value(Session, MFA, Kind) =:= false;
        [] -> false
    end.

%% ---- The process ---------------------------------------------------------------------------------------------------

counters_begin(Guardian, C) ->
    own_begin(),
    Down = monitor(process, Guardian),
    receive
        {counters_begin, Run} ->
            Now = erlang:monotonic_time(millisecond),
            counters_next(C),
            erlang:send_after(?COUNT_FIRST, self(), first),
            counters_loop(Guardian, Down, C#counters{run = Run, due = Now + C#counters.interval, last_pid = counters_pid()});
        {'DOWN', Down, process, _, _} -> ok
    end.

counters_loop(Guardian, Down, #counters{run = Run} = C) ->
    receive
        tick ->
            C1 = counters_tick(Guardian, C),
            counters_next(C1), % not before: however long it took
            counters_loop(Guardian, Down, C1);
        first ->
            C1 = counters_first(C),
            %% Without readings nobody else sees those that wake up later.
            C1#counters.interval =:= 0 andalso erlang:send_after(10 * ?COUNT_FIRST, self(), first),
            counters_loop(Guardian, Down, C1);
        {counters_targets, Targets, Again} ->
            Told = maps:filter(fun({M, _, _}, _) -> not lists:member(M, Again) end, C#counters.told),
            counters_loop(Guardian, Down, C#counters{run = Run#run{targets = Targets}, told = Told});
        {counters_finish, From, Ref} ->
            counters_read(false, C),
            From ! {Ref, ok};
        {'DOWN', Down, process, _, _} -> ok;
        _ -> counters_loop(Guardian, Down, C)
    end.

counters_next(#counters{interval = Interval}) ->
    erlang:send_after(case Interval of 0 -> ?COUNT_TICK; _ -> min(?COUNT_TICK, Interval) end, self(), tick).

counters_tick(Guardian, #counters{interval = Interval, due = Due, most = Most} = C) ->
    Now = erlang:monotonic_time(millisecond),
    Much = counters_cells(C) > Most,
    if
        Much ->
            C1 = counters_read(true, C),
            C1#counters.cells > 4 * Most andalso
                (Guardian ! {counters_over, text("~b counters were in use, of so many functions in so many processes that max_memory has no "
                                                 "room for them: name fewer functions or processes, or count calls alone", [C1#counters.cells])}),
            C1#counters{cells = 0, due = Now + Interval};
        Interval > 0, Now >= Due ->
            C1 = counters_read(false, C),
            C1#counters{due = max(Due + Interval, erlang:monotonic_time(millisecond))};
        true -> C
    end.

%% Cells of the last reading, and of the processes that were spawned since, at the most.
counters_cells(#counters{kinds = [call_count]}) -> 0;
counters_cells(#counters{cells = Cells, each = Each, last_pid = Last}) -> Cells + Each * max(0, counters_pid() - Last).

%% Pids are given out in turn. Where no process can be spawned, none came that could be counted.
counters_pid() ->
    try spawn(fun() -> ok end) of
        Pid -> put(counters_pid, counters_pid(Pid)), get(counters_pid)
    catch error:system_limit ->
        case get(counters_pid) of undefined -> 0; Last -> Last end
    end.

counters_pid(Pid) ->
    Text = pid_to_list(Pid),
    {Number, [$. | Rest]} = counters_number(tl(counters_until($., Text)), 0),
    {Serial, _} = counters_number(Rest, 0),
    Serial bsl 15 + Number.

counters_until(C, [C | _] = Text) -> Text;
counters_until(C, [_ | Text]) -> counters_until(C, Text).

counters_number([C | Text], N) when C >= $0, C =< $9 -> counters_number(Text, 10 * N + C - $0);
counters_number(Text, N) -> {N, Text}.

%% How many cells a process takes.
counters_first(#counters{kinds = [call_count]} = C) -> C;
counters_first(#counters{run = #run{session = Session, targets = Targets}, kinds = [Kind | _]} = C) ->
    {Cells, Pids} = lists:foldl(
        fun(MFA, {N, P}) ->
            case counters_value(Session, MFA, Kind) of
                [_ | _] = Found -> {N + length(Found), lists:foldl(fun(Cell, Acc) -> Acc#{element(1, Cell) => true} end, P, Found)};
                _ -> {N, P}
            end
        end, {0, #{}}, targets_functions(Targets)),
    C#counters{cells = Cells, last_pid = counters_pid(), each = max(10, Cells div max(1, map_size(Pids)) + 1)}.

%% ---- Reading -------------------------------------------------------------------------------------------------------

%% Back: the counters begin anew; what is called meanwhile is not counted.
counters_read(Back, #counters{run = #run{targets = Targets} = Run, told = Told} = C) ->
    From = erlang:monotonic_time(nanosecond),
    Last = counters_pid(),
    {Rows, Now} = lists:foldl(fun(Target, Acc) -> counters_target(Back, Target, C, Acc) end, {[], Told}, Targets),
    To = erlang:monotonic_time(nanosecond),
    Back andalso report(Run, {gap, From, To, ?REASON_MEMORY, <<"the counters took more of the node's memory than max_memory: they began anew">>}),
    counters_send(counters_most(Rows), To, Run),
    C#counters{told = case Back of true -> #{}; false -> Now end, last_pid = Last,
               cells = maps:fold(fun(_, Cells, N) -> N + map_size(Cells) end, 0, Now)}.

counters_target(Back, #target{module = M, functions = Functions} = Target, #counters{run = #run{session = Session}, kinds = Kinds} = C, Acc) ->
    All = target_functions(Target),
    Which = case Functions of all -> [{M, '_', '_'}]; _ -> All end,
    [counters_set(Session, MFA, pause, Kinds) || Back, MFA <- Which],
    Read = lists:foldl(fun(MFA, A) -> counters_function(MFA, C, A) end, Acc, All),
    [counters_set(Session, MFA, restart, Kinds) || Back, MFA <- Which],
    Read.

counters_function(MFA, #counters{run = #run{session = Session}, kinds = Kinds}, {Rows, Told}) ->
    case counters_merged([counters_value(Session, MFA, Kind) || Kind <- Kinds], Kinds) of
        Cells when map_size(Cells) =:= 0 -> {Rows, Told};
        Cells ->
            Before = maps:get(MFA, Told, #{}),
            New = maps:fold(fun(Pid, Cell, Acc) -> counters_row(MFA, Pid, Cell, Before, Acc) end, Rows, Cells),
            {New, Told#{MFA => Cells}}
    end.

%% #{Pid | all => {Calls, Us | none, Words | none}}
counters_merged([Calls], [call_count]) when is_integer(Calls), Calls > 0 -> #{all => {Calls, none, none}};
counters_merged([[_ | _] = Time], [call_time]) -> maps:from_list([{P, {N, 1000000 * S + Us, none}} || {P, N, S, Us} <- Time]);
counters_merged([[_ | _] = Memory], [call_memory]) -> maps:from_list([{P, {N, none, W}} || {P, N, W} <- Memory]);
counters_merged([[_ | _] = Time, Memory], [call_time, call_memory]) ->
    Words = maps:from_list([{P, W} || is_list(Memory), {P, _, W} <- Memory]),
    maps:from_list([{P, {N, 1000000 * S + Us, maps:get(P, Words, 0)}} || {P, N, S, Us} <- Time]);
counters_merged(_, _) -> #{}.

counters_row(MFA, Pid, {N, Us, W} = Cell, Before, Rows) ->
    case Before of
        #{Pid := Cell} -> Rows;
        #{Pid := {N0, Us0, W0}} when N0 =< N -> [{MFA, Pid, N - N0, counters_less(Us, Us0), counters_less(W, W0)} | Rows];
        _ when N =:= 0, Us =:= 0 -> Rows; % the VM makes a cell before the first call has ended
        _ -> [{MFA, Pid, N, Us, W} | Rows]
    end.

counters_less(none, _) -> none;
counters_less(Now, Before) -> max(0, Now - Before).

%% The rows with the most time, or calls; what is beyond them by function alone.
counters_most(Rows) when length(Rows) =< ?COUNT_ROWS -> Rows;
counters_most(Rows) ->
    Sorted = lists:sort(fun(A, B) -> {element(4, A), element(3, A)} >= {element(4, B), element(3, B)} end, Rows),
    {Some, Rest} = lists:split(?COUNT_ROWS, Sorted),
    Others = lists:foldl(
        fun({MFA, _, N, Us, W}, Acc) ->
            {N0, Us0, W0} = maps:get(MFA, Acc, {0, 0, 0}),
            Acc#{MFA => {N0 + N, counters_more(Us0, Us), counters_more(W0, W)}}
        end, #{}, Rest),
    Some ++ [{MFA, all, N, Us, W} || {MFA, {N, Us, W}} <- maps:to_list(Others)].

counters_more(_, none) -> none;
counters_more(Before, More) -> Before + More.

%% No row is sent while others wait for the relay, or there for credit: what it holds is bounded, and would turn the counters off.
counters_send([], _, _) -> ok;
counters_send(Rows, Time, #run{relay = Relay} = Run) ->
    Rest = counters_chunk(Rows, Time, Relay, ?COUNT_CHUNK),
    counters_drained(Run),
    counters_send(Rest, Time, Run).

counters_chunk([{MFA, Pid, N, Us, W} | Rows], Time, Relay, Left) when Left > 0 ->
    Ns = case Us of none -> none; _ -> 1000 * Us end,
    Bytes = case W of none -> none; _ -> ?COUNT_WORD * W end,
    Relay ! {trace_ts, Pid, counted, MFA, {N, Ns, Bytes}, Time},
    counters_chunk(Rows, Time, Relay, Left - 1);
counters_chunk(Rows, _, _, _) -> Rows.

%% What was sent so far has been taken, and sent on.
counters_drained(#run{relay = Relay} = Run) ->
    Ref = monitor(process, Relay),
    Relay ! {counters_sent, self(), Ref},
    receive
        {Ref, ok} -> erlang:demonitor(Ref, [flush]), ok;
        {Ref, held} ->
            erlang:demonitor(Ref, [flush]),
            receive after 5 -> ok end,
            counters_drained(Run);
        {'DOWN', Ref, process, _, _} -> ok
    end.
