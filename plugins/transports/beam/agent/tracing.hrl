%% tracing.hrl: the VM's tracing interface, before OTP 27 and since.
%%
%% Since OTP 27 a run has a trace session of its own: nobody else sees its patterns and flags, and destroying it takes
%% all away. Before, everything is global: there beamtap recognises its own patterns by the mark in their bodies, or by the list of
%% those that have none (plain.hrl), and its own flags by their tracer, and touches nothing else.

-define(SESSION_NAMES, 64).
%% What a call's or a receive's match spec says beside it ({Tag, ...}, spec.hrl) is this element of the trace message, whatever comes
%% after it: the time, or with schedule events the scheduler and the time. Without anything said it is one of these, no tuple.
-define(SAID, 5).

%% Not where the end of the session could be the node's: there the interface that all tools share is used.
may_have_session() -> have_sessions() andalso session_blocked() =:= false.

%% The name of the session to come, or none. An atom is for ever: so names are few, and used again.
session_name() ->
    case may_have_session() of
        true -> session_name([element(1, S) || S <- trace:session_info(all)], 1);
        false -> none
    end.

session_name(Taken, N) ->
    Name = list_to_atom("beamtap_" ++ integer_to_list(N)),
    case N < ?SESSION_NAMES andalso lists:member(Name, Taken) of
        true -> session_name(Taken, N + 1);
        false -> Name
    end.

session_new(none, _) -> none;
session_new(Name, Tracer) -> trace:session_create(Name, Tracer, []).

%% Counters in the place of a spec, or a spec. Number of functions that it matched. Spec false: takes the pattern away.
set_function(Session, MFA, [{count, Kinds} | _]) -> counters_set(Session, MFA, true, Kinds);
set_function(none, MFA, Spec) -> erlang:trace_pattern(MFA, Spec, [local]);
set_function(Session, MFA, Spec) -> trace:function(Session, MFA, Spec, [local]).

set_message(none, Which, Spec) -> erlang:trace_pattern(Which, Spec, []);
set_message(Session, send, Spec) -> trace:send(Session, Spec, []);
set_message(Session, 'receive', Spec) -> trace:recv(Session, Spec, []).

%% Flags of one process. badarg: it is gone, or (before OTP 27) traced by someone else.
set_process(none, Tracer, Pid, How, Flags) -> erlang:trace(Pid, How, [tracer_flag(Tracer) | Flags]);
set_process(Session, _, Pid, How, Flags) -> trace:process(Session, Pid, How, Flags).

set_new(none, Tracer, How, Flags) -> erlang:trace(new_processes, How, [tracer_flag(Tracer) | Flags]);
set_new(Session, _, How, Flags) -> trace:process(Session, new, How, Flags).

tracer_flag({Module, State}) -> {tracer, Module, State};
tracer_flag(Pid) -> {tracer, Pid}.

%% Takes flags from every process that has them from this run, and from those to come.
%% The VM takes those of the ones to come whoever has them, whatever tracer is named: so they are looked at first.
clear_flags(none, Tracer, Flags) ->
    erlang:trace_info(new_processes, tracer) =:= {tracer, Tracer} andalso
        erlang:trace(new_processes, false, [tracer_flag(Tracer) | Flags]),
    erlang:trace(existing_processes, false, [tracer_flag(Tracer) | Flags]);
clear_flags(Session, _, Flags) -> trace:process(Session, all, false, Flags).

%% Is the process one of ours, by whatever flag is left?
is_member(none, Tracer, Pid) ->
    try erlang:trace_info(Pid, tracer) =:= {tracer, Tracer} catch error:_ -> false end;
is_member(Session, _, Pid) ->
    try trace:info(Session, Pid, flags) of
        {flags, [_ | _]} -> true;
        _ -> false
    catch error:_ -> false
    end.

function_spec(none, MFA) -> match_spec(erlang:trace_info(MFA, match_spec));
function_spec(Session, MFA) -> match_spec(trace:info(Session, MFA, match_spec)).

match_spec({match_spec, Spec}) -> Spec;
match_spec(_) -> undefined.

%% Whose pattern a match spec is: none | {ours, Run} | other.
owner(Spec) when Spec =:= false; Spec =:= undefined -> none;
owner([_ | _] = Spec) ->
    case [Run || {_, _, [{const, {beamtap, Run}} | _]} <- Spec] of
        [Run | _] -> {ours, Run};
        [] -> other
    end;
owner(_) -> other.

functions_of(Module) ->
    try erlang:get_module_info(Module, functions) catch error:_ -> [] end.

%% What a target stands for just now: [{M, F, A}].
target_functions(#target{module = M, functions = all}) -> [{M, F, A} || {F, A} <- functions_of(M)];
target_functions(#target{module = M, functions = Functions}) -> [{M, F, A} || {F, A} <- Functions].

targets_functions(Targets) -> lists:append([target_functions(T) || T <- Targets]).

%% ---- A run's flags: on, off and on again ---------------------------------------------------------------------------

event_flags(Events) ->
    lists:usort(lists:append([event_flag(Event) || Event <- Events])).

event_flag(function_call) -> [call];
event_flag(function_return) -> [call];
event_flag(function_exception) -> [call];
event_flag(function_counters) -> [call];
event_flag(message_send) -> [send];
event_flag(message_receive) -> ['receive'];
event_flag(schedule_in) -> [running, exiting, scheduler_id];
event_flag(schedule_out) -> [running, exiting, scheduler_id];
event_flag(gc_start) -> [garbage_collection];
event_flag(gc_end) -> [garbage_collection];
event_flag(_) -> [procs].

%% Turns the events of a run off. What marks its processes as members (the timestamp flag, set_on_spawn) stays, so that
%% children of a tree that are born meanwhile are members too and flags_resume finds them.
flags_pause(#run{flags = []}) -> ok;
flags_pause(#run{session = Session, tracer = Tracer, flags = Flags, select = Select}) ->
    Off = Flags -- [monotonic_timestamp],
    case Select of
        #select{everyone = false, new = false, trees = [], listed = Pids} ->
            each_process(fun(Pid) -> set_process(Session, Tracer, Pid, false, Off) end, Pids);
        _ ->
            clear_flags(Session, Tracer, Off)
    end,
    ok.

%% Turns them on again, or for the first time; the processes that would not: [{Pid, gone | taken}].
%% At first without the arguments of calls: whose they may be told is looked at then (heaps.hrl).
flags_on(#run{flags = []}, _) -> []; % counters of calls alone: they need none
flags_on(#run{select = #select{everyone = true, excluded = Excluded}} = Run, When) ->
    #run{session = Session, tracer = Tracer, flags = Flags} = Run,
    set_new(Session, Tracer, true, Flags),
    Pids = [Pid || Pid <- processes(), not is_map_key(Pid, Excluded)],
    All = flags_first(Run, When) ++ Flags,
    each_process(fun(Pid) -> set_process(Session, Tracer, Pid, true, All) end, Pids);
flags_on(#run{select = #select{call = true}}, first) ->
    []; % the caller does it, when it begins
flags_on(#run{select = #select{call = true, trees = [Caller]}} = Run, again) ->
    #run{session = Session, tracer = Tracer, flags = Flags, shared = Shared} = Run,
    Back = atomics:get(Shared, ?CALLED) =:= 1,
    each_process(fun(Pid) -> set_process(Session, Tracer, Pid, true, Flags) end,
                 [Pid || Pid <- processes(), not (Back andalso Pid =:= Caller), is_member(Session, Tracer, Pid)]);
flags_on(#run{session = Session, tracer = Tracer, flags = Flags, select = Select} = Run, When) ->
    #select{new = New, listed = Listed, trees = Trees} = Select,
    New andalso set_new(Session, Tracer, true, Flags),
    All = flags_first(Run, When) ++ Flags,
    Bad = each_process(fun(Pid) -> set_process(Session, Tracer, Pid, true, [set_on_spawn | All]) end, Trees) ++
        each_process(fun(Pid) -> set_process(Session, Tracer, Pid, true, All) end, Listed),
    When =:= again andalso (New orelse Trees =/= []) andalso
        each_process(fun(Pid) -> set_process(Session, Tracer, Pid, true, Flags) end,
                     [Pid || Pid <- processes(), is_member(Session, Tracer, Pid)]),
    Bad.

flags_first(Run, first) -> heaps_flags(Run);
flags_first(_, again) -> [].

each_process(Set, Pids) ->
    lists:foldl(
        fun(Pid, Bad) ->
            try Set(Pid), Bad
            catch error:_ ->
                case is_process_alive(Pid) of
                    true -> [{Pid, taken} | Bad];
                    false -> [{Pid, gone} | Bad]
                end
            end
        end, [], Pids).

%% ---- Taking everything away ----------------------------------------------------------------------------------------

%% Takes away what the run set, and only that; what it was, for the final report. Idempotent. No step hinders the next one:
%% whatever fails, the rest is taken away.
take_away(#run{caller = Caller} = Run) when is_pid(Caller) ->
    Restored = take_away(Run#run{caller = none}),
    exit(Caller, kill), % it has ended, unless the run ends before the call does
    Restored;
take_away(#run{namer = Namer} = Run) when is_pid(Namer) ->
    exit(Namer, kill),
    take_away(Run#run{namer = none});
take_away(#run{counters = Counters} = Run) when is_pid(Counters) ->
    exit(Counters, kill),
    take_away(Run#run{counters = none});
take_away(#run{session = none} = Run) ->
    #run{id = Id, tracer = Tracer, targets = Targets, messages = Messages, on = On} = Run,
    On andalso (catch clear_flags(none, Tracer, [all])),
    [{message, Which} || {Which, _} <- Messages, (catch clear_message(Which, Id)) =:= true] ++
        [{functions, N} || N <- [load_take_away(Run) + clear_targets(Targets, Id, 0)], N > 0] ++
        [flags || On];
take_away(#run{session = Session, targets = Targets, messages = Messages, on = On}) ->
    (catch trace:process(Session, all, false, [all])),
    (catch trace:function(Session, {'_', '_', '_'}, false, [local])),
    [catch trace:function(Session, {'_', '_', '_'}, false, Kinds) || #target{spec = [{count, Kinds} | _]} <- lists:sublist(Targets, 1)],
    [{message, Which} || {Which, _} <- Messages] ++ [{modules, length(Targets)} || Targets =/= []] ++
        [flags || On] ++ [session].

session_end(none) -> ok;
session_end(Session) -> (catch trace:session_destroy(Session)), ok.

clear_message(Which, Id) ->
    case owner(match_spec(erlang:trace_info(Which, match_spec))) of
        {ours, Id} -> erlang:trace_pattern(Which, true, []), true;
        _ -> false
    end.

%% How many functions.
clear_targets([], _, Count) -> Count;
clear_targets([Target | Rest], Id, Count) ->
    case catch clear_target(Target, Id) of
        N when is_integer(N) -> clear_targets(Rest, Id, Count + N);
        _ -> clear_targets(Rest, Id, Count)
    end.

clear_target(#target{spec = [{count, _} | _]} = Target, _) -> counters_clear(Target);
%% A whole module at once where nobody else has a pattern in it; else one function after another.
clear_target(#target{module = M, functions = Functions, spec = Own} = Target, Id) ->
    Specs = [{MFA, function_spec(none, MFA)} || MFA <- target_functions(Target)],
    {Ours, Others} = lists:partition(fun({_, Spec}) -> is_own_spec(Spec, Own, Id) end, Specs),
    case Functions =:= all andalso [Spec || {_, Spec} <- Others, owner(Spec) =/= none] of
        [] when Ours =/= [] -> erlang:trace_pattern({M, '_', '_'}, false, [local]);
        _ -> [catch erlang:trace_pattern(MFA, false, [local]) || {MFA, _} <- Ours]
    end,
    length(Ours).

%% One that was set without a spec still has none; any other bears the mark.
is_own_spec(Spec, true, _) -> Spec =:= [];
is_own_spec(Spec, _, Id) -> owner(Spec) =:= {ours, Id}.

%% Waits until every trace message so far is in the relay's mailbox.
wait_delivered(Session) ->
    try
        Ref = case Session of
            none -> erlang:trace_delivered(all);
            _ -> trace:delivered(Session, all)
        end,
        receive {trace_delivered, all, Ref} -> ok after 5000 -> ok end
    catch error:_ -> ok
    end.
