/* test_sink_files.c: what becomes of a file that was there, in each sink: it stays until there is
 * something to write. */
#include "sink_host.h"

static const struct {
    const char *sink, *file, *key, *value;
} sinks[] = {
    {"csv", "a.csv", "max_message", "64k"},   {"stdout", "a.jsonl", "format", "json"},
    {"stdout", "a.txt.gz", "format", "text"}, {"record", "a.btf", NULL, NULL},
    {"summary", "a.txt", "top", "3"},         {"html", "a.html", "syntax", "elixir"},
    {"chrome", "a.json", "args", "true"},     {"chrome", "b.json", "rotate_size", "64k"},
    {"chrome", "a.json.gz", "args", "false"}, {"perfetto", "a.pftrace", "args", "false"},
};
enum { SINKS = sizeof sinks / sizeof sinks[0], OLD = 300000 };

static struct sink opened(size_t i, const char *path)
{
    struct sink s;
    CU_ASSERT_EQUAL_FATAL(
        sink_create(&s, sinks[i].sink, "path", path, sinks[i].key, sinks[i].value, NULL), TAP_OK);
    CU_ASSERT_EQUAL_FATAL(s.ops->start(s.self), TAP_OK);
    return s;
}

/* A file with `n` bytes that none of our outputs has. */
static void leave(const char *path, size_t n)
{
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    for (size_t i = 0; i < n; i++)
        fputc('~', f);
    fclose(f);
}

/* How many of its bytes are the old ones, a few alone are chance; -1: there is no file. */
static long old_bytes(const char *path)
{
    FILE *f = fopen(path, "r");
    long n = 0, row = 0;
    if (!f)
        return -1;
    for (int c; (c = fgetc(f)) != EOF;) {
        row = c == '~' ? row + 1 : 0;
        n += row == 10 ? 10 : row > 10;
    }
    fclose(f);
    return n;
}
static long size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) < 0 ? -1 : (long)st.st_size;
}

static enum tap_status give(struct sink *s, enum tap_kind kind, unsigned n)
{
    struct sb *b = calloc(1, sizeof *b);
    for (unsigned i = 0; i < n; i++) {
        struct tap_event *e = sb_event(b, kind);
        sb_function(e, "shop", "add", kind == TAP_FUNCTION_CALL ? 0 : -1);
        e->raw = sb_atom(b, "raw"); /* a recording takes nothing else */
    }
    enum tap_status status = sink_consume(s, b);
    sb_free(b);
    return status;
}

static void no_run_and_the_file_is_as_it_was(void)
{
    for (size_t i = 0; i < SINKS; i++) {
        const char *path = temp_path(sinks[i].file);
        leave(path, OLD);
        struct sink s = opened(i, path);
        CU_ASSERT_EQUAL(give(&s, TAP_NODE_DOWN, 1), TAP_OK); /* as of a node that refused */
        CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
        CU_ASSERT_EQUAL(size_of(path), OLD);
        CU_ASSERT_EQUAL(old_bytes(path), OLD);

        leave(path, 0); /* mktemp's */
        s = opened(i, path);
        CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
        CU_ASSERT_EQUAL(size_of(path), 0);

        unlink(path);
        s = opened(i, path);
        CU_ASSERT(size_of(path) >= 0); /* it can be made, and is ours */
        CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
        CU_ASSERT_EQUAL(size_of(path), -1);

        s = opened(i, path); /* stop is not even called */
        sink_destroy(&s);
        CU_ASSERT_EQUAL(size_of(path), -1);
    }
}

static void nothing_old_is_left_behind_what_is_new(void)
{
    for (size_t i = 0; i < SINKS; i++)
        for (int quiet = 0; quiet < 2; quiet++) {
            const char *path = temp_path(sinks[i].file);
            leave(path, OLD);
            struct sink s = opened(i, path);
            uint64_t before = sink_written;
            CU_ASSERT_EQUAL(old_bytes(path), OLD);
            if (!quiet)
                CU_ASSERT_EQUAL(give(&s, TAP_FUNCTION_CALL, 10), TAP_OK);
            CU_ASSERT_EQUAL(old_bytes(path), OLD); /* all of it, and nothing else */
            CU_ASSERT_EQUAL(size_of(path), OLD);
            CU_ASSERT_EQUAL(s.ops->flush(s.self), TAP_OK);
            CU_ASSERT_EQUAL(old_bytes(path), 0);
            CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
            CU_ASSERT_EQUAL(old_bytes(path), 0);
            CU_ASSERT_EQUAL(sink_written - before, quiet ? 0 : 10);
            unlink(path);
        }
}

/* More than the buffer holds goes out before any flush. */
static void a_full_buffer_is_a_beginning(void)
{
    for (size_t i = 0; i < SINKS; i++) {
        const char *path = temp_path(sinks[i].file);
        leave(path, OLD);
        struct sink s = opened(i, path);
        uint64_t before = sink_written;
        for (int round = 0; round < 10; round++)
            CU_ASSERT_EQUAL(give(&s, TAP_FUNCTION_CALL, 4000), TAP_OK);
        CU_ASSERT_EQUAL(s.ops->flush(s.self), TAP_OK);
        CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
        CU_ASSERT_EQUAL(old_bytes(path), 0);
        CU_ASSERT_EQUAL(sink_written - before, 40000);
    }
}

/* The name may be anybody's by the time we let go of it. */
static void only_what_it_made_is_removed(void)
{
    char other[128], path[128];
    strcpy(path, temp_path("mine.csv"));
    strcpy(other, temp_path("other.csv"));
    struct sink s = opened(0, path);
    leave(other, 10);
    CU_ASSERT_EQUAL(rename(other, path), 0);
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
    CU_ASSERT_EQUAL(old_bytes(path), 10);

    unlink(path);
    CU_ASSERT_EQUAL(symlink(other, path), 0); /* to where nothing is */
    s = opened(0, path);
    CU_ASSERT_EQUAL(s.ops->flush(s.self), TAP_OK);
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
    CU_ASSERT(size_of(other) > 0);
    s = opened(0, path);
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
    CU_ASSERT(size_of(other) > 0);
}

UNIT_TESTS("sink_files", UNIT_TEST(no_run_and_the_file_is_as_it_was),
           UNIT_TEST(nothing_old_is_left_behind_what_is_new),
           UNIT_TEST(a_full_buffer_is_a_beginning), UNIT_TEST(only_what_it_made_is_removed))
