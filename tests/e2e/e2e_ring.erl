%% e2e_ring: a ring of processes over several nodes that pass one numbered token on.
%%
%% run(Nodes, Members, Messages): member I lives on a node of Nodes in turn. The token goes from 1 to Messages: every number
%% is sent once and received once. Everything is done when run returns.
-module(e2e_ring).
-export([run/3, member/1]).

run(Nodes, Members, Messages) ->
    Count = length(Nodes),
    Pids = [spawn(lists:nth(I rem Count + 1, Nodes), ?MODULE, member, [self()]) || I <- lists:seq(1, Members)],
    [Pid ! {next, Next, Messages} || {Pid, Next} <- lists:zip(Pids, tl(Pids) ++ [hd(Pids)])],
    [receive {ready, Pid} -> ok end || Pid <- Pids],
    hd(Pids) ! start,
    receive {done, Messages} -> ok end,
    [Pid ! stop || Pid <- Pids],
    ok.

member(Parent) ->
    receive
        {next, Next, Messages} ->
            Parent ! {ready, self()},
            loop(Parent, Next, Messages)
    end.

loop(Parent, Next, Messages) ->
    receive
        start -> Next ! {token, 1}, loop(Parent, Next, Messages);
        {token, Messages} -> Parent ! {done, Messages}, loop(Parent, Next, Messages);
        {token, N} -> Next ! {token, N + 1}, loop(Parent, Next, Messages);
        stop -> ok
    end.
