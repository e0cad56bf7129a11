/* number.h: the one place where decimal text becomes a double.
 *
 * The library lives in other people's programs, and strtod reads 1.5 as 1 where their locale has a
 * decimal comma. Nothing in the core or a plugin may ask the locale: no strtod, no %f, no tolower.
 * Going out, floats are printed by term/float.c; times are integers and printed as such.
 */
#ifndef TAP_SYNTAX_NUMBER_H
#define TAP_SYNTAX_NUMBER_H

/* As strtod does in the locale "C"; *end (may be NULL): the first character that is not read. */
double tap_number_parse(const char *text, char **end);

#endif
