-module(shop_sup).
-behaviour(supervisor).
-export([start_link/0, init/1]).

start_link() ->
    {ok, Pid} = supervisor:start_link({local, ?MODULE}, ?MODULE, []),
    unlink(Pid),
    {ok, Pid}.

init([]) ->
    Child = fun(Module) -> #{id => Module, start => {Module, start_link, []}} end,
    {ok, {#{strategy => one_for_one, intensity => 100, period => 1},
          [Child(shop_stock), Child(shop_till), Child(shop_door)]}}.
