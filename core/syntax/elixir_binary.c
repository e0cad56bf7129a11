/* elixir_binary.c: <<...>> and <>.
 *
 * Without variables it is a binary. With variables it is what a match spec can say of one: texts,
 * bytes and parts of known length, and a rest (TAP_SYN_N_SEGMENTS).
 */
#include "syntax/chars.h"
#include "syntax/elixir.h"

enum { MOST = 64 * 1024 }; /* bytes of a part: more than a line of text can be about */

struct segment_type {
    size_t off;
    uint64_t size; /* given, with the unit below */
    unsigned unit; /* bits; 0: none was given */
    bool sized, binary, utf8, little, number;
};

static bool reads_word(struct tap_syn_elixir *e, const char *word)
{
    size_t end = tap_syn_elixir_word_end(e, e->pos);
    if (strlen(word) != end - e->pos || strncmp(e->text + e->pos, word, end - e->pos) != 0)
        return false;
    e->pos = end;
    return true;
}

static bool read_count(struct tap_syn_elixir *e, uint64_t *count)
{
    size_t from = (tap_syn_elixir_blank(e), e->pos);
    for (*count = 0; e->text[e->pos] >= '0' && e->text[e->pos] <= '9' && *count <= MOST * 8;
         e->pos++)
        *count = *count * 10 + (uint64_t)(e->text[e->pos] - '0');
    if (e->pos > from && *count <= MOST * 8)
        return true;
    return tap_syn_elixir_fail(e, from, "a size is a number here, of 64k bytes at most"), false;
}

/* One of the words behind ::, which dashes separate. */
static bool read_type(struct tap_syn_elixir *e, struct segment_type *t)
{
    static const char *const no_numbers[] = {"float", "utf16", "utf32", "bitstring", "bits"};
    uint64_t unit;
    size_t off = (tap_syn_elixir_blank(e), e->pos);
    if (e->text[off] >= '0' && e->text[off] <= '9') {
        t->sized = true;
        if (!read_count(e, &t->size))
            return false;
        if (!tap_syn_elixir_takes(e, "*"))
            return true;
        bool counted = read_count(e, &unit);
        t->unit = (unsigned)unit;
        return counted;
    }
    if (reads_word(e, "binary") || reads_word(e, "bytes"))
        return t->binary = true;
    if (reads_word(e, "utf8"))
        return t->utf8 = true;
    if (reads_word(e, "little"))
        return t->little = true;
    if (reads_word(e, "integer"))
        return t->number = true;
    if (reads_word(e, "big") || reads_word(e, "unsigned") || reads_word(e, "signed"))
        return true;
    bool size = reads_word(e, "size");
    if (size || reads_word(e, "unit")) {
        if (!tap_syn_elixir_takes(e, "(") || !read_count(e, &unit) || !tap_syn_elixir_takes(e, ")"))
            return tap_syn_elixir_unexpected(e, "a number in brackets"), false;
        t->sized |= size;
        if (size)
            t->size = unit;
        else
            t->unit = (unsigned)unit;
        return true;
    }
    for (size_t i = 0; i < sizeof no_numbers / sizeof no_numbers[0]; i++)
        if (reads_word(e, no_numbers[i]))
            return tap_syn_fail(e->source, off,
                                "a part of the type %s cannot be matched by a match spec",
                                no_numbers[i]);
    return tap_syn_elixir_unexpected(e, "the type of a part: binary, utf8, size(2), ..."), false;
}

static bool read_types(struct tap_syn_elixir *e, struct segment_type *t)
{
    t->off = (tap_syn_elixir_blank(e), e->pos);
    if (!tap_syn_elixir_takes(e, "::"))
        return true;
    do
        if (!read_type(e, t))
            return false;
    while (tap_syn_elixir_takes(e, "-"));
    return true;
}

/* The bytes of a part. False: said why. */
static bool bytes_of(struct tap_syn_elixir *e, const struct segment_type *t, uint64_t *bytes)
{
    uint64_t bits = (t->sized ? t->size : 8) * (t->unit ? t->unit : t->binary ? 8 : 1);
    if (!t->sized && t->binary)
        bits = 0;
    *bytes = bits / 8;
    if (bits % 8 == 0 && *bytes <= MOST)
        return true;
    return tap_syn_elixir_fail(e, t->off,
                               bits % 8 ? "a part is of whole bytes here"
                                        : "a part has at most 64k bytes here"),
           false;
}

/* ---- Parts */

static void put_number(struct tap_buf *b, const struct tap_syn_node *n, size_t bytes, bool little)
{
    for (size_t i = 0; i < bytes; i++) {
        size_t at = little ? i : bytes - 1 - i;
        tap_write_u8(b, at < n->digit_count ? n->digits[at] : 0);
    }
}

static bool put_utf8(struct tap_syn_elixir *e, struct tap_buf *b, const struct tap_syn_node *n)
{
    char utf8[4];
    uint32_t c = 0;
    for (size_t i = n->digit_count; i-- > 0 && n->digit_count <= 3;)
        c = c << 8 | n->digits[i];
    if (n->negative || n->digit_count > 3 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return tap_syn_elixir_fail(e, n->off, "this is not a character"), false;
    tap_buf_put(b, utf8, tap_syn_char_encode(utf8, c));
    return true;
}

/* The bits of a part of a value that is no whole number of bytes: nothing can stand behind it. */
static bool put_bits(struct tap_syn_elixir *e, struct tap_buf *b, const struct tap_syn_node *n,
                     const struct segment_type *t, unsigned *bits)
{
    unsigned value = n->digit_count ? n->digits[0] : 0;
    if (t->size > 7 || t->unit || t->binary || t->utf8 || n->negative || n->digit_count > 1 ||
        value >> t->size)
        return tap_syn_elixir_fail(e, t->off, "the last part may have 1 to 7 bits, as 3::size(4)"),
               false;
    *bits = (unsigned)t->size;
    tap_write_u8(b, value << (8 - *bits));
    return true;
}

/* What is known of a part. */
static bool put_constant(struct tap_syn_elixir *e, struct tap_buf *b, const struct tap_syn_node *n,
                         const struct segment_type *t)
{
    uint64_t bytes;
    bool typed = t->sized || t->unit || t->binary || t->number;
    if (n->type == TAP_SYN_N_BINARY) {
        if (t->number || t->sized)
            return tap_syn_elixir_fail(e, t->off, "a text has the type binary or utf8"), false;
        tap_buf_put(b, n->text, n->text_len);
        return true;
    }
    if (t->utf8)
        return typed ? (tap_syn_elixir_fail(e, t->off, "utf8 has no other type beside it"), false)
                     : put_utf8(e, b, n);
    if (t->binary)
        return tap_syn_elixir_fail(e, t->off, "a number is not of the type binary"), false;
    if (!bytes_of(e, t, &bytes))
        return false;
    if (n->negative || n->digit_count > bytes)
        return tap_syn_elixir_fail(e, n->off,
                                   t->sized ? "this number is too large for its part, or negative"
                                            : "a binary has bytes (0 to 255) and strings here"),
               false;
    put_number(b, n, (size_t)bytes, t->little);
    return true;
}

/* Collects what is known since the last variable. */
static bool end_constant(struct tap_syn_elixir *e, struct tap_syn_items *items, struct tap_buf *b,
                         size_t off)
{
    if (b->oom)
        return tap_syn_fail_oom(e->source);
    bool ok = b->len == 0 || tap_syn_elixir_add(e, items,
                                                tap_syn_elixir_leaf(e, TAP_SYN_N_BINARY, off, "",
                                                                    (const char *)b->data, b->len));
    b->len = 0;
    return ok;
}

static bool put_variable(struct tap_syn_elixir *e, struct tap_syn_items *items,
                         struct tap_syn_node **rest, struct tap_syn_node *n,
                         const struct segment_type *t)
{
    uint64_t bytes;
    if (t->utf8)
        return tap_syn_elixir_fail(e, t->off,
                                   "a character in a binary cannot be matched by a match spec: of "
                                   "unknown ones take bytes, _::binary-size(1)"),
               false;
    if (!t->binary && strcmp(n->text, "_") != 0) {
        tap_syn_fail(e->source, n->off,
                     "a match spec takes no numbers out of a binary: write %.60s::binary-size(1) "
                     "for one byte, or %.60s::binary at the end",
                     n->text, n->text);
        return false;
    }
    if (t->binary && !t->sized) {
        *rest = n;
        return true;
    }
    if (!bytes_of(e, t, &bytes))
        return false;
    n->bytes = (size_t)bytes;
    return bytes == 0 ? tap_syn_elixir_fail(e, t->off, "a part has a byte at least"),
           false      : tap_syn_elixir_add(e, items, n);
}

static bool read_segment(struct tap_syn_elixir *e, struct tap_syn_items *items,
                         struct tap_syn_node **rest, struct tap_buf *known, unsigned *bits,
                         unsigned depth)
{
    struct segment_type t = {0};
    size_t off = (tap_syn_elixir_blank(e), e->pos);
    struct tap_syn_node *n = tap_syn_elixir_value(e, depth);
    if (!n || !read_types(e, &t))
        return false;
    if (*rest)
        return tap_syn_elixir_fail(e, (*rest)->off,
                                   "a part without a size must be the last one: write its size, "
                                   "binary-size(4)"),
               false;
    if (*bits)
        return tap_syn_elixir_fail(e, off,
                                   "behind a part that is not of whole bytes nothing stands"),
               false;
    if (n->type == TAP_SYN_N_INT && e->place == TAP_SYN_VALUE && t.sized && t.size % 8)
        return put_bits(e, known, n, &t, bits);
    if ((n->type == TAP_SYN_N_BINARY && !n->bits) || n->type == TAP_SYN_N_INT)
        return put_constant(e, known, n, &t);
    if (n->type == TAP_SYN_N_VAR && e->place == TAP_SYN_PATTERN)
        return end_constant(e, items, known, off) && put_variable(e, items, rest, n, &t);
    return tap_syn_elixir_fail(e, off,
                               e->place == TAP_SYN_PATTERN
                                   ? "a binary has bytes, strings and variables here"
                                   : "a binary has bytes (0 to 255) and strings here"),
           false;
}

static struct tap_syn_node *binary_of(struct tap_syn_elixir *e, size_t off,
                                      struct tap_syn_items *items, struct tap_syn_node *rest)
{
    if (items->count == 1 && !rest && items->at[0]->type == TAP_SYN_N_BINARY)
        return items->at[0]->off = off, items->at[0];
    if (items->count == 0 && !rest)
        return tap_syn_elixir_leaf(e, TAP_SYN_N_BINARY, off, "", "", 0);
    return tap_syn_compound(e->source, TAP_SYN_N_SEGMENTS, off, items->at, items->count, rest);
}

struct tap_syn_node *tap_syn_elixir_binary(struct tap_syn_elixir *e, unsigned depth)
{
    size_t off = e->pos;
    struct tap_syn_items items = {0};
    struct tap_syn_node *rest = NULL, *n = NULL;
    struct tap_buf known = {0};
    unsigned bits = 0;
    bool ok = true;
    e->pos += 2;
    while (ok && !tap_syn_elixir_takes(e, ">>")) {
        ok = read_segment(e, &items, &rest, &known, &bits, depth);
        if (!ok || tap_syn_elixir_takes(e, ","))
            continue;
        if (!tap_syn_elixir_takes(e, ">>"))
            ok = tap_syn_elixir_unexpected(e, "',' or '>>'") != NULL;
        break;
    }
    if (ok && end_constant(e, &items, &known, off))
        n = binary_of(e, off, &items, rest);
    if (n && bits)
        n->bits = bits;
    tap_buf_free(&known);
    return n;
}

/* ---- "text" <> rest */

struct tap_syn_node *tap_syn_elixir_joined(struct tap_syn_elixir *e, struct tap_syn_node *left,
                                           struct tap_syn_node *right, size_t off)
{
    struct tap_syn_items items = {0};
    struct tap_syn_node *rest = NULL;
    size_t skip = 0;
    struct tap_buf both = {0};
    if (left->type != TAP_SYN_N_BINARY || left->bits)
        return tap_syn_elixir_fail(e, left->off, "on the left of <> stands a text");
    bool parts = right->type == TAP_SYN_N_SEGMENTS;
    const struct tap_syn_node *text = parts && right->count ? right->items[0] : right;
    if (right->type == TAP_SYN_N_VAR)
        rest = right;
    else if (parts)
        rest = right->tail;
    else if (right->type != TAP_SYN_N_BINARY)
        return tap_syn_elixir_fail(e, off, "on the right of <> stands a text or a variable");
    if (text->bits)
        return tap_syn_elixir_fail(e, off, "on the right of <> stand whole bytes");
    if (text->type == TAP_SYN_N_BINARY) { /* two texts are one */
        tap_buf_put(&both, left->text, left->text_len);
        tap_buf_put(&both, text->text, text->text_len);
        bool whole = !both.oom || tap_syn_fail_oom(e->source);
        left = whole ? tap_syn_elixir_leaf(e, TAP_SYN_N_BINARY, left->off, "",
                                           both.data ? (const char *)both.data : "", both.len)
                     : NULL;
        tap_buf_free(&both);
        skip = parts;
    }
    if (!left || (left->text_len && !tap_syn_elixir_add(e, &items, left)))
        return NULL;
    for (size_t i = skip; parts && i < right->count; i++)
        if (!tap_syn_elixir_add(e, &items, right->items[i]))
            return NULL;
    return binary_of(e, off, &items, rest);
}
