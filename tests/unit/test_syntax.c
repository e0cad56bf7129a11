/* test_syntax.c: the readers of Erlang and Elixir text by themselves. What they make of good text
 * is compared with a node in tests/plugins/test_filter_match_spec_vm.c and
 * tests/e2e/test_call.py. */
#include "syntax/syntax.h"

#include <stdarg.h>

#include "comma_locale.h"

static char said[512];

static void note(void *arg, const struct tap_text *where, size_t offset, const char *sentence)
{
    (void)arg, (void)where;
    snprintf(said, sizeof said, "%zu: %s", offset, sentence);
}

/* The bytes of one term; its length, 0: a mistake, in `said`. */
static size_t read_term(const char *text, bool elixir, uint8_t *dst, size_t cap)
{
    struct tap_syn_arena arena = {NULL};
    struct tap_text where = {.text = text};
    struct tap_syn_source s = {.arena = &arena, .where = &where, .fail = note};
    struct tap_syn_lexer l;
    struct tap_buf b = {0};
    size_t end = 0, len = 0;
    said[0] = '\0';
    struct tap_syn_node *n = elixir                           ? tap_syn_parse_elixir(&s, &end)
                             : tap_syn_lexer_begin(&l, &s, 0) ? tap_syn_parse(&l)
                                                              : NULL;
    if (n && tap_syn_encode(&s, &b, n) && b.len <= cap)
        memcpy(dst, b.data, len = b.len);
    tap_buf_free(&b);
    tap_syn_arena_free(&arena);
    return len;
}

static void floats_ask_no_locale(void)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {{"1.5", 1.5}, {"-0.25", -0.25}, {"1.5e3", 1500}, {"1_0.2_5", 10.25}};
    comma_locale();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int elixir = 0; elixir < 2; elixir++) {
            uint8_t got[16];
            struct tap_buf want = {0};
            tap_write_f64(&want, cases[i].value);
            CU_ASSERT_EQUAL(read_term(cases[i].text, elixir, got, sizeof got), want.len);
            CU_ASSERT_EQUAL(memcmp(got, want.data, want.len), 0);
            if (*said)
                printf("# %s: %s\n", cases[i].text, said);
            tap_buf_free(&want);
        }
}

UNIT_TESTS("syntax", UNIT_TEST(floats_ask_no_locale))
