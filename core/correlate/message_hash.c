/* message_hash.c: a walk over a term, in constant memory. Each term adds its kind, its size and its
 * own bytes, so what is inside a container needs no bracket; only the pairs of a map, which have no
 * order, are hashed apart from what is around them and then added up.
 *
 * Source of the format: https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
#include "correlate/message_hash.h"

#include "beamtap/term.h"

/* A map that was entered: what is around it, and how far it is. */
struct open_map {
    uint64_t outer, sum; /* the hash before it; that of the pairs so far */
    uint64_t todo;       /* terms of what is around it that come after it */
    uint32_t pairs;      /* that come after this one */
};

struct hash_walk {
    struct tap_cursor c;
    uint64_t h, todo; /* terms still to come, inside the innermost map's pair */
    struct open_map maps[TAP_HASH_MAPS];
    unsigned depth;
};

/* In UTF-8, whichever way it stands there. */
static void hash_atom(struct hash_walk *w)
{
    const char *text;
    uint32_t len, n = 0;
    bool latin1;
    uint8_t utf8[2 * 255];
    if (!tap_read_atom(&w->c, &text, &len, &latin1))
        return;
    if (latin1 && len <= 255) {
        for (uint32_t i = 0; i < len; i++) {
            uint8_t byte = (uint8_t)text[i];
            if (byte >= 0x80)
                utf8[n++] = (uint8_t)(0xC0 | byte >> 6), byte = 0x80 | (byte & 0x3F);
            utf8[n++] = byte;
        }
        w->h = tap_hash_bytes(w->h, utf8, n);
        return;
    }
    w->h = tap_hash_bytes(w->h, (const uint8_t *)text, len);
}

static uint64_t take(struct hash_walk *w, unsigned bytes)
{
    uint64_t v = 0;
    if (tap_left(&w->c) < bytes) {
        tap_cursor_fail(&w->c);
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | *w->c.p++;
    return v;
}

static void hash_number(struct hash_walk *w, unsigned bytes)
{
    w->h = tap_mix64(w->h, take(w, bytes));
}

/* A pid, port or reference: its node, its number in so many bytes, its creation. */
static void hash_identifier(struct hash_walk *w, unsigned number, unsigned creation)
{
    hash_atom(w);
    for (; number > 8; number -= 4)
        hash_number(w, 4);
    hash_number(w, number);
    uint64_t c = take(w, creation);
    w->h = tap_mix64(w->h, creation == 1 ? c & 3 : c);
}

static void hash_reference(struct hash_walk *w, unsigned creation)
{
    unsigned words = (unsigned)take(w, 2);
    hash_atom(w);
    uint64_t c = take(w, creation); /* which stands before the number here */
    w->h = tap_mix64(w->h, c);
    while (words-- && !w->c.bad)
        hash_number(w, 4);
}

/* A fun without its size, which is that of its encoding; its free variables follow as terms. */
static void hash_fun(struct hash_walk *w)
{
    take(w, 4);
    hash_number(w, 1); /* arity */
    hash_number(w, 8);
    hash_number(w, 8); /* the module's MD5 */
    hash_number(w, 4); /* index */
    uint64_t variables = take(w, 4);
    w->h = tap_mix64(w->h, variables);
    w->todo += 4 + variables; /* module, old index, old unique, pid */
}

/* What stands behind a length of so many bytes, and `more` behind that. */
static void hash_sized(struct hash_walk *w, unsigned length, unsigned more)
{
    uint64_t n = take(w, length) + more;
    if (n > tap_left(&w->c)) {
        tap_cursor_fail(&w->c);
        return;
    }
    w->h = tap_hash_bytes(w->h, w->c.p, n);
    w->c.p += n;
}

static void hash_map(struct hash_walk *w)
{
    uint32_t pairs;
    w->c.p--;
    if (!tap_read_map(&w->c, &pairs))
        return;
    w->h = tap_mix64(w->h, pairs);
    if (pairs == 0)
        return;
    if (w->depth == TAP_HASH_MAPS) { /* as they stand there */
        w->todo += 2 * (uint64_t)pairs;
        return;
    }
    w->maps[w->depth++] = (struct open_map){.outer = w->h, .todo = w->todo, .pairs = pairs - 1};
    w->h = TAP_EXT_MAP;
    w->todo = 2;
}

/* A pair is complete: on to the next one, or out of the map. */
static void end_pair(struct hash_walk *w)
{
    struct open_map *m = &w->maps[w->depth - 1];
    m->sum += w->h;
    if (m->pairs) {
        m->pairs--;
        w->h = TAP_EXT_MAP;
        w->todo = 2;
        return;
    }
    w->h = tap_mix64(m->outer, m->sum);
    w->todo = m->todo;
    w->depth--;
}

static void hash_record(struct hash_walk *w)
{
    uint64_t n = take(w, 4);
    w->h = tap_mix64(w->h, n << 8 | take(w, 1));
    w->todo += 2 * n + 2;
}

static void hash_container(struct hash_walk *w, unsigned bytes, unsigned tail)
{
    uint64_t n = take(w, bytes);
    w->h = tap_mix64(w->h, n);
    w->todo += n + tail;
}

/* A kind that both ways of writing it have in common. */
static unsigned kind_of(unsigned tag)
{
    switch (tag) {
    case TAP_EXT_SMALL_ATOM:
    case TAP_EXT_SMALL_ATOM_UTF8:
    case TAP_EXT_ATOM_UTF8: return TAP_EXT_ATOM;
    case TAP_EXT_NEW_PID: return TAP_EXT_PID;
    case TAP_EXT_NEW_PORT:
    case TAP_EXT_V4_PORT: return TAP_EXT_PORT;
    case TAP_EXT_NEWER_REFERENCE: return TAP_EXT_NEW_REFERENCE;
    default: return tag;
    }
}

static void hash_one(struct hash_walk *w)
{
    unsigned tag = (unsigned)tap_peek(&w->c);
    w->h = tap_mix64(w->h, kind_of(tag));
    switch (tag) {
    case TAP_EXT_SMALL_ATOM:
    case TAP_EXT_SMALL_ATOM_UTF8:
    case TAP_EXT_ATOM_UTF8:
    case TAP_EXT_ATOM: hash_atom(w); return;
    default: w->c.p++;
    }
    switch (tag) {
    case TAP_EXT_SMALL_INTEGER: hash_number(w, 1); return;
    case TAP_EXT_INTEGER: hash_number(w, 4); return;
    case TAP_EXT_NEW_FLOAT: hash_number(w, 8); return;
    case TAP_EXT_NIL: return;
    case TAP_EXT_STRING: hash_sized(w, 2, 0); return;
    case TAP_EXT_BINARY: hash_sized(w, 4, 0); return;
    case TAP_EXT_BIT_BINARY: hash_sized(w, 4, 1); return;
    case TAP_EXT_SMALL_BIG: hash_sized(w, 1, 1); return;
    case TAP_EXT_LARGE_BIG: hash_sized(w, 4, 1); return;
    case TAP_EXT_SMALL_TUPLE: hash_container(w, 1, 0); return;
    case TAP_EXT_LARGE_TUPLE: hash_container(w, 4, 0); return;
    case TAP_EXT_LIST: hash_container(w, 4, 1); return;
    case TAP_EXT_MAP: hash_map(w); return;
    case TAP_EXT_RECORD: hash_record(w); return;
    case TAP_EXT_EXPORT: w->todo += 3; return;
    case TAP_EXT_NEW_FUN: hash_fun(w); return;
    case TAP_EXT_NEW_PID: hash_identifier(w, 8, 4); return;
    case TAP_EXT_PID: hash_identifier(w, 8, 1); return;
    case TAP_EXT_V4_PORT: hash_identifier(w, 8, 4); return;
    case TAP_EXT_NEW_PORT: hash_identifier(w, 4, 4); return;
    case TAP_EXT_PORT: hash_identifier(w, 4, 1); return;
    case TAP_EXT_NEW_REFERENCE: hash_reference(w, 1); return;
    case TAP_EXT_NEWER_REFERENCE: hash_reference(w, 4); return;
    default: tap_cursor_fail(&w->c); /* a kind that no release since 25 sends */
    }
}

uint64_t tap_hash_term(uint64_t h, const uint8_t *term, size_t len)
{
    struct hash_walk w = {.c = tap_cursor(term, len), .h = h, .todo = 1};
    while (!w.c.bad) {
        while (w.todo == 0 && w.depth)
            end_pair(&w);
        if (w.todo == 0)
            break;
        w.todo--;
        hash_one(&w);
    }
    return w.c.bad ? tap_hash_bytes(h, term, len) : w.h;
}
