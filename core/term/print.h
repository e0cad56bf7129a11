/* print.h: prints external terms as the node would (io_lib:format("~0tp")), or as Elixir's inspect
 * does. */
#ifndef TAP_TERM_PRINT_H
#define TAP_TERM_PRINT_H

#include "beamtap/plugin.h"

/* The host table's printing functions without the host; `names` resolves name ids. Contracts as in
 * plugin.h. Iterative: depth is bounded by memory only (depth 100,000 prints). */
size_t tap_term_print(const struct tap_names *names, char *dst, size_t cap, const uint8_t *term,
                      size_t len, const struct tap_print *);
size_t tap_pid_print(const struct tap_names *names, char *dst, size_t cap, const struct tap_pid *,
                     const struct tap_print *);
size_t tap_peer_print(const struct tap_names *names, char *dst, size_t cap,
                      const struct tap_batch *, const struct tap_event *, const struct tap_print *);
/* The forms of a name, also for interning: bare UTF-8 in, printed form out; snprintf-like. */
size_t tap_atom_print(char *dst, size_t cap, const char *text, size_t len, enum tap_print_syntax);
/* As Elixir writes it behind a module and a dot: add, "hello world". */
size_t tap_atom_print_remote(char *dst, size_t cap, const char *text, size_t len);
/* Escapes for the inside of a JSON string: \" \\ \b \f \n \r \t \u00XX; invalid UTF-8 becomes
 * U+FFFD. snprintf-like. */
size_t tap_json_escape(char *dst, size_t cap, const char *text, size_t len);

/* The arguments of a call, without brackets, with `separator` between them: [97, 98] are two
 * numbers here and not the string "ab". As tap_term_print else; `list` is printed as it is when it
 * is none. */
size_t tap_arguments_print(const struct tap_names *names, char *dst, size_t cap,
                           const uint8_t *list, size_t len, const char *separator,
                           const struct tap_print *print);

#endif
