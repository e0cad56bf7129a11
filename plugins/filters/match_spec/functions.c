/* functions.c: the functions of guards that look at terms. Those that count are in arithmetic.c. */
#include "filters/match_spec/judge.h"

#define FUNCTION(name)                                                 \
    static bool name(struct ms_eval *e __attribute__((unused)),        \
                     const struct ms_value *a __attribute__((unused)), \
                     uint32_t n __attribute__((unused)), struct ms_value *out)

/* ---- What something is */

#define IS(name, condition)              \
    FUNCTION(name)                       \
    {                                    \
        *out = ms_value_bool(condition); \
        return true;                     \
    }
IS(is_atom, a->type == MS_ATOM)
IS(is_float, a->type == MS_FLOAT)
IS(is_integer, a->type == MS_INTEGER || a->type == MS_BIG)
IS(is_list, a->type == MS_LIST || a->type == MS_NIL)
IS(is_number, a->type >= MS_INTEGER && a->type <= MS_FLOAT)
IS(is_pid, a->type == MS_PID)
IS(is_port, a->type == MS_PORT)
IS(is_reference, a->type == MS_REFERENCE)
IS(is_tuple, a->type == MS_TUPLE)
IS(is_map, a->type == MS_MAP)
IS(is_binary, a->type == MS_BITS && a->bits % 8 == 0)
IS(is_function, a->type == MS_FUN)

/* A fun's arity stands in it, an export's behind its names. False: it is not known. */
static bool fun_arity(const struct ms_value *fun, int64_t *arity)
{
    struct tap_cursor c = tap_cursor(fun->p, (size_t)(fun->end - fun->p));
    if (tap_peek(&c) == TAP_EXT_NEW_FUN && tap_left(&c) >= 22) {
        *arity = c.p[5];
        return !ms_fun_is_bare(c.p + 5);
    }
    if (tap_peek(&c) != TAP_EXT_EXPORT)
        return false;
    c.p++;
    return tap_skip(&c) && tap_skip(&c) && tap_read_i64(&c, arity);
}

FUNCTION(is_function_of)
{
    int64_t arity;
    if ((a[1].type != MS_INTEGER || a[1].integer < 0) && (a[1].type != MS_BIG || a[1].negative))
        return false;
    if (a->type == MS_FUN && !fun_arity(a, &arity))
        return true;
    *out = ms_value_bool(a->type == MS_FUN && a[1].type == MS_INTEGER && a[1].integer == arity);
    return true;
}

FUNCTION(is_record)
{
    struct ms_items items = ms_items_of(a);
    struct ms_value first;
    if (a[1].type != MS_ATOM || a[2].type != MS_INTEGER)
        return e->context.release >= 28; /* then it depends on what else is wrong */
    bool fits = a->type == MS_TUPLE && a->length > 0 && a[2].integer == a->length;
    if (fits && !ms_items_next(&e->context, &items, &first))
        return true;
    *out =
        ms_value_bool(fits && first.type == MS_ATOM && ms_compare_atoms(&first, &a[1]) == MS_SAME);
    return true;
}

/* ---- Truth: every argument is looked at, and must be a boolean */

static bool truths(const struct ms_value *a, uint32_t n, uint32_t *yes)
{
    *yes = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (ms_value_is_atom(&a[i], "true"))
            ++*yes;
        else if (!ms_value_is_atom(&a[i], "false"))
            return false;
    }
    return true;
}

#define TRUTH(name, condition)           \
    FUNCTION(name)                       \
    {                                    \
        uint32_t yes;                    \
        if (!truths(a, n, &yes))         \
            return false;                \
        *out = ms_value_bool(condition); \
        return true;                     \
    }
TRUTH(and_all, yes == n)
TRUTH(or_any, yes > 0)
TRUTH(xor_two, yes == 1)
TRUTH(not_one, yes == 0)

/* ---- Order */

/* Unknown where two terms have an order that is not known here. */
static void compared(struct ms_value *out, enum ms_order o, bool less, bool same, bool greater)
{
    if (o == MS_NOBODY_KNOWS || (o == MS_DIFFERENT && less != greater))
        return;
    *out = ms_value_bool(o == MS_SAME ? same : o == MS_GREATER ? greater : less);
}

#define COMPARE(name, exact, less, same, greater)                                         \
    FUNCTION(name)                                                                        \
    {                                                                                     \
        compared(out, ms_compare(&e->context, &a[0], &a[1], exact), less, same, greater); \
        return true;                                                                      \
    }
COMPARE(is_less, false, true, false, false)
COMPARE(is_greater, false, false, false, true)
COMPARE(is_at_most, false, true, true, false)
COMPARE(is_at_least, false, false, true, true)
COMPARE(is_equal, false, false, true, false)
COMPARE(is_unequal, false, true, false, true)
COMPARE(is_exact, true, false, true, false)
COMPARE(is_inexact, true, true, false, true)

/* Of two that are the same the first. */
FUNCTION(max_of)
{
    enum ms_order o = ms_compare(&e->context, &a[0], &a[1], false);
    if (o != MS_NOBODY_KNOWS && o != MS_DIFFERENT)
        *out = o == MS_LESS ? a[1] : a[0];
    return true;
}
FUNCTION(min_of)
{
    enum ms_order o = ms_compare(&e->context, &a[0], &a[1], false);
    if (o != MS_NOBODY_KNOWS && o != MS_DIFFERENT)
        *out = o == MS_GREATER ? a[1] : a[0];
    return true;
}

/* ---- Parts */

FUNCTION(element)
{
    struct ms_items items = ms_items_of(&a[1]);
    if (a[0].type != MS_INTEGER || a[1].type != MS_TUPLE || a[0].integer < 1 ||
        a[0].integer > a[1].length)
        return false;
    for (__int128 i = 0; i < a[0].integer; i++)
        ms_items_next(&e->context, &items, out);
    return true;
}

FUNCTION(head_of)
{
    struct ms_value rest;
    if (a->type != MS_LIST)
        return false;
    ms_list_split(&e->context, a, out, &rest);
    return true;
}
FUNCTION(tail_of)
{
    struct ms_value head;
    if (a->type != MS_LIST)
        return false;
    ms_list_split(&e->context, a, &head, out);
    return true;
}

FUNCTION(length_of)
{
    struct ms_value list = *a;
    int64_t length = 0;
    while (list.type == MS_LIST) {
        length += list.length;
        list = ms_list_tail(&e->context, &list);
    }
    if (list.type == MS_NIL)
        *out = ms_value_integer(length);
    return list.type == MS_NIL || list.type == MS_UNKNOWN;
}

FUNCTION(map_get)
{
    if (a[1].type != MS_MAP)
        return false;
    struct ms_value value = ms_value_unknown();
    enum ms_order found = ms_map_find(&e->context, &a[1], &a[0], &value);
    if (found == MS_SAME)
        *out = value;
    return found != MS_DIFFERENT;
}
FUNCTION(is_map_key)
{
    struct ms_value value;
    if (a[1].type != MS_MAP)
        return false;
    enum ms_order found = ms_map_find(&e->context, &a[1], &a[0], &value);
    if (found != MS_NOBODY_KNOWS)
        *out = ms_value_bool(found == MS_SAME);
    return true;
}

/* ---- Sizes */

#define SIZE(name, condition, size)    \
    FUNCTION(name)                     \
    {                                  \
        if (!(condition))              \
            return false;              \
        *out = ms_value_integer(size); \
        return true;                   \
    }
SIZE(size, a->type == MS_TUPLE || a->type == MS_BITS,
     a->type == MS_TUPLE ? (__int128)a->length : (__int128)(a->bits / 8))
SIZE(tuple_size, a->type == MS_TUPLE, a->length)
SIZE(map_size, a->type == MS_MAP, a->length)
SIZE(bit_size, a->type == MS_BITS, (__int128)a->bits)
SIZE(byte_size, a->type == MS_BITS, (__int128)((a->bits + 7) / 8))

/* A negative length counts backwards from the place. */
FUNCTION(binary_part)
{
    struct ms_value place[2] = {a[1], n == 3 ? a[2] : ms_value_unknown()};
    if (n == 2) {
        struct ms_items items = ms_items_of(&a[1]);
        if (a[1].type != MS_TUPLE || a[1].length != 2)
            return false;
        if (!ms_items_next(&e->context, &items, &place[0]) ||
            !ms_items_next(&e->context, &items, &place[1]))
            return true;
    }
    if (a->type != MS_BITS || (e->context.release >= 27 && a->bits % 8) ||
        place[0].type != MS_INTEGER || place[1].type != MS_INTEGER)
        return false;
    __int128 whole = (__int128)(a->bits / 8), from = place[0].integer, to = from;
    if (from < 0 || from > whole || place[1].integer > whole || place[1].integer < -whole)
        return false;
    to += place[1].integer;
    __int128 low = from < to ? from : to, high = from < to ? to : from;
    if (low < 0 || high > whole)
        return false;
    *out = *a;
    out->p += (size_t)low;
    out->bits = (uint64_t)(high - low) * 8;
    return true;
}

/* ---- Where */

FUNCTION(self)
{
    *out = e->subject->self;
    return true;
}
FUNCTION(node)
{
    *out = e->subject->node;
    return true;
}
FUNCTION(node_of)
{
    *out = ms_value_node(a);
    return a->type == MS_PID || a->type == MS_PORT || a->type == MS_REFERENCE;
}

/* ---- By name */

static const struct {
    const char *name;
    uint32_t least, most;
    ms_function *function;
} functions[] = {{"is_atom", 1, 1, is_atom},
                 {"is_float", 1, 1, is_float},
                 {"is_integer", 1, 1, is_integer},
                 {"is_list", 1, 1, is_list},
                 {"is_number", 1, 1, is_number},
                 {"is_pid", 1, 1, is_pid},
                 {"is_port", 1, 1, is_port},
                 {"is_reference", 1, 1, is_reference},
                 {"is_tuple", 1, 1, is_tuple},
                 {"is_map", 1, 1, is_map},
                 {"is_map_key", 2, 2, is_map_key},
                 {"is_binary", 1, 1, is_binary},
                 {"is_function", 1, 1, is_function},
                 {"is_function", 2, 2, is_function_of},
                 {"is_record", 3, 3, is_record},
                 {"and", 1, UINT32_MAX, and_all},
                 {"or", 1, UINT32_MAX, or_any},
                 {"xor", 2, 2, xor_two},
                 {"not", 1, 1, not_one},
                 {"element", 2, 2, element},
                 {"hd", 1, 1, head_of},
                 {"tl", 1, 1, tail_of},
                 {"length", 1, 1, length_of},
                 {"size", 1, 1, size},
                 {"tuple_size", 1, 1, tuple_size},
                 {"map_size", 1, 1, map_size},
                 {"map_get", 2, 2, map_get},
                 {"bit_size", 1, 1, bit_size},
                 {"byte_size", 1, 1, byte_size},
                 {"binary_part", 2, 3, binary_part},
                 {"max", 2, 2, max_of},
                 {"min", 2, 2, min_of},
                 {"node", 0, 0, node},
                 {"node", 1, 1, node_of},
                 {"self", 0, 0, self},
                 {"<", 2, 2, is_less},
                 {">", 2, 2, is_greater},
                 {"=<", 2, 2, is_at_most},
                 {">=", 2, 2, is_at_least},
                 {"==", 2, 2, is_equal},
                 {"/=", 2, 2, is_unequal},
                 {"=:=", 2, 2, is_exact},
                 {"=/=", 2, 2, is_inexact}};

ms_function *tap_ms_function(const char *name, size_t len, uint32_t arguments)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (strlen(functions[i].name) == len && memcmp(functions[i].name, name, len) == 0 &&
            arguments >= functions[i].least && arguments <= functions[i].most)
            return functions[i].function;
    return NULL;
}
