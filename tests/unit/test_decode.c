/* test_decode.c: trace messages to events, against a node that made them.
 *
 * An erl traces a workload with beamtap's kind of extra elements and writes each trace message
 * beside a line that says what it is, made by Erlang from the term itself. The decoder's event,
 * printed, must give the same line. Then the same bytes are damaged in every way: nothing may
 * crash, and the sum of what is received and lost stays right.
 */
#include "base/event_names.h"
#include "decode/batch.h"
#include "decode/trace_message.h"
#include "decode/frame.h"
#include "decode/numbered.h"
#include "frames.h"
#include "term/print.h"
#include "unit.h"

static struct tap_intern *intern;
static struct tap_atom_cache *atoms;
/* The node's own times, so far from its start that the events of a test are after 1970. */
#define OFFSET (INT64_C(1) << 60)
static struct tap_node_clock the_clock = {.told = true,
                                          .now = {INT64_MIN, INT64_MIN, OFFSET, OFFSET}};

/* ---- The corpus: u32 length, line, u32 length, term. */
static uint8_t *corpus;
static size_t corpus_len;

static bool make_corpus(void)
{
    char folder[] = "/tmp/beamtap-unit-XXXXXX", path[128], command[512];
    if (!mkdtemp(folder))
        return false;
    snprintf(command, sizeof command,
             "cd %s && erlc %s/tests/unit/decode_corpus.erl && timeout 60 erl -noshell -noinput "
             "-run decode_corpus main corpus.bin </dev/null",
             folder, TAP_SOURCE);
    bool ok = system(command) == 0;
    FILE *f;
    snprintf(path, sizeof path, "%s/corpus.bin", folder);
    f = ok ? fopen(path, "rb") : NULL;
    if (f) {
        corpus = malloc(8 << 20);
        corpus_len = fread(corpus, 1, 8 << 20, f);
        fclose(f);
    }
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 && f && corpus_len > 0;
}

struct item {
    const char *line;
    uint32_t line_len;
    uint32_t off, len; /* the term in the corpus */
};
static bool next(size_t *at, struct item *it)
{
    if (corpus_len - *at < 8)
        return false;
    it->line_len = tap_get_u32(corpus + *at);
    it->line = (const char *)corpus + *at + 4;
    *at += 4 + it->line_len;
    it->len = tap_get_u32(corpus + *at);
    it->off = (uint32_t)*at + 4;
    *at += 4 + it->len;
    return true;
}

/* ---- The decoder's line. */
static char line[1 << 16];
static size_t line_len;
static uint32_t local_node;

static void put(const char *text, size_t n)
{
    if (n > sizeof line - line_len)
        n = sizeof line - line_len;
    memcpy(line + line_len, text, n);
    line_len += n;
}
static void put_span(struct tap_span s)
{
    struct tap_print how = {.node_name = local_node};
    put("\t", 1);
    if (!s.len) {
        put("-", 1);
        return;
    }
    line_len += tap_term_print(tap_intern_names(intern), line + line_len, sizeof line - line_len,
                               corpus + s.off, s.len, &how);
}
static void put_name(uint32_t id)
{
    const struct tap_names *names = tap_intern_names(intern);
    const struct tap_name *n = &names->chunks[id / TAP_NAME_CHUNK][id % TAP_NAME_CHUNK];
    put("\t", 1);
    put(id ? n->atom : "-", id ? n->atom_len : 1);
}
static void put_number(int64_t v)
{
    char text[32];
    put(text, (size_t)snprintf(text, sizeof text, "\t%lld", (long long)v));
}
static void print_event(const struct tap_event *ev)
{
    struct tap_print how = {.node_name = local_node};
    struct tap_batch batch = {.struct_size = sizeof batch,
                              .event_size = sizeof *ev,
                              .arena = corpus,
                              .arena_len = (uint32_t)corpus_len};
    line_len = 0;
    put(tap_kind_name(ev->kind), strlen(tap_kind_name(ev->kind)));
    put("\t", 1);
    line_len += tap_pid_print(tap_intern_names(intern), line + line_len, 512, &ev->pid, &how);
    put_name(ev->module);
    put_name(ev->function);
    put_number(ev->arity);
    put("\t", 1);
    if (ev->peer_type == TAP_PEER_NONE)
        put("-", 1);
    else
        line_len +=
            tap_peer_print(tap_intern_names(intern), line + line_len, 4096, &batch, ev, &how);
    put_span(ev->payload);
    put_span(ev->metadata);
    /* those that go before anyone sees them are the decoder's own */
    put_number(ev->flags & ~(TAP_DECODE_CALLER | TAP_DECODE_TAIL));
    put_number(ev->flags & TAP_EVENT_TRUNCATED ? (int64_t)ev->true_size : 0);
    put_number(ev->ts - OFFSET);
}

static struct tap_event fresh(void)
{
    return (struct tap_event){.arity = -1};
}

static void events_are_what_the_node_says(void)
{
    bool seen[TAP_KIND_USER_LAST + 1] = {false};
    struct item it;
    unsigned n = 0, ignored = 0, wrong = 0;
    intern = tap_intern_new(0);
    atoms = tap_atom_cache_new(intern);
    local_node = tap_intern_name(intern, "nonode@nohost", 13);
    CU_ASSERT_FATAL(make_corpus());
    for (size_t at = 0; next(&at, &it); n++) {
        struct tap_event ev = fresh();
        enum tap_decoded d = tap_decode_message(atoms, &the_clock, corpus, it.off, it.len, &ev);
        if (d == TAP_DECODE_IGNORED) {
            ignored++;
            CU_ASSERT(it.line_len > 8 && memcmp(it.line, "ignored\t", 8) == 0);
            continue;
        }
        print_event(&ev);
        if (d == TAP_DECODED)
            seen[ev.kind] = true;
        if (d != TAP_DECODED || line_len != it.line_len || memcmp(line, it.line, line_len) != 0) {
            if (wrong++ < 10)
                printf("# %s\n#   node: %.*s\n#   here: %.*s\n",
                       d == TAP_DECODED ? "differs" : "bad", (int)it.line_len, it.line,
                       (int)line_len, line);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(n > 100 && ignored >= 1);
    for (unsigned k = 0; k <= TAP_KIND_USER_LAST; k++)
        if (!seen[k])
            printf("# no %s in the corpus\n", tap_kind_name(k));
    for (unsigned k = 0; k <= TAP_KIND_USER_LAST; k++)
        CU_ASSERT(seen[k]);
    tap_atom_cache_free(atoms);
    tap_intern_free(intern);
    free(corpus);
}

/* Every prefix is bad, and so is a byte too many. */
static void cut_messages_are_bad(void)
{
    struct item it;
    intern = tap_intern_new(0);
    atoms = tap_atom_cache_new(intern);
    CU_ASSERT_FATAL(make_corpus());
    for (size_t at = 0; next(&at, &it);) {
        uint8_t *copy = malloc(it.len + 1);
        for (uint32_t n = 0; n < it.len; n++) {
            uint8_t *exact = malloc(n ? n : 1); /* of exactly this size: asan sees a byte beyond */
            memcpy(exact, corpus + it.off, n);
            struct tap_event ev = fresh();
            CU_ASSERT_EQUAL(tap_decode_message(atoms, &the_clock, exact, 0, n, &ev),
                            TAP_DECODE_BAD);
            free(exact);
        }
        memcpy(copy, corpus + it.off, it.len);
        copy[it.len] = TAP_EXT_NIL;
        struct tap_event ev = fresh();
        CU_ASSERT_EQUAL(tap_decode_message(atoms, &the_clock, copy, 0, it.len + 1, &ev),
                        TAP_DECODE_BAD);
        free(copy);
    }
    tap_atom_cache_free(atoms);
    tap_intern_free(intern);
    free(corpus);
}

/* ---- Whole frames, damaged. */
static unsigned told;
static volatile unsigned touched;

/* Reads every byte, so that a sanitizer sees one that is not there. */
static void touch(const char *text, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        touched += (unsigned char)text[i];
    told++;
}
static void on_up(void *arg, uint32_t node, const struct tap_node_facts *facts)
{
    (void)arg, (void)node;
    touch(facts->release, facts->release_len);
}
static void on_log(void *arg, uint32_t node, enum tap_log_level level, const char *text,
                   uint32_t len)
{
    (void)arg, (void)node, (void)level;
    touch(text, len);
}

static unsigned called;
static void on_call(void *arg, const char *kind, uint32_t kind_len, const uint8_t *term,
                    uint32_t len)
{
    (void)arg;
    touch((const char *)term, len);
    called += kind_len == 8 && memcmp(kind, "returned", 8) == 0 && len == 6 &&
              memcmp(term, "result", 6) == 0;
}

/* Spans lie in the arena and hold one whole term each; numbers ascend; what is received and lost
 * adds up. */
static void check_batch(const struct tap_batch_impl *b, const struct tap_stream *s,
                        uint32_t ignored, uint64_t before)
{
    uint64_t counted = 0, lost = 0, last = 0;
    for (uint32_t i = 0; i < b->base.count; i++) {
        const struct tap_event *ev = &b->events[i];
        const struct tap_span spans[] = {ev->payload, ev->metadata, tap_event_peer_term(ev),
                                         tap_event_stack(ev), ev->raw};
        CU_ASSERT(ev->kind < TAP_KIND_COUNT && ev->seq >= last);
        last = ev->seq;
        for (int k = 0; k < 4; k++) {
            struct tap_cursor c = tap_cursor(b->base.arena + spans[k].off, spans[k].len);
            CU_ASSERT((uint64_t)spans[k].off + spans[k].len <= b->base.arena_len);
            CU_ASSERT(!spans[k].len || (tap_skip(&c) && c.p == c.end));
        }
        counted += ev->kind <= TAP_KIND_USER_LAST;
        lost += ev->kind == TAP_LOST ? ev->lost : 0;
    }
    CU_ASSERT_EQUAL(atomic_load(&s->figures.received) + atomic_load(&s->figures.lost) + s->left_out,
                    s->next);
    CU_ASSERT_EQUAL(counted + ignored + lost, s->next - s->left_out - before);
}

static void frame_seed(struct tap_buf *into, unsigned which)
{
    struct frame f;
    struct item it;
    frame_begin(&f, which % 3 == 0 ? TAP_FRAME_CONTROL : 0, which % 5, which % 4, which % 13);
    if (which % 3 == 0) {
        frame_node_up(&f, 1700000000000000000);
        frame_clock(&f, -100, 1700000000000000001);
        frame_gap(&f, 1, 5, 3);
        frame_log(&f, "hello");
        frame_final_call(&f, "returned", "result");
    } else {
        size_t at = 0;
        for (unsigned i = 0; next(&at, &it) && i < which + 40; i++) {
            if (i < which)
                continue;
            tap_write_u32(&f.buf, it.len);
            tap_buf_put(&f.buf, corpus + it.off, it.len);
            f.count++;
        }
    }
    frame_end(&f);
    *into = f.buf;
}

static void any_bytes_are_survived(void)
{
    struct tap_batch_pool pool;
    unsigned random = 7;
    intern = tap_intern_new(0);
    atoms = tap_atom_cache_new(intern);
    CU_ASSERT_FATAL(make_corpus());
    CU_ASSERT_EQUAL_FATAL(tap_batch_pool_init(&pool, 1, 1 << 30), TAP_OK);
    struct tap_frames frames = {atoms, NULL, on_up, on_log, on_call, NULL, true};
    for (unsigned round = 0; round < 60000; round++) {
        struct tap_buf seed;
        frame_seed(&seed, round % 60);
        unsigned damage = (unsigned)rand_r(&random) % 6;
        size_t len = seed.len;
        for (unsigned i = 0; i < damage; i++) {
            size_t at = (size_t)rand_r(&random) % len;
            seed.data[at] = rand_r(&random) % 4 ? (uint8_t)rand_r(&random)
                                                : (uint8_t)(97 + rand_r(&random) % 24);
        }
        if (rand_r(&random) % 4 == 0)
            len = (size_t)rand_r(&random) % (len + 1);
        struct tap_arena_impl *arena = calloc(1, sizeof *arena);
        arena->base = (struct tap_arena){sizeof arena->base, malloc(len + 1), len};
        memcpy(arena->base.data, seed.data, len);
        struct tap_batch_impl *batch = tap_batch_get(&pool, &arena->base, len, 64);
        struct tap_stream stream = {.next = (uint64_t)rand_r(&random) % 4};
        atomic_store(&stream.figures.received, stream.next); /* as if they had come */
        uint64_t before = stream.next;
        uint32_t ignored = tap_frame_decode(&frames, &stream, batch, 0, (uint32_t)len);
        check_batch(batch, &stream, ignored, before);
        tap_numbers_free(stream.numbers);
        tap_batch_release(batch);
        tap_buf_free(&seed);
    }
    CU_ASSERT(told > 1000);
    CU_ASSERT(called > 1000);
    CU_ASSERT_EQUAL(atomic_load(&pool.alive), 0);
    tap_batch_pool_destroy(&pool);
    tap_atom_cache_free(atoms);
    tap_intern_free(intern);
    free(corpus);
}

/* {trace_ts, <n@h.7.0>, send, hello, {}, */
static struct tap_buf begin_send(void)
{
    struct tap_buf b = {0};
    intern = tap_intern_new(0);
    atoms = tap_atom_cache_new(intern);
    tap_write_version(&b);
    tap_write_tuple(&b, 7);
    tap_write_atom(&b, "trace_ts");
    tap_write_u8(&b, TAP_EXT_NEW_PID);
    tap_write_atom(&b, "n@h");
    tap_write_u32(&b, 7);
    tap_write_u32(&b, 0);
    tap_write_u32(&b, 1);
    tap_write_atom(&b, "send");
    tap_write_atom(&b, "hello");
    tap_write_tuple(&b, 0);
    return b;
}

/* 5} */
static struct tap_event end_send(struct tap_buf *b)
{
    struct tap_event ev = fresh();
    tap_write_i64(b, 5);
    CU_ASSERT_EQUAL_FATAL(tap_decode_message(atoms, &the_clock, b->data, 0, (uint32_t)b->len, &ev),
                          TAP_DECODED);
    tap_buf_free(b);
    return ev;
}

/* {'$beamtap_from', n@h, someone}: the second one counts, whole. */
static void a_peer_that_is_said_twice_is_the_second_one(void)
{
    struct tap_buf b = begin_send();
    tap_write_tuple(&b, 3);
    tap_write_atom(&b, "$beamtap_from");
    tap_write_atom(&b, "n@h");
    tap_write_atom(&b, "someone");
    struct tap_event ev = end_send(&b);
    CU_ASSERT_EQUAL(ev.peer_type, TAP_PEER_NAME);
    CU_ASSERT_EQUAL(ev.peer_name, tap_intern_name(intern, "someone", 7));
    CU_ASSERT(ev.peer.node == 0 && ev.peer.id == 0);
    tap_atom_cache_free(atoms);
    tap_intern_free(intern);
}

/* {'$beamtap_stack', [{a, b, 0}], none}: the agent says it of calls alone. Elsewhere the time that
 * a reply took has its place: no sink may read that as bytes of the arena. */
static void a_stack_is_a_calls(void)
{
    struct tap_buf b = begin_send();
    tap_write_tuple(&b, 3);
    tap_write_atom(&b, "$beamtap_stack");
    tap_write_list(&b, 1);
    tap_write_tuple(&b, 3);
    tap_write_atom(&b, "a");
    tap_write_atom(&b, "b");
    tap_write_i64(&b, 0);
    tap_write_nil(&b);
    tap_write_atom(&b, "none");
    struct tap_event ev = end_send(&b);
    CU_ASSERT_EQUAL(ev.kind, TAP_MESSAGE_SEND);
    CU_ASSERT_FALSE(ev.flags & TAP_EVENT_STACK);
    CU_ASSERT_EQUAL(tap_event_stack(&ev).len, 0);
    tap_atom_cache_free(atoms);
    tap_intern_free(intern);
}

static void before_the_node_told_its_clock_it_is_guessed(void)
{
    struct tap_node_clock clock = {0};
    struct frame f;
    intern = tap_intern_new(0);
    atoms = tap_atom_cache_new(intern);
    frame_begin(&f, 0, 0, 0, 0);
    frame_call(&f, 80, 1, -576460750000000000);
    struct tap_event ev = fresh();
    CU_ASSERT_EQUAL(tap_decode_message(atoms, &clock, f.buf.data, TAP_FRAME_HEADER + 4,
                                       (uint32_t)f.buf.len - TAP_FRAME_HEADER - 4, &ev),
                    TAP_DECODED);
    int64_t off = tap_clock_now() - ev.ts;
    CU_ASSERT(off >= 0 && off < TAP_SECOND);
    tap_node_clock_set(&clock, 1700000000000000000);
    CU_ASSERT_EQUAL(tap_node_clock_ns(&clock, -576460750000000000), 1123539250000000000);
    tap_node_clock_guess(&clock, 5);
    CU_ASSERT_EQUAL(clock.now.target, 1700000000000000000);
    tap_buf_free(&f.buf);
    tap_atom_cache_free(atoms);
    tap_intern_free(intern);
}

UNIT_TESTS("decode", UNIT_TEST(events_are_what_the_node_says), UNIT_TEST(cut_messages_are_bad),
           UNIT_TEST(any_bytes_are_survived),
           UNIT_TEST(a_peer_that_is_said_twice_is_the_second_one), UNIT_TEST(a_stack_is_a_calls),
           UNIT_TEST(before_the_node_told_its_clock_it_is_guessed))
