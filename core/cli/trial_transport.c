/* trial_transport.c: the trials of a transport, and of a sink or filter with a recording: a session
 * of its own, for that is what makes a transport's host. The other end is a sink that counts.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/info_sink.h"
#include "cli/run.h"
#include "cli/trial.h"
#include "library/defaults.h"
#include "session/session.h"

#define POLL_MS 20

static void no_log(void *arg, enum tap_log_level level, const char *actor, const char *text)
{
    (void)arg, (void)level, (void)actor, (void)text;
}

/* Why the session failed; a failure without a word is one more mistake. `expected`: it must
 * fail. */
static void tell_causes(struct tap_trial *t, size_t from, bool expected)
{
    for (size_t i = from; i < tap_error_count(t->err); i++) {
        const struct tap_cause *c = tap_error_get(t->err, i);
        if (!expected || strstr(c->message, "did not say why"))
            tap_trial_finds(t, "%s", c->message);
    }
}

/* ---- A session */

struct playing {
    struct tap_trial *trial;
    struct tap_cli_sets sets;
    struct tap_config *config;
    struct tap_session *session;
    uint64_t moved; /* all that was counted when it was looked at last */
};

/* The transport has a node to go to that is not there, and a cookie. */
static bool set_unreachable(struct playing *p)
{
    struct tap_trial *t = p->trial;
    char cookie[96];
    snprintf(cookie, sizeof cookie, "%.60s/cookie", t->folder);
    int fd = open(cookie, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
    bool good = fd >= 0 && write(fd, "trial", 5) == 5;
    if (fd >= 0)
        close(fd);
    return good && tap_cli_set(&p->sets, "session.nodes=beamtap_trial@127.0.0.1") &&
           tap_cli_set(&p->sets, "session.cookie_file=%s", cookie);
}

static bool sets_given(struct playing *p)
{
    for (size_t i = 0; i < p->trial->set_count; i++)
        if (!tap_cli_set(&p->sets, "%s", p->trial->sets[i]))
            return false;
    return true;
}

/* What it must be told and was not: a file that is not there. */
static bool set_required(struct playing *p)
{
    const struct tap_trial *t = p->trial;
    size_t n = strlen(t->section);
    for (size_t i = 0; i < t->loaded->plugin->option_count; i++) {
        const struct tap_option *o = &t->loaded->options[i];
        bool said = false;
        for (size_t k = 0; k < t->set_count; k++)
            said |= strncmp(t->sets[k], t->section, n) == 0 && t->sets[k][n] == '.' &&
                    strncmp(t->sets[k] + n + 1, o->name, strlen(o->name)) == 0;
        if (o->flags & TAP_OPT_REQUIRED && o->type == TAP_OPT_PATH && !said &&
            !tap_cli_set(&p->sets, "%s.%s=%s/none", t->section, o->name, t->folder))
            return false;
    }
    return true;
}

/* A file: some read what is told live. */
static bool plays_files(const struct tap_trial *t)
{
    for (size_t i = 0; i < t->loaded->plugin->option_count; i++)
        if (t->loaded->options[i].type == TAP_OPT_PATH &&
            strcmp(t->loaded->options[i].name, "path") == 0)
            return t->shared->flags & TAP_PLUGIN_REPLAYS;
    return false;
}

/* A configuration with this transport and the sink that counts. */
static bool configure(struct playing *p)
{
    const struct tap_trial *t = p->trial;
    return tap_config_embed(NULL, t->kind == TAP_PLUGIN_TRANSPORT ? t->section : NULL,
                            (const char *const *)p->sets.sets, p->sets.set_count, &tap_info_plugin,
                            &p->config, t->err) == TAP_OK;
}

/* What has come and gone so far. */
static uint64_t all_figures(const struct tap_session *session)
{
    struct tap_run_figures f;
    uint64_t sum = 0;
    if (!tap_run_figures(session, &f))
        return 0;
    for (size_t i = 0; i < f.sink_count; i++)
        sum += f.sinks[i].written + f.sinks[i].filtered + f.sinks[i].lost + f.sinks[i].bytes;
    sum += f.received + f.lost;
    tap_run_figures_free(&f);
    return sum;
}

/* Where nothing is traced the session itself gives up in time. A recording is played to its end,
 * however long that takes: so it is stuck when nothing moves. */
static void step(struct playing *p)
{
    uint64_t moved = p->trial->recording ? all_figures(p->session) : p->moved + 1;
    if (moved != p->moved)
        atomic_fetch_add(&p->trial->shared->steps, 1);
    p->moved = moved;
}

static void play(struct playing *p)
{
    static const char *const at_work[] = {[TAP_PLUGIN_TRANSPORT] = "run",
                                          [TAP_PLUGIN_FILTER] = "filter",
                                          [TAP_PLUGIN_SINK] = "consume or flush"},
                             *const at_end[] = {[TAP_PLUGIN_TRANSPORT] = "stop",
                                                [TAP_PLUGIN_FILTER] = "filter",
                                                [TAP_PLUGIN_SINK] = "consume, flush or stop"};
    struct tap_trial *t = p->trial;
    tap_trial_enters(t, "start");
    enum tap_status status = tap_session_start(p->session);
    tap_trial_enters(t, at_work[t->kind]);
    while (status == TAP_OK && !tap_session_poll(p->session, POLL_MS))
        step(p);
    tap_trial_enters(t, at_end[t->kind]);
    tap_session_finish(p->session);
    tap_trial_enters(t, NULL);
}

static void end(struct playing *p)
{
    tap_trial_enters(p->trial, "destroy");
    tap_session_free(p->session);
    tap_trial_enters(p->trial, NULL);
    tap_config_free(p->config);
    tap_cli_sets_free(&p->sets);
}

/* From the configuration to destroy. `run`: it is started. */
static void live(struct tap_trial *t, bool run, bool expected)
{
    struct playing p = {.trial = t};
    size_t causes = tap_error_count(t->err);
    bool good = sets_given(&p);
    if (good && !t->recording)
        good = set_unreachable(&p) && set_required(&p);
    else if (good && plays_files(t))
        good = tap_cli_set(&p.sets, "%s.path=%s", t->section, t->recording);
    tap_trial_enters(t, "create");
    if (good && configure(&p))
        p.session = tap_session_new_logged(p.config, t->err, no_log, NULL);
    tap_trial_enters(t, NULL);
    if (!p.session)
        tell_causes(t, causes, false);
    else if (run)
        play(&p);
    if (p.session && run && expected && tap_error_count(t->err) == causes)
        tap_trial_finds(t, "there is nothing to be traced, and it does not fail");
    if (p.session)
        tell_causes(t, causes, expected);
    end(&p);
}

/* ---- Trials */

static void create_alone(struct tap_trial *t)
{
    t->recording = NULL;
    struct tap_holdings before = tap_holdings_now();
    live(t, false, false);
    tap_holdings_compare(t, &before, "after destroy");
}

static void unreachable(struct tap_trial *t)
{
    t->recording = NULL;
    struct tap_holdings before = tap_holdings_now();
    live(t, true, true);
    tap_holdings_compare(t, &before, "after destroy");
}

static void recording(struct tap_trial *t)
{
    if (!plays_files(t) || !t->recording) {
        tap_trial_skips(t, t->recording ? "it plays no recordings" : "no recording is given");
        return;
    }
    struct tap_holdings before = tap_holdings_now();
    live(t, true, false);
    tap_holdings_compare(t, &before, "after destroy");
}

const struct tap_trial_case tap_transport_cases[] = {
    {"create, and destroy without a start", create_alone},
    {"nothing there to be traced", unreachable},
    {"a recording, played to its end", recording},
    {NULL, NULL}};

/* ---- A sink or filter with a recording */

static void judge_figures(struct tap_trial *t, const struct tap_session *session)
{
    struct tap_sink_stats stats[4];
    size_t n = tap_session_sinks(session, stats, 4);
    for (size_t i = 0; i < n && i < 4; i++)
        if (strcmp(stats[i].section, t->section) == 0 && stats[i].lost > stats[i].lost_before)
            tap_trial_finds(t, "of the recording's events it did not report %llu as written",
                            (unsigned long long)(stats[i].lost - stats[i].lost_before));
}

/* Its own section, as each life of it has it (trial_life.c). */
static bool set_section(struct playing *p)
{
    struct tap_trial *t = p->trial;
    char value[64];
    bool good = tap_cli_set(&p->sets, "%s.plugin=%s", t->section, t->name);
    if (good && tap_life_has_path(t))
        good = tap_cli_set(&p->sets, "%s.path=%s/out", t->section, t->folder);
    for (size_t i = 0; good && i < t->loaded->plugin->option_count; i++) {
        const struct tap_option *o = &t->loaded->options[i];
        bool ours = strcmp(o->name, "path") == 0 && o->type == TAP_OPT_PATH;
        if (o->flags & TAP_OPT_REQUIRED && !ours && !tap_life_is_set(t, o->name))
            good = tap_cli_set(&p->sets, "%s.%s=%s", t->section, o->name,
                               tap_life_sample(t, o, value));
    }
    return good;
}

static void replay(struct tap_trial *t)
{
    struct playing p = {.trial = t};
    size_t causes = tap_error_count(t->err);
    bool good = sets_given(&p) &&
                tap_cli_set(&p.sets, "%s.path=%s", tap_defaults.recording, t->recording) &&
                set_section(&p);
    tap_trial_enters(t, "create");
    if (good && configure(&p))
        p.session = tap_session_new_logged(p.config, t->err, no_log, NULL);
    if (p.session) {
        play(&p);
        judge_figures(t, p.session);
    }
    tell_causes(t, causes, false);
    end(&p);
}

const struct tap_trial_case tap_replay_case = {"a recording", replay};
