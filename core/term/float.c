/* float.c: floats in their shortest form, as float_to_list(F, [short]) writes them since OTP 25.
 *
 * The shortest digits that read back as the same number, and of those the nearest: Raffaello
 * Giulietti's Schubfach ("The Schubfach way to render doubles"), which needs three multiplications
 * whatever the number, so that a term full of awkward floats costs no more than another. Its powers
 * of ten are made once, exactly. How the digits are then written (0.001, 1.0e-4, 100.0, 1.0e3) is
 * the VM's rule: whichever is shorter, exponents only from 2^53 on.
 */
#include <math.h>
#include <pthread.h>

#include "syntax/number.h"
#include "term/out.h"

struct digits {
    char s[24];
    int n;     /* how many; no zeros at the end unless it is the only one */
    int place; /* the number is 0.DIGITS * 10^place */
};

bool tap_float_parse(const uint8_t *text, double *v)
{
    char b[32];
    memcpy(b, text, 31);
    b[31] = 0;
    char *end;
    *v = tap_number_parse(b, &end);
    return end > b && isfinite(*v);
}

static void set_digits(struct digits *d, uint64_t m, int scale)
{
    while (m && m % 10 == 0)
        m /= 10, scale++;
    char b[24];
    int n = 0;
    do {
        b[n++] = (char)('0' + m % 10);
    } while (m /= 10);
    for (int i = 0; i < n; i++)
        d->s[i] = b[n - 1 - i];
    d->n = n;
    d->place = n + scale;
}

/* ---- Powers of ten */

#define POWER_MIN (-292)
#define POWER_MAX 324
#define LIMBS 13 /* 5^324 has 753 bits; a remainder takes one more */

__extension__ typedef unsigned __int128 u128;

/* floor(10^i * 2^r) + 1, with r so that it has 126 bits: the upper 63, and the lower. */
static struct {
    uint64_t upper, lower;
} powers[POWER_MAX - POWER_MIN + 1];
static pthread_once_t powers_once = PTHREAD_ONCE_INIT;

static int bits_of(const uint64_t *x)
{
    for (int i = LIMBS - 1; i >= 0; i--)
        if (x[i])
            return 64 * i + 64 - __builtin_clzll(x[i]);
    return 0;
}

static bool bit_of(const uint64_t *x, int i)
{
    return i >= 0 && x[i / 64] >> (i % 64) & 1;
}

static void power_set(int i, u128 v)
{
    v++;
    powers[i - POWER_MIN].upper = (uint64_t)(v >> 63);
    powers[i - POWER_MIN].lower = (uint64_t)v & INT64_MAX;
}

/* x = 2 x + bit */
static void shift_in(uint64_t *x, bool bit)
{
    for (int i = LIMBS - 1; i > 0; i--)
        x[i] = x[i] << 1 | x[i - 1] >> 63;
    x[0] = x[0] << 1 | bit;
}

/* Takes d away where it goes; true when it did. */
static bool take_away(uint64_t *x, const uint64_t *d)
{
    uint64_t rest[LIMBS], borrow = 0;
    for (int i = 0; i < LIMBS; i++) {
        u128 v = (u128)x[i] - d[i] - borrow;
        rest[i] = (uint64_t)v;
        borrow = (uint64_t)(v >> 64) & 1;
    }
    if (!borrow)
        memcpy(x, rest, sizeof rest);
    return !borrow;
}

/* 126 bits of 1 / x, by hand. */
static u128 inverse_of(const uint64_t *x)
{
    uint64_t rest[LIMBS] = {0};
    u128 v = 0;
    bool one = true;
    while (!(v >> 125)) {
        shift_in(rest, one);
        one = false;
        v = v << 1 | take_away(rest, x);
    }
    return v;
}

static void make_powers(void)
{
    uint64_t five[LIMBS] = {1}; /* 5^i: the twos only move the point */
    for (int i = 0; i <= POWER_MAX; i++) {
        u128 v = 0;
        for (int n = bits_of(five), k = 1; k <= 126; k++)
            v = v << 1 | bit_of(five, n - k);
        power_set(i, v);
        if (i > 0 && -i >= POWER_MIN)
            power_set(-i, inverse_of(five));
        u128 carry = 0;
        for (int k = 0; k < LIMBS; k++, carry >>= 64)
            five[k] = (uint64_t)(carry += (u128)five[k] * 5);
    }
}

/* ---- The shortest */

/* floor(log10(2^e)), floor(log10(3/4 * 2^e)) and floor(log2(10^e)), as far as doubles go. */
static int log10_pow2(int e)
{
    return (int)(e * INT64_C(661971961083) >> 41);
}
static int log10_three_quarters(int e)
{
    return (int)((e * INT64_C(661971961083) - INT64_C(274743187321)) >> 41);
}
static int log2_pow10(int e)
{
    return (int)(e * INT64_C(913124641741) >> 38);
}

/* x times the power, rounded to odd. */
static uint64_t times(int power, uint64_t x)
{
    uint64_t upper = powers[power - POWER_MIN].upper, lower = powers[power - POWER_MIN].lower;
    u128 y = (u128)upper * x;
    uint64_t z = ((uint64_t)y >> 1) + (uint64_t)((u128)lower * x >> 64);
    uint64_t w = (uint64_t)(y >> 64) + (z >> 63);
    return w | (((z & INT64_MAX) + INT64_MAX) >> 63);
}

/* Above 0 and finite. */
static void shortest(struct digits *d, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    uint64_t c = bits & ((UINT64_C(1) << 52) - 1);
    int q = (int)(bits >> 52), k;
    pthread_once(&powers_once, make_powers);
    bool lowest = !c && q > 1; /* of its power of two: the gap below is half of that above */
    c |= (uint64_t)(q > 0) << 52;
    q = (q ? q : 1) - 1075;
    k = lowest ? log10_three_quarters(q) : log10_pow2(q);
    int h = q + log2_pow10(-k) + 2;
    /* Four times the number and the ends of what reads back as it, in units of 10^k. */
    uint64_t out = c & 1, at = times(-k, 4 * c << h), from = times(-k, (4 * c - 2 + lowest) << h),
             to = times(-k, (4 * c + 2) << h), s = at >> 2;
    if (s >= 10) { /* with a digit less? At most one of the two is within. */
        uint64_t low = s / 10 * 10, high = low + 10;
        bool low_in = from + out <= low << 2, high_in = (high << 2) + out <= to;
        if (low_in != high_in) {
            set_digits(d, low_in ? low : high, k);
            return;
        }
    }
    bool low_in = from + out <= s << 2, high_in = ((s + 1) << 2) + out <= to;
    int64_t middle = (int64_t)(at - (2 * s + 1) * 2);
    bool down = low_in != high_in ? low_in : middle < 0 || (middle == 0 && !(s & 1));
    set_digits(d, down ? s : s + 1, k);
}

static unsigned width(int v)
{
    unsigned n = v < 0;
    do {
        n++;
    } while (v /= 10);
    return n;
}

static size_t with_exponent(char *out, const struct digits *d)
{
    size_t n = 0;
    out[n++] = d->s[0];
    out[n++] = '.';
    if (d->n == 1)
        out[n++] = '0';
    memcpy(out + n, d->s + 1, (size_t)d->n - 1);
    n += (size_t)d->n - 1;
    out[n++] = 'e';
    int e = d->place - 1;
    unsigned w = width(e);
    if (e < 0)
        out[n] = '-';
    unsigned u = (unsigned)(e < 0 ? -e : e);
    for (unsigned i = w; i-- > (e < 0 ? 1u : 0u); u /= 10)
        out[n + i] = (char)('0' + u % 10);
    return n + w;
}

static size_t without_exponent(char *out, const struct digits *d)
{
    size_t n = 0;
    if (d->place <= 0) {
        out[n++] = '0';
        out[n++] = '.';
        for (int i = 0; i < -d->place; i++)
            out[n++] = '0';
        memcpy(out + n, d->s, (size_t)d->n);
        return n + (size_t)d->n;
    }
    for (int i = 0; i < d->place || i < d->n; i++) {
        if (i == d->place)
            out[n++] = '.';
        out[n++] = i < d->n ? d->s[i] : '0';
    }
    if (d->place >= d->n) {
        out[n++] = '.';
        out[n++] = '0';
    }
    return n;
}

/* The VM's choice between the two. */
static bool wants_exponent(const struct digits *d, double v)
{
    if (v >= 9007199254740992.0)
        return true;
    if (d->place == 0 || (d->place > 0 && d->place < d->n))
        return false;
    int cost = (int)width(d->place - 1) + 1 + (d->n == 1 ? 2 : 1);
    return (d->place < 0 ? 2 - d->place : d->place - d->n + 2) > cost;
}

void tap_out_double(struct tap_out *o, double v)
{
    struct digits d;
    char out[64];
    double a = fabs(v);
    size_t n = 0;
    if (signbit(v))
        out[n++] = '-';
    if (a > 0)
        shortest(&d, a);
    else
        d = (struct digits){.s = "0", .n = 1, .place = 1};
    bool exponent = wants_exponent(&d, a);
    if (o->elixir && a >= 1.0 && a < 1.0e16 && a == floor(a)) {
        /* Elixir prints whole numbers below 10^16 as integers: exact digits, not the shortest. */
        set_digits(&d, (uint64_t)a, 0);
        exponent = false;
    }
    n += exponent ? with_exponent(out + n, &d) : without_exponent(out + n, &d);
    tap_out_put(o, out, n);
}
