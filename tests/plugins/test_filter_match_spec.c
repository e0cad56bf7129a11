/* filter:match_spec: what a line means: names, the spec that is made of it, and the mistakes that
 * are told. The specs are compared with what a node reads and with what an Erlang clause of the
 * same text would match.
 */
#include "match_spec_lines.h"
#include "comma_locale.h"

static bool starts(const char *text, const char *with)
{
    bool yes = strncmp(text, with, strlen(with)) == 0;
    if (!yes)
        printf("# '%s' does not begin with '%s'\n", text, with);
    return yes;
}

/* ---- The readable form: the spec that is meant, and what an Erlang clause would match */

static void readable_lines_compile(void)
{
    static const struct {
        const char *line, *spec;
        uint32_t flags;
    } cases[] = {
        {"m:f", "[{'_',[],[]}]", 0},
        {"m:f/2", "[{'_',[],[]}]", 0},
        {"m:f()", "[{[],[],[]}]", 0},
        {"m:f(_, N) when N > 3 -> return, caller",
         "[{['_','$1'],[{'>','$1',3}],[{return_trace},{message,{caller}}]}]",
         TAP_PLAN_RETURN | TAP_PLAN_CALLER},
        {"m:f(X, X, {Y, [Z | Y]}) -> exception",
         "[{['$1','$1',{'$2',['$3'|'$2']}],[],[{exception_trace}]}]", TAP_PLAN_EXCEPTION},
        {"m:f(X) -> message({X, caller(), [X | a], #{k => X}})",
         "[{['$1'],[],[{message,{{'$1',{caller},['$1'|a],#{k=>'$1'}}}}]}]", TAP_PLAN_CALLER},
        {"m:f(X) -> stack, return", "[{['$1'],[],[{const,'$beamtap_stack'},{return_trace}]}]",
         TAP_PLAN_STACK | TAP_PLAN_RETURN},
        {"m:f(X) -> caller, message(X).", "[{['$1'],[],[{caller},{message,'$1'}]}]",
         TAP_PLAN_CALLER},
        {"m:f(#{k := V}) when V rem 2 =:= 0, V < 10; is_atom(V)",
         "[{[#{k=>'$1'}],[{'=:=',{'rem','$1',2},0},{'<','$1',10}],[]},{[#{k=>'$1'}],[{is_atom,'$1'}"
         "],[]}]",
         0},
        {"m:f(X) when X == '$1' orelse X == {'_', '$_'}",
         "[{['$1'],[{'orelse',{'==','$1',{const,'$1'}},{'==','$1',{{{const,'_'},{const,'$_'}}}}}],["
         "]}]",
         0},
        {"m:f(X) when not is_record(X, tag, 3) and (self() == X) andalso erlang:node(X) =/= node()",
         "[{['$1'],[{'andalso',{'and',{'not',{is_record,'$1',tag,3}},{'==',{self},'$1'}},{'=/"
         "=',{node,'$1'},{node}}}],[]}]",
         0},
        {"m:f(X) when X - 1 - 2 * -X >= bnot X band 3",
         "[{['$1'],[{'>=',{'-',{'-','$1',1},{'*',2,{'-','$1'}}},{'band',{'bnot','$1'},3}}],[]}]",
         0},
        {"m:f(Shop.Cart, \"ab\", <<1>>)", "[{['Elixir.Shop.Cart',\"ab\",<<1>>],[],[]}]", 0},
        {"send(To, {msg, N}) when N > 3 -> message(To)",
         "[{['$1',{msg,'$2'}],[{'>','$2',3}],[{message,'$1'}]}]", 0},
        {"receive(Node, _, _) when Node =/= node()", "[{['$1','_','_'],[{'=/=','$1',{node}}],[]}]",
         0},
        {"receive", "[{'_',[],[]}]", 0},
    };
    oracle_begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct fake_claim *c = compile_line(cases[i].line, NULL);
        if (!c)
            printf("# refused: %s: %s\n", cases[i].line, fake.messages[0]);
        CU_ASSERT_FATAL(c != NULL);
        bool call = c->what == 'f';
        CU_ASSERT(c->flags == (cases[i].flags | TAP_PLAN_EXACT | (call ? TAP_PLAN_NAMED : 0)));
        CU_ASSERT(c->what == (strncmp(cases[i].line, "send", 4)
                                  ? strncmp(cases[i].line, "rec", 3) ? 'f' : 'r'
                                  : 's'));
        fputs("{c", oracle_file);
        oracle_text(cases[i].spec);
        oracle_bytes(c->spec, c->spec_len);
        oracle_end_case();
    }
    CU_ASSERT(oracle_ask(
        "begin " PARSE_TERM
        "fun({_, Text, Bin}) -> Spec = binary_to_term(Bin), {Spec, Spec} = {Parse(Text), Spec}, "
        "{ok, _, _, _} = erlang:match_spec_test([], Spec, trace), ok end end"));
}

/* A host program may write 1,5 for 1.5. */
static void floats_ask_no_locale(void)
{
    static const uint8_t float15[] = {TAP_EXT_NEW_FLOAT, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0};
    comma_locale();
    for (int raw = 0; raw < 2; raw++) {
        const struct fake_claim *c =
            raw ? compile_line(NULL, "m:f/1 [{['$1'],[{'>','$1',1.5}],[]}]")
                : compile_line("m:f(X) when X > 1.5", NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(c);
        CU_ASSERT_PTR_NOT_NULL(memmem(c->spec, c->spec_len, float15, sizeof float15));
    }
}

static void readable_lines_match_as_erlang_clauses_do(void)
{
    static const struct {
        const char *head, *guard;
    } cases[] = {
        {"_", "true"},
        {"X", "is_atom(X)"},
        {"X", "X > 2"},
        {"X", "X == 3"},
        {"X", "X =:= 3"},
        {"3", "true"},
        {"3.0", "true"},
        {"-1", "true"},
        {"a", "true"},
        {"[]", "true"},
        {"[H|_]", "H == 1"},
        {"[_, Y]", "Y > 1"},
        {"\"ab\"", "true"},
        {"{a, X}", "is_integer(X)"},
        {"{X, X}", "true"},
        {"{}", "true"},
        {"#{}", "true"},
        {"#{a := 1}", "true"},
        {"#{a := V}", "V >= 1"},
        {"#{a := 1, b := _}", "true"},
        {"{_, #{a := X}}", "X =/= 2"},
        {"<<\"abc\">>", "true"},
        {"X", "hd(X) > 1; X == a"},
        {"X", "hd(X) > 1 orelse X == a"},
        {"X", "X == a; hd(X) =:= 1; element(1, X) == b"},
        {"X", "length(X) == 2, hd(X) == 1"},
        {"X", "size(X) == 3"},
        {"X", "map_size(X) > 0"},
        {"X", "is_boolean(X)"},
        {"X", "not is_boolean(X)"},
        {"X", "X"},
        {"X", "not X"},
        {"X", "X and true"},
        {"X", "X or true"},
        {"X", "true or X"},
        {"X", "true orelse X"},
        {"X", "false andalso X; X == a"},
        {"X", "X andalso true"},
        {"X", "X xor true"},
        {"X", "is_map_key(a, X)"},
        {"X", "map_get(a, X) == 1"},
        {"X", "byte_size(X) == 3"},
        {"X", "abs(X) == 1"},
        {"X", "round(X) == 3"},
        {"X", "trunc(X) =:= 2"},
        {"X", "X div 2 == 1"},
        {"X", "X rem 2 == 1"},
        {"X", "X / 2 == 1.5"},
        {"X", "X band 1 == 1"},
        {"X", "X bor 1 == 3"},
        {"X", "X bxor 1 == 3"},
        {"X", "bnot X == -2"},
        {"X", "X bsl 1 == 4"},
        {"X", "X bsr 1 == 1"},
        {"X", "-X == 1"},
        {"X", "+X == 1"},
        {"X", "X + 1 * 2 == 5"},
        {"X", "(X + 1) * 2 == 8"},
        {"X", "X - 1 - 1 == 1"},
        {"X", "X == {a, 1}"},
        {"X", "X == [1, 2]"},
        {"X", "X == \"ab\""},
        {"X", "X == #{a => 1}"},
        {"X", "X == {}"},
        {"X", "X == <<\"abc\">>"},
        {"X", "X == '_'"},
        {"X", "X == '$1'"},
        {"X", "element(2, {a, X}) == 3"},
        {"X", "hd([X | a]) == 3"},
        {"X", "is_record(X, a, 2)"},
        {"X", "is_pid(X)"},
        {"X", "X == self()"},
        {"X", "node(X) == node()"},
        {"X", "is_list(X), tl(X) == []"},
        {"X", "is_function(X)"},
        {"X", "is_float(X) or is_number(X)"},
        {"X, Y", "X < Y"},
        {"X, Y", "X =< Y, is_integer(X)"},
        {"X, X", "true"},
        {"{a, X}, X", "true"},
        {"X, [X | _]", "true"},
        {"X, Y", "hd(Y) == X; element(1, Y) == X"},
        {"X, _Y", "X =:= 1"},
        {"X, Y", "is_atom(X) =:= is_atom(Y)"},
        {"X, Y", "{X, Y} > {2, a}"},
        {"X, Y", "X orelse Y"},
        {"X, Y", "is_map_key(X, Y)"},
        {"#{a := X}, X", "true"},
    };
    oracle_begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[256];
        snprintf(line, sizeof line, "m:f(%s) when %s", cases[i].head, cases[i].guard);
        const struct fake_claim *c = compile_line(line, NULL);
        if (!c)
            printf("# refused: %s: %s\n", line, fake.messages[0]);
        CU_ASSERT_FATAL(c != NULL);
        fprintf(oracle_file, "{%d", c->arity);
        snprintf(line, sizeof line, "fun([%s]) when %s -> true; (_) -> false end.", cases[i].head,
                 cases[i].guard);
        oracle_text(line);
        oracle_bytes(c->spec, c->spec_len);
        oracle_end_case();
    }
    CU_ASSERT(oracle_ask(
        "begin Pool = [0, 1, 2, 3, -1, 2.5, 3.0, a, b, true, false, '_', '$1', [], [1], [1,2], "
        "[2,1], [3|a], \"ab\", {}, {a}, {a,1}, {a,a}, {b,3}, {1,2,3}, {x,#{a=>1}}, {x,#{a=>2}}, "
        "#{}, #{a=>1}, #{a=>2}, #{a=>1,b=>2}, #{1=>a}, <<>>, <<\"abc\">>, self(), fun "
        "lists:seq/2], fun({Arity, Text, Bin}) -> {ok, T, _} = "
        "erl_scan:string(binary_to_list(Text)), {ok, E} = erl_parse:parse_exprs(T), {value, F, _} "
        "= erl_eval:exprs(E, []), Spec = binary_to_term(Bin), Args = case Arity of 1 -> [[A] || A "
        "<- Pool]; 2 -> [[A, B] || A <- Pool, B <- Pool] end, case [{A, F(A), M} || A <- Args, M "
        "<- [case erlang:match_spec_test(A, Spec, trace) of {ok, R, _, _} -> R; O -> O end], M =/= "
        "F(A)] of [] -> true = lists:any(F, Args), ok; [W | _] -> W end end end"));
}

/* ---- Names */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static void names_of_functions(void)
{
    static const struct {
        const char *line, *module, *function;
        int arity;
        bool named;
    } cases[] = {{"shop_cart:add/2", "shop_cart", "add", 2, true},
                 {"  shop_cart : add / 2 .", "shop_cart", "add", 2, true},
                 {"shop_cart:add(_, N)", "shop_cart", "add", 2, true},
                 {"shop_cart:*", "shop_cart", NULL, -1, true},
                 {"shop_cart", "shop_cart", NULL, -1, true},
                 {" Shop.Cart -> return", "Elixir.Shop.Cart", NULL, -1, true},
                 {"shop_* when true", "shop_*", NULL, -1, false},
                 {"shop_cart:_", "shop_cart", NULL, -1, true},
                 {"shop_cart:'_'/'_'", "shop_cart", NULL, -1, true},
                 {"shop_cart:'+'/2", "shop_cart", "+", 2, true},
                 {"shop_*:add/2", "shop_*", "add", 2, false},
                 {"*:add", "*", "add", -1, false},
                 {"*:*", NULL, NULL, -1, false},
                 {"'_':'_'", NULL, NULL, -1, false},
                 {"Shop.Cart.add/2", "Elixir.Shop.Cart", "add", 2, true},
                 {"Shop.Cart:add/2", "Elixir.Shop.Cart", "add", 2, true},
                 {"Shop.add", "Elixir.Shop", "add", -1, true},
                 {"Elixir.Shop.add", "Elixir.Shop", "add", -1, true},
                 {"'Elixir.Shop':add", "Elixir.Shop", "add", -1, true},
                 {"Shop.Cart.empty?/1", "Elixir.Shop.Cart", "empty?", 1, true},
                 {"Shop.Cart.save!(_)", "Elixir.Shop.Cart", "save!", 1, true},
                 {"Shop.Cart.__info__/1", "Elixir.Shop.Cart", "__info__", 1, true},
                 {"Shop.Cart.*", "Elixir.Shop.Cart", NULL, -1, true},
                 {"Shop.*:add", "Elixir.Shop.*", "add", -1, false},
                 {"Shop.*.add", "Elixir.Shop.*", "add", -1, false},
                 {"send:f/1", "send", "f", 1, true},
                 {"'receive':f/1", "receive", "f", 1, true},
                 {"m:f/0", "m", "f", 0, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct fake_claim *c = compile_line(cases[i].line, NULL);
        if (!c)
            printf("# refused: %s: %s\n", cases[i].line, fake.messages[0]);
        CU_ASSERT_FATAL(c != NULL);
        CU_ASSERT(same_text(c->module, cases[i].module));
        CU_ASSERT(same_text(c->function, cases[i].function));
        CU_ASSERT(c->arity == cases[i].arity && !(c->flags & TAP_PLAN_NAMED) == !cases[i].named);
        if (!same_text(c->module, cases[i].module) || c->arity != cases[i].arity)
            printf("# %s: %s %s %d\n", cases[i].line, c->module, c->function, c->arity);
    }
}

/* ---- Mistakes */

static void mistakes_are_told_with_their_place(void)
{
    static const struct {
        bool raw;
        const char *line, *message;
    } cases[] = {
        {0, "", "0: expected module:function"},
        {0, "shop_cart add", "10: expected ':'"},
        {0, "Shop add", "5: expected '.' or ':'"},
        {0, "m:F/2", "2: expected a function"},
        {0, "m:f/x", "4: an arity"},
        {0, "m:f/256", "4: an arity"},
        {0, "m:*/2", "2: an arity needs"},
        {0, "m:f/2(X, Y)", "5: after an arity"},
        {0, "m:f(X", "5: expected ',' or ')', but the text ends here"},
        {0, "m:f(X,)", "6: expected a term, found )"},
        {0, "m:f(X) where X", "7: expected 'when', '->' or the end, found where"},
        {0, "m:f(X) when", "11: expected a term, but the text ends"},
        {0, "m:f(X) when Y > 1", "12: variable Y is not bound"},
        {0, "m:f(Count) when Coutn > 1",
         "16: variable Coutn is not bound in the head (did you mean Count?)"},
        {0, "m:f(_) when _ > 1", "12: '_' can only"},
        {0, "m:f(X) when is_atm(X)",
         "12: unknown guard function 'is_atm' (did you mean 'is_atom'?)"},
        {0, "m:f(X) when is_atom(X, 1)", "12: 'is_atom' takes 1 argument, not 2"},
        {0, "m:f(X) when message(X)", "12: 'message' is an action"},
        {0, "m:f(X) when is_record(X, r)", "12: records are not known"},
        {0, "m:f(X) when lists:member(X, [a])", "12: only functions of the module erlang"},
        {0, "m:f(X) when X > 1 > 0", "18: comparisons do not chain"},
        {0, "Shop:add(_, n) when n > 3", "22: this compares two constants"},
        {0, "m:f(X) -> retrun", "10: unknown action 'retrun' (did you mean 'return'?)"},
        {0, "m:f(X) -> message", "10: message needs a value"},
        {0, "m:f(X) -> message(Y)", "18: variable Y"},
        {0, "m:f(X) -> return,", "17: expected a term"},
        {0, "send(To, M) -> return", "15: 'return' is an action of calls only"},
        {0, "send(M)", "4: this head has 1 elements, but it is matched with [To, Message]"},
        {0, "receive(A, B)", "7: this head has 2 elements"},
        {0, "receive(A, B, C) when is_seq_trace()",
         "22: 'is_seq_trace' cannot be used with receive"},
        {0, "m:f(X + 1)", "6: an operator cannot"},
        {0, "m:f(g(X))", "4: a function call cannot"},
        {0, "m:f('$1')", "4: this atom means a variable"},
        {0, "m:f(#{X := 1})", "6: the key of a map"},
        {0, "m:f(#{a => 1})", "4: in a pattern a map"},
        {0, "m:f(#{a := 1, a := 2})", "14: this key stands twice"},
        {0, "m:f(#r{a = 1})", "4: records are not known"},
        {0, "m:f(X) when X == 'a", "17: the closing single quote"},
        {0, "m:f(X) when X == 5x", "18: a number ends"},
        {0, "m:f(X) when X == 37#1", "17: the base"},
        {0, "m:f(X) when X == \xFF", "17: this character means nothing"},
        {0, "m:f(end)", "4: expected a term; 'end' is a reserved word"},
        {0, "m:f(<<256>>)", "6: a byte is 0 to 255"},
        {0, "m:f(1.0e999)", "4: this float is too large"},
        {0, "m:f(\"\\x{D800}\")", "5: this escape"},
        {1, "m:f/2", "5: expected a match spec"},
        {1, "m:f/2 []", "6: a match spec is a list"},
        {1, "m:f/2 [{'_', []}]", "7: each part"},
        {1, "m:f/2 [{[a], [], []}]", "8: this head has 1 elements, but the function has 2"},
        {1, "m:f/2 [{a, [], []}]", "8: a head is '_'"},
        {1, "m:f/2 [{{'$1', '$2'}, [], []}]", "8: a head is '_'"},
        {1, "m:f/2 [{['$1' | '$2'], [], []}]", "8: a head is '_'"},
        {1, "m:f/1 [{['$1'],\n   [{is_atm, '$1'}], []}]", "21: unknown guard function 'is_atm'"},
        {1, "m:f/1 [{['$1'], [{'>', '$2', 1}], []}]", "23: '$2' is not bound"},
        {1, "m:f/1 [{['$1'], {'>', '$1', 1}, []}]", "16: expected a list of conditions"},
        {1, "m:f/1 [{['$1'], [], [{retrun_trace}]}]",
         "22: unknown function or action 'retrun_trace' (did"},
        {1, "m:f/1 [{['$1'], [{return_trace}], []}]", "18: 'return_trace' is an action"},
        {1, "m:f/1 [{['$1'], [], [{message, {a, b}}]}]", "32: unknown function or action 'a'"},
        {1, "m:f/1 [{['$1'], [], [{message, {1, b}}]}]", "31: this is not a function call"},
        {1, "m:f/1 [{['$1'], [], [{enable_trace, call}]}]", "22: 'enable_trace' would change"},
        {1, "m:f/1 [{['$1'], [], [{silent, true}]}]", "22: 'silent' would change"},
        {1, "m:f/1 [{['$1'], [], [{message, {silent, '$1'}}]}]", "32: 'silent' would change"},
        {1, "m:f/1 [{['$1'], [], [{disable_trace, call}]}]", "22: 'disable_trace' would change"},
        {1, "m:f/1 [{['$1'], [], [{disable_trace, '$1', call}]}]", "22: 'disable_trace' would"},
        {1, "send [{'_', [], [{trace, [], []}]}]", "18: 'trace' would change"},
        {1, "m:f [{'_', [{is_list, '$_'}], []}]", "22: of a call without arguments '$_'"},
        {1, "m:f/0 [{[], [], [{message, {{'$_'}}}]}]", "29: of a call without arguments '$_'"},
        {1, "m:f [{'$1', [], []}, {'$1', [{'=:=', '$_', 1}], []}]", "37: of a call without"},
        {1, "m:f/1 [{[X], [], []}]", "9: a raw match spec has no variables"},
        {1, "m:f/1 [{[_], [], []}]", "9: a raw match spec has no variables: write '_'"},
        {1, "m:f/1 [{['$1'], ['$1' > 1], []}]", "22: a raw match spec has no operators"},
        {1, "send [{['_'], [], []}]", "7: this head has 1"},
        {1, "receive [{'_', [], [{caller}]}]", "21: 'caller' cannot be used with receive"},
        {1, "m:f/1 [{'_', [], []}] x", "22: expected the end, found x"},
        {1, "m:f/1 [{#{'$1' => 1}, [], []}]", "8: a head is"},
        {1, "m:f/1 [{[#{'$1' => 1}], [], []}]", "11: the key of a map"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *line = cases[i].line;
        const struct fake_claim *c =
            compile_line(cases[i].raw ? NULL : line, cases[i].raw ? line : NULL);
        CU_ASSERT(c == NULL);
        if (c)
            printf("# accepted: %s\n", line);
        else
            CU_ASSERT(fake.message_count == 1 && starts(fake.messages[0], cases[i].message));
    }
    CU_ASSERT(create(NULL, NULL) == NULL);
    CU_ASSERT(create("m:f(", "m:f/1 [x]") == NULL &&
              fake.message_count == 2); /* every line's mistake in one pass */
}

static void depth_is_bounded(void)
{
    static const char *const units[] = {
        "[", "{", "(", "-", "not ", "#{a:=", "f(", "1+(", "[a|", "#{", "<<", "1+"};
    char *text = malloc(80000);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        strcpy(text, "m:f(X) when ");
        char *p = text + strlen(text);
        for (size_t n = 0; n < 60000; n += strlen(units[i]))
            p = stpcpy(p, units[i]);
        CU_ASSERT(compile_line(text, NULL) == NULL);
    }
    strcpy(text, "m:f(X) when X == ");
    for (char *p = text + strlen(text), *end = text + 60000; p < end;)
        p = stpcpy(p, "\"a\""); /* one long string: no depth, and no time either */
    CU_ASSERT(compile_line(text, NULL) != NULL);
    strcpy(text, "m:f(X) when X == 1");
    for (int n = 0; n < 80; n++)
        strcat(text, " orelse X == 1");
    CU_ASSERT(compile_line(text, NULL) != NULL);
    memset(text, ' ', 70000);
    strcpy(text + 70000, "m:f");
    CU_ASSERT(compile_line(text, NULL) == NULL);
    free(text);
}

/* ---- Judging */

static void judges_calls_by_function(void)
{
    void *m = create("shop_*:add/2", "m:f [{'_', [], []}]");
    static const struct {
        const char *module, *function;
        int arity;
    } calls[] = {{"shop_cart", "add", 2}, {"shop_cart", "add", 3}, {"shop_cart", "del", 2},
                 {"m", "f", 0},           {"m", "g", 0},           {"x", "f", 2}};
    for (unsigned kind = TAP_FUNCTION_CALL; kind <= TAP_FUNCTION_EXCEPTION; kind++) {
        for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
            struct tap_event *e = batch_add(kind, 1);
            e->module = fake_name(calls[i].module), e->function = fake_name(calls[i].function),
            e->arity = calls[i].arity;
        }
        batch_add(TAP_MESSAGE_SEND, 1);
        CU_ASSERT_STRING_EQUAL(fake_filter(m), "+--+--+");
    }
    match_spec_destroy(m);
    m = create("send(_, ok)", NULL); /* it speaks of sends alone: calls are not its business */
    CU_ASSERT(fake.claims[0].what == 's');
    batch_add(TAP_FUNCTION_CALL, 1)->module = fake_name("m");
    CU_ASSERT_STRING_EQUAL(fake_filter(m), "+");
    match_spec_destroy(m);
}

/* A call of m:f/1 with this argument (0: it was not carried), and its end. */
/* As another tool's trace port tells it: nothing stands beside the call. */
static struct tap_span message_of(const struct tap_buf *arguments)
{
    struct tap_buf b = {0};
    tap_write_tuple(&b, 5), tap_write_atom(&b, "trace_ts"), tap_write_atom(&b, "somebody");
    tap_write_atom(&b, "call"), tap_write_tuple(&b, 3);
    tap_write_atom(&b, "m"), tap_write_atom(&b, "f");
    tap_buf_put(&b, arguments->data, arguments->len);
    tap_write_i64(&b, 1);
    struct tap_span message = batch_term(b.data, b.len);
    tap_buf_free(&b);
    return message;
}

static void add_call(unsigned kind, unsigned argument, bool by_port)
{
    struct tap_event *e = batch_add(kind, 1);
    struct tap_buf b = {0};
    e->module = fake_name("m"), e->function = fake_name("f"), e->arity = 1;
    tap_write_list(&b, 1), tap_write_i64(&b, argument), tap_write_nil(&b);
    if (kind == TAP_FUNCTION_CALL && argument)
        e->payload = batch_term(b.data, b.len);
    else if (kind == TAP_FUNCTION_CALL)
        e->flags = TAP_EVENT_ARITY_ONLY;
    if (kind == TAP_FUNCTION_CALL && by_port)
        e->raw = message_of(&b);
    tap_buf_free(&b);
}

/* Returns and exceptions whose call came before the recording, or was not told: what can be said of
 * any call of the function. */
static void ends_without_their_call_are_judged(void)
{
    static const struct {
        const char *trace;
        int drop;
        const char *verdict; /* an end unseen, that of a 5, of a 1, of an unknown one */
        unsigned counted;
    } cases[] = {{"m:f/1", 1,
                  "+"
                  "++"
                  "++"
                  "++",
                  0},
                 {"m:f(_)", 1,
                  "+"
                  "++"
                  "++"
                  "++",
                  0},
                 {"m:f(X) when X > 3", 0,
                  "+"
                  "++"
                  "--"
                  "++",
                  2},
                 {"m:f(X) when X > 3", 1,
                  "-"
                  "++"
                  "--"
                  "--",
                  2},
                 {"m:f(X) when X > 3; is_pid(self())", 1,
                  "-"
                  "++"
                  "--"
                  "--",
                  3},
                 {"m:f(X) when false, X > 3", 0,
                  "-"
                  "--"
                  "--"
                  "--",
                  0}};
    static const unsigned kinds[] = {TAP_FUNCTION_RETURN, TAP_FUNCTION_EXCEPTION};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t k = 0; k < 4; k++) {
            unsigned kind = kinds[k % 2];
            if (k >= 2 && strstr(cases[i].trace, "self()")) /* a message tells who that is */
                continue;
            struct tap_text item = {.text = cases[i].trace, .file = "t.ini", .line = 7};
            struct tap_match_spec_settings s = {{1, &item}, {0, NULL}, cases[i].drop};
            void *m = fake_create(&s);
            CU_ASSERT_PTR_NOT_NULL_FATAL(m);
            add_call(kind, 0, false);
            static const unsigned arguments[] = {5, 1, 0};
            for (size_t a = 0; a < 3; a++) {
                add_call(TAP_FUNCTION_CALL, arguments[a], k >= 2);
                add_call(kind, 0, false);
            }
            CU_ASSERT_STRING_EQUAL(fake_filter(m), cases[i].verdict);
            CU_ASSERT(fake.counted == cases[i].counted && fake.warnings == !!cases[i].counted);
            CU_ASSERT(!fake.warnings || starts(fake.warning, "line 7: this cannot be judged of "
                                                             "every event here: there are "
                                                             "returns and exceptions of calls"));
            match_spec_destroy(m);
        }
}

UNIT_TESTS("filter_match_spec", UNIT_TEST(readable_lines_compile), UNIT_TEST(floats_ask_no_locale),
           UNIT_TEST(readable_lines_match_as_erlang_clauses_do), UNIT_TEST(names_of_functions),
           UNIT_TEST(mistakes_are_told_with_their_place), UNIT_TEST(depth_is_bounded),
           UNIT_TEST(judges_calls_by_function), UNIT_TEST(ends_without_their_call_are_judged))
