/* elixir_inspect.c: the structs of Elixir that print as something of their own: dates, times,
 * ranges and sets. Not dates of other calendars, nor times of other zones than UTC: they print as
 * structs.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

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

/* The pair at the cursor. False: it is none of these, or has another value than they have. */
static bool read_field(struct tap_cursor *c, struct moment *m)
{
    const uint8_t *text;
    uint32_t n;
    m->fields++;
    if (tap_match_atom(c, "__struct__") || tap_match_atom(c, "zone_abbr"))
        return tap_skip(c);
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

/* ---- Sets */

#define SETS_NESTED 8u /* sets in sets, of which each is a walk of its own */

/* The keys of the map at the cursor, whose values are all [], as a list in the external format.
 * NULL: it is another one. */
static uint8_t *keys_of(struct tap_cursor *c, size_t *len)
{
    uint32_t n;
    struct tap_cursor end = *c;
    if (tap_peek(c) != TAP_EXT_MAP || !tap_skip(&end) || !tap_read_map(c, &n))
        return NULL;
    uint8_t *list = malloc((size_t)(end.p - c->p) + 6), *to = list;
    if (!list)
        return NULL;
    *to++ = TAP_EXT_LIST;
    for (int shift = 24; shift >= 0; shift -= 8)
        *to++ = (uint8_t)(n >> shift);
    if (n == 0)
        to = list;
    for (; n > 0; n--) {
        const uint8_t *key = c->p;
        if (!tap_skip(c) || tap_peek(c) != TAP_EXT_NIL) {
            free(list);
            return NULL;
        }
        memcpy(to, key, (size_t)(c->p - key));
        to += c->p - key;
        c->p++;
    }
    *to++ = TAP_EXT_NIL;
    *len = (size_t)(to - list);
    return list;
}

/* MapSet.new([...]) */
static bool print_set(struct tap_walk *w, uint32_t pairs)
{
    struct tap_cursor c = w->c;
    uint8_t *keys = NULL;
    size_t len = 0;
    int64_t version;
    struct tap_shapes inside;
    size_t shapes = 0;
    bool known = w->nested < SETS_NESTED;
    for (; known && pairs > 0; pairs--) {
        if (tap_match_atom(&c, "__struct__")) {
            known = tap_skip(&c);
        } else if (tap_match_atom(&c, "version")) {
            known = tap_read_i64(&c, &version);
        } else if (!keys && tap_match_atom(&c, "map")) {
            tap_shapes_find(&inside, c.p, tap_left(&c));
            shapes = inside.n;
            free(inside.items);
            keys = keys_of(&c, &len);
            known = keys;
        } else {
            known = false;
        }
    }
    known = known && keys;
    if (known) {
        tap_out_lit(&w->o, "MapSet.new(");
        tap_walk_nested(w, keys, len);
        tap_out_char(&w->o, ')');
        w->c = c;
        w->shape += shapes;
    }
    free(keys);
    return known;
}

/* ---- All of them */

bool tap_walk_inspect(struct tap_walk *w, const char *module, size_t len, uint32_t pairs)
{
    if (len == strlen("Elixir.MapSet") && memcmp(module, "Elixir.MapSet", len) == 0)
        return print_set(w, pairs);
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
