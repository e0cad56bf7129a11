/* glob.h: names with * and ? in them. The agent reads them the same way (plan.hrl). */
#ifndef TAP_SYNTAX_GLOB_H
#define TAP_SYNTAX_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Does `name` fit `glob`? * stands for any characters, ? for one (UTF-8). Linear but for the last
 * star, to which it goes back: at most glob * name steps. */
static inline bool tap_glob_matches(const char *glob, const char *name)
{
    const char *star = NULL, *resume = NULL;
    while (*name) {
        if (*glob == '*') {
            star = ++glob;
            resume = name;
        } else if (*glob == '?' || *glob == *name) {
            bool one = *glob++ == '?';
            name++;
            while (one && ((unsigned char)*name & 0xC0) == 0x80)
                name++;
        } else if (star) {
            glob = star;
            name = ++resume;
        } else {
            return false;
        }
    }
    while (*glob == '*')
        glob++;
    return *glob == 0;
}

#endif
