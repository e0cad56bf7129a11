/* filter:match_spec: why an event could not be judged is what is said of it. */
#include "match_spec_lines.h"

/* ---- Arguments: one is written twice where the function has two */

static void put_record(struct tap_buf *b)
{
    tap_write_u8(b, TAP_EXT_RECORD);
    tap_write_u32(b, 0), tap_write_u8(b, 0);
    tap_write_atom(b, "shop"), tap_write_atom(b, "item");
}
static void put_text(struct tap_buf *b) /* 1,500 small integers, packed */
{
    tap_buf_put(b, (uint8_t[]){TAP_EXT_STRING, 1500 >> 8, 1500 & 255}, 3);
    for (int i = 0; i < 1500; i++)
        tap_write_u8(b, 'a');
}
static void put_list(struct tap_buf *b) /* 900 small integers, not packed */
{
    tap_write_list(b, 900);
    for (int i = 0; i < 900; i++)
        tap_write_i64(b, 7);
    tap_write_nil(b);
}
static void put_nest(struct tap_buf *b)
{
    for (int i = 0; i < 450; i++)
        tap_write_list(b, 1);
    for (int i = 0; i < 451; i++)
        tap_write_nil(b);
}
static void put_big(struct tap_buf *b) /* 1 bsl 96 */
{
    tap_buf_put(b, (uint8_t[]){TAP_EXT_SMALL_BIG, 13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
                16);
}
static void put_one(struct tap_buf *b)
{
    tap_write_i64(b, 1);
}

static char verdict;
static const char *said_of(const char *trace, void (*put)(struct tap_buf *), int arity)
{
    void *m = create(trace, NULL);
    if (!m)
        return fake.messages[0];
    struct tap_buf b = {0};
    tap_write_list(&b, (uint32_t)arity);
    for (int i = 0; i < arity; i++)
        put(&b);
    tap_write_nil(&b);
    struct tap_event *e = batch_add(TAP_FUNCTION_CALL, 1);
    e->module = fake_name("m"), e->function = fake_name("f"), e->arity = arity;
    e->payload = batch_term(b.data, b.len);
    tap_buf_free(&b);
    *fake.warning = '\0';
    verdict = *fake_filter(m);
    match_spec_destroy(m);
    return fake.warning;
}

/* As many times as it takes. */
static const char *many(const char *what, unsigned times, const char *between)
{
    static char line[60000];
    char *p = line;
    for (unsigned i = 0; i < times; i++)
        p = stpcpy(stpcpy(p, i ? between : ""), what);
    return line;
}

static void the_bound_that_was_met_is_said(void)
{
    static const struct {
        const char *head, *guard;
        unsigned times;
        void (*put)(struct tap_buf *);
        int arity;
        const char *why; /* NULL: it is kept without a word */
    } cases[] = {
        {"X, Y", "X == Y", 1, put_text, 2, NULL},
        {"X, Y", "X == Y", 60, put_text, 2, "there are terms so large that it would take too long"},
        {"X", "length(X) == 900", 400, put_list, 1, NULL},
        {"X", "size({X, X, X, X}) == 4", 1, put_one, 1, NULL},
        {"X", "[X] == [X]", 1, put_nest, 1, "there are terms that are nested too deeply"},
        {"X", "X == 1", 1, put_record, 1, "there are terms that cannot be read here, such as the"},
        {"_", "true", 1, put_record, 1, NULL},
        {"X, Y", "map_get(1, #{X => a, Y => b}) == a", 1, put_one, 2,
         "a guard makes a map of which two keys may be the same"},
        {"X", "map_get(2, #{X => a, 2 => b}) == b", 1, put_one, 1, NULL},
        {"X", "X * X > 1", 1, put_big, 1, "it asks for numbers of more than 127 bits, for which"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static char line[61000], expected[256];
        snprintf(line, sizeof line, "m:f(%s) when %s", cases[i].head,
                 many(cases[i].guard, cases[i].times, ", "));
        snprintf(expected, sizeof expected, "line 1: this cannot be judged of every event here: %s",
                 cases[i].why);
        const char *said = said_of(line, cases[i].put, cases[i].arity);
        bool right = cases[i].why ? strncmp(said, expected, strlen(expected)) == 0 : !*said;
        CU_ASSERT(right && verdict == '+');
        if (!right || verdict != '+')
            printf("# %.200s: %s\n", line, said);
    }
    static char line[61000];
    snprintf(line, sizeof line, "m:f(X) when size({%s}) == 600", many("X", 600, ", "));
    CU_ASSERT_PTR_NOT_NULL(strstr(said_of(line, put_one, 1), ": a guard makes too many values; "));
}

UNIT_TESTS("filter_match_spec_reasons", UNIT_TEST(the_bound_that_was_met_is_said))
