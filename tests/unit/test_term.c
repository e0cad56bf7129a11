/* test_term.c: what the writer writes the reader reads, tap_skip takes a node's terms whole, and
 * nothing cut. */
#include "beamtap/term.h"
#include "beamtap/term_write.h"
#include "term_corpus.h"
#include "term/print.h"
#include "unit.h"

/* The printer is held against a node (test_term_print): here it tells what was written. */
static void prints_to(const struct tap_buf *b, const char *expected)
{
    char text[512];
    size_t n = tap_term_print(NULL, text, sizeof text - 1, b->data, b->len, NULL);
    CU_ASSERT_FATAL(n < sizeof text);
    text[n] = 0;
    CU_ASSERT_STRING_EQUAL(text, expected);
}

static void writes_what_it_reads(void)
{
    struct tap_buf b = {0};
    tap_write_version(&b);
    tap_write_tuple(&b, 6);
    tap_write_atom(&b, "call");
    tap_write_list(&b, 2);
    tap_write_i64(&b, -7);
    tap_write_f64(&b, 1.5);
    tap_write_nil(&b);
    tap_write_map(&b, 1);
    tap_write_atom_n(&b, "k y", 3);
    tap_write_binary(&b, "v", 1);
    tap_write_binary(&b, "", 0);
    tap_write_nil(&b);
    tap_write_tuple(&b, 300);
    for (int i = 0; i < 300; i++)
        tap_write_i64(&b, i);
    CU_ASSERT_FALSE(b.oom);

    struct tap_cursor c = tap_cursor(b.data, b.len), whole = c;
    uint32_t n, len;
    int64_t v;
    const uint8_t *bytes;
    const char *text;
    bool latin1;
    tap_read_version(&c);
    CU_ASSERT(tap_read_tuple(&c, &n) && n == 6);
    CU_ASSERT_FALSE(tap_match_atom(&c, "cal"));
    CU_ASSERT_FALSE(tap_match_atom(&c, "return_from"));
    CU_ASSERT_FALSE(c.bad);
    CU_ASSERT(tap_match_atom(&c, "call"));
    CU_ASSERT(tap_read_list(&c, &n) && n == 2);
    CU_ASSERT(tap_read_i64(&c, &v) && v == -7);
    CU_ASSERT_EQUAL(tap_peek(&c), TAP_EXT_NEW_FLOAT);
    CU_ASSERT(tap_skip(&c) && tap_read_nil(&c));
    CU_ASSERT(tap_read_map(&c, &n) && n == 1);
    CU_ASSERT(tap_read_atom(&c, &text, &len, &latin1) && len == 3 && memcmp(text, "k y", 3) == 0 &&
              !latin1);
    CU_ASSERT(tap_read_binary(&c, &bytes, &len) && len == 1 && *bytes == 'v');
    CU_ASSERT(tap_read_binary(&c, &bytes, &len) && len == 0);
    CU_ASSERT(tap_read_list(&c, &n) && n == 0);
    CU_ASSERT(tap_read_tuple(&c, &n) && n == 300);
    for (int i = 0; i < 300; i++)
        CU_ASSERT(tap_read_i64(&c, &v) && v == i);
    CU_ASSERT(!c.bad && tap_left(&c) == 0 && tap_peek(&c) == 0);
    tap_read_version(&whole);
    CU_ASSERT(tap_skip(&whole) && tap_left(&whole) == 0);
    tap_buf_free(&b);
    CU_ASSERT(b.data == NULL && b.cap == 0);
}

static void integers_go_round(void)
{
    for (int shift = 0; shift < 64; shift++)
        for (int d = -2; d <= 2; d++)
            for (int sign = -1; sign <= 1; sign += 2) {
                int64_t v = (int64_t)((uint64_t)sign * ((1ull << shift) + (uint64_t)d)), back = 0;
                char text[32];
                struct tap_buf b = {0};
                tap_write_i64(&b, v);
                struct tap_cursor c = tap_cursor(b.data, b.len);
                CU_ASSERT(tap_read_i64(&c, &back) && back == v && tap_left(&c) == 0);
                snprintf(text, sizeof text, "%lld", (long long)v);
                prints_to(&b, text);
                tap_buf_free(&b);
            }
    static const uint8_t big[] = {110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0x80},
                         small[] = {110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 0x80};
    int64_t v;
    struct tap_cursor c = tap_cursor(big, sizeof big);
    CU_ASSERT_FALSE(tap_read_i64(&c, &v)); /* 2^63 */
    c = tap_cursor(small, sizeof small);
    CU_ASSERT(tap_read_i64(&c, &v) && v == INT64_MIN);
}

static void long_atoms_are_written(void)
{
    char name[300];
    memset(name, 'a', sizeof name);
    for (size_t n = 254; n <= 258; n++) {
        struct tap_buf b = {0};
        tap_write_atom_n(&b, name, n);
        const char *text;
        uint32_t len;
        bool latin1;
        struct tap_cursor c = tap_cursor(b.data, b.len);
        CU_ASSERT(tap_read_atom(&c, &text, &len, &latin1) && len == n && tap_left(&c) == 0);
        tap_buf_free(&b);
    }
}

/* Once failed, a cursor stays so, and reads nothing. */
static void failure_stays(void)
{
    static const uint8_t term[] = {97, 1, 97, 2};
    struct tap_cursor c = tap_cursor(term, sizeof term);
    uint32_t n;
    int64_t v;
    CU_ASSERT_FALSE(tap_read_tuple(&c, &n));
    CU_ASSERT(c.bad);
    CU_ASSERT_FALSE(tap_read_i64(&c, &v));
    CU_ASSERT_FALSE(tap_skip(&c));
    CU_ASSERT_EQUAL(tap_peek(&c), 0);
}

static void lies_about_sizes_fail(void)
{
    static const uint8_t tags[] = {TAP_EXT_LIST,    TAP_EXT_LARGE_TUPLE, TAP_EXT_MAP,
                                   TAP_EXT_BINARY,  TAP_EXT_LARGE_BIG,   TAP_EXT_BIT_BINARY,
                                   TAP_EXT_NEW_FUN, TAP_EXT_FUN};
    for (size_t i = 0; i < sizeof tags; i++)
        for (uint32_t size = 0xFFFFFFFF; size > 16; size /= 2) {
            uint8_t term[12] = {tags[i]};
            tap_put_u32(term + 1, size);
            memset(term + 5, 106, 7);
            struct tap_cursor c = tap_cursor(term, sizeof term);
            CU_ASSERT_FALSE(tap_skip(&c));
            CU_ASSERT(c.bad);
        }
}

/* Every term a node writes is skipped to its end, and none that was cut. */
static void skips_what_a_node_writes(void)
{
    struct corpus c;
    unsigned n = 0;
    int made = corpus_make(&c, "escript", corpus_erlang, "latin1");
    CU_ASSERT(made);
    while (made && corpus_next(&c)) {
        struct tap_cursor t = tap_cursor(c.term, c.term_len);
        CU_ASSERT(tap_skip(&t) && tap_left(&t) == 0);
        size_t step = c.term_len < 100 ? 1 : c.term_len / 50;
        for (size_t cut = 0; cut < c.term_len; cut += step) {
            t = tap_cursor(c.term, cut);
            CU_ASSERT_FALSE(tap_skip(&t));
        }
        n++;
    }
    CU_ASSERT(n > 25000);
    corpus_end(&c);
}

static void pids_are_read(void)
{
    static const uint8_t now[] = {88, 119, 3, 'a', '@', 'b', 0, 0, 1, 0, 0, 0, 0, 2, 1, 2, 3, 4},
                         old[] = {103, 100, 0, 3, 'a', '@', 'b', 0, 0, 1, 0, 0, 0, 0, 2, 7};
    struct tap_pid pid;
    const char *node;
    uint32_t len;
    struct tap_cursor c = tap_cursor(now, sizeof now);
    CU_ASSERT(tap_read_pid(&c, &node, &len, &pid) && len == 3 && memcmp(node, "a@b", 3) == 0 &&
              tap_left(&c) == 0);
    CU_ASSERT(pid.id == 256 && pid.serial == 2 && pid.creation == 0x01020304);
    c = tap_cursor(old, sizeof old);
    CU_ASSERT(tap_read_pid(&c, &node, &len, &pid) && pid.id == 256 && pid.serial == 2 &&
              pid.creation == 3);
    for (size_t cut = 0; cut < sizeof now; cut++) {
        c = tap_cursor(now, cut);
        CU_ASSERT_FALSE(tap_read_pid(&c, &node, &len, &pid));
    }
}

/* As after a printer's answer that was taken for what it wrote: it must not look like much room. */
static void a_length_beyond_the_memory_is_no_room(void)
{
    struct tap_buf b = {0};
    CU_ASSERT_FATAL(tap_buf_reserve(&b, 10));
    b.len = b.cap + 100;
    CU_ASSERT(tap_buf_reserve(&b, 5) && b.cap >= b.len + 5);
    b.len = b.cap;
    CU_ASSERT(tap_buf_reserve(&b, 1) && b.cap > b.len);
    tap_buf_free(&b);
}

UNIT_TESTS("term", UNIT_TEST(writes_what_it_reads), UNIT_TEST(integers_go_round),
           UNIT_TEST(long_atoms_are_written), UNIT_TEST(failure_stays),
           UNIT_TEST(lies_about_sizes_fail), UNIT_TEST(skips_what_a_node_writes),
           UNIT_TEST(pids_are_read), UNIT_TEST(a_length_beyond_the_memory_is_no_room))
