/* rpc.h: a call of a function in a node, through rex, over the connection that also carries the
 * trace.
 *
 * One call at a time. rex answers {rex, Result} without a reference, and other messages may come
 * first; whoever receives shows every message to tap_rpc_message. Nothing here waits.
 */
#ifndef TAP_TRANSPORTS_BEAM_NET_RPC_H
#define TAP_TRANSPORTS_BEAM_NET_RPC_H

#include "transports/beam/net/conn.h"

struct tap_rpc {
    bool waiting;          /* asked, not answered */
    struct tap_buf answer; /* the result, an external term without version byte */
};

/* Sends the call; `args` is a list as an external term without version byte. False: the connection
 * is broken. */
bool tap_rpc_send(struct tap_rpc *, struct tap_conn *, const char *module, const char *function,
                  const struct tap_buf *args);
/* The same, but rex does it itself: it needs no process, so it works where the process table is
 * full, and such calls are done one after the other, as they were sent. For what is short and
 * prints nothing. */
bool tap_rpc_send_inside(struct tap_rpc *, struct tap_conn *, const char *module,
                         const char *function, const struct tap_buf *args);
/* True when this message was the answer: it is copied, and `waiting` ends. */
bool tap_rpc_message(struct tap_rpc *, const uint8_t *term, size_t len);
void tap_rpc_free(struct tap_rpc *);

/* An Erlang string (a list of bytes) of at most 65,535 bytes. */
void tap_rpc_write_string(struct tap_buf *, const char *text);

#endif
