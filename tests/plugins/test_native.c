/* The native tracer's parts outside of a node: what its encoder writes and where it stops, its
 * rings under two threads, and the numbers of its frames. */
#include "fake_nif.h"

#include <pthread.h>

#include "beamtap/frame.h"
#include "transports/beam/native/event.h"
#include "transports/beam/native/frames.h"
#include "transports/beam/native/kinds.h"
#include "unit.h"

#define TERM(bytes)                                  \
    {                                                \
        (const uint8_t *)(bytes), sizeof(bytes) - 1, \
    }
static const struct {
    const uint8_t *bytes;
    size_t len;
} terms[] = {
    TERM("\x61\x07"),                                     /* 7 */
    TERM("\x62\xff\xff\xff\xff"),                         /* -1 */
    TERM("\x6e\x08\x01\x01\x02\x03\x04\x05\x06\x07\x08"), /* a negative one of 60 bits */
    TERM("\x6e\x09\0\1\1\1\1\1\1\1\1\1"),                 /* of 72 bits */
    TERM("\x46\x3f\xf8\0\0\0\0\0\0"),                     /* 1.5 */
    TERM("w\2ok"),                                        /* ok */
    TERM("\x6a"),                                         /* [] */
    TERM("\x6b\0\2hi"),                                   /* "hi" */
    TERM("\x6c\0\0\0\2w\1a\x61\1\x6a"),                   /* [a, 1] */
    TERM("\x6c\0\0\0\1w\1aw\1b"),                         /* [a | b] */
    TERM("\x6d\0\0\0\3abc"),                              /* <<"abc">> */
    TERM("\x4d\0\0\0\1\3\xe0"),                           /* <<7:3>> */
    TERM("\x68\0"),                                       /* {} */
    TERM("\x68\2w\1ah\1\x6b\0\1x"),                       /* {a, {"x"}} */
    TERM("\x74\0\0\0\2w\1a\x61\1\x61\2t\0\0\0\0"),        /* #{a => 1, 2 => #{}} */
    TERM("\x58w\3n@h\0\0\0\5\0\0\0\0\0\0\0\1"),           /* a pid of this node */
    TERM("\x58w\3m@h\0\0\0\5\0\0\0\0\0\0\0\1"),           /* and of another one */
    TERM("\x5a\0\2w\3n@h\0\0\0\1\0\0\0\1\0\0\0\2"),       /* a reference */
    TERM("\x71w\1mw\1fa\1"),                              /* fun m:f/1 */
};
#define TERMS (sizeof terms / sizeof terms[0])

static struct tap_native_names names;
static struct tap_encoder encoder;
static uint8_t room[1 << 16];

static ERL_NIF_TERM read_term(const uint8_t *bytes, size_t len)
{
    struct tap_cursor c = tap_cursor(bytes, len);
    return fake_read(&c, 100000);
}

static bool encode(ERL_NIF_TERM term, size_t limit)
{
    memset(&names, 0, sizeof names);
    encoder.names = &names;
    encoder.p = room;
    encoder.end = room + sizeof room;
    return tap_encode(&encoder, term, limit);
}

static void writes_as_the_node_does(void)
{
    for (size_t i = 0; i < 2 * TERMS; i++) {
        size_t n = i / 2;
        tap_kinds_each = i % 2; /* as OTP 29 is asked */
        CU_ASSERT(encode(read_term(terms[n].bytes, terms[n].len), sizeof room));
        CU_ASSERT(encoder.p == room + terms[n].len && !memcmp(room, terms[n].bytes, terms[n].len));
    }
    tap_kinds_each = false;
}

/* {a, #m:r{x = 1}}: what no NIF can read is left out, and the rest is there. */
static void a_native_record_is_left_out(void)
{
    static const char term[] = "\x68\2w\1a\x43\0\0\0\1\1w\1mw\1rw\1x\x61\1",
                      left[] = "\x68\2w\1a\x68\2w\x0c$beamtap_cut\x61";
    tap_kinds_each = true;
    CU_ASSERT(encode(read_term((const uint8_t *)term, sizeof term - 1), sizeof room));
    CU_ASSERT(encoder.p == room + sizeof left && !memcmp(room, left, sizeof left)); /* and its 0 */
    tap_kinds_each = false;
}

static void stops_at_its_limit_and_not_before(void)
{
    for (size_t i = 0; i < TERMS; i++) {
        ERL_NIF_TERM term = read_term(terms[i].bytes, terms[i].len);
        CU_ASSERT(encode(term, terms[i].len));
        CU_ASSERT(!encode(term, terms[i].len - 1));
        CU_ASSERT(encoder.p == room && encoder.beyond >= terms[i].len - 1);
    }
    CU_ASSERT(encode(read_term(terms[0].bytes, terms[0].len), 0) == false);
    CU_ASSERT(tap_encode_or_cut(&encoder, read_term(terms[13].bytes, terms[13].len), 4, 3));
    struct tap_cursor c = tap_cursor(room, (size_t)(encoder.p - room));
    uint32_t n;
    int64_t size, arity;
    CU_ASSERT(tap_read_tuple(&c, &n) && n == 3 && tap_match_atom(&c, "$beamtap_cut"));
    CU_ASSERT(tap_read_i64(&c, &size) && size > 4 && tap_read_i64(&c, &arity) && arity == 3);
}

/* {x, {x, ... }} or [[ ... ]], so deep. */
static ERL_NIF_TERM nested(bool last, unsigned depth)
{
    ERL_NIF_TERM term = fake_nil(), x = read_term(terms[5].bytes, terms[5].len);
    while (depth-- > 0) {
        ERL_NIF_TERM tuple = fake_new((struct fake_term){.form = FAKE_TUPLE, .count = 2}, 2);
        fake_of(tuple)->elements[last] = term;
        fake_of(tuple)->elements[!last] = x;
        term = tuple;
    }
    return term;
}

static void depth_is_bounded_but_for_what_is_last(void)
{
    CU_ASSERT(encode(nested(false, TAP_ENCODE_DEPTH), sizeof room));
    CU_ASSERT(!encode(nested(false, TAP_ENCODE_DEPTH + 1), sizeof room));
    CU_ASSERT(encode(nested(true, 5000), sizeof room));
}

/* ---- The ring */

#define RECORDS 300000

static void *write_records(void *arg)
{
    struct tap_ring *ring = arg;
    bool half;
    for (uint64_t i = 0; i < RECORDS; i++) {
        size_t len = 8 + i % 300;
        uint8_t *to = tap_ring_room(ring);
        if (!to)
            continue;
        if (to != ring->message && to + ring->message_size > ring->bytes + ring->size)
            return arg;
        memset(to, (int)i, len);
        memcpy(to, &i, 8);
        tap_ring_put(ring, len, (int64_t)i, &half);
    }
    return NULL;
}

static bool take_record(struct tap_ring *ring, uint64_t *next)
{
    struct tap_record record;
    uint64_t number;
    if (!tap_ring_peek(ring, &record))
        return false;
    const uint8_t *message = tap_ring_message(ring);
    *next += tap_ring_take_lost(ring, &record);
    memcpy(&number, message, 8);
    bool ok = number == *next && record.time == (int64_t)number && record.size == 8 + number % 300;
    for (uint32_t i = 8; i < record.size; i++)
        ok &= message[i] == (uint8_t)number;
    tap_ring_take(ring, &record);
    ++*next;
    return ok;
}

static void a_ring_loses_nothing_unseen(void)
{
    struct tap_ring *ring = tap_ring_new(128 << 10, 4096);
    pthread_t writer;
    void *bad;
    uint64_t next = 0, taken = 0, wrong = 0;
    struct tap_record none;
    CU_ASSERT_FATAL(ring && ring->max_term <= 4096);
    pthread_create(&writer, NULL, write_records, ring);
    while (next < RECORDS) {
        if (tap_ring_peek(ring, &none))
            wrong += !take_record(ring, &next), taken++;
        else
            next += tap_ring_take_lost(ring, NULL);
        if (taken % 16 == 0)
            tap_ring_told(ring);
        if (taken % 4000 == 0)
            usleep(100); /* so that it is full now and then */
    }
    pthread_join(writer, &bad);
    CU_ASSERT(wrong == 0 && !bad && next == RECORDS && tap_ring_used(ring) == 0);
    CU_ASSERT_EQUAL(taken + atomic_load(&ring->lost), RECORDS);
    tap_ring_free(ring);
}

/* Which the reader sees as a record that says so: also where it has everything. */
static void a_large_ring_that_is_never_full_stays_near_its_beginning(void)
{
    struct tap_ring *ring = tap_ring_new(64 << 20, 4096);
    struct tap_record record;
    uint8_t *most = NULL;
    bool half;
    CU_ASSERT_FATAL(ring != NULL);
    for (uint64_t i = 0, next = 0; i < 100000; i++) {
        uint8_t *to = tap_ring_room(ring);
        CU_ASSERT_FATAL(to != NULL && to != ring->message);
        most = to > most ? to : most;
        memset(to, (int)i, 308);
        memcpy(to, &i, 8);
        CU_ASSERT(tap_ring_put(ring, 8 + i % 300, (int64_t)i, &half) && !half);
        if (i % 3 != 2)
            continue;
        while (tap_ring_peek(ring, &record))
            CU_ASSERT(take_record(ring, &next));
        CU_ASSERT_EQUAL(next, i + 1);
        tap_ring_told(ring);
    }
    CU_ASSERT(most > ring->bytes + (200 << 10) && most < ring->bytes + (300 << 10));
    tap_ring_free(ring);
}

static void a_ring_keeps_terms_to_a_part_of_it(void)
{
    struct tap_ring *ring = tap_ring_new(128 << 10, 32 << 20);
    CU_ASSERT_FATAL(ring != NULL);
    CU_ASSERT(2 * ring->max_term + TAP_EVENT_FIXED <= ring->size / 4);
    tap_ring_free(ring);
}

/* ---- Frames */

static struct tap_run run;

static void frames_number_what_was_sent_and_lost(void)
{
    struct tap_frames_out o = {.run = &run};
    static const uint8_t report[] = {TAP_EXT_VERSION, 'w', 2, 'o', 'k'};
    unsigned seed = 5;
    uint64_t seq = 0, sent = 0, lost = 0;
    atomic_store(&run.credit, UINT64_MAX);
    for (int i = 0; i < 20000; i++) {
        int what = rand_r(&seed) % 1000;
        if (what < 2)
            tap_frames_report(&o, report, sizeof report);
        else if (what < 20)
            tap_frames_lose(&o, (uint64_t)(rand_r(&seed) % 5), 1 + (uint32_t)what % 3);
        else if (what == 21)
            tap_frames_lose(&o, UINT64_C(1) << 33, 2);
        else
            memset(tap_frames_add(&o, 3 + (size_t)(what % 200)), TAP_EXT_NIL,
                   3 + (size_t)(what % 200));
    }
    tap_frames_close(&o);
    tap_frames_report(&o, report, sizeof report);
    for (size_t at = 0; at < o.len;) {
        struct tap_frame f = {0};
        CU_ASSERT_FATAL(o.len - at >= TAP_FRAME_HEADER && tap_frame_read(o.bytes + at, &f));
        CU_ASSERT(f.seq == seq + f.lost && (f.lost == 0) == (f.why == 0));
        if (!(f.flags & TAP_FRAME_CONTROL))
            seq = f.seq + f.count, sent += f.count, lost += f.lost;
        at += TAP_FRAME_HEADER + f.length;
    }
    CU_ASSERT(sent == o.sent && lost == o.lost_all && seq == o.seq && sent + lost == seq);
    CU_ASSERT(atomic_load(&run.produced) == seq && atomic_load(&run.lost) == lost);
    CU_ASSERT_EQUAL(o.given, o.len);
    free(o.bytes);
}

static void frames_wait_for_credit(void)
{
    struct tap_frames_out o = {.run = &run};
    atomic_store(&run.credit, 200);
    size_t n = 0;
    while (tap_frames_may(&o, 10) && n < 100)
        memset(tap_frames_add(&o, 10), TAP_EXT_NIL, 10), n++;
    tap_frames_close(&o);
    CU_ASSERT(n > 5 && o.given <= 200 && o.given > 180);
    free(o.bytes);
}

UNIT_TESTS("native", UNIT_TEST(writes_as_the_node_does), UNIT_TEST(a_native_record_is_left_out),
           UNIT_TEST(stops_at_its_limit_and_not_before),
           UNIT_TEST(depth_is_bounded_but_for_what_is_last), UNIT_TEST(a_ring_loses_nothing_unseen),
           UNIT_TEST(a_large_ring_that_is_never_full_stays_near_its_beginning),
           UNIT_TEST(a_ring_keeps_terms_to_a_part_of_it),
           UNIT_TEST(frames_number_what_was_sent_and_lost), UNIT_TEST(frames_wait_for_credit))
