/* The printer, held against real nodes: what io_lib and inspect print for some 40,000 terms, and
 * what the contract of term/print.h promises around it (lengths, limits, JSON, any bytes). */
#include "beamtap/term_write.h"
#include "term/print.h"
#include "syntax/syntax.h"
#include "names/intern.h"
#include "unit.h"
#include "term_corpus.h"

#include <cjson/cJSON.h>
#include <time.h>

static struct tap_intern *names;
static uint32_t home;

static void setup(void)
{
    names = tap_intern_new(0);
    home = tap_intern_name(names, "nonode@nohost", 13);
}

static char *print(const void *term, size_t len, const struct tap_print *p, size_t *n)
{
    size_t cap = 256;
    char *dst = malloc(cap + 1);
    if (!dst)
        abort();
    *n = tap_term_print(tap_intern_names(names), dst, cap, term, len, p);
    if (*n > cap) {
        free(dst);
        dst = malloc(*n + 1);
        if (!dst)
            abort();
        CU_ASSERT_EQUAL(tap_term_print(tap_intern_names(names), dst, *n, term, len, p), *n);
    }
    dst[*n] = 0;
    return dst;
}

static int failures_shown;

static void show(const char *what, const struct corpus *c, const char *got)
{
    if (failures_shown++ < 20)
        printf("# %s\n#   expected %.300s\n#   got      %.300s\n", what, c->text, got);
}

static void check_pair(const struct corpus *c, struct tap_print p)
{
    size_t n;
    char *got = print(c->term, c->term_len, &p, &n);
    int same = n == c->text_len && memcmp(got, c->text, n) == 0;
    if (!same)
        show("printed", c, got);
    CU_ASSERT(same);
    free(got);
}

/* Through a JSON parser and back it is the same text. */
static void check_json(const struct corpus *c, struct tap_print p)
{
    size_t n;
    p.json = true;
    char *got = print(c->term, c->term_len, &p, &n), *quoted = malloc(n + 3);
    snprintf(quoted, n + 3, "\"%s\"", got);
    cJSON *json = cJSON_Parse(quoted);
    int same = json && cJSON_IsString(json) && strcmp(json->valuestring, c->text) == 0;
    if (!same)
        show("as JSON", c, got);
    CU_ASSERT(same);
    cJSON_Delete(json);
    free(quoted);
    free(got);
}

static int is_utf8(const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint8_t b = (uint8_t)s[i];
        size_t k = b < 0x80 ? 1 : b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : b >= 0xC2 ? 2 : 0;
        if (k == 0 || i + k > n)
            return 0;
        for (size_t j = 1; j < k; j++)
            if (((uint8_t)s[i + j] & 0xC0) != 0x80)
                return 0;
        i += k;
    }
    return 1;
}

/* Too little room: the same length, the same bytes as far as they go, and none behind them. */
static void check_room(const struct corpus *c, struct tap_print p, size_t cap)
{
    char dst[80];
    memset(dst, '!', sizeof dst);
    size_t n = tap_term_print(tap_intern_names(names), dst, cap, c->term, c->term_len, &p);
    CU_ASSERT_EQUAL(n, c->text_len);
    CU_ASSERT(memcmp(dst, c->text, n < cap ? n : cap) == 0);
    CU_ASSERT_EQUAL(dst[cap], '!');
}

/* Bounds of depth and width: what is printed up to the first cut is the whole's, and without a cut
 * it is the whole. */
static void check_bounds(const struct corpus *c, struct tap_print p, unsigned depth, unsigned items)
{
    size_t n;
    p.max_depth = depth;
    p.max_items = items;
    char *got = print(c->term, c->term_len, &p, &n), *cut = strstr(got, "...");
    size_t same = cut ? (size_t)(cut - got) : n;
    if (cut && same > 0 && got[same - 1] == '|')
        same--;
    CU_ASSERT_PTR_NULL(strstr(got, "#Bad<"));
    CU_ASSERT(same <= c->text_len && memcmp(got, c->text, same) == 0);
    if (!cut)
        CU_ASSERT_STRING_EQUAL(got, c->text);
    if (depth >= 1000 && items >= 1000000)
        CU_ASSERT_STRING_EQUAL(got, c->text);
    free(got);
}

/* A limit: no more than that and "...", a prefix of the whole, whole characters, and still JSON. */
static void check_limit(const struct corpus *c, struct tap_print p, size_t limit)
{
    size_t n;
    p.limit = limit;
    char *got = print(c->term, c->term_len, &p, &n);
    CU_ASSERT(n <= limit + 3);
    CU_ASSERT(is_utf8(got, n));
    if (c->text_len <= limit) {
        CU_ASSERT_STRING_EQUAL(got, c->text);
    } else {
        CU_ASSERT(n >= 3 && strcmp(got + n - 3, "...") == 0);
        CU_ASSERT(memcmp(got, c->text, n - 3) == 0);
    }
    free(got);
    p.json = true;
    got = print(c->term, c->term_len, &p, &n);
    char quoted[160];
    snprintf(quoted, sizeof quoted, "\"%s\"", got);
    cJSON *json = cJSON_Parse(quoted);
    CU_ASSERT_PTR_NOT_NULL(json);
    CU_ASSERT(n <= limit + 3);
    cJSON_Delete(json);
    free(got);
}

static void hold_against(const char *command, const char *script, const char *range,
                         struct tap_print p, unsigned least)
{
    struct corpus c;
    unsigned n = 0;
    setup();
    p.node_name = home;
    int made = corpus_make(&c, command, script, range);
    CU_ASSERT(made);
    while (made && corpus_next(&c)) {
        check_pair(&c, p);
        check_json(&c, p);
        check_room(&c, p, n % 70);
        check_limit(&c, p, 1 + n % 70);
        check_bounds(&c, p, n % 5, 1 + n % 7);
        check_bounds(&c, p, 1000000, 1000000);
        n++;
    }
    CU_ASSERT(n >= least);
    printf("# %u terms\n", n);
    corpus_end(&c);
    tap_intern_free(names);
}

static void prints_as_erlang_latin1(void)
{
    hold_against("escript", corpus_erlang, "latin1", (struct tap_print){.syntax = TAP_PRINT_ERLANG},
                 25000);
}
static void prints_as_erlang_unicode(void)
{
    hold_against("escript", corpus_erlang, "unicode",
                 (struct tap_print){.syntax = TAP_PRINT_ERLANG, .printable_unicode = true}, 25000);
}
static void prints_as_elixir(void)
{
    if (system("command -v elixir >/dev/null 2>&1") != 0) {
        printf("# skipped: no elixir\n");
        CU_PASS("no elixir");
        return;
    }
    hold_against("elixir", corpus_elixir, "", (struct tap_print){.syntax = TAP_PRINT_ELIXIR},
                 25000);
}

/* ---- What is printed in Elixir's syntax can be read */

static struct {
    char text[256];
} refused;

static void note(void *arg, const struct tap_text *where, size_t offset, const char *sentence)
{
    (void)arg, (void)where, (void)offset;
    snprintf(refused.text, sizeof refused.text, "%s", sentence);
}

/* Reads the text of a pair and prints what it gave as Erlang does, which tells all terms apart.
 * False: it was refused. */
static bool check_read(const struct corpus *c)
{
    struct tap_syn_arena arena = {NULL};
    struct tap_text where = {.text = c->text};
    struct tap_syn_source s = {
        .arena = &arena, .where = &where, .fail = note, .home = "nonode@nohost"};
    struct tap_print p = {.syntax = TAP_PRINT_ERLANG, .node_name = home};
    struct tap_buf b = {0};
    size_t end = 0, n;
    *refused.text = 0;
    struct tap_syn_node *node = tap_syn_parse_elixir(&s, &end);
    bool ok = node && tap_syn_encode(&s, &b, node);
    if (ok) {
        char *expected = print(c->term, c->term_len, &p, &n), *got = print(b.data, b.len, &p, &n);
        /* inspect leaves that field out: whether a struct is an exception only its code knows */
        bool exception = strstr(expected, "'__exception__' => true") != NULL;
        CU_ASSERT(end == c->text_len);
        CU_ASSERT(exception || strcmp(got, expected) == 0);
        if (!exception && strcmp(got, expected) != 0)
            printf("# %.200s: %.200s, and not %.200s\n", c->text, got, expected);
        free(got);
        free(expected);
    }
    tap_buf_free(&b);
    tap_syn_arena_free(&arena);
    return ok;
}

/* What can be printed and not be read. */
static bool is_known(void)
{
    static const char *const known[] = {"this is nested", "this number is too large",
                                        "this cannot be made of its text",
                                        "an atom has at most 255 characters, none of them NUL"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strncmp(refused.text, known[i], strlen(known[i])) == 0)
            return true;
    return false;
}

static void reads_what_it_prints(void)
{
    struct corpus c;
    unsigned n = 0, read = 0;
    if (system("command -v elixir >/dev/null 2>&1") != 0) {
        printf("# skipped: no elixir\n");
        CU_PASS("no elixir");
        return;
    }
    setup();
    int made = corpus_make(&c, "elixir", corpus_elixir, "");
    CU_ASSERT(made);
    while (made && corpus_next(&c)) {
        bool ok = check_read(&c);
        n++;
        read += ok;
        if (!ok && !is_known())
            printf("# %.300s: %s\n", c.text, refused.text);
        CU_ASSERT(ok || is_known());
    }
    printf("# %u of %u are read\n", read, n);
    CU_ASSERT(n >= 25000 && n - read < 1000);
    corpus_end(&c);
    tap_intern_free(names);
}

/* ---- What no node at hand can be asked for */

static void check_bytes(const struct tap_print *p, const char *expected, const uint8_t *bytes,
                        size_t len)
{
    size_t n;
    char *got = print(bytes, len, p, &n);
    if (strcmp(got, expected) != 0)
        printf("# expected %s, got %s\n", expected, got);
    CU_ASSERT_STRING_EQUAL(got, expected);
    free(got);
}
#define PRINTS(p, expected, ...) check_bytes((p), (expected), BYTES(__VA_ARGS__))
#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

#define NODE_W 119, 6, 's', '@', 'w', 'e', 'b', '2'

static void prints_other_nodes_by_name(void)
{
    setup();
    struct tap_print e = {.node_name = home}, x = {.syntax = TAP_PRINT_ELIXIR, .node_name = home};
    PRINTS(&e, "<s@web2.123.0>", 88, NODE_W, 0, 0, 0, 123, 0, 0, 0, 0, 1, 2, 3, 4);
    PRINTS(&x, "#PID<s@web2.123.7>", 88, NODE_W, 0, 0, 0, 123, 0, 0, 0, 7, 1, 2, 3, 4);
    PRINTS(&e, "#Port<s@web2.5>", 89, NODE_W, 0, 0, 0, 5, 1, 2, 3, 4);
    PRINTS(&e, "#Port<s@web2.4294967296>", 120, NODE_W, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4);
    PRINTS(&e, "#Ref<s@web2.3.2.1>", 90, 0, 3, NODE_W, 9, 9, 9, 9, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0,
           3);
    PRINTS(&x, "#Reference<s@web2.3.2.1>", 90, 0, 3, NODE_W, 9, 9, 9, 9, 0, 0, 0, 1, 0, 0, 0, 2, 0,
           0, 0, 3);
    uint32_t there = tap_intern_name(names, "s@web2", 6);
    struct tap_print at = {.node_name = there};
    PRINTS(&at, "<0.123.0>", 88, NODE_W, 0, 0, 0, 123, 0, 0, 0, 0, 1, 2, 3, 4);
    char b[80] = "";
    struct tap_pid pid = {.node = there, .id = 4, .serial = 5};
    CU_ASSERT_EQUAL(tap_pid_print(tap_intern_names(names), b, sizeof b, &pid, &e), 12);
    CU_ASSERT_STRING_EQUAL(b, "<s@web2.4.5>");
    tap_intern_free(names);
}

/* As many characters as an atom has, none cut in two, and no escape: whoever prints has room for
 * that, and text that is put around it. */
static void a_pid_needs_no_more_than_is_promised(void)
{
    static const struct {
        const char *character, *json;
    } cases[] = {{"\"", "\\\""}, {"\1", "?"}, {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"}};
    static char name[7000 * 4], text[7000 * 6];
    setup();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int json = 0; json < 2; json++)
            for (size_t count = 254; count <= 7000; count = count == 256 ? 7000 : count + 1) {
                const char *one = json || i == 1 ? cases[i].json : cases[i].character;
                size_t len = strlen(cases[i].character), each = strlen(one), shown = count;
                for (size_t c = 0; c < count; c++)
                    memcpy(name + c * len, cases[i].character, len);
                struct tap_print p = {.syntax = TAP_PRINT_ELIXIR, .node_name = home, .json = json};
                struct tap_pid pid = {.node = tap_intern_name(names, name, count * len),
                                      .id = UINT32_MAX,
                                      .serial = UINT32_MAX};
                struct tap_event ev = {.peer_type = TAP_PEER_PID, .peer = pid};
                struct tap_batch batch = {.arena_len = 0};
                size_t n = tap_pid_print(tap_intern_names(names), text, sizeof text, &pid, &p);
                if (count > 255)
                    shown = 255;
                CU_ASSERT_FATAL(n <= 2 * 1020 + 48 && n > 5 + shown * each);
                for (size_t c = 0; c < shown; c++)
                    CU_ASSERT_FATAL(memcmp(text + 5 + c * each, one, each) == 0);
                const char *behind =
                    count > 255 ? "....4294967295.4294967295>" : ".4294967295.4294967295>";
                CU_ASSERT(n == 5 + shown * each + strlen(behind) &&
                          memcmp(text + 5 + shown * each, behind, strlen(behind)) == 0);
                CU_ASSERT_EQUAL(tap_peer_print(tap_intern_names(names), NULL, 0, &batch, &ev, &p),
                                n);
            }
    tap_intern_free(names);
}

#define FUN_SIZE 0, 0, 0, 57
#define FUN_HASH(last) 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last
/* index, no free variables, module, old index, old unique number, pid */
#define FUN_REST                                                                                 \
    0, 0, 0, 3, 0, 0, 0, 0, 119, 1, 'm', 97, 3, 97, 4, 88, NODE_W, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, \
        0, 3

static void reads_old_encodings(void)
{
    setup();
    struct tap_print e = {.node_name = home}, x = {.syntax = TAP_PRINT_ELIXIR, .node_name = home};
    PRINTS(&e, "'\xC3\xA9 x'", 100, 0, 3, 0xE9, ' ', 'x');
    PRINTS(&e, "\xC3\xA9x", 115, 2, 0xE9, 'x');
    PRINTS(&e, "1.5", 99, '1', '.', '5', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0',
           '0', '0', '0', '0', '0', '0', '0', 'e', '+', '0', '0', 0, 0, 0, 0, 0);
    PRINTS(&e, "<s@web2.1.2>", 103, NODE_W, 0, 0, 0, 1, 0, 0, 0, 2, 3);
    PRINTS(&e, "#Ref<s@web2.7>", 101, NODE_W, 0, 0, 0, 7, 1);
    PRINTS(&e, "#Ref<s@web2.8.7>", 114, 0, 2, NODE_W, 1, 0, 0, 0, 7, 0, 0, 0, 8);
    PRINTS(&e, "#Port<s@web2.7>", 102, NODE_W, 0, 0, 0, 7, 1);
    PRINTS(&e, "#Fun<m.3.-4>", 117, 0, 0, 0, 1, 103, NODE_W, 0, 0, 0, 1, 0, 0, 0, 2, 3, 119, 1, 'm',
           97, 3, 98, 255, 255, 255, 252, 106);
    /* of the native tracer's, whose hash is 0, no arity is known */
    PRINTS(&x, "#Function<3.4/2 in :m>", 112, FUN_SIZE, 2, FUN_HASH(1), FUN_REST);
    PRINTS(&x, "#Function<3.4 in :m>", 112, FUN_SIZE, 0, FUN_HASH(0), FUN_REST);
    PRINTS(&e, "#Fun<m.3.4>", 112, FUN_SIZE, 0, FUN_HASH(0), FUN_REST);
    PRINTS(&e, "{a,1}", 131, 105, 0, 0, 0, 2, 119, 1, 'a', 97, 1);
    PRINTS(&e, "\"abc\"", 108, 0, 0, 0, 1, 97, 'a', 107, 0, 2, 'b', 'c');
    PRINTS(&e, "[1,98,99]", 108, 0, 0, 0, 1, 97, 1, 107, 0, 2, 'b', 'c');
    /* there it ends, whatever stands behind it */
    PRINTS(&e, "{\"abc\",[-1]}", 104, 2, 108, 0, 0, 0, 1, 97, 'a', 107, 0, 2, 'b', 'c', 108, 0, 0,
           0, 1, 98, 255, 255, 255, 255, 106);
    PRINTS(&e, "{\"abc\",\"de\"}", 104, 2, 108, 0, 0, 0, 1, 97, 'a', 107, 0, 2, 'b', 'c', 107, 0, 2,
           'd', 'e');
    PRINTS(&e, "[x,y]", 108, 0, 0, 0, 1, 119, 1, 'x', 108, 0, 0, 0, 1, 119, 1, 'y', 106);
    PRINTS(&e, "a", 108, 0, 0, 0, 0, 119, 1, 'a');
    PRINTS(&e, "0", 110, 3, 1, 0, 0, 0);
    tap_intern_free(names);
}

/* Words of the language since OTP 27, by any of the printer's ways; Elixir has others. */
static void otp_27_quotes_maybe_and_else(void)
{
    static const uint8_t terms[] = {108, 0,   0,   0,   5,   119, 5,   'm', 'a', 'y', 'b', 'e', 100,
                                    0,   4,   'e', 'l', 's', 'e', 116, 0,   0,   0,   1,   119, 4,
                                    'e', 'l', 's', 'e', 119, 5,   'm', 'a', 'y', 'b', 'e', 119, 3,
                                    'e', 'n', 'd', 119, 4,   'e', 'l', 's', 'a', 106};
    char text[400];
    setup();
    struct tap_print before = {.node_name = home}, since = {.node_name = home, .has_maybe = true};
    struct tap_print x = {.syntax = TAP_PRINT_ELIXIR, .node_name = home, .has_maybe = true};
    check_bytes(&before, "[maybe,else,#{else => maybe},'end',elsa]", terms, sizeof terms);
    check_bytes(&since, "['maybe','else',#{'else' => 'maybe'},'end',elsa]", terms, sizeof terms);
    check_bytes(&x, "[:maybe, :else, %{else: :maybe}, :end, :elsa]", terms, sizeof terms);
    for (int i = 0; i < 2; i++) {
        const char *expected = i ? "'maybe', 'else', #{'else' => 'maybe'}, 'end', elsa"
                                 : "maybe, else, #{else => maybe}, 'end', elsa";
        size_t n = tap_arguments_print(tap_intern_names(names), text, sizeof text, terms,
                                       sizeof terms, ", ", i ? &since : &before);
        CU_ASSERT(n == strlen(expected) && memcmp(text, expected, n) == 0);
    }
    CU_ASSERT(!tap_node_has_maybe(&(struct tap_node){.release = "26"}));
    CU_ASSERT(tap_node_has_maybe(&(struct tap_node){.release = "27"}));
    CU_ASSERT(tap_node_has_maybe(&(struct tap_node){.release = "29-rc1"}));
    CU_ASSERT(!tap_node_has_maybe(&(struct tap_node){.release = ""}));
    tap_intern_free(names);
}

static void says_what_is_bad(void)
{
    setup();
    struct tap_print e = {.node_name = home}, x = {.syntax = TAP_PRINT_ELIXIR, .node_name = home};
    CU_ASSERT_EQUAL(tap_term_print(NULL, NULL, 0, (const uint8_t *)"", 0, NULL), 6);
    PRINTS(&e, "#Bad<ff01>", 255, 1);
    PRINTS(&e, "{1,#Bad<>", 104, 2, 97, 1);
    PRINTS(&e, "#{#Bad<62>", 116, 0, 0, 0, 1, 'b');
    PRINTS(&e, "[1,#Bad<61>", 108, 0, 0, 0, 2, 97, 1, 97);
    PRINTS(&x, "[1, #Bad<61>", 108, 0, 0, 0, 2, 97, 1, 97);
    PRINTS(&e, "#Bad<6d7fffffff6162>", 109, 127, 255, 255, 255, 'a', 'b');
    PRINTS(&e, "#Bad<467ff00000000000>", 70, 0x7F, 0xF0, 0, 0, 0, 0, 0, 0);
    PRINTS(&e, "#{#Bad<74ffffffff610161>", 116, 255, 255, 255, 255, 97, 1, 97, 2);
    PRINTS(&e, "'\xEF\xBF\xBD'", 119, 1, 0xFF);
    tap_intern_free(names);
}

static void bounded(const char *expected, unsigned depth, unsigned items,
                    enum tap_print_syntax syntax, const uint8_t *term, size_t len)
{
    struct tap_print p = {
        .syntax = syntax, .node_name = home, .max_depth = depth, .max_items = items};
    size_t n;
    char *got = print(term, len, &p, &n);
    CU_ASSERT_STRING_EQUAL(got, expected);
    free(got);
}

/* {a,[1000,{b,[c]},#{d => 1,e => [f|g]}],<<"text">>,"hello",[1,2,3]} */
static const uint8_t nested[] = {104, 5,   119, 1,   'a', 108, 0,   0,   0,   3,   98,  0,   0,
                                 3,   232, 104, 2,   119, 1,   'b', 108, 0,   0,   0,   1,   119,
                                 1,   'c', 106, 116, 0,   0,   0,   2,   119, 1,   'd', 97,  1,
                                 119, 1,   'e', 108, 0,   0,   0,   1,   119, 1,   'f', 119, 1,
                                 'g', 106, 109, 0,   0,   0,   4,   't', 'e', 'x', 't', 107, 0,
                                 5,   'h', 'e', 'l', 'l', 'o', 107, 0,   3,   1,   2,   3};

static void shows_what_depth_and_width_cut(void)
{
    const enum tap_print_syntax E = TAP_PRINT_ERLANG, X = TAP_PRINT_ELIXIR;
    setup();
    const char *whole = "{a,[1000,{b,[c]},#{d => 1,e => [f|g]}],<<\"text\">>,\"hello\",[1,2,3]}";
    bounded(whole, 0, 0, E, nested, sizeof nested);
    bounded(whole, 4, 5, E, nested, sizeof nested);
    bounded("{a,[1000,{b,...},#{d => 1,e => ...}],<<\"text\">>,\"hello\",[1,2,3]}", 3, 0, E, nested,
            sizeof nested);
    bounded("{a,...,<<\"text\">>,\"hello\",...}", 1, 0, E, nested, sizeof nested);
    bounded("{a,[1000,{b,[c]}|...],...}", 0, 2, E, nested, sizeof nested);
    bounded("{a,...}", 0, 1, E, nested, sizeof nested);
    bounded("{a,[1000,...,...],<<\"text\">>,\"hello\",...}", 2, 4, E, nested, sizeof nested);
    bounded("{:a, [1000, {:b, [:c]}, ...], ...}", 0, 2, X, nested, sizeof nested);
    bounded("{:a, [1000, ..., ...], \"text\", 'hello', [1, 2, 3]}", 2, 5, X, nested, sizeof nested);
    tap_intern_free(names);
}

static void write_keyword(struct tap_buf *b, const char *key, unsigned char value)
{
    tap_write_list(b, 1);
    tap_write_tuple(b, 2);
    tap_write_atom(b, key);
    tap_write_u8(b, TAP_EXT_SMALL_INTEGER);
    tap_write_u8(b, value);
    tap_write_u8(b, TAP_EXT_NIL);
}

/* What is cut has shapes of its own, which must not be taken for those of what follows. */
static void cuts_keyword_lists_and_maps(void)
{
    struct tap_buf b = {0};
    setup();
    tap_write_tuple(&b, 3);
    tap_write_list(&b, 4);
    for (unsigned char i = 1; i <= 4; i++)
        write_keyword(&b, "b", i);
    tap_write_u8(&b, TAP_EXT_NIL);
    tap_buf_put(
        &b, (const uint8_t[]){TAP_EXT_MAP, 0, 0, 0, 1, TAP_EXT_SMALL_INTEGER, 7, TAP_EXT_NIL}, 8);
    write_keyword(&b, "d", 3);
    const enum tap_print_syntax X = TAP_PRINT_ELIXIR;
    bounded("{[[b: 1], [b: 2], [b: 3], [b: 4]], %{7 => []}, [d: 3]}", 0, 0, X, b.data, b.len);
    bounded("{[[b: 1], [b: 2], [b: 3], ...], %{7 => []}, [d: 3]}", 0, 3, X, b.data, b.len);
    bounded("{[..., ..., ..., ...], %{7 => []}, [d: 3]}", 2, 0, X, b.data, b.len);
    bounded("{[..., ..., ..., ...], %{7 => []}, [d: 3]}", 2, 4, X, b.data, b.len);
    bounded("{..., ..., ...}", 1, 0, X, b.data, b.len);
    tap_buf_free(&b);
    tap_intern_free(names);
}

static void check_peer(const struct tap_batch *batch, const struct tap_event *ev,
                       const struct tap_print *p, const char *expected)
{
    char b[100];
    size_t n = tap_peer_print(tap_intern_names(names), b, sizeof b - 1, batch, ev, p);
    b[n < sizeof b ? n : sizeof b - 1] = 0;
    CU_ASSERT_STRING_EQUAL(b, expected);
}

static void prints_peers(void)
{
    setup();
    struct tap_print e = {.node_name = home}, x = {.syntax = TAP_PRINT_ELIXIR, .node_name = home};
    static const uint8_t arena[] = {104, 1, 97, 5};
    struct tap_batch batch = {.arena = arena, .arena_len = sizeof arena};
    struct tap_event ev = {.peer_type = TAP_PEER_NAME,
                           .peer_name = tap_intern_name(names, "Elixir.Shop.Cart", 16)};
    check_peer(&batch, &ev, &e, "'Elixir.Shop.Cart'");
    check_peer(&batch, &ev, &x, "Shop.Cart");
    ev.peer.node = tap_intern_name(names, "shop@web-1", 10);
    check_peer(&batch, &ev, &e, "{'Elixir.Shop.Cart','shop@web-1'}");
    check_peer(&batch, &ev, &x, "{Shop.Cart, :\"shop@web-1\"}");
    ev.peer_type = TAP_PEER_MFA;
    ev.caller =
        (struct tap_mfa){ev.peer_name, .function = tap_intern_name(names, "a b", 3), .arity = 2};
    check_peer(&batch, &ev, &e, "'Elixir.Shop.Cart':'a b'/2");
    check_peer(&batch, &ev, &x, "Shop.Cart.\"a b\"/2");
    ev.peer_type = TAP_PEER_PORT;
    ev.peer_port = (struct tap_port){.node = home, .id = 77};
    check_peer(&batch, &ev, &e, "#Port<0.77>");
    ev.peer_type = TAP_PEER_PID;
    ev.peer = (struct tap_pid){.node = home, .id = 9};
    check_peer(&batch, &ev, &x, "#PID<0.9.0>");
    ev.peer_type = TAP_PEER_TERM;
    ev.peer_term = (struct tap_span){0, 4};
    check_peer(&batch, &ev, &e, "{5}");
    ev.peer_term.len = 5; /* outside of the arena */
    check_peer(&batch, &ev, &e, "");
    ev.peer_type = TAP_PEER_NONE;
    check_peer(&batch, &ev, &e, "");
    tap_intern_free(names);
}

#define ODD_W 119, 11, 'x', 27, ']', '0', ';', 7, '\n', 0xC2, 0x9B, '@', 'h'
#define ODD "x?]0;? ?@h"

/* Inside of a pid nothing is quoted: a node may call itself anything, and moves no terminal, nor
 * breaks a row. */
static void a_nodes_name_has_no_control_characters(void)
{
    static const uint8_t name[] = {ODD_W};
    const char *latin1 = "#Ref<x? \xC3\xA9@h.7>";
    struct tap_batch none = {.arena_len = 0};
    setup();
    struct tap_print e = {.node_name = home}, json = {.node_name = home, .json = true};
    uint32_t odd = tap_intern_name(names, (const char *)name + 2, sizeof name - 2);
    PRINTS(&e, "<" ODD ".123.0>", 88, ODD_W, 0, 0, 0, 123, 0, 0, 0, 0, 1, 2, 3, 4);
    PRINTS(&json, "<" ODD ".123.0>", 88, ODD_W, 0, 0, 0, 123, 0, 0, 0, 0, 1, 2, 3, 4);
    PRINTS(&e, "#Port<" ODD ".5>", 89, ODD_W, 0, 0, 0, 5, 1, 2, 3, 4);
    PRINTS(&e, "#Ref<" ODD ".1>", 90, 0, 1, ODD_W, 9, 9, 9, 9, 0, 0, 0, 1);
    PRINTS(&e, latin1, 101, 115, 6, 'x', 0x9B, '\t', 0xE9, '@', 'h', 0, 0, 0, 7, 1);
    struct tap_event ev = {.peer_type = TAP_PEER_PID, .peer = {.node = odd, .id = 9}};
    check_peer(&none, &ev, &e, "<" ODD ".9.0>");
    ev.peer_type = TAP_PEER_PORT;
    ev.peer_port = (struct tap_port){.node = odd, .id = 77};
    check_peer(&none, &ev, &e, "#Port<" ODD ".77>");
    tap_intern_free(names);
}

/* n times `open`, a nil, and n times `close`. */
static void deep(const char *open, size_t open_len, const char *close, size_t close_len,
                 enum tap_print_syntax syntax)
{
    const size_t depth = 100000;
    char *term = malloc(depth * (open_len + close_len) + 1), *p = term;
    for (size_t i = 0; i < depth; i++, p += open_len)
        memcpy(p, open, open_len);
    *p++ = 106;
    for (size_t i = 0; i < depth; i++, p += close_len)
        memcpy(p, close, close_len);
    struct tap_print print_as = {.syntax = syntax, .node_name = home};
    size_t n;
    char *got = print(term, (size_t)(p - term), &print_as, &n);
    CU_ASSERT(n >= 2 * depth + 2 && got[n - 1] == got[n - 2] && !strstr(got, "#Bad"));
    free(got);
    free(term);
}

static void prints_deep_terms(void)
{
    setup();
    deep("l\0\0\0\1", 5, "j", 1, TAP_PRINT_ERLANG);
    deep("l\0\0\0\1", 5, "j", 1, TAP_PRINT_ELIXIR);
    deep("h\1", 2, "", 0, TAP_PRINT_ERLANG);
    deep("t\0\0\0\1w\1a", 8, "", 0, TAP_PRINT_ERLANG);
    deep("t\0\0\0\1w\1a", 8, "", 0, TAP_PRINT_ELIXIR);
    deep("l\0\0\0\1h\2w\1a", 10, "j", 1, TAP_PRINT_ELIXIR);
    tap_intern_free(names);
}

/* Any bytes: within bounds (the sanitizers see to it), always UTF-8, and the same with less
 * room. */
static void survives_any_bytes(void)
{
    static const uint8_t tags[] = {70,  77,  88,  89,  90,  97,  98,  99,  100, 101,
                                   102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
                                   112, 113, 114, 115, 116, 117, 118, 119, 120};
    uint64_t seed = 88172645463325252ull;
    setup();
    for (int i = 0; i < 200000; i++) {
        uint8_t exact[64];
        size_t len = 0;
        for (size_t want = 1 + i % 60; len < want; len++) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            unsigned r = (unsigned)(seed >> 11);
            exact[len] = r % 4 == 0   ? tags[r / 4 % sizeof tags]
                         : r % 4 == 1 ? r / 4 % 4
                         : r % 4 == 2 ? 0
                                      : (uint8_t)(r >> 3);
        }
        uint8_t *term = malloc(len); /* of exactly that size: reading over it is seen */
        memcpy(term, exact, len);
        struct tap_print p = {.syntax = i & 1,
                              .json = i & 2,
                              .printable_unicode = i & 4,
                              .node_name = home,
                              .max_depth = i % 3,
                              .max_items = i % 5};
        size_t n;
        char *got = print(term, len, &p, &n), less[20];
        CU_ASSERT(is_utf8(got, n));
        size_t cap = (size_t)i % sizeof less;
        CU_ASSERT_EQUAL(tap_term_print(tap_intern_names(names), less, cap, term, len, &p), n);
        CU_ASSERT(memcmp(less, got, n < cap ? n : cap) == 0);
        free(got);
        free(term);
    }
    tap_intern_free(names);
}

static void escapes_json(void)
{
    char b[64] = "";
    static const char in[] = "a\"\\\b\f\n\r\t\1\x1f\x7f\xC3\xA9\xFF z";
    static const char out[] = "a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xC3\xA9\xEF\xBF\xBD z";
    CU_ASSERT_EQUAL(tap_json_escape(b, sizeof b, in, sizeof in - 1), sizeof out - 1);
    CU_ASSERT_STRING_EQUAL(b, out);
    CU_ASSERT_EQUAL(tap_json_escape(NULL, 0, in, sizeof in - 1), sizeof out - 1);
    CU_ASSERT_EQUAL(tap_json_escape(b, sizeof b, "", 0), 0);
}

/* Whatever room there is: no byte beyond it, what fits is there, and the length needed is told. */
static void arguments_stand_between_separators(void)
{
    struct tap_print p = {.node_name = home};
    struct tap_buf b = {0};
    static const char expected[] =
        "1000, apple, 97, {ok,-5,<<\"x\">>}, 'Not Bare', \"ab\", [a,[]], #{k => 1}, 'end', <0.7.0>";
    setup();
    tap_write_list(&b, 10);
    tap_write_i64(&b, 1000), tap_write_atom(&b, "apple"), tap_write_i64(&b, 97);
    tap_write_tuple(&b, 3), tap_write_atom(&b, "ok"), tap_write_i64(&b, -5),
        tap_write_binary(&b, "x", 1);
    tap_write_atom(&b, "Not Bare");
    tap_buf_put(&b, "\x6b\0\2ab", 5);
    tap_write_list(&b, 2), tap_write_atom(&b, "a"), tap_write_nil(&b), tap_write_nil(&b);
    tap_write_map(&b, 1), tap_write_atom(&b, "k"), tap_write_i64(&b, 1);
    tap_write_atom(&b, "end");
    tap_write_u8(&b, TAP_EXT_NEW_PID), tap_write_atom(&b, "nonode@nohost");
    tap_write_u32(&b, 7), tap_write_u32(&b, 0), tap_write_u32(&b, 1);
    tap_write_nil(&b);
    p.node_name = home;
    for (size_t cap = 0; cap < 1200; cap += cap < 160 ? 1 : 97) {
        char *dst = malloc(cap + 1);
        dst[cap] = '!';
        size_t n = tap_arguments_print(tap_intern_names(names), dst, cap, b.data, b.len, ", ", &p);
        CU_ASSERT_EQUAL(n, sizeof expected - 1);
        CU_ASSERT(memcmp(dst, expected, n < cap ? n : cap) == 0 && dst[cap] == '!');
        free(dst);
    }
    char text[2000];
    for (p.limit = 1; p.limit < 2 * sizeof expected;
         p.limit++) { /* over all of them together, at a whole piece */
        size_t n = tap_arguments_print(tap_intern_names(names), text, sizeof text, b.data, b.len,
                                       ", ", &p),
               same = 0;
        while (same < n && text[same] == expected[same])
            same++;
        bool whole = same == n && n == sizeof expected - 1;
        CU_ASSERT(n <= p.limit + 10 &&
                  (whole || (n - same <= 8 && memcmp(text + n - 3, "...", 3) == 0)));
    }
    p.limit = 0;
    tap_buf_free(&b);
    tap_buf_put(&b, "\x6b\0\2ab", 5); /* [97, 98] as the VM packs it */
    CU_ASSERT_EQUAL(
        tap_arguments_print(tap_intern_names(names), text, sizeof text, b.data, b.len, ",", &p), 5);
    CU_ASSERT(memcmp(text, "97,98", 5) == 0);
    CU_ASSERT_EQUAL(tap_arguments_print(tap_intern_names(names), text, sizeof text,
                                        (const uint8_t *)"\x6a", 1, ",", &p),
                    0);
    CU_ASSERT_EQUAL(tap_arguments_print(tap_intern_names(names), text, sizeof text,
                                        (const uint8_t *)"a\7", 2, ",", &p),
                    1);
    tap_buf_free(&b);
    tap_intern_free(names);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* [I, atom], the arguments of a call: printed right, and the time it takes, told. */
static void tells_its_speed(void)
{
    setup();
    struct tap_print p = {.node_name = home};
    uint8_t term[] = {108, 0,   0,   0,   2,   98,  0,   0,   0x30, 0x39, 119,
                      9,   's', 'h', 'o', 'p', '_', 'c', 'a', 'r',  't',  106};
    char dst[64] = "";
    size_t n = 0, sum = 0;
    const unsigned times = 2000000;
    double start = now();
    for (unsigned i = 0; i < times; i++) {
        term[9] = (uint8_t)i;
        sum += tap_term_print(tap_intern_names(names), dst, sizeof dst, term, sizeof term, &p);
    }
    double ns = (now() - start) * 1e9 / times;
    term[9] = 0x39;
    n = tap_term_print(tap_intern_names(names), dst, sizeof dst, term, sizeof term, &p);
    dst[n] = 0;
    CU_ASSERT_STRING_EQUAL(dst, "[12345,shop_cart]");
    CU_ASSERT_EQUAL(sum, (size_t)times * n);
    printf("# [I, atom]: %.1f ns\n", ns);
    tap_intern_free(names);
}

UNIT_TESTS("term_print", UNIT_TEST(arguments_stand_between_separators),
           UNIT_TEST(prints_as_erlang_latin1), UNIT_TEST(prints_as_erlang_unicode),
           UNIT_TEST(prints_as_elixir), UNIT_TEST(reads_what_it_prints),
           UNIT_TEST(prints_other_nodes_by_name), UNIT_TEST(a_pid_needs_no_more_than_is_promised),
           UNIT_TEST(reads_old_encodings), UNIT_TEST(otp_27_quotes_maybe_and_else),
           UNIT_TEST(says_what_is_bad), UNIT_TEST(shows_what_depth_and_width_cut),
           UNIT_TEST(cuts_keyword_lists_and_maps), UNIT_TEST(prints_peers),
           UNIT_TEST(a_nodes_name_has_no_control_characters), UNIT_TEST(prints_deep_terms),
           UNIT_TEST(survives_any_bytes), UNIT_TEST(escapes_json), UNIT_TEST(tells_its_speed))
