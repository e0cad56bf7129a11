/* peer.c: an event's process and its peer, which are fields and no terms: printed as the terms that
 * they were. */
#include "term/out.h"
#include "term/print.h"

/* An atom of the VM's has 255 characters, and who prints a pid has room for those
 * (beamtap/plugin.h). A name of a file's may have more: of that one the rest is left out. */
#define NODE_CHARACTERS 255u

static void put_node(struct tap_out *o, const struct tap_name *name)
{
    size_t n = name->len < NODE_CHARACTERS ? name->len : 0;
    for (unsigned left = NODE_CHARACTERS; n < name->len && left > 0; left--)
        do
            n++;
        while (n < name->len && ((uint8_t)name->text[n] & 0xC0) == 0x80);
    tap_out_node(o, name->text, n, false);
    if (n < name->len)
        tap_out_lit(o, "...");
}

static void pid_fields(struct tap_out *o, const struct tap_names *names, const struct tap_pid *pid,
                       uint32_t home)
{
    if (o->elixir)
        tap_out_lit(o, "#PID");
    tap_out_char(o, '<');
    if (pid->node == home || pid->node == 0)
        tap_out_char(o, '0');
    else
        put_node(o, tap_out_name(names, pid->node));
    tap_out_char(o, '.');
    tap_out_u64(o, pid->id);
    tap_out_char(o, '.');
    tap_out_u64(o, pid->serial);
    tap_out_char(o, '>');
}

size_t tap_pid_print(const struct tap_names *names, char *dst, size_t cap,
                     const struct tap_pid *pid, const struct tap_print *print)
{
    struct tap_out o;
    tap_out_init(&o, dst, cap, print);
    pid_fields(&o, names, pid, print ? print->node_name : 0);
    return tap_out_finish(&o);
}

static void put_name(struct tap_out *o, const struct tap_names *names, uint32_t id,
                     enum tap_atom_form form)
{
    const struct tap_name *name = tap_out_name(names, id);
    tap_out_atom(o, name->text, name->len, false, form);
}

static void named_peer(struct tap_out *o, const struct tap_names *names, const struct tap_event *e)
{
    if (!e->peer.node) {
        put_name(o, names, e->peer_name, TAP_ATOM_LITERAL);
        return;
    }
    tap_out_char(o, '{');
    put_name(o, names, e->peer_name, TAP_ATOM_LITERAL);
    tap_out_put(o, ", ", o->elixir ? 2 : 1);
    put_name(o, names, e->peer.node, TAP_ATOM_LITERAL);
    tap_out_char(o, '}');
}

static void put_pieces(struct tap_out *o, const struct tap_name_piece *pieces, size_t n)
{
    for (size_t i = 0; i < n; i++)
        tap_out_text(o, pieces[i].text, pieces[i].len, false);
}

static void mfa_peer(struct tap_out *o, const struct tap_names *names, const struct tap_event *e)
{
    const struct tap_function_text text = tap_function_text(
        tap_out_name(names, e->caller.module), tap_out_name(names, e->caller.function),
        o->elixir ? TAP_PRINT_ELIXIR : TAP_PRINT_ERLANG);
    put_pieces(o, text.before, sizeof text.before / sizeof *text.before);
    tap_out_char(o, '/');
    tap_out_u64(o, (uint64_t)e->caller.arity);
    put_pieces(o, text.behind, sizeof text.behind / sizeof *text.behind);
}

static void port_peer(struct tap_out *o, const struct tap_names *names, const struct tap_port *port,
                      uint32_t home)
{
    tap_out_lit(o, "#Port<");
    if (port->node == home || port->node == 0)
        tap_out_char(o, '0');
    else
        put_node(o, tap_out_name(names, port->node));
    tap_out_char(o, '.');
    tap_out_u64(o, port->id);
    tap_out_char(o, '>');
}

size_t tap_peer_print(const struct tap_names *names, char *dst, size_t cap,
                      const struct tap_batch *batch, const struct tap_event *e,
                      const struct tap_print *print)
{
    uint32_t home = print ? print->node_name : 0;
    struct tap_out o;
    if (e->peer_type == TAP_PEER_TERM && e->peer_term.len <= batch->arena_len &&
        e->peer_term.off <= batch->arena_len - e->peer_term.len)
        return tap_term_print(names, dst, cap, batch->arena + e->peer_term.off, e->peer_term.len,
                              print);
    tap_out_init(&o, dst, cap, print);
    switch (e->peer_type) {
    case TAP_PEER_PID: pid_fields(&o, names, &e->peer, home); break;
    case TAP_PEER_NAME: named_peer(&o, names, e); break;
    case TAP_PEER_PORT: port_peer(&o, names, &e->peer_port, home); break;
    case TAP_PEER_MFA: mfa_peer(&o, names, e); break;
    default: break;
    }
    return tap_out_finish(&o);
}
