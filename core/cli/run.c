/* run.c: `beamtap run FILE.ini`: a trace from its start to its summary.
 * What signals do to it: signals.h.
 */
#include "cli/run.h"

#include <string.h>

#include "cli/cli.h"
#include "cli/play.h"
#include "cli/signals.h"
#include "library/defaults.h"
#include "plan/plan.h"

#define POLL_MS 50
#define LIVE_EVERY 4 /* polls */

/* Does some sink write to a path of these? NULL ends them. */
static bool some_sink_writes(const struct tap_config *config, const char *const *paths)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        const struct tap_instance *in = &config->instances[i];
        const struct tap_option *options = in->loaded->options;
        size_t n = in->kind == TAP_PLUGIN_SINK ? in->loaded->plugin->option_count : 0;
        for (size_t o = 0; o < n; o++) {
            if (options[o].type != TAP_OPT_PATH || strcmp(options[o].name, "path") != 0)
                continue; /* by that name it may be a number */
            const char *path =
                *(const char *const *)((const char *)in->settings + options[o].offset);
            for (size_t k = 0; path && paths[k]; k++)
                if (strcmp(path, paths[k]) == 0)
                    return true;
        }
    }
    return false;
}

/* To stdout? Then nothing else may: the JSON goes to stderr, in place of the text. */
static bool stdout_is_data(const struct tap_config *config)
{
    static const char *const paths[] = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", NULL};
    return some_sink_writes(config, paths);
}

/* To the terminal? Then it is the sink's alone until the end. */
static bool terminal_is_taken(const struct tap_config *config)
{
    static const char *const paths[] = {"/dev/tty", NULL};
    return some_sink_writes(config, paths);
}

/* Not where a recording is played: what it holds is held. */
static void advise(const struct tap_plan *plan)
{
    const char *advice;
    for (size_t i = 0; plan->node_count && (advice = tap_plan_advice(plan, i)); i++)
        tap_live_log(NULL, TAP_LOG_INFO, "session", advice);
}

static void wait_for_end(struct tap_session *session, const struct tap_error *err)
{
    for (unsigned i = 0; !tap_session_poll(session, POLL_MS); i++) {
        tap_live_causes(err);
        if (i % LIVE_EVERY == 0)
            tap_live_show(session);
    }
}

/* Runs a created trace; the exit code. */
static int run_trace(struct tap_session *session, const struct tap_config *config,
                     struct tap_error *err, bool quiet, bool json)
{
    struct tap_run_figures figures;
    tap_live_begin(quiet, config->session.duration, terminal_is_taken(config));
    tap_session_set_log(session, tap_live_log, NULL);
    advise(tap_session_plan(session));
    enum tap_status status = tap_session_start(session);
    tap_live_causes(err);
    if (status == TAP_OK)
        wait_for_end(session, err);
    status = tap_session_finish(session);
    tap_live_end();
    tap_live_causes(err);
    if (!tap_run_figures(session, &figures)) {
        fputs("beamtap: out of memory for the summary\n", stderr);
        return 1;
    }
    int code = (int)status;
    if (code == 0 && config->session.fail_on_loss && tap_run_lost(&figures))
        code = 3;
    FILE *data = stdout_is_data(config) ? stderr : stdout;
    if (!quiet && !(json && data == stderr))
        tap_summary_print(session, &figures, stderr);
    if (code == 3)
        fputs("beamtap: events were lost, and fail_on_loss is set\n", stderr);
    if (json && !tap_summary_json(session, &figures, code, data))
        code = code ? code : 1;
    tap_run_figures_free(&figures);
    return tap_cli_flush(code);
}

int tap_run_config(const struct tap_config *config, struct tap_error *err, bool quiet, bool json)
{
    struct tap_session *session = config ? tap_session_new(config, err) : NULL;
    int code = 1;
    if (session) {
        if (tap_play_watch(session))
            code = run_trace(session, config, err, quiet, json);
        tap_signals_forget();
    } else {
        tap_error_print(err, stderr);
        code = (int)tap_error_status(err);
    }
    tap_session_free(session);
    return code;
}

int tap_run_sets(const struct tap_cli_sets *sets, bool quiet, bool json)
{
    struct tap_error *err = tap_error_new();
    struct tap_config *config = NULL;
    if (!err) {
        fputs("beamtap: out of memory\n", stderr);
        return 1;
    }
    tap_config_parse("the command line", "", 0, tap_defaults.transport,
                     (const char *const *)sets->sets, sets->set_count, &config, err);
    int code = tap_run_config(config, err, quiet, json);
    tap_config_free(config);
    tap_error_free(err);
    return code;
}

int tap_cli_run(int argc, char **argv)
{
    const char *words[argc], *sets[argc];
    struct tap_cli_args args = {.words = words, .sets = sets};
    bool quiet = false, json = false;
    const struct tap_cli_flag flags[] = {{"--quiet", &quiet}, {"--json", &json}, {NULL, NULL}};
    if (!tap_cli_read(argc, argv, flags, 1, 1, &args))
        return 2;
    struct tap_error *err = tap_error_new();
    if (!err) {
        fputs("beamtap: out of memory\n", stderr);
        return 1;
    }
    struct tap_config *config = NULL;
    tap_config_load(words[0], tap_defaults.transport, sets, args.set_count, &config, err);
    int code = tap_run_config(config, err, quiet, json);
    tap_config_free(config);
    tap_error_free(err);
    return code;
}
