/* elixir_reader.c: what has other values inside: lists and keywords, tuples, maps, structs; and
 * which of all the readers a character begins.
 */
#include "syntax/elixir.h"

static struct tap_syn_node *read_compound(struct tap_syn_elixir *e, enum tap_syn_node_type type,
                                          const char *opening, const char *closing, unsigned depth)
{
    size_t off = e->pos;
    struct tap_syn_items items = {0};
    struct tap_syn_node *tail = NULL;
    bool list = type == TAP_SYN_N_LIST;
    e->pos += strlen(opening);
    if (!tap_syn_elixir_items(e, closing, list ? TAP_SYN_KEYWORDS : TAP_SYN_PLAIN, &items,
                              list ? &tail : NULL, depth))
        return NULL;
    if (tail && tail->type == TAP_SYN_N_LIST) { /* [a | [b]] is [a, b] */
        for (size_t i = 0; i < tail->count; i++)
            if (!tap_syn_elixir_add(e, &items, tail->items[i]))
                return NULL;
        tail = tail->tail;
    }
    return tap_syn_compound(e->source, type, off, items.at, items.count, tail);
}

/* %{...} or %Name{...}, which is a map with the name of a module. */
static struct tap_syn_node *read_map(struct tap_syn_elixir *e, unsigned depth)
{
    size_t off = e->pos++;
    struct tap_syn_items items = {0};
    if (e->text[e->pos] != '{') {
        struct tap_syn_node *name = NULL;
        if (e->place == TAP_SYN_GUARD)
            return tap_syn_elixir_fail(e, off,
                                       "a struct has fields that only the node knows: test it with "
                                       "is_struct(x, Name), or in the pattern");
        if (e->text[e->pos] >= 'A' && e->text[e->pos] <= 'Z')
            name = tap_syn_elixir_alias(e);
        else if (e->text[e->pos] == ':')
            name = tap_syn_elixir_atom(e);
        else
            return tap_syn_elixir_fail(e, off,
                                       "a struct has the name of its module, %Shop.Item{}; any "
                                       "struct is %{__struct__: name}");
        if (!name || !tap_syn_elixir_add(e, &items, tap_syn_atom(e->source, "__struct__", off)) ||
            !tap_syn_elixir_add(e, &items, name))
            return NULL;
    }
    if (!tap_syn_elixir_takes(e, "{"))
        return tap_syn_elixir_unexpected(e, "'{'");
    if (!tap_syn_elixir_items(e, "}", TAP_SYN_PAIRS, &items, NULL, depth))
        return NULL;
    struct tap_syn_node *n =
        tap_syn_compound(e->source, TAP_SYN_N_MAP, off, items.at, items.count, NULL);
    if (n)
        n->exact = e->place == TAP_SYN_PATTERN;
    return n;
}

/* ---- All of them */

static struct tap_syn_node *read_brackets(struct tap_syn_elixir *e, unsigned depth)
{
    e->pos++;
    struct tap_syn_node *n = tap_syn_elixir_value(e, depth + 1);
    return !n || tap_syn_elixir_takes(e, ")") ? n : tap_syn_elixir_unexpected(e, "')'");
}

static struct tap_syn_node *read_primary(struct tap_syn_elixir *e, unsigned depth)
{
    const char *t = e->text + e->pos;
    size_t off = e->pos;
    if (*t >= '0' && *t <= '9')
        return tap_syn_elixir_number(e);
    if (*t >= 'A' && *t <= 'Z') {
        struct tap_syn_node *module = tap_syn_elixir_alias(e);
        bool set = module && e->place == TAP_SYN_VALUE && tap_syn_elixir_sees(e, ".new(") &&
                   strcmp(module->text, "Elixir.MapSet") == 0;
        return set ? tap_syn_elixir_set(e, off, depth) : tap_syn_elixir_remote(e, module, depth);
    }
    switch (*t) {
    case '?': return tap_syn_elixir_character(e);
    case '"': return tap_syn_elixir_quoted(e, TAP_SYN_N_BINARY, off);
    case '\'': return tap_syn_elixir_quoted(e, TAP_SYN_N_STRING, off);
    case '~': return tap_syn_elixir_sigil(e);
    case ':': return tap_syn_elixir_remote(e, tap_syn_elixir_atom(e), depth);
    case '[': return read_compound(e, TAP_SYN_N_LIST, "[", "]", depth + 1);
    case '{': return read_compound(e, TAP_SYN_N_TUPLE, "{", "}", depth + 1);
    case '%': return read_map(e, depth + 1);
    case '#': return tap_syn_elixir_identity(e);
    case '&': return tap_syn_elixir_capture(e);
    case '(': return e->place == TAP_SYN_VALUE ? NULL : read_brackets(e, depth);
    case '<': return t[1] == '<' ? tap_syn_elixir_binary(e, depth + 1) : NULL;
    default: return tap_syn_elixir_is_word(t) ? tap_syn_elixir_word(e, depth) : NULL;
    }
}

struct tap_syn_node *tap_syn_elixir_primary(struct tap_syn_elixir *e, unsigned depth)
{
    tap_syn_elixir_blank(e);
    struct tap_syn_node *n = read_primary(e, depth);
    return n ? tap_syn_elixir_fields(e, n) : tap_syn_elixir_unexpected(e, "a value");
}
