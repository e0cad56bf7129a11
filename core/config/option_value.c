/* option_value.c: one value of an option, from text and back to text.
 *
 * Numbers with a unit are read exactly (whole arithmetic, a decimal fraction allowed where the
 * result is whole: 1.5k is 1500) and printed with the largest unit that divides them, so that what
 * is printed can be read again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/option_value.h"
#include "syntax/chars.h"

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit counts[] = {{"", 1}, {"k", 1000}, {"M", 1000000}, {"G", 1000000000}, {0}};
static const struct unit bytes_units[] = {
    {"", 1}, {"k", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {0}};
static const struct unit durations[] = {{"ns", 1},
                                        {"us", 1000},
                                        {"ms", 1000000},
                                        {"s", 1000000000},
                                        {"m", 60 * INT64_C(1000000000)},
                                        {"h", 3600 * INT64_C(1000000000)},
                                        {0}};

/* Digits, perhaps a fraction, and then exactly one of the units. */
static bool value_with_unit(const char *text, const struct unit *units, int64_t *value)
{
    unsigned __int128 number = 0, divisor = 1;
    const char *p = text;
    bool fraction = false;
    if (*p < '0' || *p > '9')
        return false;
    for (; (*p >= '0' && *p <= '9') || (*p == '.' && !fraction); p++) {
        if (*p == '.') {
            fraction = true;
            if (p[1] < '0' || p[1] > '9')
                return false;
            continue;
        }
        number = number * 10 + (unsigned)(*p - '0');
        divisor *= fraction ? 10 : 1;
        if (number > INT64_MAX || divisor > INT64_C(1000000000000000000))
            return false;
    }
    while (*p == ' ')
        p++;
    for (; units->name; units++) {
        if (strcmp(p, units->name) != 0)
            continue;
        number *= (unsigned __int128)units->factor;
        if (number % divisor != 0 || number / divisor > INT64_MAX)
            return false;
        *value = (int64_t)(number / divisor);
        return true;
    }
    return false;
}

bool tap_parse_size(const char *text, bool bytes, int64_t *value)
{
    return value_with_unit(text, bytes ? bytes_units : counts, value);
}

bool tap_parse_duration(const char *text, int64_t *ns)
{
    if (strcmp(text, "0") == 0) {
        *ns = 0;
        return true;
    }
    return value_with_unit(text, durations, ns);
}

bool tap_parse_int(const char *text, int64_t *value)
{
    bool negative = *text == '-';
    const char *p = text + negative;
    unsigned __int128 number = 0, most = (unsigned __int128)INT64_MAX + negative;
    if (!*p)
        return false;
    for (; *p; p++) {
        if (*p < '0' || *p > '9')
            return false;
        number = number * 10 + (unsigned)(*p - '0');
        if (number > most)
            return false;
    }
    *value = negative ? (int64_t)(0 - (uint64_t)number) : (int64_t)number;
    return true;
}

static bool same_letters(const char *a, const char *b)
{
    while (*a && tap_syn_lower(*a) == *b)
        a++, b++;
    return !*a && !*b;
}

bool tap_parse_bool(const char *text, bool *value)
{
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no",
                                                                                "off", "0"};
    for (size_t i = 0; i < 4; i++) {
        if (same_letters(text, yes[i]) || same_letters(text, no[i])) {
            *value = same_letters(text, yes[i]);
            return true;
        }
    }
    return false;
}

/* ---- Back to text */

static size_t print_with_unit(int64_t value, const struct unit *units, char *dst, size_t cap)
{
    const struct unit *best = units;
    for (const struct unit *u = units; u->name; u++)
        if (value >= u->factor && value % u->factor == 0)
            best = u;
    if (value == 0)
        return (size_t)snprintf(dst, cap, "0");
    return (size_t)snprintf(dst, cap, "%" PRId64 "%s", value / best->factor, best->name);
}

size_t tap_option_number_print(const struct tap_option *option, int64_t value, char *dst,
                               size_t cap)
{
    if (option->type == TAP_OPT_DURATION)
        return print_with_unit(value, durations, dst, cap);
    if (option->type == TAP_OPT_SIZE)
        return print_with_unit(value, option->flags & TAP_OPT_BYTES ? bytes_units : counts, dst,
                               cap);
    return (size_t)snprintf(dst, cap, "%" PRId64, value);
}

/* What goes on in another line is indented. */
static void print_lines(const char *name, const char *text, FILE *out)
{
    fprintf(out, "%s = ", name);
    for (; *text; text++) {
        bool flush = *text == '\n' && text[1] && !strchr(" \t\n", text[1]);
        fprintf(out, flush ? "\n    " : "%c", *text);
    }
    fputc('\n', out);
}

static void print_list(const struct tap_option *option, const struct tap_text_list *list, FILE *out)
{
    for (size_t i = 0; i < list->count && option->type == TAP_OPT_LINES; i++)
        print_lines(option->name, list->items[i].text, out);
    if (option->type == TAP_OPT_LINES || list->count == 0)
        return;
    fprintf(out, "%s = ", option->name);
    for (size_t i = 0; i < list->count; i++) { /* a blank and a ; would begin a comment */
        const char *text = list->items[i].text, *comma = *text == ';' ? "," : ", ";
        fprintf(out, "%s%s", i ? comma : "", text);
    }
    fputc('\n', out);
}

void tap_option_value_print(const struct tap_option *option, const void *settings, FILE *out)
{
    const char *field = (const char *)settings + option->offset;
    char number[64];
    const char *text = NULL;
    switch (option->type) {
    case TAP_OPT_STRING:
    case TAP_OPT_PATH: text = *(const char *const *)(const void *)field; break;
    case TAP_OPT_BOOL: text = *(const bool *)field ? "true" : "false"; break;
    case TAP_OPT_CHOICE: text = option->choices[*(const int *)(const void *)field]; break;
    case TAP_OPT_INT:
    case TAP_OPT_SIZE:
    case TAP_OPT_DURATION:
        tap_option_number_print(option, *(const int64_t *)(const void *)field, number,
                                sizeof number);
        text = number;
        break;
    case TAP_OPT_LIST:
    case TAP_OPT_LINES:
        print_list(option, (const struct tap_text_list *)(const void *)field, out);
        return;
    }
    if (text)
        fprintf(out, "%s = %s\n", option->name, text);
}
