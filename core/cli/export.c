/* export.c: `beamtap export FILE --sink NAME[:KEY=VALUE,...]`: a recorded trace through any sinks.
 *
 * It is a run whose configuration is the command line: the transport that plays a file and one
 * section for each --sink, made of --set arguments, so that everything a run says and judges holds
 * here too.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/run.h"
#include "library/defaults.h"

struct export_sets {
    const char **items;
    size_t count;
    bool oom;
};

static void add_set(struct export_sets *sets, const char *section, const char *key, size_t key_len,
                    const char *value, size_t value_len)
{
    char *text = NULL;
    if (asprintf(&text, "%s.%.*s=%.*s", section, (int)key_len, key, (int)value_len, value) < 0)
        sets->oom = true;
    else
        sets->items[sets->count++] = text;
}

/* Where the value that begins here ends: at a comma behind which another KEY= stands, or at the
 * end. */
static size_t value_length(const char *value)
{
    for (const char *p = value; (p = strchr(p, ',')); p++) {
        size_t key = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_");
        if (key > 0 && p[1 + key] == '=')
            return (size_t)(p - value);
    }
    return strlen(value);
}

/* chrome:path=out.json,arguments=false as settings of a section of its own. */
static bool read_sink(const char *spec, size_t number, struct export_sets *sets)
{
    size_t name = strcspn(spec, ":");
    char section[128];
    if (name == 0 || name > 64 ||
        spec[strspn(spec, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] !=
            (spec[name] ? ':' : 0)) {
        fprintf(stderr,
                "beamtap export: --sink %s: this must be NAME or NAME:KEY=VALUE,..., such as "
                "csv:path=out.csv\n",
                spec);
        return false;
    }
    snprintf(section, sizeof section, number ? "sink:%.*s_%zu" : "sink:%.*s", (int)name, spec,
             number + 1);
    add_set(sets, section, "plugin", 6, spec, name);
    for (const char *p = spec + name; *p;) {
        p++;
        size_t key = strcspn(p, "=,"), value;
        if (p[key] != '=' || key == 0) {
            fprintf(stderr, "beamtap export: --sink %s: '%s' is not KEY=VALUE\n", spec, p);
            return false;
        }
        value = value_length(p + key + 1);
        add_set(sets, section, p, key, p + key + 1, value);
        p += key + 1 + value;
    }
    return true;
}

/* How many of the --sinks before have the same plugin: two sections need two names. */
static size_t same_before(const char *const *sinks, size_t i)
{
    size_t n = 0, len = strcspn(sinks[i], ":");
    for (size_t k = 0; k < i; k++)
        n += strcspn(sinks[k], ":") == len && strncmp(sinks[k], sinks[i], len) == 0;
    return n;
}

static bool make_sets(const struct tap_cli_args *args, const char *const *sinks, size_t sink_count,
                      struct export_sets *sets)
{
    add_set(sets, tap_defaults.recording, "path", 4, args->words[0], strlen(args->words[0]));
    for (size_t i = 0; i < sink_count; i++)
        if (!read_sink(sinks[i], same_before(sinks, i), sets))
            return false;
    for (size_t i = 0; i < args->set_count; i++)
        sets->items[sets->count++] = strdup(args->sets[i]);
    for (size_t i = 0; i < sets->count; i++)
        sets->oom |= !sets->items[i];
    if (sets->oom)
        fputs("beamtap: out of memory\n", stderr);
    return !sets->oom;
}

static int export_run(const struct export_sets *sets, bool quiet, bool json)
{
    struct tap_error *err = tap_error_new();
    struct tap_config *config = NULL;
    if (!err) {
        fputs("beamtap: out of memory\n", stderr);
        return 1;
    }
    tap_config_parse("the command line", "", 0, tap_defaults.transport, sets->items, sets->count,
                     &config, err);
    int code = tap_run_config(config, err, quiet, json);
    tap_config_free(config);
    tap_error_free(err);
    return code;
}

int tap_cli_export(int argc, char **argv)
{
    const char *words[argc], *given[argc], *sinks[argc];
    char *rest[argc];
    struct tap_cli_args args = {.words = words, .sets = given};
    bool quiet = false, json = false;
    const struct tap_cli_flag flags[] = {{"--quiet", &quiet}, {"--json", &json}, {NULL, NULL}};
    size_t sink_count = 0, room = 4;
    int n = 0, code = 2;
    for (int i = 0; i < argc; i++) {
        bool apart = strcmp(argv[i], "--sink") == 0 && i + 1 < argc;
        if (apart || strncmp(argv[i], "--sink=", 7) == 0)
            sinks[sink_count++] = apart ? argv[++i] : argv[i] + 7;
        else
            rest[n++] = argv[i];
        room += 2 + strlen(argv[i]);
    }
    if (!tap_cli_read(n, rest, flags, 1, 1, &args))
        return 2;
    if (sink_count == 0) {
        fputs("beamtap export: where to? (--sink NAME:KEY=VALUE,..., such as --sink "
              "csv:path=out.csv)\n",
              stderr);
        return 2;
    }
    struct export_sets sets = {.items = calloc(room, sizeof *sets.items)};
    if (sets.items && make_sets(&args, sinks, sink_count, &sets))
        code = export_run(&sets, quiet, json);
    for (size_t i = 0; i < sets.count; i++)
        free((char *)(uintptr_t)sets.items[i]);
    free(sets.items);
    return code;
}
