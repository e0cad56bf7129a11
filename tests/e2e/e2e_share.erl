%% e2e_share: processes that do as they are told, dbg beside them, and terms of a size that nobody wants to copy.
-module(e2e_share).
-export([worker/1, calls/2, do/2, dbg_start/1, dbg_count/0, dbg_stop/0, mine/1, term/1, take/1, give/1, loop/2, peak/1]).

%% A registered process; calls(Name, N): in it, N calls, since OTP 27 of each function that anyone traces.
worker(Name) ->
    Parent = self(),
    spawn(fun() -> register(Name, self()), Parent ! up, work() end),
    receive up -> ok end.

work() ->
    receive {Fun, From, Ref} -> Fun(), From ! Ref, work() end.

do(Name, Fun) ->
    Ref = make_ref(),
    Name ! {Fun, self(), Ref},
    receive Ref -> ok end.

calls(Name, N) ->
    do(Name, fun() -> [call(Name, I, code:ensure_loaded(trace) =:= {module, trace}) || I <- lists:seq(1, N)] end).

%% Where patterns are everyone's, a process calls only what is traced for it.
call(_, I, true) -> e2e_work:target(1, I), e2e_work:outer(I), mine(I);
call(e2e_b, I, false) -> e2e_work:outer(I);
call(e2e_c, I, false) -> mine(I);
call(_, I, false) -> e2e_work:target(1, I).

mine(X) -> X.

%% The real dbg traces mine/1 in one process.
dbg_start(Name) ->
    C = counters:new(1, []),
    persistent_term:put(?MODULE, C),
    %% Before OTP 27 patterns are everyone's: its process shows it the calls of what others trace, too.
    {ok, _} = dbg:tracer(process, {fun({trace, _, call, {?MODULE, mine, [_]}}, S) -> counters:add(C, 1, 1), S;
                                      ({trace, _, call, _}, S) -> S end, []}),
    {ok, _} = dbg:p(whereis(Name), [c]),
    {ok, _} = dbg:tpl(?MODULE, mine, 1, []),
    ok.

dbg_count() -> counters:get(persistent_term:get(?MODULE), 1).

dbg_stop() ->
    dbg:ctpl(?MODULE, mine, 1),
    dbg:stop().

term(binary) -> binary:copy(<<"x">>, 64 bsl 20);
term(map) -> maps:from_list([{I, I} || I <- lists:seq(1, 1000000)]).

%% As an argument, as a value, and as the state of a loop.
take(_) -> ok.
give(Term) -> {Term}.
loop(_, 0) -> ok;
loop(State, N) -> loop(State, N - 1).

%% Memory of the node above what it was, at its highest while Fun runs: looked at each millisecond.
peak(Fun) ->
    [erlang:garbage_collect(P) || P <- processes()],
    Before = erlang:memory(total),
    Watch = spawn(fun() -> process_flag(priority, high), watch(Before) end),
    Fun(),
    Watch ! {stop, self()},
    receive {peak, Top} -> Top - Before end.

watch(Top) ->
    receive {stop, From} -> From ! {peak, max(Top, erlang:memory(total))}
    after 1 -> watch(max(Top, erlang:memory(total)))
    end.
