%% text.hrl: sentences for the user, made with built-in functions alone.
%%
%% io_lib calls modules that a node may have lost (a deploy moved its folders), and then fails in the middle of an
%% undoing. What is here needs no module, is bounded, and always gives a text.

-define(TEXT_STRING, 200).  % characters of a string or bytes of a binary inside a term
-define(TEXT_TERM, 60).     % parts of a term, where the format does not say how many

%% As io_lib:format, in UTF-8: ~s ~ts, ~b, ~.1f, ~p (with t and 0), and ~P with the number of parts that are shown. Which of
%% these stand in the sources, and with how many arguments, build.escript looks at.
text(Format, Arguments) ->
    try unicode:characters_to_binary(text_parts(Format, Arguments), utf8) of
        Text when is_binary(Text) -> Text;
        _ -> list_to_binary(Format)
    catch _:_ -> list_to_binary(Format)
    end.

text_parts([], _) -> [];
text_parts([$~ | Rest], Arguments) -> text_part(Rest, Arguments);
text_parts([C | Rest], Arguments) -> [C | text_parts(Rest, Arguments)].

text_part([C | Rest], Arguments) when C =:= $t; C >= $0, C =< $9 -> text_part(Rest, Arguments);
text_part([$s | Rest], [A | Arguments]) when is_atom(A) -> [atom_to_binary(A, utf8) | text_parts(Rest, Arguments)];
text_part([$s | Rest], [Text | Arguments]) -> [Text | text_parts(Rest, Arguments)];
text_part([$., $1, $f | Rest], [F | Arguments]) -> [float_to_list(F, [{decimals, 1}]) | text_parts(Rest, Arguments)];
text_part([$b | Rest], [N | Arguments]) -> [integer_to_binary(N) | text_parts(Rest, Arguments)];
text_part([$p | Rest], [Term | Arguments]) -> [text_term(Term, ?TEXT_TERM) | text_parts(Rest, Arguments)];
text_part([$P | Rest], [Term, Parts | Arguments]) -> [text_term(Term, Parts) | text_parts(Rest, Arguments)].

text_term(Term, Parts) -> {Text, _} = term_print(Term, Parts), Text.

%% {Text, parts that are left}.
term_print(_, N) when N =< 0 -> {"...", 0};
term_print([], N) -> {"[]", N - 1};
term_print([_ | _] = List, N) ->
    case is_string(List, ?TEXT_STRING) of
        true -> {[$", List, $"], N - 1};
        false ->
            {Parts, Left} = list_print(List, N - 1),
            {[$[, Parts, $]], Left}
    end;
term_print(Tuple, N) when is_tuple(Tuple) ->
    {Parts, Left} = tuple_print(1, Tuple, N - 1),
    {[${, Parts, $}], Left};
term_print(Term, N) ->
    {plain_print(Term), N - 1}.

list_print([Last], N) -> term_print(Last, N);
list_print(_, N) when N =< 0 -> {"...", 0};
list_print([First | Rest], N) ->
    {Text, Left} = term_print(First, N),
    {More, End} = case Rest of
        [_ | _] -> list_print(Rest, Left);
        _ -> term_print(Rest, Left)
    end,
    {[Text, case Rest of [_ | _] -> $,; _ -> $| end, More], End}.

tuple_print(I, Tuple, N) when I > tuple_size(Tuple) -> {"", N};
tuple_print(1, Tuple, N) ->
    {Text, Left} = term_print(element(1, Tuple), N),
    {More, End} = tuple_print(2, Tuple, Left),
    {[Text, More], End};
tuple_print(_, _, N) when N =< 0 -> {",...", 0};
tuple_print(I, Tuple, N) ->
    {Text, Left} = term_print(element(I, Tuple), N),
    {More, End} = tuple_print(I + 1, Tuple, Left),
    {[$,, Text, More], End}.

plain_print(A) when is_atom(A) -> atom_print(A);
plain_print(N) when is_integer(N), abs(N) < 1 bsl 128 -> integer_to_list(N);
plain_print(N) when is_integer(N) -> "an integer of more than 128 bits";
plain_print(F) when is_float(F) -> float_to_list(F, [short]);
plain_print(P) when is_pid(P) -> pid_to_list(P);
plain_print(R) when is_reference(R) -> ref_to_list(R);
plain_print(P) when is_port(P) -> port_to_list(P);
plain_print(F) when is_function(F) -> erlang:fun_to_list(F);
plain_print(M) when is_map(M) -> ["#{", integer_to_list(map_size(M)), " keys}"];
plain_print(B) when is_binary(B), byte_size(B) =< ?TEXT_STRING ->
    Chars = unicode:characters_to_list(B, utf8),
    case is_list(Chars) andalso is_string(Chars, ?TEXT_STRING) of
        true -> ["<<\"", Chars, "\">>"];
        false -> bits_print(B)
    end;
plain_print(B) -> bits_print(B).

bits_print(B) -> ["<<", integer_to_list(bit_size(B)), " bits>>"].

%% Reserved words are not quoted: it is for people to read.
atom_print(A) ->
    Chars = atom_to_list(A),
    case Chars of
        [C | Rest] when C >= $a, C =< $z -> case is_plain(Rest) of true -> Chars; false -> atom_quoted(Chars) end;
        _ -> atom_quoted(Chars)
    end.

is_plain(Chars) -> [C || C <- Chars, not is_word(C), C =/= $@] =:= [].

is_word(C) -> (C >= $a andalso C =< $z) orelse (C >= $A andalso C =< $Z) orelse (C >= $0 andalso C =< $9) orelse C =:= $_.

atom_quoted(Chars) ->
    [$', [case C of $' -> "\\'"; $\\ -> "\\\\"; $\n -> "\\n"; _ -> C end || C <- Chars], $'].

is_string([], _) -> true;
is_string([C | Rest], Left) when Left > 0, is_integer(C), C >= 32, C =< 16#10ffff, C =/= $", C =/= $\\ ->
    not (C >= 16#d800 andalso C =< 16#dfff) andalso is_string(Rest, Left - 1);
is_string(_, _) -> false.
