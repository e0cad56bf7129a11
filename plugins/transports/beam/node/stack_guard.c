/* stack_guard.c: tells a node whose stacks a function fills whose returns are traced: {beamtap,
 * returns_off, {M, F, A}, Pid, Open}.
 *
 * The core finds them (host->deep_stack); the agent looks for itself before it takes the returns
 * away.
 */
#include "transports/beam/node/run_state.h"

static void put_name(struct tap_buf *b, const struct tap_host *host, uint32_t id)
{
    const struct tap_name *name = tap_name_get(host, id);
    tap_write_atom_n(b, name->text, name->len);
}

void tap_beam_node_returns_off(struct tap_beam_node *n)
{
    const struct tap_host *host = n->beam->host;
    struct tap_deep_stack found = {.struct_size = sizeof found};
    while (n->conn.wire && host->transport->deep_stack(host, n->index, &found)) {
        struct tap_buf b = {0};
        tap_write_tuple(&b, 5);
        tap_write_atom(&b, "beamtap");
        tap_write_atom(&b, "returns_off");
        tap_write_tuple(&b, 3);
        put_name(&b, host, found.module);
        put_name(&b, host, found.function);
        tap_write_i64(&b, found.arity);
        tap_beam_write_pid(&b, host, &found.pid);
        tap_write_i64(&b, found.open);
        if (!tap_conn_send(&n->conn, n->guardian, n->guardian_len, &b))
            tap_beam_node_broken(n);
        tap_buf_free(&b);
    }
}
