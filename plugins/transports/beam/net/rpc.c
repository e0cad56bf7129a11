/* rpc.c: {self(), {call, M, F, Args, user}} to rex, as erl_call and ei_rpc do it; and, for what rex
 * is to do itself, the call that gen_server:call would send.
 *
 * The group leader `user` is the node's own console: what a called function prints stays there.
 */
#include "transports/beam/net/rpc.h"

bool tap_rpc_send(struct tap_rpc *r, struct tap_conn *c, const char *module, const char *function,
                  const struct tap_buf *args)
{
    struct tap_buf b = {0};
    tap_write_tuple(&b, 2);
    tap_buf_put(&b, c->self, c->self_len);
    tap_write_tuple(&b, 5);
    tap_write_atom(&b, "call");
    tap_write_atom(&b, module);
    tap_write_atom(&b, function);
    tap_buf_put(&b, args->data, args->len);
    tap_write_atom(&b, "user");
    b.oom |= args->oom;
    r->answer.len = 0;
    r->waiting = true;
    bool ok = tap_conn_send_name(c, "rex", &b);
    tap_buf_free(&b);
    return ok;
}

bool tap_rpc_send_inside(struct tap_rpc *r, struct tap_conn *c, const char *module,
                         const char *function, const struct tap_buf *args)
{
    struct tap_buf b = {0};
    tap_write_tuple(&b, 3);
    tap_write_atom(&b, "$gen_call");
    tap_write_tuple(&b, 2); /* {self(), rex}: so the answer is {rex, Result} here too */
    tap_buf_put(&b, c->self, c->self_len);
    tap_write_atom(&b, "rex");
    tap_write_tuple(&b, 5);
    tap_write_atom(&b, "block_call");
    tap_write_atom(&b, module);
    tap_write_atom(&b, function);
    tap_buf_put(&b, args->data, args->len);
    tap_buf_put(&b, c->self, c->self_len); /* `user` may not be there, and is not needed */
    b.oom |= args->oom;
    r->answer.len = 0;
    r->waiting = true;
    bool ok = tap_conn_send_name(c, "rex", &b);
    tap_buf_free(&b);
    return ok;
}

bool tap_rpc_message(struct tap_rpc *r, const uint8_t *term, size_t len)
{
    struct tap_cursor c = tap_cursor(term, len);
    uint32_t arity;
    if (!r->waiting || !tap_read_tuple(&c, &arity) || arity != 2 || !tap_match_atom(&c, "rex"))
        return false;
    tap_buf_put(&r->answer, c.p, tap_left(&c));
    r->waiting = false;
    return true;
}

void tap_rpc_free(struct tap_rpc *r)
{
    tap_buf_free(&r->answer);
    r->waiting = false;
}

void tap_rpc_write_string(struct tap_buf *b, const char *text)
{
    size_t n = strlen(text);
    if (n == 0) {
        tap_write_nil(b);
        return;
    }
    tap_write_u8(b, TAP_EXT_STRING);
    tap_write_u8(b, (unsigned)(n >> 8) & 255);
    tap_write_u8(b, (unsigned)n & 255);
    tap_buf_put(b, text, n);
}
