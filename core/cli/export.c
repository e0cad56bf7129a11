/* export.c: `beamtap export FILE --sink NAME[:KEY=VALUE,...]`: a recorded trace through any sinks.
 *
 * It is a run whose configuration is the command line: the transport that plays a file and one
 * section for each --sink (sink_args.c), made of --set arguments, so that everything a run says and
 * checks holds here too.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/run.h"
#include "library/defaults.h"

static int export_run(const char *const *sets, size_t count, bool quiet, bool json)
{
    struct tap_error *err = tap_error_new();
    struct tap_config *config = NULL;
    if (!err) {
        fputs("beamtap: out of memory\n", stderr);
        return 1;
    }
    tap_config_parse("the command line", "", 0, tap_defaults.transport, sets, count, &config, err);
    int code = tap_run_config(config, err, quiet, json);
    tap_config_free(config);
    tap_error_free(err);
    return code;
}

/* What of the recording is wanted. A time is counted from its beginning, or is the wall's. */
struct export_part {
    const char *from, *to, *nodes, *pids;
};

static bool set_time(struct tap_cli_sets *sets, const char *value, const char *counted,
                     const char *wall)
{
    return !value || tap_cli_set(sets, "%s.%s=%s", tap_defaults.time,
                                 strpbrk(value, "-:") ? wall : counted, value);
}

static bool set_part(struct tap_cli_sets *sets, const struct export_part *part)
{
    return set_time(sets, part->from, "from", "since") && set_time(sets, part->to, "to", "until") &&
           (!part->nodes || tap_cli_set(sets, "%s=%s", tap_defaults.nodes, part->nodes)) &&
           (!part->pids || tap_cli_set(sets, "%s=%s", tap_defaults.pids, part->pids));
}

/* The transport of the recording, and what --set asks for beside the sinks. */
static bool set_file(struct tap_cli_sets *sets, const struct export_part *part,
                     const struct tap_cli_args *args)
{
    bool ok = tap_cli_set(sets, "%s.path=%s", tap_defaults.recording, args->words[0]) &&
              set_part(sets, part);
    for (size_t i = 0; ok && i < args->set_count; i++)
        ok = tap_cli_set(sets, "%s", args->sets[i]);
    return ok;
}

/* Takes the options with values out of the command line; what is left goes to `rest`. */
static bool take_values(int argc, char **argv, struct export_part *part, struct tap_cli_sets *sinks,
                        char **rest, int *n)
{
    bool wrong = false;
    for (int i = 0; i < argc && !wrong; i++) {
        const char *value = NULL;
        if (tap_cli_value(argv[0], argc, argv, &i, "--sink", &value, &wrong))
            wrong |= value && !tap_cli_sink(argv[0], value, sinks);
        else if (!tap_cli_value(argv[0], argc, argv, &i, "--from", &part->from, &wrong) &&
                 !tap_cli_value(argv[0], argc, argv, &i, "--to", &part->to, &wrong) &&
                 !tap_cli_value(argv[0], argc, argv, &i, "--node", &part->nodes, &wrong) &&
                 !tap_cli_value(argv[0], argc, argv, &i, "--pids", &part->pids, &wrong))
            rest[(*n)++] = argv[i];
    }
    return !wrong;
}

int tap_cli_export(int argc, char **argv)
{
    const char *words[argc], *given[argc];
    char *rest[argc];
    struct tap_cli_args args = {.words = words, .sets = given};
    struct tap_cli_sets sets = {NULL, 0};
    struct export_part part = {0};
    bool quiet = false, json = false;
    const struct tap_cli_flag flags[] = {{"--quiet", &quiet}, {"--json", &json}, {NULL, NULL}};
    int n = 0, code = 2;
    if (!take_values(argc, argv, &part, &sets, rest, &n) ||
        !tap_cli_read(n, rest, flags, 1, 1, &args))
        code = 2;
    else if (sets.set_count == 0)
        fputs("beamtap export: no sink is given (--sink NAME:KEY=VALUE,..., such as --sink "
              "csv:path=out.csv)\n",
              stderr);
    else if (!set_file(&sets, &part, &args))
        code = 1;
    else
        code = export_run((const char *const *)sets.sets, sets.set_count, quiet, json);
    tap_cli_sets_free(&sets);
    return code;
}
