/* error.h: a status and the chain of its causes, each with who said it and where it arose.
 *
 * One tap_error collects all that goes wrong in a session: configuration mistakes are all added
 * before anything else happens; run-time failures are added as they come, from any thread. Plugins
 * reach it through host->fail and fail_at.
 */
#ifndef TAP_BASE_ERROR_H
#define TAP_BASE_ERROR_H

#include <stdarg.h>
#include <stdio.h>

#include <stdarg.h>

#include "beamtap/plugin.h"

struct tap_error;

struct tap_cause {
    enum tap_status status;
    const char *actor;   /* "core", "sink:chrome", "transport:dist"; NULL: none */
    const char *message; /* one line, UTF-8 */
    const char *source;  /* the C file and line that said it; shown with BEAMTAP_DEBUG only */
    int source_line;
};

struct tap_error *tap_error_new(void); /* NULL when out of memory */
void tap_error_free(struct tap_error *);
/* Adds a cause; returns `status`. Any thread. */
enum tap_status tap_error_add(struct tap_error *, enum tap_status status, const char *actor,
                              const char *source, int source_line, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
enum tap_status tap_error_vadd(struct tap_error *, enum tap_status status, const char *actor,
                               const char *source, int source_line, const char *format, va_list);
/* Adds "file:line:column: [section] message" for a place in a configured text; returns TAP_INVALID.
 * Parts that are not known are left out: without a column (0) "file:line: ", without a line (0: the
 * file as a whole, or a --set argument) "file: ", without a file only the section. Columns count
 * characters, from 1. Any thread. */
enum tap_status tap_error_vadd_at(struct tap_error *, const char *section,
                                  const struct tap_text *where, size_t offset, const char *format,
                                  va_list);
/* The same for the text's beginning. */
enum tap_status tap_error_add_at(struct tap_error *, const char *section,
                                 const struct tap_text *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
size_t tap_error_count(const struct tap_error *);
/* The i-th cause, in order of arrival; valid until tap_error_free. */
const struct tap_cause *tap_error_get(const struct tap_error *, size_t i);
/* TAP_INVALID when any cause is, else TAP_ERROR when there is one, else TAP_OK. Also the exit
 * code. */
enum tap_status tap_error_status(const struct tap_error *);
/* One line a cause: "beamtap: [sink:chrome] message"; a cause with a place begins with that place
 * instead, so that editors find it. */
void tap_error_print(const struct tap_error *, FILE *);

#define TAP_ERR(err, status, actor, ...) \
    tap_error_add((err), (status), (actor), __FILE__, __LINE__, __VA_ARGS__)

#endif
