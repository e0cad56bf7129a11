/* ini_file.c: reads an INI file through inih, with the places that inih does not tell.
 *
 * inih pulls lines from a reader. Ours hands it each line (cut to inih's small buffer where it is
 * longer; inih only checks its form) and keeps the whole raw line. inih then says what the line is
 * by calling ini_key, and the key and the value are taken from the raw line. A line that should
 * have been a key and brought no call is a mistake, found when the next line is asked for.
 */
#include "config/ini_file.h"

#include <ini.h>
#include <string.h>

#include "beamtap/term_write.h"
#include "syntax/chars.h"

struct ini_reader {
    const char *next, *end; /* what is left of the text */
    /* the current line, without its newline and trailing blanks and comment */
    const char *line;
    size_t len;
    size_t uncut; /* the same with what looks like a comment, without trailing blanks */
    int number;
    bool awaited;  /* the current line should bring a call */
    bool have_key; /* an indented line would continue a value */
    bool ignore;   /* inside a section whose header was refused */

    struct tap_ini_section *section; /* NULL: before the first one */
    struct tap_setting setting;      /* the value under construction, when have_key */
    struct ini_value {
        struct tap_buf text;
        int line;   /* of its last line so far */
    } value, whole; /* without comments, and with those behind a blank and a ; */

    struct tap_ini *ini;
    struct tap_mempool *pool;
    struct tap_error *err;
    const char *file;
    bool oom;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static struct tap_text ini_place(const struct ini_reader *r, int column)
{
    return (struct tap_text){"", r->file, r->number, column};
}

/* ---- The tree */

struct tap_ini_section *tap_ini_find(const struct tap_ini *ini, const char *name)
{
    for (size_t i = 0; i < ini->count; i++)
        if (strcmp(ini->sections[i].name, name) == 0)
            return &ini->sections[i];
    return NULL;
}

/* Room for one more element: a pool has no realloc, so the old array stays behind until the pool
 * goes. */
static bool ini_grow(struct tap_mempool *pool, void **array, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return true;
    size_t more = *cap ? *cap * 2 : 8;
    void *grown = tap_mempool_alloc(pool, more * size);
    if (!grown)
        return false;
    if (count)
        memcpy(grown, *array, count * size);
    *array = grown;
    *cap = more;
    return true;
}

struct tap_ini_section *tap_ini_add(struct tap_ini *ini, struct tap_mempool *pool, const char *name,
                                    const struct tap_text *where)
{
    char *copy = tap_mempool_strdup(pool, name, strlen(name));
    if (!copy || !ini_grow(pool, (void **)&ini->sections, ini->count, &ini->cap,
                           sizeof(struct tap_ini_section)))
        return NULL;
    ini->sections[ini->count] = (struct tap_ini_section){.name = copy, .where = *where};
    return &ini->sections[ini->count++];
}

bool tap_ini_set(struct tap_ini_section *section, struct tap_mempool *pool,
                 const struct tap_setting *setting)
{
    if (!ini_grow(pool, (void **)&section->settings, section->count, &section->cap,
                  sizeof *setting))
        return false;
    section->settings[section->count++] = *setting;
    return true;
}

/* ---- Lines */

/* Where the part before a comment ends: see ini_file.h. *odd is set to the first character of that
 * part, outside of quotes, which only looks like a blank; else to `len`. */
static size_t ini_without_comment(const char *line, size_t len, size_t *odd)
{
    char quote = 0;
    *odd = len;
    for (size_t i = 0; i < len; i++) {
        if (!quote && *odd == len && tap_syn_odd_blank(line + i))
            *odd = i;
        if (quote) {
            if (line[i] == '\\')
                i++;
            else if (line[i] == quote)
                quote = 0;
        } else if (line[i] == '"' || line[i] == '\'') {
            if (memchr(line + i + 1, line[i], len - i - 1))
                quote = line[i];
        } else if (line[i] == ';' && i > 0 && is_space(line[i - 1])) {
            return i;
        }
    }
    return len;
}

bool tap_ini_whole(const char *line)
{
    size_t len = strcspn(line, "\n"), odd;
    return ini_without_comment(line, len, &odd) == len;
}

static size_t ini_trimmed(const char *line, size_t len)
{
    while (len > 0 && is_space(line[len - 1]))
        len--;
    return len;
}

static int ini_characters(const char *text, size_t len)
{
    int n = 0;
    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)text[i] & 0xC0) != 0x80;
    return n;
}

static bool ini_is_utf8(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + len;
    while (p < end) {
        size_t more = *p < 0x80                 ? 0
                      : *p >= 0xC2 && *p < 0xE0 ? 1
                      : (*p & 0xF0) == 0xE0     ? 2
                      : *p >= 0xF0 && *p < 0xF5 ? 3
                                                : 9;
        if (more > (size_t)(end - p) - 1)
            return false;
        for (size_t i = 1; i <= more; i++)
            if ((p[i] & 0xC0) != 0x80)
                return false;
        if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] >= 0xA0) ||
            (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] >= 0x90))
            return false;
        p += more + 1;
    }
    return true;
}

/* The value under construction is whole: a setting of its section. */
static void ini_finish_key(struct ini_reader *r)
{
    if (!r->have_key)
        return;
    r->have_key = false;
    const struct tap_buf *value = &r->value.text, *whole = &r->whole.text;
    r->setting.value.text = tap_mempool_strdup(r->pool, (const char *)value->data, value->len);
    r->oom |= !r->setting.value.text || value->oom || whole->oom;
    if (whole->len != value->len) { /* it is the same, and more */
        r->setting.uncut = tap_mempool_strdup(r->pool, (const char *)whole->data, whole->len);
        r->oom |= !r->setting.uncut;
    }
    if (!r->ignore && !r->oom)
        r->oom |= !tap_ini_set(r->section, r->pool, &r->setting);
}

static void ini_header(struct ini_reader *r, size_t from)
{
    struct tap_text at = ini_place(r, 0);
    ini_finish_key(r);
    /* until the header proves right: its keys would only bring errors that follow */
    r->ignore = true;
    const char *close = memchr(r->line + from, ']', r->len - from);
    if (!close) {
        tap_error_add_at(r->err, NULL, &at, "a section's header needs a closing ']'");
        return;
    }
    if (close + 1 < r->line + r->len)
        tap_error_add_at(r->err, NULL, &at, "nothing may follow a section's header but a comment");
    const char *start = r->line + from + 1;
    while (start < close && is_space(*start))
        start++;
    char *name = tap_mempool_strdup(r->pool, start, ini_trimmed(start, (size_t)(close - start)));
    if (!name) {
        r->oom = true;
        return;
    }
    const struct tap_ini_section *same = tap_ini_find(r->ini, name);
    if (same) {
        tap_error_add_at(r->err, name, &at, "this section is given twice (first in line %d)",
                         same->where.line);
        return;
    }
    r->section = tap_ini_add(r->ini, r->pool, name, &at);
    r->oom |= !r->section;
    r->ignore = !r->section;
}

/* A line that inih took for no key. */
static void ini_settle(struct ini_reader *r)
{
    if (!r->awaited)
        return;
    r->awaited = false;
    struct tap_text at = ini_place(r, 0);
    int shown = r->len > 60 ? 60 : (int)r->len;
    tap_error_add_at(r->err, NULL, &at, "'%.*s%s' is neither '[section]' nor 'key = value'", shown,
                     r->line, r->len > 60 ? "..." : "");
}

static bool ini_take_line(struct ini_reader *r)
{
    if (r->next >= r->end)
        return false;
    const char *newline = memchr(r->next, '\n', (size_t)(r->end - r->next));
    r->line = r->next;
    r->len = (size_t)((newline ? newline : r->end) - r->line);
    r->next = newline ? newline + 1 : r->end;
    r->number++;
    return true;
}

/* Is the current line fit to be looked at? Finds its comment and trailing blanks. */
static bool ini_line_is_sound(struct ini_reader *r)
{
    struct tap_text at = ini_place(r, 0);
    size_t all = r->len && r->line[r->len - 1] == '\r' ? r->len - 1 : r->len, odd;
    if (r->len > TAP_INI_LINE_MAX)
        tap_error_add_at(r->err, NULL, &at, "this line is too long (%zu bytes; at most %u)", r->len,
                         TAP_INI_LINE_MAX);
    else if (memchr(r->line, '\0', r->len))
        tap_error_add_at(r->err, NULL, &at, "there is a NUL byte in this line");
    else if (!ini_is_utf8(r->line, r->len))
        tap_error_add_at(r->err, NULL, &at, "this line is not UTF-8");
    else if (memchr(r->line, '\r', all))
        tap_error_add_at(r->err, NULL, &at,
                         "there is a CR inside this line: lines end with LF, or with CR and LF");
    else {
        r->uncut = ini_trimmed(r->line, r->len);
        r->len = ini_trimmed(r->line, ini_without_comment(r->line, r->uncut, &odd));
        bool comment = r->len && (r->line[0] == ';' || r->line[0] == '#');
        if (odd < r->len && !comment) {
            at.column = ini_characters(r->line, odd) + 1;
            tap_error_add_at(r->err, NULL, &at, "this is %s: write an ordinary blank",
                             tap_syn_odd_blank(r->line + odd));
            return false;
        }
        return true;
    }
    return false;
}

/* A map or a record that begins a line, #{ or #name{ or #'name'{. */
static bool ini_begins_map(const char *text, size_t len)
{
    size_t i = 1;
    while (i < len && (text[i] == '\'' || tap_syn_char_is_word(text + i) || text[i] == '.'))
        i++;
    return len > 1 && text[0] == '#' && i < len && text[i] == '{';
}

static void ini_continue(struct ini_reader *r, struct ini_value *value, size_t len)
{
    for (; value->line < r->number; value->line++)
        tap_buf_put(&value->text, "\n", 1);
    tap_buf_put(&value->text, r->line, len);
}

/* inih's reader: like fgets. */
static char *ini_read(char *str, int num, void *stream)
{
    struct ini_reader *r = stream;
    ini_settle(r);
    if (r->oom || num < 4 || !ini_take_line(r))
        return NULL;
    size_t first = 0, give = 0;
    if (ini_line_is_sound(r)) {
        while (first < r->uncut && is_space(r->line[first]))
            first++;
        bool goes_on = first > 0 && r->have_key;
        bool map = goes_on && first < r->len && ini_begins_map(r->line + first, r->len - first);
        bool comment = first >= r->len || r->line[first] == ';' || (r->line[first] == '#' && !map);
        give = comment ? 0 : r->len;
        if (goes_on && first < r->uncut && r->line[first] == ';')
            ini_continue(r, &r->whole, r->uncut); /* of lines of code a part, else a comment */
        if (!comment && r->line[first] == '[' && !goes_on)
            ini_header(r, first);
        else
            r->awaited = !comment;
        if (map || (goes_on && give)) { /* inih need not see what continues: its form is free */
            memcpy(str, " =\n", 4);
            return str;
        }
    }
    if (give > (size_t)num - 2)
        give = (size_t)num - 2;
    memcpy(str, r->line, give);
    str[give] = '\n';
    str[give + 1] = '\0';
    return str;
}

/* ---- Keys */

static void ini_new_key(struct ini_reader *r)
{
    struct tap_text at = ini_place(r, 0);
    size_t from = 0, equals = 0, value;
    ini_finish_key(r);
    while (from < r->len && is_space(r->line[from]))
        from++;
    while (equals < r->len && r->line[equals] != '=' && r->line[equals] != ':')
        equals++;
    for (value = equals + (equals < r->len); value < r->len && is_space(r->line[value]); value++)
        ;
    size_t key_len = ini_trimmed(r->line, equals);
    key_len = key_len > from ? key_len - from : 0;
    if (key_len == 0) {
        tap_error_add_at(r->err, NULL, &at, "a key is missing before the '%c'", r->line[equals]);
        return;
    }
    char *key = tap_mempool_strdup(r->pool, r->line + from, key_len);
    r->oom |= !key;
    if (!r->section && !r->ignore && key) {
        tap_error_add_at(r->err, NULL, &at, "key '%s' stands before the first [section]", key);
        r->ignore = true;
    }
    r->setting = (struct tap_setting){
        .key = key,
        .key_where = at,
        .value = {NULL, r->file, r->number, ini_characters(r->line, value) + 1}};
    r->setting.key_where.text = key;
    r->have_key = key != NULL;
    r->value.text.len = r->whole.text.len = 0;
    r->value.line = r->whole.line = r->number;
    tap_buf_put(&r->value.text, r->line + value, r->len - value);
    while (value < r->uncut && is_space(r->line[value]))
        value++;
    tap_buf_put(&r->whole.text, r->line + value, r->uncut - value);
}

/* inih's handler: the current line is a key, or goes on with one. */
static int ini_key(void *user, const char *section, const char *name, const char *value)
{
    struct ini_reader *r = user;
    (void)section, (void)name, (void)value;
    r->awaited = false;
    if (r->have_key && r->len > 0 && is_space(r->line[0])) {
        ini_continue(r, &r->value, r->len);
        ini_continue(r, &r->whole, r->uncut);
    } else {
        ini_new_key(r);
    }
    return 1;
}

/* Is it no text of ours at all? One sentence instead of one for each line. */
static const char *ini_unreadable(const char *text, size_t len)
{
    bool low = len > 3 && !text[1] && !text[3], high = len > 3 && !text[0] && !text[2];
    if (low || high || (len > 1 && (!memcmp(text, "\xFF\xFE", 2) || !memcmp(text, "\xFE\xFF", 2))))
        return "this file is UTF-16: save it as UTF-8";
    const char *cr = memchr(text, '\r', len);
    if (cr && cr + 1 < text + len && !memchr(text, '\n', len))
        return "the lines of this file end with CR alone: save it with LF, or with CR and LF";
    return NULL;
}

struct tap_ini *tap_ini_parse(const char *file, const char *text, size_t len,
                              struct tap_mempool *pool, struct tap_error *err)
{
    struct ini_reader r = {.next = text, .end = text + len, .pool = pool, .err = err};
    r.file = tap_mempool_strdup(pool, file, strlen(file));
    r.ini = tap_mempool_alloc(pool, sizeof *r.ini);
    r.oom = !r.file || !r.ini;
    const char *unreadable = ini_unreadable(text, len);
    if (unreadable && !r.oom) {
        struct tap_text whole = ini_place(&r, 0);
        tap_error_add_at(err, NULL, &whole, "%s", unreadable);
        r.ini->unreadable = true;
        return r.ini;
    }
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        r.next += 3; /* a byte order mark */
    /* inih may give up early for reasons of its own (no memory): then lines are left, and that must
     * not pass for a short file. Mistakes in single lines do not stop it. */
    int result = r.oom ? -2 : ini_parse_stream(ini_read, &r, ini_key, &r);
    ini_settle(&r);
    ini_finish_key(&r);
    tap_buf_free(&r.value.text);
    tap_buf_free(&r.whole.text);
    if (r.oom || result == -2 || r.next < r.end) {
        TAP_ERR(err, TAP_ERROR, "core", "%s: out of memory while reading", file);
        return NULL;
    }
    return r.ini;
}
