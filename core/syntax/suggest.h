/* suggest.h: what did the user mean?
 *
 * Stands in syntax/ because the core and filter:match_spec both ask, and a plugin has nothing of
 * the core but this folder.
 */
#ifndef TAP_SYNTAX_SUGGEST_H
#define TAP_SYNTAX_SUGGEST_H

#include <stddef.h>

/* The candidate nearest to `word` by edit distance, when near enough to suggest; else NULL. Letters
 * of ASCII are equal in either case. A candidate may be NULL. */
const char *tap_suggest(const char *word, const char *const *candidates, size_t n);

#endif
