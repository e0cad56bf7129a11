/* library_uses.c: what a program may do with libbeamtap, and what test_library.py then holds
 * against what it knows.
 *
 *     library_uses calls NODE             each way in which a call may end: one line each, with its
 *                                         events by kind
 *     library_uses several NODE NODE      two threads, each with one call after the other in a node
 *                                         of its own
 *     library_uses small NODE CSV         more events than `keep` lets in, read while they come and
 *                                         afterwards, exported
 *     library_uses again NODE COUNT       one trace after the other; threads and descriptors before
 *                                         and after
 *     library_uses wrong                  options that are wrong
 */
#include <beamtap/beamtap.h>
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

static void die(const char *what, char *why)
{
    printf("! %s: %s\n", what, why ? why : "no reason");
    free(why);
    exit(1);
}

static struct tap_trace_options one_node(const char *const nodes[2])
{
    struct tap_trace_options o = TAP_TRACE_OPTIONS;
    o.nodes = nodes;
    return o;
}

/* ---- Calls */

static void print_call(const char *node, const char *function, const char *arguments,
                       int64_t timeout)
{
    static const char *const ends[] = {"none", "returned", "throw",   "error",
                                       "exit", "died",     "timeout", "stopped"};
    const char *const nodes[] = {node, NULL};
    struct tap_trace_options options = one_node(nodes);
    struct tap_call call = TAP_CALL;
    struct tap_call_result result = TAP_SIZED(struct tap_call_result);
    struct tap_trace *trace;
    struct tap_trace_event e = TAP_SIZED(struct tap_trace_event);
    struct tap_trace_figures f = {.struct_size = sizeof f};
    unsigned counts[64] = {0};
    char names[64][32];
    char *why;
    call.module = "e2e_call";
    call.function = function;
    call.arguments = arguments;
    call.timeout = timeout;
    if (tap_trace_call(&options, &call, &trace, &result, &why) != TAP_OK)
        die(function, why);
    struct tap_events *events = tap_trace_events(trace, TAP_PRINT_ERLANG);
    while (tap_events_next(events, &e, 0) == TAP_NEXT_EVENT)
        if (e.kind <= TAP_KIND_USER_LAST && !counts[e.kind]++)
            snprintf(names[e.kind], sizeof names[0], "%s", e.event);
    tap_events_close(events);
    tap_trace_figures(trace, &f);
    printf("%s|%s|%s|%llu|%llu|", function, ends[result.end], result.text,
           (unsigned long long)f.produced, (unsigned long long)f.lost);
    for (unsigned k = 0; k < 64; k++)
        if (counts[k])
            printf("%s=%u ", names[k], counts[k]);
    putchar('\n');
    fflush(stdout);
    tap_trace_free(trace);
}

static void calls(const char *node)
{
    print_call(node, "add", "[1, 2]", 60 * SECOND);
    print_call(node, "throws", "[x]", 60 * SECOND);
    print_call(node, "exits", "[x]", 60 * SECOND);
    print_call(node, "fails", "[x]", 60 * SECOND);
    print_call(node, "killed", "[]", 60 * SECOND);
    print_call(node, "spins", "[]", SECOND / 2);
    print_call(node, "spawns", "[900]", 60 * SECOND);
}

/* ---- Several at once */

struct several {
    const char *node;
    int base;
    char ids[10][17];
};

static void *several_thread(void *arg)
{
    struct several *s = arg;
    const char *const nodes[] = {s->node, NULL};
    for (int i = 0; i < 10; i++) {
        struct tap_trace_options options = one_node(nodes);
        struct tap_call call = TAP_CALL;
        struct tap_call_result result = TAP_SIZED(struct tap_call_result);
        struct tap_trace *trace;
        struct tap_trace_event e = TAP_SIZED(struct tap_trace_event);
        char arguments[32], expected[32], *why;
        unsigned seen = 0, others = 0;
        snprintf(arguments, sizeof arguments, "[%d]", s->base + i);
        snprintf(expected, sizeof expected, "%d", s->base + i);
        call.module = "e2e_call";
        call.function = "echo";
        call.arguments = arguments;
        call.timeout = 60 * SECOND;
        if (tap_trace_call(&options, &call, &trace, &result, &why) != TAP_OK)
            die(s->node, why);
        struct tap_events *events = tap_trace_events(trace, TAP_PRINT_ERLANG);
        while (tap_events_next(events, &e, -1) == TAP_NEXT_EVENT) {
            if (e.kind > TAP_KIND_USER_LAST)
                continue;
            seen++;
            others += strcmp(e.node, s->node) != 0 ||
                      strcmp(e.message, e.kind == TAP_FUNCTION_CALL ? arguments : expected) != 0;
        }
        if (result.end != TAP_CALL_RETURNED || strcmp(result.text, expected) != 0 || seen != 2 ||
            others)
            printf("! %s: %s, %u events, %u of them of others\n", arguments, result.text, seen,
                   others);
        snprintf(s->ids[i], sizeof s->ids[i], "%s", tap_trace_id(trace));
        tap_events_close(events);
        tap_trace_free(trace);
    }
    return NULL;
}

static void several(const char *one, const char *two)
{
    struct several s[2] = {{.node = one, .base = 1000}, {.node = two, .base = 2000}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, several_thread, &s[i]))
            die("thread", NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 20; i++)
        printf("%s\n", s[i / 10].ids[i % 10]);
}

/* ---- Less memory than events */

struct reader {
    struct tap_events *events;
    unsigned long long read, missed;
};

static void *read_all(void *arg)
{
    struct reader *r = arg;
    struct tap_trace_event e = TAP_SIZED(struct tap_trace_event);
    while (tap_events_next(r->events, &e, -1) == TAP_NEXT_EVENT)
        r->read += e.kind <= TAP_KIND_USER_LAST;
    r->missed = tap_events_missed(r->events);
    tap_events_close(r->events);
    return NULL;
}

static void small(const char *node, const char *csv)
{
    const char *const nodes[] = {node, NULL};
    struct tap_trace_options options = one_node(nodes);
    struct tap_call call = TAP_CALL;
    struct tap_trace *trace;
    struct tap_trace_figures f = {.struct_size = sizeof f};
    struct reader first = {0}, last = {0};
    char path[4096], *why;
    pthread_t thread;
    call.module = "e2e_call";
    call.function = "rounds";
    call.arguments = "[4]";
    call.timeout = 60 * SECOND;
    options.call = &call;
    options.keep = 256 << 10;
    if (tap_trace_start(&options, &trace, &why) != TAP_OK)
        die("start", why);
    first.events = tap_trace_events(trace, TAP_PRINT_ELIXIR);
    if (pthread_create(&thread, NULL, read_all, &first))
        die("thread", NULL);
    tap_trace_wait(trace, -1);
    if (tap_trace_stop(trace, &why) != TAP_OK)
        die("stop", why);
    pthread_join(thread, NULL);
    last.events = tap_trace_events(trace, TAP_PRINT_ERLANG);
    read_all(&last);
    tap_trace_figures(trace, &f);
    snprintf(path, sizeof path, "path=%s", csv);
    if (tap_trace_export(trace, "csv", (const char *[]){path, NULL}, &why) != TAP_OK)
        die("export", why);
    printf("{\"produced\":%llu,\"kept\":%llu,\"filtered\":%llu,\"lost\":%llu,\"evicted\":%llu,"
           "\"exact\":%d,\"first\":[%llu,%llu],\"last\":[%llu,%llu]}\n",
           (unsigned long long)f.produced, (unsigned long long)f.kept,
           (unsigned long long)f.filtered, (unsigned long long)f.lost,
           (unsigned long long)f.evicted, f.exact, first.read, first.missed, last.read,
           last.missed);
    tap_trace_free(trace);
}

/* ---- One after the other */

static int entries(const char *folder)
{
    DIR *d = opendir(folder);
    int n = 0;
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

static void again(const char *node, int count)
{
    const char *const nodes[] = {node, NULL}, *const modules[] = {"e2e_work", NULL},
                      *const events_of[] = {"function_call", NULL};
    int threads = 0, descriptors = 0;
    unsigned long long seen = 0;
    for (int i = 0; i <= count; i++) {
        struct tap_trace_options options = one_node(nodes);
        struct tap_trace *trace;
        struct tap_trace_event e = TAP_SIZED(struct tap_trace_event);
        char *why;
        if (i == 1) { /* what the first one needed for good is there */
            threads = entries("/proc/self/task");
            descriptors = entries("/proc/self/fd");
        }
        options.modules = modules;
        options.events = events_of;
        options.keep = 1 << 20;
        if (tap_trace_start(&options, &trace, &why) != TAP_OK)
            die("start", why);
        struct tap_events *events = tap_trace_events(trace, TAP_PRINT_ERLANG);
        do {
            if (tap_events_next(events, &e, 60000) != TAP_NEXT_EVENT)
                die("no event", NULL);
        } while (e.kind != TAP_FUNCTION_CALL);
        seen++;
        tap_events_close(events);
        if (tap_trace_stop(trace, &why) != TAP_OK)
            die("stop", why);
        tap_trace_free(trace);
    }
    printf("{\"seen\":%llu,\"threads\":%d,\"descriptors\":%d}\n", seen,
           entries("/proc/self/task") - threads, entries("/proc/self/fd") - descriptors);
}

/* ---- Mistakes */

static void mistake(const struct tap_trace_options *options)
{
    struct tap_trace *trace;
    char *why;
    enum tap_status status = tap_trace_start(options, &trace, &why);
    printf("%s|%s\n",
           status == TAP_INVALID ? "invalid"
           : status == TAP_OK    ? "ok"
                                 : "error",
           why ? why : "");
    free(why);
    if (trace)
        die("a trace of wrong options", NULL);
}

static void wrong(void)
{
    const char *const nobody[] = {"nobody@localhost", NULL},
                      *const kinds[] = {"function_cal", NULL},
                      *const settings[] = {"session.duration=soon", "sink:nothing.path=x", NULL};
    struct tap_trace_options options = one_node(NULL);
    mistake(&options);
    options = one_node(nobody);
    options.events = kinds;
    options.settings = settings;
    mistake(&options);
    options = one_node(nobody);
    options.struct_size = 8;
    mistake(&options);
    options = one_node(nobody);
    mistake(&options);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "calls") && argc == 3)
        calls(argv[2]);
    else if (!strcmp(what, "several") && argc == 4)
        several(argv[2], argv[3]);
    else if (!strcmp(what, "small") && argc == 4)
        small(argv[2], argv[3]);
    else if (!strcmp(what, "again") && argc == 4)
        again(argv[2], atoi(argv[3]));
    else if (!strcmp(what, "wrong"))
        wrong();
    else
        return 2;
    return 0;
}
