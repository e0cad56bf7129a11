/* call.c: `beamtap call NODE MODULE FUNCTION '[ARGS]'`: one call under trace, on the library's own
 * functions.
 *
 * The result goes to stdout; the events go to the sinks of --sink, or to stderr as lines of text.
 * An exception, a timeout and a killed caller are failures of the call: exit 1, told on stderr.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "beamtap/beamtap.h"
#include "cli/cli.h"
#include "base/error.h"
#include "config/options.h"
#include "term/print.h"

/* How often the process was asked to end. */
static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

struct call_options {
    const char *timeout, *linger, *ini;
    bool elixir, erlang, quiet, json;
    const char **sets; /* all that become settings */
    char **owned;      /* those of them that are ours */
    size_t set_count, owned_count;
    bool sink; /* one was asked for */
};

static bool fail(const char *format, const char *what)
{
    fputs("beamtap call: ", stderr);
    fprintf(stderr, format, what);
    fputc('\n', stderr);
    return false;
}

/* "chrome:path=a.json,args=false" -> sink:chrome.path=a.json, sink:chrome.args=false. A comma in a
 * value is written twice. */
static bool add_sink(struct call_options *o, const char *text)
{
    size_t name = strcspn(text, ":");
    const char *p = text + name;
    o->sink = true;
    do {
        char *set = malloc(strlen(text) + 16), *to = set;
        if (!set)
            return fail("%s", "out of memory");
        to += sprintf(to, "sink:%.*s.%s", (int)name, text, *p ? "" : "plugin=");
        if (!*p)
            to += sprintf(to, "%.*s", (int)name, text);
        for (p += *p != 0; *p && (*p != ',' || p[1] == ','); p++)
            p += *p == ',', *to++ = *p;
        *to = 0;
        o->owned[o->owned_count++] = set;
        o->sets[o->set_count++] = set;
    } while (*p);
    return true;
}

/* The value of an option that takes one, in either form. False: it is another option; told when the
 * value is missing. */
static bool value_of(int argc, char **argv, int *i, const char *name, const char **value,
                     bool *wrong)
{
    size_t n = strlen(name);
    if (strncmp(argv[*i], name, n) != 0 || (argv[*i][n] && argv[*i][n] != '='))
        return false;
    *value = argv[*i][n] ? argv[*i] + n + 1 : *i + 1 < argc ? argv[++*i] : NULL;
    if (!*value)
        *wrong = !fail("%s needs a value after it", name);
    return true;
}

/* Takes the options with values out of argv; what is left is for tap_cli_read. -1: told. */
static int take_options(int argc, char **argv, struct call_options *o, char **left)
{
    int n = 0;
    bool wrong = false;
    for (int i = 0; i < argc && !wrong; i++) {
        const char *value = NULL;
        if (strcmp(argv[i], "--") == 0) {
            while (i < argc)
                left[n++] = argv[i++];
        } else if (value_of(argc, argv, &i, "--timeout", &value, &wrong)) {
            o->timeout = value;
        } else if (value_of(argc, argv, &i, "--linger", &value, &wrong)) {
            o->linger = value;
        } else if (value_of(argc, argv, &i, "--config", &value, &wrong)) {
            o->ini = value;
        } else if (value_of(argc, argv, &i, "--sink", &value, &wrong)) {
            wrong |= value && !add_sink(o, value);
        } else {
            left[n++] = argv[i];
        }
    }
    return wrong ? -1 : n;
}

static bool duration_of(const char *text, const char *what, int64_t *ns)
{
    if (!text || tap_parse_duration(text, ns))
        return true;
    fprintf(stderr, "beamtap call: %s %s: this is no duration, such as 500ms, 10s or 0\n", what,
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

/* The exit code. */
static int print_result(const struct tap_call_result *r, const struct tap_trace_figures *f,
                        const struct call_options *o)
{
    static const char *const ends[] = {
        [TAP_CALL_NONE] = "unknown",    [TAP_CALL_RETURNED] = "returned",
        [TAP_CALL_THROW] = "throw",     [TAP_CALL_ERROR] = "error",
        [TAP_CALL_EXIT] = "exit",       [TAP_CALL_DIED] = "died",
        [TAP_CALL_TIMEOUT] = "timeout", [TAP_CALL_STOPPED] = "stopped"};
    if (o->json) {
        print_json_text("end", ends[r->end], "{");
        print_json_text("value", r->text, ",");
        if (*r->stack)
            print_json_text("stack", r->stack, ",");
        printf(",\"produced\":%llu,\"kept\":%llu,\"filtered\":%llu,\"lost\":%llu}\n",
               (unsigned long long)f->produced, (unsigned long long)f->kept,
               (unsigned long long)f->filtered, (unsigned long long)f->lost);
    }
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
    struct tap_trace_event e;
    int64_t first = 0;
    while (events && tap_events_next(events, &e, 0) == TAP_NEXT_EVENT) {
        if (e.kind > TAP_LOST && e.kind != TAP_GAP)
            continue;
        first = first ? first : e.ts;
        fprintf(stderr, "%12.6f  %-12s %s", (double)(e.ts - first) / 1e9, e.pid, e.event);
        if (e.kind == TAP_LOST || e.kind == TAP_GAP)
            fprintf(stderr, " %llu %s (%s)",
                    e.kind == TAP_LOST ? (unsigned long long)e.lost : (unsigned long long)e.gap,
                    e.kind == TAP_LOST ? "events" : "ns", e.reason);
        else if (*e.module)
            fprintf(stderr, " %s:%s/%d", e.module, e.function, e.arity);
        if (*e.peer)
            fprintf(stderr, " %s", e.peer);
        fprintf(stderr, "%s%s\n", *e.message ? " " : "", e.message);
    }
    if (events && tap_events_missed(events))
        fprintf(stderr, "beamtap: the first %llu events are not shown: a --sink takes all\n",
                (unsigned long long)tap_events_missed(events));
    tap_events_close(events);
}

static int run_call(const struct tap_trace_options *options, const struct call_options *o)
{
    struct tap_trace *trace;
    struct tap_call_result result;
    struct tap_trace_figures figures = {.struct_size = sizeof figures};
    char *why = NULL;
    enum tap_status status = tap_trace_start(options, &trace, &why);
    told(status, why);
    if (status != TAP_OK)
        return (int)status;
    while (!tap_trace_wait(trace, 50) && !signals)
        ;
    status = tap_trace_stop(trace, &why);
    told(status, why);
    tap_trace_result(trace, &result);
    tap_trace_figures(trace, &figures);
    bool elixir = o->elixir || (!o->erlang &&
                                (*options->call->module == ':' ||
                                 (*options->call->module >= 'A' && *options->call->module <= 'Z')));
    if (!o->sink && !o->ini && !o->quiet)
        print_events(trace, elixir ? TAP_PRINT_ELIXIR : TAP_PRINT_ERLANG);
    fflush(stderr);
    int code = print_result(&result, &figures, o);
    if (figures.lost && !o->quiet)
        fprintf(stderr, "beamtap: %llu of %llu events were lost\n",
                (unsigned long long)figures.lost, (unsigned long long)figures.produced);
    tap_trace_free(trace);
    return status != TAP_OK ? (int)status : code;
}

int tap_cli_call(int argc, char **argv)
{
    const char *words[argc], *given[argc], **sets;
    char *left[argc + 1];
    size_t most = (size_t)argc + 8;
    for (int i = 0; i < argc; i++)
        for (const char *comma = argv[i]; (comma = strchr(comma, ',')); comma++)
            most++;
    struct call_options o = {.sets = calloc(most, sizeof *sets),
                             .owned = calloc(most, sizeof *o.owned)};
    sets = o.sets;
    struct tap_cli_args args = {.words = words, .sets = given};
    const struct tap_cli_flag flags[] = {{"--elixir", &o.elixir},
                                         {"--erlang", &o.erlang},
                                         {"--quiet", &o.quiet},
                                         {"--json", &o.json},
                                         {NULL, NULL}};
    struct tap_call call = TAP_CALL;
    struct tap_trace_options options = TAP_TRACE_OPTIONS;
    if (!o.sets || !o.owned) {
        free(o.sets);
        free(o.owned);
        return fail("%s", "out of memory"), 1;
    }
    int n = take_options(argc, argv, &o, left), code = 2;
    if (n > 0 && tap_cli_read(n, left, flags, 3, 4, &args) &&
        duration_of(o.timeout, "--timeout", &call.timeout) &&
        duration_of(o.linger, "--linger", &call.linger)) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        memcpy(&sets[o.set_count], given, args.set_count * sizeof *sets);
        o.set_count += args.set_count;
        sets[o.set_count] = NULL;
        call.module = words[1];
        call.function = words[2];
        call.arguments = args.word_count > 3 ? words[3] : "[]";
        call.syntax = o.elixir ? TAP_SYNTAX_ELIXIR : o.erlang ? TAP_SYNTAX_ERLANG : TAP_SYNTAX_AUTO;
        if (o.timeout && call.timeout == 0)
            call.timeout = -1; /* written as 0: no limit */
        options.file = o.ini;
        options.nodes = (const char *[]){words[0], NULL};
        options.settings = sets;
        options.call = &call;
        options.log = log_line;
        options.log_arg = &o;
        code = tap_cli_flush(run_call(&options, &o));
    }
    for (size_t i = 0; i < o.owned_count; i++)
        free(o.owned[i]);
    free(o.owned);
    free(o.sets);
    return code;
}
