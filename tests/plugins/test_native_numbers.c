/* Numbers for names: what the native tracer writes for a node's events, the core's decoder reads as
 * the same events; each name is defined once, and again where it was lost.
 */
#include "fake_nif.h"

#include <malloc.h>

#include "beamtap/frame.h"
#include "decode/numbered.h"
#include "transports/beam/native/event.h"
#include "unit.h"

static struct tap_encoder encoder;
static struct tap_native_names names;
static struct tap_native_numbers numbers;
static struct tap_native_atoms atoms;
static struct tap_intern *intern;
static struct tap_atom_cache *cache;
static struct tap_numbers *known;
static struct tap_node_clock node_clock;
static uint8_t room[1 << 16];
static size_t read_to;

static const uint8_t pid[] = {88, 119, 3, 'n', '@', 'h', 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 1};
static const uint8_t args[] = "h\3w\1mw\1fl\0\0\0\2a\1w\2okj";      /* {m, f, [1, ok]} */
static const uint8_t arity[] = "h\3w\1mw\1fa\2";                    /* {m, f, 2} */
static const uint8_t tail[] = "h\2w\15$beamtap_tailh\3w\1mw\1ga\0"; /* its caller: m:g/0 */
#define TERM(bytes) read_term((const uint8_t *)(bytes), sizeof(bytes) - 1)

static ERL_NIF_TERM read_term(const uint8_t *bytes, size_t len)
{
    struct tap_cursor c = tap_cursor(bytes, len);
    return fake_read(&c, 100);
}

static ERL_NIF_TERM options(ERL_NIF_TERM key, ERL_NIF_TERM value)
{
    ERL_NIF_TERM map = fake_new((struct fake_term){.tag = TAP_EXT_MAP, .form = FAKE_MAP}, 2);
    fake_of(map)->elements[0] = key;
    fake_of(map)->elements[1] = value;
    fake_of(map)->count = key ? 1 : 0;
    return map;
}

static void begin_with(uint32_t most_names)
{
    memset(&numbers, 0, sizeof numbers);
    memset(&names, 0, sizeof names);
    numbers.first = 7 * TAP_NUMBERS;
    encoder.names = &names;
    encoder.numbers = &numbers;
    tap_native_atoms_make(&atoms, NULL);
    intern = tap_intern_new(most_names);
    cache = tap_atom_cache_new(intern);
    known = tap_numbers_new();
    tap_node_clock_set(&node_clock, 1000);
}

static void begin(void)
{
    begin_with(0);
}

static void end(void)
{
    tap_numbers_free(known);
    tap_atom_cache_free(cache);
    tap_intern_free(intern);
    fake_free();
}

/* Bytes of the event with its time. */
static size_t write_event(enum tap_native_tag tag, ERL_NIF_TERM term, ERL_NIF_TERM map)
{
    static ERL_NIF_TERM tracee;
    if (!tracee)
        tracee = fake_leaf(TAP_EXT_NEW_PID, pid, sizeof pid);
    struct tap_native_event ev = {atoms.tags[tag], tracee, term, map, 0};
    encoder.p = room;
    encoder.end = room + sizeof room;
    CU_ASSERT_FATAL(tap_event_encode(&encoder, &atoms, &ev, 4096));
    tap_event_put_time(encoder.p, -5, true);
    return (size_t)(encoder.p - room) + TAP_EVENT_TIME_NUMBERED;
}

static enum tap_decoded read_event(size_t len, struct tap_event *ev)
{
    uint32_t off = 0;
    *ev = (struct tap_event){.arity = -1};
    enum tap_decoded decoded =
        tap_decode_numbered(known, cache, &node_clock, room, &off, (uint32_t)len, ev);
    CU_ASSERT(off <= len);
    read_to = off;
    return decoded;
}

static void is_event(size_t len, unsigned kind, size_t payload)
{
    struct tap_event ev;
    CU_ASSERT_FATAL(read_event(len, &ev) == TAP_DECODED && read_to == len);
    CU_ASSERT(ev.kind == kind && ev.pid.id == 5 && ev.pid.serial == 2 && ev.ts == 995);
    CU_ASSERT(ev.pid.node == tap_intern_name(intern, "n@h", 3));
    CU_ASSERT(ev.module == tap_intern_name(intern, "m", 1));
    CU_ASSERT(ev.function == tap_intern_name(intern, "f", 1) && ev.arity == 2);
    CU_ASSERT_EQUAL(ev.payload.len, payload);
}

static void each_is_read_as_it_was(void)
{
    begin();
    ERL_NIF_TERM none = options(0, 0), value = TERM("w\2ok");
    size_t first = write_event(TAP_TAG_CALL, TERM(args), none);
    is_event(first, TAP_FUNCTION_CALL, 12);
    size_t later = write_event(TAP_TAG_CALL, TERM(args), none);
    is_event(later, TAP_FUNCTION_CALL, 12);
    CU_ASSERT_EQUAL(later, 1 + 4 + 4 + 12 + 8);
    CU_ASSERT_EQUAL(first - later, 5 + sizeof pid + 5 + 6);
    is_event(write_event(TAP_TAG_RETURN_FROM, TERM(arity), options(atoms.extra, value)),
             TAP_FUNCTION_RETURN, 4);
    is_event(write_event(TAP_TAG_EXCEPTION_FROM, TERM(arity), options(atoms.extra, value)),
             TAP_FUNCTION_EXCEPTION, 4);
    is_event(write_event(TAP_TAG_CALL, TERM(arity), none), TAP_FUNCTION_CALL, 0);
    struct tap_event ev;
    size_t len =
        write_event(TAP_TAG_CALL, TERM(args), options(atoms.match_spec_result, TERM(tail)));
    CU_ASSERT(read_event(len, &ev) == TAP_DECODED && ev.peer_type == TAP_PEER_MFA);
    CU_ASSERT(ev.caller.function == tap_intern_name(intern, "g", 1) && ev.arity == 2);
    len =
        write_event(TAP_TAG_RECEIVE, value, none); /* what has no numbers comes as it always does */
    CU_ASSERT(read_event(len, &ev) == TAP_DECODED && ev.kind == TAP_MESSAGE_RECEIVE &&
              ev.ts == 995);
    end();
}

static void what_was_lost_is_defined_again(void)
{
    begin();
    ERL_NIF_TERM none = options(0, 0);
    size_t first = write_event(TAP_TAG_CALL, TERM(args), none);
    tap_numbers_forget(&numbers);
    CU_ASSERT_EQUAL(write_event(TAP_TAG_CALL, TERM(args), none), first);
    CU_ASSERT(write_event(TAP_TAG_CALL, TERM(args), none) < first);
    tap_numbers_forget(&numbers); /* that one defined nothing */
    CU_ASSERT(write_event(TAP_TAG_CALL, TERM(args), none) < first);
    struct tap_event ev;
    CU_ASSERT(read_event(1 + 4 + 4 + 12 + 8, &ev) == TAP_DECODE_BAD); /* nothing was defined here */
    end();
}

/* An event is no worse for a name that there is no room for. */
static void names_that_have_no_room_are_empty(void)
{
    begin_with(1);
    struct tap_event ev;
    ERL_NIF_TERM none = options(0, 0);
    for (int i = 0; i < 2; i++) {
        size_t len = write_event(TAP_TAG_CALL, TERM(args), none);
        CU_ASSERT_FATAL(read_event(len, &ev) == TAP_DECODED && read_to == len);
        CU_ASSERT(ev.pid.id == 5 && ev.arity == 2 && ev.function == 0);
        CU_ASSERT(ev.raw.off + ev.raw.len == len && ev.raw.len == 1 + 4 + 4 + 12 + 8);
    }
    end();
}

/* In a recorded frame each number is the next one, and none is left of the frame before. */
static void recorded_frames_have_numbers_of_their_own(void)
{
    static const uint8_t frame[] = "\0\0\0\0\0Xw\3n@h\0\0\0\5\0\0\0\2\0\0\0\1" /* who */
                                   "\1\0\0\0\0w\1mw\1f"
                                   "\3\0\0\0\0\0\0\0\0a\2\377\377\377\377\377\377\377\373";
    struct tap_event ev;
    size_t len = sizeof frame - 1, call = 19, defined = len - call;
    begin();
    tap_numbers_begin(known, true);
    memcpy(room, frame, len);
    is_event(len, TAP_FUNCTION_CALL, 0);
    CU_ASSERT(read_event(len, &ev) == TAP_DECODE_BAD); /* defined twice */
    tap_numbers_begin(known, true);
    memcpy(room, frame + defined, call);
    CU_ASSERT(read_event(call, &ev) == TAP_DECODE_BAD);
    tap_numbers_begin(known, true);
    memcpy(room, frame, len);
    room[4] = 1; /* and not 0 */
    CU_ASSERT(read_event(len, &ev) == TAP_DECODE_BAD);
    tap_numbers_begin(known, true);
    room[4] = 0;
    is_event(len, TAP_FUNCTION_CALL, 0);
    end();
}

static size_t memory_in_use(void)
{
    struct mallinfo2 now = mallinfo2();
    return now.uordblks + now.hblkhd;
}

/* Whoever defines few numbers gets little memory, wherever they are: here of 200 KB that came. */
static void numbers_far_apart_take_little_memory(void)
{
    static const uint8_t items[] = "\0\0\0\0\0Xw\3n@h\0\0\0\5\0\0\0\2\0\0\0\1" /* who */
                                   "\1\0\0\0\0w\1mw\1f"
                                   "\3\0\0\0\0\0\0\0\0a\2\377\377\377\377\377\377\377\373";
    const size_t process = 1, function = 1 + 4 + sizeof pid + 1, call = function + 4 + 6 + 1;
    begin();
    memcpy(room, items, sizeof items - 1);
    size_t before = memory_in_use();
    for (uint32_t i = 0; i < 4096; i++) {
        uint32_t number = i * (TAP_ITEM_NUMBERS / 4096) + i % 1000;
        tap_put_u32(room + process, number);
        tap_put_u32(room + function, number);
        tap_put_u32(room + call, number);
        tap_put_u32(room + call + 4, number);
        is_event(sizeof items - 1, TAP_FUNCTION_CALL, 0);
    }
    CU_ASSERT(memory_in_use() - before < 8u << 20);
    end();
}

static void what_is_not_whole_is_bad(void)
{
    begin();
    struct tap_event ev;
    ERL_NIF_TERM map = options(atoms.match_spec_result, TERM(tail));
    size_t len = write_event(TAP_TAG_CALL, TERM(args), map);
    for (size_t n = 0; n < len; n++)
        CU_ASSERT(read_event(n, &ev) == TAP_DECODE_BAD);
    CU_ASSERT(read_event(len, &ev) == TAP_DECODED);
    for (size_t at = 0; at < len; at++) /* whatever a byte is, it ends */
        for (unsigned bit = 0; bit < 8; bit++) {
            room[at] ^= (uint8_t)(1u << bit);
            read_event(len, &ev);
            room[at] ^= (uint8_t)(1u << bit);
        }
    end();
}

/* What the agent's match specs say: X of so many bytes, and around it a stack, where it has any. */
static ERL_NIF_TERM said(struct tap_buf *b, const char *what, size_t stack, size_t x)
{
    static const uint8_t bytes[20000] = {0};
    bool from = strcmp(what, "$beamtap_from") == 0, alone = strcmp(what, "$beamtap_x") == 0;
    if (stack) {
        tap_write_tuple(b, 3);
        tap_write_atom(b, "$beamtap_stack");
        tap_write_list(b, 1);
        tap_write_binary(b, bytes, stack);
        tap_write_nil(b);
    }
    tap_write_tuple(b, from ? 4 : alone ? 2 : 3);
    tap_write_atom(b, what);
    if (from) {
        tap_write_atom(b, "n@h");
        tap_buf_put(b, pid, sizeof pid);
    } else if (!alone) {
        tap_buf_put(b, "h\3w\1mw\1ga\0", 10);
    }
    tap_write_binary(b, bytes, x);
    return read_term(b->data, b->len);
}

static bool is_told(struct tap_span metadata)
{
    static const char first[] = "left out: at least ", last[] = ", above max_term";
    const char *text = (const char *)room + metadata.off + 5;
    size_t len = metadata.len - 5;
    return metadata.len > 5 && room[metadata.off] == TAP_EXT_BINARY && len > sizeof first &&
           memcmp(text, first, sizeof first - 1) == 0 &&
           memcmp(text + len - (sizeof last - 1), last, sizeof last - 1) == 0;
}

/* The limit is 4,096: of what is above it, it is said that it is left out, and who called, who sent
 * and the stack are there all the same. */
static void metadata_that_is_too_large_says_so(void)
{
    static const char *const specs[] = {"$beamtap_x", "$beamtap_caller", "$beamtap_tail",
                                        "$beamtap_from"};
    static const size_t stacks[] = {0, 3000, 9000};
    struct tap_buf bytes[24] = {{0}}; /* terms are where their bytes are */
    begin();
    for (size_t i = 0; i < 12; i++) {
        size_t spec = i % 4, stack = stacks[i / 4];
        for (size_t large = 0; large < 2; large++) {
            struct tap_event ev;
            ERL_NIF_TERM map =
                options(atoms.match_spec_result,
                        said(&bytes[2 * i + large], specs[spec], stack, large ? 20000 : 7));
            size_t len = write_event(TAP_TAG_CALL, TERM(args), map);
            CU_ASSERT_FATAL(read_event(len, &ev) == TAP_DECODED && read_to == len);
            CU_ASSERT(large ? is_told(ev.metadata) : ev.metadata.len == 5 + 7);
            CU_ASSERT_EQUAL(ev.peer_type, spec == 0   ? TAP_PEER_NONE
                                          : spec == 3 ? TAP_PEER_PID
                                                      : TAP_PEER_MFA);
            struct tap_span frames = tap_event_stack(&ev);
            CU_ASSERT(stack == 9000 ? frames.len > 0 && frames.len < 50
                                    : frames.len == (stack ? 5 + 5 + stack + 1 : 0));
        }
    }
    end();
    for (size_t i = 0; i < 24; i++)
        tap_buf_free(&bytes[i]);
}

UNIT_TESTS("native_numbers", UNIT_TEST(each_is_read_as_it_was),
           UNIT_TEST(metadata_that_is_too_large_says_so), UNIT_TEST(what_was_lost_is_defined_again),
           UNIT_TEST(names_that_have_no_room_are_empty),
           UNIT_TEST(recorded_frames_have_numbers_of_their_own),
           UNIT_TEST(numbers_far_apart_take_little_memory), UNIT_TEST(what_is_not_whole_is_bad))
