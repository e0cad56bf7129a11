/* wall_time.c: see wall_time.h. */
#include "syntax/wall_time.h"

#include <string.h>
#include <time.h>

#define SECOND INT64_C(1000000000)

/* Exactly `n` digits; -1: they are not there. */
static int digits(const char **at, unsigned n)
{
    int value = 0;
    for (unsigned i = 0; i < n; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return -1;
        value = value * 10 + (**at - '0');
    }
    return value;
}

static bool sign(const char **at, const char *of)
{
    return **at && strchr(of, **at) && (*at)++;
}

/* Up to nine digits behind a point. */
static bool fraction(const char **at, int64_t *ns)
{
    int64_t unit = SECOND;
    *ns = 0;
    if (!sign(at, ".,"))
        return true;
    const char *from = *at;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        *ns += (unit /= 10) * (**at - '0');
    return *at > from && *at - from <= 9;
}

/* YYYY-MM-DDTHH:MM:SS[.FRACTION][Z] (ISO 8601, RFC 3339), a blank may stand for the T. */
bool tap_wall_time(const char *text, int64_t *ns)
{
    const char *at = text;
    struct tm tm = {0}, same;
    int64_t part;
    if ((tm.tm_year = digits(&at, 4)) < 1970 || !sign(&at, "-") ||
        (tm.tm_mon = digits(&at, 2)) < 0 || !sign(&at, "-") || (tm.tm_mday = digits(&at, 2)) < 0 ||
        !sign(&at, "Tt ") || (tm.tm_hour = digits(&at, 2)) < 0 || !sign(&at, ":") ||
        (tm.tm_min = digits(&at, 2)) < 0 || !sign(&at, ":") || (tm.tm_sec = digits(&at, 2)) < 0 ||
        !fraction(&at, &part))
        return false;
    sign(&at, "Zz");
    tm.tm_year -= 1900;
    tm.tm_mon--;
    same = tm;
    time_t seconds = timegm(&tm);
    if (*at || tm.tm_mon != same.tm_mon || tm.tm_mday != same.tm_mday ||
        tm.tm_hour != same.tm_hour || tm.tm_min != same.tm_min || tm.tm_sec != same.tm_sec ||
        seconds > INT64_MAX / SECOND - 1)
        return false;
    *ns = (int64_t)seconds * SECOND + part;
    return true;
}

bool tap_wall_time_option(const struct tap_host *host, const char *key, const char *text,
                          int64_t *ns)
{
    if (!text || tap_wall_time(text, ns))
        return true;
    TAP_FAIL(host, TAP_INVALID, "%s = %s: this is not a time, such as 2026-11-28T10:00:00", key,
             text);
    return false;
}
