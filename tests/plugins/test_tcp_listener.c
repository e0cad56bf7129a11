/* The tcp transport's port: who is let in, once, and who is not; without a node. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "transports/tcp/listener.c"
#include "unit.h"

static char said[8192];

static void on_log(const struct tap_host *h, enum tap_log_level level, const char *format, ...)
{
    size_t n = strlen(said);
    va_list args;
    (void)h, (void)level;
    va_start(args, format);
    vsnprintf(said + n, sizeof said - n, format, args);
    va_end(args);
}
static const struct tap_host host = {.struct_size = sizeof host, .log = on_log};

static struct tap_listener lobby;
static struct tap_beam_node nodes[2];
static struct tap_beam_node *list[2] = {&nodes[0], &nodes[1]};
static struct tap_beam beam = {
    .host = &host, .nodes = list, .count = 2, .connect_timeout = 1000000000};
static int64_t later; /* ns that the lobby believes to have passed */

static void begin(void)
{
    memset(&lobby, 0, sizeof lobby);
    tap_listener_init(&lobby);
    CU_ASSERT_FATAL(tap_address_parse("127.0.0.1:0", &lobby.listen));
    CU_ASSERT_FATAL(lobby.acceptor.open(&lobby.acceptor, &beam));
    beam.acceptor = &lobby.acceptor;
    said[0] = 0;
    later = 0;
    for (int i = 0; i < 2; i++) {
        nodes[i] = (struct tap_beam_node){
            .beam = &beam, .data_state = TAP_DATA_EXPECTED, .state = TAP_BEAM_STARTING};
        memset(nodes[i].secret, 'a' + i, TAP_STREAM_TOKEN);
        memset(nodes[i].secret + TAP_STREAM_TOKEN, 'A' + i, TAP_STREAM_TOKEN);
    }
}
static void end(void)
{
    for (int i = 0; i < 2; i++)
        tap_conn_close(&nodes[i].data);
    lobby.acceptor.close(&lobby.acceptor);
}

/* A few turns: enough for whatever has been sent over the loopback. */
static void turn(void)
{
    for (int i = 0; i < 20; i++) {
        struct pollfd fds[TAP_ACCEPTOR_FDS];
        size_t n = lobby.acceptor.poll(&lobby.acceptor, fds);
        CU_ASSERT_FATAL(n <= TAP_ACCEPTOR_FDS);
        poll(fds, n, 5);
        lobby.acceptor.serve(&lobby.acceptor, fds, n, tap_wire_now() + later);
    }
}

static int visit(const void *bytes, size_t len)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(tap_address_port(&lobby.bound))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CU_ASSERT_FATAL(fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0);
    CU_ASSERT(len == 0 || send(fd, bytes, len, 0) == (ssize_t)len);
    turn();
    return fd;
}
static int visit_with(char token)
{
    uint8_t hello[TAP_STREAM_HELLO] = TAP_STREAM_MAGIC;
    memset(hello + 4, token, TAP_STREAM_TOKEN);
    return visit(hello, sizeof hello);
}
/* 16: it was let in and got the answer; 0: refused; -1: neither. */
static int outcome(int fd, char answer)
{
    char got[64], want[TAP_STREAM_TOKEN];
    memset(want, answer, sizeof want);
    ssize_t n = recv(fd, got, sizeof got, MSG_DONTWAIT);
    if (n < 0 && errno == ECONNRESET)
        return 0;
    return n == TAP_STREAM_TOKEN && memcmp(got, want, sizeof want) ? -2 : (int)n;
}

static void each_token_lets_its_node_in_once(void)
{
    begin();
    int second = visit_with('b');
    CU_ASSERT_EQUAL(outcome(second, 'B'), 16);
    CU_ASSERT_EQUAL(nodes[0].data_state, TAP_DATA_EXPECTED);
    CU_ASSERT_EQUAL(nodes[1].data_state, TAP_DATA_OPEN);
    int again = visit_with('b');
    CU_ASSERT_EQUAL(outcome(again, 'B'), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "its token was used before"));
    CU_ASSERT_EQUAL(nodes[1].data_state, TAP_DATA_OPEN);
    CU_ASSERT_EQUAL(outcome(second, 'B'), -1); /* still there */
    int first = visit_with('a');
    CU_ASSERT_EQUAL(outcome(first, 'A'), 16);
    close(first), close(second), close(again);
    end();
}

static void a_token_of_nobody_or_of_one_not_expected_is_refused(void)
{
    begin();
    nodes[0].data_state = TAP_DATA_NONE;
    int one = visit_with('a'), two = visit_with('c');
    CU_ASSERT_EQUAL(outcome(one, 'A'), 0);
    CU_ASSERT_EQUAL(outcome(two, 'C'), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "its token is none of this run"));
    close(one), close(two);
    end();
}

/* A token may come in any pieces, but not at any pace; what is wrong is refused at its first wrong
 * byte. */
static void slow_clients_have_five_seconds(void)
{
    begin();
    int slow = visit("BT", 2), silent = visit("", 0), wrong = visit("BTX", 3);
    CU_ASSERT_EQUAL(outcome(wrong, 'A'), 0);
    CU_ASSERT_EQUAL(send(slow, "T1aaaaaaaa", 10, 0), 10);
    turn();
    CU_ASSERT_EQUAL(outcome(slow, 'A'), -1);
    CU_ASSERT_EQUAL(send(slow, "aaaaaaaa", 8, 0), 8);
    turn();
    CU_ASSERT_EQUAL(outcome(slow, 'A'), 16);
    CU_ASSERT_EQUAL(outcome(silent, 'A'), -1);
    later = HELLO_TIME + 1;
    turn();
    CU_ASSERT_EQUAL(outcome(silent, 'A'), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "did not say in time"));
    close(slow), close(silent), close(wrong);
    end();
}

/* Many who say nothing do not keep out the one who is expected. */
static void a_crowd_keeps_nobody_out(void)
{
    int crowd[3 * TAP_LISTENER_PENDING];
    begin();
    for (size_t i = 0; i < sizeof crowd / sizeof crowd[0]; i++) {
        struct sockaddr_in to = {.sin_family = AF_INET,
                                 .sin_port = htons(tap_address_port(&lobby.bound))};
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        crowd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        CU_ASSERT(connect(crowd[i], (const struct sockaddr *)&to, sizeof to) == 0 ||
                  errno == EINPROGRESS);
    }
    turn();
    int expected = visit_with('a');
    CU_ASSERT_EQUAL(outcome(expected, 'A'), 16);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "too many connections wait"));
    for (size_t i = 0; i < sizeof crowd / sizeof crowd[0]; i++)
        close(crowd[i]);
    close(expected);
    end();
}

UNIT_TESTS("tcp_lobby", UNIT_TEST(each_token_lets_its_node_in_once),
           UNIT_TEST(a_token_of_nobody_or_of_one_not_expected_is_refused),
           UNIT_TEST(slow_clients_have_five_seconds), UNIT_TEST(a_crowd_keeps_nobody_out))
