/* fuzz_native.c: any terms through the native tracer's encoder, in any room: it stays in its room,
 * looks at no more than that, and what it writes the collector reads as what it was.
 *
 * The first byte chooses the limit and the event's tag; the rest is two terms, payload and extra.
 */
#include "fake_nif.h"
#include "fuzz.h"
#include "terms.h"
#include "decode/numbered.h"
#include "transports/beam/native/event.h"
#include "transports/beam/native/kinds.h"

#define DEPTH 200

static struct tap_native_names names;
static struct tap_encoder encoder; /* large, and of no use but for its parts */

static void encoder_into(uint8_t *room, size_t size)
{
    memset(&names, 0, sizeof names);
    encoder.names = &names;
    encoder.p = room;
    encoder.end = room + size;
    encoder.walked = 0;
}

/* What one walk writes, another reads and writes the same. */
static void hold_same(const uint8_t *bytes, size_t len)
{
    struct tap_cursor c = tap_cursor(bytes, len);
    ERL_NIF_TERM again = fake_read(&c, DEPTH + 1);
    HOLD(again && tap_left(&c) == 0);
    uint8_t *room = malloc(len + 1);
    encoder_into(room, len);
    HOLD(tap_encode(&encoder, again, len));
    HOLD(encoder.p == room + len && memcmp(room, bytes, len) == 0);
    free(room);
}

static void one_term(ERL_NIF_TERM term, size_t limit)
{
    uint8_t *room = malloc(limit + 1);
    size_t before = fake_by_vm;
    encoder_into(room, limit);
    tap_kinds_each = limit % 2; /* as OTP 29 is asked, or those before it */
    bool ok = tap_encode(&encoder, term, limit);
    size_t len = (size_t)(encoder.p - room), by_vm = fake_by_vm - before;
    HOLD(len <= limit && encoder.end == room + limit && (ok || len == 0));
    HOLD(encoder.walked <= limit + by_vm && by_vm <= 2 * limit + (1 << 20));
    if (ok) {
        uint8_t *whole = malloc(len);
        memcpy(whole, room, len);
        hold_same(whole, len);
        free(whole);
    }
    free(room);
}

static ERL_NIF_TERM options_of(const struct tap_native_atoms *a, ERL_NIF_TERM extra, unsigned which)
{
    ERL_NIF_TERM keys[] = {a->extra, a->match_spec_result, a->scheduler_id};
    uint32_t n = 0;
    ERL_NIF_TERM map = fake_new((struct fake_term){.tag = TAP_EXT_MAP, .form = FAKE_MAP}, 6);
    for (unsigned i = 0; i < 3; i++)
        if (which & 1u << i) {
            fake_of(map)->elements[2 * n] = keys[i];
            fake_of(map)->elements[2 * n++ + 1] = extra;
        }
    fake_of(map)->count = n;
    return map;
}

/* The same with numbers for names: the collector reads it, up to any of its bytes. */
static void one_numbered(const struct tap_native_atoms *atoms, const struct tap_native_event *ev,
                         size_t limit)
{
    static struct tap_native_numbers numbers;
    static struct tap_intern *intern;
    static struct tap_atom_cache *cache;
    size_t size = 2 * limit + TAP_EVENT_FIXED;
    uint8_t *room = malloc(size + TAP_EVENT_TIME_NUMBERED);
    struct tap_numbers *known = tap_numbers_new();
    if (!cache)
        cache = tap_atom_cache_new(intern = tap_intern_new(0));
    encoder_into(room, size);
    memset(&numbers, 0, sizeof numbers);
    encoder.numbers = &numbers;
    bool ok = tap_event_encode(&encoder, atoms, ev, limit);
    encoder.numbers = NULL;
    HOLD(ok || encoder.p <= encoder.end);
    size_t len = (size_t)(encoder.p - room);
    tap_event_put_time(room + len, ev->time, true);
    len += TAP_EVENT_TIME_NUMBERED;
    for (size_t n = len > 200 ? len - 200 : 0; n <= len; n++) {
        struct tap_node_clock node_clock = {0};
        struct tap_event read = {.arity = -1};
        uint32_t off = 0;
        uint8_t *some = malloc(n + 1); /* so that a look beyond is seen */
        memcpy(some, room, n);
        enum tap_decoded decoded =
            tap_decode_numbered(known, cache, &node_clock, some, &off, (uint32_t)n, &read);
        HOLD(off <= n && (decoded == TAP_DECODE_BAD || n == len));
        free(some);
    }
    tap_numbers_free(known);
    free(room);
}

static void one_event(ERL_NIF_TERM term, ERL_NIF_TERM extra, unsigned tag, size_t limit)
{
    static const char *const others[] = {"exit", "link", "in", "gc_minor_start", "register"};
    static const uint8_t pid[] = {88, 119, 3, 'n', '@', 'h', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1};
    struct tap_native_atoms atoms;
    tap_native_atoms_make(&atoms, NULL);
    struct tap_native_event ev = {
        .tag = tag < TAP_TAG_OTHER ? atoms.tags[tag] : enif_make_atom(NULL, others[tag % 5]),
        .tracee = fake_leaf(TAP_EXT_NEW_PID, pid, sizeof pid),
        .term = term,
        .options = options_of(&atoms, extra, tag),
        .time = -576460751019805659};
    size_t size = 2 * limit + TAP_EVENT_FIXED;
    uint8_t *room = malloc(size);
    encoder_into(room, size);
    HOLD(tap_event_encode(&encoder, &atoms, &ev, limit) || encoder.p <= encoder.end);
    size_t len = (size_t)(encoder.p - room) + TAP_EVENT_TIME;
    room = realloc(room, len);
    tap_event_put_time(room + len - TAP_EVENT_TIME, ev.time, false);
    struct tap_cursor c = tap_cursor(room, len);
    HOLD(tap_skip(&c) && tap_left(&c) == 0);
    free(room);
    one_numbered(&atoms, &ev, limit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t limits[] = {0, 1, 2, 3, 7, 20, 64, 256, 4096, 65536};
    if (size < 2)
        return 0;
    struct tap_cursor c = tap_cursor(data + 1, size - 1);
    ERL_NIF_TERM term = fake_read(&c, DEPTH), extra = term ? fake_read(&c, DEPTH) : 0;
    if (term)
        one_term(term, limits[data[0] % 10]);
    if (extra)
        one_event(term, extra, data[0] >> 4, limits[data[0] % 10]);
    fake_free();
    return 0;
}

bool fuzz_seed(unsigned number, struct tap_buf *b)
{
    uint64_t state = number + 1;
    for (int i = 0; i < 20; i++)
        fuzz_random(&state);
    tap_write_u8(b, number & 255);
    fuzz_term(b, &state, 1 + number % 6);
    fuzz_term(b, &state, number % 4);
    return number < 512 && !b->oom;
}
