/* encode.c: nodes -> external terms. Equal terms get equal bytes (strings are lists of
 * integers). */
#include "syntax/syntax.h"

static void encode_integer(struct tap_buf *b, const struct tap_syn_node *n)
{
    uint64_t magnitude = 0;
    for (size_t i = n->digit_count; n->digit_count <= 8 && i-- > 0;)
        magnitude = magnitude << 8 | n->digits[i];
    if (n->digit_count <= 8 && magnitude <= INT64_MAX) {
        tap_write_i64(b, n->negative ? -(int64_t)magnitude : (int64_t)magnitude);
        return;
    }
    tap_write_u8(b, TAP_EXT_SMALL_BIG); /* the lexer lets no number be longer */
    tap_write_u8(b, (unsigned)n->digit_count);
    tap_write_u8(b, n->negative);
    tap_buf_put(b, n->digits, n->digit_count);
}

static void encode_string(struct tap_buf *b, const struct tap_syn_node *n)
{
    if (n->char_count)
        tap_write_list(b, (uint32_t)n->char_count);
    for (size_t i = 0; i < n->char_count; i++)
        tap_write_i64(b, n->chars[i]);
    tap_write_nil(b);
}

/* The creation is left to whoever puts in the name. */
static void encode_identity(struct tap_buf *b, const char *home, const struct tap_syn_node *n)
{
    bool reference = n->identity == TAP_EXT_NEWER_REFERENCE;
    tap_write_u8(b, (unsigned)n->identity);
    if (reference) {
        tap_write_u8(b, 0);
        tap_write_u8(b, (unsigned)n->char_count);
    }
    tap_write_atom(b, home);
    if (reference)
        tap_write_u32(b, 0);
    for (size_t i = 0; i < n->char_count; i++) /* a reference is printed from its last word on */
        tap_write_u32(b, n->chars[reference ? n->char_count - 1 - i : i]);
    if (!reference)
        tap_write_u32(b, 0);
}

static void encode_bits(struct tap_buf *b, const struct tap_syn_node *n)
{
    tap_write_u8(b, TAP_EXT_BIT_BINARY);
    tap_write_u32(b, (uint32_t)n->text_len);
    tap_write_u8(b, n->bits);
    tap_buf_put(b, n->text, n->text_len);
}

static bool encode_items(struct tap_syn_source *s, struct tap_buf *b, const struct tap_syn_node *n)
{
    for (size_t i = 0; i < n->count; i++)
        if (!tap_syn_encode(s, b, n->items[i]))
            return false;
    return true;
}

/* A node refuses a map with the same key twice; which of them was meant? */
static bool encode_map(struct tap_syn_source *s, struct tap_buf *b, const struct tap_syn_node *n)
{
    struct span {
        size_t from, to;
    } *keys = tap_syn_alloc(s->arena, (n->count + 1) * sizeof *keys);
    if (!keys)
        return tap_syn_fail_oom(s);
    tap_write_map(b, (uint32_t)(n->count / 2));
    for (size_t i = 0; i < n->count; i++) {
        size_t from = b->len;
        if (!tap_syn_encode(s, b, n->items[i]))
            return false;
        if (i % 2)
            continue;
        keys[i / 2] = (struct span){from, b->len};
        for (size_t j = 0; j < i / 2; j++)
            if (keys[j].to - keys[j].from == b->len - from &&
                !memcmp(b->data + keys[j].from, b->data + from, b->len - from))
                return tap_syn_fail(s, n->items[i]->off, "this key stands twice in the map");
    }
    return true;
}

bool tap_syn_encode(struct tap_syn_source *s, struct tap_buf *b, const struct tap_syn_node *n)
{
    switch (n->type) {
    case TAP_SYN_N_INT: encode_integer(b, n); break;
    case TAP_SYN_N_FLOAT: tap_write_f64(b, n->number); break;
    case TAP_SYN_N_ATOM: tap_write_atom_n(b, n->text, n->text_len); break;
    case TAP_SYN_N_STRING: encode_string(b, n); break;
    case TAP_SYN_N_BINARY:
        if (n->bits)
            encode_bits(b, n);
        else
            tap_write_binary(b, n->text, n->text_len);
        break;
    case TAP_SYN_N_IDENTITY:
        if (!s->home)
            return tap_syn_fail(s, n->off, "a process, port or reference cannot be written here");
        encode_identity(b, s->home, n);
        break;
    case TAP_SYN_N_EXPORT:
        tap_write_u8(b, TAP_EXT_EXPORT);
        if (!encode_items(s, b, n))
            return false;
        break;
    case TAP_SYN_N_LIST:
        if (n->count)
            tap_write_list(b, (uint32_t)n->count);
        if (!encode_items(s, b, n) || (n->tail && !tap_syn_encode(s, b, n->tail)))
            return false;
        if (!n->tail)
            tap_write_nil(b);
        break;
    case TAP_SYN_N_TUPLE:
        tap_write_tuple(b, (uint32_t)n->count);
        if (!encode_items(s, b, n))
            return false;
        break;
    case TAP_SYN_N_MAP:
        if (!encode_map(s, b, n))
            return false;
        break;
    case TAP_SYN_N_SEGMENTS:
    case TAP_SYN_N_VAR:
    case TAP_SYN_N_CALL:
    case TAP_SYN_N_OP: return tap_syn_fail(s, n->off, "this is not a term");
    }
    return !b->oom || tap_syn_fail_oom(s);
}
