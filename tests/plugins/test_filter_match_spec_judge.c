/* filter:match_spec's judge against the VM: thousands of specs and terms of every class, made anew
 * in a node by a fixed seed and by another one each time, and what erlang:match_spec_test says of
 * them. The judge may leave a case undecided, but few, and never may it say anything else than the
 * VM. BEAMTAP_LONG=SECONDS goes on with new seeds for so long.
 */
#include <time.h>

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

UNIT_TESTS("filter_match_spec_judge", UNIT_TEST(says_what_the_vm_says),
           UNIT_TEST(says_it_of_others_too))
