%% e2e_native: loads for the native tracer: what a process does is numbered, so that its order can be told.
-module(e2e_native).
-export([wander/2, step/2, echo/1, storm/2, crowd/1, toggled/2, hot/0, stop/0, killed/1, bare/1]).

%% N processes, each M steps, which yield and so go from scheduler to scheduler.
wander(N, M) ->
    Refs = [element(2, spawn_monitor(fun() -> walk(I, 1, M) end)) || I <- lists:seq(1, N)],
    [receive {'DOWN', R, process, _, normal} -> ok end || R <- Refs],
    ok.

walk(_, J, M) when J > M -> ok;
walk(I, J, M) ->
    ?MODULE:step(I, J),
    J rem 7 =:= 0 andalso erlang:yield(),
    walk(I, J + 1, M).

step(I, J) -> {I, J}.
echo(X) -> X.

%% Calls as fast as they go; each process says how many it made.
storm(N, Ms) ->
    Parent = self(),
    Until = erlang:monotonic_time(millisecond) + Ms,
    Pids = [spawn(fun() -> Parent ! {self(), storm_on(Until, 0)} end) || _ <- lists:seq(1, N)],
    lists:sum([receive {P, Made} -> Made end || P <- Pids]).

storm_on(Until, Made) ->
    [?MODULE:step(Made, I) || I <- lists:seq(1, 100)],
    case erlang:monotonic_time(millisecond) < Until of
        true -> storm_on(Until, Made + 100);
        false -> Made + 100
    end.

%% A load that goes on: processes that call, send and come and go, until stop/0.
hot() ->
    Parent = self(),
    Pid = spawn(fun() -> register(e2e_hot, self()), Parent ! hot, hot_loop() end),
    receive hot -> Pid end.

hot_loop() ->
    receive stop -> ok
    after 0 ->
        Refs = [element(2, spawn_monitor(fun() -> walk(I, 1, 50), self() ! I, receive I -> ok end end)) || I <- lists:seq(1, 20)],
        [receive {'DOWN', R, process, _, _} -> ok end || R <- Refs],
        hot_loop()
    end.

stop() ->
    Ref = monitor(process, e2e_hot),
    e2e_hot ! stop,
    receive {'DOWN', Ref, process, _, normal} -> ok end.

%% N processes that are killed in the middle of what they do.
killed(N) ->
    Pids = [spawn(fun() -> walk(I, 1, 100000000) end) || I <- lists:seq(1, N)],
    erlang:yield(),
    [exit(P, kill) || P <- Pids],
    ok.

%% A call with a term of so many bytes, and one after it.
bare(Term) -> {small, byte_size(term_to_binary(Term))}.

%% N processes that live at once: each makes a call when all are there.
crowd(N) ->
    Pids = [spawn_link(fun() -> receive go -> step(I, 1) end, receive stop -> ok end end) || I <- lists:seq(1, N)],
    [P ! go || P <- Pids],
    [begin unlink(P), R = monitor(process, P), P ! stop, receive {'DOWN', R, process, _, normal} -> ok end end || P <- Pids],
    ok.

%% As wander, while schedulers go offline and come back: how often they did. They are waited for, so that it is four times at least.
toggled(N, M) ->
    All = erlang:system_info(schedulers),
    Dirty = erlang:system_info(dirty_cpu_schedulers),
    Times = counters:new(1, []),
    {Pid, Ref} = spawn_monitor(fun() ->
        Refs = [element(2, spawn_monitor(fun() -> walk_slowly(I, 1, M, Times) end)) || I <- lists:seq(1, N)],
        [receive {'DOWN', R, process, _, normal} -> ok end || R <- Refs]
    end),
    toggle(All, Dirty, Pid, Times),
    receive {'DOWN', Ref, process, Pid, normal} -> counters:get(Times, 1) end.

walk_slowly(_, J, M, _) when J > M -> ok;
walk_slowly(I, J, M, Times) ->
    case counters:get(Times, 1) < 4 * J div M of
        true -> erlang:yield(), walk_slowly(I, J, M, Times);
        false -> walk(I, J, J), walk_slowly(I, J + 1, M, Times)
    end.

toggle(All, Dirty, Pid, Times) ->
    case is_process_alive(Pid) of
        true ->
            erlang:system_flag(schedulers_online, 1),
            erlang:system_flag(dirty_cpu_schedulers_online, 1),
            erlang:system_flag(schedulers_online, All),
            erlang:system_flag(dirty_cpu_schedulers_online, Dirty),
            counters:add(Times, 1, 1),
            toggle(All, Dirty, Pid, Times);
        false -> ok
    end.
