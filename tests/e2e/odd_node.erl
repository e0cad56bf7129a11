%% odd_node: what the nodes of test_odd_nodes.py run, in ways that people really run theirs.
%%
%% bare/0 is the whole of a node that has printed with ~s and ~w alone: the modules that print and parse terms were never
%% loaded in it. It is asked about from another node (there/2), with functions of the VM alone.
-module(odd_node).
-export([bare/0, work/0, loop/1, f/1, idle/0, crowd/1, fill_processes/1, idlers/0, ends/1, fill_atoms/1, big/1, there/1, starts/3]).

bare() ->
    work(),
    io:format("ready ~s ~w~n", [node(), 1]).

work() -> register(odd_driver, spawn(?MODULE, loop, [0])).

loop(N) ->
    f(N),
    receive stop -> ok after 5 -> ?MODULE:loop(N + 1) end.

f(X) -> {ok, X}.

idle() -> receive stop -> ok end.

crowd(N) ->
    _ = [spawn_opt(?MODULE, idle, [], [{min_heap_size, 12}]) || _ <- lists:seq(1, N)],
    N.

%% Until only so many are free.
fill_processes(Free) ->
    All = fill([]),
    {Some, _} = lists:split(Free, All),
    [ends(P) || P <- Some],
    length(All) - Free.

idlers() -> [P || P <- processes(), {_, {?MODULE, idle, 0}} <- [process_info(P, current_function)]].

ends(P) ->
    Ref = monitor(process, P),
    exit(P, kill),
    receive {'DOWN', Ref, process, P, _} -> ok end.

fill(All) ->
    try spawn(?MODULE, idle, []) of
        P -> fill([P | All])
    catch error:system_limit -> All
    end.

fill_atoms(Free) ->
    case erlang:system_info(atom_limit) - erlang:system_info(atom_count) of
        Left when Left > Free ->
            _ = list_to_atom("odd_filler_" ++ integer_to_list(Left)),
            fill_atoms(Free);
        Left -> Left
    end.

%% Needs that many words.
big(Words) -> length(lists:seq(1, Words div 2)).

%% What is left in another node; [] when there is nothing.
there(Node) ->
    Call = fun(M, F, A) -> rpc:call(Node, M, F, A) end,
    Processes = Call(erlang, processes, []),
    Sessions = case Call(erlang, function_exported, [erts_internal, trace_session_create, 3]) of
        true -> element(2, Call(erts_internal, trace_info, [any, any, session]));
        false -> []
    end,
    lists:append([
        [{module, M} || M <- Call(erlang, loaded, []), ours(M)],
        [{process, P, S} || P <- Processes, {_, S} <- [Call(erlang, process_info, [P, current_stacktrace])],
                            lists:any(fun(Frame) -> ours(element(1, Frame)) end, S)],
        [{registered, R} || R <- Call(erlang, registered, []), ours(R)],
        [{tracer, P, T} || P <- [new | Processes], {tracer, T} <- [Call(erlang, trace_info, [P, tracer])], T =/= []],
        [{pattern, F, T} || F <- [{?MODULE, f, 1}, {?MODULE, loop, 1}], {_, T} <- [Call(erlang, trace_info, [F, traced])],
                            T =/= false],
        [{message, W, S} || W <- [send, 'receive'], {_, S} <- [Call(erlang, trace_info, [W, match_spec])], S =/= true],
        [{session, S} || S <- Sessions, element(1, S) =/= legacy]
    ]).

ours(Atom) -> lists:prefix("beamtap_", atom_to_list(Atom)).

%% The agent alone, started with only Free processes to be had: what it answers, what is left when it was unloaded.
starts(Beam, Agent, Free) ->
    {ok, Bytes} = file:read_file(Beam),
    {module, Agent} = erlang:load_module(Agent, Bytes),
    Crowd = fill([]),
    {Some, _} = lists:split(Free, Crowd),
    [ends(P) || P <- Some],
    Answer = Agent:start(#{collector => self(), run => <<"0123456789abcdef">>, processes => [new],
                           functions => [{<<"odd_node">>, any, any, none, [named], <<>>}]}),
    ok = Agent:unload(),
    [exit(P, kill) || P <- Crowd],
    Answer.
