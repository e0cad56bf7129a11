/* number.h: the one place where decimal text becomes a double, and numbers text with a point.
 *
 * The library lives in other people's programs, and strtod reads 1.5 as 1 where their locale has a
 * decimal comma. Nothing in the core or a plugin may ask the locale: no strtod, no %f, no tolower
 * (test_layers.py looks). Going out, floats are printed by term/float.c; times are integers.
 */
#ifndef TAP_SYNTAX_NUMBER_H
#define TAP_SYNTAX_NUMBER_H

#include <stdint.h>

/* As strtod does in the locale "C"; *end (may be NULL): the first character that is not read. */
double tap_number_parse(const char *text, char **end);

/* v / unit, rounded, with so many digits (at most 9) behind the point: 1250, 1000, 1 is 1.3. The
 * unit is above 0 and at most 10^17. */
struct tap_number_text {
    char text[32];
};
struct tap_number_text tap_number_print(int64_t v, int64_t unit, unsigned digits);

#endif
