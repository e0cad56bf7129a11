/* filter:match_spec in Elixir's own syntax: Elixir judges what generated patterns and guards match,
 * and the VM what the spec matches that was made of them.
 */
#include "match_spec_lines.h"

/* ---- The spec that is meant */

static void lines_compile(void)
{
    static const struct {
        const char *line, *module, *function, *spec;
        int arity;
    } cases[] = {
        {"Shop.Cart.add(_, %{price: p}) when p > 3 -> return", "Elixir.Shop.Cart", "add",
         "[{['_',#{price=>'$1'}],[{'>','$1',3}],[{return_trace}]}]", 2},
        {"Shop.Cart.add(%Shop.Item{id: 1}, :ok, \"text\", ~c\"ab\", 'ab', nil, true)",
         "Elixir.Shop.Cart", "add",
         "[{[#{'__struct__'=>'Elixir.Shop.Item',id=>1},ok,<<\"text\">>,\"ab\",\"ab\",nil,true],[],["
         "]"
         "}]",
         7},
        {"Shop.Cart.add/2", "Elixir.Shop.Cart", "add", "[{'_',[],[]}]", 2},
        {"Shop.Cart.*", "Elixir.Shop.Cart", NULL, "[{'_',[],[]}]", -1},
        {"Shop.Cart -> return", "Elixir.Shop.Cart", NULL, "[{'_',[],[{return_trace}]}]", -1},
        {"Shop.Cart.empty?(x) when not x -> caller, exception", "Elixir.Shop.Cart", "empty?",
         "[{['$1'],[{'not','$1'}],[{message,{caller}},{exception_trace}]}]", 1},
        {"Shop.Cart.\"odd name\"(a: 1, b: x) when x == a?(x)", NULL, NULL, NULL, 0},
        {"Shop.Cart.\"odd name\"(7, a: 1, b: x)", "Elixir.Shop.Cart", "odd name",
         "[{[7,[{a,1},{b,'$1'}]],[],[]}]", 2},
        {":lists.map(f, [h | _]) when is_function(f) and h != 1 -> message({h, [f], %{k: h}})",
         "lists", "map",
         "[{['$1',['$2'|'_']],[{'andalso',{is_function,'$1'},{'/=','$2',1}}],[{message,{{'$2',['$1'"
         "],#{k=>'$2'}}}}]}]",
         2},
        {":\"my mod\".run()", "my mod", "run", "[{[],[],[]}]", 0},
        {":shop_*.add(_)", "shop_*", "add", "[{['_'],[],[]}]", 1},
        {"Shop.*.add(x) when x === 1 when x in [2, 3]", "Elixir.Shop.*", "add",
         "[{['$1'],[{'=:=','$1',1}],[]},{['$1'],[{'orelse',{'=:=','$1',2},{'=:=','$1',3}}],[]}]",
         1},
        {"Shop.f(<<\"ab\", _::binary>>)", "Elixir.Shop", "f",
         "[{['$1'],[{is_binary,'$1'},{'>=',{byte_size,'$1'},2},{'=:=',{binary_part,'$1',0,2},<<"
         "\"ab\">>}],[]}]",
         1},
        {"Shop.f(x) # a comment, %{\n when x in 1..9 and not is_nil(x)", "Elixir.Shop", "f",
         "[{['$1'],[{'andalso',{'andalso',{is_integer,'$1'},{'>=','$1',1},{'=<','$1',9}},{'not',{'="
         ":=','$1',nil}}}],[]}]",
         1},
        {"Shop.f(x) when elem(x, 0) == :a or is_map_key(x, :b) or x.c < -1", "Elixir.Shop", "f",
         "[{['$1'],[{'orelse',{'orelse',{'==',{element,1,'$1'},a},{is_map_key,b,'$1'}},{'<',{map_"
         "get,c,'$1'},-1}}],[]}]",
         1},
        {"send(to, {:order, %{id: id}}) when id > 3", NULL, NULL,
         "[{['$1',{order,#{id=>'$2'}}],[{'>','$2',3}],[]}]", -1},
        {"receive(_, _, {:EXIT, _, r}) -> message(r)", NULL, NULL,
         "[{['_','_',{'EXIT','_','$1'}],[],[{message,'$1'}]}]", -1},
        /* Erlang's patterns stay Erlang's. */
        {"Shop.Cart:add(_, N) when N > 3", "Elixir.Shop.Cart", "add",
         "[{['_','$1'],[{'>','$1',3}],[]}]", 2},
        {"send(To, \"%{a: 1} :b\")", NULL, NULL, "[{['$1',\"%{a: 1} :b\"],[],[]}]", -1},
        {"send(To, #{a := $\"}) when erlang:node(To) == node()", NULL, NULL,
         "[{['$1',#{a=>$\"}],[{'==',{node,'$1'},{node}}],[]}]", -1},
    };
    oracle_begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct fake_claim *c = compile_line(cases[i].line, NULL);
        CU_ASSERT((c != NULL) == (cases[i].spec != NULL));
        if (!c != !cases[i].spec)
            printf("# %s: %s\n", cases[i].line, c ? "accepted" : fake.messages[0]);
        if (!c || !cases[i].spec)
            continue;
        CU_ASSERT(c->arity == cases[i].arity || c->what != 'f');
        CU_ASSERT(!c->module == !cases[i].module &&
                  (!c->module || !strcmp(c->module, cases[i].module)));
        CU_ASSERT(!c->function == !cases[i].function &&
                  (!c->function || !strcmp(c->function, cases[i].function)));
        fputs("{c", oracle_file);
        oracle_text(cases[i].spec);
        oracle_bytes(c->spec, c->spec_len);
        oracle_end_case();
    }
    static const char *const raw[][2] = {
        {"Shop.f/2 [{[:_, :\"$1\"], [{:>, :\"$1\", 3}], [{:return_trace}]}]",
         "[{['_','$1'],[{'>','$1',3}],[{return_trace}]}]"},
        {":m.f/1 [{:_, [{:is_map, {:hd, :\"$_\"}}, {:\"=:=\", 1, {:const, %{a: \"b\"}}}], []}]",
         "[{'_',[{is_map,{hd,'$_'}},{'=:=',1,{const,#{a=><<\"b\">>}}}],[]}]"},
        {"send [{[:\"$1\", {:a, :_}], [], []}]", "[{['$1',{a,'_'}],[],[]}]"},
    };
    for (size_t i = 0; i < sizeof raw / sizeof raw[0]; i++) {
        const struct fake_claim *c = compile_line(NULL, raw[i][0]);
        if (!c)
            printf("# %s: %s\n", raw[i][0], fake.messages[0]);
        CU_ASSERT_FATAL(c != NULL);
        fputs("{c", oracle_file);
        oracle_text(raw[i][1]);
        oracle_bytes(c->spec, c->spec_len);
        oracle_end_case();
    }
    CU_ASSERT(oracle_ask("begin " PARSE_TERM
                         "fun({_, Text, Bin}) -> Spec = binary_to_term(Bin), {Spec, Spec} = "
                         "{Parse(Text), Spec}, ok end end"));
}

/* ---- What cannot be said, and where */

static void mistakes_are_told_with_their_place(void)
{
    static const struct {
        bool raw;
        const char *line, *message;
    } cases[] = {
        {0, "Shop.f(x) when x =~ \"a\"", "17: '=~' cannot be used here"},
        {0, "Shop.f(x = %{})", "9: '=' cannot be used here"},
        {0, "Shop.f(^x)", "7: there is no variable from elsewhere"},
        {0, "Shop.f(<<x, _::binary>>)", "9: a match spec takes no numbers out of a binary"},
        {0, "Shop.f(<<x::binary, 1>>)", "9: a part without a size must be the last one"},
        {0, "Shop.f(<<_::float>>)", "12: a part of the type float cannot be matched"},
        {0, "Shop.f(<<_::3>>)", "10: a part is of whole bytes here"},
        {0, "Shop.f(<<256>>)", "9: a binary has bytes (0 to 255) and strings here"},
        {0, "Shop.f(<<70000::16>>)", "9: this number is too large for its part"},
        {0, "Shop.f(x <> \"a\")", "7: on the left of <> stands a text"},
        {0, "Shop.f([1] ++ x)", "11: lists are not joined here: a list is written [a, b | rest]"},
        {0, "Shop.f(x) when x && true", "17: a guard has 'and' in the place of '&&'"},
        {0, "Shop.f(x) when !x", "15: a guard has 'not'"},
        {0, "Shop.f(x) when x in y", "20: behind 'in' a guard has a list"},
        {0, "Shop.f(x) when x in [1 | x]", "25: the list behind 'in' must be a whole one"},
        {0, "Shop.f(x) when x == %Shop.Item{}", "20: a struct has fields that only the node knows"},
        {0, "Shop.f(%_{})", "7: a struct has the name of its module"},
        {0, "Shop.f(fn -> 1 end)", "7: a fun cannot be written here"},
        {0, "Shop.f(%{x => 1})", "9: the key of a map in a pattern must be a constant"},
        {0, "Shop.f(%{id: 1, 2 => 3})", "16: after a keyword only keywords can follow"},
        {0, "Shop.f(g(x))", "7: a function call cannot stand in a pattern"},
        {0, "Shop.f(x + 1)", "9: an operator cannot stand in a pattern"},
        {0, "Shop.f(x) when Enum.member?(x, 1)", "15: only functions of Kernel"},
        {0, "Shop.f(x) when is_strukt(x)", "15: unknown guard function 'is_strukt'"},
        {0, "Shop.f(x) when elem(x) == 1", "15: 'elem' takes 2 arguments, not 1"},
        {0, "Shop.f(x) when y > 1", "15: variable y is not bound in the head"},
        {0, "Shop.f(_, N) when N > 3",
         "20: this compares two constants; a variable begins with a s"},
        {0, "Shop.f(x) when N",
         "15: this condition never holds: it is a constant (a variable begi"},
        {0, "Shop.f(x) when x > 1, x < 3",
         "20: expected 'and', 'or', 'when', '->' or the end, fou"},
        {0, "Shop.f(x) when x > 1 ; x < 3", "21: expected 'and', 'or', 'when', '->' or the end"},
        {0, "Shop.f(@default_cart)", "7: a module attribute is known to a compiler alone"},
        {0, "Shop.f(%{cart: [@empty | _]})", "16: a module attribute is known"},
        {0, "Shop.f(x) when x > @most and x < 9", "19: a module attribute is known"},
        {0, "Shop.f(x) when x@most(x)", "16: a module attribute is known"},
        {0, "Shop.f(__MODULE__)", "7: this is known to a compiler alone"},
        {0, "Shop.f(x) -> @back", "13: a module attribute is known"},
        {1, "Shop.f/1 [{[@cart], [], []}]", "12: a module attribute is known"},
        {0, "Shop.f(x) -> retrun", "13: unknown action 'retrun' (did you mean 'return'?)"},
        {0, "Shop.f(x) -> message", "13: message needs a value"},
        {0, "Shop.f(x) x", "10: expected 'when', '->' or the end, found x"},
        {0, "Shop.f(:_)", "7: this atom means a variable of match specs"},
        {0, "Shop.f(\"#{x}\")", "8: interpolation cannot be used here"},
        {0, "Shop.f(x) when x == \"a", "20: the closing quote is missing"},
        {0, "Shop.f(~r/a/)", "7: of sigils"},
        {0, "Shop.f(~D[2026-13-01])", "7: this is not a date or time, such as ~D[2026-01-31]"},
        {0, "Shop.f(\xC2\xA0x)", "7: this is a no-break space"},
        {0, "Shop.f(x", "8: expected ',' or ')', but the text ends here"},
        {0, "Shop.f/1(x)", "8: after an arity there can be no arguments"},
        {0, ":lists:map(f)", "6: expected '.' and a function after the module"},
        {0, "Shop.Cart.'add'(x)", "10: expected a function: a name, a name in double quotes"},
        {0, "send(to, {:a, ^x})", "14: there is no variable from elsewhere"},
        {1, "Shop.f/1 [{'_', [], []}]", "11: a head is '_'"},
        {1, "Shop.f/1 [{:_, [], [x]}]", "20: 'x' would be a variable or a call"},
        {1, "Shop.f/1", "8: expected a match spec, [{head, conditions, body}, ...]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *line = cases[i].line;
        bool refused = !compile_line(cases[i].raw ? NULL : line, cases[i].raw ? line : NULL);
        bool told = refused && fake.message_count == 1 &&
                    strstr(fake.messages[0], cases[i].message) == fake.messages[0];
        if (!told)
            printf("# %s: %s\n", line, refused ? fake.messages[0] : "accepted");
        CU_ASSERT(told);
    }
    CU_ASSERT(compile_line("Shop.f(_, N)", NULL) && fake.warnings == 1 &&
              strstr(fake.warning, "N is the module Elixir.N here"));
    CU_ASSERT(compile_line("Shop.f(_, Item, Shop.N)", NULL) && fake.warnings == 0);
}

/* What is repeated in a spec for each value does not make it large. */
static void size_is_bounded(void)
{
    char line[65000] = "Shop.f(x) when ";
    for (int i = 0; i < 30; i++)
        strcat(line, "(");
    strcat(line, "x");
    for (int i = 0; i < 30; i++)
        strcat(line, " in [true, false, x])");
    CU_ASSERT(!compile_line(line, NULL) && strstr(fake.messages[0], "this becomes too large"));
    strcpy(line, "Shop.f(x) when x");
    for (int i = 0; i < 120; i++)
        strcat(line, ".a");
    CU_ASSERT(!compile_line(line, NULL) && strstr(fake.messages[0], "nested"));
    strcpy(line, "Shop.f(");
    for (int i = 0; i < 30000; i++)
        strcat(line + 6 + i, i % 2 ? "[" : "{");
    CU_ASSERT(!compile_line(line, NULL) && strstr(fake.messages[0], "nested"));
}

/* ---- Generated ones: Elixir says what they match */

struct text {
    char at[4096];
    unsigned seed, names; /* bits of those that are bound */
};

static unsigned any(struct text *t, unsigned n)
{
    return (unsigned)rand_r(&t->seed) % n;
}
static void put(struct text *t, const char *text)
{
    strncat(t->at, text, sizeof t->at - strlen(t->at) - 1);
}
#define PICK(t, list) put(t, (list)[any(t, sizeof(list) / sizeof((list)[0]))])

static const char *const constants[] = {
    "0",    "1",        "2",         "3",        "-1",       "1.0",      ":ok",         "nil",
    "true", "false",    "Shop.Item", ":\"a b\"", "\"a\"",    "\"abc\"",  "\"\"",        "~c\"ab\"",
    "'ab'", "?a",       "[]",        "{}",       "%{}",      "<<1, 2>>", "\"\\u00e9\"", "[a: 1]",
    "0x10", "~s\"ab\"", "<<1::16>>", ":+",       "{:ok, 1}", "[1, 2]"};
static const char *const patterns[] = {"%Shop.Item{}",
                                       "~D[2026-01-31]",
                                       "1..3",
                                       "~T[10:00:00.5]",
                                       "<<\"a\", _::binary>>",
                                       "<<\"a\", b::binary>>",
                                       "<<_, \"b\", _::binary>>",
                                       "<<c::binary-size(1), _::binary>>",
                                       "<<b::binary-size(1), b::binary>>",
                                       "\"a\" <> b",
                                       "\"a\" <> _",
                                       "\"a\" <> \"b\" <> c",
                                       "<<0, 1::8, _::binary>>",
                                       "<<1::16, _::bytes>>",
                                       "<<1::little-16>>",
                                       "<<_::16, c::binary>>",
                                       "<<_::binary-size(2)>>",
                                       "<<?a, \"\\u00e9\"::utf8, _::binary>>",
                                       "<<_::binary>>",
                                       "%{:id => 1, \"k\" => _}",
                                       "_skip",
                                       "[{:id, a} | _]",
                                       "~N[2026-01-31 10:00:00]",
                                       "~U[2026-01-31 10:00:00Z]",
                                       "%{__struct__: Shop.Item}"};

static void generate_name(struct text *t)
{
    static const char *const names[] = {"a", "b", "c"};
    unsigned i = any(t, 3);
    t->names |= 1u << i;
    put(t, names[i]);
}

static void generate_pattern(struct text *t, int depth)
{
    static const char *const
        opening[] = {"[", "[", "{", "%{id: ", "%{\"k\" => ", "%Shop.Item{id: ", "[id: "},
        *const middle[] = {", ", " | ", ", ", ", price: ", ", :n => ", ", name: ", ", price: "},
        *const closing[] = {"]", "]", "}", "}", "}", "}", "]"};
    unsigned what = any(t, depth > 0 ? 10 : 6);
    if (what < 2)
        PICK(t, constants);
    else if (what < 4)
        generate_name(t);
    else if (what == 4)
        put(t, "_");
    else if (what == 5) {
        size_t from = strlen(t->at);
        PICK(t, patterns);
        for (char c = 'a'; c <= 'c'; c++) /* what they bind is bound */
            for (const char *p = t->at + from; *p; p++)
                if (*p == c && !tap_syn_char_is_word(p + 1) &&
                    strchr(" {,(<", p > t->at ? p[-1] : ' ') && p[1] != '"')
                    t->names |= 1u << (c - 'a');
    } else {
        unsigned k = any(t, 7);
        put(t, opening[k]);
        generate_pattern(t, depth - 1);
        bool second = k < 2 || any(t, 2);
        if (second) {
            put(t, middle[k]);
            generate_pattern(t, depth - 1);
        }
        put(t, closing[k]);
    }
}

static void put_name(struct text *t)
{
    unsigned i = any(t, 3);
    while (!(t->names >> i & 1))
        i = (i + 1) % 3;
    put(t, (char[]){(char)('a' + i), 0});
}

static void generate_guard(struct text *t, int depth)
{
    static const char *const tests[] = {"is_atom(@)",
                                        "is_binary(@)",
                                        "is_list(@)",
                                        "is_map(@)",
                                        "is_tuple(@)",
                                        "is_integer(@)",
                                        "is_nil(@)",
                                        "is_float(@)",
                                        "is_number(@)",
                                        "is_boolean(@)",
                                        "is_struct(@)",
                                        "is_struct(@, Shop.Item)",
                                        "is_exception(@)",
                                        "is_exception(@, ArgumentError)",
                                        "is_map_key(@, :id)",
                                        "@ in [1, :ok, \"a\", nil]",
                                        "@ not in [1, 2]",
                                        "not @ in [true]",
                                        "@ in 1..3",
                                        "@ in 3..1",
                                        "@ in []",
                                        "elem(@, 0) == :ok",
                                        "elem(@, 1) > 0",
                                        "@.id > 0",
                                        "@.id == @",
                                        "hd(@) == 1",
                                        "length(@) > 1",
                                        "tl(@) == []",
                                        "map_size(@) >= 2",
                                        "byte_size(@) == 2",
                                        "rem(@, 2) == 1",
                                        "div(@, 2) == 1",
                                        "@ + 1 > 2",
                                        "@ * 2 - 1 == 3",
                                        "-@ < 0",
                                        "abs(@) == 1",
                                        "(@ &&& 1) == 1",
                                        "(@ ||| 2) === 3",
                                        "@ <<< 1 == 4",
                                        "~~~@ == -2",
                                        "@ == @",
                                        "@ === 1",
                                        "@ != 1",
                                        "@ !== 1.0",
                                        "@ == 1",
                                        "@ >= \"a\"",
                                        "@ < :b",
                                        "@ <= 2",
                                        "@ == nil",
                                        "@ == Shop.Item",
                                        "@ == {:ok, 1}",
                                        "@ == [1, 2]",
                                        "@ == %{id: 1}",
                                        "binary_part(@, 0, 1) == \"a\"",
                                        "@",
                                        "not @",
                                        "@ == <<1, 2>>",
                                        "@ == 'ab'",
                                        "@ == ?a",
                                        "is_pid(@)",
                                        "is_function(@)",
                                        "is_reference(@)",
                                        "round(@) == 1",
                                        "trunc(@) == 1",
                                        "bit_size(@) > 8",
                                        "@ / 2 == 0.5",
                                        ":erlang.is_map_key(:id, @)",
                                        "Kernel.is_list(@)",
                                        "is_map(@) and @.id == 1",
                                        "1 + 2 * 3 - @ > 0",
                                        "self() == @",
                                        "@ > 1 and @ < 3",
                                        "@ == 1 or @ == 2 and @ == 3",
                                        "not is_list(@) and @ != 1",
                                        "@ in [@, 2]"};
    unsigned what = any(t, depth > 0 ? 7 : 4);
    if (what < 4) {
        for (const char *p = tests[any(t, sizeof tests / sizeof tests[0])]; *p; p++)
            if (*p == '@')
                put_name(t);
            else
                put(t, (char[]){*p, 0});
        return;
    }
    put(t, what == 6 ? "not (" : "(");
    generate_guard(t, depth - 1);
    put(t, ")");
    if (what < 6) {
        put(t, what == 4 ? " and (" : " or (");
        generate_guard(t, depth - 1);
        put(t, ")");
    }
}

/* Writes one case, where the line is accepted: its head and guard, and its spec. */
static bool generate_case(unsigned seed)
{
    struct text head = {.seed = seed}, guard, line;
    generate_pattern(&head, 3);
    if (any(&head, 2)) {
        put(&head, ", ");
        generate_pattern(&head, 2);
    }
    guard = (struct text){.seed = head.seed, .names = head.names};
    if (head.names && any(&guard, 4)) {
        generate_guard(&guard, 2);
        if (!any(&guard, 4)) {
            put(&guard, " when ");
            generate_guard(&guard, 1);
        }
    } else {
        put(&guard, "true");
    }
    snprintf(line.at, sizeof line.at, "Shop.f(%.1900s) when %.1900s", head.at, guard.at);
    const struct fake_claim *c = compile_line(line.at, NULL);
    if (!c && fake.message_count)
        printf("# %s: %s\n", line.at, fake.messages[0]);
    if (!c || fake.warnings)
        return false;
    fputs("{c", oracle_file);
    oracle_text(head.at);
    oracle_text(guard.at);
    oracle_bytes(c->spec, c->spec_len);
    oracle_end_case();
    return true;
}

#define ELIXIR_JUDGE                                                                             \
    "(\n"                                                                                        \
    "defmodule Shop.Item do defstruct [:id, :name] end\n"                                        \
    "values = Code.eval_string(\"[0, 1, 2, 3, -1, 1.0, 1.5, :ok, nil, true, false, Shop.Item, "  \
    ":\\\"a b\\\", \\\"a\\\", \\\"abc\\\", \\\"ab\\\", \\\"aa\\\", \\\"\\\", 'ab', 97, [], {}, " \
    "%{}, <<1, 2>>, <<0, 1>>, <<1, 0>>, <<1::size(3)>>, \\\"a\\\\u00e9b\\\", \\\"\\\\u00e9\\\"," \
    " [a: 1], [id: 1], [id: 1, price: 2], 16, :+, {:ok, 1}, {1, 1}, [1, 2], [1, 1], [1 | 2], "   \
    "[[1], 2], %{id: 1}, %{id: 1, price: 2}, %{\\\"k\\\" => 1, n: 2}, %{:id => 1, \\\"k\\\" => " \
    "2}, %Shop.Item{}, %Shop.Item{id: 1, name: \\\"a\\\"}, %Shop.Item{id: 1, name: 1}, "         \
    "%ArgumentError{}, ~D[2026-01-31], ~T[10:00:00.5], ~N[2026-01-31 10:00:00], "                \
    "~U[2026-01-31 10:00:00Z], 1..3, 3..1, self(), make_ref(), &is_atom/1, {:ok, %{id: 1}}, "    \
    "[%{id: 1} | 2], %{__struct__: 1}]\") |> elem(0)\n"                                          \
    "lists = for(v <- values, do: [v]) ++ for(v <- values, w <- [v, 1, \"a\", %{id: 1}], do: "   \
    "[v, w]) ++ for(v <- [1, \"b\", %{price: 2}], w <- values, do: [v, w])\n"                    \
    "Process.put(:matched, 0)\n"                                                                 \
    "fn\n"                                                                                       \
    "  {:total} -> (if Process.get(:matched) > 5000, do: :ok, else: Process.get(:matched))\n"    \
    "  {:c, head, guard, bin} ->\n"                                                              \
    "    text = \"import Bitwise\\nfn [#{head}] when #{guard} -> true; _ -> false end\"\n"       \
    "    {f, _} = Code.eval_string(text)\n"                                                      \
    "    spec = :erlang.binary_to_term(bin)\n"                                                   \
    "    wrong = for l <- lists, expected = {f.(l)}, {:ok, got, _, _} = "                        \
    ":erlang.match_spec_test(l, spec, :trace), (expected == {true} && Process.put(:matched, "    \
    "Process.get(:matched) + 1)) || true, expected != {got}, do: {l, expected}\n"                \
    "    if wrong == [], do: :ok, else: {spec, Enum.take(wrong, 3)}\n"                           \
    "end)"

static void elixir_says_what_they_match(void)
{
    unsigned taken = 0, tried = 4000;
    if (!oracle_has_elixir())
        return;
    oracle_begin();
    for (unsigned i = 0; i < tried; i++)
        taken += generate_case(i * 7919 + 1);
    fputs("{total", oracle_file);
    oracle_end_case();
    CU_ASSERT(taken == tried);
    CU_ASSERT(oracle_ask_elixir(ELIXIR_JUDGE));
}

UNIT_TESTS("filter_match_spec_elixir", UNIT_TEST(lines_compile),
           UNIT_TEST(mistakes_are_told_with_their_place), UNIT_TEST(size_is_bounded),
           UNIT_TEST(elixir_says_what_they_match))
