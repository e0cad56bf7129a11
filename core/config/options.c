/* options.c: an option table against what the file says: checks, fills the settings struct,
 * describes.
 *
 * Nothing here stops at the first mistake: each value is checked by itself and each mistake becomes
 * a cause with its place, so that one pass tells all. Strings and lists are copied to the pool,
 * trimmed; an item keeps the place of its own first character, over continuation lines too.
 */
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "config/cut_comment.h"
#include "config/option_value.h"
#include "syntax/suggest.h"

/* What a mistake needs to be told. */
struct fill {
    const struct tap_option *option;
    const char *section;
    struct tap_mempool *pool;
    struct tap_error *err;
};

static enum tap_status fill_no_memory(const struct fill *f)
{
    return TAP_ERR(f->err, TAP_ERROR, "core", "out of memory while reading the configuration");
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The part [from, to) of a text without its outer blanks, copied, at its own place. */
static bool fill_piece(const struct fill *f, const struct tap_text *all, size_t from, size_t to,
                       struct tap_text *piece)
{
    *piece = *all;
    for (size_t i = 0; i < to && (i < from || is_blank(all->text[i])); i++) {
        if (all->text[i] == '\n') {
            piece->line += piece->line > 0;
            piece->column = 1;
        } else if (((unsigned char)all->text[i] & 0xC0) != 0x80 && piece->column > 0) {
            piece->column++;
        }
    }
    while (from < to && is_blank(all->text[from]))
        from++;
    while (to > from && is_blank(all->text[to - 1]))
        to--;
    piece->text = tap_mempool_strdup(f->pool, all->text + from, to - from);
    return piece->text != NULL;
}

/* ---- One value */

static size_t choice_count(const char *const *choices)
{
    size_t n = 0;
    while (choices && choices[n])
        n++;
    return n;
}

static enum tap_status fill_wrong_word(const struct fill *f, const struct tap_text *v,
                                       const char *const *right, size_t n)
{
    const char *nearest = tap_suggest(v->text, right, n);
    if (nearest)
        return tap_error_add_at(f->err, f->section, v,
                                "invalid value '%s' for '%s' (did you mean '%s'?)", v->text,
                                f->option->name, nearest);
    char all[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < n && used < sizeof all; i++)
        used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", right[i]);
    return tap_error_add_at(f->err, f->section, v, "invalid value '%s' for '%s' (there are: %s)",
                            v->text, f->option->name, all);
}

static enum tap_status fill_bool(const struct fill *f, const struct tap_text *v, bool *field)
{
    static const char *const words[] = {"true", "false", "yes", "no", "on", "off"};
    return tap_parse_bool(v->text, field) ? TAP_OK : fill_wrong_word(f, v, words, 6);
}

static enum tap_status fill_choice(const struct fill *f, const struct tap_text *v, int *field)
{
    size_t n = choice_count(f->option->choices);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(f->option->choices[i], v->text) == 0) {
            *field = (int)i;
            return TAP_OK;
        }
    }
    return fill_wrong_word(f, v, f->option->choices, n);
}

/* min and max both 0: anything from 0 up; only max 0: anything from min up. */
static void option_range(const struct tap_option *o, int64_t *min, int64_t *max)
{
    *min = o->min;
    *max = o->max == 0 && o->min >= 0 ? INT64_MAX : o->max;
}

static enum tap_status fill_number(const struct fill *f, const struct tap_text *v, int64_t *field)
{
    const struct tap_option *o = f->option;
    int64_t value, min, max;
    char low[64], high[64];
    if (o->type == TAP_OPT_INT && !tap_parse_int(v->text, &value))
        return tap_error_add_at(f->err, f->section, v,
                                "invalid value '%s' for '%s': a whole number is needed", v->text,
                                o->name);
    if (o->type == TAP_OPT_SIZE && !tap_parse_size(v->text, o->flags & TAP_OPT_BYTES, &value))
        return tap_error_add_at(
            f->err, f->section, v,
            "invalid value '%s' for '%s': a size is a number with k, M or G, such as 64k", v->text,
            o->name);
    if (o->type == TAP_OPT_DURATION && !tap_parse_duration(v->text, &value))
        return tap_error_add_at(f->err, f->section, v,
                                "invalid value '%s' for '%s': a duration is needed (a number with "
                                "ns, us, ms, s, m or h, such as 30s)",
                                v->text, o->name);
    option_range(o, &min, &max);
    tap_option_number_print(o, min, low, sizeof low);
    tap_option_number_print(o, max, high, sizeof high);
    if (value > max && max < INT64_MAX)
        return tap_error_add_at(f->err, f->section, v, "%s is too large for '%s' (at most %s)",
                                v->text, o->name, high);
    if (value < min)
        return tap_error_add_at(f->err, f->section, v, "%s is too small for '%s' (at least %s)",
                                v->text, o->name, low);
    *field = value;
    return TAP_OK;
}

static enum tap_status fill_list(const struct fill *f, const struct tap_text *v,
                                 struct tap_text_list *list)
{
    size_t most = 1, n = 0;
    for (const char *p = v->text; *p; p++)
        most += *p == ',' || *p == '\n';
    struct tap_text *items = tap_mempool_alloc(f->pool, most * sizeof *items);
    if (!items)
        return fill_no_memory(f);
    for (size_t from = 0, i = 0;; i++) {
        if (v->text[i] && v->text[i] != ',' && v->text[i] != '\n')
            continue;
        if (!fill_piece(f, v, from, i, &items[n]))
            return fill_no_memory(f);
        n += items[n].text[0] != '\0';
        from = i + 1;
        if (!v->text[i])
            break;
    }
    *list = (struct tap_text_list){n, items};
    if (n == 0) /* nothing but commas */
        return tap_error_add_at(f->err, f->section, v, "key '%s' has no value", f->option->name);
    return TAP_OK;
}

/* Quotes would be a part of the value: a file "out.csv", with them. A command may begin with a word
 * in quotes: '/opt/my tools/jq' -c . */
static enum tap_status fill_no_quotes(const struct fill *f, const struct tap_text *v)
{
    size_t len = strlen(v->text);
    char quote = *v->text;
    if (quote != '"' && quote != '\'')
        return TAP_OK;
    const char *closing = strchr(v->text + 1, quote);
    bool whole = !closing || !closing[1];
    if (!whole && f->option->type == TAP_OPT_STRING)
        return TAP_OK;
    if (!whole)
        return tap_error_add_at(f->err, f->section, v, "'%s' is written without quotes",
                                f->option->name);
    return tap_error_add_at(f->err, f->section, v, "'%s' is written without quotes: %.*s",
                            f->option->name, (int)(len - 1 - (closing != NULL)), v->text + 1);
}

/* One value into its field. Scalars are one line; LINES come one by one, see fill_lines. */
static enum tap_status fill_value(const struct fill *f, const struct tap_text *value,
                                  void *settings)
{
    void *field = (char *)settings + f->option->offset;
    struct tap_text v;
    if (f->option->type == TAP_OPT_LIST)
        return fill_list(f, value, field);
    if (!fill_piece(f, value, 0, strlen(value->text), &v))
        return fill_no_memory(f);
    const char *newline = strchr(v.text, '\n');
    if (newline) {
        struct tap_text rest;
        if (!fill_piece(f, &v, (size_t)(newline - v.text), strlen(v.text), &rest))
            return fill_no_memory(f);
        return tap_error_add_at(f->err, f->section, &rest,
                                "an indented line continues '%s', which takes one line: begin a "
                                "new key in the first column",
                                f->option->name);
    }
    switch (f->option->type) {
    case TAP_OPT_STRING: *(const char **)field = v.text; return fill_no_quotes(f, &v);
    case TAP_OPT_PATH:
        if (fill_no_quotes(f, &v) != TAP_OK)
            return TAP_INVALID;
        v.text = tap_expand_path(v.text, strlen(v.text), f->pool);
        *(const char **)field = v.text;
        return v.text ? TAP_OK : fill_no_memory(f);
    case TAP_OPT_BOOL: return fill_bool(f, &v, field);
    case TAP_OPT_CHOICE: return fill_choice(f, &v, field);
    case TAP_OPT_INT:
    case TAP_OPT_SIZE:
    case TAP_OPT_DURATION: return fill_number(f, &v, field);
    case TAP_OPT_LIST:
    case TAP_OPT_LINES: break;
    }
    return TAP_OK;
}

/* ---- All values of one option */

static bool text_is_empty(const char *text)
{
    while (is_blank(*text))
        text++;
    return !*text;
}

/* In lines of code ` ;` is no comment. */
static const char *lines_text(const struct tap_setting *given)
{
    return given->uncut ? given->uncut : given->value.text;
}

static enum tap_status fill_lines(const struct fill *f, const struct tap_setting *const *given,
                                  size_t n, void *settings)
{
    struct tap_text *items = tap_mempool_alloc(f->pool, (n + !n) * sizeof *items);
    if (!items)
        return fill_no_memory(f);
    for (size_t i = 0; i < n; i++) {
        struct tap_text whole = given[i]->value;
        whole.text = lines_text(given[i]);
        if (!fill_piece(f, &whole, 0, strlen(whole.text), &items[i]))
            return fill_no_memory(f);
    }
    *(struct tap_text_list *)(void *)((char *)settings + f->option->offset) =
        (struct tap_text_list){n, items};
    return TAP_OK;
}

/* Said twice in the file is a mistake; said twice on the command line, the last one holds. */
static enum tap_status fill_given(const struct fill *f, const struct tap_setting *const *given,
                                  size_t n, void *settings)
{
    enum tap_status status = TAP_OK;
    bool lines = f->option->type == TAP_OPT_LINES;
    for (size_t i = 0; i < n; i++)
        if (text_is_empty(lines ? lines_text(given[i]) : given[i]->value.text) &&
            f->option->type != TAP_OPT_STRING)
            status = tap_error_add_at(f->err, f->section, &given[i]->key_where,
                                      "key '%s' has no value", f->option->name);
    for (size_t i = 1; i < n && !lines; i++)
        if (given[i]->key_where.line > 0)
            status = tap_error_add_at(f->err, f->section, &given[i]->key_where,
                                      "key '%s' is given twice (first in line %d)", f->option->name,
                                      given[0]->key_where.line);
    for (size_t i = 0; i < n && !lines; i++)
        if (!tap_cut_is_comment(f->option, given[i], f->section, f->err))
            status = TAP_INVALID;
    if (status != TAP_OK)
        return status;
    return lines ? fill_lines(f, given, n, settings)
                 : fill_value(f, &given[n - 1]->value, settings);
}

static enum tap_status fill_missing(const struct fill *f, const struct tap_text *section_where,
                                    void *settings)
{
    const char *help = f->option->help ? f->option->help : "required";
    /* the help as far as its first semicolon: what, not how */
    if (f->option->flags & TAP_OPT_REQUIRED)
        return tap_error_add_at(f->err, f->section, section_where, "key '%s' is missing (%.*s)",
                                f->option->name, (int)strcspn(help, ";"), help);
    if (!f->option->def)
        return TAP_OK; /* the settings are zeroed */
    const struct tap_setting def = {.key = f->option->name, .value = {f->option->def, NULL, 0, 0}};
    const struct tap_setting *given = &def;
    return fill_given(f, &given, 1, settings);
}

enum tap_status tap_options_fill(const struct tap_option *options, size_t option_count,
                                 const struct tap_setting *settings, size_t setting_count,
                                 bool *used, void *into, struct tap_mempool *pool,
                                 const char *section, const struct tap_text *section_where,
                                 struct tap_error *err)
{
    enum tap_status status = TAP_OK;
    const struct tap_setting **given = tap_mempool_alloc(pool, (setting_count + 1) * sizeof *given);
    for (size_t o = 0; o < option_count; o++) {
        struct fill f = {&options[o], section, pool, err};
        if (!given)
            return fill_no_memory(&f);
        size_t n = 0;
        for (size_t i = 0; i < setting_count; i++) {
            if (strcmp(settings[i].key, options[o].name) == 0) {
                given[n++] = &settings[i];
                used[i] = true;
            }
        }
        enum tap_status one =
            n ? fill_given(&f, given, n, into) : fill_missing(&f, section_where, into);
        if (n && one == TAP_INVALID && !(options[o].flags & TAP_OPT_REQUIRED))
            fill_missing(&f, section_where, into); /* who looks for more mistakes has its default */
        if (one > status)
            status = one;
    }
    return status;
}

/* ---- Keys that nobody knows, and descriptions */

enum tap_status tap_options_unknown(const struct tap_option *const *tables, const size_t *counts,
                                    size_t table_count, const struct tap_setting *settings,
                                    size_t setting_count, const bool *used, const char *section,
                                    struct tap_error *err)
{
    enum tap_status status = TAP_OK;
    size_t n = 0, all = 0;
    for (size_t t = 0; t < table_count; t++)
        all += counts[t];
    const char **keys = calloc(all + 1, sizeof *keys);
    for (size_t t = 0; keys && t < table_count; t++)
        for (size_t o = 0; o < counts[t]; o++)
            keys[n++] = tables[t][o].name;
    for (size_t i = 0; i < setting_count; i++) {
        if (used[i])
            continue;
        const char *nearest = keys ? tap_suggest(settings[i].key, keys, n) : NULL;
        status = tap_error_add_at(err, section, &settings[i].key_where, "unknown key '%s'%s%s%s",
                                  settings[i].key, nearest ? " (did you mean '" : "",
                                  nearest ? nearest : "", nearest ? "'?)" : "");
    }
    free(keys);
    return status;
}

static const char *type_name(const struct tap_option *o)
{
    switch (o->type) {
    case TAP_OPT_STRING: return "text";
    case TAP_OPT_PATH: return "path";
    case TAP_OPT_BOOL: return "true or false";
    case TAP_OPT_INT: return "number";
    case TAP_OPT_SIZE: return o->flags & TAP_OPT_BYTES ? "size in bytes" : "size";
    case TAP_OPT_DURATION: return "duration";
    case TAP_OPT_CHOICE: return "";
    case TAP_OPT_LIST: return "list";
    case TAP_OPT_LINES: return "text, the key may repeat";
    }
    return "";
}

size_t tap_option_describe(const struct tap_option *o, char *dst, size_t cap)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return 0;
    fputs(type_name(o), out);
    for (size_t i = 0; o->type == TAP_OPT_CHOICE && o->choices && o->choices[i]; i++)
        fprintf(out, "%s%s", i ? " | " : "", o->choices[i]);
    if (o->flags & TAP_OPT_REQUIRED)
        fputs(", required", out);
    else if (o->def)
        fprintf(out, ", default %s", o->def);
    if ((o->type == TAP_OPT_INT || o->type == TAP_OPT_SIZE || o->type == TAP_OPT_DURATION) &&
        (o->min != 0 || o->max != 0)) {
        int64_t min, max;
        char low[64], high[64];
        option_range(o, &min, &max);
        tap_option_number_print(o, min, low, sizeof low);
        tap_option_number_print(o, max, high, sizeof high);
        fprintf(out, ", %s..%s", low, max == INT64_MAX ? "" : high);
    }
    fclose(out);
    if (cap > 0) {
        size_t n = len < cap ? len : cap - 1;
        memcpy(dst, text, n);
        dst[n] = '\0';
    }
    free(text);
    return len;
}
