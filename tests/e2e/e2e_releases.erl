%% e2e_releases: a message of each kind of term, passed on over nodes of several releases.
%%
%% run(Nodes, Rounds): one process on each node; every process sends every other one Rounds messages, each with its own
%% number, by pid, by name and by alias in turn, and waits until it has had all of its own. Done when run returns.
-module(e2e_releases).
-export([run/2, member/3]).

run(Nodes, Rounds) ->
    Pids = [spawn(Node, ?MODULE, member, [self(), I, Rounds]) || {I, Node} <- lists:enumerate(Nodes)],
    Members = [receive {ready, Pid, Alias} -> {I, Pid, Alias} end || {I, Pid} <- lists:enumerate(Pids)],
    [Pid ! {go, Members} || Pid <- Pids],
    [receive {done, Pid} -> ok end || Pid <- Pids],
    [Pid ! stop || Pid <- Pids],
    length(Nodes) * (length(Nodes) - 1) * Rounds.

member(Parent, I, Rounds) ->
    register(e2e_member, self()),
    Parent ! {ready, self(), alias()},
    receive {go, Members} -> ok end,
    Others = [M || {J, _, _} = M <- Members, J =/= I],
    [send(N rem 3, To, message(I * 1000000 + J * 10000 + N)) || {J, _, _} = To <- Others, N <- lists:seq(1, Rounds)],
    [receive {e2e, _, _} -> ok end || _ <- Others, _ <- lists:seq(1, Rounds)],
    Parent ! {done, self()},
    receive stop -> ok end.

send(0, {_, Pid, _}, M) -> Pid ! M;
send(1, {_, Pid, _}, M) -> {e2e_member, node(Pid)} ! M;
send(2, {_, _, Alias}, M) -> Alias ! M.

%% What releases, and nodes, write in different bytes: atoms that are not ASCII, maps (small ones by the order of the node's
%% atoms, large ones by their hashes), ports, references, pids, funs.
message(N) ->
    {e2e, N, [list_to_atom([$g, 16#f6, 16#df, $e]), #{zeta => 1, alpha => #{beta => [N], aleph => "x"}, N => a},
              maps:from_list([{{k, I}, I} || I <- lists:seq(1, 40)]), make_ref(), self(), hd(erlang:ports()),
              fun lists:map/2, 1.5, 1 bsl 70, <<1:3>>, "text", lists:duplicate(300, 7)]}.
