/* elixir_items.c: signs and blanks, and items that commas separate. */
#include "syntax/chars.h"
#include "syntax/elixir.h"

void *tap_syn_elixir_unexpected(struct tap_syn_elixir *e, const char *what)
{
    const char *found = e->text + e->pos;
    size_t len = tap_syn_elixir_word_end(e, e->pos) - e->pos;
    if (!*found)
        tap_syn_fail(e->source, e->pos, "expected %s, but the text ends here", what);
    else if (!tap_syn_hint_character(e->source, e->pos))
        tap_syn_fail(e->source, e->pos, "expected %s, found %.*s", what,
                     (int)(len ? len : strcspn(found + 1, " \t\n,") + 1), found);
    return NULL;
}

/* Does what inspect writes with a # begin here, and no comment? */
static bool is_inspected(const char *text)
{
    static const char *const all[] = {"#PID<", "#Port<", "#Reference<", "#Function<", "#MapSet<"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strncmp(text, all[i], strlen(all[i])) == 0)
            return true;
    return false;
}

void tap_syn_elixir_blank(struct tap_syn_elixir *e)
{
    const char *t = e->text;
    for (;; e->pos++) {
        if (t[e->pos] == '#' && !is_inspected(t + e->pos))
            while (t[e->pos] && t[e->pos] != '\n')
                e->pos++;
        if (!t[e->pos] || !strchr(" \t\r\n", t[e->pos]))
            return;
    }
}

bool tap_syn_elixir_sees(const struct tap_syn_elixir *e, const char *sign)
{
    return strncmp(e->text + e->pos, sign, strlen(sign)) == 0;
}

bool tap_syn_elixir_takes(struct tap_syn_elixir *e, const char *sign)
{
    tap_syn_elixir_blank(e);
    if (!tap_syn_elixir_sees(e, sign))
        return false;
    e->pos += strlen(sign);
    return true;
}

bool tap_syn_elixir_takes_word(struct tap_syn_elixir *e, const char *word)
{
    tap_syn_elixir_blank(e);
    size_t end = e->pos + strlen(word);
    if (!tap_syn_elixir_sees(e, word) || tap_syn_elixir_is_word(e->text + end) ||
        strchr("?!:", e->text[end] ? e->text[end] : ' '))
        return false;
    e->pos = end;
    return true;
}

bool tap_syn_elixir_add(struct tap_syn_elixir *e, struct tap_syn_items *items,
                        struct tap_syn_node *n)
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

/* `key:`, `"key":` or `+:` in a list or a map. NULL: it is none, or (source->failed) a mistake. */
static struct tap_syn_node *read_key(struct tap_syn_elixir *e)
{
    const char *t = e->text;
    size_t off = e->pos, end = tap_syn_elixir_word_end(e, off);
    size_t sign = end == off ? tap_syn_elixir_operator(t + off) : 0;
    if (t[off] == '"') {
        struct tap_syn_node *key = tap_syn_elixir_quoted(e, TAP_SYN_N_BINARY, off);
        if (key && t[e->pos] == ':' && t[e->pos + 1] != ':') {
            e->pos++;
            return tap_syn_elixir_leaf(e, TAP_SYN_N_ATOM, off, "", key->text, key->text_len);
        }
        e->pos = off;
        return NULL;
    }
    if (sign && t[off + sign] == ':' && strchr(" \t\r\n", t[off + sign + 1]) && t[off + sign + 1])
        end = off + sign;
    end += end > off && !sign && (t[end] == '?' || t[end] == '!');
    if (end == off || t[end] != ':' || t[end + 1] == ':' || (t[off] >= '0' && t[off] <= '9'))
        return NULL;
    e->pos = end + 1;
    return tap_syn_elixir_leaf(e, TAP_SYN_N_ATOM, off, "", t + off, end - off);
}

/* One item: a value, key => value, or key: value, of which *keyword says so. A keyword is a tuple
 * in a list, and two items of a map. */
static bool read_item(struct tap_syn_elixir *e, enum tap_syn_items_kind kind,
                      struct tap_syn_items *items, bool *keyword, unsigned depth)
{
    tap_syn_elixir_blank(e);
    struct tap_syn_node *key = kind != TAP_SYN_PLAIN ? read_key(e) : NULL, *value;
    if (e->source->failed)
        return false;
    if (!key && *keyword)
        return tap_syn_elixir_fail(e, e->pos, "after a keyword only keywords can follow"), false;
    *keyword = key != NULL;
    bool map = kind == TAP_SYN_PAIRS;
    if (!key && map && !(key = tap_syn_elixir_value(e, depth)))
        return false;
    if (!*keyword && map && !tap_syn_elixir_takes(e, "=>"))
        return tap_syn_elixir_unexpected(e, "'=>'"), false;
    if (!(value = tap_syn_elixir_value(e, depth)))
        return false;
    if (*keyword && !map) {
        struct tap_syn_node *pair[2] = {key, value};
        value = tap_syn_compound(e->source, TAP_SYN_N_TUPLE, key->off, pair, 2, NULL);
    } else if (map && !tap_syn_elixir_add(e, items, key)) {
        return false;
    }
    return tap_syn_elixir_add(e, items, value);
}

bool tap_syn_elixir_items(struct tap_syn_elixir *e, const char *closing,
                          enum tap_syn_items_kind kind, struct tap_syn_items *items,
                          struct tap_syn_node **tail, unsigned depth)
{
    if (tap_syn_elixir_takes(e, closing))
        return true;
    for (bool keyword = false;;) {
        if (!read_item(e, kind, items, &keyword, depth))
            return false;
        if (tap_syn_elixir_takes(e, closing))
            return true;
        if (tail && tap_syn_elixir_takes(e, "|")) {
            *tail = tap_syn_elixir_value(e, depth);
            return *tail &&
                   (tap_syn_elixir_takes(e, closing) || tap_syn_elixir_unexpected(e, closing));
        }
        if (!tap_syn_elixir_takes(e, ","))
            return tap_syn_elixir_unexpected(e, "',' or the closing sign"), false;
        if (tap_syn_elixir_takes(e, closing)) /* a comma may stand at the end */
            return true;
    }
}

/* The keywords at the end of arguments, of which the first is read. */
static struct tap_syn_node *read_keywords(struct tap_syn_elixir *e, struct tap_syn_node *first,
                                          unsigned depth)
{
    struct tap_syn_items list = {0};
    bool keyword = true;
    if (!tap_syn_elixir_add(e, &list, first))
        return NULL;
    while (tap_syn_elixir_takes(e, ","))
        if (!read_item(e, TAP_SYN_KEYWORDS, &list, &keyword, depth))
            return NULL;
    return tap_syn_compound(e->source, TAP_SYN_N_LIST, first->off, list.at, list.count, NULL);
}

bool tap_syn_elixir_called_with(struct tap_syn_elixir *e, struct tap_syn_items *items,
                                unsigned depth)
{
    if (tap_syn_elixir_takes(e, ")"))
        return true;
    for (bool keyword = false;;) {
        if (!read_item(e, TAP_SYN_KEYWORDS, items, &keyword, depth))
            return false;
        struct tap_syn_node **last = &items->at[items->count - 1];
        if (keyword && !(*last = read_keywords(e, *last, depth)))
            return false;
        if (tap_syn_elixir_takes(e, ")"))
            return true;
        if (keyword || !tap_syn_elixir_takes(e, ","))
            return tap_syn_elixir_unexpected(e, "',' or ')'"), false;
    }
}
