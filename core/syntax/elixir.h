/* elixir.h: what the two halves of the reader of Elixir's literals share: elixir_reader.c (what has
 * other values inside) and elixir_leaf.c (what has none).
 *
 * Each function that reads stands at the first character of what it is named after and leaves the
 * position behind it. NULL: source->failed, or the memory is gone, which is said as well.
 */
#ifndef TAP_SYNTAX_ELIXIR_H
#define TAP_SYNTAX_ELIXIR_H

#include "syntax/syntax.h"

struct tap_syn_elixir {
    struct tap_syn_source *source;
    const char *text;
    size_t pos;
};

/* Returns NULL. */
void *tap_syn_elixir_fail(struct tap_syn_elixir *, size_t off, const char *what);
/* The end of the word that begins at `at`. */
size_t tap_syn_elixir_word_end(const struct tap_syn_elixir *, size_t at);
/* A node of a text that is copied, behind a prefix. */
struct tap_syn_node *tap_syn_elixir_leaf(struct tap_syn_elixir *, enum tap_syn_node_type,
                                         size_t off, const char *prefix, const char *text,
                                         size_t len);

/* "text" is a binary, 'text' and ~c"text" a list of characters, :"text" an atom. */
struct tap_syn_node *tap_syn_elixir_quoted(struct tap_syn_elixir *, enum tap_syn_node_type,
                                           size_t off);
struct tap_syn_node *tap_syn_elixir_alias(struct tap_syn_elixir *);
struct tap_syn_node *tap_syn_elixir_atom(struct tap_syn_elixir *);
/* true, false or nil. */
struct tap_syn_node *tap_syn_elixir_word(struct tap_syn_elixir *);
struct tap_syn_node *tap_syn_elixir_number(struct tap_syn_elixir *);
/* ?a */
struct tap_syn_node *tap_syn_elixir_character(struct tap_syn_elixir *);

#endif
