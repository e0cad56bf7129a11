/* test_export_kept.c: what a trace keeps, through a sink that holds all that it is given. */
#include "replays.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "plugin_files.h"

/* A sink that writes down the rows that it gets and holds their batches to the end. The test reads
 * and sets what it exports. */
struct row {
    unsigned kind;
    uint32_t node;
    uint64_t seq, lost;
};
struct rows {
    struct row at[4096];
    size_t n;
    unsigned changed;      /* events that were others when it stopped */
    int consumed, stopped; /* what it then gives back, enum tap_status */
};
static const char rows_code[] =
    "#include <beamtap/sink.h>\n"
    "struct row { unsigned kind; uint32_t node; uint64_t seq, lost; };\n"
    "TAP_EXPORT struct rows { struct row at[4096]; size_t n; unsigned changed;\n"
    "                         int consumed, stopped; } rows;\n"
    "static const struct tap_batch *held[4096];\n"
    "static uint32_t index_of[4096];\n"
    "static const struct tap_host *host;\n"
    "static enum tap_status create(const struct tap_host *h, const void *s, void **self)\n"
    "{ (void)s; host = h; *self = &rows; return TAP_OK; }\n"
    "static enum tap_status ok(void *self) { (void)self; return TAP_OK; }\n"
    "static enum tap_status consume(void *s, const struct tap_batch *b, const uint32_t *e,\n"
    "                               size_t n)\n"
    "{ (void)s;\n"
    "  for (size_t i = 0; i < n && rows.n < 4096; i++) {\n"
    "    const struct tap_event *ev = tap_batch_event(b, e[i]);\n"
    "    host->sink->hold(host, b);\n"
    "    held[rows.n] = b; index_of[rows.n] = e[i];\n"
    "    rows.at[rows.n++] = (struct row){ev->kind, ev->node, ev->seq,\n"
    "                                     ev->kind == TAP_LOST ? ev->lost : 0}; }\n"
    "  return rows.consumed; }\n"
    "static enum tap_status stop(void *self)\n"
    "{ (void)self;\n"
    "  for (size_t i = 0; i < rows.n; i++) {\n"
    "    const struct tap_event *ev = tap_batch_event(held[i], index_of[i]);\n"
    "    rows.changed += ev->kind != rows.at[i].kind || ev->seq != rows.at[i].seq ||\n"
    "                    ev->payload.off + ev->payload.len > held[i]->arena_len; }\n"
    "  return rows.stopped; }\n"
    "static void destroy(void *self)\n"
    "{ (void)self; for (size_t i = 0; i < rows.n; i++) host->sink->release(host, held[i]); }\n"
    "static const struct tap_sink_ops ops = {sizeof ops, create, ok, consume, ok, stop, destroy};\n"
    "static const struct tap_plugin plugin = {TAP_PLUGIN_HEADER, .kind = TAP_PLUGIN_SINK,\n"
    "  .name = \"rows\", .version = \"1\", .summary = \"rows\", .license = \"none\",\n"
    "  .settings_size = 8, .ops = &ops};\n"
    "TAP_EXPORT const struct tap_plugin *beamtap_plugin_v1(void) { return &plugin; }\n";

static struct rows *rows;
static char plugin_path[300];

static void make_plugin(void)
{
    CU_ASSERT_FATAL(files_compile("beamtap_sink_rows.so", rows_code, ""));
    snprintf(plugin_path, sizeof plugin_path, "[session]\nplugin_path = %s\n", files_here());
    void *so = dlopen(files_path("beamtap_sink_rows.so"), RTLD_NOW | RTLD_LOCAL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(so);
    rows = dlsym(so, "rows");
    CU_ASSERT_PTR_NOT_NULL_FATAL(rows);
}

/* A trace that has ended, of `rounds` times ten calls of either of two nodes. */
static struct tap_trace *ended(unsigned rounds, int64_t keep)
{
    struct recorded r;
    struct tap_trace_options options = TAP_TRACE_OPTIONS;
    replay_begin(&r);
    replay_node_up(&r, 1);
    for (unsigned i = 0; i < rounds; i++)
        replay_calls(&r, 0, 10), replay_calls(&r, 1, 10);
    replay_node_down(&r, 0), replay_node_down(&r, 1);
    options.keep = keep;
    struct tap_trace *t = replay_start(&r, &options, plugin_path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT_EQUAL_FATAL(tap_trace_wait(t, 60000), true);
    CU_ASSERT_EQUAL(tap_trace_stop(t, NULL), TAP_OK);
    return t;
}

static void a_sink_may_hold_what_it_is_given(void)
{
    make_plugin();
    for (int64_t keep = 16384; keep <= 1 << 20; keep *= 64) {
        struct tap_trace *t = ended(40, keep);
        struct tap_trace_figures f = TAP_SIZED(struct tap_trace_figures);
        uint64_t calls = 0, lost = 0;
        memset(rows, 0, sizeof *rows);
        CU_ASSERT_EQUAL(tap_trace_export(t, "rows", NULL, NULL), TAP_OK);
        for (size_t i = 0; i < rows->n; i++) {
            calls += rows->at[i].kind == TAP_FUNCTION_CALL;
            lost += rows->at[i].lost;
        }
        tap_trace_figures(t, &f);
        CU_ASSERT(calls > 0 && calls + lost == 800);
        CU_ASSERT(lost == f.evicted && (keep < 1 << 20) == (lost > 0));
        CU_ASSERT_EQUAL(rows->changed, 0);
        tap_trace_free(t);
    }
}

/* Each has its own row, which says how many and from where on. */
static void what_fell_out_is_told_of_each_node(void)
{
    make_plugin();
    struct tap_trace *t = ended(40, 16384);
    uint64_t calls[2] = {0}, first[2] = {0}, lost[2] = {0}, told[2] = {0};
    memset(rows, 0, sizeof *rows);
    CU_ASSERT_EQUAL(tap_trace_export(t, "rows", NULL, NULL), TAP_OK);
    for (size_t i = 0; i < rows->n; i++) {
        const struct row *r = &rows->at[i];
        CU_ASSERT_FATAL(r->node < 2);
        if (r->kind == TAP_FUNCTION_CALL && calls[r->node]++ == 0)
            first[r->node] = r->seq;
        if (r->kind != TAP_LOST)
            continue;
        CU_ASSERT(calls[r->node] == 0 && r->seq == 0 && r->lost > 0);
        lost[r->node] += r->lost;
        told[r->node]++;
    }
    for (unsigned n = 0; n < 2; n++) {
        CU_ASSERT(calls[n] > 0 && calls[n] + lost[n] == 400);
        CU_ASSERT(told[n] == 1 && first[n] == lost[n]);
    }
    tap_trace_free(t);
}

/* Its reader had enough, and then it could not be finished all the same. */
static void a_stop_that_fails_is_told(void)
{
    static const struct {
        int consumed, stopped, expected;
    } cases[] = {{TAP_OK, TAP_OK, TAP_OK},          {TAP_ENDED, TAP_OK, TAP_OK},
                 {TAP_ENDED, TAP_ENDED, TAP_OK},    {TAP_OK, TAP_ENDED, TAP_OK},
                 {TAP_ENDED, TAP_ERROR, TAP_ERROR}, {TAP_OK, TAP_ERROR, TAP_ERROR},
                 {TAP_ERROR, TAP_ENDED, TAP_ERROR}};
    make_plugin();
    struct tap_trace *t = ended(2, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *why;
        memset(rows, 0, sizeof *rows);
        rows->consumed = cases[i].consumed;
        rows->stopped = cases[i].stopped;
        CU_ASSERT_EQUAL(tap_trace_export(t, "rows", NULL, &why),
                        (enum tap_status)cases[i].expected);
        CU_ASSERT((why != NULL) == (cases[i].expected != TAP_OK));
        free(why);
    }
    tap_trace_free(t);
}

static void *stop_soon(void *trace)
{
    nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
    tap_trace_stop(trace, NULL);
    return NULL;
}

/* Nobody reads the pipe: it ends by itself, and sooner where the trace is stopped. */
static void a_pipe_without_a_reader_is_given_up(void)
{
    char fifo[256], option[300], *why;
    make_plugin();
    struct tap_trace *t = ended(2, 0);
    snprintf(fifo, sizeof fifo, "%s", replay_path("nobody.csv"));
    snprintf(option, sizeof option, "path=%s", fifo);
    CU_ASSERT_EQUAL_FATAL(mkfifo(fifo, 0600), 0);
    int64_t began = tap_clock_steady();
    alarm(100);
    CU_ASSERT_EQUAL(tap_trace_export(t, "csv", (const char *[]){option, NULL}, &why), TAP_ERROR);
    CU_ASSERT(tap_clock_steady() - began > 8 * TAP_SECOND);
    CU_ASSERT(why && strstr(why, "nobody read this pipe"));
    free(why);
    tap_trace_free(t);
}

static void an_export_is_given_up_when_the_trace_is_stopped(void)
{
    struct recorded r;
    struct tap_trace_options options = TAP_TRACE_OPTIONS;
    char fifo[256], option[300];
    pthread_t other;
    make_plugin();
    replay_begin(&r);
    replay_calls(&r, 0, 10);
    replay_node_down(&r, 0);
    struct tap_trace *t = replay_start(&r, &options, plugin_path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    snprintf(fifo, sizeof fifo, "%s", replay_path("nobody.csv"));
    snprintf(option, sizeof option, "path=%s", fifo);
    CU_ASSERT_EQUAL_FATAL(mkfifo(fifo, 0600), 0);
    int64_t began = tap_clock_steady();
    alarm(100);
    pthread_create(&other, NULL, stop_soon, t);
    CU_ASSERT_EQUAL(tap_trace_export(t, "csv", (const char *[]){option, NULL}, NULL), TAP_ERROR);
    CU_ASSERT(tap_clock_steady() - began < 8 * TAP_SECOND);
    pthread_join(other, NULL);
    tap_trace_free(t);
}

static void a_sink_that_is_not_there_is_a_mistake(void)
{
    char name[300];
    make_plugin();
    struct tap_trace *t = ended(1, 0);
    for (size_t len = 5; len < sizeof name; len += 90) {
        char *why;
        memset(name, 'x', len);
        name[len] = 0;
        CU_ASSERT_EQUAL(tap_trace_export(t, name, NULL, &why), TAP_INVALID);
        CU_ASSERT(why && strstr(why, name) && strstr(why, "there is no sink plugin"));
        free(why);
    }
    tap_trace_free(t);
}

UNIT_TESTS("export_kept", UNIT_TEST(a_sink_that_is_not_there_is_a_mistake),
           UNIT_TEST(a_stop_that_fails_is_told), UNIT_TEST(a_pipe_without_a_reader_is_given_up),
           UNIT_TEST(an_export_is_given_up_when_the_trace_is_stopped),
           UNIT_TEST(a_sink_may_hold_what_it_is_given),
           UNIT_TEST(what_fell_out_is_told_of_each_node))
