/* call.c: `beamtap call NODE MODULE FUNCTION '[ARGS]'`: one call under trace, on the library's own
 * functions.
 *
 * The result goes to stdout; the events go to the sinks of --sink, or to stderr as lines of text.
 * An exception, a timeout and a killed caller are failures of the call: exit 1, told on stderr.
 * What the outputs lack is the session's to tell, behind the library.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "beamtap/beamtap.h"
#include "cli/cli.h"
#include "base/error.h"
#include "cli/run.h"
#include "cli/signals.h"
#include "config/options.h"
#include "library/library.h"
#include "syntax/number.h"
#include "term/print.h"

struct call_options {
    const char *timeout, *linger, *ini;
    bool elixir, erlang, quiet, json;
    struct tap_cli_sets sinks;
    atomic_bool to_end; /* a signal came */
};

static void end_call(void *options)
{
    atomic_store(&((struct call_options *)options)->to_end, true);
}

static bool is_to_end(void *options)
{
    return atomic_load(&((struct call_options *)options)->to_end);
}

static bool fail(const char *format, const char *what)
{
    fputs("beamtap call: ", stderr);
    fprintf(stderr, format, what);
    fputc('\n', stderr);
    return false;
}

static bool duration_of(const char *text, const char *what, int64_t *ns)
{
    if (!text || tap_parse_duration(text, ns))
        return true;
    fprintf(stderr, "beamtap call: %s %s: this is not a duration, such as 500ms, 10s or 0\n", what,
            text);
    return false;
}

static void log_line(void *arg, enum tap_log_level level, const char *actor, const char *text)
{
    const struct call_options *o = arg;
    if (!o->quiet || level <= TAP_LOG_WARNING)
        fprintf(stderr, "beamtap: [%s] %s\n", actor, text);
}

static void print_json_text(const char *key, const char *text, const char *before)
{
    size_t need = tap_json_escape(NULL, 0, text, strlen(text));
    char *escaped = malloc(need + 1);
    if (!escaped)
        return;
    tap_json_escape(escaped, need, text, strlen(text));
    printf("%s\"%s\":\"%.*s\"", before, key, (int)need, escaped);
    free(escaped);
}

/* One of --sink, or of the file: not the memory that lines on stderr are printed from. */
static bool is_output(const struct tap_sink_stats *s)
{
    return strcmp(s->section, TAP_CONFIG_BUILT_IN) != 0;
}

static void print_json(const char *end, const struct tap_call_result *r,
                       const struct tap_trace_figures *f, const struct tap_run_figures *all)
{
    const char *comma = "";
    print_json_text("end", end, "{");
    print_json_text("value", r->text, ",");
    if (*r->stack)
        print_json_text("stack", r->stack, ",");
    printf(",\"produced\":%llu,\"kept\":%llu,\"filtered\":%llu,\"lost\":%llu,\"sinks\":[",
           (unsigned long long)f->produced, (unsigned long long)f->kept,
           (unsigned long long)f->filtered, (unsigned long long)f->lost);
    for (size_t i = 0; i < all->sink_count; i++) {
        const struct tap_sink_stats *s = &all->sinks[i];
        if (!is_output(s))
            continue;
        printf("%s{\"sink\":\"%s\",\"written\":%llu,\"filtered\":%llu,\"lost\":%llu}", comma,
               s->section, (unsigned long long)s->written, (unsigned long long)s->filtered,
               (unsigned long long)s->lost);
        comma = ",";
    }
    puts("]}");
}

/* The exit code. */
static int print_result(const struct tap_call_result *r, const struct tap_trace_figures *f,
                        const struct tap_run_figures *all, const struct call_options *o)
{
    static const char *const ends[] = {
        [TAP_CALL_NONE] = "unknown",    [TAP_CALL_RETURNED] = "returned",
        [TAP_CALL_THROW] = "throw",     [TAP_CALL_ERROR] = "error",
        [TAP_CALL_EXIT] = "exit",       [TAP_CALL_DIED] = "died",
        [TAP_CALL_TIMEOUT] = "timeout", [TAP_CALL_STOPPED] = "stopped"};
    if (o->json)
        print_json(ends[r->end], r, f, all);
    switch (r->end) {
    case TAP_CALL_RETURNED:
        if (!o->json)
            puts(r->text);
        return 0;
    case TAP_CALL_THROW:
    case TAP_CALL_ERROR:
    case TAP_CALL_EXIT:
        fprintf(stderr, "** %s: %s\n   %s\n", ends[r->end], r->text, r->stack);
        break;
    case TAP_CALL_DIED:
        fprintf(stderr, "** the calling process was ended by an exit signal: %s\n", r->text);
        break;
    case TAP_CALL_TIMEOUT:
        fprintf(stderr, "** it did not come back within %s: its process was killed\n",
                o->timeout ? o->timeout : "5s");
        break;
    case TAP_CALL_STOPPED:
        fputs("** it was stopped before it came back: its process was killed\n", stderr);
        break;
    case TAP_CALL_NONE: fputs("** how it ended is not known\n", stderr); break;
    }
    return 1;
}

static void told(enum tap_status status, char *why)
{
    if (status != TAP_OK)
        fprintf(stderr, "beamtap: %s\n", why ? why : "out of memory");
    free(why);
}

/* One line an event on stderr: when, who, what. */
static void print_events(struct tap_trace *trace, enum tap_print_syntax syntax)
{
    struct tap_events *events = tap_trace_events(trace, syntax);
    struct tap_trace_event e = TAP_SIZED(struct tap_trace_event);
    int64_t first = 0;
    while (events && tap_events_next(events, &e, 0) == TAP_NEXT_EVENT) {
        if (e.kind > TAP_LOST && e.kind != TAP_GAP)
            continue;
        first = first ? first : e.ts;
        fprintf(stderr, "%12s  %-12s %s", tap_number_print(e.ts - first, 1000000000, 6).text, e.pid,
                e.event);
        if (e.kind == TAP_LOST || e.kind == TAP_GAP)
            fprintf(stderr, " %llu %s (%s)",
                    e.kind == TAP_LOST ? (unsigned long long)e.lost : (unsigned long long)e.gap,
                    e.kind == TAP_LOST ? "events" : "ns", e.reason);
        else if (*e.mfa)
            fprintf(stderr, " %s", e.mfa);
        if (*e.peer)
            fprintf(stderr, " %s", e.peer);
        fprintf(stderr, "%s%s\n", *e.message ? " " : "", e.message);
    }
    if (events && tap_events_missed(events))
        fprintf(stderr, "beamtap: the first %llu events are not shown: a --sink takes all\n",
                (unsigned long long)tap_events_missed(events));
    tap_events_close(events);
}

/* Each output has losses of its own, besides those of the node. */
static void tell_losses(const struct tap_trace_figures *f, const struct tap_run_figures *all)
{
    if (f->lost)
        fprintf(stderr, "beamtap: %llu of %llu events were lost\n", (unsigned long long)f->lost,
                (unsigned long long)f->produced);
    for (size_t i = 0; i < all->sink_count; i++) {
        const struct tap_sink_stats *s = &all->sinks[i];
        if (is_output(s) && s->lost)
            fprintf(stderr, "beamtap: [%s] lacks %llu of %llu events\n", s->section,
                    (unsigned long long)s->lost,
                    (unsigned long long)(s->written + s->filtered + s->lost));
    }
}

/* What came of it: the exit code. */
static int report(struct tap_trace *trace, const struct call_options *o)
{
    struct tap_call_result result = TAP_SIZED(struct tap_call_result);
    struct tap_trace_figures figures = {.struct_size = sizeof figures};
    struct tap_run_figures all;
    if (!tap_run_figures(trace->session, &all))
        return fail("%s", "out of memory"), 1;
    tap_trace_result(trace, &result);
    tap_trace_figures(trace, &figures);
    int code = print_result(&result, &figures, &all, o);
    if (!o->quiet)
        tell_losses(&figures, &all);
    if (code == 0 && trace->config->session.fail_on_loss && tap_run_lost(&all)) {
        fputs("beamtap: events were lost, and fail_on_loss is set\n", stderr);
        code = 3;
    }
    tap_run_figures_free(&all);
    return code;
}

static int run_call(const struct tap_trace_options *options, struct call_options *o)
{
    struct tap_trace *trace;
    char *why = NULL;
    enum tap_status status = tap_trace_start(options, &trace, &why);
    told(status, why);
    if (status != TAP_OK)
        return (int)status;
    while (!tap_trace_wait(trace, 50) && !is_to_end(o))
        ;
    status = tap_trace_stop(trace, &why);
    told(status, why);
    bool elixir = o->elixir || (!o->erlang &&
                                (*options->call->module == ':' ||
                                 (*options->call->module >= 'A' && *options->call->module <= 'Z')));
    if (!o->sinks.set_count && !o->ini && !o->quiet)
        print_events(trace, elixir ? TAP_PRINT_ELIXIR : TAP_PRINT_ERLANG);
    fflush(stderr);
    int code = report(trace, o);
    tap_trace_free(trace);
    return status != TAP_OK ? (int)status : code;
}

/* What --sink and --set ask for, in this order; ends with NULL. NULL: out of memory, and told. */
static const char **all_settings(const struct call_options *o, const struct tap_cli_args *args)
{
    const char **sets = calloc(o->sinks.set_count + args->set_count + 1, sizeof *sets);
    if (!sets) {
        fail("%s", "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < o->sinks.set_count; i++)
        sets[i] = o->sinks.sets[i];
    for (size_t i = 0; i < args->set_count; i++)
        sets[o->sinks.set_count + i] = args->sets[i];
    return sets;
}

static int prepare_call(struct call_options *o, const struct tap_cli_args *args)
{
    struct tap_call call = TAP_CALL;
    struct tap_trace_options options = TAP_TRACE_OPTIONS;
    const char **sets;
    if (!duration_of(o->timeout, "--timeout", &call.timeout) ||
        !duration_of(o->linger, "--linger", &call.linger))
        return 2;
    if (!(sets = all_settings(o, args)))
        return 1;
    call.module = args->words[1];
    call.function = args->words[2];
    call.arguments = args->word_count > 3 ? args->words[3] : "[]";
    call.syntax = o->elixir ? TAP_SYNTAX_ELIXIR : o->erlang ? TAP_SYNTAX_ERLANG : TAP_SYNTAX_AUTO;
    if (o->timeout && call.timeout == 0)
        call.timeout = -1; /* written as 0: no limit */
    options.file = o->ini;
    options.nodes = (const char *[]){args->words[0], NULL};
    options.settings = sets;
    options.call = &call;
    options.log = log_line;
    options.log_arg = o;
    options.to_end = is_to_end;
    options.to_end_arg = o;
    int code = tap_signals_watch(end_call, o) ? tap_cli_flush(run_call(&options, o)) : 1;
    tap_signals_forget();
    free(sets);
    return code;
}

int tap_cli_call(int argc, char **argv)
{
    const char *words[argc], *given[argc];
    char *left[argc + 1];
    struct call_options o = {0};
    struct tap_cli_args args = {.words = words, .sets = given};
    const struct tap_cli_flag flags[] = {{"--elixir", &o.elixir},
                                         {"--erlang", &o.erlang},
                                         {"--quiet", &o.quiet},
                                         {"--json", &o.json},
                                         {NULL, NULL}};
    const struct tap_cli_option options[] = {{"--timeout", &o.timeout, NULL},
                                             {"--linger", &o.linger, NULL},
                                             {"--config", &o.ini, NULL},
                                             {NULL, NULL, NULL}};
    int n = tap_cli_take(argc, argv, options, &o.sinks, left), code = 2;
    if (n > 0 && tap_cli_read(n, left, flags, 3, 4, &args))
        code = prepare_call(&o, &args);
    tap_cli_sets_free(&o.sinks);
    return code;
}
