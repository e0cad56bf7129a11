/* outputs.c: see outputs.h. */
#include "cli/outputs.h"

#include <stdio.h>
#include <string.h>

#include "base/sized.h"
#include "plugin/registry.h"

static bool has_option(const struct tap_loaded *l, const char *name)
{
    for (size_t i = 0; i < l->plugin->option_count; i++)
        if (strcmp(l->options[i].name, name) == 0)
            return true;
    return false;
}

/* Does the file's name end in this, packed or not? `ending`: "jsonl format=json". */
static bool ends_so(const char *file, const char *ending)
{
    size_t len = strlen(file), n = strcspn(ending, " ");
    if (len > 3 && strcmp(file + len - 3, ".gz") == 0)
        len -= 3;
    return len > n + 1 && file[len - n - 1] == '.' && memcmp(file + len - n, ending, n) == 0;
}

static const char *ending_of(const struct tap_plugin *p, const char *file)
{
    const char *const *e = TAP_HAS(p, endings) ? p->endings : NULL;
    while (e && *e && !ends_so(file, *e))
        e++;
    return e ? *e : NULL;
}

static void refuse_output(const struct tap_cli_outputs *o, const char *file,
                          const struct tap_loaded *const *list, size_t n)
{
    fprintf(stderr,
            "beamtap %s: -o %s: no installed sink writes such a file (there are:", o->command,
            file);
    const char *comma = "";
    for (size_t i = 0; i < n; i++) {
        const struct tap_plugin *p = list[i]->plugin;
        for (const char *const *e = TAP_HAS(p, endings) ? p->endings : NULL; e && *e; e++) {
            fprintf(stderr, "%s .%.*s", comma, (int)strcspn(*e, " "), *e);
            comma = ",";
        }
    }
    fputs("; --sink NAME:path=FILE takes any name)\n", stderr);
}

static bool set_output(const struct tap_cli_outputs *o, struct tap_cli_sets *sets, const char *file,
                       const struct tap_loaded *sink, const char *ending)
{
    char section[TAP_CLI_SECTION];
    const char *more = ending ? strchr(ending, ' ') : NULL;
    bool terminal = strcmp(file, "-") == 0;
    return tap_cli_sink_section(sets, sink->plugin->name, section) &&
           tap_cli_set(sets, "%s.path=%s", section, file) &&
           (!more || tap_cli_set(sets, "%s.%s", section, more + 1)) &&
           (!terminal || !has_option(sink, "names") ||
            tap_cli_set(sets, "%s.names=true", section)) &&
           (!o->elixir || !has_option(sink, "syntax") ||
            tap_cli_set(sets, "%s.syntax=elixir", section));
}

/* 0, or the exit code of what was told. */
static int set_file(const struct tap_cli_outputs *o, struct tap_cli_sets *sets, const char *file,
                    const struct tap_loaded *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct tap_loaded *l = list[i];
        const char *ending = l->plugin->kind == TAP_PLUGIN_SINK && has_option(l, "path")
                                 ? ending_of(l->plugin, file)
                                 : NULL;
        if (ending)
            return set_output(o, sets, file, l, ending) ? 0 : 1;
        if (strcmp(file, "-") == 0 && l->plugin->kind == TAP_PLUGIN_SINK &&
            strcmp(l->plugin->name, o->standard) == 0)
            return set_output(o, sets, file, l, NULL) ? 0 : 1;
    }
    refuse_output(o, file, list, n);
    return 2;
}

int tap_cli_outputs(const struct tap_cli_outputs *o, const struct tap_cli_args *args,
                    struct tap_cli_sets *sets)
{
    static const char key[] = "session.plugin_path=";
    if (o->count == 0)
        return 0;
    struct tap_error *err = tap_error_new(); /* of plugins that nobody asked for: not told */
    const char *path = NULL;
    for (size_t i = 0; i < args->set_count; i++)
        if (strncmp(args->sets[i], key, sizeof key - 1) == 0)
            path = args->sets[i] + sizeof key - 1;
    struct tap_registry *registry = err ? tap_registry_new(path) : NULL;
    const struct tap_loaded **list = NULL;
    size_t n = registry ? tap_registry_list(registry, &list, err) : 0;
    int code = err ? 0 : 1;
    for (size_t i = 0; i < o->count && code == 0; i++)
        code = set_file(o, sets, o->files[i], list, n);
    tap_registry_free(registry);
    tap_error_free(err);
    return code;
}
