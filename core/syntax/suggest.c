/* suggest.c: what did the user mean? The word nearest to a wrong one, when it is near enough to say
 * so.
 *
 * Distance counts inserted, removed and changed characters and swapped neighbours. A suggestion
 * must be right nearly always, or it is noise: at most a third of the word may differ. A word that
 * stands inside exactly one candidate (send in message_send) is taken for a short form of it.
 */
#include "syntax/suggest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "syntax/chars.h"

#define NEAREST_LONGEST 63 /* no key or plugin name is longer; longer words have no near one */

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

static size_t nearest_distance(const char *a, size_t la, const char *b, size_t lb)
{
    size_t rows[3][NEAREST_LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= lb; j++)
        last[j] = j;
    for (size_t i = 1; i <= la; i++) {
        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            char x = tap_syn_lower(a[i - 1]), y = tap_syn_lower(b[j - 1]);
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tap_syn_lower(b[j - 2]) && y == tap_syn_lower(a[i - 2]) &&
                before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[lb];
}

static const char *nearest_containing(const char *word, const char *const *candidates, size_t n)
{
    const char *found = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!candidates[i] || !tap_syn_contains(candidates[i], word))
            continue;
        if (found)
            return NULL;
        found = candidates[i];
    }
    return found;
}

const char *tap_suggest(const char *word, const char *const *candidates, size_t n)
{
    size_t len = strlen(word), best = SIZE_MAX;
    const char *nearest = NULL;
    if (len == 0 || len > NEAREST_LONGEST)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t other = candidates[i] ? strlen(candidates[i]) : SIZE_MAX;
        if (other > NEAREST_LONGEST)
            continue;
        size_t longer = len > other ? len : other, limit = longer < 3 ? 1 : longer / 3;
        size_t distance = nearest_distance(word, len, candidates[i], other);
        if (distance <= limit && distance < longer && distance < best) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest || len < 3 ? nearest : nearest_containing(word, candidates, n);
}
