%% e2e_load: what is too much for the process that traces it.
%%
%% run(K, N): K calls of outer/2, each with a list of N numbers, which goes with every call of its hundred; slow(K, N, Ms)
%% rests between them.
-module(e2e_load).
-export([run/2, slow/3, outer/2, inner/2]).

run(K, N) -> slow(K, N, 0).

slow(K, N, Ms) ->
    Term = lists:seq(1, N),
    Ref = make_ref(),
    Parent = self(),
    spawn(fun() -> [begin outer(100, Term), Ms > 0 andalso timer:sleep(Ms) end || _ <- lists:seq(1, K)], Parent ! Ref end),
    receive Ref -> ok end.

outer(N, Term) -> [inner(I, Term) || I <- lists:seq(1, N)], ok.
inner(N, _) -> N.
