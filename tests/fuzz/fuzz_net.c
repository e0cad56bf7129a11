/* fuzz_net.c: what a stranger says over a socket: packets of the distribution, bare frames, the
 * answers of epmd, a handshake.
 *
 * The first byte says which. For epmd and the handshake a peer of our own listens and says the rest
 * of the input: the first byte of each piece is its length, and each connection has the next piece.
 * Held: a packet lies within what came, is not larger than it may be and is taken once; nothing
 * waits beyond its deadline; a failure has a sentence.
 */
#include <arpa/inet.h>
#include <ei.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "terms.h"
#include "transports/beam/net/epmd.h"
#include "transports/beam/net/handshake.h"
#include "transports/beam/net/mask.h"
#include "transports/beam/net/packet.h"
#include "transports/beam/net/wire.h"
#include "transports/beam/node/report.h"

enum { PACKETS, BARE, REPORT, EPMD, SHAKE, KINDS };

#define PATIENCE (INT64_C(150) * 1000000) /* ns */

/* ---- Bytes that came */

static bool is_within(const uint8_t *p, size_t n, const uint8_t *in, size_t size)
{
    return p >= in && p <= in + size && n <= (size_t)(in + size - p);
}

static void try_packets(const uint8_t *data, size_t size,
                        void (*read)(const uint8_t *, size_t, struct tap_packet *))
{
    for (size_t at = 0; at <= size;) {
        struct tap_packet p;
        read(data + at, size - at, &p);
        if (p.type == TAP_PACKET_BAD)
            return;
        HOLD(p.size > 0 && p.size <= TAP_PACKET_MAX + 4);
        if (p.type == TAP_PACKET_PART)
            return;
        HOLD(p.size <= size - at);
        if (p.type == TAP_PACKET_MESSAGE) {
            struct tap_cursor c = tap_cursor(p.term, p.term_len);
            HOLD(is_within(p.term, p.term_len, data + at, p.size));
            HOLD(tap_skip(&c) && tap_left(&c) == 0);
        }
        if (p.type == TAP_PACKET_FRAME)
            HOLD(is_within(p.frame, TAP_FRAME_HEADER + p.header.length, data + at, p.size));
        if (p.to)
            HOLD(is_within(p.to, p.to_len, data + at, p.size));
        at += p.size;
    }
}

static void try_report(const uint8_t *data, size_t size)
{
    struct tap_frame h;
    struct tap_report_final final;
    struct tap_report_clock clock;
    int64_t ref;
    if (size < TAP_FRAME_HEADER || !tap_frame_read(data, &h))
        return;
    h.length = h.length < size - TAP_FRAME_HEADER ? h.length : (uint32_t)(size - TAP_FRAME_HEADER);
    tap_report_final(&h, data, &final);
    tap_report_clock(&h, data, &clock);
    tap_report_named(&h, data, &ref);
    struct tap_mask mask;
    uint8_t *copy = malloc(size);
    HOLD(copy);
    memcpy(copy, data, size);
    tap_mask_set(&mask, "function", NULL);
    tap_mask_bytes(&mask, copy, size);
    free(copy);
}

/* ---- A peer */

static struct {
    int listener;
    uint16_t port;
    const uint8_t *at, *end;
    pthread_t thread;
} peer = {.listener = -1};

/* Where epmd would say a port, it is this one's. */
static void say_piece(int fd)
{
    uint8_t piece[256];
    size_t n = peer.at < peer.end ? *peer.at++ : 0;
    n = n < (size_t)(peer.end - peer.at) ? n : (size_t)(peer.end - peer.at);
    memcpy(piece, peer.at, n);
    peer.at += n;
    if (n >= 4 && piece[0] == 119 && piece[1] == 0)
        piece[2] = (uint8_t)(peer.port >> 8), piece[3] = (uint8_t)peer.port;
    if (send(fd, piece, n, MSG_NOSIGNAL) < 0)
        return;
}

static void *peer_main(void *arg)
{
    (void)arg;
    for (;;) {
        int fd = accept(peer.listener, NULL, NULL);
        char heard[512];
        if (fd < 0)
            return NULL;
        if (recv(fd, heard, 1, 0) == 1 && heard[0] == 0x7f) { /* the end of this input */
            close(fd);
            return NULL;
        }
        say_piece(fd);
        shutdown(fd, SHUT_WR);
        while (recv(fd, heard, sizeof heard, 0) > 0)
            ;
        close(fd);
    }
}

static void peer_listen(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    char port[16];
    if (peer.listener >= 0)
        return;
    ei_init();
    peer.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    HOLD(bind(peer.listener, (struct sockaddr *)&a, sizeof a) == 0 &&
         listen(peer.listener, 8) == 0);
    HOLD(getsockname(peer.listener, (struct sockaddr *)&a, &len) == 0);
    peer.port = ntohs(a.sin_port);
    snprintf(port, sizeof port, "%u", peer.port);
    setenv("ERL_EPMD_PORT", port, 1);
}

static void peer_begin(const uint8_t *data, size_t size)
{
    peer_listen();
    peer.at = data;
    peer.end = data + size;
    HOLD(pthread_create(&peer.thread, NULL, peer_main, NULL) == 0);
}

static struct tap_addresses here(void)
{
    struct tap_addresses a = {.count = 1};
    struct sockaddr_in *in = (struct sockaddr_in *)&a.at[0];
    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static void peer_end(void)
{
    struct tap_addresses a = here();
    int fd = tap_addresses_connect(&a, peer.port, tap_wire_now() + 20 * PATIENCE, NULL);
    HOLD(fd >= 0 && send(fd, "\x7f", 1, MSG_NOSIGNAL) == 1);
    HOLD(pthread_join(peer.thread, NULL) == 0);
    close(fd);
}

static void hold_in_time(int64_t begun)
{
    HOLD(tap_wire_now() - begun < 200 * PATIENCE); /* far beyond: the machine may be busy */
}

static void try_epmd(const uint8_t *data, size_t size)
{
    struct tap_addresses a = here();
    char why[300] = "";
    uint16_t port = 0;
    peer_begin(data, size);
    int64_t begun = tap_wire_now();
    bool found = tap_epmd_find("localhost", &a, "shop", begun + PATIENCE, &port, why, sizeof why);
    HOLD(found || why[0]);
    HOLD(memchr(why, 0, sizeof why));
    hold_in_time(begun);
    peer_end();
}

static void try_shake(const uint8_t *data, size_t size)
{
    static const struct tap_cookie cookie = {.text = "cookie"};
    static struct tap_approached result;
    memset(&result, 0, sizeof result);
    peer_begin(data, size);
    int64_t begun = tap_wire_now();
    const struct tap_approach approach = {.node = "shop@localhost",
                                          .alive = "beamtap_fuzz",
                                          .cookie = &cookie,
                                          .deadline = begun + PATIENCE};
    tap_handshake(&approach, &result);
    HOLD(result.wire || (result.why[0] && memchr(result.why, 0, sizeof result.why)));
    if (result.wire)
        result.wire->ops->close(result.wire);
    hold_in_time(begun);
    peer_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    switch (data[0] % KINDS) {
    case PACKETS: try_packets(data + 1, size - 1, tap_packet_read); break;
    case BARE: try_packets(data + 1, size - 1, tap_packet_read_bare); break;
    case REPORT: try_report(data + 1, size - 1); break;
    case EPMD: try_epmd(data + 1, size - 1); break;
    default: try_shake(data + 1, size - 1);
    }
    return 0;
}

/* ---- Inputs */

static void piece(struct tap_buf *b, const void *bytes, size_t n)
{
    tap_write_u8(b, (unsigned)n);
    tap_buf_put(b, bytes, n);
}

/* PORT2_RESP for the name shop. */
static void seed_found(struct tap_buf *b)
{
    piece(b, "\x77\0\0\0\x4d\0\0\6\0\5\0\4shop\0\0", 18);
}

/* What an OTP 25 node says until it waits for our digest: status, and a challenge. */
static void seed_shake(struct tap_buf *b, const char *status)
{
    struct tap_buf said = {0};
    size_t n = strlen(status) + 1;
    seed_found(b);
    tap_write_u8(&said, 0), tap_write_u8(&said, (unsigned)n);
    tap_write_u8(&said, 's'), tap_buf_put(&said, status, n - 1);
    tap_write_u8(&said, 0), tap_write_u8(&said, 33);
    tap_write_u8(&said, 'N');
    tap_write_u32(&said, 0xd), tap_write_u32(&said, 0x07df7fbd);
    tap_write_u32(&said, 12345), tap_write_u32(&said, 1);
    tap_write_u8(&said, 0), tap_write_u8(&said, 14);
    tap_buf_put(&said, "shop@localhost", 14);
    tap_write_u8(&said, 0), tap_write_u8(&said, 17);
    tap_write_u8(&said, 'a');
    tap_buf_put(&said, "0123456789abcdef", 16);
    piece(b, said.data, said.len);
    tap_buf_free(&said);
}

static void seed_packets(struct tap_buf *b, uint64_t *state)
{
    static const uint8_t pid[] = {88, 119, 3, 'a', '@', 'b', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7};
    for (int i = 0; i < 3; i++) {
        struct tap_buf term = {0}, frame = {0};
        fuzz_messages(&frame, state, 0, 0, 0);
        if (i == 1)
            tap_write_binary(&term, frame.data, frame.len);
        else
            fuzz_term(&term, state, 4);
        tap_packet_send(b, pid, sizeof pid, term.data, term.len);
        tap_packet_tick(b);
        tap_packet_send_name(b, pid, sizeof pid, "rex", term.data, term.len);
        tap_buf_free(&term);
        tap_buf_free(&frame);
    }
}

bool fuzz_seed(unsigned number, struct tap_buf *b)
{
    static const char *const statuses[] = {"ok", "ok_simultaneous", "alive", "not_allowed", "nok"};
    uint64_t state = number + 1077;
    /* Sockets are a hundred times slower than bytes. */
    unsigned kind = number % 16 == 0 ? EPMD : number % 16 == 1 ? SHAKE : number % 3;
    for (int i = 0; i < 20; i++)
        fuzz_random(&state);
    tap_write_u8(b, kind);
    switch (kind) {
    case PACKETS: seed_packets(b, &state); break;
    case BARE:
        fuzz_messages(b, &state, 0, 0, 0);
        fuzz_reports(b, &state, 0, 18, 0);
        break;
    case REPORT: fuzz_reports(b, &state, 0, 18, 0); break;
    case EPMD:
        if (number % 32)
            seed_found(b);
        else
            piece(b, "\x77\1", 2), piece(b, "\0\0\x11\x11name a at port 1\nname b at port 2\n", 38);
        break;
    default: seed_shake(b, statuses[number / 16 % 5]);
    }
    return number < 96 && !b->oom;
}
