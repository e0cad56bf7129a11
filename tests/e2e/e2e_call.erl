%% e2e_call: functions to call under trace, each of whose events is known beforehand.
%%
%% No comprehension and no fun of this module: they would be functions of it too, and so events.
-module(e2e_call).
-export([kept/3, add/2, throws/1, exits/1, fails/1, killed/0, sleeps/0, spins/0, rounds/1, spawns/1, start/1, await/1, child/1, leaves/1,
         sleeper/1, asks/2, serve/0, echo/1, same/2, big/1]).

add(A, B) -> A + B.
throws(X) -> throw({thrown, X}).
exits(X) -> exit({exited, X}).
fails(X) -> error({failed, X}).
echo(X) -> X.
%% Is it what the process keeper has?
kept(Pid, Port, Ref) ->
    {dictionary, Kept} = process_info(whereis(keeper), dictionary),
    lists:member({keeps, {Pid, Port, Ref}}, Kept).
%% Is it what the bytes of another reader mean?
same(X, Encoded) -> X =:= binary_to_term(base64:decode(Encoded)).
big(N) -> binary:copy(<<"x">>, N).

killed() ->
    exit(self(), kill),
    receive never -> ok end.

%% Neither ends. The second one is busy, in code that is not traced.
sleeps() -> receive never -> ok end.
spins() ->
    {ok, Tokens, _} = erl_scan:string("F = fun F() -> F() end, F()."),
    {ok, Loop} = erl_parse:parse_exprs(Tokens),
    erl_eval:exprs(Loop, []).

%% 500 processes, and their ends, N times: never so many calls are open that beamtap would take a look at the stack.
rounds(0) -> done;
rounds(N) ->
    spawns(500),
    rounds(N - 1).

%% N processes, and their ends.
spawns(N) ->
    start(N),
    await(N).

start(0) -> ok;
start(N) ->
    spawn_monitor(?MODULE, child, [N]),
    start(N - 1).

await(0) -> done;
await(N) ->
    receive {'DOWN', _, process, _, normal} -> ok end,
    await(N - 1).

child(N) -> N.

%% Comes back before the process that it spawned calls anything.
leaves(Ms) -> spawn(?MODULE, sleeper, [Ms]), left.
sleeper(Ms) ->
    timer:sleep(Ms),
    child(Ms).

%% A server that is there already: its request and its reply are the caller's, its work is not.
asks(Server, X) ->
    Server ! {self(), X},
    receive {reply, Y} -> Y end.

serve() ->
    receive {From, X} -> From ! {reply, add(X, X)} end,
    serve().
