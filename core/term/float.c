/* float.c: floats in their shortest form, as float_to_list(F, [short]) writes them since OTP 25.
 *
 * The shortest digits that read back as the same number, and of those the nearest. Most floats in
 * programs are short decimals (19.99, 0.5): those are found by trying m / 10^k with exact
 * arithmetic, without a formatted print. The rest is left to the C library, at 15, 16 and 17
 * digits, read without its locale. How the digits are then written (0.001, 1.0e-4, 100.0, 1.0e3) is
 * the VM's rule: whichever is shorter, exponents only from 2^53 on.
 */
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "term/out.h"

struct digits {
    char s[24];
    int n;     /* how many; no zeros at the end unless it is the only one */
    int place; /* the number is 0.DIGITS * 10^place */
};

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}
static double parse(const char *s)
{
    pthread_once(&c_locale_once, make_locale);
    return c_locale ? strtod_l(s, NULL, c_locale) : strtod(s, NULL);
}

bool tap_float_parse(const uint8_t *text, double *v)
{
    char b[32];
    memcpy(b, text, 31);
    b[31] = 0;
    pthread_once(&c_locale_once, make_locale);
    char *end;
    *v = c_locale ? strtod_l(b, &end, c_locale) : strtod(b, &end);
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

/* m / 10^k with m below 10^15: at most 15 digits always name one number only, so the first k that
 * fits is the shortest. 10^k is exact up to 22, so one division rounds right. */
static bool try_short(struct digits *d, double v)
{
    static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    for (int k = 0; k <= 22; k++) {
        double t = v * ten[k];
        if (t >= 1e15)
            return false;
        uint64_t m = (uint64_t)(t + 0.5);
        if (m && (double)m / ten[k] == v) {
            set_digits(d, m, -k);
            return true;
        }
    }
    return false;
}

/* `n` digits of v, rounded, one more in the last place for `up`; true when they read back as v. */
static bool try_library(struct digits *d, double v, int n, bool up)
{
    char b[48], back[48];
    snprintf(b, sizeof b, "%.*e", n - 1, v);
    uint64_t m = 0;
    const char *p = b;
    for (; *p && *p != 'e'; p++) /* what is no digit is the locale's decimal point */
        if (*p >= '0' && *p <= '9')
            m = m * 10 + (uint64_t)(*p - '0');
    int e = *p ? atoi(p + 1) : 0;
    m += up;
    snprintf(back, sizeof back, "%llue%d", (unsigned long long)m, e - (n - 1));
    if (parse(back) != v)
        return false;
    set_digits(d, m, e - (n - 1));
    return true;
}

static void shortest(struct digits *d, double v)
{
    if (v == 0) {
        *d = (struct digits){.s = "0", .n = 1, .place = 1};
        return;
    }
    if (try_short(d, v))
        return;
    /* Below the normal range fewer digits tell numbers apart; in it, fewer than 15 would be those
     * 15. */
    for (int n = v < 1e-300 ? 1 : 15; n < 17;
         n++) /* `up`: at a power of two the gap above is the wider one */
        if (try_library(d, v, n, false) || try_library(d, v, n, true))
            return;
    try_library(d, v, 17, false);
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
    shortest(&d, a);
    bool exponent = wants_exponent(&d, a);
    if (o->elixir && a >= 1.0 && a < 1.0e16 && a == floor(a)) {
        /* Elixir prints whole numbers below 10^16 as integers: exact digits, not the shortest. */
        set_digits(&d, (uint64_t)a, 0);
        exponent = false;
    }
    n += exponent ? with_exponent(out + n, &d) : without_exponent(out + n, &d);
    tap_out_put(o, out, n);
}
