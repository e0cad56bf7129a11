%% e2e_echo: two registered processes on two nodes that send a number to and fro; each asks a helper on its own node first.
-module(e2e_echo).
-export([start/0, play/2, loop/1, ask/1, help/0]).

start() ->
    register(?MODULE, spawn(?MODULE, loop, [none])),
    register(e2e_helper, spawn(?MODULE, help, [])).

%% N numbers go to the other node and come back: 2 N messages between the nodes, 2 N on the other one.
play(Node, N) ->
    ?MODULE ! {play, self(), Node, N},
    receive played -> ok end.

loop(Player) ->
    receive
        {play, From, Node, N} ->
            {?MODULE, Node} ! {ball, N},
            ?MODULE:loop({From, Node});
        {ball, N} ->
            {?MODULE, hd(nodes())} ! {back, ask(N)},
            ?MODULE:loop(Player);
        {back, 1} ->
            element(1, Player) ! played,
            ?MODULE:loop(none);
        {back, N} ->
            {?MODULE, element(2, Player)} ! {ball, N - 1},
            ?MODULE:loop(Player)
    end.

ask(N) ->
    e2e_helper ! {self(), N},
    receive {same, N} -> N end.

help() ->
    receive {From, N} -> From ! {same, N} end,
    help().
