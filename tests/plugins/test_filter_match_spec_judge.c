/* filter:match_spec's judge against the VM: thousands of specs and terms of every class, made anew
 * in a node by a fixed seed and by another one each time, and what erlang:match_spec_test says of
 * them. The judge may leave a case undecided, but few, and never may it say anything else than the
 * VM. BEAMTAP_LONG=SECONDS goes on with new seeds for so long.
 */
#include <time.h>

#include "beamtap/term_write.h"
#include "filters/match_spec/judge.h"
#include "unit.h"

struct corpus {
    uint8_t *bytes;
    size_t len, at;
    struct ms_value self;
    uint32_t release;
};

static void corpus_make(struct corpus *c, unsigned count, unsigned seed)
{
    char path[] = "/tmp/tap_judged_XXXXXX", command[512];
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    snprintf(command, sizeof command,
             "escript " TAP_SOURCE "/tests/plugins/match_spec_judged.erl %s %u %u </dev/null", path,
             count, seed);
    CU_ASSERT_FATAL(system(command) == 0);
    *c = (struct corpus){.len = (size_t)lseek(fd, 0, SEEK_END)};
    c->bytes = malloc(c->len);
    CU_ASSERT_FATAL(c->bytes && pread(fd, c->bytes, c->len, 0) == (ssize_t)c->len);
    close(fd);
    unlink(path);
}

/* The next term, behind its version byte. */
static struct tap_cursor corpus_term(struct corpus *c)
{
    CU_ASSERT_FATAL(c->len - c->at >= 4);
    uint32_t n = tap_get_u32(c->bytes + c->at);
    CU_ASSERT_FATAL(n >= 1 && c->len - c->at - 4 >= n);
    c->at += 4 + n;
    return tap_cursor(c->bytes + c->at - n + 1, n - 1);
}

/* What erl prints of two terms: for people, when one is wrong. */
static void show(const char *what, const struct tap_cursor *c)
{
    printf("# %s <<131", what);
    for (const uint8_t *p = c->p; p < c->end; p++)
        printf(",%u", *p);
    puts(">>");
}

/* Bytes that are no terms any more: whatever it says, it reads no further than they go. */
static void judge_mutants(const struct ms_judge *judge, struct ms_subject subject,
                          const struct tap_cursor *args, unsigned *seed)
{
    size_t n = tap_left(args);
    for (int i = 0; i < 4; i++) {
        size_t len = i % 2 ? n : (size_t)rand_r(seed) % (n + 1);
        uint8_t *bytes = malloc(len ? len : 1);
        CU_ASSERT_FATAL(bytes != NULL);
        memcpy(bytes, args->p, len);
        for (int k = 0; i % 2 && k < 3; k++)
            bytes[(size_t)rand_r(seed) % len] = (uint8_t)rand_r(seed);
        struct tap_cursor c = tap_cursor(bytes, len);
        subject.whole = ms_value_read(&c);
        tap_ms_judge(judge, &subject);
        free(bytes);
    }
}

struct tally {
    unsigned seed, cases, kept, undecided, wrong;
};

static void judge_case(struct corpus *c, struct tally *t)
{
    struct tap_syn_arena arena = {NULL};
    struct ms_judge judge;
    struct tap_cursor spec = corpus_term(c), args = corpus_term(c);
    bool kept = c->bytes[c->at++];
    CU_ASSERT_FATAL(tap_ms_judge_read(&arena, spec.p, tap_left(&spec), &judge));
    CU_ASSERT(judge.unknown == NULL);
    struct ms_subject subject = {.whole = ms_value_read(&args),
                                 .self = c->self,
                                 .node = ms_value_atom("nonode@nohost"),
                                 .release = (int)c->release};
    struct ms_verdict v = tap_ms_judge(&judge, &subject);
    judge_mutants(&judge, subject, &args, &t->seed);
    t->cases++;
    t->kept += kept;
    t->undecided += v.matches == MS_UNDECIDED;
    if (v.matches != MS_UNDECIDED && kept != (v.matches == MS_ACCEPTED && !v.silent) &&
        t->wrong++ < 5) {
        printf("# the VM %s this\n", kept ? "keeps" : "drops");
        show("spec", &spec);
        show("args", &args);
    }
    tap_syn_arena_free(&arena);
}

static void judge_corpus(unsigned count, unsigned seed)
{
    struct corpus c;
    struct tally t = {.seed = seed};
    corpus_make(&c, count, seed);
    c.release = tap_get_u32(c.bytes);
    c.at = 4;
    struct tap_cursor self = corpus_term(&c);
    c.self = ms_value_read(&self);
    while (c.at < c.len)
        judge_case(&c, &t);
    free(c.bytes);
    printf("# seed %u: %u cases, %u kept, %u undecided, %u wrong\n", seed, t.cases, t.kept,
           t.undecided, t.wrong);
    CU_ASSERT(t.cases == count && t.wrong == 0);
    CU_ASSERT(t.kept > count / 10 && t.kept < count - count / 10);
    CU_ASSERT(t.undecided < count / (c.release >= 28 ? 50 : 100)); /* see is_record */
}

static void says_what_the_vm_says(void)
{
    judge_corpus(20000, 1);
}

static void says_it_of_others_too(void)
{
    const char *seconds = getenv("BEAMTAP_LONG");
    time_t until = time(NULL) + (seconds ? atoi(seconds) : 0);
    unsigned seed = (unsigned)time(NULL) ^ (unsigned)getpid() << 16;
    do {
        alarm(UNIT_TIME_LIMIT);
        judge_corpus(20000, seed++);
    } while (time(NULL) < until);
}

/* ---- Large maps */

#define KEYS 3000u

/* Key i of nine sorts, written in one of two ways where there are two. */
static void put_key(struct tap_buf *b, uint32_t i, bool other)
{
    char text[32];
    int n = snprintf(text, sizeof text, "k\xe9y%u", i);
    uint8_t head[3] = {TAP_EXT_STRING, 0, (uint8_t)n};
    switch (i % 9) {
    case 0: tap_write_i64(b, (int64_t)i); return;
    case 1: tap_write_i64(b, -((int64_t)i << 40)); return;
    case 2: /* an atom in Latin-1, or in UTF-8 */
        if (!other) {
            head[0] = TAP_EXT_ATOM;
            tap_buf_put(b, head, 3);
            tap_buf_put(b, text, (size_t)n);
            return;
        }
        n = snprintf(text, sizeof text, "k\xc3\xa9y%u", i);
        tap_buf_put(b, (uint8_t[2]){TAP_EXT_SMALL_ATOM_UTF8, (uint8_t)n}, 2);
        tap_buf_put(b, text, (size_t)n);
        return;
    case 3: /* a list of small integers, in two ways */
        if (other) {
            tap_buf_put(b, head, 3);
            tap_buf_put(b, text, (size_t)n);
            return;
        }
        tap_write_list(b, (uint32_t)n);
        for (int k = 0; k < n; k++)
            tap_write_i64(b, (uint8_t)text[k]);
        tap_write_nil(b);
        return;
    case 4: tap_write_binary(b, text, (size_t)n); return;
    case 5:
        tap_write_tuple(b, 3);
        tap_write_atom(b, "key");
        put_key(b, i - 2, other);
        tap_write_i64(b, i);
        return;
    case 6: { /* a float, 2^(i/9) */
        uint64_t bits = (uint64_t)(1023 + i / 9) << 52;
        uint8_t bytes[9] = {TAP_EXT_NEW_FLOAT};
        tap_put_u64(bytes + 1, bits);
        tap_buf_put(b, bytes, 9);
        return;
    }
    case 7: { /* a process */
        uint8_t bytes[18] = {TAP_EXT_NEW_PID, TAP_EXT_SMALL_ATOM_UTF8, 3, 'n', '@', 'h'};
        tap_put_u32(bytes + 6, i);
        tap_put_u32(bytes + 14, 1);
        tap_buf_put(b, bytes, 18);
        return;
    }
    default: /* of 160 bits */
        tap_buf_put(b, (uint8_t[3]){TAP_EXT_SMALL_BIG, 20, 0}, 3);
        for (uint32_t k = 0; k < 20; k++)
            tap_buf_put(b, (uint8_t[1]){k < 4 ? (uint8_t)(i >> k * 8) : 7}, 1);
    }
}

/* #{Key(i) => i}, in an order of its own; `spoilt` has another value, `gone` stands with another
 * key. */
static struct ms_value make_map(struct tap_buf *b, uint32_t step, uint32_t spoilt, uint32_t gone)
{
    tap_write_map(b, KEYS);
    for (uint32_t i = 0; i < KEYS; i++) {
        uint32_t key = (uint32_t)((uint64_t)i * step % KEYS);
        if (key == gone)
            tap_write_i64(b, KEYS * 2);
        else
            put_key(b, key, step > 1);
        tap_write_i64(b, key + (key == spoilt));
    }
    CU_ASSERT_FATAL(!b->oom);
    struct tap_cursor c = tap_cursor(b->data, b->len);
    return ms_value_read(&c);
}

/* In steps that grow with their keys. */
static void compares_large_maps_in_any_order(void)
{
    static const uint32_t orders[] = {1, 7, 2999};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct tap_buf one = {0}, same = {0}, other = {0}, without = {0};
        struct ms_value a = make_map(&one, 1, KEYS, KEYS);
        struct ms_value b = make_map(&same, orders[i], KEYS, KEYS);
        struct ms_value more = make_map(&other, orders[i], 1233, KEYS);
        struct ms_value lacks = make_map(&without, orders[i], KEYS, 9);
        for (int exact = 0; exact < 2; exact++) {
            struct ms_context c = {.steps = MS_STEPS, .release = 25};
            CU_ASSERT(ms_compare(&c, &a, &b, exact) == MS_SAME);
            c.steps = MS_STEPS;
            CU_ASSERT(ms_compare(&c, &b, &a, exact) == MS_SAME);
            c.steps = MS_STEPS;
            CU_ASSERT(ms_compare(&c, &a, &more, exact) == MS_LESS);
            c.steps = MS_STEPS;
            CU_ASSERT(ms_compare(&c, &more, &a, exact) == MS_GREATER);
            c.steps = MS_STEPS; /* the least key that one alone has: 9 and 6000 */
            CU_ASSERT(ms_compare(&c, &a, &lacks, exact) == MS_LESS);
            c.steps = MS_STEPS;
            CU_ASSERT(ms_compare(&c, &lacks, &a, exact) == MS_GREATER);
        }
        tap_buf_free(&one);
        tap_buf_free(&same);
        tap_buf_free(&other);
        tap_buf_free(&without);
    }
}

/* ---- Funs of the native tracer's, which are their module, index and unique number alone */

/* fun m:Index, of this arity in a module of this hash, that holds nothing. */
static struct ms_value make_fun(struct tap_buf *b, uint8_t arity, uint8_t hash, uint32_t index)
{
    uint8_t head[30] = {TAP_EXT_NEW_FUN, 0, 0, 0, 0, arity};
    head[6] = hash;
    tap_put_u32(head + 22, index);
    tap_buf_put(b, head, sizeof head);
    tap_write_atom(b, "m");
    tap_write_i64(b, index);
    tap_write_i64(b, 4);
    tap_buf_put(b, "X\x77\3n@h\0\0\0\5\0\0\0\0\0\0\0\1", 18);
    tap_put_u32(b->data + 1, (uint32_t)b->len - 1);
    struct tap_cursor c = tap_cursor(b->data, b->len);
    return ms_value_read(&c);
}

static bool has_arity(struct ms_value fun, int arity, struct ms_value *out)
{
    struct ms_value arguments[2] = {fun, ms_value_integer(arity)};
    *out = ms_value_unknown();
    return tap_ms_function("is_function", 11, 2)(NULL, arguments, 2, out);
}

static void what_a_native_fun_does_not_tell_is_unknown(void)
{
    struct tap_buf bytes[4] = {{0}};
    struct ms_value whole = make_fun(&bytes[0], 2, 7, 3), same = make_fun(&bytes[1], 0, 0, 3),
                    other = make_fun(&bytes[2], 0, 0, 4), again = make_fun(&bytes[3], 2, 7, 3), out;
    struct ms_context c = {.steps = MS_STEPS, .release = 25};
    CU_ASSERT(ms_compare(&c, &whole, &again, true) == MS_SAME);
    CU_ASSERT(ms_compare(&c, &whole, &same, true) == MS_NOBODY_KNOWS);
    CU_ASSERT(ms_compare(&c, &same, &same, true) == MS_NOBODY_KNOWS);
    CU_ASSERT(ms_compare(&c, &same, &other, true) == MS_DIFFERENT);
    CU_ASSERT(has_arity(whole, 2, &out) && ms_value_is_atom(&out, "true"));
    CU_ASSERT(has_arity(whole, 0, &out) && ms_value_is_atom(&out, "false"));
    CU_ASSERT(has_arity(same, 0, &out) && out.type == MS_UNKNOWN);
    for (size_t i = 0; i < 4; i++)
        tap_buf_free(&bytes[i]);
}

UNIT_TESTS("filter_match_spec_judge", UNIT_TEST(what_a_native_fun_does_not_tell_is_unknown),
           UNIT_TEST(compares_large_maps_in_any_order), UNIT_TEST(says_what_the_vm_says),
           UNIT_TEST(says_it_of_others_too))
