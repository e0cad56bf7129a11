/* suggest.h: did you mean ...? */
#ifndef TAP_BASE_SUGGEST_H
#define TAP_BASE_SUGGEST_H

#include <stddef.h>

/* The candidate nearest to `word` by edit distance, when near enough to suggest; else NULL.
 * Candidates that are NULL are passed over. */
const char *tap_suggest(const char *word, const char *const *candidates, size_t n);

#endif
