/* sets.c: a configuration that is made of a command line, one SECTION.KEY=VALUE after the other. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "config/config.h"
#include "library/defaults.h"

bool tap_cli_set(struct tap_cli_sets *sets, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    char **more = realloc(sets->sets, (sets->set_count + 1) * sizeof *more);
    if (more)
        sets->sets = more;
    va_start(args, format);
    bool made = more && vasprintf(&text, format, args) >= 0;
    va_end(args);
    if (!made) {
        fputs("beamtap: out of memory\n", stderr);
        return false;
    }
    sets->sets[sets->set_count++] = text;
    return true;
}

void tap_cli_sets_free(struct tap_cli_sets *sets)
{
    for (size_t i = 0; i < sets->set_count; i++)
        free(sets->sets[i]);
    free(sets->sets);
    *sets = (struct tap_cli_sets){NULL, 0};
}

bool tap_cli_sets_given(struct tap_cli_sets *sets, const struct tap_cli_args *args)
{
    for (size_t i = 0; i < args->set_count; i++)
        if (!tap_cli_set(sets, "%s", args->sets[i]))
            return false;
    return true;
}

bool tap_cli_sets_recordings(struct tap_cli_sets *sets, const struct tap_cli_args *args)
{
    for (size_t i = 0; i < args->word_count; i++)
        if (!tap_cli_set(sets, "%s.%s=%s", tap_defaults.recording, i ? "with" : "path",
                         args->words[i]))
            return false;
    return true;
}

/* ---- As a file */

/* How long the name of its section is: the last dot before the = ends it. */
static size_t section_len(const char *set)
{
    const char *equals = strchr(set, '=');
    const char *dot = equals ? memrchr(set, '.', (size_t)(equals - set)) : NULL;
    return dot ? (size_t)(dot - set) : 0;
}

static bool same_section(const char *a, const char *b)
{
    size_t n = section_len(a);
    return n == section_len(b) && memcmp(a, b, n) == 0;
}

/* `plugin` need not be said where the section is called like it. */
static bool says_nothing(const char *set)
{
    size_t n = section_len(set);
    const char *name = memchr(set, ':', n), *value = strchr(set, '=') + 1;
    return name && strncmp(set + n, ".plugin=", 8) == 0 &&
           strlen(value) == n - (size_t)(name + 1 - set) &&
           strncmp(value, name + 1, strlen(value)) == 0;
}

static void print_set(const char *set, FILE *out)
{
    const char *key = set + section_len(set) + 1, *equals = strchr(key, '=');
    fprintf(out, "%.*s = ", (int)(equals - key), key);
    for (const char *p = equals + 1; *p; p++) /* what goes on in another line is indented */
        fprintf(out, *p == '\n' ? "\n    " : "%c", *p);
    fputc('\n', out);
}

/* Is it said of the same key? */
static bool same_key(const char *a, const char *b)
{
    size_t n = (size_t)(strchr(a, '=') - a);
    return strncmp(a, b, n + 1) == 0;
}

static bool is_lines(const struct tap_option *options, size_t n, const char *key, size_t len)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(options[i].name) == len && memcmp(options[i].name, key, len) == 0)
            return options[i].type == TAP_OPT_LINES;
    return false;
}

/* May a file say its key more than once? */
static bool may_repeat(const struct tap_config *c, const char *set)
{
    size_t section = section_len(set);
    const char *key = set + section + 1;
    size_t len = strcspn(key, "=");
    if (section == 7 && memcmp(set, "session", 7) == 0)
        return is_lines(tap_session_options, tap_session_option_count, key, len);
    for (size_t i = 0; i < c->instance_count; i++) {
        const struct tap_instance *in = &c->instances[i];
        if (!in->trigger && strlen(in->section) == section &&
            memcmp(in->section, set, section) == 0)
            return is_lines(in->loaded->options, in->loaded->plugin->option_count, key, len);
    }
    return false;
}

/* Of several that say the same key the last one holds. */
static bool is_overridden(const struct tap_cli_sets *sets, size_t i, const struct tap_config *c)
{
    size_t later = i + 1;
    while (later < sets->set_count && !same_key(sets->sets[i], sets->sets[later]))
        later++;
    return later < sets->set_count && !may_repeat(c, sets->sets[i]);
}

void tap_cli_sets_print(const struct tap_cli_sets *sets, const struct tap_config *c, FILE *out)
{
    for (size_t i = 0; i < sets->set_count; i++) {
        size_t first = 0;
        while (!same_section(sets->sets[first], sets->sets[i]))
            first++;
        if (first < i || !section_len(sets->sets[i]))
            continue;
        fprintf(out, "%s[%.*s]\n", i ? "\n" : "", (int)section_len(sets->sets[i]), sets->sets[i]);
        for (size_t k = i; k < sets->set_count; k++)
            if (same_section(sets->sets[i], sets->sets[k]) && !is_overridden(sets, k, c) &&
                !says_nothing(sets->sets[k]))
                print_set(sets->sets[k], out);
    }
}
