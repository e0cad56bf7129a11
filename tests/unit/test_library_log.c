/* test_library_log.c: the caller's function for log lines: it may use the trace that it is told of,
 * and is not called once that is freed. */
#include "replays.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "plugin_files.h"

static void nap(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

/* ---- A plugin that comes too late */

static const char late_code[] =
    "#include <time.h>\n"
    "#include <beamtap/sink.h>\n"
    "static enum tap_status create(const struct tap_host *h, const void *s, void **self)\n"
    "{ (void)s; (void)self; nanosleep(&(struct timespec){11, 0}, NULL);\n"
    "  for (;;) {\n" /* and never ends: what is left to it is no leak */
    "    h->log(h, TAP_LOG_WARNING, \"here I am\");\n"
    "    nanosleep(&(struct timespec){0, 100000000}, NULL); } }\n"
    "static enum tap_status ok(void *self) { (void)self; return TAP_OK; }\n"
    "static enum tap_status consume(void *s, const struct tap_batch *b, const uint32_t *e,\n"
    "                               size_t n)\n"
    "{ (void)s; (void)b; (void)e; (void)n; return TAP_OK; }\n"
    "static void destroy(void *self) { (void)self; }\n"
    "static const struct tap_sink_ops ops = {sizeof ops, create, ok, consume, ok, ok, destroy};\n"
    "static const struct tap_plugin plugin = {TAP_PLUGIN_HEADER, .kind = TAP_PLUGIN_SINK,\n"
    "  .name = \"late\", .version = \"1\", .summary = \"late\", .license = \"none\",\n"
    "  .settings_size = 8, .ops = &ops};\n"
    "TAP_EXPORT const struct tap_plugin *beamtap_plugin_v1(void) { return &plugin; }\n";

static atomic_bool freed, called_after;
static atomic_int lines;
static void count_line(void *arg, enum tap_log_level level, const char *actor, const char *text)
{
    (void)arg, (void)level, (void)actor, (void)text;
    atomic_fetch_add(&lines, 1);
    if (atomic_load(&freed))
        atomic_store(&called_after, true);
}

static void a_plugin_that_is_late_tells_nobody(void)
{
    struct recorded r;
    struct tap_trace_options options = TAP_TRACE_OPTIONS;
    char more[512];
    CU_ASSERT_FATAL(files_compile("beamtap_sink_late.so", late_code, ""));
    snprintf(more, sizeof more, "[session]\nplugin_path = %s\n[sink:late]\n", files_here());
    replay_begin(&r);
    replay_node_down(&r, 0);
    options.log = count_line;
    CU_ASSERT_PTR_NULL(replay_start(&r, &options, more));
    atomic_store(&freed, true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(replay_why);
    CU_ASSERT_PTR_NOT_NULL(strstr(replay_why, "did not come back from create"));
    free(replay_why);
    nap(3000); /* meanwhile it comes, and speaks */
    CU_ASSERT_FALSE(atomic_load(&called_after));
}

/* ---- A caller who ends the trace where he is told of something */

/* {log, warning, Text} of the node. */
static void put_word(struct recorded *r, const char *text)
{
    struct tap_buf *b = &r->bytes;
    size_t frame = fuzz_frame(b, TAP_FRAME_CONTROL | TAP_FRAME_RECORDED, r->seq[0], 0);
    size_t at = fuzz_item(b);
    tap_write_tuple(b, 3), tap_write_atom(b, "log"), tap_write_atom(b, "warning");
    tap_write_binary(b, text, strlen(text));
    fuzz_item_end(b, at);
    fuzz_frame_end(b, frame, 1);
}

static _Atomic(struct tap_trace *) told_of;
static atomic_int words;
static void end_it(void *arg, enum tap_log_level level, const char *actor, const char *text)
{
    struct tap_trace *t;
    struct tap_trace_event e = TAP_SIZED(struct tap_trace_event);
    char *why = "not told";
    (void)arg, (void)level, (void)actor;
    if (!strstr(text, "look here"))
        return;
    while (!(t = atomic_load(&told_of)))
        nap(1);
    struct tap_events *events = tap_trace_events(t, TAP_PRINT_ERLANG);
    while (tap_events_next(events, &e, -1) == TAP_NEXT_EVENT)
        ;
    tap_events_close(events);
    CU_ASSERT_FALSE(tap_trace_wait(t, -1));
    CU_ASSERT_EQUAL(tap_trace_stop(t, &why), TAP_OK);
    CU_ASSERT_PTR_NULL(why);
    tap_trace_free(t);
    atomic_fetch_add(&words, 1);
}

static void a_trace_is_ended_where_its_lines_go(void)
{
    struct recorded r;
    struct tap_trace_options options = TAP_TRACE_OPTIONS;
    alarm(60);
    replay_begin(&r);
    replay_calls(&r, 0, 10);
    put_word(&r, "look here");
    replay_calls(&r, 0, 10);
    replay_node_down(&r, 0);
    options.log = end_it;
    struct tap_trace *t = replay_start(&r, &options, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    atomic_store(&told_of, t);
    CU_ASSERT(tap_trace_wait(t, 30000));
    CU_ASSERT_EQUAL(tap_trace_stop(t, NULL), TAP_OK);
    CU_ASSERT_EQUAL(atomic_load(&words), 1);
    tap_trace_free(t);
}

UNIT_TESTS("library_log", UNIT_TEST(a_plugin_that_is_late_tells_nobody),
           UNIT_TEST(a_trace_is_ended_where_its_lines_go))
