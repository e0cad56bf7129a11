%% e2e_terms: terms that are hard to print. trace(File) makes one call of e2e_work:echo/1 with each, in order, and leaves in
%% File what the node itself prints for each argument list: one JSON string a line would need a library, so each is
%% framed as "Length\nBytes".
-module(e2e_terms).
-export([corpus/0, trace/1]).

trace(File) ->
    Corpus = corpus(),
    Text = [begin
                B = unicode:characters_to_binary(io_lib:format("[~0tp]", [T])),
                [integer_to_list(byte_size(B)), $\n, B]
            end || T <- Corpus],
    ok = file:write_file(File, Text),
    {Pid, Ref} = spawn_monitor(fun() -> [e2e_work:echo(T) || T <- Corpus] end),
    receive {'DOWN', Ref, process, Pid, normal} -> length(Corpus) end.

corpus() ->
    atoms() ++ lists() ++ numbers() ++ binaries() ++ maps() ++ identifiers() ++ large().

atoms() ->
    ['', a, 'Hello', 'hello world', 'it\'s', 'a\nb', '_x', 'x@y', 'Elixir.Shop.Cart', 'é', 'ÿ', 'Éa', list_to_atom("\x{3b1}\x{3b2}"),
     list_to_atom(lists:duplicate(255, $a)), list_to_atom(lists:duplicate(255, 16#e9)), list_to_atom(lists:duplicate(255, 16#20ac)),
     'after', 'maybe', 'div', true, false, undefined, '\x{7f}', '\\', 'a-b', '1a'].

lists() ->
    [[], [a | b], [1, 2 | 3], [[1], [[2]], []], "hello", "he\"llo\\", "tab\tnl\n\e\d", [0, 1, 2], [255, 254], "caf\x{e9}",
     [16#3b1, 16#3b2], [16#1F600], [$a, 16#d7ff], [1, $a], [$a | b], [300, 400], lists:seq(1, 300), lists:duplicate(70000, $x),
     lists:duplicate(70000, 1), [{a, "b"}, {<<"c">>, 1.5}], [$a, -1], [$a, 1.0], [127], [160], [128]].

numbers() ->
    [0, 1, -1, 255, 256, 2147483647, -2147483648, 1 bsl 59, 1 bsl 60, -(1 bsl 63), 1 bsl 64, -(1 bsl 64), 1 bsl 2048, -(1 bsl 2100) + 1,
     1 bsl 20000, 0.0, -0.0, 1.0, 1.5, -2.25, 0.1, 1.0e300, 1.0e-300, 1.7976931348623157e308, 5.0e-324, 123456789.0, 1.0e15, 1.0e16, 1.0e21,
     1.0e22, 123456.789e3, 0.001, 0.0001, 1.0e-5, 9007199254740993.0, 3.141592653589793].

binaries() ->
    [<<>>, <<"abc">>, <<"a\"b">>, <<0>>, <<255>>, <<1, 2, 3>>, <<"caf\x{e9}">>, <<"caf\x{e9}"/utf8>>, <<"\x{3b1}"/utf8>>, <<1:1>>, <<5:3>>,
     <<"abc", 1:4>>, <<255, 255:7>>, <<"line\nline">>, <<195>>, <<240, 159, 152, 128>>, <<"x", 0>>, binary:copy(<<"x">>, 1000000)].

maps() ->
    [#{}, #{a => 1}, #{1 => a, "s" => <<"b">>, 1.5 => [], {t} => #{}}, maps:from_list([{I, I} || I <- lists:seq(1, 32)]),
     maps:from_list([{I, I} || I <- lists:seq(1, 33)]), maps:from_list([{integer_to_binary(I), I} || I <- lists:seq(1, 200)]),
     maps:from_list([{{k, I}, #{v => I}} || I <- lists:seq(1, 100)])].

identifiers() ->
    X = 1,
    [self(), make_ref(), hd(erlang:ports()), fun() -> X end, fun lists:map/2, fun e2e_work:echo/1, erlang:group_leader(),
     {}, {a}, {a, {b, {c}}}, list_to_tuple(lists:seq(1, 300)), {error, {badarg, [{m, f, 1, [{file, "x.erl"}, {line, 2}]}]}}].

large() ->
    [lists:foldl(fun(_, T) -> [T] end, [], lists:seq(1, 1000)), lists:foldl(fun(_, T) -> {T, x} end, [], lists:seq(1, 100000))].
