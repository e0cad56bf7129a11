%% demo: a small shop, as a node to look at. A supervisor, two gen_servers, customers that come and go, messages
%% between them, and now and then an exception. Started by `demo:start()`; all of it runs until the node stops.
%%
%%   shop_sup ── shop_stock    (gen_server: what is left of each article)
%%           ├── shop_till     (gen_server: takes payment, asks the stock)
%%           └── shop_door     (spawns a shop_customer every few ms)
-module(demo).
-export([start/0]).

start() ->
    {ok, _} = shop_sup:start_link(),
    ok.
