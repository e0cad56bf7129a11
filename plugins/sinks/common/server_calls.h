/* server_calls.h: calls of gen_server and whatever else uses gen (beamtap/gen.h), put together.
 *
 * The tag tells which request and reply belong together. Four times are seen: sent, taken by the
 * server, replied, and the reply taken. Those of one process come in order; those of two may not,
 * so a call is whole when all four are there, and what the server did not show is counted when its
 * place is needed, or at the end. Bounded: TAP_SERVER_CALLS under way are remembered.
 */
#ifndef TAP_SINKS_COMMON_SERVER_CALLS_H
#define TAP_SINKS_COMMON_SERVER_CALLS_H

#include "beamtap/sink.h"
#include "sinks/common/node_labels.h"

#define TAP_SERVER_CALLS 16384u /* under way that are remembered */
#define TAP_SERVER_TEXT 120u    /* bytes of a request that are shown */

struct tap_server_call {
    uint64_t key, seen;                 /* seen: numbers the calls as they began */
    uint32_t from, server;              /* processes; 0: not seen */
    int64_t sent, taken, replied, done; /* ns since the epoch; 0: not seen */
    char request[TAP_SERVER_TEXT + 8];
    uint32_t request_len;
};

struct tap_server_calls {
    const struct tap_host *host;
    struct tap_sink_nodes *nodes;
    enum tap_print_syntax syntax; /* of requests */
    struct tap_server_call *at;   /* by key, in sets */
    uint64_t seen, done, unanswered;
    void *context;
    void (*whole)(void *context, const struct tap_server_call *); /* one came back */
    void (*given_up)(void *context,
                     const struct tap_server_call *); /* no reply was seen; or NULL */
};

bool tap_server_calls_init(struct tap_server_calls *); /* false: no memory */
void tap_server_calls_free(struct tap_server_calls *);
/* A send or a receive that may be a request or a reply. */
void tap_server_calls_message(struct tap_server_calls *, uint32_t process, const struct tap_batch *,
                              const struct tap_event *);
/* No more will come: what came back without the server's part is done too. */
void tap_server_calls_end(struct tap_server_calls *);

/* Of a call that came back: the whole of it, and the server's parts; -1: not seen. */
static inline int64_t tap_server_call_total(const struct tap_server_call *c)
{
    return c->done - c->sent;
}
static inline int64_t tap_server_call_waiting(const struct tap_server_call *c)
{
    return !c->taken ? -1 : c->taken > c->sent ? c->taken - c->sent : 0;
}
static inline int64_t tap_server_call_handling(const struct tap_server_call *c)
{
    return !c->taken || !c->replied ? -1 : c->replied > c->taken ? c->replied - c->taken : 0;
}

/* Keeps one among the slowest, the slowest first, of which there are `*count` and have room for
 * `most`; of equals the one that came first. */
void tap_server_calls_slowest(struct tap_server_call *slowest, uint32_t *count, uint32_t most,
                              const struct tap_server_call *);

#endif
