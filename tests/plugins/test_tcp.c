/* The tcp transport's parts that need no node: addresses as users write them, bare frames, the
 * invitation as a term. Who is let in is tested on live nodes (tests/e2e/test_tcp.py).
 */
#include "transports/tcp/address.h"
#include "transports/beam/net/packet.h"
#include "transports/beam/node/plan_term.h"
#include "transports/beam/protocol.h"
#include "unit.h"

static void addresses_are_read(void)
{
    static const struct {
        const char *text, *host;
        int port;
    } cases[] = {
        {"127.0.0.1:0", "127.0.0.1", 0},
        {"[::1]:4711", "::1", 4711},
        {"::1", "::1", 0},
        {"fe80::1%eth0", "fe80::1%eth0", 0},
        {"web-1.shop:65535", "web-1.shop", 65535},
        {"[::]", "::", 0},
        {"localhost", "localhost", 0},
    };
    static const char *const wrong[] = {"",        ":80",  "a:",    "a:x",   "a:65536",
                                        "a:-1",    "[::1", "[]:80", "a b:1", "a:80 ",
                                        "[::1]80", "a:+1", "[::1]:"};
    struct tap_address a;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT(tap_address_parse(cases[i].text, &a));
        CU_ASSERT_STRING_EQUAL(a.host, cases[i].host);
        CU_ASSERT_EQUAL(a.port, cases[i].port);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CU_ASSERT_FALSE(tap_address_parse(wrong[i], &a));
    char longest[400];
    memset(longest, 'a', sizeof longest);
    longest[399] = 0;
    CU_ASSERT_FALSE(tap_address_parse(longest, &a));
    longest[255] = 0;
    CU_ASSERT(tap_address_parse(longest, &a));
}

static void what_to_listen_at_is_read(void)
{
    static const struct {
        const char *text, *host;
        int port;
        const char *local;
    } cases[] = {
        {"127.0.0.1:0", "127.0.0.1", 0, ""},
        {"unix:80", "unix", 80, ""}, /* a host's name */
        {"unix", "unix", 0, ""},
        {"unix:/run/tap.sock", "", 0, "/run/tap.sock"},
        {"unix:/run/a, b:c", "", 0, "/run/a, b:c"},
        {"unix:@tap", "", 0, "@tap"},
        {"unix:@", "", 0, "@"},
        {"[::1]:7, unix:/t", "::1", 7, "/t"},
        {"0.0.0.0:0,unix:@", "0.0.0.0", 0, "@"},
    };
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"", "it reads"},
        {"unix:", "it reads"},
        {"unix:run/tap.sock", "it reads"},
        {"127.0.0.1:0,", "it reads"},
        {"127.0.0.1:0, ::1", "it reads"},
        {", unix:/t", "it reads"},
        {"a b, unix:/t", "it reads"},
        {"unix:/", "does not end with /"},
        {"unix:/run/", "does not end with /"},
        {"unix:/run/a\nb", "control character"},
        {"[::1]:7, unix:/run/\x7f", "control character"},
    };
    struct tap_listen to;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_PTR_NULL(tap_listen_parse(cases[i].text, &to));
        CU_ASSERT_STRING_EQUAL(to.tcp.host, cases[i].host);
        CU_ASSERT_EQUAL(to.tcp.port, cases[i].port);
        CU_ASSERT_STRING_EQUAL(to.local, cases[i].local);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *says = tap_listen_parse(wrong[i].text, &to);
        CU_ASSERT_FATAL(says != NULL);
        CU_ASSERT_PTR_NOT_NULL(strstr(says, wrong[i].says));
    }
    char longest[400] = "unix:/";
    memset(longest + 6, 'a', sizeof longest - 7);
    longest[5 + 108] = 0;
    CU_ASSERT_PTR_NOT_NULL(strstr(tap_listen_parse(longest, &to), "107 bytes at most"));
    longest[5 + 107] = 0;
    CU_ASSERT_PTR_NULL(tap_listen_parse(longest, &to));
    CU_ASSERT_EQUAL(strlen(to.local), 107);
}

static void addresses_are_told_apart(void)
{
    static const struct {
        const char *text, *printed;
        bool any, loopback;
    } cases[] = {
        {"127.0.0.1:80", "127.0.0.1:80", false, true},
        {"127.8.8.8:1", "127.8.8.8:1", false, true},
        {"0.0.0.0:0", "0.0.0.0:0", true, false},
        {"[::]:7", "[::]:7", true, false},
        {"[::1]:7", "[::1]:7", false, true},
        {"[2001:db8::1]:7", "[2001:db8::1]:7", false, false},
        {"[::ffff:127.0.0.1]:7", "127.0.0.1:7", false, true},
        {"192.0.2.1:7", "192.0.2.1:7", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tap_address a;
        struct sockaddr_storage to;
        socklen_t len;
        char text[TAP_ADDRESS_TEXT];
        CU_ASSERT_FATAL(tap_address_parse(cases[i].text, &a));
        CU_ASSERT_EQUAL_FATAL(tap_address_resolve(&a, 0, &to, &len), 0);
        tap_address_print(&to, true, text);
        CU_ASSERT_STRING_EQUAL(text, cases[i].printed);
        CU_ASSERT_EQUAL(tap_address_is_any(&to), cases[i].any);
        CU_ASSERT_EQUAL(tap_address_is_loopback(&to), cases[i].loopback);
        CU_ASSERT_EQUAL(tap_address_port(&to), a.port);
    }
}

static void bare_frames_are_found_in_place(void)
{
    uint8_t bytes[TAP_FRAME_HEADER + 10] = TAP_FRAME_MAGIC;
    bytes[4] = TAP_FRAME_VERSION;
    tap_put_u32(bytes + 36, 10);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        uint8_t *copy = malloc(n ? n : 1); /* at its exact size, for the address sanitizer */
        struct tap_packet p;
        memcpy(copy, bytes, n);
        tap_packet_read_bare(copy, n, &p);
        CU_ASSERT_EQUAL(p.type, n == sizeof bytes ? TAP_PACKET_FRAME : TAP_PACKET_PART);
        CU_ASSERT_EQUAL(p.size, n < TAP_FRAME_HEADER ? TAP_FRAME_HEADER : sizeof bytes);
        CU_ASSERT(n < sizeof bytes || p.frame == copy);
        free(copy);
    }
    struct tap_packet p;
    tap_put_u32(bytes + 36, TAP_FRAME_MAX + 1);
    tap_packet_read_bare(bytes, sizeof bytes, &p);
    CU_ASSERT_EQUAL(p.type, TAP_PACKET_BAD);
    bytes[0] = 'X';
    tap_packet_read_bare(bytes, sizeof bytes, &p);
    CU_ASSERT_EQUAL(p.type, TAP_PACKET_BAD);
}

/* The invitation is the options' last pair: what is before it is test_dist's. */
static void the_invitation_is_in_the_options(void)
{
    static const uint8_t pid[] = {88, 119, 3, 'a', '@', 'b', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7};
    struct tap_plan plan = {.struct_size = sizeof plan};
    struct tap_endpoint to = {.address = "::1",
                              .port = 65535,
                              .timeout = 1500000,
                              .token = (const uint8_t *)"0123456789abcdef0123456789abcdef",
                              .answer = (const uint8_t *)"ABCDEFGHIJKLMNOPABCDEFGHIJKLMNOP"};
    struct tap_plan_term t = {&plan, "0123456789abcdef", pid, sizeof pid, 1, NULL, 0, &to, "a@b", 7,
                              false};
    struct tap_buf b = {0}, last = {0};
    tap_plan_term_write(&b, &t);
    tap_write_atom(&last, "stream");
    tap_write_map(&last, 5);
    tap_write_atom(&last, "address"), tap_write_binary(&last, "::1", 3);
    tap_write_atom(&last, "port"), tap_write_i64(&last, 65535);
    tap_write_atom(&last, "timeout"), tap_write_i64(&last, 2);
    tap_write_atom(&last, "token"), tap_write_binary(&last, to.token, 32);
    tap_write_atom(&last, "answer"), tap_write_binary(&last, to.answer, 32);
    CU_ASSERT(b.len > last.len && !memcmp(b.data + b.len - last.len, last.data, last.len));
    struct tap_cursor c = tap_cursor(b.data, b.len);
    CU_ASSERT(tap_skip(&c) && tap_left(&c) == 0);
    tap_buf_free(&b), tap_buf_free(&last);
}

/* The last pair: of the options where all frames go there, or of the native tracer's map. */
static void a_unix_socket_is_in_the_options(void)
{
    static const uint8_t pid[] = {88, 119, 3, 'a', '@', 'b', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7};
    struct tap_plan plan = {.struct_size = sizeof plan, .collect = TAP_COLLECT_AUTO};
    struct tap_endpoint to = {.timeout = 1500000,
                              .token = (const uint8_t *)"0123456789abcdef0123456789abcdef",
                              .answer = (const uint8_t *)"ABCDEFGHIJKLMNOPABCDEFGHIJKLMNOP",
                              .local = {0, 't', 'a', 'p'},
                              .local_len = 4};
    struct tap_buf last = {0}, all[2] = {{0}, {0}};
    tap_write_atom(&last, "local"), tap_write_binary(&last, "\0tap", 4);
    for (int native = 0; native < 2; native++) {
        struct tap_plan_term t = {
            &plan, "0123456789abcdef", pid, sizeof pid, 1, NULL, 0, &to, "a@b", 7, native};
        struct tap_buf *b = &all[native];
        tap_plan_term_write(b, &t);
        CU_ASSERT(b->len > last.len && !memcmp(b->data + b->len - last.len, last.data, last.len));
        struct tap_cursor c = tap_cursor(b->data, b->len), keys = c;
        CU_ASSERT(tap_skip(&c) && tap_left(&c) == 0);
        uint32_t pairs = 0, streams = 0;
        CU_ASSERT_FATAL(tap_read_map(&keys, &pairs));
        for (uint32_t i = 0; i < pairs; i++) {
            bool is_stream = tap_match_atom(&keys, "stream");
            streams += is_stream;
            CU_ASSERT_FATAL((is_stream || tap_skip(&keys)) && tap_skip(&keys));
        }
        CU_ASSERT_EQUAL(streams, native ? 0 : 1);
    }
    tap_buf_free(&last), tap_buf_free(&all[0]), tap_buf_free(&all[1]);
}

UNIT_TESTS("tcp", UNIT_TEST(addresses_are_read), UNIT_TEST(what_to_listen_at_is_read),
           UNIT_TEST(addresses_are_told_apart), UNIT_TEST(bare_frames_are_found_in_place),
           UNIT_TEST(the_invitation_is_in_the_options), UNIT_TEST(a_unix_socket_is_in_the_options))
