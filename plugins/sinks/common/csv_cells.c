/* csv_cells.c: quoting and guarding of CSV cells; csv_cells.h tells what has to be guarded
 * against. */
#include "sinks/common/csv_cells.h"

#include "sinks/common/event_text.h"

/* Is s[0..n) this word of small letters, in any case? strncasecmp goes by the program's locale: for
 * a Turkish one INF would be no infinity. */
static bool same_letters(const char *word, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((s[i] | 32) != word[i])
            return false;
    return true;
}

/* What DuckDB (in any case of letters), pandas or a spreadsheet takes for a value of another
 * type. */
static bool is_misread(const char *s, size_t n)
{
    static const char *const words[] = {"true", "false", "t",        "f",    "null",
                                        "nan",  "inf",   "infinity", "epoch"};
    static const char *const exact[] = {"None", "NA", "N/A", "n/a"};
    if (n > 8)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == n && same_letters(words[i], s, n))
            return true;
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (strlen(exact[i]) == n && memcmp(exact[i], s, n) == 0)
            return true;
    return false;
}

/* The metadata column's own words. */
static bool is_flag(const char *s, size_t n)
{
    for (size_t i = 0; i < sizeof tap_event_flag_texts / sizeof *tap_event_flag_texts; i++) {
        const char *word = tap_event_flag_texts[i].text + 1; /* behind its space */
        if (strlen(word) == n && memcmp(word, s, n) == 0)
            return true;
    }
    return (n == 4 && (memcmp(s, "call", 4) == 0 || memcmp(s, "cast", 4) == 0)) ||
           (n == 5 && memcmp(s, "reply", 5) == 0);
}

static bool is_letter(char c)
{
    return ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || (signed char)c < 0;
}

/* May this name stand as it is? Otherwise it is written as an atom, in single quotes. */
static bool is_plain(const char *s, size_t n)
{
    if (n == 0 || !is_letter(s[0]) || s[n - 1] == ' ' || is_misread(s, n))
        return false;
    return tap_scan_control(s, n) == n && !memchr(s, '\'', n) && tap_scan_csv(s, n) == n;
}

/* ---- Names */

/* `s` between single quotes where it has none, and then in CSV quotes where it needs them. NULL:
 * out of memory. */
static char *quoted_name(const char *s, size_t n, size_t *len)
{
    char *dst = malloc(2 * n + 5), *p = dst;
    if (!dst)
        return NULL;
    bool bare = n == 0 || s[0] != '\'', csv = tap_scan_csv(s, n) < n;
    if (csv)
        *p++ = '"';
    if (bare)
        *p++ = '\'';
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '"')
            *p++ = '"';
        *p++ = s[i];
    }
    if (bare)
        *p++ = '\'';
    if (csv)
        *p++ = '"';
    *len = (size_t)(p - dst);
    return dst;
}

static bool make_room(struct tap_csv_atoms *names, uint32_t id)
{
    if (id < names->count)
        return true;
    uint32_t count = (id | 1023u) + 1;
    struct tap_csv_cell *at = realloc(names->at, count * sizeof *at);
    if (!at)
        return false;
    memset(at + names->count, 0, (count - names->count) * sizeof *at);
    names->at = at;
    names->count = count;
    return true;
}

const struct tap_csv_cell *tap_csv_atom_make(struct tap_csv_atoms *names,
                                             const struct tap_host *host, uint32_t id)
{
    static const struct tap_csv_cell empty = {"", 0, false};
    if (id == 0 || !make_room(names, id))
        return &empty;
    const struct tap_name *name = tap_name_get(host, id);
    if (is_plain(name->text, name->len)) {
        names->at[id] = (struct tap_csv_cell){name->text, name->len, false};
        return &names->at[id];
    }
    size_t len;
    char *text = quoted_name(name->atom, name->atom_len, &len);
    if (!text)
        return &empty;
    names->at[id] = (struct tap_csv_cell){text, (uint32_t)len, true};
    return &names->at[id];
}

void tap_csv_atoms_free(struct tap_csv_atoms *names)
{
    for (uint32_t i = 0; i < names->count; i++)
        if (names->at[i].owned)
            free((char *)(uintptr_t)names->at[i].text);
    free(names->at);
    memset(names, 0, sizeof *names);
}

/* ---- Cells */

/* `n` of these before the cell's text, and as many behind it. */
static void enclose(struct tap_writer *w, size_t at, size_t n, char open, char close)
{
    tap_writer_reserve(w, 2 * n);
    char *s = tap_writer_begun(w) + at + 1;
    if (s > w->p) /* the event was dropped: out of memory */
        return;
    memmove(s + n, s, (size_t)(w->p - s));
    memset(s, open, n);
    memset(w->p + n, close, n);
    w->p += 2 * n;
}

void tap_csv_cell_guard(struct tap_writer *w, size_t at, bool beside_flags)
{
    const char *s = tap_writer_begun(w) + at + 1;
    if (s >= w->p)
        return;
    size_t n = (size_t)(w->p - s);
    if (s[0] == '-' || (s[0] >= '0' && s[0] <= '9')) /* no other term begins so */
        enclose(w, at, 2, '(', ')');
    else if (is_letter(s[0]) && (is_misread(s, n) || (beside_flags && is_flag(s, n))))
        enclose(w, at, 1, '\'', '\'');
}

/* What of a cell's text needs quotes around it, and how many of these are quotes themselves. 16
 * bytes behind it may be read. */
static bool needs_quotes(const char *s, size_t n, size_t *quotes)
{
    unsigned any = 0;
    *quotes = 0;
#ifdef __SSE2__
    for (size_t i = 0; i < n; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s + i));
        __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                comma = _mm_cmpeq_epi8(v, _mm_set1_epi8(','));
        __m128i line = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')),
                                    _mm_cmpeq_epi8(v, _mm_set1_epi8('\r')));
        unsigned mine = n - i < 16 ? (1u << (n - i)) - 1 : 0xffff,
                 those = (unsigned)_mm_movemask_epi8(quote) & mine;
        any |= those | ((unsigned)_mm_movemask_epi8(_mm_or_si128(comma, line)) & mine);
        for (; those; those &= those - 1)
            ++*quotes;
    }
#else
    for (size_t i = 0; i < n; i++) {
        *quotes += s[i] == '"';
        any |= s[i] == '"' || s[i] == ',' || s[i] == '\n' || s[i] == '\r';
    }
#endif
    return any;
}

/* The last one before `from`, of which there is one behind s. In pieces: a sanitizer looks at all
 * that memrchr is given, and there may be megabytes with many of them. */
static char *last_quote(char *s, char *from)
{
    char *quote = NULL;
    while (!quote) {
        size_t n = from - s < 512 ? (size_t)(from - s) : 512;
        from -= n;
        quote = memrchr(from, '"', n);
    }
    return quote;
}

/* Of s up to `from`, to what ends at `to`: from the end, until there are none left. */
static void double_quotes(char *s, char *from, char *to)
{
    while (from < to) {
        char *quote = last_quote(s, from);
        size_t behind = (size_t)(from - quote) - 1;
        to -= behind;
        memmove(to, quote + 1, behind);
        *--to = '"';
        *--to = '"';
        from = quote;
    }
}

void tap_csv_cell_close(struct tap_writer *w, size_t at)
{
    tap_writer_reserve(w, 16);
    char *s = tap_writer_begun(w) + at + 1;
    if (s > w->p) /* the event was dropped: out of memory */
        return;
    size_t n = (size_t)(w->p - s), quotes;
    if (!needs_quotes(s, n, &quotes)) {
        memmove(s - 1, s, n);
        w->p--;
        return;
    }
    if (quotes) {
        if (!tap_writer_reserve_large(w, quotes + 1))
            return;
        s = tap_writer_begun(w) + at + 1; /* it may have moved */
        w->p = s + n + quotes;
        double_quotes(s, s + n, w->p);
    }
    *w->p++ = '"';
}

void tap_csv_cell_quote(struct tap_writer *w, size_t at)
{
    tap_writer_reserve(w, 2);
    char *s = tap_writer_begun(w) + at;
    if (s > w->p || (s < w->p && *s == '"')) /* s > w->p: the event was dropped, out of memory */
        return;
    memmove(s + 1, s, (size_t)(w->p - s));
    *s = '"';
    w->p[1] = '"';
    w->p += 2;
}
