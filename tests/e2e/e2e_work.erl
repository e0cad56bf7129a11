%% e2e_work: a workload whose every event is known beforehand.
%%
%% run(N, M, K): N processes; each makes M calls of target/2 (which returns), M of outer/1 (which calls inner/1: a call not
%% in tail position), one call of thrower/1 that ends by an exception, sends K messages to its partner and receives K, spawns one
%% child that exits at once, and exits. Everything is done when run returns. expected/3 says what a trace of it holds.
-module(e2e_work).
-export([run/3, expected/3, worker/4, child/1, echo/1]).
-export([target/2, outer/1, inner/1, thrower/1]).

run(N, M, K) ->
    Parent = self(),
    Workers = [spawn(?MODULE, worker, [Parent, I, M, K]) || I <- lists:seq(1, N)],
    Refs = [monitor(process, W) || W <- Workers],
    Ring = tl(Workers) ++ [hd(Workers)],
    [W ! {partner, P} || {W, P} <- lists:zip(Workers, Ring)],
    [receive {'DOWN', R, process, _, normal} -> ok end || R <- Refs],
    ok.

worker(_Parent, I, M, K) ->
    receive {partner, Partner} -> ok end,
    calls(I, M),
    try thrower({bad, I}) catch error:{bad, I} -> ok end,
    [Partner ! {ball, I, J} || J <- lists:seq(1, K)],
    [receive {ball, _, J} -> ok end || J <- lists:seq(1, K)],
    {_, Ref} = spawn_monitor(?MODULE, child, [I]), % not in two steps: it may be gone before the second
    receive {'DOWN', Ref, process, _, {done, I}} -> ok end.

calls(_, 0) -> ok;
calls(I, M) ->
    {I, M} = target(I, M),
    M = outer(M),
    calls(I, M - 1).

target(I, X) -> {I, X}.
outer(X) -> inner(X) + 0.
inner(X) -> X.
thrower(Why) -> error(Why).
child(I) -> exit({done, I}).

%% One call with any term as its argument; it comes back.
echo(Term) -> Term.

%% Counts by event, for a trace of the workers (pids filter: new) with the functions target, outer, inner, thrower.
%% Messages: `partner` and the 'DOWN' of its child are received by each worker beside the balls; DOWN is no send.
expected(N, M, K) ->
    #{function_call => N * (3 * M + 1), function_return => N * 3 * M, function_exception => N,
      message_send => N * K, message_receive => N * (K + 2),
      process_spawn => N, process_exit => 2 * N, process_start => 2 * N}.
