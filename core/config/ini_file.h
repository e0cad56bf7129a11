/* ini_file.h: the text of an INI file as sections of settings, each with its place.
 *
 * The syntax is inih's, with these rules of our own: - A line may have TAP_INI_LINE_MAX bytes; a
 * longer one is refused, never cut. - A comment is a line whose first character is ; or #, or the
 * rest of a line after a blank and a ;. It does
 *    not begin inside quotes ("..." or '...' closed on the same line), nor directly after a
 *    character: an Erlang guard is written `N > 3; M > 4`. An indented line that begins with #{
 *    continues a value: it is an Erlang map.
 * - An indented line continues the value above it. The lines are joined by newlines and keep their
 *    indentation; comment and blank lines between them count as empty lines, so places stay right.
 * - Text is UTF-8, without NUL.
 */
#ifndef TAP_CONFIG_INI_FILE_H
#define TAP_CONFIG_INI_FILE_H

#include "config/options.h"

#define TAP_INI_LINE_MAX 65535u

struct tap_ini_section {
    const char *name;
    struct tap_text where; /* of the header; column 0 */
    struct tap_setting *settings;
    size_t count, cap;
};

struct tap_ini {
    struct tap_ini_section *sections; /* in the order of the file, each name once */
    size_t count, cap;
};

/* Adds every mistake to `err`; what could be read is in the result all the same, so that the caller
 * can judge it in the same pass. NULL only when out of memory (told to `err`). All memory is the
 * pool's. */
struct tap_ini *tap_ini_parse(const char *file, const char *text, size_t len,
                              struct tap_mempool *pool, struct tap_error *err);
/* The section of this name; NULL when there is none. */
struct tap_ini_section *tap_ini_find(const struct tap_ini *, const char *name);
/* Adds one at the end; NULL when out of memory. `name` is copied. */
struct tap_ini_section *tap_ini_add(struct tap_ini *, struct tap_mempool *, const char *name,
                                    const struct tap_text *where);
/* Adds a setting to a section; false when out of memory. The strings must live as long as the
 * pool. */
bool tap_ini_set(struct tap_ini_section *, struct tap_mempool *, const struct tap_setting *);

#endif
