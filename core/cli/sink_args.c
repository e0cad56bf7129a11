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
static size_t times_before(const struct tap_cli_sets *sinks, const char *name, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < sinks->set_count; i++) {
        const char *plugin = strstr(sinks->sets[i], ".plugin=");
        n += plugin && strlen(plugin) == 8 + len && memcmp(plugin + 8, name, len) == 0;
    }
    return n;
}

bool tap_cli_sink_section(struct tap_cli_sets *sinks, const char *plugin,
                          char section[TAP_CLI_SECTION])
{
    size_t before = times_before(sinks, plugin, strlen(plugin));
    snprintf(section, TAP_CLI_SECTION, before ? "sink:%s_%zu" : "sink:%s", plugin, before + 1);
    return tap_cli_set(sinks, "%s.plugin=%s", section, plugin);
}

bool tap_cli_sink(const char *command, const char *text, struct tap_cli_sets *sinks)
{
    size_t name = strcspn(text, ":");
    char section[TAP_CLI_SECTION], plugin[NAME_LONGEST + 1];
    if (name == 0 || name > NAME_LONGEST ||
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != name) {
        fprintf(stderr,
                "beamtap %s: --sink %s: this must be NAME or NAME:KEY=VALUE,..., such as "
                "csv:path=out.csv\n",
                command, text);
        return false;
    }
    snprintf(plugin, sizeof plugin, "%.*s", (int)name, text);
    if (!tap_cli_sink_section(sinks, plugin, section))
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
        bool added = value && tap_cli_set(sinks, "%s.%.*s=%s", section, key_len, key, value);
        free(value);
        if (!added)
            return false;
    }
    return true;
}
