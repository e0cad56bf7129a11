%% e2e_pictures: what is hard to draw. run(Case) does it in a process of its own and gives that one's pid when it is over.
-module(e2e_pictures).
-export([run/1, deep/0, deep_pair/0, tail/0, fifty/0, rethrow/0, told_to_exit/0, dies/0, reloaded/0, timeouts/0]).
-export([down/1, even/1, odd/1, ping/1, pong/1, up/1, over/1, outer/1, middle/1, inner/1, waits/1, broken/1, sleeps/1,
         level_of_death/1]).

run(Case) ->
    {Pid, Ref} = spawn_monitor(?MODULE, Case, []),
    Case =:= told_to_exit andalso begin
        wait_until(fun() -> process_info(Pid, message_queue_len) =:= {message_queue_len, 0} andalso
                            process_info(Pid, status) =:= {status, waiting} end),
        exit(Pid, told)
    end,
    Case =:= reloaded andalso begin
        register(pictures, self()),
        receive {reload, Pid} -> {module, e2e_reload} = code:load_file(e2e_reload) end,
        wait_until(fun() -> e2e_node:function_traced({e2e_reload, version, 0}) end), % it is heard of
        Pid ! reloaded,
        unregister(pictures)
    end,
    receive {'DOWN', Ref, process, Pid, _} -> Pid end.

wait_until(Holds) ->
    Holds() orelse begin receive after 1 -> ok end, wait_until(Holds) end.

deep() -> down(100000).
down(0) -> 0;
down(N) -> 1 + down(N - 1).

deep_pair() -> even(100000).
even(0) -> 0;
even(N) -> 1 + odd(N - 1).
odd(N) -> 1 + even(N - 1).

tail() -> ping(1000).
ping(0) -> done;
ping(N) -> pong(N - 1).
pong(0) -> done;
pong(N) -> ping(N - 1).

fifty() -> caught = try up(49) catch throw:high -> caught end.
%% Where nothing could ever return the compiler makes these tail calls, and there would be no frames.
up(0) -> throw(high);
up(-1) -> 0;
up(N) -> 1 + over(N - 1).
over(0) -> throw(high);
over(-1) -> 0;
over(N) -> 1 + up(N - 1).

rethrow() -> {caught, {again, first}} = outer(first).
outer(X) -> try 1 + middle(X) catch error:Why -> {caught, Why} end.
middle(X) -> try 1 + inner(X) catch error:Why -> error({again, Why}) end.
inner(Why) -> error(Why).

told_to_exit() -> 1 + waits(a_while).
waits(_) -> receive never -> 0 end.

dies() -> 1 + level_of_death(1).
level_of_death(X) -> 1 + broken(X).
broken(X) -> X / zero().
zero() -> 0.

timeouts() -> sleeps(10), sleeps(20).
sleeps(Ms) -> receive never -> true after Ms -> slept end.

%% e2e_reload is loaded twice; while its first version is in a call, the second one comes.
reloaded() -> {1, 2} = e2e_reload:hold(fun reload/0).
reload() ->
    pictures ! {reload, self()},
    receive reloaded -> e2e_reload:version() end.
