/* elixir_calls.c: words of guards: variables, calls, modules, and .fields.
 *
 * What Elixir's Kernel has and Erlang writes otherwise is made here of what Erlang has; all other
 * names are the same in both, and whoever takes the nodes knows them.
 */
#include "syntax/elixir.h"

enum { MOST_REPEATED = 20000 }; /* nodes: a megabyte at the most */

struct tap_syn_node *tap_syn_elixir_call(struct tap_syn_elixir *e, const char *name, size_t off,
                                         struct tap_syn_node *const *items, size_t count)
{
    struct tap_syn_node *n = tap_syn_compound(e->source, TAP_SYN_N_CALL, off, items, count, NULL);
    if (n)
        n->text = name, n->text_len = strlen(name);
    return n;
}

static void count_nodes(const struct tap_syn_node *n, size_t *count)
{
    if (++*count > MOST_REPEATED)
        return;
    for (size_t i = 0; i < n->count && *count <= MOST_REPEATED; i++)
        count_nodes(n->items[i], count);
    if (n->tail && *count <= MOST_REPEATED)
        count_nodes(n->tail, count);
}

bool tap_syn_elixir_repeats(struct tap_syn_elixir *e, const struct tap_syn_node *node, size_t times)
{
    size_t count = 0;
    count_nodes(node, &count);
    e->repeated += count * times;
    return e->repeated <= MOST_REPEATED ||
           tap_syn_fail(e->source, node->off,
                        "this becomes too large: a match spec repeats it for each value");
}

/* ---- What Erlang writes otherwise */

struct tap_syn_node *tap_syn_elixir_call_two(struct tap_syn_elixir *e, const char *name, size_t off,
                                             struct tap_syn_node *a, struct tap_syn_node *b)
{
    struct tap_syn_node *items[2] = {a, b};
    return tap_syn_elixir_call(e, name, off, items, 2);
}

static struct tap_syn_node *get(struct tap_syn_elixir *e, size_t off, const char *key,
                                struct tap_syn_node *map)
{
    return tap_syn_elixir_call_two(e, "map_get", off, tap_syn_atom(e->source, key, off), map);
}

static struct tap_syn_node *is_nil(struct tap_syn_elixir *e, size_t off, struct tap_syn_node **a)
{
    return tap_syn_elixir_call_two(e, "=:=", off, a[0], tap_syn_atom(e->source, "nil", off));
}

/* elem counts from 0. */
static struct tap_syn_node *elem(struct tap_syn_elixir *e, size_t off, struct tap_syn_node **a)
{
    static const uint8_t one = 1;
    struct tap_syn_node *place = tap_syn_node(e->source, TAP_SYN_N_INT, off);
    if (!place)
        return NULL;
    place->digits = &one;
    place->digit_count = 1;
    if (a[1]->type == TAP_SYN_N_INT && !a[1]->negative && a[1]->digit_count <= 1) {
        uint16_t next = (uint16_t)((a[1]->digit_count ? a[1]->digits[0] : 0) + 1);
        uint8_t *digits = tap_syn_alloc(e->source->arena, 2);
        if (!digits)
            return tap_syn_fail_oom(e->source), NULL;
        digits[0] = (uint8_t)next;
        digits[1] = (uint8_t)(next >> 8);
        place->digits = digits;
        place->digit_count = next > 255 ? 2 : 1;
    } else {
        place = tap_syn_elixir_call_two(e, "+", off, a[1], place);
    }
    return tap_syn_elixir_call_two(e, "element", off, place, a[0]);
}

static struct tap_syn_node *is_map_key(struct tap_syn_elixir *e, size_t off,
                                       struct tap_syn_node **a)
{
    return tap_syn_elixir_call_two(e, "is_map_key", off, a[1], a[0]);
}

/* A map with a __struct__ that is an atom, or the one that is named. */
static struct tap_syn_node *struct_of(struct tap_syn_elixir *e, size_t off, struct tap_syn_node *x,
                                      struct tap_syn_node *name, bool exception)
{
    struct tap_syn_items all = {0};
    struct tap_syn_node *key = tap_syn_atom(e->source, "__struct__", off);
    struct tap_syn_node *field = get(e, off, "__struct__", x);
    if (!key || !field || !tap_syn_elixir_repeats(e, x, 5))
        return NULL;
    bool ok = tap_syn_elixir_add(e, &all, tap_syn_elixir_call(e, "is_map", off, &x, 1)) &&
              tap_syn_elixir_add(e, &all, tap_syn_elixir_call_two(e, "is_map_key", off, key, x)) &&
              tap_syn_elixir_add(e, &all, tap_syn_elixir_call(e, "is_atom", off, &field, 1));
    if (ok && name)
        ok = tap_syn_elixir_add(e, &all, tap_syn_elixir_call_two(e, "=:=", off, field, name));
    if (ok && exception) {
        struct tap_syn_node *mark = tap_syn_atom(e->source, "__exception__", off);
        ok = mark &&
             tap_syn_elixir_add(e, &all, tap_syn_elixir_call_two(e, "is_map_key", off, mark, x)) &&
             tap_syn_elixir_add(e, &all,
                                tap_syn_elixir_call_two(e, "=:=", off,
                                                        get(e, off, "__exception__", x),
                                                        tap_syn_atom(e->source, "true", off)));
    }
    return ok ? tap_syn_elixir_call(e, "andalso", off, all.at, all.count) : NULL;
}

static struct tap_syn_node *is_struct(struct tap_syn_elixir *e, size_t off, struct tap_syn_node **a)
{
    return struct_of(e, off, a[0], NULL, false);
}
static struct tap_syn_node *is_struct_of(struct tap_syn_elixir *e, size_t off,
                                         struct tap_syn_node **a)
{
    return struct_of(e, off, a[0], a[1], false);
}
static struct tap_syn_node *is_exception(struct tap_syn_elixir *e, size_t off,
                                         struct tap_syn_node **a)
{
    return struct_of(e, off, a[0], NULL, true);
}
static struct tap_syn_node *is_exception_of(struct tap_syn_elixir *e, size_t off,
                                            struct tap_syn_node **a)
{
    return struct_of(e, off, a[0], a[1], true);
}

static const struct {
    const char *name;
    size_t count;
    struct tap_syn_node *(*make)(struct tap_syn_elixir *, size_t off, struct tap_syn_node **);
} made[] = {{"is_nil", 1, is_nil},
            {"elem", 2, elem},
            {"is_map_key", 2, is_map_key},
            {"is_struct", 1, is_struct},
            {"is_struct", 2, is_struct_of},
            {"is_exception", 1, is_exception},
            {"is_exception", 2, is_exception_of}};

/* name(...); `erlang`: of the module erlang, which has none of its own names. */
static struct tap_syn_node *called(struct tap_syn_elixir *e, const char *name, size_t off,
                                   bool erlang, unsigned depth)
{
    struct tap_syn_items items = {0};
    bool known = false;
    size_t wanted = 0;
    e->pos++;
    if (!tap_syn_elixir_called_with(e, &items, depth + 1))
        return NULL;
    for (size_t i = 0; !erlang && i < sizeof made / sizeof made[0]; i++) {
        if (strcmp(made[i].name, name) != 0)
            continue;
        known = true;
        wanted = made[i].count;
        if (made[i].count == items.count)
            return made[i].make(e, off, items.at);
    }
    if (known) {
        tap_syn_fail(e->source, off, "'%s' takes %zu argument%s, not %zu", name, wanted,
                     wanted == 1 ? "" : "s", items.count);
        return NULL;
    }
    return tap_syn_elixir_call(e, name, off, items.at, items.count);
}

/* ---- Words */

static bool is_one_of(const char *const *words, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

static struct tap_syn_node *only_values(struct tap_syn_elixir *e, const struct tap_syn_node *n)
{
    tap_syn_fail(e->source, n->off,
                 "'%.200s' would be a variable or a call: only values can stand here (an atom is "
                 ":%.200s)",
                 n->text, n->text);
    return NULL;
}

struct tap_syn_node *tap_syn_elixir_word(struct tap_syn_elixir *e, unsigned depth)
{
    static const char *const atoms[] = {"true", "false", "nil"};
    static const char *const reserved[] = {"and", "or",    "not",    "in",   "when", "do",
                                           "end", "after", "rescue", "else", "catch"};
    size_t off = e->pos, end = tap_syn_elixir_word_end(e, off);
    end += (e->text[end] == '?' || e->text[end] == '!') && e->text[end + 1] != '=';
    struct tap_syn_node *n =
        tap_syn_elixir_leaf(e, TAP_SYN_N_VAR, off, "", e->text + off, end - off);
    if (!n)
        return NULL;
    if (is_one_of(reserved, sizeof reserved / sizeof reserved[0], n->text))
        return tap_syn_elixir_unexpected(e, "a value");
    const char *attribute = strchr(n->text, '@');
    if (attribute)
        return tap_syn_elixir_fail(e, off + (size_t)(attribute - n->text),
                                   "a module attribute is known to a compiler alone");
    e->pos = end;
    if (is_one_of(atoms, 3, n->text)) {
        n->type = TAP_SYN_N_ATOM;
        return n;
    }
    if (strcmp(n->text, "fn") == 0)
        return tap_syn_elixir_fail(e, off,
                                   "a fun cannot be written here: match it with a variable f, and "
                                   "test it with is_function(f)");
    if (e->place == TAP_SYN_VALUE)
        return only_values(e, n);
    if (strncmp(n->text, "__", 2) == 0 && n->text[2] >= 'A' && n->text[2] <= 'Z')
        return tap_syn_elixir_fail(e, off, "this is known to a compiler alone");
    if (e->text[end] != '(')
        return n;
    return e->place == TAP_SYN_GUARD
               ? called(e, n->text, off, false, depth)
               : tap_syn_elixir_fail(
                     e, off, "a function call cannot stand in a pattern; put it behind 'when'");
}

struct tap_syn_node *tap_syn_elixir_remote(struct tap_syn_elixir *e, struct tap_syn_node *module,
                                           unsigned depth)
{
    static const char *const modules[] = {"erlang", "Elixir.Kernel", "Elixir.Bitwise"};
    if (!module || e->text[e->pos] != '.')
        return module;
    size_t off = e->pos + 1, end = tap_syn_elixir_word_end(e, off);
    end += end > off && (e->text[end] == '?' || e->text[end] == '!');
    if (end == off || e->text[end] != '(')
        return module;
    if (e->place == TAP_SYN_VALUE)
        return tap_syn_elixir_fail(e, module->off, "a call cannot stand here: only values can");
    if (e->place == TAP_SYN_PATTERN)
        return tap_syn_elixir_fail(
            e, off, "a function call cannot stand in a pattern; put it behind 'when'");
    if (!is_one_of(modules, 3, module->text))
        return tap_syn_elixir_fail(
            e, module->off,
            "only functions of Kernel, Bitwise and :erlang can be called in a guard");
    const struct tap_syn_node *n =
        tap_syn_elixir_leaf(e, TAP_SYN_N_VAR, off, "", e->text + off, end - off);
    e->pos = end;
    return n ? called(e, n->text, off, module->text[0] == 'e', depth) : NULL;
}

struct tap_syn_node *tap_syn_elixir_fields(struct tap_syn_elixir *e, struct tap_syn_node *n)
{
    const char *t = e->text;
    while (n && e->place == TAP_SYN_GUARD && t[e->pos] == '.' &&
           ((t[e->pos + 1] >= 'a' && t[e->pos + 1] <= 'z') || t[e->pos + 1] == '_')) {
        size_t off = e->pos + 1, end = tap_syn_elixir_word_end(e, off);
        end += t[end] == '?' || t[end] == '!';
        if (t[end] == '(')
            return tap_syn_elixir_fail(e, off, "a fun cannot be called in a guard");
        const struct tap_syn_node *key =
            tap_syn_elixir_leaf(e, TAP_SYN_N_ATOM, off, "", t + off, end - off);
        e->pos = end;
        n = key ? get(e, off, key->text, n) : NULL;
    }
    if (n && n->type == TAP_SYN_N_VAR && t[e->pos] == '[')
        return tap_syn_elixir_fail(e, e->pos, "what a map has is written map.key in a guard");
    return n;
}
