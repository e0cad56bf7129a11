/* suggest.c: the word that was meant. */
#include "filters/match_spec/spec.h"

static size_t min3(size_t a, size_t b, size_t c)
{
    a = a < b ? a : b;
    return a < c ? a : c;
}

/* Edit distance of two short words (Levenshtein, two rows). */
static size_t distance(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    size_t n = strlen(a), m = strlen(b), row[LONGEST + 1];
    if (n > LONGEST || m > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t above = row[j];
            row[j] = min3(row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[m];
}

const char *tap_ms_suggest(const char *word, const char *const *candidates)
{
    const char *best = NULL;
    size_t least = strlen(word) / 3 + 2; /* further away it would be a guess */
    for (; *candidates; candidates++) {
        size_t d = distance(word, *candidates);
        if (d < least)
            least = d, best = *candidates;
    }
    return best;
}
