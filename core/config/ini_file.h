/* ini_file.h: the text of an INI file as sections of settings, each with its place.
 *
 * The syntax is inih's, with these rules of our own:
 * - A line may have TAP_INI_LINE_MAX bytes; a longer one is refused, never cut.
 * - A comment is a line whose first character is ; or #, or the rest of a line after a blank and a
 *   ;. It does not begin inside quotes ("..." or '...' closed on the same line), nor directly after
 *   a character: `N > 3; M > 4`. Behind a list one that could be items is refused (cut_comment.h).
 * - In Erlang ` ;` separates the alternatives of a guard. So each value is kept without what looks
 *   like such a comment, and with it (uncut): an option that takes lines of code (TAP_OPT_LINES)
 *   has the second. There a comment is a line that begins with ; or # in its first column, or an
 *   indented one that begins with #; an indented line that begins with ; goes on with the value.
 * - An indented line continues the value above it. The lines are joined by newlines and keep their
 *   indentation; comment and blank lines between them count as empty lines, so places stay right.
 *   A map or a record that begins such a line, #{ or #name{, is no comment.
 * - Text is UTF-8, without NUL, without a CR inside a line, and outside of quotes and comments
 *   without blanks that only look like one (no-break and zero-width spaces).
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
    bool unreadable; /* not text of ours at all (UTF-16, lines that end in CR): the only mistake */
};

/* Adds every mistake to `err`; what could be read is in the result all the same, so that the caller
 * can check it in the same pass. NULL only when out of memory (told to `err`). All memory is the
 * pool's. */
struct tap_ini *tap_ini_parse(const char *file, const char *text, size_t len,
                              struct tap_mempool *pool, struct tap_error *err);
/* Is `line` read as far as its end, and nothing of it taken for a comment? */
bool tap_ini_whole(const char *line);
/* The section of this name; NULL when there is none. */
struct tap_ini_section *tap_ini_find(const struct tap_ini *, const char *name);
/* Adds one at the end; NULL when out of memory. `name` is copied. */
struct tap_ini_section *tap_ini_add(struct tap_ini *, struct tap_mempool *, const char *name,
                                    const struct tap_text *where);
/* Adds a setting to a section; false when out of memory. The strings must live as long as the
 * pool. */
bool tap_ini_set(struct tap_ini_section *, struct tap_mempool *, const struct tap_setting *);

#endif
