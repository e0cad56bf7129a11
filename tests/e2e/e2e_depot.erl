%% e2e_depot: a node in trouble, for whoever has to find out why. Four faults are planted:
%%
%%   depot_report   makes a report now and then, slowly: nearly all of it goes into e2e_depot_text:pad/2
%%   depot_sensor   floods depot_store, which cannot keep up
%%   depot_label    a gen_server that crashes at each tenth order, and is restarted by its supervisor: the order has no weight
%%   depot_clerk    is whoever sends these orders
-module(e2e_depot).
-behaviour(supervisor).
-export([start/0, init/1, report/0, reports/0, sensor/1, store/1, clerk/1]).

start() ->
    {ok, Pid} = supervisor:start_link({local, depot_sup}, ?MODULE, []),
    unlink(Pid),
    ok.

init([]) ->
    Loop = fun(Name, F, Args) -> #{id => Name, start => {erlang, apply, [fun looped/3, [Name, F, Args]]}} end,
    {ok, {#{strategy => one_for_one, intensity => 1000, period => 1},
          [Loop(depot_store, store, [0]), Loop(depot_report, reports, []), Loop(depot_sensor, sensor, [0]), Loop(depot_clerk, clerk, [0]),
           #{id => depot_label, start => {e2e_depot_label, start_link, []}}]}}.

looped(Name, F, Args) ->
    Pid = proc_lib:spawn_link(?MODULE, F, Args),
    register(Name, Pid),
    {ok, Pid}.

%% ---- The slow one

reports() ->
    report(),
    timer:sleep(40),
    ?MODULE:reports().

report() ->
    Lines = [e2e_depot_text:line(Article, N) || {Article, N} <- [{apple, 3}, {bread, 12}, {tea, 7}]],
    length(lists:append(Lines)).

%% ---- The flood

sensor(N) ->
    depot_store ! {reading, N},
    case N rem 10 of
        0 -> timer:sleep(2);
        _ -> ok
    end,
    ?MODULE:sensor(N + 1).

store(N) ->
    receive
        {reading, _} -> ok
    end,
    case N rem 4 of
        0 -> timer:sleep(1);
        _ -> ok
    end,
    ?MODULE:store(N + 1).

%% ---- Orders, of which each tenth has no weight

clerk(N) ->
    Weight = case N rem 10 of
        9 -> undefined;
        _ -> 100 * (N rem 7 + 1)
    end,
    (catch e2e_depot_label:print({order, N, Weight})),
    timer:sleep(10),
    ?MODULE:clerk(N + 1).
