/* filter:match_spec against a node: terms are read as erl_parse reads them, what is accepted is
 * what the VM accepts, and nothing that is written can hurt.
 */
#include "match_spec_lines.h"

/* ---- Terms: the same as erl_parse makes of the text */

static void terms_are_what_erl_reads(void)
{
    static const char *const terms[] = {
        "a",
        "'Hello world'",
        "'it\\'s'",
        "'\\x{e9}\\n'",
        "'\xC3\xA9\xE2\x82\xAC'",
        "\xC3\xA9t\xC3\xA9",
        "a@b_C9",
        "''",
        "0",
        "255",
        "256",
        "-1",
        "- 1",
        "+7",
        "-2147483648",
        "2147483648",
        "9223372036854775807",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "123456789012345678901234567890123456789012345678901234567890",
        "1_000_000",
        "16#fF",
        "2#1010",
        "36#zZ",
        "-16#ffffffffffffffffffff",
        "$a",
        "$\\n",
        "$\\s",
        "$ ",
        "$\\x41",
        "$\\x{20AC}",
        "$\\^a",
        "$\\101",
        "$\xE2\x82\xAC",
        "1.5",
        "-0.5",
        "1.0e10",
        "1.0E-3",
        "123_4.5_6",
        "5.0e-324",
        "0.1",
        "1.7976931348623157e308",
        "\"\"",
        "\"abc\"",
        "\"a\\\"b\\\\\"",
        "\"\xC3\xA9\xE2\x82\xAC\"",
        "\"ab\" \"cd\" \"\" \"e\"",
        "\"\\x{1F600}\\0\"",
        "<<>>",
        "<<\"abc\">>",
        "<<1, 2, 255>>",
        "<<\"a\", 0, \"b\">>",
        "<<\"\xC3\xA9\"/utf8>>",
        "<<\"\xC3\xA9\">>",
        "[]",
        "[a]",
        "[a, b | c]",
        "[a | [b | [c]]]",
        "[\"ab\", [97, 98]]",
        "[1 | \"ab\"]",
        "[[[]], [[]]]",
        "{}",
        "{a}",
        "{a, {b, [c]}, \"d\"}",
        "#{}",
        "#{a => 1, \"b\" => [c], 1 => 2, 1.0 => 3}",
        "{ a , % a comment, with \"quotes\n  b }",
        "{'_', '$1', '$$'}",
        "'\\d\\e\\v\\f\\b\\r\\t'"};
    oracle_begin();
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        char line[512];
        snprintf(line, sizeof line, "m:f/1 [{'_', [{const, %s}], []}]", terms[i]);
        const struct fake_claim *c = compile_line(NULL, line);
        if (!c)
            printf("# refused: %s: %s\n", line, fake.messages[0]);
        CU_ASSERT_FATAL(c != NULL);
        fputs("{c", oracle_file);
        oracle_text(strchr(line, '['));
        oracle_bytes(c->spec, c->spec_len);
        oracle_end_case();
    }
    CU_ASSERT(oracle_ask("begin " PARSE_TERM
                         "fun({_, Text, Bin}) -> case {Parse(Text), binary_to_term(Bin)} of {T, T} "
                         "-> ok; Other -> Other end end end"));
}

/* ---- Functions: every one with every number of arguments in every place, as the VM has it */

static void functions_are_those_of_the_vm(void)
{
    static const char *const others[] = {"foo",    "is_boolean", "is_bitstring", "++",
                                         "record", "date",       "list_to_atom", "const"};
    static const char *const targets[] = {"m:f/2", "send", "receive"}, *const heads[] = {
                                                                           "'$1','$2'", "'$1','$2'",
                                                                           "'$1','$2','$3'"};
    oracle_begin();
    for (size_t i = 0; i < FUNCTIONS + sizeof others / sizeof others[0]; i++)
        for (int n = 0; n < 5; n++)
            for (int at = 0; at < 6; at++) {
                const char *name = i < FUNCTIONS ? functions[i].name : others[i - FUNCTIONS];
                char line[256], arguments[32] = "";
                for (int k = 0; k < n; k++)
                    strcat(arguments, ",'$1'");
                snprintf(line, sizeof line, "%s [{[%s],%s[{'%s'%s}]%s}]", targets[at / 2],
                         heads[at / 2], at % 2 ? "[]," : "", name, arguments,
                         at % 2 ? "" : ",[]"); /* in the body, in the guard */
                const struct function *f = find_function(name, (size_t)n);
                if (f && f->where & FOREIGN)
                    continue; /* the VM would take it, we do not */
                bool taken = compile_line(NULL, line) != NULL;
                fprintf(oracle_file, "{%s, %d, %s", taken ? "true" : "false", f ? f->since : 0,
                        at / 2 == 0   ? "call"
                        : at / 2 == 1 ? "send"
                                      : "'receive'");
                oracle_text(strchr(line, '['));
                oracle_end_case();
            }
    CU_ASSERT(oracle_ask(
        "begin Release = list_to_integer(erlang:system_info(otp_release)), " PARSE_TERM
        "fun({Taken, Since, Where, Text}) -> What = case Where of call -> {lists, seq, 2}; _ -> "
        "Where end, Vm = try erlang:trace_pattern(What, Parse(Text), []), true catch error:badarg "
        "-> false end, Action = lists:any(fun(A) -> string:find(Text, A) =/= nomatch end, "
        "[<<\"{'return_trace'}\">>, <<\"{'exception_trace'}\">>]),"
        /* the VM takes them, but they do nothing there */
        " if Where =/= call, Action -> false = Taken, ok; Since > Release -> {false, _} = {Vm, "
        "Since}, ok; Vm =:= Taken -> ok; true -> {vm, Vm} end end end"));
}

/* ---- Anything at all */

static const char *const seeds[] = {
    "m:f(_, N) when N > 3 -> return, caller, stack",
    "Shop.Cart.add(#{k := V}, [H | T], {a, <<\"x\">>, 16#ff, 1.5}) when V == H; T =/= []",
    "send(To, {'$gen_call', _, M}) when is_pid(To), element(1, M) == put -> message({To, M})",
    "m:f/2",
    "receive(N, _, \"ab\")",
    "m:f(X) when not (X band 3 =:= 1 orelse abs(-X) < 2.5e3) -> message(#{a => [X | b]}), "
    "exception",
    "m:f/2 [{['_','$1'],[{'>','$1',3}],[{return_trace},{message,{{'$1',{caller}}}}]}]",
    "m:f/3 [{'_',[{'orelse',{is_list,'$_'},{const,{a,#{b => \"c\"}}}}],[]}, "
    "{['$1'|[]],[],[{message,'$1'}]}]",
    "send [{['$1',{a,'$2'}],[{'=:=',{node},{node,'$1'}}],[]}]"};

static unsigned mutate(char *text, size_t cap, unsigned seed)
{
    static const char *const bits[] = {
        "'", "\"", "$1",   "'$1'", "[",  "]",        "{",     "}",  "(", ")", ",",
        "|", "#{", ":=",   "=>",   "<<", ">>",       "when ", "->", ";", "_", "X",
        "-", "+",  "not ", "\\",   "$",  "\xC3\xA9", "\xFF",  "1",  ".", "%", "\n"};
    size_t len = strlen(text);
    for (int n = 1 + rand_r(&seed) % 4; n > 0; n--) {
        size_t at = (size_t)rand_r(&seed) % (len + 1), cut = (size_t)rand_r(&seed) % 4;
        const char *put =
            rand_r(&seed) % 3 ? bits[(size_t)rand_r(&seed) % (sizeof bits / sizeof bits[0])] : "";
        cut = cut > len - at ? len - at : cut;
        if (len - cut + strlen(put) + 1 > cap)
            continue;
        memmove(text + at + strlen(put), text + at + cut, len - at - cut + 1);
        memcpy(text + at, put, strlen(put));
        len = strlen(text);
    }
    return seed;
}

static void mutants_neither_hurt_nor_deceive(void)
{
    unsigned seed = 11, taken = 0, refused = 0;
    oracle_begin();
    for (int i = 0; i < 60000; i++) {
        char text[400];
        size_t from = (size_t)i % (sizeof seeds / sizeof seeds[0]);
        bool raw = from >= 6;
        strcpy(text, seeds[from]);
        seed = mutate(text, sizeof text, seed);
        const struct fake_claim *c = compile_line(raw ? NULL : text, raw ? text : NULL);
        refused += c == NULL;
        if (!c || fake.warnings || ++taken > 6000)
            continue;
        fprintf(oracle_file, "{%s",
                c->what == 'f'   ? "call"
                : c->what == 's' ? "send"
                                 : "'receive'");
        oracle_bytes(c->spec, c->spec_len);
        oracle_text(raw ? strchr(text, '[') : "");
        oracle_text(text);
        oracle_end_case();
    }
    CU_ASSERT(taken > 1000 && refused > 10000);
    CU_ASSERT(oracle_ask(
        "fun({Where, Bin, Raw, _}) -> Spec = binary_to_term(Bin), Same = Raw =:= <<>> orelse begin "
        "{ok, T, _} = erl_scan:string(unicode:characters_to_list(Raw) ++ \"\n.\"), T1 = case "
        "lists:reverse(T) of [D, {dot, _} | R] -> lists:reverse([D | R]); _ -> T end, {ok, P} = "
        "erl_parse:parse_term(T1), P =:= Spec end, What = case Where of call -> {lists, seq, 2}; _ "
        "-> Where end, Vm = try erlang:trace_pattern(What, Spec, []), true catch error:badarg -> "
        "false end, if Same, Vm -> ok; true -> {same, Same, vm, Vm} end end"));
}

UNIT_TESTS("filter_match_spec_vm", UNIT_TEST(terms_are_what_erl_reads),
           UNIT_TEST(functions_are_those_of_the_vm), UNIT_TEST(mutants_neither_hurt_nor_deceive))
