/* term_corpus.h: terms and what a real node prints for them, made by the node itself.
 *
 * corpus_make runs a script that writes pairs (external term, printed text), each with its length
 * before it as four bytes; corpus_next reads them one by one. The scripts are below as text, so
 * that a test is one file wherever it runs. Random terms come from a seeded generator: the same
 * ones each time, but for what a node numbers itself.
 */
#ifndef TAP_TERM_CORPUS_H
#define TAP_TERM_CORPUS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct corpus {
    FILE *file;
    char dir[32];
    uint8_t *term;
    char *text;
    uint32_t term_len, text_len;
};

static const char corpus_erlang[] =
    "#!/usr/bin/env escript\n"
    "%% -*- coding: utf-8 -*-\n"
    "%%! +pc @RANGE@\n"
    "-mode(compile).\n"
    "main([File]) ->\n"
    "  rand:seed(exsss, {1,2,3}),\n"
    "  {ok, F} = file:open(File, [write, raw, binary, delayed_write]),\n"
    "  Put = fun(T) ->\n"
    "    <<131, B/binary>> = term_to_binary(T, [{minor_version, 2}]),\n"
    "    S = unicode:characters_to_binary(io_lib:format(\"~0tp\", [T])),\n"
    "    ok = file:write(F, [<<(byte_size(B)):32>>, B, <<(byte_size(S)):32>>, S]) end,\n"
    "  %% fun_to_list gives UTF-8 that io_lib takes for latin1: decoded here\n"
    "  lists:foreach(fun(T) ->\n"
    "    <<131, B/binary>> = term_to_binary(T, [{minor_version, 2}]),\n"
    "    S = list_to_binary(erlang:fun_to_list(T)),\n"
    "    ok = file:write(F, [<<(byte_size(B)):32>>, B, <<(byte_size(S)):32>>, S]) end, "
    "exports()),\n"
    "  lists:foreach(fun(G) -> lists:foreach(Put, G()) end,\n"
    "    [fun ints/0, fun floats/0, fun atoms/0, fun texts/0, fun bins/0, fun lists/0, fun "
    "others/0, fun random/0]),\n"
    "  ok = file:close(F).\n"
    "ints() ->\n"
    "  P = lists:seq(0, 300) ++ lists:append([[(1 bsl N) - 1, 1 bsl N, (1 bsl N) + 1] || N <- "
    "lists:seq(7, 300)])\n"
    "    ++ [trunc(math:pow(10, N)) || N <- lists:seq(1, 15)]\n"
    "    ++ lists:append([[pow10(N) - 1, pow10(N), pow10(N) + 1] || N <- "
    "[17,18,19,20,35,36,37,54,72,500,1000,5000,20000]])\n"
    "    ++ [(1 bsl N) - 1 || N <- "
    "[2039,2040,2041,2048,2049,4095,4096,4097,8192,16384,16385,30000,65536,100001]]\n"
    "    ++ [1 bsl N || N <- "
    "[2039,2040,2041,2048,2049,4095,4096,4097,8192,16384,16385,30000,65536,100001,400000]]\n"
    "    ++ [(7 bsl (N + 9000)) bor rand:uniform(1 bsl N) || N <- lists:seq(100, 6000, 300)]\n"
    "    ++ [rand:uniform(1 bsl N) || N <- lists:seq(60, 9000, 37)],\n"
    "  P ++ [-X || X <- P].\n"
    "pow10(0) -> 1;\n"
    "pow10(N) -> 10 * pow10(N - 1).\n"
    "floats() ->\n"
    "  P = [0.0, 1.0, 1.0e300, 0.1, 0.2, 0.3, 1/3, 2/3, 100.0, 1000.0, 123456.0, 1.0e15, 1.0e16, "
    "5.0e-324, 2.2250738585072014e-308,\n"
    "       1.7976931348623157e308, 9007199254740991.0, 9007199254740992.0, 9007199254740993.0, "
    "9007199254740994.0, 4.35, 19.99]\n"
    "    ++ [math:pow(2, N) || N <- lists:seq(-1074, 1023)] ++ [math:pow(10, N) || N <- "
    "lists:seq(-323, 308)]\n"
    "    ++ [float_of(<<(1 bsl N):64>>) || N <- lists:seq(0, 51)]\n"
    "    ++ [rand:uniform(100000) / math:pow(10, rand:uniform(12)) || _ <- lists:seq(1, 1000)]\n"
    "    ++ [X * 1.0 || X <- lists:seq(1, 20)] ++ [rand:uniform(1 bsl 60) * 1.0 || _ <- "
    "lists:seq(1, 300)]\n"
    "    ++ [F || F <- [float_of(rand:bytes(8)) || _ <- lists:seq(1, 3000)], is_float(F)],\n"
    "  P ++ [-X || X <- P].\n"
    "float_of(<<F/float>>) -> F;\n"
    "float_of(_) -> none.\n"
    "chars() -> lists:seq(0, 420) ++ [945, 1071, 8232, 8364, 16#D7FF, 16#E000, 16#FEFF, 16#FFFD, "
    "16#FFFE, 16#FFFF, 16#10000, 16#1F600,\n"
    "                                 16#10FFFF].\n"
    "atoms() ->\n"
    "  [list_to_atom(L) || C <- chars(), L <- [[C], [$a, C], [C, $a], [$A, C], [16#e9, C]]] ++ "
    "['', nil, true, undefined]\n"
    "  ++ "
    "['after','begin','case','try','cond','catch','andalso','orelse','end','fun','if','let','of','"
    "receive','when',\n"
    "      "
    "'bnot','not','div','rem','band','and','bor','bxor','bsl','bsr','or','xor','query','else','"
    "afte','afters','o','x'] \n"
    "  ++ [list_to_atom(lists:duplicate(255, C)) || C <- [$a, $B, $\\n, 16#20ac, 16#1F600]]\n"
    "  ++ ['Elixir.Shop.Cart', 'hello world', 'a@b', 'a-b', '9', 'it\\'s', 'a\\\"b', '{', "
    "shop_cart, ok, 'Ok', '_', '@a'].\n"
    "texts() ->\n"
    "  [L || C <- chars(), L <- [[C], [$a, C], [C, $a, C], \"abc\" ++ [C] ++ \"def\"]]\n"
    "  ++ [[55296], [57343], [1114112], [-1], [97 | -1], \"\", \"a\\\\b\\\"c'd\", [1.0], [97, b], "
    "[97 | 98], [\"ab\" | \"cd\"], [\"ab\" | c]]\n"
    "  ++ [lists:duplicate(N, C) || N <- [1, 65534, 65535, 65536, 65537], C <- [$a, 1, 16#e9]]\n"
    "  ++ [lists:duplicate(65536, $a) ++ [T] || T <- [1, b, 16#20ac]].\n"
    "bins() ->\n"
    "  [<<C>> || C <- lists:seq(0, 255)] ++ [<<$a, C>> || C <- lists:seq(0, 255)] ++ [<<C, D>> || "
    "C <- lists:seq(120, 255), D <- [0, 128, 150, 191, 233]]\n"
    "  ++ [<<C/utf8, \"abc\">> || C <- chars(), C < 16#D800 orelse C > 16#DFFF]\n"
    "  ++ [<<16#ED,16#A0,16#80>>, <<16#C0,16#80>>, <<16#F4,16#90,16#80,16#80>>, <<16#E2,16#82>>, "
    "<<>>, <<\"\\\"\\\\'\">>]\n"
    "  ++ [<<(binary:copy(<<C>>, N))/binary, E/binary>> || C <- [$a, 16#e9], N <- "
    "[18,19,20,21,9999,10019,10020,10021,30000],\n"
    "       E <- [<<>>, <<1>>, <<16#e9>>, <<16#c3, 16#a9>>, <<10>>]]\n"
    "  ++ [<<X:N>> || N <- lists:seq(1, 25), X <- [0, 1, 16#5555555, 16#1ffffff]] ++ [<<\"abc\", "
    "5:3>>]\n"
    "  ++ [rand:bytes(rand:uniform(6)) || _ <- lists:seq(1, 3000)]\n"
    "  ++ [T || _ <- lists:seq(1, 3000), B <- [mixed(rand:uniform(6))], T <- [B, "
    "binary_to_list(B)]].\n"
    "mixed(N) -> iolist_to_binary([lists:nth(rand:uniform(11), [lists:duplicate(rand:uniform(40), "
    "$x), \"some \\\"quoted\\\" text\",\n"
    "  lists:seq($A, $Z), [195, 169], [226, 130, 172], 233, 0, 10, 129, $#, $']) || _ <- "
    "lists:seq(1, N)]).\n"
    "lists() ->\n"
    "  [lists:seq(1, N) || N <- lists:seq(0, 40)] ++ [list_to_tuple(lists:seq(1, N)) || N <- "
    "lists:seq(0, 40) ++ [255, 256, 257, 1000]]\n"
    "  ++ [lists:foldl(fun(_, A) -> [A] end, [], lists:seq(1, N)) || N <- [1, 2, 3, 23, 24, 25, "
    "100, 10000]]\n"
    "  ++ [lists:foldl(fun(_, A) -> {a, [A | b]} end, x, lists:seq(1, N)) || N <- [1, 2, 11, 12, "
    "13, 3000]]\n"
    "  ++ [maps:from_list([{I, I} || I <- lists:seq(1, N)]) || N <- lists:seq(0, 70) ++ [100, "
    "1000, 20000]]\n"
    "  ++ [maps:from_list([{list_to_atom(\"k\" ++ integer_to_list(I)), [I]} || I <- lists:seq(1, "
    "N)]) || N <- [1, 2, 31, 32, 33, 34, 500]]\n"
    "  ++ [maps:from_list([{{I, \"x\"}, maps:from_list([{J * 1.5, #{}} || J <- lists:seq(1, I)])} "
    "|| I <- lists:seq(1, N)]) || N <- [5, 40]]\n"
    "  ++ [[[], {}, #{}, <<>>, [[]], {[]}, #{[] => []}, #{#{} => #{}}], [a | b], [a, b | c], [[a] "
    "| {b}], [1, 2 | <<>>], [{a, 1} | #{}]].\n"
    "others() ->\n"
    "  X = rand:uniform(5), P = open_port({spawn, \"true\"}, []),\n"
    "  [self(), whereis(init), make_ref(), P, [self(), make_ref()], monitor(process, self()), "
    "alias(), fun() -> X end, fun(A) -> A + X end,\n"
    "   fun lists:map/2, fun erlang:'+'/2, #{self() => make_ref()}, {caller, self(), fun "
    "main/1}].\n"
    "exports() ->\n"
    "  [fun M:N/A || C <- chars(), C < 256, {M, N, A} <- [{list_to_atom([C]), f, 0}, {m, "
    "list_to_atom([$a, C]), 255}]]\n"
    "  ++ [fun M:f/1 || M <- ['', 'end', 'A', 'α', 'aα', 'ab c', '日本', 'é', lists]].\n"
    "random() -> [term(rand:uniform(6)) || _ <- lists:seq(1, 4000)].\n"
    "term(0) -> leaf(rand:uniform(12));\n"
    "term(D) ->\n"
    "  case rand:uniform(9) of\n"
    "    1 -> [term(D - 1) || _ <- lists:seq(1, rand:uniform(5))];\n"
    "    2 -> list_to_tuple([term(D - 1) || _ <- lists:seq(1, rand:uniform(5))]);\n"
    "    3 -> maps:from_list([{term(max(D - 2, 0)), term(D - 1)} || _ <- lists:seq(1, "
    "rand:uniform(4))]);\n"
    "    4 -> [term(D - 1) | term(D - 1)];\n"
    "    5 -> maps:from_list([{I, leaf(rand:uniform(12))} || I <- lists:seq(1, 30 + "
    "rand:uniform(8))]);\n"
    "    6 -> {leaf(4), [term(D - 1), leaf(4)]};\n"
    "    _ -> leaf(rand:uniform(12))\n"
    "  end.\n"
    "leaf(1) -> rand:uniform(300) - 20;\n"
    "leaf(2) -> rand:uniform(1 bsl rand:uniform(200)) - (1 bsl 60);\n"
    "leaf(3) -> float_of(rand:bytes(8));\n"
    "leaf(4) -> lists:nth(rand:uniform(8), [ok, error, 'Elixir.A', 'a b', undefined, 'end', 'é', "
    "shop_cart]);\n"
    "leaf(5) -> [rand:uniform(30) + 95 || _ <- lists:seq(1, rand:uniform(10))];\n"
    "leaf(6) -> [rand:uniform(300) || _ <- lists:seq(1, rand:uniform(5))];\n"
    "leaf(7) -> list_to_binary([rand:uniform(30) + 95 || _ <- lists:seq(1, rand:uniform(30))]);\n"
    "leaf(8) -> rand:bytes(rand:uniform(5));\n"
    "leaf(9) -> unicode:characters_to_binary([rand:uniform(500) || _ <- lists:seq(1, "
    "rand:uniform(4))]);\n"
    "leaf(10) -> B = rand:bytes(4), N = rand:uniform(31), <<R:N/bitstring, _/bitstring>> = B, R;\n"
    "leaf(11) -> lists:nth(rand:uniform(4), [[], {}, #{}, <<>>]);\n"
    "leaf(12) -> float(rand:uniform(100000)) / 100.\n";

static __attribute__((unused)) const char corpus_elixir[] =
    "defmodule Shop.Cart do defstruct [:items, :total] end\n"
    "defmodule Shop.Empty do defstruct [] end\n"
    "defmodule Gen do\n"
    "  def r(n), do: :rand.uniform(n)\n"
    "  def term(0), do: leaf(r(12))\n"
    "  def term(d) do\n"
    "    case r(10) do\n"
    "      1 -> for _ <- 1..r(5), do: term(d - 1)\n"
    "      2 -> List.to_tuple(for _ <- 1..r(5), do: term(d - 1))\n"
    "      3 -> Map.new(1..r(4), fn _ -> {term(max(d - 2, 0)), term(d - 1)} end)\n"
    "      4 -> [term(d - 1) | leaf(r(4))]\n"
    "      5 -> for _ <- 1..r(4), do: {leaf(4), term(d - 1)}\n"
    "      6 -> Map.new(1..r(40), fn i -> {:\"k#{i}\", leaf(r(12))} end)\n"
    "      7 -> struct(Shop.Cart, [items: term(d - 1), total: term(d - 1)])\n"
    "      8 -> Map.new(1..r(4), fn _ -> {leaf(4), term(d - 1)} end)\n"
    "      _ -> leaf(r(12))\n"
    "    end\n"
    "  end\n"
    "  def funs(x), do: [fn -> x end, fn a -> a + x end, fn a, b -> {a, b} end]\n"
    "  def leaf(1), do: r(300) - 20\n"
    "  def leaf(2), do: r(2 ** r(200)) - 2 ** 60\n"
    "  def leaf(3), do: (case :rand.bytes(8) do <<f::float>> -> f; _ -> 0.5 end)\n"
    "  def leaf(4), do: Enum.random([:ok, :error, Shop.Cart, :\"a b\", nil, true, :end, :é, :+, "
    ":Foo, :\"::\", :a?, :\"Elixir.foo\"])\n"
    "  def leaf(5), do: (for _ <- 1..r(10), do: r(30) + 95)\n"
    "  def leaf(6), do: (for _ <- 1..r(5), do: r(300))\n"
    "  def leaf(7), do: to_string(for _ <- 1..r(30), do: r(30) + 95)\n"
    "  def leaf(8), do: :rand.bytes(r(5))\n"
    "  def leaf(9), do: to_string(for _ <- 1..r(4), do: r(500))\n"
    "  def leaf(10), do: (n = r(31); <<x::size(n)-bitstring, _::bitstring>> = :rand.bytes(4); x)\n"
    "  def leaf(11), do: Enum.random([[], {}, %{}, <<>>, \"\", struct(Shop.Empty, []), "
    "'\\#{x}#'])\n"
    "  def leaf(12), do: r(100_000) / 100\n"
    "end\n"
    ":rand.seed(:exsss, {1, 2, 3})\n"
    "[path] = System.argv()\n"
    "file = File.open!(path, [:write, :raw, :delayed_write])\n"
    "put = fn t, s ->\n"
    "  <<131, b::binary>> = :erlang.term_to_binary(t, minor_version: 2)\n"
    "  :ok = :file.write(file, [<<byte_size(b)::32>>, b, <<byte_size(s)::32>>, s])\n"
    "end\n"
    "insp = fn t -> inspect(t, limit: :infinity, printable_limit: :infinity) end\n"
    "latin = Enum.concat([0..0x24F, 0x1E00..0x1EFF, [0x2028, 0x20AC, 0xFEFF, 0xFFFE, 0x1F600]])\n"
    "chars = Enum.concat([0..420, [0x2028, 0xD7FF, 0xE000, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF, "
    "0x10000, 0x1F600, 0x10FFFF]])\n"
    "atoms = for(c <- latin, p <- [\"\", \"a\", \"A\", \"é\"], s <- [\"\", \"b\", \"?\"], do: "
    "String.to_atom(p <> <<c::utf8>> <> s)) ++\n"
    "  Enum.map(~w(% %{} {} <<>> ... .. . ..// // -> :: ^^^ ~~~ <|> & ! ^ not + - @ <- \\\\\\\\ "
    "when | = || ||| or && &&& and\n"
    "    == != =~ === !== < <= >= > |> <<< >>> <~ ~> <<~ ~>> <~> in ++ -- <> +++ --- * / ** nil "
    "true false do end fn else rescue\n"
    "    after catch Elixir Elixir.Elixir Elixir.Elixir.Foo Elixir.Foo Elixir.Foo.Bar "
    "Elixir.Foo.bar Elixir.foo Elixir. Elixir.Foo.\n"
    "    Elixir.Foo.B_9 Elixir.Foo@ Elixir.F? ElixirFoo Elixir1 a? a! a?b a@b @a A A? a@? A@ _ _a "
    "__MODULE__ 1a a-b &&&& ||| .. ... a.b foo/1 Elixir.Elixirs\n"
    "    Elixir.ElixirX.Y),\n"
    "    &String.to_atom/1) ++ [:\"\", :\" \", :\"a b\", :\"it's\", :\"a\\\"b\", :\"a\\\\b\", "
    ":\"\\#{x}\", :\"#\", :\"a#\"]\n"
    "ident = fn f -> for a <- atoms, do: f.(a) end\n"
    "texts = for c <- chars, s <- [<<c::utf8>>, <<?a, c::utf8>>, <<c::utf8, ?{>>, <<?#, "
    "c::utf8>>], do: s\n"
    "lists = for c <- chars, l <- [[c], [?a, c], [c, ?{], [?#, c], [?#, ?#, c]], do: l\n"
    "bins = for(c <- 0..255, d <- [0, ?a, 128, 191], do: <<c, d>>) ++ for(n <- 1..25, x <- [0, 1, "
    "0x5555555], do: <<x::size(n)>>)\n"
    "mixed = for _ <- 1..3000, do: IO.iodata_to_binary(for _ <- 1..:rand.uniform(6), do: "
    "Enum.random([List.duplicate(?x, :rand.uniform(40)),\n"
    "  \"some \\\"quoted\\\" text\", Enum.to_list(?A..?Z), [195, 169], [226, 130, 172], 233, 0, "
    "10, 129, ?#, ?', \"\\#{\"]))\n"
    "long = [List.duplicate(?a, 65535), List.duplicate(?a, 65536), List.duplicate(?a, 70000) ++ "
    "[1], List.duplicate(35, 66000) ++ [?{], List.duplicate(1, 300)]\n"
    "nums = Enum.flat_map(0..300, fn n -> [2 ** n, -(2 ** n) - 1] end) ++ [2 ** 5000, 10 ** 3000]\n"
    "floats = [0.0, -0.0, 1.0, 0.5, 100.0, 1000.0, 1.0e15, 1.0e16, 9.0e15, 123456789012345.6, "
    "1.0e-5, 0.0001, 1.0e300, 4503599627370497.5, 9007199254740993.0, 9999999999999998.0] ++\n"
    "  for(n <- -100..100, do: :math.pow(2, n)) ++ for(n <- -30..30, do: -:math.pow(10, n)) ++ "
    "for(_ <- 1..500, do: :rand.uniform(2 ** 58) * 1.0)\n"
    "colls = [[a: 1], [a: 1, b: [c: 2]], [{:a, 1}, 2], [{:a, 1} | 2], [{:a, 1} | {:b, 2}], [{Foo, "
    "1}], [{nil, 1}], [{:\"a b\", 1}, {:+, 2}, {:\"::\", 3}],\n"
    "  [{:a, 1, 2}], [{\"a\", 1}], [{:a}], %{a: 1}, %{1 => 2}, %{nil => 1}, %{Foo => 1, a: 2}, "
    "%{:\"Elixir.x\" => 1}, %{:Elixir => 1}, %{[a: 1] => %{b: 2}},\n"
    "  Map.new(1..33, &{&1, &1}), Map.new(1..40, &{:\"a#{&1}\", &1}), Map.new(1..300, &{{&1}, [a: "
    "&1]}), struct(Shop.Cart, [items: [], total: 1.5]), struct(Shop.Empty, []),\n"
    "  struct(RuntimeError, [message: \"x\"]), struct(ArgumentError, [message: \"a\\nb\"]), "
    "%{__struct__: 5}, %{__struct__: :foo, a: 1},\n"
    "  [struct(Shop.Cart, [items: [struct(Shop.Cart, [])], total: %{x: struct(Shop.Empty, [])}])], "
    "[a: struct(Shop.Cart, [items: [a: 1]])], {%{a: [b: 'abc']}, [[b: 1] | [c: 2]]},\n"
    "  Enum.reduce(1..2000, 1, fn _, a -> [a: a] end), Enum.reduce(1..2000, 1, fn _, a -> %{a: a} "
    "end), Enum.reduce(1..2000, 1, fn _, a -> [a] end),\n"
    "  [[], {}, %{}, \"\", <<>>, nil], List.to_tuple(Enum.to_list(1..300)), [1 | 2], [97 | 98], "
    "[1, [2 | 3] | {4}]]\n"
    "idents = [self(), make_ref(), hd(:erlang.ports()), &Enum.map/2, &:erlang.+/2, &:lists.\"a "
    "b\"/1, {self(), [make_ref()]}]\n"
    "calls = for a <- atoms, do: Function.capture(:m, a, 1)\n"
    "dates = for y <- [0, 1, 33, 999, 1970, 2024, 9999, -1, -33, -9999], m <- [1, 2, 9, 12], d <- "
    "[1, 9, 29, 31], {:ok, x} <- [Date.new(y, m, d)], do: x\n"
    "times = for h <- [0, 9, 23], s <- [0, 7, 59], u <- [{0, 0}, {0, 1}, {0, 6}, {5, 6}, {120000, "
    "2}, {999999, 6}, {500000, 1}], do: Time.new!(h, 59 - h, s, u)\n"
    "naive = for d <- dates, t <- Enum.take_random(times, 5), do: NaiveDateTime.new!(d, t)\n"
    "utc = for n <- naive, do: DateTime.from_naive!(n, \"Etc/UTC\")\n"
    "ranges = for a <- [-3, 0, 2, 10 ** 12], b <- [-10 ** 12, -3, 0, 2, 7], s <- [1, -1, 2, -7], "
    "do: Range.new(a, b, s)\n"
    "holding = for {d, t, u, r} <- Enum.zip([dates, times, utc, ranges]), do: {[d, t | u], [at: "
    "u], %{u => [r], d: t}, struct(Shop.Cart, [items: [[a: d], 'abc', r], total: %{1 => u}]), "
    "[[r], [r | t]]}\n"
    "sets = Enum.map([[], 'abc', [a: 1], [a: 1, b: 2], [97, :x], [nil], [[], {}], [%{a: 1}, [b: "
    "2], \"x\"], 1..3, 1..40, 300..900, dates, ranges, Enum.map(1..300, &{&1, [a: &1]}), "
    "[MapSet.new([1]), MapSet.new([MapSet.new(a: 1)])], [struct(Shop.Cart, [items: [a: 1]])], "
    "Enum.map(1..50, &MapSet.new([[b: &1]])), ['abc', {'abc', 'd'}, [a: 'b'], 'é']], "
    "&MapSet.new/1)\n"
    "sets = sets ++ [sets, {sets, [a: 1], 'abc'}, %{s: Enum.at(sets, 7), t: [u: 1]}, [a: "
    "Enum.at(sets, 2), b: [c: 3]]]\n"
    "for l <- [dates, times, naive, utc, ranges, holding, sets, atoms, ident.(&[{&1, 1}]), "
    "ident.(&%{&1 => 1}), calls, texts, lists, bins, mixed, Enum.map(mixed, "
    "&:binary.bin_to_list/1), long, nums, floats, colls, idents], t <- l, "
    "do: put.(t, insp.(t))\n"
    "for _ <- 1..4000, t = Gen.term(:rand.uniform(6)), do: put.(t, insp.(t))\n"
    "for f <- Gen.funs(:rand.uniform(3)) do\n"
    "  i = Function.info(f)\n"
    "  head = \"#Function<#{i[:new_index]}.#{i[:uniq]}/#{i[:arity]} in #{inspect(i[:module])}\"\n"
    "  true = String.starts_with?(inspect(f), head)\n"
    "  put.(f, head <> \">\")\n"
    "end\n"
    ":ok = :file.close(file)\n";

/* Makes and opens a corpus; false when the command fails. `range`: latin1 or unicode, Erlang
 * only. */
static int corpus_make(struct corpus *c, const char *command, const char *script, const char *range)
{
    char path[64], line[256];
    memset(c, 0, sizeof *c);
    strcpy(c->dir, "/tmp/tap_corpus.XXXXXX");
    if (!mkdtemp(c->dir))
        return 0;
    snprintf(path, sizeof path, "%s/script", c->dir);
    FILE *f = fopen(path, "w");
    if (!f)
        return 0;
    const char *mark = strstr(script, "@RANGE@");
    if (mark)
        fprintf(f, "%.*s%s%s", (int)(mark - script), script, range, mark + 7);
    else
        fputs(script, f);
    fclose(f);
    snprintf(line, sizeof line, "ERL_CRASH_DUMP=/dev/null %s %s/script %s/pairs >&2", command,
             c->dir, c->dir);
    if (system(line) != 0)
        return 0;
    snprintf(path, sizeof path, "%s/pairs", c->dir);
    c->file = fopen(path, "r");
    return c->file != NULL;
}

static void *corpus_read(struct corpus *c, uint32_t *len)
{
    uint8_t head[4];
    if (fread(head, 1, 4, c->file) != 4)
        return NULL;
    *len = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
    char *p = malloc((size_t)*len + 1);
    if (!p || fread(p, 1, *len, c->file) != *len) {
        free(p);
        return NULL;
    }
    p[*len] = 0;
    return p;
}

/* The next pair, until 0. */
static int corpus_next(struct corpus *c)
{
    free(c->term);
    free(c->text);
    c->text = NULL;
    c->term = corpus_read(c, &c->term_len);
    if (c->term)
        c->text = corpus_read(c, &c->text_len);
    return c->text != NULL;
}

static void corpus_end(struct corpus *c)
{
    char path[64];
    free(c->term);
    free(c->text);
    if (c->file)
        fclose(c->file);
    snprintf(path, sizeof path, "%s/script", c->dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/pairs", c->dir);
    unlink(path);
    rmdir(c->dir);
}

#endif
