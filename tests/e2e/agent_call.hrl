%% agent_call.hrl: one call as the whole run: what it gave, and its events, however it ends.

call_options(F, Args, Timeout, Linger) ->
    #{run => run_id(), events => all_events(), lease => 3000, max_queue => 100000, credit => 4 bsl 20,
      functions => [{<<"e2e_call">>, any, any, none, [named], <<>>}], call => {e2e_call, F, Args, Timeout, Linger}}.

%% {Kind, What, Events by tag, sorted}.
called(Node, F, Args) -> called(Node, call_options(F, Args, 20000, 0)).
called(Node, Options) ->
    {ok, C} = start(Node, Options),
    #{final := Final, events := Events} = final(C),
    #{call := {Kind, Bin}} = Final,
    #{call := {_, _, _, _, _}} = Options,
    {Kind, binary_to_term(Bin), count_tags(Events), {maps:get(reason, Final), Events}}.

count_tags(Events) ->
    lists:foldl(fun(E, Counts) -> maps:update_with(tag(E), fun(N) -> N + 1 end, 1, Counts) end, #{}, Events).

t_call_results() ->
    {Peer, Node} = target(),
    code_there(Peer),
    {returned, 3, C1, {call, [{_, P, call, {e2e_call, add, [1, 2]}, _}, {_, P, return_from, {e2e_call, add, 2}, 3, _}]}} =
        called(Node, add, [1, 2]),
    #{call := 1, return_from := 1} = C1,
    {throw, {{thrown, x}, [{e2e_call, throws, 1, _}]}, #{call := 1, exception_from := 1} = C2, _} = called(Node, throws, [x]),
    {exit, {{exited, x}, [{e2e_call, exits, 1, _}]}, C2, _} = called(Node, exits, [x]),
    {error, {{failed, x}, [{e2e_call, fails, 1, _}]}, C2, _} = called(Node, fails, [x]),
    {error, {undef, [{e2e_call, nothing, [1], _}]}, None, _} = called(Node, nothing, [1]),
    0 = map_size(None),
    {died, killed, C3, _} = called(Node, killed, []),
    {C3, C3} = {C3, killed_counts(Peer)},
    clean(Peer).

t_call_spawns() ->
    {Peer, Node} = target(),
    code_there(Peer),
    N = 1000,
    {returned, done, Counts, {call, Events}} = called(Node, spawns, [N]),
    Expected = #{call => 1 + 2 * (N + 1) + N, return_from => 1 + 2 * (N + 1) + N, spawn => N, spawned => N, exit => N,
                 'receive' => N},
    {Expected, Expected} = {Expected, Counts},
    {N, N} = {N, length(lists:usort([pid(E) || E <- Events])) - 1},
    clean(Peer).

%% Whoever is killed at the timeout was traced to its end; the node goes on.
t_call_timeout() ->
    {Peer, Node} = target(),
    code_there(Peer),
    [begin
         {timeout, [], Counts, {call, Events}} = called(Node, call_options(F, [], 200, 0)),
         {F, Counts, Counts} = {F, Counts, killed_counts(Peer)},
         [killed] = [Why || {_, _, exit, Why, _} <- Events]
     end || F <- [sleeps, spins]],
    clean(Peer).

%% The run ends before the call does: so does the caller.
t_call_stopped() ->
    {Peer, Node} = target(),
    code_there(Peer),
    {ok, C} = start(Node, call_options(sleeps, [], 0, 0)),
    Find = fun() -> [P || P <- ask(Peer, erlang, processes, []), Info <- [ask(Peer, erlang, process_info, [P, current_function])],
                          Info =:= {current_function, {e2e_call, sleeps, 0}}] end,
    wait_for(caller, fun() -> length(Find()) =:= 1 end),
    #{final := #{reason := stop, call := {stopped, _}}} = stop(C),
    wait_for(caller_gone, fun() -> Find() =:= [] end),
    clean(Peer).

%% What the call leaves behind is traced for as long as was asked for, and nothing is waited for beyond it.
t_call_linger() ->
    {Peer, Node} = target(),
    code_there(Peer),
    {returned, left, Short, _} = called(Node, call_options(leaves, [10000], 20000, 0)),
    1 = maps:get(spawn, Short),
    false = is_map_key(exit, Short),
    {returned, left, Long, _} = called(Node, call_options(leaves, [100], 20000, 20000)),
    Expected = #{call => 3, return_from => 3, spawn => 1, spawned => 1, exit => 1, 'receive' => 1}, % a sleep times out
    {Expected, Expected} = {Expected, Long},
    clean(Peer).

%% Of a server only the request and the reply; of everybody else nothing.
t_call_others() ->
    {Peer, Node} = target(),
    code_there(Peer),
    Server = ask(Peer, erlang, spawn, [e2e_call, serve, []]),
    Busy = ask(Peer, erlang, spawn, [?MODULE, calls, [loop]]),
    Busy ! {work, self(), 100},
    {returned, 42, Counts, {call, Events}} = called(Node, asks, [Server, 21]),
    receive {done, Busy} -> ok end,
    Expected = #{call => 1, return_from => 1, send => 1, 'receive' => 1},
    {Expected, Expected} = {Expected, Counts},
    [Caller] = lists:usort([pid(E) || E <- Events]),
    [{_, _, send, {Caller, 21}, Server, _}] = tagged(send, Events),
    [{_, _, 'receive', {reply, 42}, {'$beamtap_from', _, Server}, _}] = tagged('receive', Events),
    clean(Peer).

%% A limit ends the tracing and not the call.
t_call_limit() ->
    {Peer, Node} = target(),
    code_there(Peer),
    {returned, done, _, {max_events, Events}} =
        called(Node, (call_options(spawns, [20000], 20000, 0))#{max_events => 50}),
    true = length(Events) =< 50,
    {returned, {'$beamtap_cut', Size}, _, _} = called(Node, big, [20000000]),
    true = Size > 20000000,
    clean(Peer).

%% What is loaded is not asked for: a message to the code server would be an event of the call.
code_there(Peer) ->
    [{module, _} = ask(Peer, code, ensure_loaded, [M]) || M <- [e2e_call, erl_scan, erl_parse, erl_eval, erl_anno, orddict]],
    {ok, Tokens, _} = ask(Peer, erl_scan, string, ["F = fun F(0) -> 0; F(N) -> F(N - 1) end, F(2)."]),
    {ok, Exprs} = ask(Peer, erl_parse, parse_exprs, [Tokens]),
    {value, 0, _} = ask(Peer, erl_eval, exprs, [Exprs, []]).

%% OTP 25 reports the exception in the function that a signal ends, later releases do not.
killed_counts(Peer) ->
    case list_to_integer(ask(Peer, erlang, system_info, [otp_release])) of
        Release when Release < 27 -> #{call => 1, exception_from => 1, exit => 1};
        _ -> #{call => 1, exit => 1}
    end.
