%% match_spec_judged.erl: makes match specs and terms, and writes down what the VM says of them: `escript THIS OUT COUNT SEED`.
%%
%% OUT begins with the release and the process that judged; then for each case the spec, the terms that it is matched with, and
%% whether the event would be kept: a length and an external term each, and a byte.
-mode(compile).

main([Out, Count, Seed]) ->
    rand:seed(exsss, list_to_integer(Seed)),
    {ok, File} = file:open(Out, [write, raw, binary, {delayed_write, 1 bsl 20, 1000}]),
    put(pool, [leaf() || _ <- lists:seq(1, 60)]),
    Release = list_to_integer(erlang:system_info(otp_release)),
    ok = file:write(File, [<<Release:32>>, term(self())]),
    cases(File, list_to_integer(Count)),
    ok = file:close(File).

term(T) ->
    Bytes = term_to_binary(T),
    [<<(byte_size(Bytes)):32>>, Bytes].

cases(_, 0) -> ok;
cases(File, N) ->
    Args = [gen(3) || _ <- lists:seq(1, rand:uniform(4) - (rand:uniform(20) div 20))],
    {Given, Judged} = lists:unzip([clause(Args) || _ <- lists:seq(1, rand:uniform(2))]),
    case catch erlang:match_spec_test(Args, Judged, trace) of
        {ok, Result, _, _} ->
            ok = file:write(File, [term(Given), term(Args), case Result of false -> 0; _ -> 1 end]),
            cases(File, N - 1);
        _ -> cases(File, N) % not a spec
    end.

%% ---- Terms

pick(L) -> lists:nth(rand:uniform(length(L)), L).
chance(N) -> rand:uniform(N) =:= 1.

leaf() ->
    case rand:uniform(16) of
        1 -> pick([0, 1, 2, 3, -1, 255, 256, -256, 65536]);
        2 -> pick([-1, 0, 1]) + pick([1, -1]) * (1 bsl pick([31, 53, 59, 60, 63, 64, 100, 126, 127, 128, 200, 1000, 2100]));
        3 -> pick([0.0, -0.0, 1.0, 2.0, -1.0, 0.5, -2.5, 1.5, 3.0, 256.0]);
        4 -> pick([1.0e10, 9007199254740992.0, 1.8446744073709552e19, 1.0e30, -1.0e40, 1.7e308, 5.0e-324,
                   float(1 bsl 127), float(1 bsl 200), float(1 bsl 63)]);
        5 -> pick([a, b, c, true, false, undefined, '', 'Z', 'hello world', ok]);
        6 -> pick(['\x{e9}', '\x{e9}t\x{e9}', '\x{20ac}', '\x{ff}', '\x{100}', a1, 'a\x{e9}']);
        7 -> pick([self(), list_to_pid("<0.100.0>"), list_to_pid("<0.101.0>"), pid(<<"x@y">>, 5, 1), pid(<<"x@y">>, 5, 2), pid(<<"z@y">>, 5, 1)]);
        8 -> pick([make_ref(), make_ref(), hd(erlang:ports()), lists:last(erlang:ports())]);
        9 -> X = rand:uniform(3), pick([fun(Y) -> X + Y end, fun() -> X end, fun lists:map/2, fun lists:map/3, fun erlang:self/0]);
        10 -> pick([<<>>, <<1>>, <<1, 2, 3>>, <<"abc">>, <<1:3>>, <<255, 1:1>>, <<2:3>>, <<1, 2, 3, 4:4>>]);
        11 -> pick([[], {}, #{}, "abc", "ab", [1, 2, 3], [a | b], [1 | 2]]);
        12 -> rand:uniform(10) / pick([1, 2, 3, 7]);
        13 -> rand:uniform(1000) - 500;
        _ -> rand:uniform(4)
    end.

pid(Node, Id, Creation) -> binary_to_term(<<131, 88, 119, (byte_size(Node)), Node/binary, Id:32, 0:32, Creation:32>>).

pooled() -> pick(get(pool)).

gen(0) -> pooled();
gen(D) ->
    case rand:uniform(12) of
        1 -> list_to_tuple(gens(D, 4));
        2 -> gens(D, 4);
        3 -> gens(D, 3) ++ gen(D - 1);
        4 -> maps:from_list([{gen(D - 1), gen(D - 1)} || _ <- lists:seq(1, rand:uniform(4))]);
        5 -> case chance(8) of
                 true -> maps:from_list([{I, pooled()} || I <- lists:seq(1, 30 + rand:uniform(8))]);
                 false -> #{a => gen(D - 1), 1 => gen(D - 1), 1.0 => gen(D - 1)}
             end;
        6 -> {pick([a, b, ok]), gen(D - 1)};
        7 -> [rand:uniform(256) - 1 || _ <- lists:seq(1, rand:uniform(6))];
        _ -> pooled()
    end.

gens(D, Most) -> [gen(D - 1) || _ <- lists:seq(1, rand:uniform(Most) - 1)].

%% ---- Specs: a head is made of the terms that it will be matched with, so that many match

clause(Args) ->
    put(vars, []),
    put(args, Args),
    Head = case rand:uniform(12) of
        1 -> '_';
        2 -> variable(Args);
        3 -> [pattern(A) || A <- Args ++ [a]];
        _ -> [pattern(A) || A <- Args]
    end,
    Guard = [condition() || _ <- lists:seq(1, rand:uniform(4) - 1)],
    {Body, Wrapped} = pick([{[], []}, {[], []}, {[{message, false}], [{message, false}]}, {[{message, true}], [{message, true}]},
                            {[{message, false}, {message, '$$'}], [{message, false}, {message, {{'$$'}}}]},
                            {[{message, '$$'}, {message, false}], [{message, {{'$$'}}}, {message, false}]},
                            {[{message, {const, false}}], [{message, {{{const, false}}}}]},
                            {[{return_trace}, {message, {node}}], [{return_trace}, {message, {{{node}}}}]}]),
    {{Head, Guard, Body}, {Head, Guard, Wrapped}}.

variable(Of) ->
    V = case get(vars) =/= [] andalso chance(4) of
        true -> element(1, pick(get(vars)));
        false -> pick(['$1', '$2', '$3', '$4', '$5', '$12', '$0'])
    end,
    put(vars, lists:keystore(V, 1, get(vars), {V, Of})),
    V.

pattern(T) ->
    case rand:uniform(20) of
        N when N < 4 -> '_';
        N when N < 12 -> variable(T);
        12 -> inside(gen(1));
        13 when is_integer(T), abs(T) < 1 bsl 1000 -> T * 1.0;
        14 when is_float(T), abs(T) < 1.0e15 -> trunc(T);
        _ -> inside(T)
    end.

inside(T) when is_tuple(T) -> list_to_tuple([pattern(X) || X <- tuple_to_list(T)]);
inside([H | T]) -> [pattern(H) | case chance(4) of true -> pattern(T); false -> inside(T) end];
inside(M) when is_map(M) -> maps:from_list([{K, pattern(V)} || {K, V} <- maps:to_list(M), not chance(3)]);
inside(T) -> T.

condition() ->
    case rand:uniform(11) of
        1 -> expr(2);
        2 -> {pick(['not', 'and', 'or']), condition()};
        3 -> {pick(['andalso', 'orelse', 'and', 'or']), condition(), condition()};
        4 -> {pick(['andalso', 'orelse', 'and', 'or', 'xor']), expr(1), condition()};
        5 -> {pick(tests()), value(1)};
        6 -> {'orelse', condition(), true};
        7 -> {pick(['==', '/=', '=:=', '<']), {pick(['andalso', 'orelse']), condition(), value(1)}, value(1)};
        _ -> {pick(['<', '>', '=<', '>=', '==', '/=', '=:=', '=/=']), value(2), value(2)}
    end.

tests() -> [is_atom, is_float, is_integer, is_list, is_number, is_pid, is_port, is_reference, is_tuple, is_map, is_binary,
            is_function].

%% A variable more often than not, and of what it holds a part that may be there.
value(D) ->
    case {get(vars), rand:uniform(6)} of
        {[_ | _] = Vars, N} when N < 4 ->
            {V, Of} = pick(Vars),
            case chance(2) of true -> V; false -> part(V, Of) end;
        {_, 4} -> constant(pooled());
        _ -> expr(D)
    end.

part(V, Of) when is_tuple(Of), Of =/= {} -> pick([{element, rand:uniform(tuple_size(Of)), V}, {size, V}, {is_record, V, a, 2}]);
part(V, [_ | _]) -> pick([{hd, V}, {tl, V}, {length, V}, {hd, {tl, V}}]);
part(V, Of) when is_map(Of) -> pick([{map_size, V}, {is_map_key, 1, V}, {map_get, pick([a, 1, 1.0]), V}]);
part(V, Of) when is_bitstring(Of) -> pick([{size, V}, {byte_size, V}, {bit_size, V}, {binary_part, V, 0, 1}, {binary_part, V, {{1, -1}}}]);
part(V, Of) when is_integer(Of) ->
    pick([{'+', V, 1}, {'-', V}, {abs, V}, {'div', V, 3}, {'rem', V, -3}, {'band', V, 255}, {'bor', V, 3}, {'bxor', V, -1},
          {'bnot', V}, {'bsl', V, rand:uniform(70)}, {'bsr', V, rand:uniform(70) - 3}, {'*', V, V}, {'/', V, 7}, {float, V}]);
part(V, Of) when is_float(Of) -> pick([{trunc, V}, {round, V}, {abs, V}, {'-', V}, {'*', V, 2}, {'+', V, 0.1}, {'/', V, 3}, {float, V}]);
part(V, Of) when is_pid(Of); is_port(Of); is_reference(Of) -> {node, V};
part(V, _) -> V.

%% Of no arguments '$_' writes over the VM's memory (tried on OTP 25).
whole() -> case get(args) of [] -> []; _ -> '$_' end.

constant(T) when is_tuple(T); is_map(T); is_list(T) -> {const, T};
constant(T) -> T.

expr(0) ->
    case get(vars) of
        [_ | _] = Vars -> element(1, pick(Vars));
        [] -> constant(pooled())
    end;
expr(D) ->
    case rand:uniform(18) of
        1 -> constant(gen(2));
        2 -> pick([whole(), '$$', {self}, {node}]);
        3 -> {list_to_tuple([value(D - 1) || _ <- lists:seq(1, rand:uniform(3))])};
        4 -> [value(D - 1) || _ <- lists:seq(1, rand:uniform(3))];
        5 -> [value(D - 1) | value(D - 1)];
        6 -> #{a => value(D - 1), 1 => value(D - 1)};
        7 -> {pick([element, map_get, is_map_key]), value(D - 1), value(D - 1)};
        8 -> {pick([hd, tl, length, size, map_size, bit_size, byte_size, abs, round, trunc, float, node, 'not', 'bnot', '-', '+'] ++ tests()),
              value(D - 1)};
        9 -> {pick(['+', '-', '*', '/', 'div', 'rem', 'band', 'bor', 'bxor', 'bsl', 'bsr']), value(D - 1), value(D - 1)};
        10 -> {is_record, value(D - 1), pick([a, ok, 1]), pick([1, 2, 3, a, -1])};
        11 -> {binary_part, value(D - 1), value(D - 1), value(D - 1)};
        12 -> condition();
        13 -> maps:from_list([{value(D - 1), value(D - 1)} || _ <- lists:seq(1, rand:uniform(3))]);
        14 -> K = value(D - 1), {pick([map_get, is_map_key]), K, #{K => value(D - 1), pick([b, value(0)]) => 1}};
        _ -> value(D - 1)
    end.
