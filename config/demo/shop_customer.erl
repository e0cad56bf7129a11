%% shop_customer: a process for one visit: fills a cart, pays, and ends; now and then for want of an article.
-module(shop_customer).
-export([visit/1]).

visit(N) ->
    Articles = lists:nth(N rem 4 + 1, [[apple], [bread, tea], [apple, bread, tea], [tea, diamond]]),
    Cart = lists:foldl(fun(Article, Cart) -> shop_cart:add(Cart, {Article, N rem 3 + 1}) end,
                       shop_cart:new(), Articles),
    case shop_till:pay(Cart) of
        {paid, Sum, _} -> shop_door ! {thanks, self(), Sum};
        {refused, Article} -> exit({no_such_article, Article})
    end.
