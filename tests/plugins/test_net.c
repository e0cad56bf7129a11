/* How a node is found and greeted, without a node: addresses of both families, epmd, ports taken
 * for one another, what peers say instead of a handshake, and cookies.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transports/beam/net/dial.h"
#include "transports/beam/net/epmd.h"
#include "transports/beam/net/probe.h"
#include "unit.h"

#define SECOND INT64_C(1000000000)

/* ---- Addresses */

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage a = {.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET};
    void *to = a.ss_family == AF_INET ? (void *)&((struct sockaddr_in *)&a)->sin_addr
                                      : (void *)&((struct sockaddr_in6 *)&a)->sin6_addr;
    CU_ASSERT_FATAL(inet_pton(a.ss_family, text, to) == 1);
    return a;
}
static struct tap_addresses addresses(const char *const *texts)
{
    struct tap_addresses a = {.count = 0};
    for (; texts[a.count]; a.count++)
        a.at[a.count] = address(texts[a.count]);
    return a;
}
static void are(const struct tap_addresses *a, const char *const *texts)
{
    struct tap_addresses want = addresses(texts);
    CU_ASSERT_EQUAL_FATAL(a->count, want.count);
    for (size_t i = 0; i < a->count; i++)
        CU_ASSERT(!memcmp(&a->at[i], &want.at[i], sizeof a->at[i]));
}
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void families_take_turns(void)
{
    struct tap_addresses a =
        addresses(LIST("2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2"));
    tap_addresses_order(&a);
    are(&a, LIST("2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "2001:db8::3"));
    tap_addresses_order(&a);
    are(&a, LIST("2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "2001:db8::3"));
    a = addresses(LIST("192.0.2.1", "192.0.2.2", "2001:db8::1"));
    tap_addresses_order(&a);
    are(&a, LIST("192.0.2.1", "2001:db8::1", "192.0.2.2"));
    a = addresses(LIST("192.0.2.2", "192.0.2.1"));
    tap_addresses_order(&a);
    are(&a, LIST("192.0.2.2", "192.0.2.1"));
    struct sockaddr_storage last = a.at[1];
    tap_addresses_prefer(&a, &last);
    are(&a, LIST("192.0.2.1", "192.0.2.2"));
    tap_addresses_remove(&a, &last);
    are(&a, LIST("192.0.2.2"));
    tap_addresses_remove(&a, &last);
    CU_ASSERT_EQUAL(a.count, 1);
    a.count = 0;
    tap_addresses_order(&a);
    CU_ASSERT_EQUAL(a.count, 0);
}

static void hosts_of_either_family_are_found(void)
{
    struct tap_addresses a;
    char why[200];
    CU_ASSERT(tap_addresses_find("::1", &a, why, sizeof why));
    are(&a, LIST("::1"));
    CU_ASSERT(tap_addresses_find("127.0.0.1", &a, why, sizeof why));
    are(&a, LIST("127.0.0.1"));
    CU_ASSERT(!tap_addresses_find("no-such-host.invalid", &a, why, sizeof why));
    CU_ASSERT_PTR_NOT_NULL(strstr(why, "'no-such-host.invalid' is unknown"));
}

/* ---- Peers: each a thread that answers every connection in its own way */

struct peer {
    int fd;
    uint16_t port;
    pthread_t thread;
    void (*answer)(int fd);
};

static void *peer_main(void *arg)
{
    struct peer *p = arg;
    for (int fd; (fd = accept(p->fd, NULL, NULL)) >= 0; close(fd))
        p->answer(fd);
    return NULL;
}
/* At an address, at a port of any or of its own. */
static void peer_begin(struct peer *p, const char *at, uint16_t port, void (*answer)(int fd))
{
    struct sockaddr_storage a = address(at);
    socklen_t len = sizeof a;
    int on = 1;
    if (a.ss_family == AF_INET)
        ((struct sockaddr_in *)&a)->sin_port = htons(port);
    else
        ((struct sockaddr_in6 *)&a)->sin6_port = htons(port);
    p->fd = socket(a.ss_family, SOCK_STREAM, 0);
    setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a.ss_family == AF_INET6)
        setsockopt(p->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    CU_ASSERT_FATAL(bind(p->fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(p->fd, 8) == 0);
    getsockname(p->fd, (struct sockaddr *)&a, &len);
    p->port = ntohs(a.ss_family == AF_INET ? ((struct sockaddr_in *)&a)->sin_port
                                           : ((struct sockaddr_in6 *)&a)->sin6_port);
    p->answer = answer;
    CU_ASSERT_FATAL(pthread_create(&p->thread, NULL, peer_main, p) == 0);
}
static void peer_end(struct peer *p)
{
    shutdown(p->fd, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    close(p->fd);
}

/* A request of at least `n` bytes. */
static void heard(int fd, size_t n)
{
    char request[600];
    ssize_t got = 0, more = 1;
    while ((size_t)got < n && more > 0)
        got += more = recv(fd, request + got, sizeof request - (size_t)got, 0);
}
/* It hangs up once the other side has: so that what was said is not lost with a reset. */
static void says(int fd, const void *bytes, size_t n)
{
    char rest[600];
    if (send(fd, bytes, n, MSG_NOSIGNAL) < 0)
        return;
    shutdown(fd, SHUT_WR);
    while (recv(fd, rest, sizeof rest, 0) > 0)
        ;
}
static void hangs_up(int fd)
{
    heard(fd, 3);
}
static void is_silent(int fd)
{
    char rest[600];
    while (recv(fd, rest, sizeof rest, 0) > 0)
        ;
}
static void speaks_tls(int fd)
{
    heard(fd, 3);
    says(fd, "\25\3\3\0\2\2\12", 7);
}
static void speaks_http(int fd)
{
    static const char text[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    heard(fd, 3);
    says(fd, text, sizeof text - 1);
}
static uint16_t own_port(int fd)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    getsockname(fd, (struct sockaddr *)&a, &len);
    return ntohs(((struct sockaddr_in *)&a)->sin_port); /* at the same place in both families */
}
static uint16_t registered;         /* where epmd says that `shop` is */
static const char *listed = "shop"; /* what it says that it knows */
static void is_epmd(int fd)
{
    uint8_t request[300];
    ssize_t n = recv(fd, request, sizeof request, 0);
    if (n >= 3 && request[2] == 'n') {
        uint8_t names[64] = {0, 0, (uint8_t)(own_port(fd) >> 8), (uint8_t)own_port(fd)};
        int len = snprintf((char *)names + 4, 60, "name %s at port %u\n", listed, registered);
        says(fd, names, 4 + (size_t)len);
    } else if (n == 7 && !memcmp(request + 2, "zshop", 5)) {
        uint8_t found[] = {119,
                           0,
                           (uint8_t)(registered >> 8),
                           (uint8_t)registered,
                           77,
                           0,
                           0,
                           6,
                           0,
                           5,
                           0,
                           4,
                           's',
                           'h',
                           'o',
                           'p',
                           0,
                           0};
        says(fd, found, sizeof found);
    } else if (n >= 3 && request[2] == 'z') {
        says(fd, "\167\1", 2);
    }
}
static void is_other_epmd(int fd) /* one that knows nobody */
{
    uint8_t request[300];
    if (recv(fd, request, sizeof request, 0) >= 3 && request[2] == 'z')
        says(fd, "\167\1", 2);
}
static void is_node(int fd)
{
    uint8_t request[600];
    ssize_t n = recv(fd, request, sizeof request, 0);
    if (n >= 3 && (request[2] == 'N' || request[2] == 'n'))
        says(fd, "\0\3sok", 5);
}

static int connected(const char *const *texts, uint16_t port, int64_t timeout,
                     struct sockaddr_storage *reached)
{
    struct tap_addresses a = addresses(texts);
    return tap_addresses_connect(&a, port, tap_wire_now() + timeout, reached);
}

static void whoever_listens_wins(void)
{
    struct peer p;
    struct sockaddr_storage reached, want;
    static const char *const families[] = {"127.0.0.1", "::1"};
    for (int i = 0; i < 2; i++) {
        peer_begin(&p, families[i], 0, hangs_up);
        int64_t began = tap_wire_now();
        int fd = connected(LIST("127.0.0.1", "::1"), p.port, 5 * SECOND, &reached);
        CU_ASSERT(fd >= 0 && tap_wire_now() - began < SECOND);
        want = address(families[i]);
        CU_ASSERT_EQUAL(reached.ss_family, want.ss_family);
        close(fd);
        /* behind an address that nobody answers at, or that there is no way to */
        fd = connected(LIST("192.0.2.1", "2001:db8::1", families[i]), p.port, 5 * SECOND, &reached);
        CU_ASSERT(fd >= 0 && tap_wire_now() - began < 3 * SECOND);
        close(fd);
        peer_end(&p);
    }
    CU_ASSERT_EQUAL(connected(LIST("127.0.0.1", "::1"), p.port, 5 * SECOND, NULL), -1);
    CU_ASSERT_EQUAL(errno, ECONNREFUSED);
}

/* ---- epmd */

static void epmd_is(const struct peer *p)
{
    char text[16];
    snprintf(text, sizeof text, "%u", p->port);
    setenv("ERL_EPMD_PORT", text, 1);
}
/* The port; 0: why. */
static uint16_t found(const char *alive, char why[900])
{
    struct tap_addresses a = addresses(LIST("127.0.0.1", "::1"));
    uint16_t port = 0;
    why[0] = 0;
    bool ok = tap_epmd_find("web1", &a, alive, tap_wire_now() + 3 * SECOND, &port, why, 900);
    CU_ASSERT_EQUAL(ok, !why[0]);
    return port;
}

/* Whoever asks for any node takes the one that there is, but not `*` itself: that would be asked
 * for again, without an end. */
static void any_node_is_the_one_that_is_there(void)
{
    struct peer epmd;
    char why[900];
    registered = 4711;
    peer_begin(&epmd, "127.0.0.1", 0, is_epmd);
    epmd_is(&epmd);
    CU_ASSERT_EQUAL(found("*", why), 4711);
    listed = "*";
    CU_ASSERT_EQUAL(found("*", why), 0);
    listed = "shop";
    peer_end(&epmd);
}

static void epmd_is_asked_in_both_families(void)
{
    struct peer four, six;
    char why[900];
    registered = 4711;
    peer_begin(&six, "::1", 0, is_epmd);
    epmd_is(&six);
    CU_ASSERT_EQUAL(found("shop", why), 4711);
    CU_ASSERT_EQUAL(found("cart", why), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(why, "epmd at web1 knows no node 'cart'; it knows: shop"));
    /* the first that answers knows nobody, and the other does */
    peer_begin(&four, "127.0.0.1", six.port, is_other_epmd);
    CU_ASSERT_EQUAL(found("shop", why), 4711);
    peer_end(&four);
    peer_end(&six);
    CU_ASSERT_EQUAL(found("shop", why), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(why, "no epmd runs at web1"));
    CU_ASSERT_PTR_NOT_NULL(strstr(why, "nodes = shop@web1:PORT"));
}

static void what_is_not_epmd_is_named(void)
{
    static const struct {
        void (*answer)(int fd);
        const char *words;
    } cases[] = {{is_node, "is not epmd's but a node's own distribution port"},
                 {speaks_tls, "speaks TLS"},
                 {speaks_http, "is not epmd's: what answers there hangs up or says something else"},
                 {hangs_up, "is not epmd's: what answers there hangs up or says something else"},
                 {is_silent, "does not answer"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer p;
        char why[900];
        peer_begin(&p, "127.0.0.1", 0, cases[i].answer);
        epmd_is(&p);
        CU_ASSERT_EQUAL(found("shop", why), 0);
        printf("# %s\n", why);
        CU_ASSERT_PTR_NOT_NULL(strstr(why, cases[i].words));
        peer_end(&p);
    }
}

/* ---- What peers say instead of a handshake */

static const struct tap_cookie some_cookie = {.text = "secret", .from = "BEAMTAP_COOKIE"};

static void shaken(const char *node, uint16_t port, int64_t timeout, struct tap_approached *to)
{
    struct tap_approach a = {.node = node,
                             .port = port,
                             .alive = "beamtap_test",
                             .cookie = &some_cookie,
                             .deadline = tap_wire_now() + timeout};
    tap_handshake(&a, to);
    CU_ASSERT_PTR_NULL(to->wire);
    printf("# %s\n", to->why);
}

static void what_is_no_node_is_named(void)
{
    static const struct {
        void (*answer)(int fd);
        const char *words;
    } cases[] = {{speaks_tls, "the node speaks TLS"},
                 {speaks_http, "is not an Erlang node"},
                 {is_epmd, "is epmd's and not the node's"},
                 {hangs_up, "hung up on the name beamtap_test@"},
                 {is_silent, "does not answer (timeout)"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer p;
        struct tap_approached to;
        peer_begin(&p, "::1", 0, cases[i].answer);
        int64_t began = tap_wire_now();
        shaken("shop@::1", p.port, 2 * SECOND, &to);
        CU_ASSERT(tap_wire_now() - began < 3 * SECOND);
        CU_ASSERT_PTR_NOT_NULL(strstr(to.why, cases[i].words));
        peer_end(&p);
        shaken("shop@::1", p.port, 2 * SECOND, &to);
        CU_ASSERT_PTR_NOT_NULL(strstr(to.why, "refuses connections: no node listens there"));
    }
}

static void a_tls_node_that_epmd_knows_is_named(void)
{
    struct peer node, epmd;
    struct tap_approached to;
    peer_begin(&node, "127.0.0.1", 0, speaks_tls);
    peer_begin(&epmd, "127.0.0.1", 0, is_epmd);
    registered = node.port;
    epmd_is(&epmd);
    shaken("shop@127.0.0.1", 0, 5 * SECOND, &to);
    CU_ASSERT_PTR_NOT_NULL(strstr(to.why, "the node speaks TLS"));
    peer_end(&node), peer_end(&epmd);
}

static void names_are_overheard(void)
{
    static const uint8_t newer[] = "\0\3sok\0\31N\1\2\3\4\5\6\7\1\1\2\3\4\1\2\3\4\0\6a@web1",
                         older[] = "\0\3sok\0\21n\0\5\1\2\3\4\1\2\3\4a@web1";
    struct tap_overheard o = {.len = sizeof newer - 1};
    char name[TAP_NODE_NAME_MAX], status[64];
    memcpy(o.bytes, newer, o.len);
    CU_ASSERT(tap_overheard_name(&o, name));
    CU_ASSERT_STRING_EQUAL(name, "a@web1");
    tap_overheard_status(&o, status);
    CU_ASSERT_STRING_EQUAL(status, "ok");
    for (o.len = 0; o.len < sizeof newer - 1; o.len++)
        CU_ASSERT_FALSE(tap_overheard_name(&o, name));
    o.len = sizeof older - 1;
    memcpy(o.bytes, older, o.len);
    CU_ASSERT(tap_overheard_name(&o, name));
    CU_ASSERT_STRING_EQUAL(name, "a@web1");
    CU_ASSERT(tap_probe_tls_alert((const uint8_t *)"\25\3\1", 3));
    CU_ASSERT_FALSE(tap_probe_tls_alert((const uint8_t *)"\25\3", 2));
    CU_ASSERT_FALSE(tap_probe_tls_alert((const uint8_t *)"\0\3s", 3));
}

/* The run waits for nobody: a name lookup or a node that hangs is let go of. */
static void a_dial_says_what_it_waits_for(void)
{
    struct peer p;
    struct tap_approached to;
    int wake[2];
    CU_ASSERT_FATAL(pipe(wake) == 0);
    peer_begin(&p, "127.0.0.1", 0, is_silent);
    struct tap_approach a = {.node = "shop@127.0.0.1",
                             .port = p.port,
                             .alive = "beamtap_test",
                             .cookie = &some_cookie,
                             .deadline = tap_wire_now() + SECOND};
    struct tap_dial *d = tap_dial_begin(&a, wake[1]);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    while (strcmp(tap_dial_stage(d), "its part of the handshake") != 0)
        usleep(1000);
    CU_ASSERT_FALSE(tap_dial_take(&d, &to));
    struct pollfd woken = {.fd = wake[0], .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&woken, 1, 5000), 1);
    CU_ASSERT(tap_dial_take(&d, &to));
    CU_ASSERT_PTR_NOT_NULL(strstr(to.why, "does not answer (timeout)"));
    peer_end(&p);
    close(wake[0]), close(wake[1]);
}

/* ---- Cookies */

static char folder[64];
static const char *in_folder(const char *name)
{
    static char path[2][200];
    static int i;
    i = !i;
    snprintf(path[i], sizeof path[i], "%s/%s", folder, name);
    return path[i];
}
static void put(const char *name, const char *text, mode_t mode)
{
    unlink(in_folder(name));
    FILE *f = fopen(in_folder(name), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
    chmod(in_folder(name), mode);
}
static struct tap_cookie got;
static char why_not[1200];
static bool cookie(const char *file)
{
    why_not[0] = 0;
    bool ok = tap_cookie_read(file, &got, why_not, sizeof why_not);
    CU_ASSERT_EQUAL(ok, !why_not[0]);
    return ok;
}
static void refused(const char *file, const char *words)
{
    CU_ASSERT_FALSE(cookie(file));
    CU_ASSERT_PTR_NOT_NULL(strstr(why_not, words));
    if (!strstr(why_not, words))
        printf("# not '%s': %s\n", words, why_not);
}
static void folder_begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/test_net_XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    setenv("HOME", folder, 1);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("BEAMTAP_COOKIE");
}
static void folder_end(void)
{
    char line[200];
    snprintf(line, sizeof line, "rm -rf '%s'", folder);
    CU_ASSERT(system(line) == 0);
}

static void cookies_are_where_erl_looks(void)
{
    folder_begin();
    mkdir(in_folder(".config"), 0700), mkdir(in_folder(".config/erlang"), 0700);
    mkdir(in_folder("xdg"), 0700), mkdir(in_folder("xdg/erlang"), 0700);
    refused(NULL, in_folder(".erlang.cookie"));
    refused(NULL, in_folder(".config/erlang/.erlang.cookie"));
    put(".config/erlang/.erlang.cookie", "CONFIG\n", 0400);
    CU_ASSERT(cookie(NULL) && !strcmp(got.text, "CONFIG"));
    setenv("XDG_CONFIG_HOME", in_folder("xdg"), 1);
    refused(NULL, in_folder("xdg/erlang/.erlang.cookie"));
    put("xdg/erlang/.erlang.cookie", "XDG", 0400);
    CU_ASSERT(cookie(NULL) && !strcmp(got.text, "XDG"));
    put(".erlang.cookie", "HOME\r\n", 0600);
    CU_ASSERT(cookie(NULL) && !strcmp(got.text, "HOME") && !got.odd);
    CU_ASSERT_STRING_EQUAL(got.from, in_folder(".erlang.cookie"));
    CU_ASSERT(cookie(in_folder("xdg/erlang/.erlang.cookie")) && !strcmp(got.text, "XDG"));
    setenv("BEAMTAP_COOKIE", "ENV", 1);
    CU_ASSERT(cookie(NULL) && !strcmp(got.text, "ENV"));
    unsetenv("BEAMTAP_COOKIE");
    /* one that is there and not sound is not passed over, as erl does not */
    put(".erlang.cookie", "HOME\n", 0440);
    refused(NULL, "must be accessible by its owner only (it has mode 0440)");
    if (geteuid() == 0) {
        put(".erlang.cookie", "HOME\n", 0400);
        CU_ASSERT(chown(in_folder(".erlang.cookie"), 65534, 65534) == 0);
        refused(NULL, "belongs to another user (uid 65534)");
        CU_ASSERT(cookie(in_folder(".erlang.cookie"))); /* named, it is meant */
    }
    folder_end();
}

static void cookie_files_are_judged_as_erl_does(void)
{
    static const struct {
        const char *text, *words; /* NULL: good */
        const char *odd;
        mode_t mode;
    } cases[] = {
        {"ABC", NULL, NULL, 0400},
        {"ABC\n\r\n \n", NULL, NULL, 0600},
        {"ABC \n", NULL, "ends with a space", 0400},
        {" ABC", NULL, "begins with a space", 0400},
        {"gr\303\266\303\237e\n", NULL, "in UTF-8", 0400},
        {"gr\366\337e\n", NULL, "in Latin-1", 0400},
        {"\357\273\277ABC\n", "byte order mark", NULL, 0400},
        {"\377\376A", "byte order mark", NULL, 0400},
        {"ABC\nDEF\n", "more than one line", NULL, 0400},
        {"", "it is empty", NULL, 0400},
        {"\nABC\n", "it is empty", NULL, 0400},
        {"ABC", "mode 0644", NULL, 0644},
        {"ABC", "mode 0404", NULL, 0404},
        {"ABC", "mode 0410", NULL, 0410},
    };
    folder_begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put("c", cases[i].text, cases[i].mode);
        if (cases[i].words) {
            refused(in_folder("c"), cases[i].words);
            CU_ASSERT_PTR_NOT_NULL(strstr(why_not, in_folder("c")));
            continue;
        }
        CU_ASSERT(cookie(in_folder("c")));
        CU_ASSERT_EQUAL(got.odd != NULL, cases[i].odd != NULL);
        CU_ASSERT(!got.odd || strstr(got.odd, cases[i].odd));
    }
    unlink(in_folder("c"));
    refused(in_folder("c"), "No such file");
    CU_ASSERT_FATAL(mkfifo(in_folder("c"), 0600) == 0);
    refused(in_folder("c"), "not a regular file"); /* and it waits for no writer */
    refused("~no_such_user_here/x", "there is no such user");
    setenv("BEAMTAP_COOKIE", "ABC\r", 1);
    CU_ASSERT(cookie(NULL) && strstr(got.odd, "line break"));
    unsetenv("BEAMTAP_COOKIE");
    folder_end();
}

/* What is odd about a cookie stands in the refusal. */
static void a_refused_cookie_is_described(void)
{
    struct tap_cookie odd = {.text = "x", .from = "/home/me/.erlang.cookie", .odd = "it is odd"};
    struct tap_overheard o = {.digest_sent = true, .error = ECONNRESET};
    struct tap_overheard_call call = {.me = "b@a", .host = "a", .cookie = &odd};
    char why[900];
    CU_ASSERT_EQUAL(tap_overheard_explain(&o, &call, why, sizeof why), TAP_REFUSAL_US);
    CU_ASSERT_PTR_NOT_NULL(strstr(why, "wrong cookie"));
    CU_ASSERT_PTR_NOT_NULL(strstr(why, "/home/me/.erlang.cookie was used; it is odd"));
}

UNIT_TESTS("net", UNIT_TEST(families_take_turns), UNIT_TEST(hosts_of_either_family_are_found),
           UNIT_TEST(whoever_listens_wins), UNIT_TEST(any_node_is_the_one_that_is_there),
           UNIT_TEST(epmd_is_asked_in_both_families), UNIT_TEST(what_is_not_epmd_is_named),
           UNIT_TEST(what_is_no_node_is_named), UNIT_TEST(a_tls_node_that_epmd_knows_is_named),
           UNIT_TEST(names_are_overheard), UNIT_TEST(a_dial_says_what_it_waits_for),
           UNIT_TEST(cookies_are_where_erl_looks), UNIT_TEST(cookie_files_are_judged_as_erl_does),
           UNIT_TEST(a_refused_cookie_is_described))
