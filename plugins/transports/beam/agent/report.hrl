%% report.hrl: what the agent tells about the node, the processes, and the traces it finds there.

node_up(#run{session = Session}) ->
    {node_up, #{release => list_to_binary(erlang:system_info(otp_release)),
                erts => list_to_binary(erlang:system_info(version)), name => node(),
                offset => erlang:time_offset(nanosecond), monotonic => erlang:monotonic_time(nanosecond),
                printable => printable(), session => Session =/= none}}.

printable() ->
    try io:printable_range() of
        Range -> Range
    catch error:_ -> latin1
    end.

%% ---- Processes and their names -------------------------------------------------------------------------------------

registered_names() ->
    maps:from_list([{N, P} || N <- registered(), P <- [whereis(N)], is_pid(P)]).

%% Reports of at most 500 processes each: those with a name. Nobody is asked for anything: a guardian must not wait for a
%% process that does not answer, and asking would wake it (names.hrl does that).
name_reports(Names) ->
    chunks([{P, [{name, N}]} || {N, P} <- lists:sublist(lists:keysort(2, maps:to_list(Names)), 20000)], 500).

chunks([], _) -> [];
chunks(List, N) when length(List) =< N -> [{process_info, List}];
chunks(List, N) ->
    {Some, Rest} = lists:split(N, List),
    [{process_info, Some} | chunks(Rest, N)].

%% At each tick: the names that are new.
guardian_names(#guardian{run = Run, names = Old} = G) ->
    Names = registered_names(),
    New = maps:filter(fun(N, P) -> maps:get(N, Old, none) =/= P end, Names),
    [report(Run, Report) || Report <- name_reports(New)],
    G#guardian{names = Names}.

%% ---- info/0 and clean/0 --------------------------------------------------------------------------------------------

%% The node as a tracer sees it. It walks over all processes and loaded functions: some 100 ms in a large node.
info() ->
    own_heap(),
    try needs(#{}), info_map() catch throw:{refused, Code, Text} -> {error, {Code, Text}} end.

info_map() ->
    Tracers = tracers(),
    Runs = [{Module, Run, Pid} || {Module, Found} <- registries(), {Run, Pid} <- Found],
    Base = #{release => list_to_binary(erlang:system_info(otp_release)),
             erts => list_to_binary(erlang:system_info(version)),
             visible => nodes(),
             hidden => [N || N <- nodes(hidden), not lists:prefix("beamtap_", atom_to_list(N))],
             tracers => [{T, process_text(T)} || T <- Tracers],
             tracer_texts => [process_text(T) || T <- Tracers, not is_relay(T)],
             sends => match_spec(erlang:trace_info(send, match_spec)) =/= true,
             receives => match_spec(erlang:trace_info('receive', match_spec)) =/= true,
             on_load => owner(function_spec(none, on_load)) =:= other,
             new => tracer_of(new_processes) =/= [],
             runs => [#{run => Run, guardian => Pid, module => Module} || {Module, Run, Pid} <- Runs],
             run_texts => lists:usort([Run || {_, Run, _} <- Runs]),
             sessions => [session_text(S) || S <- sessions()]},
    {Ours, Others} = lists:partition(fun({_, Owner}) -> Owner =/= other end, patterns()),
    maps:merge(module_stays(), Base#{patterns => length(Others), beamtap_patterns => length(Ours)}).

%% [{Module, [{Run, Guardian}]}] of every agent in the node, this one's version and others.
registries() ->
    [{Name, registry_runs(Name)} || Name <- registry_names()].

registry_names() -> [Name || Name <- registered(), lists:prefix("beamtap_agent_", atom_to_list(Name))].

registry_runs(Name) -> registry_told(Name, runs).

%% Nothing, too, of one that does not answer.
registry_told(Name, What) ->
    case registry_ask(Name, What) of
        silent -> [];
        Told -> Told
    end.

%% It may be loading a library, or waiting in a long queue: `silent` is not the answer of one that has no runs.
registry_ask(Name, What) ->
    Ref = monitor(process, Name),
    catch Name ! {What, self(), Ref},
    receive
        {Ref, Told} -> erlang:demonitor(Ref, [flush]), Told;
        {'DOWN', Ref, process, _, _} -> []
    after 1000 -> erlang:demonitor(Ref, [flush]), silent
    end.

%% Functions with a pattern in the interface that is shared: [{MFA, {ours, Run} | other}].
patterns() ->
    Plain = plain_functions(),
    [{{M, F, A}, Owner} || M <- erlang:loaded(), {F, A} <- functions_of(M),
                           Owner <- [pattern_owner({M, F, A}, Plain)], Owner =/= none].

pattern_owner(MFA, Plain) ->
    case erlang:trace_info(MFA, traced) of
        {traced, false} -> none;
        {traced, undefined} -> none;
        _ ->
            case function_spec(none, MFA) of
                [] when is_map_key(MFA, Plain) -> {ours, map_get(MFA, Plain)};
                Spec -> case owner(Spec) of none -> other; Owner -> Owner end
            end
    end.

%% By handles that keep nothing alive, {Name, Number}; without the one that stands for the shared interface.
sessions() ->
    case have_sessions() of
        true -> [S || S <- trace:session_info(all), element(1, S) =/= legacy];
        false -> []
    end.

session_text(Session) -> text("~0tP", [element(1, Session), 10]).

%% Takes away what dead runs left: patterns with beamtap's mark, relays and their flags, sessions, modules. A run whose
%% guardians live is only reported: its own lease ends it. Flags and patterns go before anything else is done.
clean() ->
    own_heap(),
    Names = registry_names(),
    Told = [registry_ask(Name, runs) || Name <- Names],
    try lists:member(silent, Told) of
        false -> clean_map(lists:usort([Run || Runs <- Told, {Run, _} <- Runs]));
        true ->
            {error, {failed, text("~0tp, which keeps the runs that live, did not answer in a second: nothing was taken away, for it may be "
                                  "theirs (try again)", [Names])}}
    catch Class:Why:Stack -> {error, {failed, text("not all could be looked at: ~0tP", [{Class, Why, Stack}, 30])}}
    end.

%% Living: the runs that live.
clean_map(Living) ->
    Relays = [P || Living =:= [], P <- processes(), is_relay(P)],
    [catch erlang:trace(processes, false, [all, tracer_flag(T)])
     || T <- Relays ++ [T || Living =:= [], {_, _} = T <- tracers(), is_relay(T)]],
    Dead = fun({ours, Run}) -> not lists:member(Run, Living); (_) -> false end,
    OnLoad = Dead(owner(function_spec(none, on_load))),
    OnLoad andalso (catch erlang:trace_pattern(on_load, false, [local])), % before the patterns that it has made
    Functions = [MFA || {MFA, Owner} <- patterns(), Dead(Owner)],
    [catch erlang:trace_pattern(MFA, false, [local]) || MFA <- Functions],
    Messages = [W || W <- [send, 'receive'], Dead(owner(match_spec(erlang:trace_info(W, match_spec))))],
    [catch erlang:trace_pattern(W, true, []) || W <- Messages],
    [exit(P, kill) || P <- Relays],
    Kept = [registry_ask(Name, sessions) || Name <- registry_names()],
    Sessions = [S || S <- sessions(), lists:prefix("beamtap_", atom_to_list(element(1, S))),
                     not lists:member(silent, Kept), not lists:member(element(1, S), lists:append(Kept)), session_blocked() =:= false, destroy(S)],
    Modules = [M || M <- erlang:loaded(), M =/= ?MODULE, lists:prefix("beamtap_agent_", atom_to_list(M)),
                    whereis(M) =:= undefined],
    Gone = [M || M <- Modules, purge_now(M)] ++ native_clean(),
    (module_stays())#{living => Living, functions => Functions,
      function_texts => [text("~0tp:~0tp/~b", [M, F, A]) || {M, F, A} <- Functions],
      on_load => [<<"modules to come">> || OnLoad], messages => Messages, relays => length(Relays),
      sessions => [session_text(S) || S <- Sessions], modules => Gone}.

%% Any agent's process but a registry or the caller: with no run alive it is an orphan.
is_relay(P) when is_pid(P) ->
    P =/= self() andalso
        case process_info(P, current_stacktrace) of
            {current_stacktrace, Stack} ->
                lists:any(fun({M, F, _, _}) -> lists:prefix("beamtap_agent_", atom_to_list(M)) andalso
                              lists:prefix("relay_", atom_to_list(F)) end, Stack);
            undefined -> false
        end;
is_relay({Module, _}) -> is_native(Module);
is_relay(_) -> false. % a port

destroy(Session) ->
    try trace:session_destroy(Session) catch error:_ -> false end.
