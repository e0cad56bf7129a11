%% Calls target/2 through known functions; target/2 says what the node itself calls its stack.
-module(e2e_stack).
-export([start/0, run/1, told/0, round/0, target/2, grows/1]).
-export(['odd (fn)/1 + 2'/2]).

%% `driver` makes one round of calls for each go.
start() ->
    Me = self(),
    spawn(fun() ->
        register(driver, self()),
        ets:new(told, [named_table, public, ordered_set]),
        Me ! up,
        loop()
    end),
    receive up -> ok end.

loop() ->
    receive
        {go, From, F} -> _ = F(), From ! gone
    end,
    loop().

run(F) ->
    driver ! {go, self(), F},
    receive gone -> ok end.

%% [{N, ["m:f/a" | ...], [Line | none]}], whoever called first.
told() -> ets:tab2list(told).

target(N, How) ->
    case erlang:process_info(self(), current_stacktrace) of
        {current_stacktrace, [{?MODULE, target, 2, _} | Frames]} ->
            ets:insert(told, {N, [lists:flatten(io_lib:format("~0tp:~0tp/~b", [M, F, A])) || {M, F, A, _} <- Frames],
                              [proplists:get_value(line, L, none) || {_, _, _, L} <- Frames]})
    end,
    case How of
        deep -> {deep(N - 1), ok};
        _ -> {ok, N}
    end.

deep(N) when N =< 0 -> 0;
deep(N) -> 1 + element(1, {deep(N - 1)}).

plain(N) -> {ok, target(N, plain)}.
%% The last call takes the place of its caller.
tail(N) -> target(N, tail).
'odd (fn)/1 + 2'(N, _) -> {target(N, "a \"b\" Return addr 0xff (x:y/1 + 2)\n"), odd}.
below(N, 0) -> {plain(N)};
below(N, K) -> {below(N, K - 1)}.

grows(N) ->
    put(large, lists:seq(1, 20000)),
    {plain(N)}.

round() ->
    [plain(1), {tail(2)}, 'odd (fn)/1 + 2'(3, x), below(4, 20), lists:map(fun(N) -> {plain(N)} end, [5, 6]),
     try {plain(7)} catch _:_ -> no end, target(8, deep)].
