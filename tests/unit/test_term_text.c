/* test_term_text.c: long texts are looked at 16 bytes at a time, and print as short ones do, which
 * are held against nodes (test_term_print). */
#include "beamtap/term_write.h"
#include "names/intern.h"
#include "term/print.h"
#include "unit.h"

#define LONGEST 70

static struct tap_intern *names;

struct shape {
    bool list; /* STRING_EXT, else a binary */
    struct tap_print print;
};

static size_t print(const struct shape *s, const uint8_t *bytes, size_t n, char *text, size_t cap)
{
    uint8_t term[8 + LONGEST] = {s->list ? TAP_EXT_STRING : TAP_EXT_BINARY};
    size_t head = s->list ? 3 : 5;
    term[head - 2] = (uint8_t)(n >> 8);
    term[head - 1] = (uint8_t)n;
    memcpy(term + head, bytes, n);
    size_t len = tap_term_print(tap_intern_names(names), text, cap, term, head + n, &s->print);
    CU_ASSERT_FATAL(len < cap);
    text[len] = 0;
    return len;
}

/* What `before` letters a, the piece and `after` of them are, where one and one print as `few`. */
static void expect(const struct shape *s, const char *few, const uint8_t *piece, size_t n,
                   size_t before, size_t after, char *text)
{
    const char *first = strchr(few, 'a'), *last = strrchr(few, 'a');
    if (first) {
        text += sprintf(text, "%.*s", (int)(first - few), few);
        memset(text, 'a', before);
        text += before;
        text += sprintf(text, "%.*s", (int)(last - first - 1), first + 1);
        memset(text, 'a', after);
        strcpy(text + after, last + 1);
        return;
    }
    const char *comma = s->print.syntax == TAP_PRINT_ELIXIR ? ", " : ",";
    text += sprintf(text, "%s", s->list ? "[" : "<<");
    for (size_t i = 0; i < before + n + after; i++) {
        bool in = i >= before && i < before + n;
        text += sprintf(text, "%s%d", i ? comma : "", in ? piece[i - before] : 'a');
    }
    strcpy(text, s->list ? "]" : ">>");
}

static void holds(const struct shape *s, const uint8_t *piece, size_t n)
{
    static const size_t places[] = {1, 14, 15, 16, 17, 30, 31, 32};
    uint8_t bytes[LONGEST];
    char few[100], expected[10 * LONGEST], text[10 * LONGEST];
    memset(bytes, 'a', sizeof bytes);
    memcpy(bytes + 1, piece, n);
    print(s, bytes, n + 2, few, sizeof few);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
            size_t before = places[i], after = places[k];
            memset(bytes, 'a', sizeof bytes);
            memcpy(bytes + before, piece, n);
            expect(s, few, piece, n, before, after, expected);
            print(s, bytes, before + n + after, text, sizeof text);
            CU_ASSERT_STRING_EQUAL(text, expected);
        }
}

static void a_long_text_is_like_a_short_one(void)
{
    static const char *const pieces[] = {"#{", "##", "\xc3\xbc", "\xe2\x82\xac", "\"'", "\\\""};
    names = tap_intern_new(0);
    for (int bits = 0; bits < 16; bits++) {
        const struct shape s = {.list = bits & 1,
                                .print = {.syntax = bits & 2 ? TAP_PRINT_ELIXIR : TAP_PRINT_ERLANG,
                                          .json = bits & 4,
                                          .printable_unicode = bits & 8}};
        for (int c = 0; c < 256; c++)
            holds(&s, &(uint8_t){(uint8_t)c}, 1);
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
            holds(&s, (const uint8_t *)pieces[i], strlen(pieces[i]));
    }
    tap_intern_free(names);
}

/* The next of what is written whole or not at all: "<<", a number, a comma, ">>". */
static size_t unit_at(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits ? digits : strcspn(text, "0123456789");
}

/* Wherever the limit or the memory ends. */
static void numbers_are_cut_between_two(void)
{
    uint8_t bytes[LONGEST];
    char whole[10 * LONGEST], cut[10 * LONGEST];
    names = tap_intern_new(0);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37);
    for (int syntax = 0; syntax < 2; syntax++) {
        struct shape s = {.print = {.syntax = (enum tap_print_syntax)syntax}};
        size_t n = print(&s, bytes, 60, whole, sizeof whole);
        for (size_t limit = 1; limit <= n; limit++) {
            size_t may = 0;
            while (may < n && may + unit_at(whole + may) <= limit)
                may += unit_at(whole + may);
            s.print.limit = limit;
            size_t length = print(&s, bytes, 60, cut, sizeof cut);
            CU_ASSERT_EQUAL(length, may + (may < n ? 3 : 0));
            CU_ASSERT(memcmp(cut, whole, may) == 0 && strcmp(cut + may, may < n ? "..." : "") == 0);
        }
        s.print.limit = 0;
        for (size_t cap = 0; cap <= n; cap++) {
            uint8_t term[5 + 60] = {TAP_EXT_BINARY, 0, 0, 0, 60};
            memcpy(term + 5, bytes, 60);
            memset(cut, '!', sizeof cut);
            CU_ASSERT_EQUAL(
                tap_term_print(tap_intern_names(names), cut, cap, term, sizeof term, &s.print), n);
            CU_ASSERT(memcmp(cut, whole, cap) == 0 && cut[cap] == '!');
        }
    }
    tap_intern_free(names);
}

UNIT_TESTS("term_text", UNIT_TEST(a_long_text_is_like_a_short_one),
           UNIT_TEST(numbers_are_cut_between_two))
