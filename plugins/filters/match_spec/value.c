/* value.c: see value.h: reading terms head by head. */
#include "filters/match_spec/value.h"

#include <math.h>
#include <stdlib.h>

struct ms_value ms_value_float(double number)
{
    return (struct ms_value){.type = MS_FLOAT, .number = number};
}

struct ms_value ms_value_atom(const char *text)
{
    size_t n = strlen(text);
    return (struct ms_value){.type = MS_ATOM,
                             .length = (uint32_t)n,
                             .p = (const uint8_t *)text,
                             .end = (const uint8_t *)text + n};
}

bool ms_value_is_atom(const struct ms_value *v, const char *text)
{
    return v->type == MS_ATOM && v->length == strlen(text) && memcmp(v->p, text, v->length) == 0;
}

/* ---- Leaves */

static struct ms_value read_atom(struct tap_cursor c)
{
    const char *text;
    uint32_t len;
    struct ms_value v = {.type = MS_ATOM};
    if (!tap_read_atom(&c, &text, &len, &v.latin1))
        return ms_value_unknown();
    v.p = (const uint8_t *)text;
    v.length = len;
    v.end = v.p + len;
    return v;
}

/* SMALL_BIG and LARGE_BIG: a sign and the magnitude, lowest byte first. */
static struct ms_value read_big(const struct tap_cursor *c)
{
    bool small = *c->p == TAP_EXT_SMALL_BIG;
    size_t head = small ? 3 : 6, left = tap_left(c);
    if (left < head)
        return ms_value_unknown();
    uint32_t n = small ? c->p[1] : tap_get_u32(c->p + 1);
    const uint8_t *p = c->p + head;
    if (left - head < n)
        return ms_value_unknown();
    while (n > 0 && p[n - 1] == 0)
        n--;
    bool negative = p[-1] != 0;
    if (n > 16 || (n == 16 && p[15] & 0x80))
        return (struct ms_value){
            .type = MS_BIG, .negative = negative, .length = n, .p = p, .end = p + n};
    unsigned __int128 magnitude = 0;
    for (uint32_t i = n; i-- > 0;)
        magnitude = magnitude << 8 | p[i];
    return ms_value_integer(negative ? -(__int128)magnitude : (__int128)magnitude);
}

/* NEW_FLOAT, and FLOAT, 31 characters of "%.20e", as nobody has written it since R11. */
static struct ms_value read_float(const struct tap_cursor *c)
{
    union {
        uint64_t bits;
        double number;
    } u;
    if (*c->p != TAP_EXT_NEW_FLOAT || tap_left(c) < 9)
        return ms_value_unknown();
    u.bits = tap_get_u64(c->p + 1);
    return isfinite(u.number) ? ms_value_float(u.number) : ms_value_unknown();
}

static struct ms_value read_bits(const struct tap_cursor *c)
{
    bool whole = *c->p == TAP_EXT_BINARY;
    size_t head = whole ? 5 : 6, left = tap_left(c);
    if (left < head)
        return ms_value_unknown();
    uint32_t n = tap_get_u32(c->p + 1);
    unsigned last = whole ? 8 : c->p[5];
    if (left - head < n || last > 8 || (!whole && (last == 0) != (n == 0)))
        return ms_value_unknown();
    return (struct ms_value){.type = MS_BITS,
                             .p = c->p + head,
                             .end = c->p + head + n,
                             .bits = n == 0 ? 0 : (uint64_t)n * 8 - (8 - last)};
}

/* ---- What holds others */

static struct ms_value container(enum ms_type type, uint32_t length, const struct tap_cursor *c)
{
    return (struct ms_value){
        .type = (uint8_t)type, .source = MS_TERM, .length = length, .p = c->p, .end = c->end};
}

static struct ms_value read_tuple(struct tap_cursor c)
{
    uint32_t arity;
    return tap_read_tuple(&c, &arity) ? container(MS_TUPLE, arity, &c) : ms_value_unknown();
}

static struct ms_value read_map(struct tap_cursor c)
{
    uint32_t pairs;
    return tap_read_map(&c, &pairs) ? container(MS_MAP, pairs, &c) : ms_value_unknown();
}

/* A list that says it has no items is what stands in its tail. */
static struct ms_value read_list(struct tap_cursor c)
{
    uint32_t n = 0;
    while (tap_left(&c) >= 5 && *c.p == TAP_EXT_LIST && (n = tap_get_u32(c.p + 1)) == 0)
        c.p += 5;
    if (tap_peek(&c) != TAP_EXT_LIST)
        return tap_peek(&c) ? ms_value_read(&c) : ms_value_unknown();
    return tap_read_list(&c, &n) ? container(MS_LIST, n, &c) : ms_value_unknown();
}

static struct ms_value read_string(struct tap_cursor c)
{
    const uint8_t *bytes;
    uint32_t n;
    if (!tap_read_string(&c, &bytes, &n))
        return ms_value_unknown();
    return (struct ms_value){.type = n ? MS_LIST : MS_NIL,
                             .source = MS_BYTES,
                             .length = n,
                             .p = bytes,
                             .end = bytes + n};
}

struct ms_value ms_value_read(const struct tap_cursor *c)
{
    int64_t integer;
    struct tap_cursor at = *c;
    switch (tap_peek(c)) {
    case TAP_EXT_SMALL_INTEGER:
    case TAP_EXT_INTEGER:
        return tap_read_i64(&at, &integer) ? ms_value_integer(integer) : ms_value_unknown();
    case TAP_EXT_SMALL_BIG:
    case TAP_EXT_LARGE_BIG: return read_big(c);
    case TAP_EXT_NEW_FLOAT:
    case TAP_EXT_FLOAT: return read_float(c);
    case TAP_EXT_ATOM:
    case TAP_EXT_SMALL_ATOM:
    case TAP_EXT_ATOM_UTF8:
    case TAP_EXT_SMALL_ATOM_UTF8: return read_atom(at);
    case TAP_EXT_REFERENCE:
    case TAP_EXT_NEW_REFERENCE:
    case TAP_EXT_NEWER_REFERENCE: return container(MS_REFERENCE, 0, c);
    case TAP_EXT_FUN:
    case TAP_EXT_NEW_FUN:
    case TAP_EXT_EXPORT: return container(MS_FUN, 0, c);
    case TAP_EXT_PORT:
    case TAP_EXT_NEW_PORT:
    case TAP_EXT_V4_PORT: return container(MS_PORT, 0, c);
    case TAP_EXT_PID:
    case TAP_EXT_NEW_PID: return container(MS_PID, 0, c);
    case TAP_EXT_SMALL_TUPLE:
    case TAP_EXT_LARGE_TUPLE: return read_tuple(at);
    case TAP_EXT_MAP: return read_map(at);
    case TAP_EXT_NIL: return (struct ms_value){.type = MS_NIL};
    case TAP_EXT_LIST: return read_list(at);
    case TAP_EXT_STRING: return read_string(at);
    case TAP_EXT_BINARY:
    case TAP_EXT_BIT_BINARY: return read_bits(c);
    default: return ms_value_unknown();
    }
}

/* ---- Items */

struct ms_items ms_items_of(const struct ms_value *v)
{
    return (struct ms_items){.of = *v, .at = {v->p, v->end, false}};
}

static struct ms_value read_item(struct ms_context *c, const struct tap_cursor *at)
{
    struct ms_value v = ms_value_read(at);
    if (v.type == MS_UNKNOWN)
        c->bounds |= MS_BOUND_UNREAD;
    return v;
}

static bool skip_item(struct ms_context *c, struct tap_cursor *at)
{
    bool skipped = tap_skip(at);
    if (!skipped)
        c->bounds |= MS_BOUND_UNREAD;
    return skipped;
}

bool ms_items_next(struct ms_context *c, struct ms_items *items, struct ms_value *item)
{
    const struct ms_value *of = &items->of;
    *item = ms_value_unknown();
    if (c->steps == 0)
        return false;
    c->steps--;
    if (of->source == MS_MADE)
        *item = of->made[items->index];
    else if (of->source == MS_BYTES)
        *item = ms_value_integer(of->p[items->index]);
    else if (items->index > 0 && !skip_item(c, &items->at)) /* past the one before */
        return false;
    else
        *item = read_item(c, &items->at);
    items->index++;
    return item->type != MS_UNKNOWN;
}

bool ms_list_split(struct ms_context *c, const struct ms_value *list, struct ms_value *head,
                   struct ms_value *rest)
{
    struct ms_items items = ms_items_of(list);
    bool known = ms_items_next(c, &items, head);
    *rest = *list;
    rest->length--;
    if (list->source == MS_BYTES) {
        rest->p++;
        rest->type = rest->length ? MS_LIST : MS_NIL;
    } else if (list->source == MS_MADE) {
        rest->made++;
        if (!rest->length)
            *rest = *rest->made;
    } else if (!skip_item(c, &items.at)) {
        *rest = ms_value_unknown();
    } else {
        rest->p = items.at.p;
        if (!rest->length)
            *rest = read_item(c, &items.at);
    }
    return known && rest->type != MS_UNKNOWN;
}

struct ms_value ms_list_tail(struct ms_context *c, const struct ms_value *list)
{
    struct tap_cursor at = {list->p, list->end, false};
    if (list->source == MS_MADE)
        return list->made[list->length];
    if (list->source == MS_BYTES)
        return (struct ms_value){.type = MS_NIL};
    for (uint32_t i = 0; i < list->length; i++)
        if (!skip_item(c, &at))
            return ms_value_unknown();
    return read_item(c, &at);
}
