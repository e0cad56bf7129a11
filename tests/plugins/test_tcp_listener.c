/* The tcp transport's port and its Unix socket: who is let in, once, and who is not; without
 * a node. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
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
static enum tap_status on_fail(const struct tap_host *h, enum tap_status status, const char *file,
                               int line, const char *format, ...)
{
    size_t n = strlen(said);
    va_list args;
    (void)h, (void)file, (void)line;
    va_start(args, format);
    vsnprintf(said + n, sizeof said - n, format, args);
    va_end(args);
    return status;
}
static struct tap_plan plan = {.struct_size = sizeof plan};
static const struct tap_host host = {
    .struct_size = sizeof host, .log = on_log, .fail = on_fail, .plan = &plan};

static struct tap_listener lobby;
static struct tap_beam_node nodes[2];
static struct tap_beam_node *list[2] = {&nodes[0], &nodes[1]};
static struct tap_beam beam = {
    .host = &host, .nodes = list, .count = 2, .connect_timeout = 1000000000};
static int64_t later; /* ns that the lobby believes to have passed */

static bool open_at(const char *listen)
{
    memset(&lobby, 0, sizeof lobby);
    tap_listener_init(&lobby);
    said[0] = 0;
    CU_ASSERT_PTR_NULL_FATAL(tap_listen_parse(listen, &lobby.listen));
    return lobby.acceptor.open(&lobby.acceptor, &beam);
}

static void begin_at(const char *listen)
{
    CU_ASSERT_FATAL(open_at(listen));
    beam.acceptor = &lobby.acceptor;
    later = 0;
    for (int i = 0; i < 2; i++) {
        nodes[i] = (struct tap_beam_node){
            .beam = &beam, .data_state = TAP_DATA_EXPECTED, .state = TAP_BEAM_STARTING};
        memset(nodes[i].secret, 'a' + i, TAP_STREAM_TOKEN);
        memset(nodes[i].secret + TAP_STREAM_TOKEN, 'p' + i, TAP_STREAM_TOKEN);
        memset(nodes[i].secret + 2 * TAP_STREAM_TOKEN, 'A' + i, TAP_STREAM_TOKEN);
        memset(nodes[i].secret + 3 * TAP_STREAM_TOKEN, 'P' + i, TAP_STREAM_TOKEN);
    }
}
static void begin(void)
{
    begin_at("127.0.0.1:0");
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

static int visit_local(const void *bytes, size_t len)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CU_ASSERT_FATAL(fd >= 0 && connect(fd, (const struct sockaddr *)&lobby.local.address,
                                       lobby.local.len) == 0);
    CU_ASSERT(len == 0 || send(fd, bytes, len, 0) == (ssize_t)len);
    turn();
    return fd;
}

static int visit(const void *bytes, size_t len)
{
    if (lobby.local.fd >= 0)
        return visit_local(bytes, len);
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
    int other = visit_with('q'); /* of the second, as it is over a Unix socket */
    CU_ASSERT_EQUAL(outcome(one, 'A'), 0);
    CU_ASSERT_EQUAL(outcome(two, 'C'), 0);
    CU_ASSERT_EQUAL(outcome(other, 'Q'), 0);
    CU_ASSERT_EQUAL(nodes[1].data_state, TAP_DATA_EXPECTED);
    close(other);
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
    later = TAP_CLIENT_TIME + 1;
    turn();
    CU_ASSERT_EQUAL(outcome(silent, 'A'), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "did not say in time"));
    close(slow), close(silent), close(wrong);
    end();
}

/* Many who say nothing do not keep out the one who is expected. */
static void a_crowd_keeps_nobody_out(void)
{
    int crowd[3 * TAP_CLIENTS_PENDING];
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

/* ---- The Unix socket */

static void the_same_over_a_unix_socket(void)
{
    char user[40];
    begin_at("unix:@");
    int second = visit_with('q'), again = visit_with('q'), stranger = visit_with('c');
    CU_ASSERT_EQUAL(outcome(second, 'Q'), 16);
    CU_ASSERT(nodes[1].data_state == TAP_DATA_OPEN && nodes[1].data_local);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "its frames come over a Unix socket"));
    CU_ASSERT_EQUAL(outcome(again, 'Q'), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "its token was used before"));
    CU_ASSERT_EQUAL(outcome(stranger, 'C'), 0);
    snprintf(user, sizeof user, "process %d of user %d", (int)getpid(), (int)getuid());
    CU_ASSERT_PTR_NOT_NULL(strstr(said, user)); /* who it was */
    close(second), close(again), close(stranger);
    end();
}

static void a_node_is_told_where_it_is(void)
{
    struct tap_endpoint to = {.port = 0};
    begin_at("127.0.0.1:0, unix:@here");
    beam.acceptor = &lobby.acceptor;
    CU_ASSERT(lobby.acceptor.endpoint(&lobby.acceptor, &nodes[0], &to));
    CU_ASSERT(to.local_len == 5 && !memcmp(to.local, "\0here", 5));
    CU_ASSERT_STRING_EQUAL(to.address, "127.0.0.1");
    CU_ASSERT_EQUAL(to.port, tap_address_port(&lobby.bound));
    end();
    plan.collect = TAP_COLLECT_AUTO; /* one is made, for nodes that are near */
    begin();
    to = (struct tap_endpoint){.port = 0};
    CU_ASSERT(lobby.local.fd >= 0);
    CU_ASSERT(lobby.acceptor.endpoint(&lobby.acceptor, &nodes[0], &to));
    CU_ASSERT_EQUAL(to.local_len, 0); /* it has no connection from which that would be known */
    end();
    plan.collect = TAP_COLLECT_PROCESS;
}

static void its_file_comes_and_goes(void)
{
    char folder[] = "/tmp/tap_lobby_XXXXXX", path[64], listen[80];
    struct stat found;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/socket", folder);
    snprintf(listen, sizeof listen, "unix:%s", path);
    mode_t mask = umask(077);
    begin_at(listen);
    umask(mask);
    CU_ASSERT_FATAL(stat(path, &found) == 0);
    CU_ASSERT(S_ISSOCK(found.st_mode) && (found.st_mode & 0777) == 0666);
    int second = visit_with('q');
    CU_ASSERT_EQUAL(outcome(second, 'Q'), 16);
    close(second);
    /* A second run finds it taken, and leaves it to the first. */
    struct tap_listener first = lobby;
    CU_ASSERT_FALSE(open_at(listen));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "somebody listens there already"));
    lobby.acceptor.close(&lobby.acceptor);
    CU_ASSERT(stat(path, &found) == 0);
    lobby = first;
    end();
    CU_ASSERT(stat(path, &found) < 0 && errno == ENOENT);
    /* One that was killed leaves it; the next one takes its place. */
    begin_at(listen);
    close(lobby.local.fd);
    CU_ASSERT(stat(path, &found) == 0);
    begin_at(listen);
    int first_node = visit_with('p');
    CU_ASSERT_EQUAL(outcome(first_node, 'P'), 16);
    close(first_node);
    /* What somebody else has put there is not taken away. */
    CU_ASSERT(unlink(path) == 0);
    int other = open(path, O_CREAT | O_WRONLY, 0600);
    close(other);
    end();
    CU_ASSERT(stat(path, &found) == 0);
    CU_ASSERT_FALSE(open_at(listen));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "something else of that name"));
    CU_ASSERT(stat(path, &found) == 0 && S_ISREG(found.st_mode));
    lobby.acceptor.close(&lobby.acceptor);
    unlink(path), rmdir(folder);
    CU_ASSERT_FALSE(open_at(listen)); /* no such folder */
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "No such file or directory"));
    lobby.acceptor.close(&lobby.acceptor);
}

UNIT_TESTS("tcp_lobby", UNIT_TEST(each_token_lets_its_node_in_once),
           UNIT_TEST(a_token_of_nobody_or_of_one_not_expected_is_refused),
           UNIT_TEST(slow_clients_have_five_seconds), UNIT_TEST(a_crowd_keeps_nobody_out),
           UNIT_TEST(the_same_over_a_unix_socket), UNIT_TEST(a_node_is_told_where_it_is),
           UNIT_TEST(its_file_comes_and_goes))
