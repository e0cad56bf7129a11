/* around.c: see around.h. It is a run that plays the file through the filter into a sink of its
 * own, which is at its end with the first event. */
#include "cli/around.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/event_names.h"
#include "beamtap/sink.h"
#include "cli/cli.h"
#include "cli/play.h"
#include "cli/run.h"
#include "cli/signals.h"
#include "config/pattern_kind.h"
#include "config/triggers.h"
#include "library/defaults.h"
#include "session/session.h"

struct around {
    const struct tap_host *host;
    int64_t ts; /* 0: there was none yet */
};

static enum tap_status around_create(const struct tap_host *host, const void *settings, void **self)
{
    (void)settings;
    struct around *a = calloc(1, sizeof *a);
    if (!a)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    a->host = host;
    *self = a;
    return TAP_OK;
}

static enum tap_status around_nothing(void *self)
{
    (void)self;
    return TAP_OK;
}

static enum tap_status around_consume(void *self, const struct tap_batch *batch,
                                      const uint32_t *select, size_t n)
{
    struct around *a = self;
    for (size_t i = 0; i < n && !a->ts; i++) {
        const struct tap_event *e = tap_batch_event(batch, select[i]);
        if (!tap_kind_is_control(e->kind))
            a->ts = e->ts;
    }
    return a->ts ? TAP_ENDED : TAP_OK;
}

static const struct tap_sink_ops around_ops = {.struct_size = sizeof around_ops,
                                               .create = around_create,
                                               .start = around_nothing,
                                               .consume = around_consume,
                                               .flush = around_nothing,
                                               .stop = around_nothing,
                                               .destroy = free};
static const struct tap_plugin around_plugin = {
    TAP_PLUGIN_HEADER,  .kind = TAP_PLUGIN_SINK,         .name = "around",
    .version = "",      .summary = "waits for an event", .license = "Apache-2.0",
    .ops = &around_ops, .flags = TAP_PLUGIN_NO_RAW};
static const struct tap_loaded around_loaded = {&around_plugin, "built in", NULL};

/* What the run says of itself is said when it is played for its sinks. */
static void quiet(void *arg, enum tap_log_level level, const char *actor, const char *text)
{
    (void)arg, (void)level, (void)actor, (void)text;
}

/* Events of which the filter could not tell: it leaves them out. */
static long long undecided_of(const struct tap_session *session)
{
    const char *section, *name;
    int64_t value;
    for (size_t i = 0; tap_session_counter(session, i, &section, &name, &value); i++)
        if (strcmp(name, tap_trigger_patterns.undecided) == 0)
            return value;
    return 0;
}

static void tell_nothing(const char *path, const char *pattern, long long undecided)
{
    if (tap_signals_asked())
        fprintf(stderr,
                "beamtap: interrupted before %s was looked through for %s: nothing was exported\n",
                path, pattern);
    else if (undecided)
        fprintf(stderr,
                "beamtap: in %s nothing is like %s for certain; of %lld events it cannot be told "
                "from what is recorded of them (their arguments are cut or left out)\n",
                path, pattern, undecided);
    else
        fprintf(stderr, "beamtap: in %s nothing is like %s\n", path, pattern);
}

/* An earlier one may have been meant. */
static void tell_unsure(const char *path, const char *pattern, long long undecided)
{
    if (undecided)
        fprintf(stderr,
                "beamtap: in %s the first event that is like %s for certain was taken; of %lld up "
                "to about there it cannot be told from what is recorded of them\n",
                path, pattern, undecided);
}

static int find(const struct tap_config *config, struct tap_error *err, const char *path,
                const char *pattern, int64_t *ts, int64_t *started)
{
    struct tap_session *session = tap_session_new_logged(config, err, quiet, NULL);
    const struct around *a = NULL;
    if (session && tap_play_watch(session)) {
        bool begun;
        tap_play(session, &begun);
        a = tap_session_self_of(session, &around_loaded);
    }
    tap_signals_forget();
    *ts = a && !tap_signals_asked() ? a->ts : 0;
    *started = a ? a->host->run_info->started : 0;
    if (!*ts && tap_error_count(err) == 0)
        tell_nothing(path, pattern, a ? undecided_of(session) : 0);
    else if (!*ts)
        tap_error_print(err, stderr);
    else
        tell_unsure(path, pattern, undecided_of(session));
    int code = *ts ? 0 : tap_error_count(err) ? (int)tap_error_status(err) : 1;
    tap_session_free(session);
    return code;
}

/* As with start_on: what cannot be judged is not what is looked for. */
static bool set_pattern(struct tap_cli_sets *sets, const char *pattern)
{
    const char *key = strrchr(tap_defaults.match_spec, '.');
    return tap_cli_set(sets, "%s=%s", tap_defaults.match_spec, pattern) &&
           tap_cli_set(sets, "%.*s.%s=%s", (int)(key - tap_defaults.match_spec),
                       tap_defaults.match_spec, tap_trigger_patterns.undecided,
                       tap_trigger_patterns.drop) &&
           tap_cli_set(sets, "session.events=%s", tap_event_name(tap_pattern_kind(pattern)));
}

int tap_cli_around(const struct tap_cli_args *files, const char *pattern, int64_t *ts,
                   int64_t *started)
{
    struct tap_cli_sets sets = {NULL, 0};
    struct tap_error *err = tap_error_new();
    struct tap_config *config = NULL;
    int code = 1;
    if (err && tap_cli_sets_recordings(&sets, files) && set_pattern(&sets, pattern)) {
        if (tap_config_embed(NULL, tap_defaults.transport, (const char *const *)sets.sets,
                             sets.set_count, &around_loaded, &config, err) == TAP_OK) {
            code = find(config, err, files->words[0], pattern, ts, started);
        } else {
            tap_error_print(err, stderr);
            code = (int)tap_error_status(err);
        }
    }
    tap_config_free(config);
    tap_error_free(err);
    tap_cli_sets_free(&sets);
    return code;
}
