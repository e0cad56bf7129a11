%% e2e_large: a server with a large state, as a queue's process has, which it hands through hundreds of functions for each
%% request; and a ticker that tells for how long the node stood still.
-module(e2e_large).
-behaviour(gen_server).
-export([start/1, ask/1, grow/1, tick_begin/0, tick_end/0, init/1, handle_call/3, handle_cast/2, step/2, small/2, send/2, pass/1, messages/1]).

%% With so many messages in its state.
start(N) ->
    {ok, Pid} = gen_server:start({local, ?MODULE}, ?MODULE, N, []),
    Pid.

ask(N) -> [ok = gen_server:call(?MODULE, {put, I}, infinity) || I <- lists:seq(1, N)], ok.

grow(N) -> gen_server:call(?MODULE, {grow, N}, infinity).

init(N) -> {ok, messages(N)}.
messages(N) -> queue:from_list([{message, I, binary:copy(<<I:32>>, 25), [{header, I}, {key, <<"k">>}]} || I <- lists:seq(1, N)]).

%% Made without a call that is traced.
plain(N) -> queue:from_list(lists:zip(lists:seq(1, N), lists:duplicate(N, {header, <<"k">>}))).

handle_call({grow, N}, _, _) -> {reply, ok, plain(N)};
handle_call({put, M}, _, Queue) -> {reply, ok, step(100, queue:in(M, drop(Queue)))}.
handle_cast(_, Queue) -> {noreply, Queue}.

drop(Queue) -> case queue:is_empty(Queue) of true -> Queue; false -> queue:drop(Queue) end.

step(0, Queue) -> Queue;
step(N, Queue) -> {Front, Queue1} = {N, ?MODULE:step(N - 1, Queue)}, true = Front > 0, Queue1.

%% Calls and sends of a process that begins with them: N times with a term of so many numbers.
small(_, Term) -> length(Term).

send(N, Size) ->
    Parent = self(),
    Pid = spawn(fun() ->
        Term = lists:seq(1, Size),
        Echo = spawn(fun Echo() -> receive {_, stop} -> ok; _ -> Echo() end end),
        [begin Echo ! {I, Term}, small(I, Term) end || I <- lists:seq(1, N)],
        Echo ! {0, stop},
        Parent ! {self(), done}
    end),
    receive {Pid, done} -> ok end.

pass(X) -> X.

tick_begin() ->
    Parent = self(),
    spawn(fun() ->
        register(e2e_ticker, self()),
        process_flag(priority, high),
        Parent ! ticking,
        tick(erlang:monotonic_time(microsecond), 0, 0)
    end),
    receive ticking -> ok end.

%% {us that a tick of 5 ms came late at the most, the most bytes that the node had}.
tick_end() ->
    e2e_ticker ! {stop, self()},
    receive {e2e_ticker, Worst, Memory} -> {Worst, Memory} end.

tick(Last, Worst, Memory) ->
    receive
        {stop, From} -> From ! {e2e_ticker, Worst, Memory}
    after 5 ->
        Now = erlang:monotonic_time(microsecond),
        tick(Now, max(Worst, Now - Last - 5000), max(Memory, erlang:memory(total)))
    end.
