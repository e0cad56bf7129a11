/* number.c: strtod in the locale "C", whatever the program's is. */
#include "syntax/number.h"

#include <locale.h>
#include <pthread.h>
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
