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
    "  for (int i = 0; i < 10; i++) {\n"
    "    h->log(h, TAP_LOG_WARNING, \"here I am\");\n"
    "    nanosleep(&(struct timespec){0, 100000000}, NULL); }\n"
    "  return TAP_FAIL(h, TAP_ERROR, \"too late\"); }\n"
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

UNIT_TESTS("library_log", UNIT_TEST(a_plugin_that_is_late_tells_nobody))
