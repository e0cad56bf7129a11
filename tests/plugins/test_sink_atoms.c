/* Atoms of payloads as names: what a sink reads of a process report or of an exit's reason. */
#include "beamtap/term_write.h"
#include "sinks/common/payload_atom.h"
#include "sinks/common/process_name.h"
#include "unit.h"

static char interned[5000];
static size_t interned_len;

static uint32_t intern(const struct tap_host *host, const char *text, size_t len)
{
    (void)host;
    memcpy(interned, text, len < sizeof interned ? len : sizeof interned);
    interned_len = len;
    return 7;
}

static const struct tap_host host = {.intern = intern};

/* The id of an atom of so many times a character; the cursor goes behind it in any case. */
static uint32_t repeated(unsigned tag, const char *character, unsigned times)
{
    struct tap_buf b = {0};
    size_t n = strlen(character) * times;
    tap_write_u8(&b, tag);
    tap_write_u8(&b, (unsigned)(n >> 8));
    tap_write_u8(&b, (unsigned)(n & 255));
    for (unsigned i = 0; i < times; i++)
        tap_buf_put(&b, character, strlen(character));
    tap_write_nil(&b);
    struct tap_cursor c = tap_cursor(b.data, b.len);
    interned_len = 0;
    uint32_t id = tap_sink_atom(&host, &c);
    CU_ASSERT(tap_read_nil(&c));
    tap_buf_free(&b);
    return id;
}

static void an_atom_has_255_characters(void)
{
    CU_ASSERT_EQUAL(repeated(TAP_EXT_ATOM_UTF8, "a", 255), 7);
    CU_ASSERT_EQUAL(repeated(TAP_EXT_ATOM_UTF8, "a", 256), 0);
    CU_ASSERT_EQUAL(repeated(TAP_EXT_ATOM_UTF8, "\xF0\x9F\x98\x80", 255), 7);
    CU_ASSERT_EQUAL(interned_len, 1020);
    CU_ASSERT_EQUAL(repeated(TAP_EXT_ATOM_UTF8, "\xF0\x9F\x98\x80", 256), 0);
    CU_ASSERT_EQUAL(repeated(TAP_EXT_ATOM, "\xE9", 255), 7);
    CU_ASSERT_EQUAL(interned_len, 510);
    CU_ASSERT_EQUAL(repeated(TAP_EXT_ATOM, "\xE9", 256), 0);
    CU_ASSERT_EQUAL(repeated(TAP_EXT_ATOM, "a", 65535), 0);
    CU_ASSERT_EQUAL(interned_len, 0);
}

/* Nodes before OTP 26 write a name in latin1 where it has one: it is the name that the process's
 * events have. */
static void a_reported_process_is_known_by_its_nodes_name(void)
{
    struct tap_buf b = {0};
    tap_write_list(&b, 1);
    tap_write_tuple(&b, 2);
    tap_buf_put(&b, (const uint8_t[]){TAP_EXT_NEW_PID, TAP_EXT_ATOM, 0, 3}, 4);
    tap_buf_put(&b, "\xE9@h", 3);
    tap_write_u32(&b, 80);
    tap_write_u32(&b, 0);
    tap_write_u32(&b, 1);
    tap_write_nil(&b);
    tap_write_nil(&b);
    struct tap_batch batch = {.struct_size = sizeof batch, .arena = b.data};
    struct tap_event ev = {.payload = {0, (uint32_t)b.len}};
    struct tap_process_report_list list = tap_process_report_begin(&batch, &ev);
    struct tap_process_report told;
    CU_ASSERT_FATAL(tap_process_report_next(&host, &list, &told));
    CU_ASSERT_EQUAL(told.pid.node, 7);
    CU_ASSERT_EQUAL(told.pid.id, 80);
    CU_ASSERT(interned_len == 4 && memcmp(interned, "\xC3\xA9@h", 4) == 0);
    tap_buf_free(&b);
}

UNIT_TESTS("sink_atoms", UNIT_TEST(an_atom_has_255_characters),
           UNIT_TEST(a_reported_process_is_known_by_its_nodes_name))
