%% e2e_tool: another tool that traces in the same node: a tracer, its pattern and its victim, as dbg would set them.
%%
%% start() begins it; check() makes ten calls in the victim and is true when the tool has seen exactly them and their returns
%% since the last check; stop() takes away what it set. busy(N): N calls of e2e_work:target/2 by the process e2e_busy;
%% flood(Relay, N): the same while the relay stands still, so that its queue is known; big(N): one call with N bytes.
-module(e2e_tool).
-export([start/0, check/0, stop/0, busy/1, flood/2, big/1, tick/1]).

start() ->
    Parent = self(),
    spawn(fun() -> register(e2e_busy, self()), Parent ! {self(), up}, busy_loop() end),
    receive {_, up} -> ok end,
    Victim = spawn(fun victim/0),
    spawn(fun() ->
        register(e2e_tool, self()),
        erlang:trace_pattern({?MODULE, tick, 1}, [{'_', [], [{return_trace}]}], [local]),
        1 = erlang:trace(Victim, true, [call]),
        Parent ! {self(), up},
        tool(Victim, 0, 0)
    end),
    receive {_, up} -> ok end.

check() ->
    e2e_tool ! {check, self()},
    receive {e2e_tool, Result} -> Result after 10000 -> late end.

stop() ->
    Ref = monitor(process, e2e_tool),
    e2e_tool ! stop,
    receive {'DOWN', Ref, process, _, _} -> ok end.

busy(N) ->
    e2e_busy ! {busy, self(), N},
    receive {e2e_busy, done} -> ok end.

flood(Relay, N) ->
    erlang:suspend_process(Relay),
    ok = busy(N),
    Ref = erlang:trace_delivered(whereis(e2e_busy)),
    receive {trace_delivered, _, Ref} -> ok end,
    erlang:resume_process(Relay),
    ok.

big(N) ->
    e2e_busy ! {big, self(), binary:copy(<<"x">>, N)},
    receive {e2e_busy, done} -> ok end.

tick(X) -> X.

tool(Victim, Calls, Returns) ->
    receive
        {trace, Victim, call, {?MODULE, tick, [_]}} -> tool(Victim, Calls + 1, Returns);
        {trace, Victim, return_from, {?MODULE, tick, 1}, _} -> tool(Victim, Calls, Returns + 1);
        {check, From} ->
            Victim ! {ticks, self(), 10},
            receive {ticked, Victim} -> ok end,
            Ref = erlang:trace_delivered(Victim),
            receive {trace_delivered, Victim, Ref} -> ok end,
            {C, R} = tool_count(Victim, Calls, Returns),
            From ! {e2e_tool, {C, R} =:= {10, 10} orelse {C, R}},
            tool(Victim, 0, 0);
        stop ->
            erlang:trace_pattern({?MODULE, tick, 1}, false, [local]),
            erlang:trace(Victim, false, [all]),
            exit(Victim, kill)
    end.

tool_count(Victim, Calls, Returns) ->
    receive
        {trace, Victim, call, _} -> tool_count(Victim, Calls + 1, Returns);
        {trace, Victim, return_from, _, _} -> tool_count(Victim, Calls, Returns + 1)
    after 0 -> {Calls, Returns}
    end.

victim() ->
    receive {ticks, From, N} -> [?MODULE:tick(I) || I <- lists:seq(1, N)], From ! {ticked, self()}, victim() end.

busy_loop() ->
    receive
        {busy, From, N} -> [e2e_work:target(1, I) || I <- lists:seq(1, N)], From ! {e2e_busy, done}, busy_loop();
        {big, From, Binary} -> e2e_work:echo(Binary), From ! {e2e_busy, done}, busy_loop()
    end.
