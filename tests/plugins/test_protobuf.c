/* test_protobuf.c: the bytes that the kit's protobuf writer makes, as the encoding's own
 * documentation has them. protoc reads what sinks make of it
 * (test_sink_perfetto.py). */
#include "sinks/common/protobuf.h"
#include "unit.h"

static struct tap_writer writer(void)
{
    struct tap_writer w = {.fd = -1, .given = -1};
    w.p = w.buf = malloc(TAP_WRITER_BUFFER);
    w.end = w.buf + TAP_WRITER_BUFFER;
    w.marks = calloc(TAP_WRITER_MARKS, sizeof *w.marks);
    CU_ASSERT_FATAL(w.buf && w.marks);
    return w;
}

static void let_go(struct tap_writer *w)
{
    free(w->buf);
    free(w->marks);
}

static bool is(const struct tap_writer *w, const char *bytes, size_t n)
{
    return tap_writer_here(w) == n && memcmp(tap_writer_begun(w), bytes, n) == 0;
}
#define IS(w, text) CU_ASSERT(is(w, text, sizeof(text) - 1))

static void numbers(void)
{
    struct tap_writer w = writer();
    tap_pb_uint(&w, 1, 150);
    IS(&w, "\x08\x96\x01");
    tap_writer_drop(&w);
    tap_pb_uint(&w, 1, 0);
    tap_pb_uint(&w, 15, 127);
    tap_pb_uint(&w, 16, 128);
    IS(&w, "\x08\x00\x78\x7f\x80\x01\x80\x01");
    tap_writer_drop(&w);
    tap_pb_int(&w, 1, -2);
    IS(&w, "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    tap_writer_drop(&w);
    tap_pb_uint(&w, (1u << 29) - 1, UINT64_MAX);
    IS(&w, "\xf8\xff\xff\xff\x0f\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    tap_writer_drop(&w);
    tap_pb_fixed64(&w, 47, 0x0102030405060708u);
    tap_pb_double(&w, 1, 1.0);
    IS(&w, "\xf9\x02\x08\x07\x06\x05\x04\x03\x02\x01\x09\0\0\0\0\0\0\xf0\x3f");
    let_go(&w);
}

static void bytes_and_messages(void)
{
    struct tap_writer w = writer();
    tap_pb_bytes(&w, 2, "testing", 7);
    IS(&w, "\x12\x07testing");
    tap_writer_drop(&w);
    struct tap_pb outer = tap_pb_begin(&w, 3, 1);
    tap_pb_uint(&w, 1, 150);
    struct tap_pb none = tap_pb_begin(&w, 4, 1);
    tap_pb_end(&w, none);
    tap_pb_end(&w, outer);
    IS(&w, "\x1a\x05\x08\x96\x01\x22\x00");
    tap_writer_drop(&w);
    outer = tap_pb_begin(&w, 3, 4);
    tap_pb_bytes(&w, 1, "x", 1);
    tap_pb_end(&w, outer);
    IS(&w, "\x1a\x83\x80\x80\x00\x0a\x01x");
    let_go(&w);
}

/* Nested, each on every side of the borders where a length takes one byte more. */
static void lengths(void)
{
    static const size_t sizes[] = {0,     1,       120,     121,     122,    123,   124,
                                   125,   126,     127,     128,     129,    16370, 16378,
                                   16383, 16384,   16385,   70000,   300,    65535, 65536,
                                   65537, 2097140, 2097151, 2097152, 2097153};
    struct tap_writer w = writer();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (unsigned width = 1; width <= 5; width++) {
            size_t n = sizes[i];
            char *text = malloc(n + 1);
            CU_ASSERT_PTR_NOT_NULL_FATAL(text);
            memset(text, 'a' + (int)(i % 26), n);
            struct tap_pb outer = tap_pb_begin(&w, 1, width), inner = tap_pb_begin(&w, 2, width);
            tap_writer_put(&w, text, n);
            tap_pb_end(&w, inner);
            tap_pb_uint(&w, 3, 7);
            tap_pb_end(&w, outer);
            const uint8_t *p = (const uint8_t *)tap_writer_begun(&w);
            const uint8_t *end = p + tap_writer_here(&w);
            size_t told[2] = {0, 0};
            for (int level = 0; level < 2; level++) {
                CU_ASSERT_EQUAL(*p++, level ? 0x12 : 0x0a);
                unsigned shift = 0, used = 1;
                for (; *p & 0x80; p++, shift += 7, used++)
                    told[level] |= (size_t)(*p & 0x7f) << shift;
                told[level] |= (size_t)*p++ << shift;
                CU_ASSERT(used == width || (used > width && told[level] >> 7 * width));
                if (!level)
                    CU_ASSERT_EQUAL(told[0], (size_t)(end - p));
            }
            CU_ASSERT_EQUAL(told[1], n);
            CU_ASSERT_EQUAL((size_t)(end - p), n + 2);
            CU_ASSERT(memcmp(p, text, n) == 0 && memcmp(p + n, "\x18\x07", 2) == 0);
            tap_writer_drop(&w);
            free(text);
        }
    let_go(&w);
}

UNIT_TESTS("protobuf", UNIT_TEST(numbers), UNIT_TEST(bytes_and_messages), UNIT_TEST(lengths))
