/* fake_nif.h: a node's terms without a node: what the native tracer's encoder asks of the interface
 * for NIFs, answered from external terms. Included by one file of a program.
 *
 * Each term keeps its own bytes, which is what enif_term_to_binary gives of it: it counts how many
 * bytes it gave, so that it can be told what the encoder left to the VM.
 */
#ifndef TAP_FUZZ_FAKE_NIF_H
#define TAP_FUZZ_FAKE_NIF_H

#include <erl_nif.h>
#include <stdarg.h>
#include <stdio.h>

#include "beamtap/term_write.h"

enum fake_form { FAKE_LEAF, FAKE_TUPLE, FAKE_CONS, FAKE_NIL, FAKE_MAP };
struct fake_term {
    struct fake_term *next; /* of all */
    uint8_t tag;            /* TAP_EXT_* that it was read from */
    enum fake_form form;
    const uint8_t *bytes; /* of a leaf */
    size_t len;
    uint32_t count;         /* TUPLE: elements; MAP: pairs; LEAF of a string: its byte */
    ERL_NIF_TERM *elements; /* CONS: head and tail; MAP: key and value each */
};
static struct fake_term *fake_all;
static size_t fake_by_vm; /* bytes that the VM encoded */

static struct fake_term *fake_of(ERL_NIF_TERM term)
{
    return (struct fake_term *)term;
}

static ERL_NIF_TERM fake_new(struct fake_term t, size_t elements)
{
    struct fake_term *made = malloc(sizeof *made + elements * sizeof(ERL_NIF_TERM));
    *made = t;
    made->elements = (ERL_NIF_TERM *)(made + 1);
    made->next = fake_all;
    fake_all = made;
    return (ERL_NIF_TERM)made;
}

__attribute__((unused)) static void fake_free(void)
{
    for (struct fake_term *t = fake_all, *next; t; t = next)
        next = t->next, free(t);
    fake_all = NULL;
}

/* An atom or a pid is the same word each time. */
static ERL_NIF_TERM fake_leaf(uint8_t tag, const uint8_t *bytes, size_t len)
{
    bool word = tag == TAP_EXT_SMALL_ATOM_UTF8 || tag == TAP_EXT_ATOM || tag == TAP_EXT_ATOM_UTF8 ||
                tag == TAP_EXT_SMALL_ATOM || tag == TAP_EXT_NEW_PID;
    for (struct fake_term *t = word ? fake_all : NULL; t; t = t->next)
        if (t->form == FAKE_LEAF && t->tag == tag && t->len == len &&
            memcmp(t->bytes, bytes, len) == 0)
            return (ERL_NIF_TERM)t;
    return fake_new((struct fake_term){.tag = tag, .form = FAKE_LEAF, .bytes = bytes, .len = len},
                    0);
}

static ERL_NIF_TERM fake_byte(const uint8_t *byte)
{
    return fake_new((struct fake_term){.tag = TAP_EXT_STRING, .form = FAKE_LEAF, .count = *byte},
                    0);
}

static ERL_NIF_TERM fake_nil(void)
{
    return fake_new((struct fake_term){.tag = TAP_EXT_NIL, .form = FAKE_NIL}, 0);
}

static ERL_NIF_TERM fake_cons(ERL_NIF_TERM head, ERL_NIF_TERM tail)
{
    ERL_NIF_TERM cell = fake_new((struct fake_term){.tag = TAP_EXT_LIST, .form = FAKE_CONS}, 2);
    fake_of(cell)->elements[0] = head;
    fake_of(cell)->elements[1] = tail;
    return cell;
}

/* The term at the cursor, which the bytes must outlive; 0: there is none, or it is too deep. */
static ERL_NIF_TERM fake_read(struct tap_cursor *c, unsigned depth);

static ERL_NIF_TERM fake_read_list(struct tap_cursor *c, uint32_t n, unsigned depth)
{
    ERL_NIF_TERM first = 0, head, *to = &first;
    while (n-- > 0) {
        if (!(head = fake_read(c, depth - 1)))
            return 0;
        *to = fake_cons(head, 0);
        to = &fake_of(*to)->elements[1];
    }
    *to = fake_read(c, depth - 1);
    return *to ? first : 0;
}

static ERL_NIF_TERM fake_read_many(struct tap_cursor *c, enum fake_form form, uint32_t n,
                                   unsigned depth)
{
    size_t elements = (size_t)n * (form == FAKE_MAP ? 2 : 1);
    if (elements > tap_left(c))
        return 0;
    ERL_NIF_TERM made = fake_new((struct fake_term){.form = form, .count = n}, elements);
    memset(fake_of(made)->elements, 0, elements * sizeof(ERL_NIF_TERM));
    for (size_t i = 0; i < elements; i++)
        if (!(fake_of(made)->elements[i] = fake_read(c, depth - 1)))
            return 0;
    return made;
}

static ERL_NIF_TERM fake_read(struct tap_cursor *c, unsigned depth)
{
    uint32_t n;
    if (depth == 0 || tap_left(c) == 0)
        return 0;
    struct tap_cursor begun = *c;
    switch (tap_peek(c)) {
    case TAP_EXT_SMALL_TUPLE:
    case TAP_EXT_LARGE_TUPLE:
        return tap_read_tuple(c, &n) ? fake_read_many(c, FAKE_TUPLE, n, depth) : 0;
    case TAP_EXT_MAP: return tap_read_map(c, &n) ? fake_read_many(c, FAKE_MAP, n, depth) : 0;
    case TAP_EXT_NIL: c->p++; return fake_nil();
    case TAP_EXT_LIST:
        return tap_read_list(c, &n) && n <= tap_left(c) ? fake_read_list(c, n, depth) : 0;
    case TAP_EXT_STRING: {
        if (!tap_skip(c))
            return 0;
        ERL_NIF_TERM list = fake_nil();
        for (const uint8_t *p = c->p; p > begun.p + 3; p--)
            list = fake_cons(fake_byte(p - 1), list);
        return list;
    }
    default: return tap_skip(c) ? fake_leaf(*begun.p, begun.p, (size_t)(c->p - begun.p)) : 0;
    }
}

/* ---- The interface */

static bool fake_is_atom(const struct fake_term *t)
{
    return t->tag == TAP_EXT_SMALL_ATOM_UTF8 || t->tag == TAP_EXT_ATOM_UTF8 ||
           t->tag == TAP_EXT_ATOM || t->tag == TAP_EXT_SMALL_ATOM;
}

ErlNifTermType enif_term_type(ErlNifEnv *env, ERL_NIF_TERM term)
{
    const struct fake_term *t = fake_of(term);
    (void)env;
    switch (t->form) {
    case FAKE_TUPLE: return ERL_NIF_TERM_TYPE_TUPLE;
    case FAKE_MAP: return ERL_NIF_TERM_TYPE_MAP;
    case FAKE_CONS:
    case FAKE_NIL: return ERL_NIF_TERM_TYPE_LIST;
    default: break;
    }
    switch (t->tag) {
    case TAP_EXT_RECORD: abort(); /* as OTP 29 does */
    case TAP_EXT_STRING:
    case TAP_EXT_SMALL_INTEGER:
    case TAP_EXT_INTEGER:
    case TAP_EXT_SMALL_BIG:
    case TAP_EXT_LARGE_BIG: return ERL_NIF_TERM_TYPE_INTEGER;
    case TAP_EXT_NEW_FLOAT: return ERL_NIF_TERM_TYPE_FLOAT;
    case TAP_EXT_BINARY:
    case TAP_EXT_BIT_BINARY: return ERL_NIF_TERM_TYPE_BITSTRING;
    case TAP_EXT_PID:
    case TAP_EXT_NEW_PID: return ERL_NIF_TERM_TYPE_PID;
    case TAP_EXT_NEW_FUN:
    case TAP_EXT_EXPORT: return ERL_NIF_TERM_TYPE_FUN;
    default: return fake_is_atom(t) ? ERL_NIF_TERM_TYPE_ATOM : ERL_NIF_TERM_TYPE_REFERENCE;
    }
}

static bool fake_integer(const struct fake_term *t, int64_t *v, bool *negative, uint64_t *magnitude)
{
    struct tap_cursor c = tap_cursor(t->bytes, t->len);
    *negative = false;
    if (t->form != FAKE_LEAF)
        return false;
    if (t->tag == TAP_EXT_STRING) {
        *magnitude = (uint64_t)(*v = t->count);
        return true;
    }
    if (tap_read_i64(&c, v)) {
        *negative = *v < 0;
        *magnitude = *v < 0 ? 0 - (uint64_t)*v : (uint64_t)*v;
        return true;
    }
    return false;
}

int enif_get_int64(ErlNifEnv *env, ERL_NIF_TERM term, ErlNifSInt64 *v)
{
    int64_t value;
    bool negative;
    uint64_t magnitude;
    (void)env;
    if (!fake_integer(fake_of(term), &value, &negative, &magnitude))
        return 0;
    *v = value;
    return 1;
}

int enif_get_uint64(ErlNifEnv *env, ERL_NIF_TERM term, ErlNifUInt64 *v)
{
    const struct fake_term *t = fake_of(term);
    (void)env;
    if (t->tag != TAP_EXT_SMALL_BIG || t->len != 11 || t->bytes[1] != 8 || t->bytes[2] != 0)
        return 0;
    *v = 0;
    for (int i = 7; i >= 0; i--)
        *v = *v << 8 | t->bytes[3 + i];
    return 1;
}

int enif_get_int(ErlNifEnv *env, ERL_NIF_TERM term, int *v)
{
    ErlNifSInt64 value;
    if (!enif_get_int64(env, term, &value) || value < INT32_MIN || value > INT32_MAX)
        return 0;
    *v = (int)value;
    return 1;
}

int enif_get_double(ErlNifEnv *env, ERL_NIF_TERM term, double *v)
{
    const struct fake_term *t = fake_of(term);
    (void)env;
    if (t->tag != TAP_EXT_NEW_FLOAT || t->len != 9)
        return 0;
    uint64_t bits = tap_get_u64(t->bytes + 1);
    memcpy(v, &bits, 8);
    return 1;
}

int enif_get_tuple(ErlNifEnv *env, ERL_NIF_TERM term, int *n, const ERL_NIF_TERM **items)
{
    (void)env;
    *n = (int)fake_of(term)->count;
    *items = fake_of(term)->elements;
    return fake_of(term)->form == FAKE_TUPLE;
}

int enif_get_list_cell(ErlNifEnv *env, ERL_NIF_TERM term, ERL_NIF_TERM *head, ERL_NIF_TERM *tail)
{
    const struct fake_term *t = fake_of(term);
    (void)env;
    if (t->form != FAKE_CONS)
        return 0;
    *head = t->elements[0];
    *tail = t->elements[1];
    return 1;
}

int enif_is_empty_list(ErlNifEnv *env, ERL_NIF_TERM term)
{
    (void)env;
    return fake_of(term)->form == FAKE_NIL;
}

int enif_is_atom(ErlNifEnv *env, ERL_NIF_TERM term)
{
    (void)env;
    return fake_of(term)->form == FAKE_LEAF && fake_is_atom(fake_of(term));
}

static int fake_is(ErlNifEnv *env, ERL_NIF_TERM term, ErlNifTermType type)
{
    return fake_of(term)->tag != TAP_EXT_RECORD && enif_term_type(env, term) == type;
}

int enif_is_pid(ErlNifEnv *env, ERL_NIF_TERM term)
{
    return fake_is(env, term, ERL_NIF_TERM_TYPE_PID);
}

int enif_is_number(ErlNifEnv *env, ERL_NIF_TERM term)
{
    return fake_is(env, term, ERL_NIF_TERM_TYPE_INTEGER) ||
           fake_is(env, term, ERL_NIF_TERM_TYPE_FLOAT);
}

int enif_is_tuple(ErlNifEnv *env, ERL_NIF_TERM term)
{
    return fake_is(env, term, ERL_NIF_TERM_TYPE_TUPLE);
}

int enif_is_list(ErlNifEnv *env, ERL_NIF_TERM term)
{
    return fake_is(env, term, ERL_NIF_TERM_TYPE_LIST);
}

int enif_is_binary(ErlNifEnv *env, ERL_NIF_TERM term)
{
    return fake_is(env, term, ERL_NIF_TERM_TYPE_BITSTRING) && fake_of(term)->tag == TAP_EXT_BINARY;
}

int enif_is_map(ErlNifEnv *env, ERL_NIF_TERM term)
{
    return fake_is(env, term, ERL_NIF_TERM_TYPE_MAP);
}

int enif_is_fun(ErlNifEnv *env, ERL_NIF_TERM term)
{
    return fake_is(env, term, ERL_NIF_TERM_TYPE_FUN);
}

int enif_is_ref(ErlNifEnv *env, ERL_NIF_TERM term)
{
    return fake_is(env, term, ERL_NIF_TERM_TYPE_REFERENCE);
}

int enif_is_port(ErlNifEnv *env, ERL_NIF_TERM term)
{
    return fake_is(env, term, ERL_NIF_TERM_TYPE_PORT);
}

/* With [] alone: only what is larger than that matters. */
int enif_compare(ERL_NIF_TERM a, ERL_NIF_TERM nil)
{
    (void)nil;
    return fake_is(NULL, a, ERL_NIF_TERM_TYPE_BITSTRING) ? 1 : -1;
}

ERL_NIF_TERM(enif_make_list)(ErlNifEnv *env, unsigned count, ...)
{
    (void)env, (void)count;
    return 0;
}

void enif_system_info(ErlNifSysInfo *info, size_t size)
{
    static char release[] = "25";
    (void)size;
    info->otp_release = release;
}

int enif_get_map_size(ErlNifEnv *env, ERL_NIF_TERM term, size_t *size)
{
    (void)env;
    *size = fake_of(term)->count;
    return fake_of(term)->form == FAKE_MAP;
}

int enif_map_iterator_create(ErlNifEnv *env, ERL_NIF_TERM map, ErlNifMapIterator *it,
                             ErlNifMapIteratorEntry entry)
{
    (void)env, (void)entry;
    it->map = map;
    it->idx = 0;
    it->u.hash.wstack = malloc(1); /* who forgets to destroy it leaks */
    return 1;
}

void enif_map_iterator_destroy(ErlNifEnv *env, ErlNifMapIterator *it)
{
    (void)env;
    free(it->u.hash.wstack);
}

int enif_map_iterator_next(ErlNifEnv *env, ErlNifMapIterator *it)
{
    (void)env;
    return ++it->idx < fake_of(it->map)->count;
}

int enif_map_iterator_get_pair(ErlNifEnv *env, ErlNifMapIterator *it, ERL_NIF_TERM *key,
                               ERL_NIF_TERM *value)
{
    const struct fake_term *t = fake_of(it->map);
    (void)env;
    if (it->idx >= t->count)
        return 0;
    *key = t->elements[2 * it->idx];
    *value = t->elements[2 * it->idx + 1];
    return 1;
}

int enif_get_map_value(ErlNifEnv *env, ERL_NIF_TERM map, ERL_NIF_TERM key, ERL_NIF_TERM *value)
{
    const struct fake_term *t = fake_of(map);
    (void)env;
    for (uint32_t i = 0; t->form == FAKE_MAP && i < t->count; i++)
        if (t->elements[2 * i] == key) {
            *value = t->elements[2 * i + 1];
            return 1;
        }
    return 0;
}

int enif_inspect_binary(ErlNifEnv *env, ERL_NIF_TERM term, ErlNifBinary *bin)
{
    const struct fake_term *t = fake_of(term);
    (void)env;
    if (t->tag != TAP_EXT_BINARY)
        return 0;
    bin->size = t->len - 5;
    bin->data = (unsigned char *)t->bytes + 5;
    return 1;
}

int enif_term_to_binary(ErlNifEnv *env, ERL_NIF_TERM term, ErlNifBinary *bin)
{
    const struct fake_term *t = fake_of(term);
    (void)env;
    if (t->form != FAKE_LEAF || !t->bytes)
        return 0;
    bin->size = t->len + 1;
    bin->data = malloc(bin->size);
    bin->data[0] = TAP_EXT_VERSION;
    memcpy(bin->data + 1, t->bytes, t->len);
    fake_by_vm += t->len;
    return 1;
}

void enif_release_binary(ErlNifBinary *bin)
{
    free(bin->data);
}

int enif_get_local_pid(ErlNifEnv *env, ERL_NIF_TERM term, ErlNifPid *pid)
{
    const struct fake_term *t = fake_of(term);
    (void)env;
    pid->pid = term;
    return t->tag == TAP_EXT_NEW_PID && t->len > 6 && memcmp(t->bytes + 3, "n@h", 3) == 0;
}

ERL_NIF_TERM enif_make_atom(ErlNifEnv *env, const char *name)
{
    static uint8_t texts[64][40];
    static unsigned used;
    size_t len = strlen(name);
    uint8_t *text = texts[used++ % 64];
    (void)env;
    text[0] = TAP_EXT_SMALL_ATOM_UTF8;
    text[1] = (uint8_t)len;
    memcpy(text + 2, name, len);
    return fake_leaf(TAP_EXT_SMALL_ATOM_UTF8, text, len + 2);
}

/* "%T" of a fun. */
int enif_snprintf(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const struct fake_term *t = fake_of(va_arg(args, ERL_NIF_TERM));
    va_end(args);
    if (t->tag == TAP_EXT_EXPORT)
        return snprintf(out, size, "fun m:f/1");
    return snprintf(out, size, "#Fun<'a module'.7.123456>");
}

#endif
