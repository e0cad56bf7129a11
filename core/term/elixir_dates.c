/* elixir_dates.c: the structs of Elixir that print as something of their own: dates, times and
 * ranges (sets are in map.c). Not dates of other calendars, nor times of other zones than UTC: they
 * print as structs.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "term/walk.h"

/* ---- Dates, times, ranges */

struct moment {
    int64_t year, month, day, hour, minute, second, utc_offset, std_offset, first, last, step, us,
        precision;
    uint32_t fields; /* how many were there, as they should be */
};

static const struct {
    const char *name;
    size_t at;
} numbers[] = {
    {"year", offsetof(struct moment, year)},
    {"month", offsetof(struct moment, month)},
    {"day", offsetof(struct moment, day)},
    {"hour", offsetof(struct moment, hour)},
    {"minute", offsetof(struct moment, minute)},
    {"second", offsetof(struct moment, second)},
    {"utc_offset", offsetof(struct moment, utc_offset)},
    {"std_offset", offsetof(struct moment, std_offset)},
    {"first", offsetof(struct moment, first)},
    {"last", offsetof(struct moment, last)},
    {"step", offsetof(struct moment, step)},
};

/* The pair at the cursor. False: it is none of these, or has another value than they have. What is
 * read is never a container: structs in structs that turn out to be none would be read again and
 * again. */
static bool read_field(struct tap_cursor *c, struct moment *m)
{
    const uint8_t *text;
    const char *atom;
    uint32_t n;
    bool latin1;
    m->fields++;
    if (tap_match_atom(c, "__struct__"))
        return tap_read_atom(c, &atom, &n, &latin1);
    if (tap_match_atom(c, "zone_abbr"))
        return tap_read_binary(c, &text, &n);
    if (tap_match_atom(c, "calendar"))
        return tap_match_atom(c, "Elixir.Calendar.ISO");
    if (tap_match_atom(c, "microsecond"))
        return tap_read_tuple(c, &n) && n == 2 && tap_read_i64(c, &m->us) &&
               tap_read_i64(c, &m->precision);
    if (tap_match_atom(c, "time_zone"))
        return tap_read_binary(c, &text, &n) && n == 7 && memcmp(text, "Etc/UTC", 7) == 0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (tap_match_atom(c, numbers[i].name))
            return tap_read_i64(c, (int64_t *)(void *)((char *)m + numbers[i].at));
    return false;
}

static bool within(int64_t v, int64_t least, int64_t most)
{
    return v >= least && v <= most;
}

static size_t print_date(char *dst, size_t cap, const struct moment *m)
{
    if (!within(m->year, -9999, 9999) || !within(m->month, 1, 12) || !within(m->day, 1, 31))
        return 0;
    int64_t year = m->year < 0 ? -m->year : m->year;
    return (size_t)snprintf(dst, cap, "%s%04" PRId64 "-%02" PRId64 "-%02" PRId64,
                            m->year < 0 ? "-" : "", year, m->month, m->day);
}

static size_t print_time(char *dst, size_t cap, const struct moment *m)
{
    if (!within(m->hour, 0, 23) || !within(m->minute, 0, 59) || !within(m->second, 0, 60) ||
        !within(m->us, 0, 999999) || !within(m->precision, 0, 6))
        return 0;
    size_t n = (size_t)snprintf(dst, cap, "%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%06" PRId64,
                                m->hour, m->minute, m->second, m->us);
    return n - 6 + (size_t)m->precision - (m->precision == 0); /* without digits there is no dot */
}

static size_t print_range(char *dst, size_t cap, const struct moment *m)
{
    if (m->step == 1 && m->first <= m->last)
        return (size_t)snprintf(dst, cap, "%" PRId64 "..%" PRId64, m->first, m->last);
    return (size_t)snprintf(dst, cap, "%" PRId64 "..%" PRId64 "//%" PRId64, m->first, m->last,
                            m->step);
}

enum { DATE = 1, TIME = 2, RANGE = 4 };
static const struct {
    const char *module, *open, *close;
    uint32_t fields;
    int parts;
} kinds[] = {{"Elixir.Date", "~D[", "]", 5, DATE},
             {"Elixir.Time", "~T[", "]", 6, TIME},
             {"Elixir.NaiveDateTime", "~N[", "]", 9, DATE | TIME},
             {"Elixir.DateTime", "~U[", "Z]", 13, DATE | TIME},
             {"Elixir.Range", "", "", 4, RANGE}};

static size_t print_parts(char *dst, size_t cap, const struct moment *m, int parts)
{
    size_t n = 0, more;
    if (parts & RANGE)
        return print_range(dst, cap, m);
    if (parts & DATE && !(n = print_date(dst, cap, m)))
        return 0;
    if (n && parts & TIME)
        dst[n++] = ' ';
    if (parts & TIME && !(more = print_time(dst + n, cap - n, m)))
        return 0;
    return parts & TIME ? n + more : n;
}

/* ---- All of them */

bool tap_walk_inspect(struct tap_walk *w, const char *module, size_t len, uint32_t pairs)
{
    size_t k = 0, count = sizeof kinds / sizeof *kinds;
    while (k < count &&
           (strlen(kinds[k].module) != len || memcmp(kinds[k].module, module, len) != 0))
        k++;
    if (k == count || kinds[k].fields != pairs)
        return false;
    struct moment m = {0};
    struct tap_cursor c = w->c;
    while (m.fields < pairs)
        if (!read_field(&c, &m))
            return false;
    if (m.utc_offset || m.std_offset)
        return false;
    char text[128], *p = text + strlen(strcpy(text, kinds[k].open));
    size_t n = print_parts(p, 100, &m, kinds[k].parts);
    if (!n)
        return false;
    p += n;
    strcpy(p, kinds[k].close);
    tap_out_put(&w->o, text, (size_t)(p - text) + strlen(kinds[k].close));
    w->c = c;
    return true;
}
