/* identifiers.c: pids, ports, references and funs.
 *
 * Their own node's print as in that node: <0.123.0>, #Port<0.5>, #Ref<0.1.2.3>. Those of other
 * nodes would print there with a number that means something only inside that VM (<9325.1.2>): here
 * they carry their node's name. One of an earlier life of the node itself (the same name, another
 * creation) is printed as one of it: no stream says which creation its node has. A local fun's name
 * is not in its encoding: in Elixir syntax the function that made it is not shown (#Function<1.2/1
 * in Shop.Cart>, where inspect adds .add/2 when the module is loaded).
 */
#include "term/out.h"

struct tap_home tap_home_of(const struct tap_names *names, const struct tap_print *print)
{
    const struct tap_name *name = tap_out_name(names, print ? print->node_name : 0);
    return (struct tap_home){name->text, name->len};
}

static bool is_home(const struct tap_home *home, const char *node, size_t n, bool latin1)
{
    if (!latin1)
        return n == home->len && memcmp(node, home->name, n) == 0;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        char b[4];
        unsigned k = tap_utf8_encode(b, (uint8_t)node[i]);
        if (home->len - at < k || memcmp(home->name + at, b, k) != 0)
            return false;
        at += k;
    }
    return at == home->len;
}

struct node_atom {
    const char *text;
    uint32_t len;
    bool latin1;
};

/* The node of an identifier and `rest` bytes after it, which p is set to. */
static bool read_node(struct tap_cursor *c, struct node_atom *node, size_t rest, const uint8_t **p)
{
    if (!tap_read_atom(c, &node->text, &node->len, &node->latin1) || tap_left(c) < rest)
        return tap_cursor_fail(c);
    *p = c->p;
    c->p += rest;
    return true;
}

static void put_node(struct tap_out *o, const struct node_atom *node, const struct tap_home *home)
{
    if (is_home(home, node->text, node->len, node->latin1))
        tap_out_char(o, '0');
    else
        tap_out_node(o, node->text, node->len, node->latin1);
}

static bool put_pid(struct tap_out *o, struct tap_cursor *c, const struct tap_home *home)
{
    struct node_atom node;
    const uint8_t *p;
    size_t rest = *c->p++ == TAP_EXT_NEW_PID ? 12 : 9;
    if (!read_node(c, &node, rest, &p))
        return false;
    if (o->elixir)
        tap_out_lit(o, "#PID");
    tap_out_char(o, '<');
    put_node(o, &node, home);
    tap_out_char(o, '.');
    tap_out_u64(o, tap_get_u32(p));
    tap_out_char(o, '.');
    tap_out_u64(o, tap_get_u32(p + 4));
    tap_out_char(o, '>');
    return true;
}

static bool put_port(struct tap_out *o, struct tap_cursor *c, const struct tap_home *home)
{
    struct node_atom node;
    const uint8_t *p;
    int tag = *c->p++;
    if (!read_node(c, &node, tag == TAP_EXT_V4_PORT ? 12 : tag == TAP_EXT_NEW_PORT ? 8 : 5, &p))
        return false;
    tap_out_lit(o, "#Port<");
    put_node(o, &node, home);
    tap_out_char(o, '.');
    tap_out_u64(o, tag == TAP_EXT_V4_PORT ? tap_get_u64(p) : tap_get_u32(p));
    tap_out_char(o, '>');
    return true;
}

static bool put_ref(struct tap_out *o, struct tap_cursor *c, const struct tap_home *home)
{
    struct node_atom node;
    const uint8_t *p;
    int tag = *c->p++;
    unsigned words = 1;
    if (tag != TAP_EXT_REFERENCE) {
        if (tap_left(c) < 2)
            return tap_cursor_fail(c);
        words = (unsigned)c->p[0] << 8 | c->p[1];
        c->p += 2;
        if (words == 0 || words > 5)
            return tap_cursor_fail(c);
    }
    /* The creation stands before the words, except in the oldest encoding. */
    unsigned creation = tag == TAP_EXT_NEWER_REFERENCE ? 4 : 1;
    if (!read_node(c, &node, 4 * words + creation, &p))
        return false;
    if (tag != TAP_EXT_REFERENCE)
        p += creation;
    if (o->elixir)
        tap_out_lit(o, "#Reference<");
    else
        tap_out_lit(o, "#Ref<");
    put_node(o, &node, home);
    while (words-- > 0) {
        tap_out_char(o, '.');
        tap_out_u64(o, tap_get_u32(p + 4 * words));
    }
    tap_out_char(o, '>');
    return true;
}

static bool put_export(struct tap_out *o, struct tap_cursor *c)
{
    struct node_atom m, f;
    int64_t arity;
    c->p++;
    if (!tap_read_atom(c, &m.text, &m.len, &m.latin1) ||
        !tap_read_atom(c, &f.text, &f.len, &f.latin1) || !tap_read_i64(c, &arity))
        return false;
    if (o->elixir) {
        tap_out_char(o, '&');
        tap_out_atom(o, m.text, m.len, m.latin1, TAP_ATOM_LITERAL);
        tap_out_char(o, '.');
        tap_out_atom(o, f.text, f.len, f.latin1, TAP_ATOM_CALL);
    } else {
        tap_out_lit(o, "fun ");
        tap_out_vm_atom(o, m.text, m.len, m.latin1);
        tap_out_char(o, ':');
        tap_out_vm_atom(o, f.text, f.len, f.latin1);
    }
    tap_out_char(o, '/');
    tap_out_i64(o, arity);
    return true;
}

struct local_fun {
    struct node_atom module;
    int64_t arity, index, uniq;
    uint32_t new_index;
};

static bool read_fun(struct tap_cursor *c, struct local_fun *f)
{
    static const uint8_t no_hash[16];
    if (*c->p == TAP_EXT_NEW_FUN) {
        size_t left = tap_left(c), size = left < 5 ? 0 : tap_get_u32(c->p + 1);
        if (left < 5 || size < 29 || size > left - 1)
            return tap_cursor_fail(c);
        struct tap_cursor body = tap_cursor(c->p + 5, size - 4);
        /* The native tracer is told neither a fun's arity nor its module's hash, and leaves both
         * out. */
        f->arity = memcmp(body.p + 1, no_hash, sizeof no_hash) ? body.p[0] : -1;
        f->new_index = tap_get_u32(body.p + 17);
        body.p += 25; /* arity, uniq, index, number of free variables */
        c->p += 1 + size;
        return tap_read_atom(&body, &f->module.text, &f->module.len, &f->module.latin1) &&
               tap_read_i64(&body, &f->index) && tap_read_i64(&body, &f->uniq);
    }
    if (tap_left(c) < 5)
        return tap_cursor_fail(c);
    uint32_t free_variables = tap_get_u32(c->p + 1);
    c->p += 5;
    if (!tap_skip(c) || !tap_read_atom(c, &f->module.text, &f->module.len, &f->module.latin1) ||
        !tap_read_i64(c, &f->index) || !tap_read_i64(c, &f->uniq))
        return false;
    while (free_variables-- > 0)
        if (!tap_skip(c))
            return false;
    f->new_index = (uint32_t)f->index;
    f->arity = -1;
    return true;
}

static bool put_fun(struct tap_out *o, struct tap_cursor *c)
{
    struct local_fun f;
    if (!read_fun(c, &f))
        return false;
    if (o->elixir) {
        tap_out_lit(o, "#Function<");
        tap_out_u64(o, f.new_index);
        tap_out_char(o, '.');
        tap_out_i64(o, f.uniq);
        if (f.arity >= 0) {
            tap_out_char(o, '/');
            tap_out_i64(o, f.arity);
        }
        tap_out_lit(o, " in ");
        tap_out_atom(o, f.module.text, f.module.len, f.module.latin1, TAP_ATOM_LITERAL);
    } else {
        tap_out_lit(o, "#Fun<");
        tap_out_vm_atom(o, f.module.text, f.module.len, f.module.latin1);
        tap_out_char(o, '.');
        tap_out_i64(o, f.index);
        tap_out_char(o, '.');
        tap_out_i64(o, f.uniq);
    }
    tap_out_char(o, '>');
    return true;
}

bool tap_out_ident(struct tap_out *o, struct tap_cursor *c, const struct tap_home *home)
{
    switch (tap_peek(c)) {
    case TAP_EXT_NEW_PID:
    case TAP_EXT_PID: return put_pid(o, c, home);
    case TAP_EXT_V4_PORT:
    case TAP_EXT_NEW_PORT:
    case TAP_EXT_PORT: return put_port(o, c, home);
    case TAP_EXT_NEWER_REFERENCE:
    case TAP_EXT_NEW_REFERENCE:
    case TAP_EXT_REFERENCE: return put_ref(o, c, home);
    case TAP_EXT_EXPORT: return put_export(o, c);
    case TAP_EXT_NEW_FUN:
    case TAP_EXT_FUN: return put_fun(o, c);
    default: return tap_cursor_fail(c);
    }
}
