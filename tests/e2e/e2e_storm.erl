%% e2e_storm: work without an end. start(N): N pairs of processes that call nested functions and play a ball to each other.
-module(e2e_storm).
-export([start/1, player/0, work/1, inner/1]).

start(N) ->
    _ = [begin A = spawn(?MODULE, player, []), B = spawn(?MODULE, player, []), A ! {ball, B, 0} end || _ <- lists:seq(1, N)],
    ok.

player() ->
    receive {ball, From, N} ->
        _ = work(N rem 3),
        N rem 50 =:= 0 andalso (receive after 1 -> ok end), % the node has to answer besides
        From ! {ball, self(), N + 1}
    end,
    player().

work(0) -> inner([a, "text\n", <<"bin\"ary">>]) + 1;
work(N) -> 1 + work(N - 1).

inner(_) -> 1.
