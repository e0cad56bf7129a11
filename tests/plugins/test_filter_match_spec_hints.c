/* filter:match_spec: lines that are no Erlang, or mean something else than was thought: what is
 * said of them. */
#include "match_spec_lines.h"

/* What Elixir, a manual or an INI file led people to write. */
static void what_was_meant_is_said(void)
{
    static const struct {
        bool raw;
        const char *line, *message;
    } cases[] = {
        {0, "m:f(%{id: X})", "4: %{ would begin a comment here: a map is written #{Key := Value}"},
        {0, "m:f(X) when X == %{}", "17: %{ would begin"},
        {0, "Shop:add(%Shop.Item{}, N)",
         "9: %Shop.Item{ would begin a comment here: a struct is written "
         "#{'__struct__' := Shop.Item}"},
        {1, "m:f/1 [{[%{}], [], []}]", "9: %{ would begin"},
        {0, "m:f(fun lists:map/2)", "4: a fun cannot be written here: match it with a variable F"},
        {0, "m:f(F) when F == fun lists:map/2", "17: a fun cannot"},
        {0, "m:f({basic.publish, _})",
         "5: an atom with a dot in it needs single quotes: 'basic.publish'"},
        {0, "m:f(#'basic.publish'{})",
         "4: records are not known here: write the tuple, "
         "{'basic.publish', ...}"},
        {0, "m:f(#item{})", "4: records are not known here: write the tuple, {item, ...}"},
        {0, "m:f(#'it\\'s'{})", "4: records are not known here: write the tuple, {'it\\'s', ...}"},
        {0, "m:f(#'end'{})", "4: records are not known here: write the tuple, {'end', ...}"},
        {1, "m:f/1 ['basic.publish'(X)]",
         "7: a raw match spec has no calls: write {'basic.publish', ...}"},
        {0, "m:f(:ok)", "4: an atom is written ok here, without the colon"},
        {0, "m:f([id: X])",
         "5: 'id:' is not a key here: a list has {id, Value}, and a map id := Va"},
        {0, "m:f(#{id: X})", "6: 'id:' is not a key here"},
        {0, "m:f(X)\xC2\xA0when X > 1", "6: this is a no-break space: write an ordinary blank"},
        {0,
         "m:f(\xE2\x80\x98"
         "a b\xE2\x80\x99)",
         "4: this is a typographic quote: write '"},
        {0, "m:f/1 ; all of them", "6: expected 'when', '->' or the end, found ; (a comment needs"},
        {0, "m:f(X) -> return ; and", "17: expected 'when', '->' or the end, found ; (a comment"},
        {0, "m:f(X) when X > 3 ; only large ones",
         "25: expected '->' or the end (a comment needs a line of its own), found large"},
        {0, "m:f(X) when X > 3 ; large",
         "20: this condition never holds: it is a constant (a vari"},
        {0, "m:f(X) when x", "12: this condition never holds"},
        {1, "m:f/1 [{'_', [], []}] ; all", "22: expected the end, found ; (a comment needs a line"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *line = cases[i].line;
        const struct fake_claim *c =
            compile_line(cases[i].raw ? NULL : line, cases[i].raw ? line : NULL);
        CU_ASSERT(c == NULL);
        if (c)
            printf("# accepted: %s\n", line);
        else if (!strstr(fake.messages[0], cases[i].message))
            printf("# %s: %s\n", line, fake.messages[0]);
        CU_ASSERT(fake.message_count == 1 &&
                  strstr(fake.messages[0], cases[i].message) == fake.messages[0]);
    }
    static const char *const right[] = {"m:f(X) % {a comment} %{}\n when X > 3",
                                        "m:f(X) when X > 3 ; true",
                                        "m:f(X) when false ; X > 3 -> return.",
                                        "m:f(X) when X == erlang:node() ; erlang : is_atom(X)",
                                        "m:f({'basic.publish', \"%{}\"}) %"};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        if (!compile_line(right[i], NULL)) {
            CU_FAIL("a right line is refused");
            printf("# %s: %s\n", right[i], fake.messages[0]);
        }
}

UNIT_TESTS("filter_match_spec_hints", UNIT_TEST(what_was_meant_is_said))
