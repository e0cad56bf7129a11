/* sink_args.c: --sink NAME:KEY=VALUE,... as the settings of a section, for every command that takes
 * it.
 *
 * Values have commas of their own (columns=ts,pid), so a comma ends a value only where KEY= follows
 * it. Where such a comma is meant as one, it is written twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define NAME_LONGEST 64

static bool add_set(struct tap_cli_sinks *sinks, const char *section, const char *key, int key_len,
                    const char *value)
{
    char *text = NULL;
    char **more = realloc(sinks->sets, (sinks->set_count + 1) * sizeof *more);
    if (more)
        sinks->sets = more;
    if (!more || asprintf(&text, "%s.%.*s=%s", section, key_len, key, value) < 0) {
        fputs("beamtap: out of memory\n", stderr);
        return false;
    }
    sinks->sets[sinks->set_count++] = text;
    return true;
}

/* Does KEY= stand here? */
static bool begins_key(const char *text)
{
    size_t key = strspn(text, "abcdefghijklmnopqrstuvwxyz_0123456789");
    return key > 0 && (*text < '0' || *text > '9') && text[key] == '=';
}

/* The value at *at, copied with its double commas made single, and past the comma that ends it.
 * NULL: out of memory. */
static char *take_value(const char **at)
{
    char *value = malloc(strlen(*at) + 1), *to = value;
    const char *p = *at;
    for (; value && *p && !(*p == ',' && p[1] != ',' && begins_key(p + 1)); p++) {
        p += *p == ',' && p[1] == ',';
        *to++ = *p;
    }
    if (!value)
        return NULL;
    *to = '\0';
    *at = p + (*p == ',');
    return value;
}

/* Two sections need two names: csv, csv_2. */
static size_t times_before(const struct tap_cli_sinks *sinks, const char *name, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < sinks->set_count; i++) {
        const char *plugin = strstr(sinks->sets[i], ".plugin=");
        n += plugin && strlen(plugin) == 8 + len && memcmp(plugin + 8, name, len) == 0;
    }
    return n;
}

bool tap_cli_sink(const char *command, const char *text, struct tap_cli_sinks *sinks)
{
    size_t name = strcspn(text, ":");
    char section[NAME_LONGEST + 32], plugin[NAME_LONGEST + 1];
    if (name == 0 || name > NAME_LONGEST ||
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != name) {
        fprintf(stderr,
                "beamtap %s: --sink %s: this must be NAME or NAME:KEY=VALUE,..., such as "
                "csv:path=out.csv\n",
                command, text);
        return false;
    }
    snprintf(plugin, sizeof plugin, "%.*s", (int)name, text);
    size_t before = times_before(sinks, text, name);
    snprintf(section, sizeof section, before ? "sink:%s_%zu" : "sink:%s", plugin, before + 1);
    if (!add_set(sinks, section, "plugin", 6, plugin))
        return false;
    for (const char *p = text + name + (text[name] == ':'); *p;) {
        const char *key = p;
        int key_len = (int)strcspn(p, "=,");
        if (key_len == 0 || p[key_len] != '=') {
            fprintf(stderr, "beamtap %s: --sink %s: '%s' is not KEY=VALUE\n", command, text, p);
            return false;
        }
        p += key_len + 1;
        char *value = take_value(&p);
        bool added = value && add_set(sinks, section, key, key_len, value);
        free(value);
        if (!added)
            return false;
    }
    return true;
}

void tap_cli_sinks_free(struct tap_cli_sinks *sinks)
{
    for (size_t i = 0; i < sinks->set_count; i++)
        free(sinks->sets[i]);
    free(sinks->sets);
    *sinks = (struct tap_cli_sinks){NULL, 0};
}
