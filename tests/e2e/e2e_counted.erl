%% Functions that are counted: for a call of one/1 there are two of two/2 and two of three/1.
-module(e2e_counted).
-export([one/1, two/2, three/1, builds/1, never/0]).

one(N) -> {two(N, a), two(N, b)}.
two(N, _) -> {three(N)}.
three(N) -> N + 1.
builds(N) -> lists:seq(1, N).
never() -> ok.
