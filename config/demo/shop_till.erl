%% shop_till: takes payment. Asks the stock for every item, so one request causes several.
-module(shop_till).
-behaviour(gen_server).
-export([start_link/0, pay/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

pay(Cart) ->
    gen_server:call(?MODULE, {pay, Cart}).

init([]) ->
    {ok, 0}.

handle_call({pay, Cart}, _From, Taken) ->
    Got = [shop_stock:take(Article, N) || {Article, N} <- Cart],
    try shop_cart:total(Cart) of
        Sum -> {reply, {paid, Sum, Got}, Taken + Sum}
    catch
        error:{no_price, Article} -> {reply, {refused, Article}, Taken}
    end.

handle_cast(_, Taken) ->
    {noreply, Taken}.

handle_info(_, Taken) ->
    {noreply, Taken}.
