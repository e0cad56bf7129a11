/* wire.h: what carries bytes to a node and back.
 *
 * Everything above (framing, rpc, the run) reads and writes through these operations only and never
 * touches the socket, so that TLS can slip in beneath. A wire does not block: it says EAGAIN, and
 * its owner waits with poll(2) on `fd`. One thread at a time.
 */
#ifndef TAP_TRANSPORTS_BEAM_NET_WIRE_H
#define TAP_TRANSPORTS_BEAM_NET_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tap_wire;
struct tap_wire_ops {
    /* As read(2): bytes, 0 at the end, -1 with errno (EAGAIN: nothing now). */
    ssize_t (*read)(struct tap_wire *, void *dst, size_t len);
    /* As write(2). */
    ssize_t (*write)(struct tap_wire *, const void *src, size_t len);
    /* Ends the connection and frees the wire. */
    void (*close)(struct tap_wire *);
};
struct tap_wire {
    const struct tap_wire_ops *ops;
    int fd; /* to poll */
};

#define TAP_SECOND INT64_C(1000000000) /* ns */
/* Nanoseconds of a clock that never jumps: all deadlines in this folder are on it. */
int64_t tap_wire_now(void);
/* What has to be added to it now for the time since the Unix epoch. */
int64_t tap_wire_epoch(void);
/* Waits for `events` (poll's) on fd. 0: ready; ETIMEDOUT at `deadline`; else errno. */
int tap_wire_wait(int fd, short events, int64_t deadline);
/* A wire over a connected socket that does not block; takes the descriptor over. NULL (out of
 * memory): it is closed. */
struct tap_wire *tap_wire_socket(int fd);
/* Reads or writes all of it or fails: 0, or errno; ECONNRESET when the other side closed. For the
 * small exchanges before a connection is up. */
int tap_wire_read_all(int fd, void *dst, size_t len, int64_t deadline);
/* As tap_wire_read_all; *got: the bytes that are there, also after a failure. */
int tap_wire_read(int fd, void *dst, size_t len, int64_t deadline, size_t *got);
int tap_wire_write_all(int fd, const void *src, size_t len, int64_t deadline);

#endif
