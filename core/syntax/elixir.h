/* elixir.h: Elixir text -> the nodes of syntax.h: values, patterns and guards.
 *
 *     elixir_operators.c -> elixir_reader.c -> binary, calls, inspected -> items -> elixir_leaf.c
 *
 * Operators stand around what elixir_reader.c reads, what has others inside comes back to them
 * through `value`. Guards become the operators and
 * functions of Erlang, so that whoever takes nodes need not know which syntax they were written in.
 *
 * Each function that reads stands at the first character of what it is named after and leaves the
 * position behind it. NULL or false: source->failed, or the memory is gone, which is said as well.
 */
#ifndef TAP_SYNTAX_ELIXIR_H
#define TAP_SYNTAX_ELIXIR_H

#include "syntax/syntax.h"

/* What is read: it decides what may stand there. */
enum tap_syn_place {
    TAP_SYN_VALUE,   /* a term */
    TAP_SYN_PATTERN, /* with variables */
    TAP_SYN_GUARD    /* with variables, operators and calls */
};

struct tap_syn_elixir {
    struct tap_syn_source *source;
    const char *text;
    size_t pos;
    enum tap_syn_place place;
    size_t repeated; /* nodes that stand in the result more often than in the text */
    struct tap_syn_node *(*value)(struct tap_syn_elixir *, unsigned depth);
};

/* ---- For those who read lines */

struct tap_syn_elixir tap_syn_elixir_begin(struct tap_syn_source *, size_t pos);
/* Past blanks and comments. */
void tap_syn_elixir_blank(struct tap_syn_elixir *);
/* Past blanks and this sign, or word, where it stands here. */
bool tap_syn_elixir_takes(struct tap_syn_elixir *, const char *sign);
bool tap_syn_elixir_takes_word(struct tap_syn_elixir *, const char *word);
/* Patterns, or an expression. */
bool tap_syn_elixir_arguments(struct tap_syn_elixir *, struct tap_syn_node ***items, size_t *count);
struct tap_syn_node *tap_syn_elixir_expression(struct tap_syn_elixir *);
/* Reports that something else than `what` stands here. Returns NULL. */
void *tap_syn_elixir_unexpected(struct tap_syn_elixir *, const char *what);

/* ---- Of one another */

/* Returns NULL. */
void *tap_syn_elixir_fail(struct tap_syn_elixir *, size_t off, const char *what);
bool tap_syn_elixir_sees(const struct tap_syn_elixir *, const char *sign);
/* Letters of any script, digits, _ and @. */
bool tap_syn_elixir_is_word(const char *);
/* The end of the word that begins at `at`. */
size_t tap_syn_elixir_word_end(const struct tap_syn_elixir *, size_t at);
/* A node of a text that is copied, behind a prefix. */
struct tap_syn_node *tap_syn_elixir_leaf(struct tap_syn_elixir *, enum tap_syn_node_type,
                                         size_t off, const char *prefix, const char *text,
                                         size_t len);
/* name(items), as Erlang calls it. An item that is NULL: what failed below. */
struct tap_syn_node *tap_syn_elixir_call(struct tap_syn_elixir *, const char *name, size_t off,
                                         struct tap_syn_node *const *items, size_t count);
struct tap_syn_node *tap_syn_elixir_call_two(struct tap_syn_elixir *, const char *name, size_t off,
                                             struct tap_syn_node *, struct tap_syn_node *);
/* Says that `node` will stand so many times in what is made. False: that is too much. */
bool tap_syn_elixir_repeats(struct tap_syn_elixir *, const struct tap_syn_node *, size_t times);

struct tap_syn_items {
    struct tap_syn_node **at;
    size_t count, cap;
};
bool tap_syn_elixir_add(struct tap_syn_elixir *, struct tap_syn_items *, struct tap_syn_node *);
/* A value with its operators. */
static inline struct tap_syn_node *tap_syn_elixir_value(struct tap_syn_elixir *e, unsigned depth)
{
    return e->value(e, depth);
}
/* One without operators. */
struct tap_syn_node *tap_syn_elixir_primary(struct tap_syn_elixir *, unsigned depth);
/* Values up to the closing sign, and past it. */
enum tap_syn_items_kind { TAP_SYN_PLAIN, TAP_SYN_KEYWORDS, TAP_SYN_PAIRS };
bool tap_syn_elixir_items(struct tap_syn_elixir *, const char *closing, enum tap_syn_items_kind,
                          struct tap_syn_items *, struct tap_syn_node **tail, unsigned depth);
/* Arguments behind an opening bracket: keywords at their end are one list. */
bool tap_syn_elixir_called_with(struct tap_syn_elixir *, struct tap_syn_items *, unsigned depth);

/* elixir_binary.c */
struct tap_syn_node *tap_syn_elixir_binary(struct tap_syn_elixir *, unsigned depth);
struct tap_syn_node *tap_syn_elixir_joined(struct tap_syn_elixir *, struct tap_syn_node *left,
                                           struct tap_syn_node *right, size_t off);

/* elixir_calls.c: a word or a module is read; what follows it is not. */
struct tap_syn_node *tap_syn_elixir_word(struct tap_syn_elixir *, unsigned depth);
struct tap_syn_node *tap_syn_elixir_remote(struct tap_syn_elixir *, struct tap_syn_node *module,
                                           unsigned depth);
/* What .field asks of a value, as often as it stands here. */
struct tap_syn_node *tap_syn_elixir_fields(struct tap_syn_elixir *, struct tap_syn_node *);

/* elixir_inspected.c */
struct tap_syn_node *tap_syn_elixir_sigil(struct tap_syn_elixir *);
/* #PID<0.1.2>, #Port<0.5>, #Reference<0.1.2.3> of the node */
struct tap_syn_node *tap_syn_elixir_identity(struct tap_syn_elixir *);
/* &Shop.Door.day/1 */
struct tap_syn_node *tap_syn_elixir_capture(struct tap_syn_elixir *);
/* MapSet.new([...]), of which the module is read. */
struct tap_syn_node *tap_syn_elixir_set(struct tap_syn_elixir *, size_t off, unsigned depth);
/* Both ends are read; descends: the first one is the larger. */
struct tap_syn_node *tap_syn_elixir_range(struct tap_syn_elixir *, struct tap_syn_node *first,
                                          struct tap_syn_node *last, bool descends);

/* elixir_leaf.c */

/* "text" is a binary, 'text' and ~c"text" a list of characters, :"text" an atom. */
struct tap_syn_node *tap_syn_elixir_quoted(struct tap_syn_elixir *, enum tap_syn_node_type,
                                           size_t off);
struct tap_syn_node *tap_syn_elixir_alias(struct tap_syn_elixir *);
struct tap_syn_node *tap_syn_elixir_atom(struct tap_syn_elixir *);
struct tap_syn_node *tap_syn_elixir_number(struct tap_syn_elixir *);
/* ?a */
struct tap_syn_node *tap_syn_elixir_character(struct tap_syn_elixir *);
/* The length of the operator that can be an atom or a key without quotes; 0: there is none. */
size_t tap_syn_elixir_operator(const char *text);

#endif
