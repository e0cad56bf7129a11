/* fast_path.c: what most arguments and messages are, printed straight into memory: small integers,
 * bare atoms, the node's own pids, plain binaries and strings, and tuples and lists of those, in
 * Erlang syntax.
 *
 * The printer proper (print.c) prepares for everything that a term may be; here nothing is
 * prepared, and whatever is not so simple, or might not fit, is left to it. What is printed is the
 * same, which test_term_print holds against a node.
 */
#include "term/fast_path.h"

#define TEXT_MAX 128u
#define DEPTH_MAX 16

/* Stands for itself inside double quotes, JSON's included. */
static bool is_plain_text(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] < 0x20 || p[i] > 0x7e || p[i] == '"' || p[i] == '\\' || p[i] == '#' ||
            p[i] == '\'')
            return false;
    return true;
}

static char *put_text(char *p, const uint8_t *text, size_t n, bool json)
{
    if (json)
        *p++ = '\\';
    *p++ = '"';
    memcpy(p, text, n);
    p += n;
    if (json)
        *p++ = '\\';
    *p++ = '"';
    return p;
}

static char *plain_pid(char *p, struct tap_cursor *c, const struct tap_plain *how)
{
    struct tap_pid pid;
    const char *node;
    uint32_t len;
    if (!how->home || !tap_read_pid(c, &node, &len, &pid) || len != how->home->len ||
        memcmp(node, how->home->text, len) != 0)
        return NULL;
    memcpy(p, "<0.", 3);
    p = tap_plain_u32(p + 3, pid.id);
    *p++ = '.';
    p = tap_plain_u32(p, pid.serial);
    *p++ = '>';
    return p;
}

/* STRING_EXT: characters when all of them are, else numbers. */
static char *plain_string(char *p, struct tap_cursor *c, const struct tap_plain *how)
{
    const uint8_t *bytes;
    uint32_t n;
    bool numbers = false;
    if (!tap_read_string(c, &bytes, &n) || n == 0 || n > TEXT_MAX / 2)
        return NULL;
    if (is_plain_text(bytes, n))
        return put_text(p, bytes, n, how->json);
    for (uint32_t i = 0; i < n; i++) {
        if (bytes[i] >= 0x80)
            return NULL;
        numbers |=
            bytes[i] < 8 || (bytes[i] > 13 && bytes[i] != 27 && bytes[i] < 0x20) || bytes[i] == 127;
    }
    if (!numbers)
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        *p++ = i ? ',' : '[';
        p = tap_plain_u32(p, bytes[i]);
    }
    *p++ = ']';
    return p;
}

static char *plain_elements(char *p, struct tap_cursor *c, uint32_t n, char close,
                            const struct tap_plain *how, unsigned depth)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            *p++ = ',';
        if (!(p = tap_plain_term(p, c, how, depth + 1)))
            return NULL;
    }
    *p++ = close;
    return p;
}

char *tap_plain_term(char *p, struct tap_cursor *c, const struct tap_plain *how, unsigned depth)
{
    size_t left = tap_left(c);
    if (left < 2) /* NIL at the very end is left to the others */
        return NULL;
    if (__builtin_expect(how->end - p < (ptrdiff_t)TAP_PLAIN_LEAF_MAX || depth > DEPTH_MAX, 0))
        return NULL;
    char *leaf = tap_plain_leaf(p, c, how);
    if (leaf)
        return leaf;
    const uint8_t *t = c->p;
    switch (t[0]) {
    case TAP_EXT_ATOM: /* older nodes; ASCII is the same in latin1 */
        if (left < 3 || t[1] || left < 3u + t[2] ||
            !tap_atom_is_bare((const char *)t + 3, t[2], how->maybe))
            return NULL;
        c->p += 3u + t[2];
        return tap_plain_short(p, t + 3, t[2]);
    case TAP_EXT_NIL:
        c->p++;
        *p++ = '[';
        *p++ = ']';
        return p;
    case TAP_EXT_NEW_PID: return plain_pid(p, c, how);
    case TAP_EXT_STRING: return plain_string(p, c, how);
    case TAP_EXT_BINARY: {
        const uint8_t *bytes;
        uint32_t n;
        if (!tap_read_binary(c, &bytes, &n) || n == 0 || n > TEXT_MAX || !is_plain_text(bytes, n))
            return NULL;
        memcpy(p, "<<", 2);
        p = put_text(p + 2, bytes, n, how->json);
        memcpy(p, ">>", 2);
        return p + 2;
    }
    case TAP_EXT_SMALL_TUPLE:
        c->p += 2;
        *p++ = '{';
        return plain_elements(p, c, t[1], '}', how, depth);
    case TAP_EXT_LIST: {
        /* One that begins with a number may be a string. */
        uint32_t n;
        if (!tap_read_list(c, &n) || tap_peek(c) == TAP_EXT_SMALL_INTEGER ||
            tap_peek(c) == TAP_EXT_INTEGER)
            return NULL;
        *p++ = '[';
        p = plain_elements(p, c, n, ']', how, depth);
        return p && tap_read_nil(c) ? p : NULL;
    }
    default: return NULL;
    }
}

struct tap_plain tap_plain_of(const struct tap_names *names, const struct tap_print *print)
{
    struct tap_plain how = {.json = print->json, .maybe = print->has_maybe};
    uint32_t id = print->node_name;
    if (names && id)
        how.home = &names->chunks[id / TAP_NAME_CHUNK][id % TAP_NAME_CHUNK];
    return how;
}
