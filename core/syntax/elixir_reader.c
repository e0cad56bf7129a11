/* elixir_reader.c: Elixir's literals -> the same nodes, so that they are encoded by the same code.
 *
 * Values only: numbers, atoms, aliases, strings (binaries), charlists, lists and keywords, tuples,
 * maps, <<...>>. There is no operator and no call, so a recursive descent over characters is all it
 * takes; its depth is bounded as everywhere. What has nothing inside is in elixir_leaf.c.
 */
#include "syntax/chars.h"
#include "syntax/elixir.h"

struct items {
    struct tap_syn_node **at;
    size_t count, cap;
};

static struct tap_syn_node *read_value(struct tap_syn_elixir *e, unsigned depth);

static void *unexpected(struct tap_syn_elixir *e, const char *what)
{
    const char *found = e->text + e->pos;
    if (!*found)
        tap_syn_fail(e->source, e->pos, "expected %s, but the text ends here", what);
    else
        tap_syn_fail(e->source, e->pos, "expected %s, found %.*s", what,
                     (int)strcspn(found, " \t\n,"), found);
    return NULL;
}

static void skip_blank(struct tap_syn_elixir *e)
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

static bool sees(struct tap_syn_elixir *e, const char *sign)
{
    return strncmp(e->text + e->pos, sign, strlen(sign)) == 0;
}

static bool takes(struct tap_syn_elixir *e, const char *sign)
{
    skip_blank(e);
    if (!sees(e, sign))
        return false;
    e->pos += strlen(sign);
    return true;
}

static bool add(struct tap_syn_elixir *e, struct items *items, struct tap_syn_node *n)
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

/* ---- Compounds */

/* `key:` or `"key":` in a list or a map. NULL: it is none, or (source->failed) a mistake. */
static struct tap_syn_node *read_key(struct tap_syn_elixir *e)
{
    size_t off = e->pos, end = tap_syn_elixir_word_end(e, off);
    if (e->text[off] == '"') {
        struct tap_syn_node *key = tap_syn_elixir_quoted(e, TAP_SYN_N_BINARY, off);
        if (key && e->text[e->pos] == ':' && e->text[e->pos + 1] != ':') {
            e->pos++;
            return tap_syn_elixir_leaf(e, TAP_SYN_N_ATOM, off, "", key->text, key->text_len);
        }
        e->pos = off;
        return NULL;
    }
    end += end > off && (e->text[end] == '?' || e->text[end] == '!');
    if (end == off || e->text[end] != ':' || e->text[end + 1] == ':' ||
        (e->text[off] >= '0' && e->text[off] <= '9'))
        return NULL;
    e->pos = end + 1;
    return tap_syn_elixir_leaf(e, TAP_SYN_N_ATOM, off, "", e->text + off, end - off);
}

/* Past the closing sign. A keyword is a tuple in a list, and two items of a map. */
static bool read_items(struct tap_syn_elixir *e, const char *closing, bool map, bool keys,
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
            return tap_syn_elixir_fail(e, e->pos, "after a keyword only keywords can follow"),
                   false;
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

static struct tap_syn_node *read_compound(struct tap_syn_elixir *e, enum tap_syn_node_type type,
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
static struct tap_syn_node *read_binary(struct tap_syn_elixir *e, unsigned depth)
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
            tap_syn_elixir_fail(e, n->off, "a binary has bytes (0 to 255) and strings here");
    }
    struct tap_syn_node *n =
        e->source->failed
            ? NULL
            : tap_syn_elixir_leaf(e, TAP_SYN_N_BINARY, off, "",
                                  bytes.data ? (const char *)bytes.data : "", bytes.len);
    tap_buf_free(&bytes);
    return n;
}

static struct tap_syn_node *negated(struct tap_syn_elixir *e, struct tap_syn_node *n)
{
    if (n && n->type == TAP_SYN_N_INT)
        n->negative = !n->negative;
    else if (n && n->type == TAP_SYN_N_FLOAT)
        n->number = -n->number;
    else if (n)
        return tap_syn_elixir_fail(e, n->off, "a number must follow the minus");
    return n;
}

static struct tap_syn_node *read_value(struct tap_syn_elixir *e, unsigned depth)
{
    if (depth >= TAP_SYN_MAX_DEPTH)
        return tap_syn_elixir_fail(e, e->pos, "this is nested too deeply");
    skip_blank(e);
    const char *t = e->text + e->pos;
    size_t off = e->pos;
    if (*t == '-')
        return e->pos++, negated(e, read_value(e, depth + 1));
    if (*t >= '0' && *t <= '9')
        return tap_syn_elixir_number(e);
    if (*t == '?')
        return tap_syn_elixir_character(e);
    if (*t == '"')
        return tap_syn_elixir_quoted(e, TAP_SYN_N_BINARY, off);
    if (*t == '\'')
        return tap_syn_elixir_quoted(e, TAP_SYN_N_STRING, off);
    if (sees(e, "~c\""))
        return e->pos += 2, tap_syn_elixir_quoted(e, TAP_SYN_N_STRING, off);
    if (*t == ':')
        return tap_syn_elixir_atom(e);
    if (*t == '[')
        return read_compound(e, TAP_SYN_N_LIST, "[", "]", depth + 1);
    if (*t == '{')
        return read_compound(e, TAP_SYN_N_TUPLE, "{", "}", depth + 1);
    if (sees(e, "%{"))
        return read_compound(e, TAP_SYN_N_MAP, "%{", "}", depth + 1);
    if (sees(e, "<<"))
        return read_binary(e, depth + 1);
    if (*t >= 'A' && *t <= 'Z')
        return tap_syn_elixir_alias(e);
    if (tap_syn_char_is_word(t))
        return tap_syn_elixir_word(e);
    return unexpected(e, "a value");
}

struct tap_syn_node *tap_syn_parse_elixir(struct tap_syn_source *s, size_t *end)
{
    struct tap_syn_elixir e = {s, s->where->text, 0};
    struct tap_syn_node *n = read_value(&e, 0);
    skip_blank(&e);
    *end = e.pos;
    return n;
}
