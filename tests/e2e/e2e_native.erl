%% e2e_native: loads for the native tracer: what a process does is numbered, so that its order can be told.
-module(e2e_native).
-export([wander/2, step/2, storm/2, hot/0, stop/0, killed/1, bare/1]).

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

stop() -> e2e_hot ! stop.

%% N processes that are killed in the middle of what they do.
killed(N) ->
    Pids = [spawn(fun() -> walk(I, 1, 100000000) end) || I <- lists:seq(1, N)],
    erlang:yield(),
    [exit(P, kill) || P <- Pids],
    ok.

%% A call with a term of so many bytes, and one after it.
bare(Term) -> {small, byte_size(term_to_binary(Term))}.
