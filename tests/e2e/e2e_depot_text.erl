%% e2e_depot_text: lines of a report. pad/2 looks innocent, and builds its text anew for each blank.
-module(e2e_depot_text).
-export([line/2, name/1, pad/2]).

line(Article, N) ->
    pad(name(Article), 350) ++ integer_to_list(N).

name(Article) ->
    atom_to_list(Article).

pad(Text, Width) ->
    pad(Text, Width, []).

pad(Text, Width, Blanks) when length(Text) + length(Blanks) < Width ->
    pad(Text, Width, lists:reverse(lists:reverse(Blanks)) ++ [$\s]);
pad(Text, _, Blanks) ->
    Text ++ Blanks.
