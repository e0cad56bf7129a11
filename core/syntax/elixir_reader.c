/* elixir_reader.c: Elixir's literals -> the same nodes, so that they are encoded by the same code.
 *
 * Values only: numbers, atoms, aliases, strings (binaries), charlists, lists and keywords, tuples,
 * maps, <<...>>. There is no operator and no call, so a recursive descent over characters is all it
 * takes; its depth is bounded as everywhere.
 */
#include <math.h>

#include "syntax/chars.h"
#include "syntax/number.h"

struct elixir {
    struct tap_syn_source *source;
    const char *text;
    size_t pos;
};
struct items {
    struct tap_syn_node **at;
    size_t count, cap;
};

static struct tap_syn_node *read_value(struct elixir *e, unsigned depth);

static void *fail(struct elixir *e, size_t off, const char *what)
{
    tap_syn_fail(e->source, off, "%s", what);
    return NULL;
}

static void *unexpected(struct elixir *e, const char *what)
{
    const char *found = e->text + e->pos;
    if (!*found)
        tap_syn_fail(e->source, e->pos, "expected %s, but the text ends here", what);
    else
        tap_syn_fail(e->source, e->pos, "expected %s, found %.*s", what,
                     (int)strcspn(found, " \t\n,"), found);
    return NULL;
}

static void skip_blank(struct elixir *e)
{
    const char *t = e->text;
    for (;; e->pos++) {
        if (t[e->pos] == '#')
            while (t[e->pos] && t[e->pos] != '\n')
                e->pos++;
        if (!t[e->pos] || !strchr(" \t\r\n", t[e->pos]))
            return;
    }
}

static bool sees(struct elixir *e, const char *sign)
{
    return strncmp(e->text + e->pos, sign, strlen(sign)) == 0;
}

static bool takes(struct elixir *e, const char *sign)
{
    skip_blank(e);
    if (!sees(e, sign))
        return false;
    e->pos += strlen(sign);
    return true;
}

static bool add(struct elixir *e, struct items *items, struct tap_syn_node *n)
{
    if (!n)
        return false;
    if (items->count == items->cap) {
        size_t cap = items->cap ? items->cap * 2 : 8;
        struct tap_syn_node **more = tap_syn_alloc(e->source->arena, cap * sizeof *more);
        if (!more)
            return tap_syn_fail_oom(e->source);
        if (items->count)
            memcpy(more, items->at, items->count * sizeof *more);
        items->at = more;
        items->cap = cap;
    }
    items->at[items->count++] = n;
    return true;
}

/* ---- Leaves */

static struct tap_syn_node *leaf_text(struct elixir *e, enum tap_syn_node_type type, size_t off,
                                      const char *prefix, const char *text, size_t len)
{
    size_t p = strlen(prefix);
    struct tap_syn_node *n = tap_syn_node(e->source, type, off);
    char *copy = n ? tap_syn_alloc(e->source->arena, p + len + 1) : NULL;
    if (!copy) {
        tap_syn_fail_oom(e->source);
        return NULL;
    }
    memcpy(copy, prefix, p);
    memcpy(copy + p, text, len);
    n->text = copy;
    n->text_len = p + len;
    if (type == TAP_SYN_N_ATOM && (tap_syn_char_count(copy) > 255 || strlen(copy) != n->text_len))
        return fail(e, off, "an atom has at most 255 characters, none of them NUL");
    return n;
}

/* The characters up to the closing quote, escapes resolved; the reader stands behind the opening
 * one. */
static bool read_quoted(struct elixir *e, char quote, struct tap_buf *bytes)
{
    size_t from = e->pos;
    const char *t = e->text;
    while (t[e->pos] != quote) {
        uint32_t c = 0;
        char utf8[4];
        if (!t[e->pos])
            return fail(e, from - 1, "the closing quote is missing");
        if (t[e->pos] == '#' && t[e->pos + 1] == '{')
            return fail(e, e->pos, "interpolation cannot be used here");
        if (t[e->pos] == '\\' && (t[e->pos + 1] == 'u' || t[e->pos + 1] == 'x')) {
            bool braces = t[e->pos + 2] == '{';
            size_t digits = 0, most = braces ? 6 : t[e->pos + 1] == 'u' ? 4 : 2;
            const char *p = t + e->pos + 2 + braces;
            for (; digits < most && tap_syn_char_hex(p[digits]) >= 0; digits++)
                c = c * 16 + (uint32_t)tap_syn_char_hex(p[digits]);
            if (digits == 0 || (!braces && digits < most) || (braces && p[digits] != '}') ||
                c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
                return fail(e, e->pos, "this escape sequence is incomplete or no character");
            e->pos += 2 + digits + 2 * braces;
        } else {
            size_t n = t[e->pos] != '\\'      ? tap_syn_char_decode(t + e->pos, &c)
                       : t[e->pos + 1] == 'a' ? (c = 7, 2)
                       : t[e->pos + 1] == '0' ? (c = 0, 2)
                       : t[e->pos + 1] && !strchr("123456789^", t[e->pos + 1])
                           ? tap_syn_char_escape(t + e->pos, &c)
                           : 0;
            if (!n)
                return fail(e, e->pos,
                            t[e->pos] == '\\' ? "this escape sequence is incomplete or no character"
                                              : "this byte is no UTF-8");
            e->pos += n;
        }
        tap_buf_put(bytes, utf8, tap_syn_char_encode(utf8, c));
    }
    e->pos++;
    return !bytes->oom || tap_syn_fail_oom(e->source);
}

/* "text" is a binary, 'text' and ~c"text" a list of characters, :"text" an atom. */
static struct tap_syn_node *read_text(struct elixir *e, enum tap_syn_node_type type, size_t off)
{
    struct tap_buf bytes = {0};
    struct tap_syn_node *n = NULL;
    char quote = e->text[e->pos++];
    if (!read_quoted(e, quote, &bytes)) {
        tap_buf_free(&bytes);
        return NULL;
    }
    n = leaf_text(e, type, off, "", bytes.data ? (const char *)bytes.data : "", bytes.len);
    tap_buf_free(&bytes);
    if (n && type == TAP_SYN_N_STRING) {
        uint32_t *chars = tap_syn_alloc(e->source->arena, (n->text_len + 1) * sizeof *chars);
        if (!chars) {
            tap_syn_fail_oom(e->source);
            return NULL;
        }
        for (size_t i = 0; i < n->text_len;)
            i += tap_syn_char_decode(n->text + i, &chars[n->char_count++]) ?: 1;
        n->chars = chars;
    }
    return n;
}

static size_t word_end(const struct elixir *e, size_t at)
{
    while (tap_syn_char_is_word(e->text + at))
        at += tap_syn_char_len(e->text + at);
    return at;
}

/* Shop, Shop.Cart */
static struct tap_syn_node *read_alias(struct elixir *e)
{
    size_t off = e->pos, end = word_end(e, off);
    while (e->text[end] == '.' && e->text[end + 1] >= 'A' && e->text[end + 1] <= 'Z')
        end = word_end(e, end + 1);
    e->pos = end;
    bool spelled_out = strncmp(e->text + off, "Elixir.", 7) == 0;
    return leaf_text(e, TAP_SYN_N_ATOM, off, spelled_out ? "" : "Elixir.", e->text + off,
                     end - off);
}

/* :name, :name?, :Name.Of, :"any text" */
static struct tap_syn_node *read_atom(struct elixir *e)
{
    size_t off = e->pos++;
    if (e->text[e->pos] == '"' || e->text[e->pos] == '\'')
        return read_text(e, TAP_SYN_N_ATOM, off);
    size_t end = word_end(e, e->pos);
    end += end > e->pos && (e->text[end] == '?' || e->text[end] == '!');
    if (end == e->pos || (e->text[e->pos] >= '0' && e->text[e->pos] <= '9'))
        return fail(e, off,
                    "this is no atom: other characters than letters need quotes, :\"like this\"");
    size_t from = e->pos;
    e->pos = end;
    return leaf_text(e, TAP_SYN_N_ATOM, off, "", e->text + from, end - from);
}

static struct tap_syn_node *read_word(struct elixir *e)
{
    static const char *const words[] = {"true", "false", "nil"};
    size_t off = e->pos, end = word_end(e, off);
    for (size_t i = 0; i < 3; i++)
        if (strlen(words[i]) == end - off && memcmp(words[i], e->text + off, end - off) == 0) {
            e->pos = end;
            return leaf_text(e, TAP_SYN_N_ATOM, off, "", words[i], end - off);
        }
    tap_syn_fail(
        e->source, off,
        "'%.*s' would be a variable or a call: only values can stand here (an atom is :%.*s)",
        (int)(end - off), e->text + off, (int)(end - off), e->text + off);
    return NULL;
}

/* Numbers are written as in Erlang but for the base, which stands in front: 0xff, 0o17, 0b11; and
 * ?a is a character. */
static struct tap_syn_node *read_number(struct elixir *e)
{
    enum { LONGEST = 255 }; /* bytes: what a SMALL_BIG holds */
    const char *t = e->text;
    size_t off = e->pos, used = 0;
    unsigned base = 10;
    if (t[off] == '0' && (t[off + 1] == 'x' || t[off + 1] == 'o' || t[off + 1] == 'b')) {
        base = t[off + 1] == 'x' ? 16 : t[off + 1] == 'o' ? 8 : 2;
        e->pos += 2;
    }
    size_t from = e->pos;
    uint8_t *bytes = tap_syn_alloc(e->source->arena, LONGEST);
    if (!bytes) {
        tap_syn_fail_oom(e->source);
        return NULL;
    }
    for (;; e->pos++) {
        int digit = tap_syn_char_hex(t[e->pos]);
        if (t[e->pos] == '_' && e->pos > from && tap_syn_char_hex(t[e->pos + 1]) >= 0)
            continue;
        if (digit < 0 || digit >= (int)base)
            break;
        unsigned carry = (unsigned)digit;
        for (size_t i = 0; i < used; i++) {
            carry += bytes[i] * base;
            bytes[i] = (uint8_t)carry;
            carry >>= 8;
        }
        if (carry && used == LONGEST)
            return fail(e, off, "this number is too large");
        if (carry)
            bytes[used++] = (uint8_t)carry;
    }
    if (e->pos == from)
        return fail(e, off, "a digit is missing here");
    if (base == 10 && t[e->pos] == '.' && t[e->pos + 1] >= '0' && t[e->pos + 1] <= '9') {
        char digits[400];
        size_t n = 0;
        e->pos = off;
        while (n < sizeof digits - 1 &&
               ((t[e->pos] >= '0' && t[e->pos] <= '9') || t[e->pos] == '.' || t[e->pos] == '_' ||
                t[e->pos] == 'e' || t[e->pos] == 'E' ||
                ((t[e->pos] == '-' || t[e->pos] == '+') && (t[e->pos - 1] | 32) == 'e')))
            if (t[e->pos++] != '_')
                digits[n++] = t[e->pos - 1];
        digits[n] = 0;
        char *end;
        struct tap_syn_node *node = tap_syn_node(e->source, TAP_SYN_N_FLOAT, off);
        if (!node)
            return NULL;
        node->number = tap_number_parse(digits, &end);
        return *end || !isfinite(node->number) ? fail(e, off, "this is no number") : node;
    }
    if (tap_syn_char_is_word(t + e->pos))
        return fail(e, off, "this is no number");
    struct tap_syn_node *n = tap_syn_node(e->source, TAP_SYN_N_INT, off);
    if (n) {
        n->digits = bytes;
        n->digit_count = used;
    }
    return n;
}

static struct tap_syn_node *read_character(struct elixir *e)
{
    size_t off = e->pos++;
    uint32_t c = 0;
    size_t n = e->text[e->pos] == '\\' ? tap_syn_char_escape(e->text + e->pos, &c)
               : e->text[e->pos]       ? tap_syn_char_decode(e->text + e->pos, &c)
                                       : 0;
    struct tap_syn_node *node =
        n ? tap_syn_node(e->source, TAP_SYN_N_INT, off) : fail(e, off, "? needs a character");
    uint8_t *bytes = node ? tap_syn_alloc(e->source->arena, 4) : NULL;
    if (!bytes)
        return NULL;
    e->pos += n;
    for (; c; c >>= 8)
        bytes[node->digit_count++] = (uint8_t)c;
    node->digits = bytes;
    return node;
}

/* ---- Compounds */

/* `key:` or `"key":` in a list or a map. NULL: it is none, or (source->failed) a mistake. */
static struct tap_syn_node *read_key(struct elixir *e)
{
    size_t off = e->pos, end = word_end(e, off);
    if (e->text[off] == '"') {
        struct tap_syn_node *key = read_text(e, TAP_SYN_N_BINARY, off);
        if (key && e->text[e->pos] == ':' && e->text[e->pos + 1] != ':') {
            e->pos++;
            return leaf_text(e, TAP_SYN_N_ATOM, off, "", key->text, key->text_len);
        }
        e->pos = off;
        return NULL;
    }
    end += end > off && (e->text[end] == '?' || e->text[end] == '!');
    if (end == off || e->text[end] != ':' || e->text[end + 1] == ':' ||
        (e->text[off] >= '0' && e->text[off] <= '9'))
        return NULL;
    e->pos = end + 1;
    return leaf_text(e, TAP_SYN_N_ATOM, off, "", e->text + off, end - off);
}

/* Past the closing sign. A keyword is a tuple in a list, and two items of a map. */
static bool read_items(struct elixir *e, const char *closing, bool map, bool keys,
                       struct items *items, struct tap_syn_node **tail, unsigned depth)
{
    if (takes(e, closing))
        return true;
    for (bool keyword = false;;) {
        skip_blank(e);
        struct tap_syn_node *key = keys ? read_key(e) : NULL, *value = NULL;
        if (e->source->failed)
            return false;
        if (!key && keyword)
            return fail(e, e->pos, "after a keyword only keywords can follow"), false;
        keyword = key != NULL;
        if (!key && map && !(key = read_value(e, depth)))
            return false;
        if (!keyword && map && !takes(e, "=>"))
            return unexpected(e, "'=>'"), false;
        value = read_value(e, depth);
        if (!value)
            return false;
        if (keyword && !map) {
            struct tap_syn_node *pair[2] = {key, value};
            value = tap_syn_compound(e->source, TAP_SYN_N_TUPLE, key->off, pair, 2, NULL);
        } else if (map && !add(e, items, key)) {
            return false;
        }
        if (!add(e, items, value))
            return false;
        if (takes(e, closing))
            return true;
        if (tail && takes(e, "|")) {
            *tail = read_value(e, depth);
            return *tail && (takes(e, closing) || unexpected(e, closing));
        }
        if (!takes(e, ","))
            return unexpected(e, "',' or the closing sign"), false;
        if (takes(e, closing)) /* a comma may stand at the end */
            return true;
    }
}

static struct tap_syn_node *read_compound(struct elixir *e, enum tap_syn_node_type type,
                                          const char *opening, const char *closing, unsigned depth)
{
    size_t off = e->pos;
    struct items items = {0};
    struct tap_syn_node *tail = NULL;
    bool list = type == TAP_SYN_N_LIST, map = type == TAP_SYN_N_MAP;
    e->pos += strlen(opening);
    if (!read_items(e, closing, map, list || map, &items, list ? &tail : NULL, depth))
        return NULL;
    if (tail && tail->type == TAP_SYN_N_LIST) { /* [a | [b]] is [a, b] */
        for (size_t i = 0; i < tail->count; i++)
            if (!add(e, &items, tail->items[i]))
                return NULL;
        tail = tail->tail;
    }
    return tap_syn_compound(e->source, type, off, items.at, items.count, tail);
}

/* <<1, 2, "text">> */
static struct tap_syn_node *read_binary(struct elixir *e, unsigned depth)
{
    size_t off = e->pos;
    struct items items = {0};
    struct tap_buf bytes = {0};
    e->pos += 2;
    if (!read_items(e, ">>", false, false, &items, NULL, depth))
        return NULL;
    for (size_t i = 0; i < items.count; i++) {
        const struct tap_syn_node *n = items.at[i];
        if (n->type == TAP_SYN_N_BINARY)
            tap_buf_put(&bytes, n->text, n->text_len);
        else if (n->type == TAP_SYN_N_INT && n->digit_count <= 1 && !n->negative)
            tap_write_u8(&bytes, n->digit_count ? n->digits[0] : 0);
        else
            fail(e, n->off, "a binary has bytes (0 to 255) and strings here");
    }
    struct tap_syn_node *n = e->source->failed
                                 ? NULL
                                 : leaf_text(e, TAP_SYN_N_BINARY, off, "",
                                             bytes.data ? (const char *)bytes.data : "", bytes.len);
    tap_buf_free(&bytes);
    return n;
}

static struct tap_syn_node *negated(struct elixir *e, struct tap_syn_node *n)
{
    if (n && n->type == TAP_SYN_N_INT)
        n->negative = !n->negative;
    else if (n && n->type == TAP_SYN_N_FLOAT)
        n->number = -n->number;
    else if (n)
        return fail(e, n->off, "a number must follow the minus");
    return n;
}

static struct tap_syn_node *read_value(struct elixir *e, unsigned depth)
{
    if (depth >= TAP_SYN_MAX_DEPTH)
        return fail(e, e->pos, "this is nested too deeply");
    skip_blank(e);
    const char *t = e->text + e->pos;
    size_t off = e->pos;
    if (*t == '-')
        return e->pos++, negated(e, read_value(e, depth + 1));
    if (*t >= '0' && *t <= '9')
        return read_number(e);
    if (*t == '?')
        return read_character(e);
    if (*t == '"')
        return read_text(e, TAP_SYN_N_BINARY, off);
    if (*t == '\'')
        return read_text(e, TAP_SYN_N_STRING, off);
    if (sees(e, "~c\""))
        return e->pos += 2, read_text(e, TAP_SYN_N_STRING, off);
    if (*t == ':')
        return read_atom(e);
    if (*t == '[')
        return read_compound(e, TAP_SYN_N_LIST, "[", "]", depth + 1);
    if (*t == '{')
        return read_compound(e, TAP_SYN_N_TUPLE, "{", "}", depth + 1);
    if (sees(e, "%{"))
        return read_compound(e, TAP_SYN_N_MAP, "%{", "}", depth + 1);
    if (sees(e, "<<"))
        return read_binary(e, depth + 1);
    if (*t >= 'A' && *t <= 'Z')
        return read_alias(e);
    if (tap_syn_char_is_word(t))
        return read_word(e);
    return unexpected(e, "a value");
}

struct tap_syn_node *tap_syn_parse_elixir(struct tap_syn_source *s, size_t *end)
{
    struct elixir e = {s, s->where->text, 0};
    struct tap_syn_node *n = read_value(&e, 0);
    skip_blank(&e);
    *end = e.pos;
    return n;
}
