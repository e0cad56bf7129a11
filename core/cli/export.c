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

/* The transport of the recording, and what --sink and --set ask for. */
static int export_file(const struct tap_cli_sets *sinks, const struct tap_cli_args *args,
                       bool quiet, bool json)
{
    size_t n = 0;
    char *path = NULL;
    const char **sets = calloc(1 + sinks->set_count + args->set_count, sizeof *sets);
    if (!sets || asprintf(&path, "%s.path=%s", tap_defaults.recording, args->words[0]) < 0) {
        fputs("beamtap: out of memory\n", stderr);
        free(sets);
        return 1;
    }
    sets[n++] = path;
    for (size_t i = 0; i < sinks->set_count; i++)
        sets[n++] = sinks->sets[i];
    for (size_t i = 0; i < args->set_count; i++)
        sets[n++] = args->sets[i];
    int code = export_run(sets, n, quiet, json);
    free(path);
    free(sets);
    return code;
}

int tap_cli_export(int argc, char **argv)
{
    const char *words[argc], *given[argc];
    char *rest[argc];
    struct tap_cli_args args = {.words = words, .sets = given};
    struct tap_cli_sets sinks = {NULL, 0};
    bool quiet = false, json = false, wrong = false;
    const struct tap_cli_flag flags[] = {{"--quiet", &quiet}, {"--json", &json}, {NULL, NULL}};
    int n = 0, code = 2;
    for (int i = 0; i < argc && !wrong; i++) {
        const char *value = NULL;
        if (!tap_cli_value(argv[0], argc, argv, &i, "--sink", &value, &wrong))
            rest[n++] = argv[i];
        else
            wrong |= value && !tap_cli_sink(argv[0], value, &sinks);
    }
    if (wrong || !tap_cli_read(n, rest, flags, 1, 1, &args))
        code = 2;
    else if (sinks.set_count == 0)
        fputs("beamtap export: no sink is given (--sink NAME:KEY=VALUE,..., such as --sink "
              "csv:path=out.csv)\n",
              stderr);
    else
        code = export_file(&sinks, &args, quiet, json);
    tap_cli_sets_free(&sinks);
    return code;
}
