/* test_library.c: traces as programs have them (beamtap/beamtap.h), here of recordings: what
 * cursors print, and what a caller may get wrong. */
#include "replays.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

/* An atom of the VM's has 255 characters; a message with a longer one is none, and is lost. */
static void a_long_name_writes_past_no_buffer(void)
{
    static char name[UINT16_MAX];
    static const size_t lens[] = {3, 255, 1020, 4070, 4096, 8192, UINT16_MAX};
    memset(name, '"', sizeof name);
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        struct recorded r;
        struct tap_trace_options options = TAP_TRACE_OPTIONS;
        struct tap_trace_event e = TAP_SIZED(struct tap_trace_event);
        unsigned calls = 0, want = lens[i] <= 255 ? 3 : 0;
        uint64_t lost = 0;
        replay_begin(&r);
        replay_calls_of(&r, 0, 3, name, lens[i]);
        replay_node_down(&r, 0);
        struct tap_trace *t = replay_start(&r, &options, "");
        CU_ASSERT_PTR_NOT_NULL_FATAL(t);
        struct tap_events *events = tap_trace_events(t, TAP_PRINT_ERLANG);
        while (tap_events_next(events, &e, 10000) == TAP_NEXT_EVENT) {
            lost += e.kind == TAP_LOST ? e.lost : 0;
            if (e.kind != TAP_FUNCTION_CALL)
                continue;
            size_t len = strlen(e.pid);
            calls++;
            CU_ASSERT_FATAL(len > 10);
            CU_ASSERT(strncmp(e.pid, "<\"\"\"", 4) == 0 && strcmp(e.pid + len - 7, ".100.0>") == 0);
            CU_ASSERT_STRING_EQUAL(e.mfa, "shop:add/1");
            CU_ASSERT(e.message[0] == '[' && atoi(e.message + 1) == (int)e.seq);
        }
        CU_ASSERT_EQUAL(calls, want);
        CU_ASSERT_EQUAL(lost, 3 - want);
        tap_events_close(events);
        CU_ASSERT_EQUAL(tap_trace_stop(t, NULL), TAP_OK);
        tap_trace_free(t);
    }
}

/* ---- Options */

static bool asked_beyond;
static bool ask_beyond(void *arg)
{
    (void)arg;
    return asked_beyond = true;
}
static void *read_later(void *path)
{
    nanosleep(&(struct timespec){.tv_nsec = 700000000}, NULL);
    FILE *f = fopen(path, "r");
    while (f && fgetc(f) != EOF)
        ;
    return f;
}

/* A program that was built for a shorter struct: what lies behind it there is its own. */
static void of_short_options_nothing_behind_is_read(void)
{
    struct recorded r;
    struct tap_trace_options options = TAP_TRACE_OPTIONS;
    char more[512], fifo[256];
    pthread_t reader;
    void *opened;
    snprintf(fifo, sizeof fifo, "%s", replay_path("fifo.csv"));
    snprintf(more, sizeof more, "[sink:csv]\npath = %s\n", fifo);
    CU_ASSERT_EQUAL_FATAL(mkfifo(fifo, 0600), 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&reader, NULL, read_later, fifo), 0);
    options.struct_size = offsetof(struct tap_trace_options, to_end);
    options.to_end = ask_beyond;
    replay_begin(&r);
    replay_node_down(&r, 0);
    struct tap_trace *t = replay_start(&r, &options, more);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_EQUAL(tap_trace_stop(t, NULL), TAP_OK);
    tap_trace_free(t);
    pthread_join(reader, &opened);
    CU_ASSERT_PTR_NOT_NULL(opened);
    CU_ASSERT_FALSE(asked_beyond);
}

static void invalid(enum tap_status status, char **why)
{
    CU_ASSERT_EQUAL(status, TAP_INVALID);
    CU_ASSERT(*why && **why);
    free(*why);
}

static void nothing_in_the_place_of_something_is_told(void)
{
    static const char *const nodes[] = {"nobody@localhost", NULL};
    struct tap_trace_options options = TAP_TRACE_OPTIONS;
    struct tap_call call = TAP_CALL;
    struct tap_call_result result = TAP_SIZED(struct tap_call_result);
    struct tap_trace_figures f = TAP_SIZED(struct tap_trace_figures);
    struct tap_trace_event e = TAP_SIZED(struct tap_trace_event);
    struct tap_trace *t = (void *)&e;
    char *why;
    alarm(60);
    options.nodes = nodes;
    invalid(tap_trace_start(NULL, &t, &why), &why);
    invalid(tap_trace_start(&options, NULL, &why), &why);
    invalid(tap_trace_call(NULL, &call, &t, &result, &why), &why);
    t = (void *)&e;
    invalid(tap_trace_call(&options, NULL, &t, &result, &why), &why);
    CU_ASSERT_PTR_NULL(t);
    invalid(tap_trace_call(&options, &call, NULL, &result, &why), &why);
    invalid(tap_trace_call(&options, &call, &t, NULL, &why), &why); /* no function is named */
    invalid(tap_trace_stop(NULL, &why), &why);
    invalid(tap_trace_export(NULL, "csv", NULL, &why), &why);
    CU_ASSERT_EQUAL(tap_trace_start(NULL, NULL, NULL), TAP_INVALID);
    CU_ASSERT_STRING_EQUAL(tap_trace_id(NULL), "");
    CU_ASSERT(tap_trace_wait(NULL, -1));
    tap_trace_figures(NULL, &f);
    tap_trace_result(NULL, &result);
    CU_ASSERT(f.produced == 0 && result.end == TAP_CALL_NONE);
    CU_ASSERT_PTR_NULL(tap_trace_events(NULL, TAP_PRINT_ERLANG));
    CU_ASSERT_EQUAL(tap_events_next(NULL, &e, -1), TAP_NEXT_END);
    CU_ASSERT_EQUAL(tap_events_missed(NULL), 0);
    tap_events_close(NULL);
    tap_trace_free(NULL);
}

/* ---- Standard output */

static struct tap_trace *writes_standard_output(const char *lines)
{
    struct recorded r;
    struct tap_trace_options options = TAP_TRACE_OPTIONS;
    replay_begin(&r);
    replay_calls(&r, 0, 3);
    replay_node_down(&r, 0);
    return replay_start(&r, &options, lines);
}

/* One trace of a program has it, whatever the program does with the descriptor. */
static void standard_output_is_one_traces(void)
{
    int before = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct tap_trace *t, *other, *free_of_it, *after;
    char *why = NULL, *export_why = NULL;
    fflush(stdout);
    dup3(null, STDOUT_FILENO, O_CLOEXEC);
    t = writes_standard_output("[sink:csv]\npath = -\n");
    int flags = fcntl(STDOUT_FILENO, F_GETFD);
    other = writes_standard_output("[sink:stdout]\npath = /dev/stdout\n");
    why = replay_why;
    free_of_it = writes_standard_output("");
    enum tap_status exported =
        tap_trace_export(free_of_it, "csv", (const char *[]){"path=-", NULL}, &export_why);
    tap_trace_free(t);
    after = writes_standard_output("[sink:stdout]\npath = -\n");
    tap_trace_free(after);
    enum tap_status again =
        tap_trace_export(free_of_it, "csv", (const char *[]){"path=-", NULL}, NULL);
    tap_trace_free(free_of_it);
    fflush(stdout);
    dup2(before, STDOUT_FILENO);
    CU_ASSERT(t && !other && after && free_of_it);
    CU_ASSERT_EQUAL(flags, FD_CLOEXEC);
    CU_ASSERT(why && strstr(why, "another trace of this program writes standard output already"));
    CU_ASSERT(exported == TAP_INVALID && again == TAP_OK);
    CU_ASSERT(export_why && strstr(export_why, "standard output"));
    free(why);
    free(export_why);
}

UNIT_TESTS("library", UNIT_TEST(standard_output_is_one_traces),
           UNIT_TEST(nothing_in_the_place_of_something_is_told),
           UNIT_TEST(a_long_name_writes_past_no_buffer),
           UNIT_TEST(of_short_options_nothing_behind_is_read))
