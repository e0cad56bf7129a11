#!/usr/bin/env escript
%% build.escript: beamtap_agent.beam from its sources. Run it with OTP 25: that beam loads in every later release, and one
%% from a newer release does not load in an older one.
%%
%%   escript build.escript           writes beamtap_agent.beam beside itself and prints the module's name
%%   escript build.escript FILE      writes FILE instead (a test compares the two)
%%
%% The module's name carries the first 8 hex digits of the sources' SHA-256; the same sources give the same bytes.
main(Arguments) ->
    Here = filename:dirname(filename:absname(escript:script_name())),
    Sources = ["beamtap_agent.erl", "text.hrl", "needs.hrl", "tracing.hrl", "spec.hrl", "stack.hrl", "counters.hrl", "otp_modules.hrl", "otp.hrl",
               "plan.hrl", "load.hrl", "follow.hrl", "first_calls.hrl", "relay.hrl", "native.hrl", "pause.hrl", "terms.hrl", "frames.hrl", "guardian.hrl",
               "undo.hrl", "heaps.hrl", "own.hrl", "call.hrl", "run_registry.hrl", "report.hrl", "names.hrl", "stream.hrl"],
    {ok, Bytes} = read(Here, Sources, []),
    <<Hash:32, _/binary>> = crypto:hash(sha256, Bytes),
    Name = lists:flatten(io_lib:format("beamtap_agent_~8.16.0b", [Hash])),
    Options = [binary, deterministic, no_docs, return, warnings_as_errors, {i, Here},
               {d, 'AGENT_MODULE', list_to_atom(Name)}],
    Source = filename:join(Here, "beamtap_agent.erl"),
    case compile:file(Source, Options) of
        {ok, Module, Beam, _} ->
            {ok, {Module, Stripped}} = beam_lib:strip(Beam),
            Plain = case Stripped of
                <<"FOR1", _/binary>> -> Stripped;
                _ -> zlib:gunzip(Stripped)
            end,
            loads_later(Plain),
            needs_all(Plain, filename:join(Here, "needs.hrl")),
            says_all(Source, Options),
            Out = case Arguments of [File] -> File; [] -> filename:join(Here, "beamtap_agent.beam") end,
            ok = file:write_file(Out, Plain),
            io:format("~s~n", [Module]);
        {error, Errors, Warnings} ->
            [io:format(standard_error, "~s:~p: ~s~n", [filename:basename(F), L, M:format_error(D)])
             || {F, Es} <- Errors ++ Warnings, {L, M, D} <- Es],
            halt(1)
    end.

%% OTP 29 refuses instructions that OTP 25 makes of binary patterns (construction is fine) and of `and`, `or` and `xor`: the
%% sources do without them.
loads_later(Beam) ->
    {beam_file, _, _, _, _, Functions} = beam_disasm:file(Beam),
    case lists:usort([{Name, Arity} || {function, Name, Arity, _, Code} <- Functions, I <- Code, is_tuple(I), is_old(I)]) of
        [] -> ok;
        Bad -> io:format(standard_error, "OTP 29 does not load: ~p~n", [Bad]), halt(1)
    end.

is_old(Instruction) when element(1, Instruction) =:= bif ->
    lists:member(element(2, Instruction), ['and', 'or', 'xor']);
is_old(Instruction) ->
    case atom_to_list(element(1, Instruction)) of
        "bs_create_bin" -> false;
        "bs_" ++ _ -> true;
        _ -> false
    end.

%% Whatever the beam calls outside of the VM's own modules stands in the lists of needs.hrl.
needs_all(Beam, Needs) ->
    {ok, {Self, [{imports, Imports}]}} = beam_lib:chunks(Beam, [imports]),
    {ok, Text} = file:read_file(Needs),
    Listed = [{list_to_atom(M), list_to_atom(F), list_to_integer(A)}
              || [M, F, A] <- element(2, re:run(Text, "\\{(\\w+), (\\w+), (\\d+)\\}", [global, {capture, [1, 2, 3], list}]))],
    case [I || {M, _, _} = I <- Imports, M =/= Self, code:which(M) =/= preloaded, not lists:member(I, Listed)] of
        [] -> ok;
        Missing -> io:format(standard_error, "needs.hrl lacks ~0p~n", [Missing]), halt(1)
    end.

%% text/2 knows few of io_lib:format's directives, and shows a format that it cannot fill as it stands.
says_all(Source, Options) ->
    {ok, Forms} = epp:parse_file(Source, [{includes, [I || {i, I} <- Options]}, {macros, [{N, V} || {d, N, V} <- Options]}]),
    Calls = calls_of_text(Forms),
    [] =/= Calls orelse halt(1),
    case [{Format, length(Arguments)} || {Format, Arguments} <- Calls, directives(Format) =/= length(Arguments)] of
        [] -> ok;
        Bad -> io:format(standard_error, "text/2 cannot fill ~p~n", [Bad]), halt(1)
    end.

calls_of_text({call, _, {atom, _, text}, [{string, _, Format}, Arguments]}) ->
    [{Format, list_elements(Arguments)} || lists:member($~, Format)] ++ calls_of_text(Arguments);
calls_of_text(Tuple) when is_tuple(Tuple) -> calls_of_text(tuple_to_list(Tuple));
calls_of_text([First | Rest]) -> calls_of_text(First) ++ calls_of_text(Rest);
calls_of_text(_) -> [].

list_elements({cons, _, First, Rest}) -> [First | list_elements(Rest)];
list_elements({nil, _}) -> [].

%% How many arguments the format takes, or that text/2 does not know it.
directives(Format) ->
    {match, Parts} = re:run(Format, "~(t?s|b|\\.1f|0?t?p|0?t?P)?", [global, {capture, first, list}]),
    case lists:member(["~"], Parts) of
        true -> unknown;
        false -> lists:sum([case lists:last(P) of $P -> 2; _ -> 1 end || [P] <- Parts])
    end.

read(_, [], All) -> {ok, lists:reverse(All)};
read(Here, [File | Rest], All) ->
    case file:read_file(filename:join(Here, File)) of
        {ok, Bytes} -> read(Here, Rest, [Bytes | All]);
        Error -> {Error, File}
    end.
