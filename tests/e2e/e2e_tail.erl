%% e2e_tail: functions whose calls pile up on the stack of a process that is traced with their returns, and some that do not.
-module(e2e_tail).
-export([main/1, recv/2, work/1, server/1, walk/1]).
-export([start/1, tail/1, even/1, odd/1, deep/1, short/1, thrower/1, throws/1, shorts/1, words/1, stop/1, wait/1]).

%% A registered process that does one thing after the other.
start(Name) ->
    Parent = self(),
    spawn(fun() -> register(Name, self()), Parent ! up, work() end),
    receive up -> ok end.

work() -> receive {do, Fun} -> Fun(), work() end.

%% Goes on by tail calls until it is told to stop; `short` returns in between. Ten thousand a second: who traces keeps up.
tail(N) when N rem 20 > 0 ->
    short(N),
    tail(N + 1);
tail(N) ->
    receive stop -> {ended, N} after 1 -> tail(N + 1) end.

%% As fast as it can.
even(N) -> receive stop -> {ended, N} after 0 -> odd(N + 1) end.
odd(N) -> even(N + 1).

short(N) -> N.

%% No tail call: each waits for the next.
deep(0) -> 0;
deep(N) -> 1 + deep(N - 1).

%% Never returns, and leaves nothing on the stack.
thrower(N) -> throw({thrown, N}).
throws(0) -> ok;
throws(N) -> catch thrower(N), throws(N - 1).

shorts(0) -> ok;
shorts(N) -> short(N), shorts(N - 1).

words(Name) -> element(2, process_info(whereis(Name), stack_size)).

stop(Name) -> Name ! stop.

%% Until it waits for the next thing to do.
wait(Name) ->
    case process_info(whereis(Name), [current_function, status]) of
        [{_, {?MODULE, work, 0}}, {_, waiting}] -> ok;
        _ -> timer:sleep(10), wait(Name)
    end.

%% A server whose loop is two functions that call each other last; it takes Turns messages and dies.
server(Turns) ->
    {Pid, Ref} = spawn_monitor(fun() -> main(0) end),
    [Pid ! N || N <- lists:seq(1, Turns)],
    Pid ! die,
    receive {'DOWN', Ref, process, Pid, Why} -> {Pid, Why} end.

main(N) -> recv(N, self()).

recv(N, _) ->
    receive
        die -> exit(stop);
        M -> work(M), main(N + 1)
    end.

work(M) -> {done, M}.

%% No loop, though each walk/1 below the first is called from the same place: lists:map/2, which is not traced.
walk(0) -> leaf;
walk(Depth) -> {Depth, lists:map(fun ?MODULE:walk/1, [Depth - 1, Depth - 1])}.
