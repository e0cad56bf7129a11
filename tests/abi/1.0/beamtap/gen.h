/* beamtap/gen.h: what OTP's behaviours say to each other: the calls, casts and replies of
 * gen_server, gen_statem and whatever else uses gen, read from the message. Those of OTP 21 to the
 * newest:
 *
 *     {'$gen_call', {From, Tag}, Request}     Tag: a reference, [alias | Reference], or a list with
 *                                             that at its head
 *     {'$gen_cast', Request}
 *     {Tag, Reply}
 *
 * Any pair with a reference looks like a reply; the core marks only those that answer a call it has
 * seen (tap_event.gen).
 */
#ifndef BEAMTAP_GEN_H
#define BEAMTAP_GEN_H

#include <string.h>

#include "event.h"
#include "term.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The parts of such a message; NULL and 0: it has no such part. */
struct tap_gen_parts {
    enum tap_gen gen;
    const uint8_t *from; /* who called: a pid */
    size_t from_len;
    const uint8_t *tag; /* the reference that a call and its reply share */
    size_t tag_len;
    const uint8_t *body; /* request or reply */
    size_t body_len;
};

/* Goes to the reference of a tag, which is read as a whole. */
static inline bool tap_gen_tag(struct tap_cursor *c, struct tap_gen_parts *parts)
{
    struct tap_cursor at = *c;
    uint32_t n;
    for (int depth = 0; depth < 2 && tap_peek(&at) == TAP_EXT_LIST; depth++) {
        if (!tap_read_list(&at, &n) || n != 1)
            return false;
        if (tap_match_atom(&at, "alias"))
            break;
    }
    parts->tag = at.p;
    int type = tap_peek(&at);
    if ((type != TAP_EXT_NEWER_REFERENCE && type != TAP_EXT_NEW_REFERENCE) || !tap_skip(&at))
        return false;
    parts->tag_len = (size_t)(at.p - parts->tag);
    return tap_skip(c);
}

/* False: the term (without version byte) is no such message. Cheap where it is none. */
static inline bool tap_gen_read(const uint8_t *term, size_t len, struct tap_gen_parts *parts)
{
    struct tap_cursor c = tap_cursor(term, len);
    uint32_t arity = 0, two;
    if (len < 8 || term[0] != TAP_EXT_SMALL_TUPLE || (term[1] != 2 && term[1] != 3))
        return false;
    memset(parts, 0, sizeof *parts);
    tap_read_tuple(&c, &arity);
    if (arity == 3) {
        if (!tap_match_atom(&c, "$gen_call") || !tap_read_tuple(&c, &two) || two != 2)
            return false;
        parts->from = c.p;
        if (tap_peek(&c) != TAP_EXT_NEW_PID && tap_peek(&c) != TAP_EXT_PID)
            return false;
        tap_skip(&c);
        parts->from_len = (size_t)(c.p - parts->from);
        if (!tap_gen_tag(&c, parts))
            return false;
        parts->gen = TAP_GEN_CALL;
    } else if (tap_match_atom(&c, "$gen_cast")) {
        parts->gen = TAP_GEN_CAST;
    } else if (tap_gen_tag(&c, parts)) {
        parts->gen = TAP_GEN_REPLY;
    } else {
        return false;
    }
    parts->body = c.p;
    tap_skip(&c);
    parts->body_len = (size_t)(c.p - parts->body);
    return !c.bad;
}

/* What a call and its reply share, as a number: made of the reference's node and numbers. Releases
 * write the node's atom in different ways, and an old form has less of the creation: neither
 * counts. 0: there is none. */
static inline uint64_t tap_gen_key(const struct tap_gen_parts *parts)
{
    struct tap_cursor c = tap_cursor(parts->tag, parts->tag_len);
    const char *node;
    uint32_t n;
    bool latin1;
    uint64_t key = 0xcbf29ce484222325u;
    if (parts->tag_len < 4)
        return 0;
    c.p += 3;
    if (!tap_read_atom(&c, &node, &n, &latin1))
        return 0;
    for (uint32_t i = 0; i < n; i++)
        key = (key ^ (uint8_t)node[i]) * 0x100000001b3u;
    for (c.p += *parts->tag == TAP_EXT_NEWER_REFERENCE ? 4 : 1; c.p < c.end; c.p++)
        key = (key ^ *c.p) * 0x100000001b3u;
    return key ? key : 1;
}

/* Is the sender of this request who called? A server may pass one on as it is, to whoever is to
 * answer it: that is no call of its own. */
static inline bool tap_gen_is_callers(const struct tap_gen_parts *parts, const struct tap_event *e)
{
    struct tap_cursor c = tap_cursor(parts->from, parts->from_len);
    const char *node;
    uint32_t n;
    struct tap_pid pid;
    return tap_read_pid(&c, &node, &n, &pid) && pid.id == e->pid.id &&
           pid.serial == e->pid.serial && pid.creation == e->pid.creation;
}

#ifdef __cplusplus
}
#endif
#endif
