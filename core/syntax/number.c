/* number.c: strtod in the locale "C", whatever the program's is, and a division by hand. */
#include "syntax/number.h"

#include <inttypes.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

double tap_number_parse(const char *text, char **end)
{
    pthread_once(&c_locale_once, make_locale);
    /* glibc has "C" without taking memory for it, so the second way is only for other libraries. */
    return c_locale ? strtod_l(text, end, c_locale) : strtod(text, end);
}

struct tap_number_text tap_number_print(int64_t v, int64_t unit, unsigned digits)
{
    struct tap_number_text out;
    uint64_t n = v < 0 ? 0 - (uint64_t)v : (uint64_t)v, by = (uint64_t)unit, whole = n / by,
             rest = n % by, part = 0, most = 1;
    for (unsigned i = 0; i < digits; i++, most *= 10) {
        part = part * 10 + rest * 10 / by;
        rest = rest * 10 % by;
    }
    part += 2 * rest >= by;
    whole += part == most;
    part = part == most ? 0 : part;
    const char *sign = v < 0 && (whole || part) ? "-" : "";
    if (digits)
        snprintf(out.text, sizeof out.text, "%s%" PRIu64 ".%0*" PRIu64, sign, whole, (int)digits,
                 part);
    else
        snprintf(out.text, sizeof out.text, "%s%" PRIu64, sign, whole);
    return out;
}
