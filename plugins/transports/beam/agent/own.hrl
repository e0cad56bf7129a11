%% own.hrl: what is beamtap's own in the node shows in nobody's trace: this run's processes, those of other runs, and what other
%% collectors have done here (`beamtap nodes`, `beamtap call`, the start of a second run).
%%
%% Only who traces every process, or those to come, can meet it. Processes that are there already are left out (excluded). A new
%% one has the flags from its first instruction, whoever spawns it:
%%
%%   the agent's own     take themselves off the traces of other runs, first of all (own_begin)
%%   rex's               what a collector calls runs in a process that rex spawns: this run traces nothing but spawns of rex, sees
%%                       which of them are a collector's, and leaves these out
%%   net_kernel's        likewise the processes that shake hands with a node that connects, and own the connection then
%%
%% The relay looks for all that among a frame's messages, by their tags alone while there is nothing to leave out.

-define(OWN_MOST, 200).

%% What a process of the agent begins with. Where nobody has loaded the module there are no sessions to leave.
own_begin() ->
    case erlang:function_exported(trace, session_info, 1) of
        true -> own_leave_sessions();
        false ->
            case tracer_of(self()) of
                [] -> ok;
                Tracer ->
                    is_relay(Tracer) andalso (try erlang:trace(self(), false, [all, tracer_flag(Tracer)]) catch error:_ -> ok end)
            end
    end,
    ok.

own_leave_sessions() ->
    Found = try trace:session_info(self()) catch error:_ -> [] end,
    [try trace:process(S, self(), false, [all]) catch error:_ -> ok end
     || is_list(Found), S <- Found, lists:prefix("beamtap_", session_name(S))].

session_name(Session) ->
    case element(1, Session) of
        Name when is_atom(Name) -> atom_to_list(Name);
        _ -> ""
    end.

%% Processes of all runs in this node, as their registries know them.
own_processes() ->
    lists:append([registry_told(Name, owned) || Name <- registry_names()]).

%% ---- Spawns of those that carry calls and connections --------------------------------------------------------------

%% pid => rex | dist, or none: this run cannot meet them.
own_carriers(#select{everyone = false, new = false}) -> none;
own_carriers(_) ->
    maps:from_list([{P, Kind} || {Name, Kind} <- [{rex, rex}, {net_kernel, dist}], P <- [whereis(Name)], is_pid(P)]).

own_watch(#run{carriers = none}) -> ok;
own_watch(#run{flags = []}) -> ok;
own_watch(#run{carriers = Carriers, session = Session, tracer = Tracer} = Run) ->
    native_carriers(Run),
    Flags = [procs | [monotonic_timestamp || Run#run.native =:= none]],
    each_process(fun(P) -> set_process(Session, Tracer, P, true, Flags) end, maps:keys(Carriers)),
    ok.

%% ---- The relay's part ----------------------------------------------------------------------------------------------

%% {Messages, N, R}: without what is beamtap's own.
own_pick(Messages, N, #relay{run = #run{carriers = none}} = R) -> {Messages, N, R};
own_pick(Messages, N, #relay{own = Own} = R) ->
    case map_size(Own) > 0 orelse own_has_procs(Messages) of
        false -> {Messages, N, R};
        true ->
            {Kept, R1} = lists:foldl(fun own_one/2, {[], R}, Messages),
            {lists:reverse(Kept), length(Kept), R1}
    end.

own_has_procs([Message | Rest]) ->
    case element(3, Message) of
        call -> own_has_procs(Rest);
        send -> own_has_procs(Rest);
        'receive' -> own_has_procs(Rest);
        return_from -> own_has_procs(Rest);
        in -> own_has_procs(Rest);
        out -> own_has_procs(Rest);
        Tag -> own_is_proc(Tag) orelse own_has_procs(Rest)
    end;
own_has_procs([]) -> false.

own_is_proc(Tag) ->
    lists:member(Tag, [spawn, spawned, exit, register, unregister, link, unlink, getting_linked, getting_unlinked]).

own_one(Message, {Kept, #relay{own = Own, run = #run{carriers = Carriers}} = R}) ->
    Pid = element(2, Message),
    case Carriers of
        #{Pid := Kind} ->
            {Kept, case element(3, Message) =:= spawn andalso own_is_spawned(Kind, element(5, Message)) of
                true -> own_learn(element(4, Message), R);
                false -> R
            end};
        _ when is_map_key(Pid, Own) -> {Kept, R};
        _ ->
            case element(3, Message) =:= spawned andalso own_is_agents(element(5, Message)) of
                true -> {Kept, own_learn(Pid, R)};
                false -> {[Message | Kept], R}
            end
    end.

%% It is left out by what it has sent so far, and traced no more.
own_learn(Pid, #relay{own = Own, run = #run{session = Session, relay = Relay}} = R) ->
    try set_process(Session, Relay, Pid, false, [all]) catch error:_ -> ok end,
    Few = if map_size(Own) < ?OWN_MOST -> Own; true -> maps:filter(fun(P, _) -> is_process_alive(P) end, Own) end,
    R#relay{own = if map_size(Few) < ?OWN_MOST -> Few#{Pid => true}; true -> #{Pid => true} end}.

%% rex spawns a fun that holds what is to be called.
own_is_spawned(rex, {erlang, apply, [Fun, []]}) when is_function(Fun) ->
    {env, Held} = erlang:fun_info(Fun, env),
    is_list(Held) andalso lists:any(fun own_is_asked/1, Held);
own_is_spawned(dist, {erlang, apply, [Fun, []]}) when is_function(Fun) ->
    {module, Module} = erlang:fun_info(Fun, module),
    own_is_dist(Module);
own_is_spawned(dist, {Module, _, _}) -> own_is_dist(Module);
own_is_spawned(_, _) -> false.

%% The agent's module, as module or first argument; or the questions for the clock (node_start.c).
own_is_asked(Name) when Name =:= monotonic_time; Name =:= time_offset -> true;
own_is_asked(Name) when is_atom(Name) -> lists:prefix("beamtap_agent_", atom_to_list(Name));
own_is_asked([Name | _]) when is_atom(Name) -> lists:prefix("beamtap_agent_", atom_to_list(Name));
own_is_asked(_) -> false.

own_is_dist(Module) -> lists:suffix("_dist", atom_to_list(Module)) orelse Module =:= dist_util.

%% What an agent spawned, its end too; and the timer of a handshake.
own_is_agents({erlang, apply, [Fun | _]}) when is_function(Fun) ->
    {module, Module} = erlang:fun_info(Fun, module),
    lists:prefix("beamtap_agent_", atom_to_list(Module));
own_is_agents({erl_eval, exprs, [_, [{'M', Module}]]}) when is_atom(Module) ->
    lists:prefix("beamtap_agent_", atom_to_list(Module));
own_is_agents({dist_util, _, _}) -> true;
own_is_agents(_) -> false.
