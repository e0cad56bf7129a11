/* encode.c: the walk. What is begun stands on a stack of its own, with where to go on. */
#include "transports/beam/native/encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transports/beam/native/kinds.h"

enum step_kind { STEP_TUPLE, STEP_LIST, STEP_MAP };
enum {
    EXT_NEW_FLOAT = 70,
    EXT_SMALL_INTEGER = 97,
    EXT_INTEGER = 98,
    EXT_SMALL_TUPLE = 104,
    EXT_LARGE_TUPLE = 105,
    EXT_NIL = 106,
    EXT_STRING = 107,
    EXT_LIST = 108,
    EXT_BINARY = 109,
    EXT_SMALL_BIG = 110,
    EXT_NEW_FUN = 112,
    EXT_MAP = 116
};
#define STRING_MAX 65535
#define FUN_TEXT 600 /* bytes of "#Fun<Module.Index.Uniq>" */

static bool has_room(struct tap_encoder *e, size_t need)
{
    if ((size_t)(e->end - e->p) >= need)
        return true;
    e->beyond = need;
    return false;
}

static uint8_t *put_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24), p[1] = (uint8_t)(v >> 16), p[2] = (uint8_t)(v >> 8),
    p[3] = (uint8_t)v;
    return p + 4;
}

static bool put_head(struct tap_encoder *e, int tag, uint32_t v)
{
    if (!has_room(e, 5))
        return false;
    *e->p = (uint8_t)tag;
    e->p = put_u32(e->p + 1, v);
    return true;
}

bool tap_encode_bytes(struct tap_encoder *e, const void *bytes, size_t len)
{
    if (!has_room(e, len))
        return false;
    memcpy(e->p, bytes, len);
    e->p += len;
    return true;
}

bool tap_encode_u32(struct tap_encoder *e, uint32_t v)
{
    if (!has_room(e, 4))
        return false;
    e->p = put_u32(e->p, v);
    return true;
}

static bool put_big(struct tap_encoder *e, uint64_t magnitude, bool negative)
{
    uint8_t n = 0, big[11] = {EXT_SMALL_BIG, 0, negative};
    for (; magnitude; magnitude >>= 8)
        big[3 + n++] = (uint8_t)magnitude;
    big[1] = n;
    return tap_encode_bytes(e, big, 3 + (size_t)n);
}

bool tap_encode_i64(struct tap_encoder *e, int64_t v)
{
    if (v >= 0 && v <= 255) {
        uint8_t small[2] = {EXT_SMALL_INTEGER, (uint8_t)v};
        return tap_encode_bytes(e, small, 2);
    }
    if (v >= INT32_MIN && v <= INT32_MAX)
        return put_head(e, EXT_INTEGER, (uint32_t)v);
    return put_big(e, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0);
}

/* ---- What the VM encodes */

/* It is done in full before its size is known: that counts as walked, though nothing of it
 * stays. */
static bool encode_by_vm(struct tap_encoder *e, ERL_NIF_TERM term)
{
    ErlNifBinary bin;
    if (!enif_term_to_binary(e->env, term, &bin))
        return false;
    size_t len = bin.size > 1 ? bin.size - 1 : 0;
    bool ok = len > 0 && tap_encode_bytes(e, bin.data + 1, len);
    if (!ok)
        e->walked += len;
    enif_release_binary(&bin);
    return ok;
}

bool tap_encode_name(struct tap_encoder *e, ERL_NIF_TERM term)
{
    const struct tap_name_slot *slot = tap_names_find(e->names, e->env, term);
    return slot ? tap_encode_bytes(e, slot->bytes, slot->len) : encode_by_vm(e, term);
}

static bool encode_pid(struct tap_encoder *e, ERL_NIF_TERM term)
{
    ErlNifPid pid;
    return enif_get_local_pid(e->env, term, &pid) ? tap_encode_name(e, term)
                                                  : encode_by_vm(e, term);
}

/* NEW_FUN_EXT without an environment, of what the VM prints: Module.Index.Uniq. A NIF is told no
 * arity: where the hash is 0 too, readers know that none was (core/term/identifiers.c). */
static bool put_fun(struct tap_encoder *e, const char *module, size_t len, long index, long uniq)
{
    uint8_t *size_at = e->p + 1, atom[4] = {118, (uint8_t)(len >> 8), (uint8_t)len};
    static const uint8_t nobody[] = {88,  119, 13,  'n', 'o', 'n', 'o', 'd', 'e', '@',
                                     'n', 'o', 'h', 'o', 's', 't', 0,   0,   0,   0,
                                     0,   0,   0,   0,   0,   0,   0,   0};
    if (!has_room(e, 30))
        return false;
    *e->p = EXT_NEW_FUN;
    memset(e->p + 5, 0, 25); /* arity, unique number, index, free variables */
    put_u32(e->p + 22, (uint32_t)index);
    e->p += 30;
    return tap_encode_bytes(e, atom, 3) && tap_encode_bytes(e, module, len) &&
           tap_encode_i64(e, index) && tap_encode_i64(e, uniq) &&
           tap_encode_bytes(e, nobody, sizeof nobody) &&
           (put_u32(size_at, (uint32_t)(e->p - size_at)), true);
}

static bool encode_fun(struct tap_encoder *e, ERL_NIF_TERM term)
{
    char text[FUN_TEXT], *end;
    int len = enif_snprintf(text, sizeof text, "%T", term);
    if (len <= 7 || len >= (int)sizeof text || strncmp(text, "#Fun<", 5) != 0)
        return encode_by_vm(e, term); /* fun M:F/A, which is small */
    char *uniq = strrchr(text, '.'), *module = text + 5;
    if (!uniq)
        return false;
    *uniq = 0;
    char *index = strrchr(module, '.');
    if (!index)
        return false;
    size_t module_len = (size_t)(index - module);
    if (module_len >= 2 && module[0] == '\'' && module[module_len - 1] == '\'')
        module++, module_len -= 2;
    return put_fun(e, module, module_len, strtol(index + 1, &end, 10), strtol(uniq + 1, &end, 10));
}

/* ---- Leaves */

static bool encode_integer(struct tap_encoder *e, ERL_NIF_TERM term)
{
    ErlNifSInt64 v;
    ErlNifUInt64 u;
    if (enif_get_int64(e->env, term, &v))
        return tap_encode_i64(e, v);
    if (enif_get_uint64(e->env, term, &u))
        return put_big(e, u, false);
    return encode_by_vm(e, term);
}

static bool encode_float(struct tap_encoder *e, ERL_NIF_TERM term)
{
    double value;
    uint64_t bits;
    if (!enif_get_double(e->env, term, &value) || !has_room(e, 9))
        return false;
    memcpy(&bits, &value, 8);
    *e->p = EXT_NEW_FLOAT;
    put_u32(put_u32(e->p + 1, (uint32_t)(bits >> 32)), (uint32_t)bits);
    e->p += 9;
    return true;
}

static bool encode_bits(struct tap_encoder *e, ERL_NIF_TERM term)
{
    ErlNifBinary bin;
    if (!enif_inspect_binary(e->env, term, &bin))
        return encode_by_vm(e, term);
    if (!has_room(e, 5 + bin.size))
        return false;
    *e->p = EXT_BINARY;
    memcpy(put_u32(e->p + 1, (uint32_t)bin.size), bin.data, bin.size);
    e->p += 5 + bin.size;
    return true;
}

/* ---- What holds others */

static struct tap_encode_step *push(struct tap_encoder *e, int kind)
{
    if (e->depth == TAP_ENCODE_DEPTH)
        return NULL;
    struct tap_encode_step *s = &e->steps[e->depth++];
    s->kind = (uint8_t)kind;
    return s;
}

static bool begin_tuple(struct tap_encoder *e, ERL_NIF_TERM term)
{
    int n;
    const ERL_NIF_TERM *items;
    struct tap_encode_step *s;
    if (!enif_get_tuple(e->env, term, &n, &items))
        return false;
    if (n > 255) {
        if (!put_head(e, EXT_LARGE_TUPLE, (uint32_t)n))
            return false;
    } else {
        if (!has_room(e, 2))
            return false;
        *e->p++ = EXT_SMALL_TUPLE;
        *e->p++ = (uint8_t)n;
    }
    if (n == 0)
        return true;
    if (!(s = push(e, STEP_TUPLE)))
        return false;
    s->items = items;
    s->left = (uint32_t)n;
    return true;
}

static bool is_byte(struct tap_encoder *e, ERL_NIF_TERM term, int *byte)
{
    return enif_get_int(e->env, term, byte) && *byte >= 0 && *byte <= 255;
}

/* A list of bytes, as the VM packs it. False, and nothing written: it is another list. */
static bool encode_string(struct tap_encoder *e, ERL_NIF_TERM list)
{
    size_t room = (size_t)(e->end - e->p), n = 0, most = room < 3 ? 0 : room - 3;
    ERL_NIF_TERM head;
    int byte;
    if (most > STRING_MAX)
        most = STRING_MAX;
    for (; enif_get_list_cell(e->env, list, &head, &list); n++) {
        if (n == most || !is_byte(e, head, &byte))
            return false;
        e->p[3 + n] = (uint8_t)byte;
    }
    if (!enif_is_empty_list(e->env, list))
        return false;
    e->p[0] = EXT_STRING;
    e->p[1] = (uint8_t)(n >> 8);
    e->p[2] = (uint8_t)n;
    e->p += 3 + n;
    return true;
}

static bool begin_list(struct tap_encoder *e, ERL_NIF_TERM list)
{
    ERL_NIF_TERM head, tail;
    int byte;
    struct tap_encode_step *s;
    if (!enif_get_list_cell(e->env, list, &head, &tail)) {
        if (!has_room(e, 1))
            return false;
        *e->p++ = EXT_NIL;
        return true;
    }
    if (is_byte(e, head, &byte) && encode_string(e, list))
        return true;
    if (!put_head(e, EXT_LIST, 0) || !(s = push(e, STEP_LIST)))
        return false;
    s->rest = list;
    s->left = 0;
    s->at = e->p - 4;
    return true;
}

static bool begin_map(struct tap_encoder *e, ERL_NIF_TERM map)
{
    size_t n;
    struct tap_encode_step *s;
    if (!enif_get_map_size(e->env, map, &n) || !put_head(e, EXT_MAP, (uint32_t)n))
        return false;
    if (n == 0)
        return true;
    if (e->maps == TAP_ENCODE_MAPS || !(s = push(e, STEP_MAP)))
        return false;
    s->map = (uint8_t)e->maps;
    s->value = false;
    if (!enif_map_iterator_create(e->env, map, &e->iterators[s->map], ERL_NIF_MAP_ITERATOR_FIRST)) {
        e->depth--;
        return false;
    }
    e->maps++;
    return true;
}

static bool encode_one(struct tap_encoder *e, ERL_NIF_TERM term)
{
    switch (tap_kind_of(e->env, term)) {
    case ERL_NIF_TERM_TYPE_ATOM: return tap_encode_name(e, term);
    case ERL_NIF_TERM_TYPE_INTEGER: return encode_integer(e, term);
    case ERL_NIF_TERM_TYPE_TUPLE: return begin_tuple(e, term);
    case ERL_NIF_TERM_TYPE_LIST: return begin_list(e, term);
    case ERL_NIF_TERM_TYPE_BITSTRING: return encode_bits(e, term);
    case ERL_NIF_TERM_TYPE_PID: return encode_pid(e, term);
    case ERL_NIF_TERM_TYPE_MAP: return begin_map(e, term);
    case ERL_NIF_TERM_TYPE_FLOAT: return encode_float(e, term);
    case ERL_NIF_TERM_TYPE_FUN: return encode_fun(e, term);
    case TAP_KIND_UNREADABLE: return tap_encode_cut(e, 0, -1); /* not by the VM: of any size */
    default: return encode_by_vm(e, term);
    }
}

/* ---- The walk */

/* What comes next of the innermost that is begun. A last element is written with its holder gone
 * from the stack, so that what is nested at the end takes no depth. */
static bool encode_next(struct tap_encoder *e)
{
    struct tap_encode_step *s = &e->steps[e->depth - 1];
    ERL_NIF_TERM head, key, value, item;
    if (s->kind == STEP_TUPLE) {
        item = *s->items++;
        e->depth -= --s->left == 0;
        return encode_one(e, item);
    }
    if (s->kind == STEP_LIST) {
        if (enif_get_list_cell(e->env, s->rest, &head, &s->rest)) {
            s->left++;
            return encode_one(e, head);
        }
        put_u32(s->at, s->left);
        item = s->rest;
        e->depth--;
        return encode_one(e, item); /* [], or what an improper list ends with */
    }
    ErlNifMapIterator *it = &e->iterators[s->map];
    if (!enif_map_iterator_get_pair(e->env, it, &key, &value)) {
        enif_map_iterator_destroy(e->env, it);
        e->maps--;
        e->depth--;
        return true;
    }
    s->value = !s->value;
    if (s->value)
        return encode_one(e, key);
    enif_map_iterator_next(e->env, it);
    return encode_one(e, value);
}

bool tap_encode(struct tap_encoder *e, ERL_NIF_TERM term, size_t limit)
{
    uint8_t *begun = e->p, *end = e->end;
    bool ok;
    e->depth = e->maps = 0;
    e->beyond = 0;
    if (limit < (size_t)(end - begun))
        e->end = begun + limit;
    for (ok = encode_one(e, term); ok && e->depth > 0;)
        ok = encode_next(e);
    while (e->maps > 0)
        enif_map_iterator_destroy(e->env, &e->iterators[--e->maps]);
    e->walked += (size_t)(e->p - begun);
    if (!ok) {
        e->beyond += (size_t)(e->p - begun);
        e->p = begun;
    }
    e->end = end;
    return ok;
}

bool tap_encode_cut(struct tap_encoder *e, uint64_t size, int arity)
{
    static const uint8_t cut[] = {119, 12,  '$', 'b', 'e', 'a', 'm',
                                  't', 'a', 'p', '_', 'c', 'u', 't'};
    uint8_t head[2] = {EXT_SMALL_TUPLE, arity < 0 ? 2 : 3};
    return tap_encode_bytes(e, head, 2) && tap_encode_bytes(e, cut, sizeof cut) &&
           tap_encode_i64(e, (int64_t)size) && (arity < 0 || tap_encode_i64(e, arity));
}

bool tap_encode_or_cut(struct tap_encoder *e, ERL_NIF_TERM term, size_t limit, int arity)
{
    if (tap_encode(e, term, limit))
        return true;
    return tap_encode_cut(e, e->beyond > limit ? e->beyond : limit + 1, arity);
}
