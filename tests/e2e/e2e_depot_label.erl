%% e2e_depot_label: prints labels. An order without a weight ends it.
-module(e2e_depot_label).
-behaviour(gen_server).
-export([start_link/0, print/1, postage/1]).
-export([init/1, handle_call/3, handle_cast/2]).

start_link() ->
    gen_server:start_link({local, depot_label}, ?MODULE, [], []).

print(Order) ->
    gen_server:call(depot_label, {print, Order}).

init([]) ->
    {ok, 0}.

handle_call({print, {order, Id, Weight}}, _From, Printed) ->
    {reply, {label, Id, postage(Weight)}, Printed + 1}.

handle_cast(_, Printed) ->
    {noreply, Printed}.

postage(Grams) when is_integer(Grams), Grams < 500 ->
    95;
postage(Grams) when is_integer(Grams) ->
    160.
