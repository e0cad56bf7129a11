%% shop_cart: a customer's basket, as plain functions: nested calls, recursion, and an exception for a bad article.
-module(shop_cart).
-export([new/0, add/2, total/1, price/1]).

new() ->
    [].

add(Cart, {_Article, N} = Item) when N > 0 ->
    [Item | Cart].

total([]) ->
    0;
total([{Article, N} | Rest]) ->
    N * price(Article) + total(Rest).

price(apple) -> 30;
price(bread) -> 250;
price(tea) -> 480;
price(Article) -> error({no_price, Article}).
