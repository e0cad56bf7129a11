%% Calls the functions of e2e_counted so and so often, and tells what the VM itself says of their counters.
-module(e2e_profile).
-export([start/1, work/2, storm/2, said/1, left/0, waits/0, agents/1]).

%% Workers of these names that wait for work, in the place of those that there were.
start(Names) ->
    [begin
         Old = whereis(Name),
         is_pid(Old) andalso exit(Old, kill),
         wait_gone(Name),
         P = spawn(fun worker/0),
         true = register(Name, P)
     end || Name <- Names],
    ok.

wait_gone(Name) ->
    case whereis(Name) of
        undefined -> ok;
        _ -> erlang:yield(), wait_gone(Name)
    end.

worker() ->
    receive
        {work, From, N} ->
            calls(N),
            From ! {done, self()},
            worker()
    end.

%% N calls of one/1, 2N of two/2, 2N of three/1 and N of builds/1, when they are done.
work(Name, N) ->
    Name ! {work, self(), N},
    P = whereis(Name),
    receive {done, P} -> ok end.

%% The same of so many processes that end, each with N calls; at most a hundred at once.
storm(Processes, N) -> storm(Processes, N, 0).

storm(0, _, 0) -> ok;
storm(Left, N, Now) when Left > 0, Now < 100 ->
    Me = self(),
    spawn(fun() -> calls(N), Me ! stormed end),
    storm(Left - 1, N, Now + 1);
storm(Left, N, Now) -> receive stormed -> storm(Left, N, Now - 1) end.

calls(0) -> ok;
calls(N) ->
    _ = {e2e_counted:one(N), e2e_counted:builds(N rem 10)},
    calls(N - 1).

%% [{F, A, Value}] of call_count, call_time or call_memory, by the session that is there or the interface of old.
said(Kind) -> [{F, A, value({e2e_counted, F, A}, Kind)} || {F, A} <- functions()].

functions() -> [{one, 1}, {two, 2}, {three, 1}, {builds, 1}, {never, 0}].

value(MFA, Kind) ->
    case [V || S <- sessions(), {_, V} <- [catch apply(trace, info, [S, MFA, Kind])], V =/= false] of
        [V | _] -> V;
        [] -> old(MFA, Kind)
    end.

old(MFA, Kind) ->
    try element(2, erlang:trace_info(MFA, Kind)) catch error:badarg -> false end.

sessions() ->
    case erlang:function_exported(erts_internal, trace_session_create, 3) of
        true -> [S || S <- apply(trace, session_info, [all]), element(1, S) =/= legacy];
        false -> []
    end.

%% Counters that are there.
left() -> [{F, A, K} || {F, A} <- e2e_counted:module_info(functions), K <- [call_count, call_time, call_memory],
                        old({e2e_counted, F, A}, K) =/= false].

%% Processes of the agent, by a function in their stack.
agents(Prefix) ->
    [P || P <- processes(), {_, S} <- [process_info(P, current_stacktrace)],
          lists:any(fun({M, F, _, _}) ->
                            lists:prefix("beamtap_agent_", atom_to_list(M)) andalso lists:prefix(Prefix, atom_to_list(F))
                    end, S)].

%% Is the reader of the counters at work?
waits() -> agents("counters_loop") =/= [].
