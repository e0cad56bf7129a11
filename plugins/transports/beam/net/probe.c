/* probe.c: see probe.h.
 *
 * Sources: https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html (send_name, recv_status,
 * NAMES_REQ); RFC 8446, section 5.1 (records: alert is content type 21).
 */
#include "transports/beam/net/probe.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "beamtap/frame.h"
#include "beamtap/term_write.h"
#include "transports/beam/net/wire.h"

/* What a node of OTP 25 or later must be offered so that it goes on to its status. */
#define NODE_FLAGS UINT64_C(0x403070f94)

/* Sends a request and reads the first `len` bytes of the answer. */
static bool probe_ask(const struct tap_addresses *to, uint16_t port, int64_t deadline,
                      const struct tap_buf *request, uint8_t *answer, size_t len)
{
    int64_t by = tap_wire_now() + TAP_PROBE_TIME;
    by = by < deadline ? by : deadline;
    int fd = request->oom ? -1 : tap_addresses_connect(to, port, by, NULL);
    if (fd < 0)
        return false;
    bool ok = tap_wire_write_all(fd, request->data, request->len, by) == 0 &&
              tap_wire_read_all(fd, answer, len, by) == 0;
    close(fd);
    return ok;
}

bool tap_probe_node(const struct tap_addresses *to, uint16_t port, int64_t deadline)
{
    struct tap_buf b = {0};
    static const char name[] = "beamtap_probe@localhost"; /* an atom in the node, for ever: one */
    const unsigned n = sizeof name - 1;
    uint8_t answer[3];
    tap_write_u8(&b, 0);
    tap_write_u8(&b, 1 + 8 + 4 + 2 + n);
    tap_write_u8(&b, 'N');
    tap_write_u32(&b, (uint32_t)(NODE_FLAGS >> 32));
    tap_write_u32(&b, (uint32_t)NODE_FLAGS);
    tap_write_u32(&b, 1); /* creation */
    tap_write_u8(&b, 0);
    tap_write_u8(&b, n);
    tap_buf_put(&b, name, n);
    bool ok = probe_ask(to, port, deadline, &b, answer, sizeof answer);
    tap_buf_free(&b);
    return ok && answer[2] == 's';
}

bool tap_probe_epmd(const struct tap_addresses *to, uint16_t port, int64_t deadline)
{
    struct tap_buf b = {0};
    uint8_t answer[4];
    tap_buf_put(&b, "\0\1n", 3);
    bool ok = probe_ask(to, port, deadline, &b, answer, sizeof answer);
    tap_buf_free(&b);
    return ok && tap_get_u32(answer) == port; /* it begins with its own port */
}

bool tap_probe_tls_alert(const uint8_t *bytes, size_t len)
{
    return len >= 3 && bytes[0] == 21 && bytes[1] == 3 && bytes[2] <= 4;
}
