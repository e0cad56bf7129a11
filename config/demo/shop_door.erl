%% shop_door: lets a customer in every few milliseconds. Each is a process of its own that lives for one visit.
-module(shop_door).
-export([start_link/0, loop/1, visit/1]).

-define(EVERY, 10). % ms

start_link() ->
    Pid = spawn_link(?MODULE, loop, [0]),
    register(?MODULE, Pid),
    {ok, Pid}.

loop(N) ->
    spawn(?MODULE, visit, [N]),
    receive
        {thanks, _Customer, _Sum} -> ok
    after ?EVERY -> ok
    end,
    timer:sleep(?EVERY),
    ?MODULE:loop(N + 1).

visit(N) ->
    Articles = lists:nth(N rem 4 + 1, [[apple], [bread, tea], [apple, bread, tea], [tea, diamond]]),
    Cart = lists:foldl(fun(Article, Cart) -> shop_cart:add(Cart, {Article, N rem 3 + 1}) end,
                       shop_cart:new(), Articles),
    case shop_till:pay(Cart) of
        {paid, Sum, _} -> shop_door ! {thanks, self(), Sum};
        {refused, Article} -> exit({no_such_article, Article})
    end.
