/* export.c: `beamtap export FILE... --sink NAME[:KEY=VALUE,...]`: recordings through any
 * sinks.
 *
 * It is a run whose configuration is the command line: the transport that plays files and one
 * section for each --sink (sink_args.c) and each -o (outputs.c), made of --set arguments, so that
 * everything a run says and checks holds here too.
 */
#include <string.h>

#include "base/clock.h"
#include "cli/around.h"
#include "cli/outputs.h"
#include "cli/run.h"
#include "config/options.h"
#include "library/defaults.h"

/* What of the recording is wanted. A time is counted from its beginning, or is the wall's; with
 * `around` it is how long before and behind that event. The transport passes over what is far from
 * it, the filter cuts. */
struct export_part {
    const char *from, *to, *nodes, *pids, *pace, *around;
};

/* `all`: what lies before the part has to be read too. */
static bool set_time(struct tap_cli_sets *sets, const char *value, const char *counted,
                     const char *wall, bool all)
{
    const char *key = value && strpbrk(value, "-:") ? wall : counted;
    return !value || (tap_cli_set(sets, "%s.%s=%s", tap_defaults.time, key, value) &&
                      (all || tap_cli_set(sets, "%s.%s=%s", tap_defaults.recording, key, value)));
}

/* How long before or behind; a second where nothing is said. */
static bool read_margin(const char *name, const char *text, int64_t *ns)
{
    *ns = TAP_SECOND;
    if (!text || tap_parse_duration(text, ns))
        return true;
    fprintf(stderr, "beamtap export: %s %s: with --around this is a time such as 2s\n", name, text);
    return false;
}

/* Looks for the event first. The exit code. */
static int set_around(struct tap_cli_sets *sets, const struct tap_cli_args *files,
                      const struct export_part *part)
{
    int64_t before, behind, ts, started;
    for (size_t i = 0; i < files->word_count; i++) {
        if (strcmp(files->words[i], "-") == 0) {
            fputs("beamtap export: --around reads the recording twice: it must be a file\n",
                  stderr);
            return 2;
        }
    }
    if (!read_margin("--from", part->from, &before) || !read_margin("--to", part->to, &behind))
        return 2;
    int code = tap_cli_around(files, part->around, &ts, &started);
    if (code)
        return code;
    char from[32], to[32];
    int64_t at = ts > started ? ts - started : 0;
    snprintf(from, sizeof from, "%lldns", (long long)(at > before ? at - before : 0));
    snprintf(to, sizeof to, "%lldns",
             (long long)(behind < INT64_MAX - at ? at + behind + 1 : INT64_MAX));
    return set_time(sets, from, "from", "since", part->pids) &&
                   set_time(sets, to, "to", "until", false)
               ? 0
               : 1;
}

static bool set_part(struct tap_cli_sets *sets, const struct export_part *part)
{
    /* Events from before tell who was born below whom, and what they are called. */
    return (part->around || (set_time(sets, part->from, "from", "since", part->pids) &&
                             set_time(sets, part->to, "to", "until", false))) &&
           (!part->nodes || tap_cli_set(sets, "%s=%s", tap_defaults.nodes, part->nodes)) &&
           (!part->pids || tap_cli_set(sets, "%s=%s", tap_defaults.pids, part->pids)) &&
           (!part->pace || tap_cli_set(sets, "%s.pace=%s", tap_defaults.recording, part->pace));
}

/* The transport of the recordings, and what --set asks for beside the sinks. */
static bool set_file(struct tap_cli_sets *sets, const struct export_part *part,
                     const struct tap_cli_args *args)
{
    return tap_cli_sets_recordings(sets, args) && set_part(sets, part) &&
           tap_cli_sets_given(sets, args);
}

int tap_cli_export(int argc, char **argv)
{
    const char *words[argc], *given[argc], *files[argc];
    char *rest[argc];
    struct tap_cli_args args = {.words = words, .sets = given};
    struct tap_cli_outputs to = {"export", tap_defaults.text, false, files, 0};
    struct tap_cli_sets sets = {NULL, 0};
    struct export_part part = {0};
    bool quiet = false, json = false;
    const struct tap_cli_flag flags[] = {{"--quiet", &quiet}, {"--json", &json}, {NULL, NULL}};
    const struct tap_cli_option options[] = {
        {"--from", &part.from, NULL},  {"--to", &part.to, NULL},
        {"--node", &part.nodes, NULL}, {"--pids", &part.pids, NULL},
        {"--pace", &part.pace, NULL},  {"--around", &part.around, NULL},
        {"-o", files, &to.count},      {NULL, NULL, NULL}};
    int n = tap_cli_take(argc, argv, options, &sets, rest), code = 2;
    if (n < 0 || !tap_cli_read(n, rest, flags, 1, (size_t)argc, &args))
        code = 2;
    else if (sets.set_count == 0 && to.count == 0)
        fputs("beamtap export: no sink is given (-o out.csv, or --sink NAME:KEY=VALUE,..., such as "
              "--sink csv:path=out.csv)\n",
              stderr);
    else if ((code = tap_cli_outputs(&to, &args, &sets)) != 0)
        ; /* told */
    else if (!set_file(&sets, &part, &args))
        code = 1;
    else if (!part.around || (code = set_around(&sets, &args, &part)) == 0)
        code = tap_run_sets(&sets, quiet, json);
    tap_cli_sets_free(&sets);
    return code;
}
