/* encode.h: terms to the external term format, in a bounded walk over the tracee's own heap.
 *
 * Nothing is copied but what is written, and no more is looked at than is written: a term of which
 * the encoding would be larger than it may be costs what it may, and no more, whatever its size.
 * There is no recursion and no allocation, but for what the interface for NIFs cannot read
 * (bignums, references, ports, processes of other nodes, bit strings), which the VM encodes, and
 * for large maps, which it walks.
 *
 * A fun of a module is written without its environment, which cannot be read and may be of any
 * size: it prints as it always does.
 */
#ifndef TAP_NATIVE_ENCODE_H
#define TAP_NATIVE_ENCODE_H

#include <stddef.h>

#include "transports/beam/native/names.h"

#define TAP_ENCODE_DEPTH 512 /* terms in terms: what is deeper is cut. A last element takes none */
#define TAP_ENCODE_MAPS 64   /* maps in maps */

struct tap_encode_step {
    uint8_t kind; /* enum step_kind */
    uint8_t map;  /* MAP: which iterator; its value is due */
    bool value;
    uint32_t left; /* TUPLE: elements; LIST: elements so far */
    union {
        const ERL_NIF_TERM *items; /* TUPLE */
        ERL_NIF_TERM rest;         /* LIST */
    };
    uint8_t *at; /* LIST: where its length goes */
};
struct tap_encoder {
    ErlNifEnv *env;
    struct tap_native_names *names;
    struct tap_native_numbers *numbers; /* NULL: names are written as they are */
    uint8_t *p, *end; /* where the next byte goes, and behind the last that may be written */
    size_t walked;    /* bytes that were written so far, also those of what was cut */
    size_t beyond;    /* after a term was too large: how large it is at the least */
    unsigned depth, maps;
    struct tap_encode_step steps[TAP_ENCODE_DEPTH];
    ErlNifMapIterator iterators[TAP_ENCODE_MAPS];
};

/* Writes `term` at p, in at most `limit` bytes and not beyond end. False: it is too large, too
 * deep, or the VM could not encode a part of it; then p is where it was, and `beyond` says how
 * large it is at the least. */
bool tap_encode(struct tap_encoder *, ERL_NIF_TERM term, size_t limit);
/* {'$beamtap_cut', Size} or, where arity is not -1, {'$beamtap_cut', Size, Arity}, which
 * beamtap/frame.h explains. False: no room for it. */
bool tap_encode_cut(struct tap_encoder *, uint64_t size, int arity);
/* A term in at most `limit` bytes, or in its place that it was cut. */
bool tap_encode_or_cut(struct tap_encoder *, ERL_NIF_TERM term, size_t limit, int arity);
bool tap_encode_i64(struct tap_encoder *, int64_t);
bool tap_encode_bytes(struct tap_encoder *, const void *, size_t);
bool tap_encode_u32(struct tap_encoder *, uint32_t);
/* An atom, or a local pid. */
bool tap_encode_name(struct tap_encoder *, ERL_NIF_TERM);

#endif
