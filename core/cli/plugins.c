/* plugins.c: `beamtap plugins [KIND:NAME | session] [--json]`: what is installed, from where, with
 * which options. `session` describes the [session] section's own options in the same way. With
 * --test a plugin is tried out (trial.h).
 *
 * A file that is no plugin is told on stderr and makes the exit code 2; the others are listed all
 * the same.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/trial.h"
#include "config/config.h"
#include "config/option_value.h"
#include "plugin/unused.h"

/* ---- For people */

static void print_option(const struct tap_option *o)
{
    char type[512];
    tap_option_describe(o, type, sizeof type);
    printf("    %-14s %s\n", o->name, type);
    if (o->help)
        printf("    %-14s   %s\n", "", o->help);
}

static void print_plugin(const struct tap_loaded *l, bool options)
{
    const struct tap_plugin *p = l->plugin;
    char name[128];
    snprintf(name, sizeof name, "%s:%s", tap_plugin_kind_name((enum tap_plugin_kind)p->kind),
             p->name);
    printf("%-22s %-8s %s\n", name, p->version ? p->version : "", p->summary ? p->summary : "");
    printf("%-31s %s\n", "", l->path);
    if (!options)
        return;
    printf("  license %s, plugin ABI %u.%u\n", p->license ? p->license : "not stated", p->abi_major,
           p->abi_minor);
    puts("  options:");
    for (size_t i = 0; i < p->option_count; i++)
        print_option(&l->options[i]);
    for (size_t i = 0; p->kind == TAP_PLUGIN_SINK && i < tap_sink_option_count; i++)
        print_option(&tap_sink_options[i]);
}

static void print_session(void)
{
    puts("session: the run as a whole\n  options:");
    for (size_t i = 0; i < tap_session_option_count; i++)
        print_option(&tap_session_options[i]);
}

/* ---- As JSON */

static const char *const type_names[] = {"string",   "path",   "bool", "int",  "size",
                                         "duration", "choice", "list", "lines"};

/* Numbers as they are written in the file: a double does not hold 64 bits. */
static bool json_range(cJSON *json, const struct tap_option *o)
{
    char text[64];
    if (o->min == 0 && o->max == 0)
        return true;
    tap_option_number_print(o, o->min, text, sizeof text);
    bool ok = cJSON_AddStringToObject(json, "min", text);
    if (o->max == 0)
        return ok;
    tap_option_number_print(o, o->max, text, sizeof text);
    return ok && cJSON_AddStringToObject(json, "max", text);
}

static bool json_option(cJSON *list, const struct tap_option *o)
{
    cJSON *json = cJSON_CreateObject();
    if (!json || !cJSON_AddItemToArray(list, json))
        return false;
    bool ok = cJSON_AddStringToObject(json, "name", o->name) &&
              cJSON_AddStringToObject(json, "type", type_names[o->type]) &&
              cJSON_AddBoolToObject(json, "required", o->flags & TAP_OPT_REQUIRED) &&
              (o->def ? cJSON_AddStringToObject(json, "default", o->def)
                      : cJSON_AddNullToObject(json, "default")) &&
              cJSON_AddStringToObject(json, "help", o->help ? o->help : "");
    bool number = o->type == TAP_OPT_INT || o->type == TAP_OPT_SIZE || o->type == TAP_OPT_DURATION;
    if (ok && number)
        ok = json_range(json, o);
    if (o->type == TAP_OPT_SIZE)
        ok = ok && cJSON_AddBoolToObject(json, "bytes", (o->flags & TAP_OPT_BYTES) != 0);
    if (ok && o->type == TAP_OPT_CHOICE) {
        cJSON *choices = cJSON_AddArrayToObject(json, "choices");
        for (size_t i = 0; choices && o->choices[i]; i++)
            cJSON_AddItemToArray(choices, cJSON_CreateString(o->choices[i]));
        ok = choices != NULL;
    }
    return ok;
}

static bool json_plugin(cJSON *list, const struct tap_loaded *l)
{
    const struct tap_plugin *p = l->plugin;
    char abi[32];
    cJSON *json = cJSON_CreateObject(), *options;
    if (!json || !cJSON_AddItemToArray(list, json))
        return false;
    snprintf(abi, sizeof abi, "%u.%u", p->abi_major, p->abi_minor);
    bool ok = cJSON_AddStringToObject(json, "kind",
                                      tap_plugin_kind_name((enum tap_plugin_kind)p->kind)) &&
              cJSON_AddStringToObject(json, "name", p->name) &&
              cJSON_AddStringToObject(json, "version", p->version ? p->version : "") &&
              cJSON_AddStringToObject(json, "summary", p->summary ? p->summary : "") &&
              cJSON_AddStringToObject(json, "license", p->license ? p->license : "") &&
              cJSON_AddStringToObject(json, "abi", abi) &&
              cJSON_AddStringToObject(json, "path", l->path) &&
              (options = cJSON_AddArrayToObject(json, "options"));
    for (size_t i = 0; ok && i < p->option_count; i++)
        ok = json_option(options, &l->options[i]);
    for (size_t i = 0; ok && p->kind == TAP_PLUGIN_SINK && i < tap_sink_option_count; i++)
        ok = json_option(options, &tap_sink_options[i]);
    return ok;
}

static bool json_session(cJSON *list)
{
    cJSON *json = cJSON_CreateObject(), *options;
    if (!json || !cJSON_AddItemToArray(list, json))
        return false;
    bool ok = cJSON_AddStringToObject(json, "kind", "session") &&
              (options = cJSON_AddArrayToObject(json, "options"));
    for (size_t i = 0; ok && i < tap_session_option_count; i++)
        ok = json_option(options, &tap_session_options[i]);
    return ok;
}

/* The plugins in the list; without one (NULL) the session's options. */
static bool print_json(const struct tap_loaded *const *list, size_t n)
{
    cJSON *json = cJSON_CreateArray();
    bool ok = json != NULL && (list || json_session(json));
    for (size_t i = 0; ok && i < n; i++)
        ok = json_plugin(json, list[i]);
    char *text = ok ? cJSON_Print(json) : NULL;
    if (text)
        puts(text);
    else
        fputs("beamtap: out of memory\n", stderr);
    free(text);
    cJSON_Delete(json);
    return text != NULL;
}

/* ---- The command */

/* KIND:NAME; false and told when there is no such kind. */
static bool read_name(const char *word, enum tap_plugin_kind *kind, const char **name)
{
    for (int k = 0; k < 3; k++) {
        const char *kind_name = tap_plugin_kind_name((enum tap_plugin_kind)k);
        size_t len = strlen(kind_name);
        if (strncmp(word, kind_name, len) == 0 && word[len] == ':' && word[len + 1]) {
            *kind = (enum tap_plugin_kind)k;
            *name = word + len + 1;
            return true;
        }
    }
    fprintf(stderr,
            "beamtap plugins: '%s' must be transport:NAME, filter:NAME, sink:NAME or session\n",
            word);
    return false;
}

static void print_unused(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "beamtap: %s\n", text);
}

static int list_session(bool json)
{
    if (json)
        return print_json(NULL, 0) ? 0 : 1;
    print_session();
    return 0;
}

static int list_plugins(struct tap_registry *registry, const char *word, bool json,
                        struct tap_error *err)
{
    const struct tap_loaded **all = NULL, *one = NULL;
    enum tap_plugin_kind kind;
    const char *name;
    size_t n = 0;
    if (!word)
        n = tap_registry_list(registry, &all, err);
    else if (!read_name(word, &kind, &name))
        return 2;
    else if ((one = tap_registry_get(registry, kind, name, NULL, NULL, err)))
        n = 1;
    const struct tap_loaded *const *list = word ? &one : all;
    if (json && (!word || one) && !print_json(list, n))
        return 1;
    for (size_t i = 0; !json && i < n; i++)
        print_plugin(list[i], word != NULL);
    if (!word && n == 0 && tap_error_count(err) == 0)
        fputs("beamtap: no plugin was found\n", stderr);
    tap_error_print(err, stderr);
    if (!word || !one)
        tap_plugin_unused(registry, print_unused, NULL);
    return (int)tap_error_status(err);
}

#define PATIENCE INT64_C(10000000000)

/* What cannot be meant, found before anything is tried. */
static bool test_makes_sense(const struct tap_trial *t)
{
    size_t n = strlen(t->section);
    for (size_t i = 0; i < t->set_count; i++)
        if (strncmp(t->sets[i], t->section, n) != 0 || t->sets[i][n] != '.') {
            fprintf(stderr,
                    "beamtap plugins: --set %s: only %s is tried here: --set %s.KEY=VALUE\n",
                    t->sets[i], t->section, t->section);
            return false;
        }
    if (t->recording && access(t->recording, R_OK) != 0) {
        fprintf(stderr, "beamtap plugins: %s: %s\n", t->recording, strerror(errno));
        return false;
    }
    return true;
}

static int test_plugin(const struct tap_cli_args *args, const char *patience)
{
    struct tap_trial t = {.section = args->words[0],
                          .sets = args->sets,
                          .set_count = args->set_count,
                          .recording = args->word_count > 1 ? args->words[1] : NULL,
                          .patience = PATIENCE};
    if (patience && (!tap_parse_duration(patience, &t.patience) || t.patience <= 0)) {
        fprintf(stderr, "beamtap plugins: --timeout: '%s' is no time, such as 10s\n", patience);
        return 2;
    }
    return read_name(args->words[0], &t.kind, &t.name) && test_makes_sense(&t)
               ? tap_cli_flush(tap_trial_run(&t))
               : 2;
}

static int test_arguments(int argc, char **argv)
{
    const char *words[argc], *sets[argc], *patience = NULL;
    char *rest[argc];
    struct tap_cli_args args = {.words = words, .sets = sets};
    struct tap_cli_sets none = {NULL, 0};
    bool test = false;
    const struct tap_cli_flag flags[] = {{"--test", &test}, {NULL, NULL}};
    const struct tap_cli_option options[] = {{"--timeout", &patience, NULL}, {NULL, NULL, NULL}};
    int n = tap_cli_take(argc, argv, options, &none, rest);
    bool good = n >= 0 && tap_cli_read(n, rest, flags, 1, 2, &args);
    tap_cli_sets_free(&none);
    return good ? test_plugin(&args, patience) : 2;
}

int tap_cli_plugins(int argc, char **argv)
{
    const char *words[argc];
    bool json = false;
    struct tap_cli_args args = {.words = words};
    const struct tap_cli_flag flags[] = {{"--json", &json}, {NULL, NULL}};
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--test") == 0)
            return test_arguments(argc, argv);
    if (!tap_cli_read(argc, argv, flags, 0, 1, &args))
        return 2;
    if (args.word_count && strcmp(words[0], "session") == 0)
        return tap_cli_flush(list_session(json));
    struct tap_error *err = tap_error_new();
    struct tap_registry *registry = tap_registry_new(NULL);
    int code = 1;
    if (err && registry)
        code = list_plugins(registry, args.word_count ? words[0] : NULL, json, err);
    else
        fputs("beamtap: out of memory\n", stderr);
    tap_registry_free(registry);
    tap_error_free(err);
    return tap_cli_flush(code);
}
