/* arithmetic.c: the functions of guards that count. Integers are exact up to 127 bits; beyond that
 * the result is unknown, and so is a float that is made of an integer beyond 64 bits, which the
 * VM's releases round in their own ways. */
#include <math.h>

#include "filters/match_spec/judge.h"

#define FUNCTION(name)                                                 \
    static bool name(struct ms_eval *e __attribute__((unused)),        \
                     const struct ms_value *a __attribute__((unused)), \
                     uint32_t n __attribute__((unused)), struct ms_value *out)

static bool is_integer(const struct ms_value *v)
{
    return v->type == MS_INTEGER || v->type == MS_BIG;
}

static bool is_number(const struct ms_value *v)
{
    return is_integer(v) || v->type == MS_FLOAT;
}

/* What one more bit would not fit into is left unknown. */
static void give(struct ms_value *out, __int128 integer, bool overflow)
{
    const __int128 least = (__int128)1 << 126;
    if (!overflow && integer >= -least - (least - 1))
        *out = ms_value_integer(integer);
}

static bool give_float(struct ms_value *out, double number)
{
    if (isfinite(number))
        *out = ms_value_float(number);
    return isfinite(number);
}

/* False: it is not known here. */
static bool as_float(const struct ms_value *v, double *number)
{
    const __int128 limit = (__int128)1 << 64;
    if (v->type == MS_FLOAT)
        *number = v->number;
    else if (v->type == MS_INTEGER && v->integer > -limit && v->integer < limit)
        *number = (double)v->integer;
    else
        return false;
    return true;
}

/* ---- + - * / */

static bool calculate(const struct ms_value *a, const struct ms_value *b, char sign,
                      struct ms_value *out)
{
    double x, y;
    __int128 integer = 0;
    if (!is_number(a) || !is_number(b))
        return false;
    if (a->type == MS_INTEGER && b->type == MS_INTEGER && sign != '/') {
        bool over = sign == '+'   ? __builtin_add_overflow(a->integer, b->integer, &integer)
                    : sign == '-' ? __builtin_sub_overflow(a->integer, b->integer, &integer)
                                  : __builtin_mul_overflow(a->integer, b->integer, &integer);
        give(out, integer, over);
        return true;
    }
    if (sign == '/' &&
        ((b->type == MS_INTEGER && b->integer == 0) || (b->type == MS_FLOAT && b->number == 0)))
        return false;
    if (sign != '/' && is_integer(a) && is_integer(b))
        return true;
    if (!as_float(a, &x) || !as_float(b, &y))
        return true;
    return give_float(out, sign == '+' ? x + y : sign == '-' ? x - y : sign == '*' ? x * y : x / y);
}

FUNCTION(add)
{
    return calculate(&a[0], &a[1], '+', out);
}
FUNCTION(subtract)
{
    return calculate(&a[0], &a[1], '-', out);
}
FUNCTION(multiply)
{
    return calculate(&a[0], &a[1], '*', out);
}
FUNCTION(divide)
{
    return calculate(&a[0], &a[1], '/', out);
}

FUNCTION(plus)
{
    *out = *a;
    return is_number(a);
}
FUNCTION(minus)
{
    *out = *a;
    if (a->type == MS_INTEGER)
        out->integer = -a->integer;
    else if (a->type == MS_FLOAT)
        out->number = -a->number;
    else
        out->negative = !a->negative;
    return is_number(a);
}
FUNCTION(absolute)
{
    *out = *a;
    if (a->type == MS_INTEGER)
        out->integer = a->integer < 0 ? -a->integer : a->integer;
    else if (a->type == MS_FLOAT)
        out->number = fabs(a->number);
    else
        out->negative = false;
    return is_number(a);
}

/* ---- Whole numbers */

FUNCTION(quotient)
{
    if (!is_integer(&a[0]) || !is_integer(&a[1]) || (a[1].type == MS_INTEGER && a[1].integer == 0))
        return false;
    if (a[0].type == MS_INTEGER && a[1].type == MS_INTEGER)
        give(out, a[0].integer / a[1].integer, false);
    return true;
}
FUNCTION(remainder_of)
{
    if (!is_integer(&a[0]) || !is_integer(&a[1]) || (a[1].type == MS_INTEGER && a[1].integer == 0))
        return false;
    if (a[0].type == MS_INTEGER && a[1].type == MS_INTEGER)
        give(out, a[0].integer % a[1].integer, false);
    return true;
}

#define BITS(name, result)                                          \
    FUNCTION(name)                                                  \
    {                                                               \
        if (!is_integer(&a[0]) || !is_integer(&a[n - 1]))           \
            return false;                                           \
        if (a[0].type == MS_INTEGER && a[n - 1].type == MS_INTEGER) \
            give(out, result, false);                               \
        return true;                                                \
    }
BITS(band, a[0].integer &a[1].integer)
BITS(bor, a[0].integer | a[1].integer)
BITS(bxor, a[0].integer ^ a[1].integer)
BITS(bnot, ~a[0].integer)

static void shift(__int128 x, __int128 left, struct ms_value *out)
{
    if (left < 0) {
        give(out, left < -126 ? (x < 0 ? -1 : 0) : x >> (int)-left, false);
        return;
    }
    __int128 moved = left > 126 ? 0 : (__int128)((unsigned __int128)x << (int)left);
    if (x == 0 || (left <= 126 && moved >> (int)left == x))
        give(out, moved, false);
}

FUNCTION(shift_left)
{
    if (!is_integer(&a[0]) || !is_integer(&a[1]))
        return false;
    if (a[0].type == MS_INTEGER && a[1].type == MS_INTEGER)
        shift(a[0].integer, a[1].integer, out);
    return true;
}
FUNCTION(shift_right)
{
    if (!is_integer(&a[0]) || !is_integer(&a[1]))
        return false;
    if (a[0].type == MS_INTEGER && a[1].type == MS_INTEGER)
        shift(a[0].integer, -a[1].integer, out);
    return true;
}

/* ---- Floats and integers */

static bool whole(const struct ms_value *a, double (*rounded)(double), struct ms_value *out)
{
    if (is_integer(a))
        *out = *a;
    else if (a->type == MS_FLOAT && fabs(a->number) < 0x1p126)
        *out = ms_value_integer((__int128)rounded(a->number));
    return is_number(a);
}
FUNCTION(round_of)
{
    return whole(a, round, out);
}
FUNCTION(trunc_of)
{
    return whole(a, trunc, out);
}
FUNCTION(ceil_of)
{
    return whole(a, ceil, out);
}
FUNCTION(floor_of)
{
    return whole(a, floor, out);
}
FUNCTION(float_of)
{
    double number;
    if (is_number(a) && as_float(a, &number))
        *out = ms_value_float(number);
    return is_number(a);
}

/* ---- By name */

static const struct {
    const char *name;
    uint32_t arguments;
    ms_function *function;
} functions[] = {{"+", 2, add},           {"-", 2, subtract},
                 {"*", 2, multiply},      {"/", 2, divide},
                 {"+", 1, plus},          {"-", 1, minus},
                 {"abs", 1, absolute},    {"div", 2, quotient},
                 {"bnot", 1, bnot},       {"rem", 2, remainder_of},
                 {"band", 2, band},       {"bor", 2, bor},
                 {"bxor", 2, bxor},       {"bsl", 2, shift_left},
                 {"bsr", 2, shift_right}, {"round", 1, round_of},
                 {"ceil", 1, ceil_of},    {"trunc", 1, trunc_of},
                 {"floor", 1, floor_of},  {"float", 1, float_of}};

ms_function *tap_ms_arithmetic(const char *name, size_t len, uint32_t arguments)
{
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (strlen(functions[i].name) == len && memcmp(functions[i].name, name, len) == 0 &&
            arguments == functions[i].arguments)
            return functions[i].function;
    return NULL;
}
