%% e2e_node: a live node that a test speaks with over its standard input and output.
%%
%% Each line that comes in is an Erlang expression (or several, with commas; no full stop); the answer is one line,
%% "= Value" as ~0p prints it or "! Class:Reason". It is independent of the distribution, so a test can ask the node what
%% really happened.
-module(e2e_node).
-export([main/0, residue/0, traced/0, traced/1, traced_in_session/1, function_traced/1]).

main() ->
    io:setopts(standard_io, [{encoding, utf8}]),
    {module, _} = code:ensure_loaded(e2e_work),
    io:format("ready ~s~n", [node()]),
    loop().

loop() ->
    case io:get_line("") of
        eof -> halt(0);
        Line ->
            Answer = try
                {ok, Tokens, _} = erl_scan:string(Line ++ "."),
                {ok, Exprs} = erl_parse:parse_exprs(Tokens),
                {value, Value, _} = erl_eval:exprs(Exprs, []),
                io_lib:format("= ~0p", [Value])
            catch
                C:R -> io_lib:format("! ~0p:~0p", [C, R])
            end,
            io:put_chars([Answer, $\n]),
            loop()
    end.

%% Is anyone traced now, or this one, by whatever tool? A session without flags does not trace yet. Until beamtap has seen how large
%% processes are, they are traced without the arguments of their calls: that is not all of it yet. (One by name is small here.)
traced() -> lists:any(fun(P) -> all_flags(P) =/= [] end, [new | processes()]) andalso not looks_at_heaps(heaps_begin).

traced(P) ->
    Flags = all_flags(P),
    Flags =/= [] andalso not (lists:member(arity, Flags) andalso (looks_at_heaps(heaps_begin) orelse looks_at_heaps(heaps_loop))).

all_flags(P) -> flags(P) ++ lists:append([session_flags(S, P) || S <- sessions()]).

looks_at_heaps(In) -> lists:any(fun(P) -> lists:keymember(In, 2, ours(P)) end, processes()).

%% The functions of beamtap's that it is in. (What it began with is a fun of whoever spawned it.)
ours(P) ->
    case process_info(P, current_stacktrace) of
        {_, Stack} -> [{M, F} || {M, F, _, _} <- Stack, lists:prefix("beamtap", atom_to_list(M))];
        undefined -> []
    end.

%% By a session of beamtap's: dbg may have one too.
traced_in_session(P) ->
    lists:any(fun(S) -> string:find(io_lib:format("~p", [S]), "beamtap") =/= nomatch andalso session_flags(S, P) =/= [] end,
              sessions()).

%% Does this function have a trace pattern, of whatever tool? The old call sees those outside of sessions alone.
function_traced(MFA) -> lists:any(fun(Info) -> Info =/= {traced, false} end,
                                  [erlang:trace_info(MFA, traced) | [apply(trace, info, [S, MFA, traced]) || S <- sessions()]]).

session_flags(Session, P) ->
    try apply(trace, info, [Session, P, flags]) of
        {flags, F} -> F;
        _ -> []
    catch _:_ -> []
    end.

flags(P) ->
    try erlang:trace_info(P, flags) of
        {flags, F} -> F;
        undefined -> []
    catch _:_ -> []
    end.

%% Everything that beamtap could have left: [] when the node is clean.
residue() ->
    lists:append([
        [{flags, P, F} || P <- processes(), (F = flags(P)) =/= []],
        [{flags, new, F} || {flags, F} <- [erlang:trace_info(new, flags)], F =/= []],
        [{on_load, T} || {traced, T} <- [erlang:trace_info(on_load, traced)], T =/= false],
        [{message, W, S} || W <- [send, 'receive'], {match_spec, S} <- [erlang:trace_info(W, match_spec)],
                            S =/= false, S =/= true, S =/= undefined],
        [{pattern, MFA, T} || {M, _} <- code:all_loaded(), {F, A} <- functions(M), MFA <- [{M, F, A}],
                              {traced, T} <- [erlang:trace_info(MFA, traced)], T =/= false, T =/= undefined],
        [{module, M} || M <- erlang:loaded(), erlang:module_loaded(M), lists:prefix("beamtap", atom_to_list(M))],
        [{old_module, M} || M <- erlang:loaded(), lists:prefix("beamtap", atom_to_list(M)), erlang:check_old_code(M)],
        [{process, P, F} || P <- processes(), [F | _] <- [ours(P)]],
        [{registered, R} || R <- registered(), lists:prefix("beamtap", atom_to_list(R))],
        [{session, S} || S <- sessions()]
    ]).

functions(M) ->
    try M:module_info(functions) catch _:_ -> [] end.

sessions() ->
    case code:ensure_loaded(trace) of
        {module, trace} ->
            try [S || S <- apply(trace, session_info, [all]), S =/= {default, undefined}, not is_default(S)]
            catch _:_ -> []
            end;
        _ -> []
    end.

is_default(S) ->
    string:find(io_lib:format("~p", [S]), "default") =/= nomatch.
