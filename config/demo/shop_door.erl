%% shop_door: lets a customer in every few milliseconds, and is thanked by those who paid.
-module(shop_door).
-export([start_link/0, loop/1]).

-define(EVERY, 10). % ms

start_link() ->
    Pid = spawn_link(?MODULE, loop, [0]),
    register(?MODULE, Pid),
    {ok, Pid}.

loop(N) ->
    spawn(shop_customer, visit, [N]),
    receive
        {thanks, _Customer, _Sum} -> ok
    after ?EVERY -> ok
    end,
    timer:sleep(?EVERY),
    ?MODULE:loop(N + 1).
