%% call.hrl: one call under trace: the call itself, and nothing that surrounds it.
%%
%% The caller is a process of its own, linked to nobody. It turns its own flags on right before the call and off right after
%% it, so neither the message that starts it nor the one that carries the result is an event; what it spawns inherits the flags
%% (set_on_spawn). The run ends with the call: the result stands in the final report, behind every event.
%%
%% Killed at its timeout, and together with the run when that ends before the call does (take_away).

-define(RESULT_MAX, 16777216). % bytes of a result that is carried; of a larger one only the size

-record(call, {
    caller, timeout, linger,    % ms
    state = waiting,            % waiting | running | late: killed at its timeout | done
    result = none,              % {Kind, Binary}
    limit = none                % {Reason, Text}: tracing ended before the call did
}).

call_new(#{call := none}) -> none;
call_new(#{call := {M, F, Args, Timeout, Linger}}) ->
    %% Loaded now: a module that the call itself loads would be traced too late.
    _ = code:ensure_loaded(M),
    Self = self(),
    Caller = spawn_opt(fun() -> call_wait(Self, M, F, Args) end, [?OWN_HEAP]),
    monitor(process, Caller, [{tag, call_down}]),
    #call{caller = Caller, timeout = Timeout, linger = Linger}.

call_pid(none) -> none;
call_pid(#call{caller = Caller}) -> Caller.

%% Which processes: the caller's tree. Before OTP 27 somebody may trace whatever is spawned.
call_select(#call{caller = Caller}) ->
    case may_have_session() orelse tracer_of(Caller) of
        true -> ok;
        [] -> ok;
        Tracer -> throw({refused, busy, text("~ts traces every new process in this node, and so the call", [process_text(Tracer)])})
    end,
    {#select{call = true, trees = [Caller]}, [{<<"call">>, Caller}], []}.

%% The function itself is traced whatever it belongs to, unless filters say what is.
call_functions(#{call := {M, F, Args, _, _}}) -> [{atom_to_binary(M), atom_to_binary(F), length(Args), none, [named], <<>>}];
call_functions(_) -> [].

%% ---- The caller ----------------------------------------------------------------------------------------------------

call_wait(Guardian, M, F, Args) ->
    Down = monitor(process, Guardian),
    receive
        {call_go, Guardian, Session, Tracer, Flags, Shared} ->
            erlang:demonitor(Down, [flush]),
            %% The call itself runs under the node's default limit, as any other does.
            process_flag(max_heap_size, erlang:system_info(max_heap_size)),
            set_process(Session, Tracer, self(), true, [set_on_spawn | Flags]),
            Result = call_apply(M, F, Args),
            atomics:put(Shared, ?CALLED, 1),
            set_process(Session, Tracer, self(), false, [all]),
            own_heap(),
            Guardian ! {call_done, self(), call_pack(Result)};
        {'DOWN', Down, process, Guardian, _} -> ok
    end.

call_apply(M, F, Args) ->
    try apply(M, F, Args) of
        Value -> {returned, Value}
    catch
        Class:Reason:Stack -> {Class, {Reason, lists:takewhile(fun(Frame) -> element(1, Frame) =/= ?MODULE end, Stack)}}
    end.

%% Made into bytes here, in the process that has the term: the relay's heap is bounded.
call_pack({Kind, Term}) ->
    case erlang:external_size(Term) of
        Size when Size > ?RESULT_MAX -> {Kind, term_to_binary({'$beamtap_cut', Size})};
        _ -> {Kind, term_to_binary(Term)}
    end.

%% ---- The guardian's part -------------------------------------------------------------------------------------------

call_start(#guardian{call = none} = G) -> G;
call_start(#guardian{run = Run, call = #call{caller = Caller, timeout = Timeout} = Call} = G) ->
    #run{session = Session, tracer = Tracer, flags = Flags, shared = Shared} = Run,
    Caller ! {call_go, self(), Session, Tracer, Flags, Shared},
    Timeout > 0 andalso erlang:send_after(Timeout, self(), call_late),
    G#guardian{call = Call#call{state = running}}.

call_message({call_done, Caller, Result}, #guardian{call = #call{caller = Caller, state = running} = Call} = G) ->
    call_linger(G#guardian{call = Call#call{state = done, result = Result}});
call_message({call_down, _, process, Caller, Why}, #guardian{call = #call{caller = Caller, state = State} = Call} = G) ->
    case State of
        _ when State =:= waiting; State =:= running ->
            call_linger(G#guardian{call = Call#call{state = done, result = call_pack({died, Why})}});
        late -> call_over(G#guardian{call = Call#call{state = done, result = call_pack({timeout, []})}});
        _ -> guardian_loop(G)
    end;
call_message(call_late, #guardian{call = #call{caller = Caller, state = running} = Call} = G) ->
    exit(Caller, kill), % its end is an event, and is waited for
    guardian_loop(G#guardian{call = Call#call{state = late}});
call_message({call_linger, Until}, G) ->
    call_linger(G, Until);
call_message(_, G) ->
    guardian_loop(G).

%% What the call spawned may go on for a while; nothing is waited for where nothing is left.
call_linger(#guardian{call = #call{linger = Linger}} = G) ->
    call_linger(G, erlang:monotonic_time(millisecond) + Linger).

call_linger(#guardian{run = #run{session = Session, tracer = Tracer}} = G, Until) ->
    case erlang:monotonic_time(millisecond) < Until andalso
        lists:any(fun(P) -> is_member(Session, Tracer, P) end, processes()) of
        true ->
            erlang:send_after(20, self(), {call_linger, Until}),
            guardian_loop(G);
        false -> call_over(G)
    end.

call_over(#guardian{call = #call{limit = none}} = G) ->
    end_run(G, call, <<"the call is over">>);
call_over(#guardian{call = #call{limit = {Reason, Text}}} = G) ->
    end_run(G, Reason, Text).

%% Tracing ended by a limit of its own. A call that still runs is not ended with it.
call_limit(Reason, Text, #guardian{call = #call{state = State} = Call} = G) when State =:= running; State =:= late ->
    guardian_loop(G#guardian{call = Call#call{limit = {Reason, Text}}});
call_limit(Reason, Text, G) ->
    end_run(G, Reason, Text).

call_final(#guardian{call = none}, Final) -> Final;
call_final(#guardian{call = #call{result = none}}, Final) -> Final#{call => {stopped, term_to_binary([])}};
call_final(#guardian{call = #call{result = Result}}, Final) -> Final#{call => Result}.
