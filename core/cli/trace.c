/* trace.c: `beamtap trace NODE PATTERN...`, `beamtap profile NODE PATTERN...` and `beamtap top NODE
 * [PATTERN...]`: runs without a file.
 *
 * Like export, it is a run whose configuration is the command line: each option is a key of the INI
 * reference, and --print-config prints the file that the command stands for. So everything a run
 * says and checks holds here too, and nothing is read twice.
 */
#include <stdlib.h>
#include <string.h>

#include "base/event_names.h"
#include "beamtap/event.h"
#include "cli/cli.h"
#include "cli/outputs.h"
#include "cli/run.h"
#include "config/pattern_kind.h"
#include "config/triggers.h"
#include "library/defaults.h"

/* A first look ends by itself, soon, and fits a screen or two. */
#define FOR_USUAL "10s"
#define COUNT_USUAL "100"
/* A screen is looked at until it is left, and shows how long mailboxes are. */
#define TOP_FOR "0"
#define TOP_COUNT "0"
#define TOP_MAILBOX "1s"
#define NODE_USUAL "*@localhost" /* the one that is there */

struct trace_options {
    const char *command; /* as the user writes it */
    const char *duration, *count, *events, *pids, *interval, *keep, *follow;
    const char **start_on, **stop_on;
    size_t start_count, stop_count;
    bool profile, top, calls, memory;
    const char **outputs; /* -o */
    size_t output_count;
    struct tap_cli_sets sets;
    bool sinks; /* a --sink or -o is there */
    bool elixir, erlang, print, quiet, json;
};

/* ---- What is traced */

/* NAME@HOST, with a port, or several: no pattern has an @ so early that is in no quotes, and behind
 * it neither a blank nor a colon without a number. The first of several tells. */
static bool is_node(const char *word)
{
    size_t name = strcspn(word, "@(/' \"");
    if (word[name] != '@' || strpbrk(word, "(/"))
        return false;
    const char *host = word + name + 1, *end = host + strcspn(host, ",");
    const char *close = *host == '[' ? memchr(host, ']', (size_t)(end - host)) : NULL;
    const char *p = close ? close : host;
    while (p < end && *p != ':' && *p != ' ' && *p != '\t')
        p++;
    size_t digits = *p == ':' ? strspn(p + 1, "0123456789") : 0;
    p += *p == ':' && digits ? 1 + digits : 0;
    p += strspn(p, " \t");
    return p == end;
}

/* What is to be traced for a line of start_on or stop_on, where patterns say what is; 0: nothing
 * more. What would trace other calls or messages has to be said. */
static uint32_t waited_for(const char *line)
{
    unsigned kind;
    const char *rest;
    enum tap_trigger_what what = tap_trigger_read(line + strspn(line, " \t"), &kind, &rest);
    return what == TAP_TRIGGER_PATTERN || what == TAP_TRIGGER_MAILBOX ? 0 : TAP_KIND_BIT(kind);
}

static bool set_kinds(struct trace_options *o, uint32_t kinds)
{
    char text[256] = "";
    size_t n = 0;
    for (unsigned k = 0; k <= TAP_KIND_USER_LAST; k++)
        if (kinds & TAP_KIND_BIT(k))
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? ", " : "",
                                  tap_event_name(k));
    return tap_cli_set(&o->sets, "session.events=%s", text);
}

/* The kinds of events that the patterns speak of. */
static bool set_events(struct trace_options *o, const char *const *patterns, size_t n)
{
    uint32_t kinds = 0;
    if (o->profile)
        return tap_cli_set(&o->sets, "session.counters=calls%s%s", o->calls ? "" : ", time",
                           o->memory ? ", memory" : "") &&
               (!o->interval || tap_cli_set(&o->sets, "session.interval=%s", o->interval));
    if (o->events)
        return tap_cli_set(&o->sets, "session.events=%s", o->events);
    for (size_t i = 0; i < n; i++)
        kinds |= TAP_KIND_BIT(tap_pattern_kind(patterns[i]));
    for (size_t i = 0; kinds && i < o->start_count; i++)
        kinds |= waited_for(o->start_on[i]);
    for (size_t i = 0; kinds && i < o->stop_count; i++)
        kinds |= waited_for(o->stop_on[i]);
    bool calls = kinds & TAP_KIND_BIT(TAP_FUNCTION_CALL);
    if (o->top && calls) /* how long they take */
        kinds |= TAP_KIND_BIT(TAP_FUNCTION_RETURN) | TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION);
    if ((kinds && o->follow) || (o->top && !n))
        kinds |= TAP_KIND_BIT(TAP_MESSAGE_SEND) | TAP_KIND_BIT(TAP_MESSAGE_RECEIVE);
    return !kinds || set_kinds(o, kinds);
}

/* Shop.Cart.add and :lists.map are how Elixir writes a function. */
static bool is_elixir(const char *pattern)
{
    const char *p = pattern + strspn(pattern, " \t");
    return *p == ':' || (*p >= 'A' && *p <= 'Z');
}

/* Who means an event writes its name where a module's would stand. */
static bool is_event(const char *command, const char *const *patterns, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (unsigned kind = 0; kind <= TAP_KIND_USER_LAST; kind++)
            if (strcmp(tap_event_name(kind), patterns[i]) == 0) {
                fprintf(stderr, "beamtap %s: %s is a kind of event and no module: --events %s\n",
                        command, patterns[i], patterns[i]);
                return true;
            }
    return false;
}

/* What the VM has no counter of. */
static bool is_counted(const char *const *patterns, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (tap_pattern_kind(patterns[i]) != TAP_FUNCTION_CALL) {
            fprintf(stderr, "beamtap profile: '%s': counters are of functions, not of messages\n",
                    patterns[i]);
            return false;
        }
    return true;
}

static bool set_window(struct trace_options *o)
{
    bool ok = (!o->keep || tap_cli_set(&o->sets, "session.keep=%s", o->keep)) &&
              (!o->follow || tap_cli_set(&o->sets, "session.follow=%s", o->follow));
    for (size_t i = 0; ok && i < o->start_count; i++)
        ok = tap_cli_set(&o->sets, "session.start_on=%s", o->start_on[i]);
    for (size_t i = 0; ok && i < o->stop_count; i++)
        ok = tap_cli_set(&o->sets, "session.stop_on=%s", o->stop_on[i]);
    return ok;
}

/* When it ends. */
static bool set_limits(struct trace_options *o)
{
    /* Whoever waits for something does not know how many events come before it. */
    bool waits = o->start_count || o->stop_count;
    const char *usual = o->top ? TOP_COUNT : o->sinks || o->profile || waits ? NULL : COUNT_USUAL;
    const char *count = o->count ? o->count : usual;
    const char *duration = o->duration ? o->duration : o->top ? TOP_FOR : FOR_USUAL;
    return tap_cli_set(&o->sets, "session.duration=%s", duration) &&
           (!count || tap_cli_set(&o->sets, "session.max_events=%s", count)) &&
           (!o->top || tap_cli_set(&o->sets, "session.mailbox=%s", TOP_MAILBOX));
}

static bool set_trace(struct trace_options *o, const char *nodes, const char *const *patterns,
                      size_t n)
{
    bool ok = tap_cli_set(&o->sets, "session.nodes=%s", nodes) && set_limits(o) &&
              set_events(o, patterns, n);
    for (size_t i = 0; ok && i < n; i++) {
        ok = tap_cli_set(&o->sets, "%s=%s", tap_defaults.match_spec, patterns[i]);
        o->elixir |= !o->erlang && is_elixir(patterns[i]);
    }
    return ok && set_window(o) &&
           (!o->pids || tap_cli_set(&o->sets, "%s=%s", tap_defaults.pids, o->pids));
}

/* The screen, where no --sink says more of it. */
static bool set_screen(struct trace_options *o)
{
    char section[TAP_CLI_SECTION], set[TAP_CLI_SECTION];
    int n = snprintf(set, sizeof set, "sink:%s.", tap_defaults.screen);
    bool there = false;
    for (size_t i = 0; i < o->sets.set_count; i++)
        there |= strncmp(o->sets.sets[i], set, (size_t)n) == 0;
    return (there || tap_cli_sink_section(&o->sets, tap_defaults.screen, section)) &&
           (!o->elixir || tap_cli_set(&o->sets, "%ssyntax=elixir", set));
}

/* ---- The command */

/* The first line of `whole` that is another one in `part`, but for how lines are indented; NULL:
 * none is. */
static const char *difference(const char *whole, const char *part)
{
    while (*whole || *part) {
        whole += strspn(whole, " \t");
        part += strspn(part, " \t");
        size_t n = strcspn(whole, "\n"), m = strcspn(part, "\n");
        if (n != m || memcmp(whole, part, n) != 0)
            return whole;
        whole += n + (whole[n] == '\n');
        part += n + (part[n] == '\n');
    }
    return NULL;
}

static void no_file_says(const char *line, struct tap_error *err)
{
    TAP_ERR(err, TAP_INVALID, NULL, "this cannot be written in a file: %.*s",
            (int)strcspn(line, "\n"), line);
}

/* The file, as text, to be freed. NULL, and `err` says why: it would not say the same. */
static char *file_of(const struct trace_options *o, const struct tap_config *config,
                     struct tap_error *err)
{
    size_t len = 0;
    char *text = NULL;
    const char *differs;
    struct tap_config *again = NULL;
    FILE *out = open_memstream(&text, &len);
    const char *comment = strstr(config->text, "\n; "); /* see tap_config_text */
    if (out)
        tap_cli_sets_print(&o->sets, config, out);
    if (!out || fclose(out) != 0)
        TAP_ERR(err, TAP_ERROR, "core", "out of memory");
    else if (comment)
        no_file_says(comment + 3, err);
    else if (tap_config_parse("the file that --print-config would print", text, len,
                              tap_defaults.transport, NULL, 0, &again, err) == TAP_OK &&
             (differs = difference(config->text, again->text)))
        no_file_says(differs, err);
    tap_config_free(again);
    if (tap_error_count(err) == 0)
        return text;
    free(text);
    return NULL;
}

/* Prints the file; one that would be refused is none. */
static int print_config(const struct trace_options *o)
{
    struct tap_error *err = tap_error_new();
    struct tap_config *config = NULL;
    if (err)
        tap_config_parse("the command line", "", 0, tap_defaults.transport,
                         (const char *const *)o->sets.sets, o->sets.set_count, &config, err);
    struct tap_session *session = config ? tap_session_new(config, err) : NULL;
    char *text = session ? file_of(o, config, err) : NULL;
    int code = text ? 0 : err ? (int)tap_error_status(err) : 1;
    if (text)
        fputs(text, stdout);
    else if (err)
        tap_error_print(err, stderr);
    else
        fputs("beamtap: out of memory\n", stderr);
    free(text);
    tap_session_free(session);
    tap_config_free(config);
    tap_error_free(err);
    return tap_cli_flush(code);
}

static int trace(struct trace_options *o, const struct tap_cli_args *args)
{
    bool named = args->word_count && is_node(args->words[0]);
    const char *node = named ? args->words[0] : NODE_USUAL;
    int code = 1;
    bool nothing = args->word_count == named && !o->top;
    if (nothing && (o->profile || (!o->pids && !o->events))) {
        fputs(o->profile
                  ? "beamtap profile: what is to be counted? Give a pattern, such as 'shop_*' or "
                    "shop_cart:add/2\n"
                  : "beamtap trace: what is to be traced? Give a pattern, such as "
                    "'shop_cart:add/2 -> return', or --pids or --events\n",
              stderr);
        code = 2;
    } else if (!o->profile && is_event(o->command, args->words + named, args->word_count - named)) {
        code = 2;
    } else if (o->profile && !is_counted(args->words + named, args->word_count - named)) {
        code = 2;
    } else if (set_trace(o, node, args->words + named, args->word_count - named)) {
        static const char *const terminal = "-";
        bool files = o->sinks || o->top;
        struct tap_cli_outputs to = {.command = o->command,
                                     .standard =
                                         o->profile ? tap_defaults.summary : tap_defaults.text,
                                     .elixir = o->elixir,
                                     .files = files ? o->outputs : &terminal,
                                     .count = files ? o->output_count : 1};
        code = o->top && !set_screen(o) ? 1 : tap_cli_outputs(&to, args, &o->sets);
        if (code == 0 && !tap_cli_sets_given(&o->sets, args))
            code = 1;
        else if (code == 0)
            code = o->print ? print_config(o) : tap_run_sets(&o->sets, o->quiet, o->json);
    }
    return code;
}

/* All three commands, but for the options that only one of them has. */
static int command(int argc, char **argv, struct trace_options *o, const struct tap_cli_option *own,
                   const struct tap_cli_flag *own_flags)
{
    const char *words[argc], *given[argc], *outputs[argc];
    char *rest[argc];
    struct tap_cli_args args = {.words = words, .sets = given};
    struct tap_cli_flag flags[10] = {{"--print-config", &o->print},
                                     {"--elixir", &o->elixir},
                                     {"--erlang", &o->erlang},
                                     {"--quiet", &o->quiet},
                                     {"--json", &o->json}};
    struct tap_cli_option options[14] = {{"-o", outputs, &o->output_count},
                                         {"--for", &o->duration, NULL},
                                         {"--pids", &o->pids, NULL}};
    for (size_t i = 0; own[i].name; i++)
        options[3 + i] = own[i];
    for (size_t i = 0; own_flags && own_flags[i].name; i++)
        flags[5 + i] = own_flags[i];
    o->outputs = outputs;
    int n = tap_cli_take(argc, argv, options, &o->sets, rest), code = 2;
    o->sinks = o->output_count || o->sets.set_count;
    if (n >= 0 && tap_cli_read(n, rest, flags, 0, (size_t)argc, &args))
        code = trace(o, &args);
    tap_cli_sets_free(&o->sets);
    return code;
}

int tap_cli_trace(int argc, char **argv)
{
    const char *start_on[argc], *stop_on[argc];
    struct trace_options o = {.command = "trace", .start_on = start_on, .stop_on = stop_on};
    const struct tap_cli_option own[] = {{"--count", &o.count, NULL},
                                         {"--events", &o.events, NULL},
                                         {"--keep", &o.keep, NULL},
                                         {"--follow", &o.follow, NULL},
                                         {"--start-on", start_on, &o.start_count},
                                         {"--stop-on", stop_on, &o.stop_count},
                                         {NULL, NULL, NULL}};
    return command(argc, argv, &o, own, NULL);
}

int tap_cli_profile(int argc, char **argv)
{
    struct trace_options o = {.command = "profile", .profile = true};
    const struct tap_cli_option own[] = {{"--interval", &o.interval, NULL}, {NULL, NULL, NULL}};
    const struct tap_cli_flag flags[] = {
        {"--calls", &o.calls}, {"--memory", &o.memory}, {NULL, NULL}};
    return command(argc, argv, &o, own, flags);
}

int tap_cli_top(int argc, char **argv)
{
    struct trace_options o = {.command = "top", .top = true};
    const struct tap_cli_option own[] = {{"--events", &o.events, NULL}, {NULL, NULL, NULL}};
    return command(argc, argv, &o, own, NULL);
}
