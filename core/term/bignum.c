/* bignum.c: integers in decimal, of any size.
 *
 * What fits in 64 bits is written two digits at a time. Above that the number is divided by 10^18
 * again and again, which is quadratic; above BASE_LIMBS it is split in halves, each is converted,
 * and the upper is multiplied by its power of two in decimal (Karatsuba): several times faster than
 * the node at 64 KiB, and the farther the larger. Decimal numbers here are arrays of limbs below
 * 10^18, least significant first. Memory is linear; it comes from malloc only for the split.
 *
 * Where a limit lets only some digits be written, no others are worked out: the number's first
 * bytes are multiplied by the power of two that was cut off them, all of it rounded down to as many
 * limbs as are needed and two more. What the rounding can amount to is known, so that either the
 * digits are right, or (a number that is all but a power of ten) the whole is converted.
 *
 * A number may have 64 MiB in a message, which would take half an hour. Above LARGEST, the most
 * that OTP 27 and later can hold, it is not converted as a whole: where not only a few digits are
 * wanted it is left out, as what a limit cuts is.
 */
#include <stdlib.h>

#include "syntax/digits.h"
#include "term/out.h"

#define TEN18 1000000000000000000ull
/* binary limbs of 64 bits that are converted by division; a SMALL_BIG always is */
#define BASE_LIMBS 32u
#define LARGEST (512u << 10)   /* bytes */
#define FEW_DIGITS (64u << 10) /* of a larger one */
#define KARATSUBA 18u          /* decimal limbs from which Karatsuba pays; see multiply_school */

__extension__ typedef unsigned __int128 u128;

/* The digits of v, ending before `end`; gives where they begin. */
static char *digits_before(char *end, uint64_t v)
{
    while (v >= 100) {
        unsigned r = (unsigned)(v % 100);
        v /= 100;
        tap_digit_pair(end -= 2, r);
    }
    if (v >= 10)
        tap_digit_pair(end -= 2, (unsigned)v);
    else
        *--end = (char)('0' + v);
    return end;
}

void tap_out_u64_slow(struct tap_out *o, uint64_t v)
{
    char b[20], *p = digits_before(b + sizeof b, v);
    tap_out_put(o, p, (size_t)(b + sizeof b - p));
}

void tap_out_i64(struct tap_out *o, int64_t v)
{
    char b[21], *p = digits_before(b + sizeof b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
    if (v < 0)
        *--p = '-';
    tap_out_put(o, p, (size_t)(b + sizeof b - p));
}

/* (upper * 2^64 + lower) / 10^18, where upper is below 10^18; *rest is what is left. By a
 * multiplication with the inverse (Moller and Granlund, "Improved division by invariant
 * integers"). */
static inline uint64_t divide(uint64_t upper, uint64_t lower, uint64_t *rest)
{
    const uint64_t d = TEN18 << 4, inverse = (uint64_t)(~(u128)0 / d - ((u128)1 << 64));
    uint64_t u = upper << 4 | lower >> 60, v = lower << 4;
    u128 q = (u128)inverse * u + ((u128)u << 64 | v);
    uint64_t n = (uint64_t)(q >> 64) + 1, r = v - n * d;
    if (r > (uint64_t)q)
        n--, r += d;
    if (__builtin_expect(r >= d, 0))
        n++, r -= d;
    *rest = r >> 4;
    return n;
}

/* Decimal limbs that a number of n binary limbs may need. */
static size_t decimal_size(size_t n)
{
    return n + n / 14 + 2; /* 64 / log2(10^18) = 1.0703 */
}

static uint64_t limb_at(const uint8_t *bytes, size_t n, size_t i)
{
    uint64_t v = 0;
    for (size_t k = 8; k-- > 0;)
        v = v << 8 | (i * 8 + k < n ? bytes[i * 8 + k] : 0);
    return v;
}

/* At most BASE_LIMBS limbs: division by 10^18. Gives the number of decimal limbs, without zeros on
 * top. */
static size_t convert_base(uint64_t *out, const uint8_t *bytes, size_t n)
{
    uint64_t x[BASE_LIMBS];
    size_t m = (n + 7) / 8, k = 0;
    for (size_t i = 0; i < m; i++)
        x[i] = limb_at(bytes, n, i);
    while (m > 0 && x[m - 1] == 0)
        m--;
    while (m > 0) {
        uint64_t rest = 0;
        for (size_t i = m; i-- > 0;)
            x[i] = divide(rest, x[i], &rest);
        out[k++] = rest;
        if (x[m - 1] == 0)
            m--;
    }
    return k;
}

/* r[0..n) += a[0..m), m <= n; the carry must fit. */
static void add_to(uint64_t *r, const uint64_t *a, size_t m)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < m || carry; i++) {
        uint64_t v = r[i] + (i < m ? a[i] : 0) + carry;
        carry = v >= TEN18;
        r[i] = carry ? v - TEN18 : v;
    }
}
static void sub_from(uint64_t *r, const uint64_t *a, size_t m)
{
    uint64_t borrow = 0;
    for (size_t i = 0; i < m || borrow; i++) {
        uint64_t s = (i < m ? a[i] : 0) + borrow;
        borrow = r[i] < s;
        r[i] = borrow ? r[i] + TEN18 - s : r[i] - s;
    }
}

/* By columns: KARATSUBA products of 10^36 are below 10^18 * 2^64, so each column is divided
 * once. */
static void multiply_school(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n)
{
    uint64_t carry = 0;
    for (size_t c = 0; c < 2 * n; c++) {
        u128 sum = carry;
        for (size_t i = c < n ? 0 : c - n + 1; i < n && i <= c; i++)
            sum += (u128)a[i] * b[c - i];
        carry = divide((uint64_t)(sum >> 64), (uint64_t)sum, &r[c]);
    }
}

/* r[0..2n) = a[0..n) * b[0..n); scratch: 4n + 256 limbs. */
static void multiply(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n, uint64_t *scratch)
{
    if (n <= KARATSUBA) {
        multiply_school(r, a, b, n);
        return;
    }
    size_t low = n / 2, high = n - low, s = high + 1;
    uint64_t *sa = scratch, *sb = sa + s, *mid = sb + s, *rest = mid + 2 * s;
    memcpy(sa, a + low, high * sizeof *sa);
    memcpy(sb, b + low, high * sizeof *sb);
    sa[high] = sb[high] = 0;
    add_to(sa, a, low);
    add_to(sb, b, low);
    multiply(mid, sa, sb, s, rest);
    multiply(r, a, b, low, rest);
    multiply(r + 2 * low, a + low, b + low, high, rest);
    sub_from(mid, r, 2 * low);
    sub_from(mid, r + 2 * low, 2 * high);
    size_t m = 2 * s;
    while (m > 0 && mid[m - 1] == 0)
        m--;
    add_to(r + low, mid, m);
}

struct power {
    uint64_t *limbs; /* 2^(64 * BASE_LIMBS * 2^i) */
    size_t n;
};
struct conversion {
    struct power powers[48];
    uint64_t *scratch;
    bool failed;
};

/* Squares the power before it. */
static bool make_power(struct conversion *c, unsigned i)
{
    size_t n = i == 0 ? decimal_size(BASE_LIMBS + 1) : 2 * c->powers[i - 1].n;
    uint64_t *limbs = c->powers[i].limbs = calloc(n, sizeof *limbs);
    if (!limbs)
        return false;
    if (i == 0) {
        uint8_t bytes[8 * BASE_LIMBS] = {0};
        /* half of it: the whole has a limb too many for convert_base */
        bytes[8 * BASE_LIMBS - 1] = 0x80;
        n = convert_base(limbs, bytes, sizeof bytes);
        limbs[n] = 0;
        uint64_t *twice = calloc(n, sizeof *twice);
        if (!twice)
            return false;
        memcpy(twice, limbs, n * sizeof *twice);
        add_to(limbs, twice, n);
        free(twice);
        n++;
    } else {
        multiply(limbs, c->powers[i - 1].limbs, c->powers[i - 1].limbs, c->powers[i - 1].n,
                 c->scratch);
    }
    while (n > 0 && limbs[n - 1] == 0)
        n--;
    c->powers[i].n = n;
    return true;
}

/* The decimal limbs of bytes[0..n) in out, which has decimal_size of its limbs. Gives their
 * number. */
static size_t convert(struct conversion *c, uint64_t *out, const uint8_t *bytes, size_t n)
{
    if (n <= 8 * BASE_LIMBS)
        return convert_base(out, bytes, n);
    unsigned i = 0;
    while ((size_t)16 * BASE_LIMBS << i < n)
        i++;
    /* The upper part has no more bytes than the power, so both are taken as pn limbs. */
    size_t low = (size_t)8 * BASE_LIMBS << i, pn = c->powers[i].n,
           hn = decimal_size((n - low + 7) / 8);
    hn = hn > pn ? hn : pn;
    uint64_t *high = calloc(hn + 2 * pn, sizeof *high), *product = high + hn;
    if (!high) {
        c->failed = true;
        return 0;
    }
    convert(c, high, bytes + low, n - low);
    multiply(product, high, c->powers[i].limbs, pn, c->scratch);
    size_t k = convert(c, out, bytes, low), total = 2 * pn;
    while (total > 0 && product[total - 1] == 0)
        total--;
    size_t all = (total > k ? total : k) + 1;
    memset(out + k, 0, (all - k) * sizeof *out);
    add_to(out, product, total);
    free(high);
    while (all > 0 && out[all - 1] == 0)
        all--;
    return all;
}

static void put_limbs(struct tap_out *o, const uint64_t *limbs, size_t n)
{
    for (size_t i = n; i-- > 0 && !o->done;) {
        char b[20], *p = digits_before(b + sizeof b, limbs[i]);
        if (i < n - 1)
            while (p > b + 2)
                *--p = '0';
        tap_out_run(o, p, (size_t)(b + sizeof b - p));
    }
}

/* A number of which the first `n` limbs are known; how many stand behind them is of no interest. */
struct leading {
    uint64_t *limbs;
    size_t n;
};

/* All of a number, where scratch is there: 4 * decimal_size + 256 limbs. False: out of memory. */
static bool convert_all(struct conversion *c, struct leading *out, const uint8_t *bytes, size_t n)
{
    bool good = true;
    for (unsigned i = 0; good && (size_t)8 * BASE_LIMBS << i < n; i++)
        good = make_power(c, i);
    out->n = good ? convert(c, out->limbs, bytes, n) : 0;
    for (size_t i = 0; i < sizeof c->powers / sizeof c->powers[0]; i++)
        free(c->powers[i].limbs);
    return good && !c->failed;
}

static bool put_large(struct tap_out *o, const uint8_t *bytes, size_t n)
{
    size_t size = decimal_size((n + 7) / 8) + 4;
    uint64_t *memory = calloc(5 * size + 256, sizeof *memory);
    struct conversion c = {.scratch = memory ? memory + size : NULL};
    struct leading whole = {memory, 0};
    bool good = memory && convert_all(&c, &whole, bytes, n);
    if (good)
        put_limbs(o, whole.limbs, whole.n);
    free(memory);
    return good;
}

/* ---- The first digits only */

#define GUARDS 2u /* limbs that take what rounding does */
/* In units of the second limb: each of 32 squarings (a number has fewer than 2^32 bytes) doubles
 * the error and adds to it what is below a unit; and then some. */
#define ERROR_MAX (UINT64_C(1) << 40)

/* Without zeros on top, and no more than `keep` limbs. */
static void cut_leading(struct leading *x, size_t keep)
{
    while (x->n > 0 && x->limbs[x->n - 1] == 0)
        x->n--;
    if (x->n > keep) {
        memmove(x->limbs, x->limbs + x->n - keep, keep * sizeof *x->limbs);
        x->n = keep;
    }
}

/* r = a * b; each has room for twice `keep` limbs. */
static void multiply_leading(struct leading *r, const struct leading *a, const struct leading *b,
                             size_t keep, uint64_t *scratch)
{
    size_t n = a->n > b->n ? a->n : b->n;
    memset(a->limbs + a->n, 0, (n - a->n) * sizeof *a->limbs);
    memset(b->limbs + b->n, 0, (n - b->n) * sizeof *b->limbs);
    multiply(r->limbs, a->limbs, b->limbs, n, scratch);
    r->n = 2 * n;
    cut_leading(r, keep);
}

static void times_256(struct leading *x, size_t keep)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < x->n; i++)
        carry = divide(x->limbs[i] >> 56, (x->limbs[i] << 8) + carry, &x->limbs[i]);
    x->limbs[x->n++] = carry;
    cut_leading(x, keep);
}

/* *power = 256^exponent; `other` is overwritten. */
static void power_of_256(struct leading *power, struct leading *other, size_t exponent, size_t keep,
                         uint64_t *scratch)
{
    power->limbs[0] = 1;
    power->n = 1;
    for (int bit = 31; bit >= 0; bit--) {
        multiply_leading(other, power, power, keep, scratch);
        struct leading squared = *other;
        *other = *power;
        *power = squared;
        if (exponent >> bit & 1)
            times_256(power, keep);
    }
}

/* Writes the digits that the limit has room for, and one more, which ends the output. False: they
 * are not worked out that way, and nothing was written. */
static bool put_first(struct tap_out *o, const uint8_t *bytes, size_t n)
{
    size_t room = tap_out_left(o);
    if (room > n) /* more digits than that many bytes are worth working out */
        return false;
    size_t keep = room / 18 + 2 + GUARDS, first = 8 * keep, size = 2 * decimal_size(keep) + 2;
    if (n / 2 < first)
        return false;
    uint64_t *memory = calloc(7 * size + 256, sizeof *memory);
    struct conversion c = {.scratch = memory ? memory + 3 * size : NULL};
    struct leading top = {memory, 0}, power = {memory + size, 0}, all = {memory + 2 * size, 0};
    bool good = memory && convert_all(&c, &top, bytes + n - first, first);
    if (good) {
        cut_leading(&top, keep);
        power_of_256(&power, &all, n - first, keep, c.scratch);
        multiply_leading(&all, &top, &power, keep, c.scratch);
        good = all.n == keep && all.limbs[1] < TEN18 - ERROR_MAX;
    }
    if (good)
        put_limbs(o, all.limbs + GUARDS, keep - GUARDS);
    free(memory);
    return good;
}

bool tap_out_bignum(struct tap_out *o, const uint8_t *bytes, size_t n, bool negative)
{
    while (n > 0 && bytes[n - 1] == 0)
        n--;
    if (n <= 8) {
        uint64_t v = limb_at(bytes, n, 0);
        if (negative && v)
            tap_out_char(o, '-');
        tap_out_u64(o, v);
        return true;
    }
    bool large = n > LARGEST;
    if (large && tap_out_left(o) > FEW_DIGITS) {
        tap_out_lit(o, "...");
        return true;
    }
    if (negative)
        tap_out_char(o, '-');
    if (n > 8 * BASE_LIMBS)
        return put_first(o, bytes, n) || (!large && put_large(o, bytes, n));
    uint64_t limbs[BASE_LIMBS + 8];
    put_limbs(o, limbs, convert_base(limbs, bytes, n));
    return true;
}
