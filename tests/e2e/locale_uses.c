/* locale_uses.c: libbeamtap in a program whose numbers have a decimal comma.
 *
 *     locale_uses LOCALE NODE    echoes 1.5 in the node by a call, then traces e2e_call:echo/1
 *                                where X > 1.5: each event that came, and the summary of them
 */
#include <beamtap/beamtap.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(char *why)
{
    fprintf(stderr, "%s\n", why ? why : "out of memory");
    free(why);
    return 1;
}

static int one_call(const char *const *nodes, enum tap_syntax syntax)
{
    struct tap_trace_options options = TAP_TRACE_OPTIONS;
    struct tap_call call = TAP_CALL;
    struct tap_call_result result = TAP_SIZED(struct tap_call_result);
    struct tap_trace *trace;
    char *why = NULL;
    options.nodes = nodes;
    call.module = "e2e_call";
    call.function = "echo";
    call.arguments = "[{1.5, 2.5e-10, -1234.5678901}]";
    call.syntax = syntax;
    call.timeout = INT64_C(60000000000);
    if (tap_trace_call(&options, &call, &trace, &result, &why) != TAP_OK)
        return fail(why);
    printf("call %s\n", result.text);
    tap_trace_free(trace);
    return 0;
}

int main(int argc, char **argv)
{
    const char *const nodes[] = {argc > 2 ? argv[2] : "", NULL};
    struct tap_trace_options options = TAP_TRACE_OPTIONS;
    struct tap_trace *trace;
    struct tap_trace_event e = TAP_SIZED(struct tap_trace_event);
    unsigned seen = 0;
    char one[8], *why = NULL;
    if (argc < 3 || !setlocale(LC_ALL, argv[1]))
        return fail(strdup("no such locale"));
    snprintf(one, sizeof one, "%.1f", 1.5);
    if (strcmp(one, "1,5") != 0)
        return fail(strdup("this locale has no decimal comma"));
    if (one_call(nodes, TAP_SYNTAX_ERLANG) || one_call(nodes, TAP_SYNTAX_ELIXIR))
        return 1;
    options.nodes = nodes;
    options.events = (const char *[]){"function_call", "function_return", NULL};
    options.match_spec = (const char *[]){"e2e_call:echo(X) when X > 1.5", NULL};
    options.settings = (const char *[]){"session.duration=0.5m", NULL};
    if (tap_trace_start(&options, &trace, &why) != TAP_OK)
        return fail(why);
    struct tap_events *events = tap_trace_events(trace, TAP_PRINT_ERLANG);
    while (seen < 40 && tap_events_next(events, &e, -1) == TAP_NEXT_EVENT) {
        if (e.kind > TAP_KIND_USER_LAST)
            continue;
        printf("event %s\n", e.message);
        seen++;
    }
    tap_events_close(events);
    if (tap_trace_export(trace, "summary", (const char *[]){"path=summary.txt", NULL}, &why))
        return fail(why);
    tap_trace_free(trace);
    return 0;
}
