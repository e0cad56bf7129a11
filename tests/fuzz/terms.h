/* terms.h: terms and trace messages of every kind, the same each time, for targets to begin
 * with. */
#ifndef TAP_FUZZ_TERMS_H
#define TAP_FUZZ_TERMS_H

#include "beamtap/frame.h"
#include "fuzz.h"

static const char *const fuzz_atoms[] = {"ok",
                                         "shop_cart",
                                         "Elixir.Shop.Cart",
                                         "a b",
                                         "'",
                                         "",
                                         "nil",
                                         "true",
                                         "__struct__",
                                         "Elixir.MapSet",
                                         "map",
                                         "version",
                                         "Elixir.DateTime",
                                         "zone_abbr",
                                         "calendar",
                                         "year",
                                         "month",
                                         "day",
                                         "$gen_call",
                                         "$gen_cast",
                                         "$beamtap_cut",
                                         "$beamtap_from",
                                         "undefined",
                                         "n@h",
                                         "m@h",
                                         "\xC3\xA9t\xC3\xA9",
                                         "\xF0\x9F\x98\x80",
                                         "proc_lib",
                                         "init_p",
                                         "$ancestors"};

static inline void fuzz_atom(struct tap_buf *b, uint64_t *s)
{
    tap_write_atom(b, fuzz_atoms[fuzz_random(s) % (sizeof fuzz_atoms / sizeof *fuzz_atoms)]);
}

static inline void fuzz_pid(struct tap_buf *b, const char *node, uint32_t id)
{
    tap_write_u8(b, TAP_EXT_NEW_PID);
    tap_write_atom(b, node);
    tap_write_u32(b, id);
    tap_write_u32(b, 0);
    tap_write_u32(b, 1);
}

static inline void fuzz_ref(struct tap_buf *b, uint32_t id)
{
    tap_buf_put(b, "\x5a\0\2", 3);
    tap_write_atom(b, "n@h");
    tap_write_u32(b, 1);
    tap_write_u32(b, id);
    tap_write_u32(b, 7);
}

static inline void fuzz_bytes(struct tap_buf *b, uint64_t *s, size_t n)
{
    while (n-- > 0)
        tap_write_u8(b, (unsigned)(fuzz_random(s) >> 20) & 255);
}

static inline void fuzz_leaf(struct tap_buf *b, uint64_t *s)
{
    uint64_t r = fuzz_random(s), q = r >> 32;
    size_t n = (r >> 16) % 12;
    switch (r % 14) {
    case 0: tap_write_i64(b, (int64_t)(q % 300)); break;
    case 1: tap_write_i64(b, (int64_t)fuzz_random(s)); break;
    case 2: tap_write_f64(b, (double)(int64_t)q / 7.0); break;
    case 3: tap_buf_put(b, "\x6b\0\3a\"c", 6); break;
    case 4: tap_buf_put(b, "\x6b\0\3\1\2\3", 6); break;
    case 5: tap_write_binary(b, "text \xC3\xA9 \"#{x}\"", 14); break;
    case 6: tap_buf_put(b, "\x4d\0\0\0\2\5\xff\x80", 8); break;
    case 7: fuzz_pid(b, q & 1 ? "n@h" : "m@h", (uint32_t)(q % 9)); break;
    case 8: fuzz_ref(b, (uint32_t)(q % 5)); break;
    case 9: tap_buf_put(b, "\x71w\1mw\1fa\2", 9); break;
    case 10: /* a large number */
        tap_write_u8(b, TAP_EXT_SMALL_BIG), tap_write_u8(b, (unsigned)n * 20),
            tap_write_u8(b, (unsigned)q & 1);
        fuzz_bytes(b, s, n * 20);
        break;
    case 11: tap_write_nil(b); break;
    case 12: /* a port */
        tap_write_u8(b, TAP_EXT_V4_PORT), tap_write_atom(b, "n@h"), tap_write_u32(b, 0),
            tap_write_u32(b, 5), tap_write_u32(b, 1);
        break;
    default: fuzz_atom(b, s);
    }
}

static inline void fuzz_term(struct tap_buf *b, uint64_t *s, unsigned depth)
{
    uint64_t r = fuzz_random(s);
    uint32_t n = (uint32_t)(r >> 8) % 5, kind = depth ? (uint32_t)r % 7 : 6;
    if (kind == 3 && (r >> 40) % 4 == 0)
        n = 34; /* a large map */
    switch (kind) {
    case 0: tap_write_tuple(b, n); break;
    case 1:
        if (n)
            tap_write_list(b, n);
        break;
    case 2: /* a keyword list */
        if (n)
            tap_write_list(b, n);
        for (uint32_t i = 0; i < n; i++)
            tap_write_tuple(b, 2), fuzz_atom(b, s), fuzz_term(b, s, depth - 1);
        tap_write_nil(b);
        return;
    case 3:
        tap_write_map(b, n);
        for (uint32_t i = 0; i < n; i++)
            fuzz_leaf(b, s), fuzz_term(b, s, n > 8 ? 0 : depth - 1);
        return;
    case 4: /* a set */
        tap_write_map(b, 3);
        tap_write_atom(b, "__struct__"), tap_write_atom(b, "Elixir.MapSet");
        tap_write_atom(b, "map"), tap_write_map(b, n);
        for (uint32_t i = 0; i < n; i++)
            fuzz_term(b, s, depth - 1), tap_write_nil(b);
        tap_write_atom(b, "version"), tap_write_i64(b, 2);
        return;
    case 5: /* a request */
        tap_write_tuple(b, 3), tap_write_atom(b, "$gen_call"), tap_write_tuple(b, 2);
        fuzz_pid(b, "n@h", n), fuzz_ref(b, n), fuzz_term(b, s, depth - 1);
        return;
    default: fuzz_leaf(b, s); return;
    }
    for (uint32_t i = 0; i < n; i++)
        fuzz_term(b, s, depth - 1);
    if (kind == 1)
        r & 0x80 ? fuzz_leaf(b, s) : tap_write_nil(b);
}

/* What stands behind a tag of a trace message, in the order of `fuzz_tags`. */
enum {
    FUZZ_CALL,
    FUZZ_RETURN,
    FUZZ_SEND,
    FUZZ_RECEIVE,
    FUZZ_SPAWN,
    FUZZ_TERM,
    FUZZ_PEER,
    FUZZ_MFA
};
static const struct {
    const char *text;
    int shape;
} fuzz_tags[] = {{"call", FUZZ_CALL},
                 {"return_from", FUZZ_RETURN},
                 {"exception_from", FUZZ_RETURN},
                 {"send", FUZZ_SEND},
                 {"receive", FUZZ_RECEIVE},
                 {"spawn", FUZZ_SPAWN},
                 {"spawned", FUZZ_SPAWN},
                 {"exit", FUZZ_TERM},
                 {"link", FUZZ_PEER},
                 {"register", FUZZ_TERM},
                 {"unregister", FUZZ_TERM},
                 {"in", FUZZ_MFA},
                 {"out", FUZZ_MFA},
                 {"gc_minor_start", FUZZ_TERM},
                 {"gc_major_end", FUZZ_TERM},
                 {"send_to_non_existing_process", FUZZ_SEND},
                 {"return_to", FUZZ_TERM},
                 {"getting_unlinked", FUZZ_PEER}};
#define FUZZ_TAGS (sizeof fuzz_tags / sizeof *fuzz_tags)

static inline void fuzz_mfa(struct tap_buf *b, uint64_t *s, bool arguments)
{
    tap_write_tuple(b, 3);
    tap_write_atom(b, "shop");
    fuzz_atom(b, s);
    if (!arguments) {
        tap_write_i64(b, 2);
        return;
    }
    tap_write_list(b, 2);
    fuzz_term(b, s, 3);
    fuzz_term(b, s, 1);
    tap_write_nil(b);
}

/* {trace_ts, Pid, Tag, ..., Time}, without version byte. */
static inline void fuzz_message(struct tap_buf *b, uint64_t *s, unsigned tag, int64_t time)
{
    static const uint32_t elements[] = {1, 2, 2, 1, 2, 1, 1, 1};
    int shape = fuzz_tags[tag].shape;
    bool from = shape == FUZZ_RECEIVE && fuzz_random(s) % 2;
    bool stack = fuzz_random(s) % 8 == 0;
    uint32_t who = (uint32_t)fuzz_random(s) % 4;
    tap_write_tuple(b, 4 + elements[shape] + from + stack);
    tap_write_atom(b, "trace_ts");
    fuzz_pid(b, "n@h", who);
    tap_write_atom(b, fuzz_tags[tag].text);
    switch (shape) {
    case FUZZ_CALL: fuzz_mfa(b, s, true); break;
    case FUZZ_RETURN: fuzz_mfa(b, s, false), fuzz_term(b, s, 3); break;
    case FUZZ_SEND: fuzz_term(b, s, 4), fuzz_pid(b, "n@h", who ^ 1); break;
    case FUZZ_SPAWN: fuzz_pid(b, "n@h", who ^ 2), fuzz_mfa(b, s, true); break;
    case FUZZ_PEER: fuzz_pid(b, "n@h", who ^ 1); break;
    case FUZZ_MFA: fuzz_mfa(b, s, false); break;
    default: fuzz_term(b, s, 4);
    }
    if (from) {
        tap_write_tuple(b, 3), tap_write_atom(b, "$beamtap_from"), tap_write_atom(b, "n@h");
        fuzz_pid(b, "n@h", who ^ 1);
    }
    if (stack) { /* also of what has none */
        tap_write_tuple(b, 3), tap_write_atom(b, "$beamtap_stack");
        fuzz_term(b, s, 3), tap_write_atom(b, "none");
    }
    if (time >= 0) {
        tap_write_i64(b, time);
        return;
    }
    tap_write_tuple(b, 3); /* of the flag timestamp */
    tap_write_i64(b, 1700), tap_write_i64(b, 1 - time / 1000000), tap_write_i64(b, -time % 1000000);
}

/* A frame's header, to be ended by fuzz_frame_end with its place and its count. */
static inline size_t fuzz_frame(struct tap_buf *b, uint8_t flags, uint64_t seq, uint32_t node)
{
    uint8_t head[TAP_FRAME_HEADER];
    struct tap_frame f = {.flags = flags, .seq = seq, .node = node};
    size_t at = b->len;
    tap_frame_write(head, &f);
    tap_buf_put(b, head, sizeof head);
    return at;
}
static inline void fuzz_frame_end(struct tap_buf *b, size_t at, uint32_t count)
{
    if (b->oom)
        return;
    tap_put_u32(b->data + at + 24, count);
    tap_put_u32(b->data + at + 36, (uint32_t)(b->len - at - TAP_FRAME_HEADER));
}
/* A control frame's or a message's item: its length, its version byte, and what is written until
 * fuzz_item_end. */
static inline size_t fuzz_item(struct tap_buf *b)
{
    size_t at = b->len;
    tap_write_u32(b, 0);
    tap_write_version(b);
    return at;
}
static inline void fuzz_item_end(struct tap_buf *b, size_t at)
{
    if (!b->oom)
        tap_put_u32(b->data + at, (uint32_t)(b->len - at - 4));
}

/* {node_up, ...}, {clock, ...}, {gap, ...}, {process_info, ...}, {mailboxes, ...}, {returns_off,
 * ...}, {mark, ...}, {plan, ...}, {align, ...} in one frame. */
static inline void fuzz_reports(struct tap_buf *b, uint64_t *s, uint8_t flags, uint64_t seq,
                                uint32_t node)
{
    size_t frame = fuzz_frame(b, (uint8_t)(flags | TAP_FRAME_CONTROL), seq, node), at;
    at = fuzz_item(b), tap_write_tuple(b, 2), tap_write_atom(b, "node_up"), tap_write_map(b, 3);
    tap_write_atom(b, "release"), tap_write_binary(b, "25", 2), tap_write_atom(b, "offset"),
        tap_write_i64(b, 1700000000000000000), tap_write_atom(b, "monotonic"), tap_write_i64(b, 0);
    fuzz_item_end(b, at);
    at = fuzz_item(b), tap_write_tuple(b, 4), tap_write_atom(b, "clock"),
    tap_write_atom(b, "undefined"), tap_write_i64(b, 5), tap_write_i64(b, 1700000000000000000);
    fuzz_item_end(b, at);
    at = fuzz_item(b), tap_write_tuple(b, 5), tap_write_atom(b, "gap"), tap_write_i64(b, 5),
    tap_write_i64(b, 7), tap_write_i64(b, 3), tap_write_binary(b, "why", 3);
    fuzz_item_end(b, at);
    at = fuzz_item(b), tap_write_tuple(b, 2), tap_write_atom(b, "process_info"),
    tap_write_list(b, 1), tap_write_tuple(b, 2), fuzz_pid(b, "n@h", 1), fuzz_term(b, s, 3),
    tap_write_nil(b);
    fuzz_item_end(b, at);
    at = fuzz_item(b), tap_write_tuple(b, 3), tap_write_atom(b, "mailboxes"), tap_write_i64(b, 9),
    tap_write_list(b, 1), tap_write_tuple(b, 2), fuzz_pid(b, "n@h", 1), tap_write_i64(b, 44),
    tap_write_nil(b);
    fuzz_item_end(b, at);
    at = fuzz_item(b), tap_write_tuple(b, 3), tap_write_atom(b, "returns_off"),
    fuzz_mfa(b, s, false), tap_write_binary(b, "deep", 4);
    fuzz_item_end(b, at);
    at = fuzz_item(b), tap_write_tuple(b, 2), tap_write_atom(b, "mark"), fuzz_term(b, s, 2);
    fuzz_item_end(b, at);
    at = fuzz_item(b), tap_write_tuple(b, 2), tap_write_atom(b, "plan"), tap_write_map(b, 1),
    tap_write_atom(b, "skipped"), tap_write_list(b, 1), tap_write_tuple(b, 2),
    tap_write_binary(b, "a", 1), tap_write_binary(b, "b", 1), tap_write_nil(b);
    fuzz_item_end(b, at);
    at = fuzz_item(b), tap_write_tuple(b, 5), tap_write_atom(b, "align"), tap_write_i64(b, 5),
    tap_write_i64(b, 1700000000000000000), tap_write_i64(b, 100),
    tap_write_i64(b, 1700000000000000000);
    fuzz_item_end(b, at);
    fuzz_frame_end(b, frame, 9);
}

/* A frame of messages of all kinds, as a list or one by one. */
static inline void fuzz_messages(struct tap_buf *b, uint64_t *s, uint8_t flags, uint64_t seq,
                                 uint32_t node)
{
    bool list = fuzz_random(s) & 1;
    size_t frame = fuzz_frame(b, flags | (list ? TAP_FRAME_ONE_LIST : 0), seq, node);
    if (list) {
        tap_write_version(b);
        tap_write_list(b, FUZZ_TAGS);
    }
    for (unsigned i = 0; i < FUZZ_TAGS; i++) {
        size_t at = list ? 0 : fuzz_item(b);
        fuzz_message(b, s, i, (int64_t)(1000 * (seq + i)));
        if (!list)
            fuzz_item_end(b, at);
    }
    if (list)
        tap_write_nil(b);
    fuzz_frame_end(b, frame, FUZZ_TAGS);
}

/* A definition of each name that the items below have. */
static inline void fuzz_define(struct tap_buf *b, uint64_t *s)
{
    for (uint32_t i = 0; i < 3; i++) {
        tap_write_u8(b, TAP_ITEM_PROCESS), tap_write_u32(b, i);
        fuzz_pid(b, "n@h", i);
        tap_write_u8(b, TAP_ITEM_FUNCTION), tap_write_u32(b, i);
        tap_write_atom(b, "shop"), fuzz_atom(b, s);
    }
}

/* An item with numbers for names, or now and then a message as it is. */
static inline void fuzz_numbered(struct tap_buf *b, uint64_t *s, unsigned i, int64_t time)
{
    unsigned tag = i % 4, extras = (unsigned)fuzz_random(s) % 3;
    if (tag == 3) {
        size_t before = b->len;
        fuzz_message(b, s, i % FUZZ_TAGS, 5); /* whose time is two bytes */
        if (b->len > before + 2)
            memmove(b->data + before + 1, b->data + before, b->len - before - 2);
        if (b->len > before + 2)
            b->data[before] = TAP_ITEM_MESSAGE, b->len--;
    } else {
        tap_write_u8(b, TAP_ITEM_CALL + tag + 16 * extras);
        tap_write_u32(b, (uint32_t)fuzz_random(s) % 3), tap_write_u32(b, i % 3);
        if (tag)
            tap_write_u8(b, 2), fuzz_term(b, s, 3);
        else
            tap_write_list(b, 1), fuzz_term(b, s, 3), tap_write_nil(b);
        for (; extras > 0; extras--)
            fuzz_term(b, s, 1);
    }
    tap_write_u32(b, 0), tap_write_u32(b, (uint32_t)time);
}

/* A frame of the native tracer's, as it is recorded. */
static inline void fuzz_items(struct tap_buf *b, uint64_t *s, uint8_t flags, uint64_t seq,
                              uint32_t node)
{
    size_t frame = fuzz_frame(b, flags | TAP_FRAME_NUMBERED, seq, node);
    fuzz_define(b, s);
    for (unsigned i = 0; i < FUZZ_TAGS; i++)
        fuzz_numbered(b, s, i, (int64_t)(1000 * (seq + i)));
    fuzz_frame_end(b, frame, FUZZ_TAGS);
}

#endif
