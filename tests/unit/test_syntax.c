/* test_syntax.c: the readers of Erlang and Elixir text by themselves. What they make of good text
 * is compared with a node in tests/plugins/test_filter_match_spec_vm.c and
 * tests/e2e/test_call.py. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

static bool no_memory; /* for the next buffer that a binary is put together in */
static void *failing_realloc(void *p, size_t size)
{
    bool fails = no_memory;
    no_memory = false;
    return fails ? NULL : realloc(p, size);
}
#define realloc failing_realloc
#include "syntax/elixir_binary.c"
#undef realloc

#include "comma_locale.h"
#include "syntax/number.h"

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

/* In Elixir a character behind a ? has the escapes of texts, which are not Erlang's: there \a is an
 * a, and \101 one character. */
static void characters_are_escaped_as_texts_are(void)
{
    static const struct {
        const char *escape;
        uint32_t character; /* 256: it is none */
    } cases[] = {{"\\a", 7},     {"\\b", 8},        {"\\d", 127},    {"\\e", 27},
                 {"\\f", 12},    {"\\n", 10},       {"\\r", 13},     {"\\s", 32},
                 {"\\t", 9},     {"\\v", 11},       {"\\0", 0},      {"\\\\", 92},
                 {"\\?", '?'},   {"\\q", 'q'},      {"a", 'a'},      {"\xC3\xA9", 0xe9},
                 {"\\x41", 65},  {"\\u00e9", 0xe9}, {"\\u{41}", 65}, {"\\^a", 256},
                 {"\\101", 256}, {"\\x4", 256},     {"\\", 256},     {"\xFF", 256}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[2][32];
        uint8_t got[2][32];
        size_t n[2];
        snprintf(text[0], sizeof text[0], "[?%s]", cases[i].escape);
        snprintf(text[1], sizeof text[1], "~c\"%s\"", cases[i].escape);
        for (int k = 0; k < 2; k++)
            n[k] = read_term(text[k], true, got[k], sizeof got[k]);
        bool same = n[0] == n[1] && memcmp(got[0], got[1], n[0]) == 0;
        uint32_t c = cases[i].character;
        bool right = c > 255 ? n[0] == 0 : n[0] == 8 && got[0][5] == 97 && got[0][6] == c;
        CU_ASSERT(same && right);
        if (!same || !right)
            printf("# %s: %s\n", text[0], said);
    }
}

/* A part that found no room is not left out. */
static void no_part_of_a_binary_is_lost(void)
{
    static const char *const texts[] = {"<<1, 2>>", "<<>>", "\"a\" <> \"b\"", "<<1, \"a\">>"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (int fails = 0; fails < 2; fails++) {
            uint8_t got[32];
            no_memory = fails;
            size_t n = read_term(texts[i], true, got, sizeof got);
            CU_ASSERT((n == 0) == (fails && i != 1));
            CU_ASSERT_STRING_EQUAL(said, fails && i != 1 ? "0: out of memory" : "");
        }
    no_memory = false;
}

static void is_printed(int64_t v, int64_t unit, unsigned digits, const char *want)
{
    CU_ASSERT_STRING_EQUAL(tap_number_print(v, unit, digits).text, want);
}

static void numbers_are_printed_without_a_locale(void)
{
    comma_locale();
    is_printed(1500, 1000, 1, "1.5");
    is_printed(1250, 1000, 1, "1.3");
    is_printed(1249, 1000, 1, "1.2");
    is_printed(999950, 1000000, 1, "1.0");
    is_printed(0, 1, 3, "0.000");
    is_printed(7, 1, 0, "7");
    is_printed(1500, 1000, 0, "2");
    is_printed(-1465000000, 1000000000, 3, "-1.465");
    is_printed(-1, 1000000000, 3, "0.000");
    is_printed(INT64_MAX, 1000000000, 9, "9223372036.854775807");
    is_printed(INT64_MIN, INT64_C(100000000000000000), 2, "-92.23");
}

UNIT_TESTS("syntax", UNIT_TEST(floats_ask_no_locale),
           UNIT_TEST(characters_are_escaped_as_texts_are), UNIT_TEST(no_part_of_a_binary_is_lost),
           UNIT_TEST(numbers_are_printed_without_a_locale))
