%% shop_stock: what is left of each article. A plain gen_server.
-module(shop_stock).
-behaviour(gen_server).
-export([start_link/0, take/2, restock/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

take(Article, N) ->
    gen_server:call(?MODULE, {take, Article, N}).

restock(Article, N) ->
    gen_server:cast(?MODULE, {restock, Article, N}).

init([]) ->
    {ok, #{apple => 40, bread => 20, tea => 10}}.

handle_call({take, Article, N}, _From, Stock) ->
    case maps:get(Article, Stock, 0) of
        Left when Left >= N -> {reply, {ok, N}, Stock#{Article => Left - N}};
        Left ->
            restock(Article, 25),
            {reply, {sold_out, Left}, Stock}
    end.

handle_cast({restock, Article, N}, Stock) ->
    {noreply, maps:update_with(Article, fun(Left) -> Left + N end, N, Stock)}.

handle_info(_, Stock) ->
    {noreply, Stock}.
