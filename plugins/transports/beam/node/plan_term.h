/* plan_term.h: the plan as the options that the agent's start/1 takes (protocol.h). Pure: no I/O,
 * unit-testable. */
#ifndef TAP_TRANSPORTS_BEAM_NODE_PLAN_TERM_H
#define TAP_TRANSPORTS_BEAM_NODE_PLAN_TERM_H

#include "beamtap/transport.h"

/* Where a node brings its frames, when not over the distribution: protocol.h, stream. */
struct tap_endpoint {
    char address[256]; /* "": over TCP nowhere */
    uint16_t port;
    int64_t timeout; /* ns */
    const uint8_t *token, *answer;
    uint8_t local[108]; /* of a Unix socket, as sockaddr_un has it; tried before the address */
    size_t local_len;   /* 0: there is none */
};
struct tap_plan_term {
    const struct tap_plan *plan;
    const char *run;          /* names the run in the node */
    const uint8_t *collector; /* our pid, an external term */
    size_t collector_len;
    uint32_t credit; /* bytes */
    const char *(*kind_name)(unsigned kind);
    int64_t duration; /* ns; 0: no limit. A node that joins late has less than the plan's */
    const struct tap_endpoint *stream; /* NULL: over the distribution */
    const char *node;                  /* its name, as it has it */
    uint32_t creation;                 /* and what its pids carry beside the name */
    bool stream_native;                /* it is for the native tracer alone */
};
/* Appends the options map, without version byte. Memory failures show in the buffer's oom. */
void tap_plan_term_write(struct tap_buf *, const struct tap_plan_term *);

#endif
