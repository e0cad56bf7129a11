/* elixir_inspected.c: what Elixir's inspect, and so beamtap, writes as something of its own: sigils
 * of texts, dates and times, ranges, sets, processes and what else has an identity, and captures.
 */
#include "syntax/elixir.h"

/* ---- Structs */

static struct tap_syn_node *integer(struct tap_syn_elixir *e, size_t off, int64_t value)
{
    struct tap_syn_node *n = tap_syn_node(e->source, TAP_SYN_N_INT, off);
    uint8_t *digits = n ? tap_syn_alloc(e->source->arena, 8) : NULL;
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    if (!digits) {
        tap_syn_fail_oom(e->source);
        return NULL;
    }
    n->negative = value < 0;
    for (; magnitude; magnitude >>= 8)
        digits[n->digit_count++] = (uint8_t)magnitude;
    n->digits = digits;
    return n;
}

/* Adds key => value. */
static bool pair(struct tap_syn_elixir *e, struct tap_syn_items *map, size_t off, const char *key,
                 struct tap_syn_node *value)
{
    return tap_syn_elixir_add(e, map, tap_syn_atom(e->source, key, off)) &&
           tap_syn_elixir_add(e, map, value);
}

static bool begin_struct(struct tap_syn_elixir *e, struct tap_syn_items *map, size_t off,
                         const char *module)
{
    return pair(e, map, off, "__struct__", tap_syn_atom(e->source, module, off));
}

/* Its keys stand in their order, as a node writes them. */
static struct tap_syn_node *end_struct(struct tap_syn_elixir *e, struct tap_syn_items *map,
                                       size_t off)
{
    struct tap_syn_node **at = map->at;
    for (size_t i = 2; i < map->count; i += 2)
        for (size_t k = i; k > 0 && strcmp(at[k - 2]->text, at[k]->text) > 0; k -= 2)
            for (size_t side = 0; side < 2; side++) {
                struct tap_syn_node *swap = at[k + side];
                at[k + side] = at[k - 2 + side];
                at[k - 2 + side] = swap;
            }
    struct tap_syn_node *n =
        tap_syn_compound(e->source, TAP_SYN_N_MAP, off, map->at, map->count, NULL);
    if (n)
        n->exact = e->place == TAP_SYN_PATTERN;
    return n;
}

/* ---- Dates and times */

struct moment {
    int year, month, day, hour, minute, second, microsecond, precision;
};

/* So many digits. */
static bool digits(const char **t, int count, int *value)
{
    for (*value = 0; count > 0; count--, ++*t) {
        if (**t < '0' || **t > '9')
            return false;
        *value = *value * 10 + (**t - '0');
    }
    return true;
}

static bool sign(const char **t, char c)
{
    return **t == c && ++*t;
}

static bool read_date(const char **t, struct moment *m)
{
    bool before = sign(t, '-');
    if (!digits(t, 4, &m->year) || !sign(t, '-') || !digits(t, 2, &m->month) || !sign(t, '-') ||
        !digits(t, 2, &m->day))
        return false;
    m->year = before ? -m->year : m->year;
    return m->month >= 1 && m->month <= 12 && m->day >= 1 && m->day <= 31;
}

static bool read_time(const char **t, struct moment *m)
{
    if (!digits(t, 2, &m->hour) || !sign(t, ':') || !digits(t, 2, &m->minute) || !sign(t, ':') ||
        !digits(t, 2, &m->second))
        return false;
    if (sign(t, '.'))
        for (; **t >= '0' && **t <= '9' && m->precision < 6; m->precision++)
            m->microsecond = m->microsecond * 10 + *(*t)++ - '0';
    for (int i = m->precision; i < 6; i++)
        m->microsecond *= 10;
    return m->hour < 24 && m->minute < 60 && m->second < 60;
}

static bool add_date(struct tap_syn_elixir *e, struct tap_syn_items *map, size_t off,
                     const struct moment *m)
{
    return pair(e, map, off, "year", integer(e, off, m->year)) &&
           pair(e, map, off, "month", integer(e, off, m->month)) &&
           pair(e, map, off, "day", integer(e, off, m->day));
}

static bool add_time(struct tap_syn_elixir *e, struct tap_syn_items *map, size_t off,
                     const struct moment *m)
{
    struct tap_syn_node *both[2] = {integer(e, off, m->microsecond), integer(e, off, m->precision)};
    return pair(e, map, off, "hour", integer(e, off, m->hour)) &&
           pair(e, map, off, "minute", integer(e, off, m->minute)) &&
           pair(e, map, off, "second", integer(e, off, m->second)) &&
           pair(e, map, off, "microsecond",
                tap_syn_compound(e->source, TAP_SYN_N_TUPLE, off, both, 2, NULL));
}

static bool add_zone(struct tap_syn_elixir *e, struct tap_syn_items *map, size_t off)
{
    return pair(e, map, off, "time_zone",
                tap_syn_elixir_leaf(e, TAP_SYN_N_BINARY, off, "", "Etc/UTC", 7)) &&
           pair(e, map, off, "zone_abbr",
                tap_syn_elixir_leaf(e, TAP_SYN_N_BINARY, off, "", "UTC", 3)) &&
           pair(e, map, off, "utc_offset", integer(e, off, 0)) &&
           pair(e, map, off, "std_offset", integer(e, off, 0));
}

static struct tap_syn_node *read_moment(struct tap_syn_elixir *e, char kind)
{
    static const struct {
        char kind;
        bool date, time;
        const char *module, *like;
    } kinds[] = {{'D', true, false, "Elixir.Date", "~D[2026-01-31]"},
                 {'T', false, true, "Elixir.Time", "~T[23:59:00.5]"},
                 {'N', true, true, "Elixir.NaiveDateTime", "~N[2026-01-31 23:59:00]"},
                 {'U', true, true, "Elixir.DateTime", "~U[2026-01-31 23:59:00Z]"}};
    struct moment m = {0};
    struct tap_syn_items map = {0};
    size_t off = e->pos, k = 0;
    while (kinds[k].kind != kind)
        k++;
    const char *t = e->text + off + 3;
    bool ok = !kinds[k].date || read_date(&t, &m);
    ok = ok && (!kinds[k].date || !kinds[k].time || sign(&t, ' ') || sign(&t, 'T'));
    ok = ok && (!kinds[k].time || read_time(&t, &m)) && (kind != 'U' || sign(&t, 'Z')) &&
         sign(&t, ']');
    if (!ok) {
        tap_syn_fail(e->source, off, "this is not a date or time, such as %s", kinds[k].like);
        return NULL;
    }
    e->pos = (size_t)(t - e->text);
    ok = begin_struct(e, &map, off, kinds[k].module) &&
         pair(e, &map, off, "calendar", tap_syn_atom(e->source, "Elixir.Calendar.ISO", off)) &&
         (!kinds[k].date || add_date(e, &map, off, &m)) &&
         (!kinds[k].time || add_time(e, &map, off, &m)) && (kind != 'U' || add_zone(e, &map, off));
    return ok ? end_struct(e, &map, off) : NULL;
}

struct tap_syn_node *tap_syn_elixir_sigil(struct tap_syn_elixir *e)
{
    size_t off = e->pos;
    char kind = e->text[off + 1], open = kind ? e->text[off + 2] : '\0';
    if ((kind == 'c' || kind == 's') && open == '"')
        return e->pos += 2,
               tap_syn_elixir_quoted(e, kind == 'c' ? TAP_SYN_N_STRING : TAP_SYN_N_BINARY, off);
    if (kind && strchr("DTNU", kind) && open == '[' && e->place != TAP_SYN_GUARD)
        return read_moment(e, kind);
    return tap_syn_elixir_fail(e, off,
                               e->place == TAP_SYN_GUARD
                                   ? "of sigils ~c\"text\" and ~s\"text\" can stand in a guard"
                                   : "of sigils ~c\"text\", ~s\"text\", and ~D[], ~T[], ~N[] and "
                                     "~U[] are read here");
}

/* ---- Ranges */

struct tap_syn_node *tap_syn_elixir_range(struct tap_syn_elixir *e, struct tap_syn_node *first,
                                          struct tap_syn_node *last, bool descends)
{
    struct tap_syn_items map = {0};
    size_t off = first->off;
    struct tap_syn_node *step = NULL;
    if (tap_syn_elixir_takes(e, "//")) {
        bool negative = tap_syn_elixir_takes(e, "-");
        tap_syn_elixir_blank(e);
        if (e->text[e->pos] < '0' || e->text[e->pos] > '9')
            return tap_syn_elixir_unexpected(e, "a step, a whole number");
        step = tap_syn_elixir_number(e);
        if (step && (step->type != TAP_SYN_N_INT || !step->digit_count))
            return tap_syn_elixir_fail(e, step->off, "a step is a whole number, and not 0");
        if (step)
            step->negative = negative;
    } else {
        step = integer(e, off, descends ? -1 : 1);
    }
    return begin_struct(e, &map, off, "Elixir.Range") && pair(e, &map, off, "first", first) &&
                   pair(e, &map, off, "last", last) && pair(e, &map, off, "step", step)
               ? end_struct(e, &map, off)
               : NULL;
}

/* ---- Sets */

struct tap_syn_node *tap_syn_elixir_set(struct tap_syn_elixir *e, size_t off, unsigned depth)
{
    struct tap_syn_items list = {0}, members = {0}, map = {0};
    e->pos += strlen(".new(");
    if (!tap_syn_elixir_takes(e, "["))
        return tap_syn_elixir_unexpected(e, "a list");
    if (!tap_syn_elixir_items(e, "]", TAP_SYN_KEYWORDS, &list, NULL, depth + 1))
        return NULL;
    if (!tap_syn_elixir_takes(e, ")"))
        return tap_syn_elixir_unexpected(e, "')'");
    for (size_t i = 0; i < list.count; i++)
        if (!tap_syn_elixir_add(e, &members, list.at[i]) ||
            !tap_syn_elixir_add(e, &members,
                                tap_syn_compound(e->source, TAP_SYN_N_LIST, off, NULL, 0, NULL)))
            return NULL;
    return begin_struct(e, &map, off, "Elixir.MapSet") &&
                   pair(e, &map, off, "map",
                        tap_syn_compound(e->source, TAP_SYN_N_MAP, off, members.at, members.count,
                                         NULL)) &&
                   pair(e, &map, off, "version", integer(e, off, 2))
               ? end_struct(e, &map, off)
               : NULL;
}

/* ---- Processes, ports, references */

/* So many numbers, with dots between them, up to the >. */
static bool read_numbers(const char **t, uint32_t *numbers, size_t *count, size_t most)
{
    for (*count = 0; *count < most; ++*count) {
        uint64_t n = 0;
        const char *from = *t;
        for (; **t >= '0' && **t <= '9' && n <= UINT32_MAX; ++*t)
            n = n * 10 + (uint64_t)(**t - '0');
        if (*t == from || n > UINT32_MAX)
            return false;
        numbers[*count] = (uint32_t)n;
        if (sign(t, '>'))
            return ++*count;
        if (!sign(t, '.'))
            return false;
    }
    return false;
}

struct tap_syn_node *tap_syn_elixir_identity(struct tap_syn_elixir *e)
{
    static const struct {
        const char *opening;
        int tag;
        size_t least, most;
    } kinds[] = {{"#PID<", TAP_EXT_NEW_PID, 2, 2},
                 {"#Port<", TAP_EXT_NEW_PORT, 1, 1},
                 {"#Reference<", TAP_EXT_NEWER_REFERENCE, 3, 5}};
    size_t k = 0, off = e->pos;
    while (k < 3 && !tap_syn_elixir_sees(e, kinds[k].opening))
        k++;
    if (k == 3)
        return tap_syn_elixir_fail(
            e, off, "this cannot be made of its text: a fun with a name is &Module.name/1");
    if (e->place != TAP_SYN_VALUE)
        return tap_syn_elixir_fail(e, off, "a process, port or reference cannot be written here");
    const char *t = e->text + off + strlen(kinds[k].opening);
    uint32_t *numbers = tap_syn_alloc(e->source->arena, 5 * sizeof *numbers);
    struct tap_syn_node *n = tap_syn_node(e->source, TAP_SYN_N_IDENTITY, off);
    if (!numbers || !n) {
        tap_syn_fail_oom(e->source);
        return NULL;
    }
    if (strncmp(t, "0.", 2) != 0)
        return tap_syn_elixir_fail(
            e, off,
            "only those of the called node itself can be written, which begin "
            "with 0");
    t += 2;
    if (!read_numbers(&t, numbers, &n->char_count, kinds[k].most) || n->char_count < kinds[k].least)
        return tap_syn_elixir_fail(e, off, "this is not as it is printed, #PID<0.123.0>");
    n->identity = kinds[k].tag;
    n->chars = numbers;
    e->pos = (size_t)(t - e->text);
    return n;
}

/* ---- Captures */

/* The function of a capture: a word, an operator, or in quotes. */
static struct tap_syn_node *read_function(struct tap_syn_elixir *e)
{
    size_t off = e->pos, end = tap_syn_elixir_word_end(e, off);
    if (e->text[off] == '"')
        return tap_syn_elixir_quoted(e, TAP_SYN_N_ATOM, off);
    if (end == off)
        end += tap_syn_elixir_operator(e->text + off);
    else
        end += e->text[end] == '?' || e->text[end] == '!';
    if (end == off)
        return tap_syn_elixir_unexpected(e, "a function");
    e->pos = end;
    return tap_syn_elixir_leaf(e, TAP_SYN_N_ATOM, off, "", e->text + off, end - off);
}

struct tap_syn_node *tap_syn_elixir_capture(struct tap_syn_elixir *e)
{
    size_t off = e->pos++;
    struct tap_syn_node *parts[3];
    if (e->place != TAP_SYN_VALUE)
        return tap_syn_elixir_fail(e, off, "a fun cannot be written here");
    if (e->text[e->pos] != ':' && !(e->text[e->pos] >= 'A' && e->text[e->pos] <= 'Z'))
        return tap_syn_elixir_fail(e, off, "a fun has a module here, &Module.name/1");
    parts[0] = e->text[e->pos] == ':' ? tap_syn_elixir_atom(e) : tap_syn_elixir_alias(e);
    if (!parts[0] || !tap_syn_elixir_sees(e, "."))
        return tap_syn_elixir_unexpected(e, "'.' and a function");
    e->pos++;
    if (!(parts[1] = read_function(e)) || !tap_syn_elixir_sees(e, "/"))
        return tap_syn_elixir_unexpected(e, "'/' and an arity");
    e->pos++;
    if (e->text[e->pos] < '0' || e->text[e->pos] > '9')
        return tap_syn_elixir_unexpected(e, "an arity");
    parts[2] = tap_syn_elixir_number(e);
    if (parts[2] && (parts[2]->type != TAP_SYN_N_INT || parts[2]->digit_count > 1))
        return tap_syn_elixir_fail(e, parts[2]->off, "an arity is a number of 0 to 255");
    return tap_syn_compound(e->source, TAP_SYN_N_EXPORT, off, parts, 3, NULL);
}
