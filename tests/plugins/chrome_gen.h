/* chrome_gen.h: messages of gen_server, as the core marks them, for streams made by hand
 * (chrome_stream.h). */
#ifndef CHROME_GEN_H
#define CHROME_GEN_H

#include "chrome_stream.h"

static inline void chrome_ref(struct tap_buf *b, uint32_t tag)
{
    tap_write_list(b, 1);
    tap_write_atom(b, "alias");
    tap_write_u8(b, TAP_EXT_NEWER_REFERENCE);
    tap_write_u8(b, 0), tap_write_u8(b, 3);
    tap_write_atom(b, "shop@web1");
    tap_write_u32(b, 1), tap_write_u32(b, tag), tap_write_u32(b, 0), tap_write_u32(b, 7);
}

/* A call {pay,Tag} of <0.from.0>, or its reply {paid,Tag}, at its send or receive by <0.id.0>; the
 * peer of a send is <0.peer.0>. */
static inline struct tap_event *chrome_gen(struct chrome_stream *s, unsigned kind, int64_t ts,
                                           uint32_t id, uint32_t peer, enum tap_gen gen,
                                           uint32_t from, uint32_t tag)
{
    struct tap_event *ev = chrome_event(s, kind, ts, 0, id);
    struct tap_buf *b = &s->arena;
    ev->gen = (uint8_t)gen;
    if (kind == TAP_MESSAGE_SEND) {
        ev->peer = (struct tap_pid){s->nodes[0].name_id, peer, 0, 1};
        ev->peer_type = TAP_PEER_PID;
    }
    ev->took = gen == TAP_GEN_REPLY ? 77 : 0;
    chrome_begin(s, ev);
    tap_write_tuple(b, gen == TAP_GEN_CALL ? 3 : 2);
    if (gen == TAP_GEN_CALL) {
        tap_write_atom(b, "$gen_call");
        tap_write_tuple(b, 2);
        tap_write_u8(b, TAP_EXT_NEW_PID);
        tap_write_atom(b, "shop@web1");
        tap_write_u32(b, from), tap_write_u32(b, 0), tap_write_u32(b, 1);
    }
    chrome_ref(b, tag);
    tap_write_tuple(b, 2);
    tap_write_atom(b, gen == TAP_GEN_CALL ? "pay" : "paid");
    tap_write_i64(b, tag);
    chrome_end(s, ev);
    return ev;
}
#define ASK(s, ts, id, peer, tag) \
    chrome_gen(s, TAP_MESSAGE_SEND, ts, id, peer, TAP_GEN_CALL, id, tag)
#define TAKE(s, ts, id, from, tag) \
    chrome_gen(s, TAP_MESSAGE_RECEIVE, ts, id, 0, TAP_GEN_CALL, from, tag)
#define ANSWER(s, ts, id, peer, tag) \
    chrome_gen(s, TAP_MESSAGE_SEND, ts, id, peer, TAP_GEN_REPLY, 0, tag)
#define GET(s, ts, id, tag) chrome_gen(s, TAP_MESSAGE_RECEIVE, ts, id, 0, TAP_GEN_REPLY, 0, tag)

#endif
