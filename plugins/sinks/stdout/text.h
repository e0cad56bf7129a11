/* text.h: what the two halves of a line for people share: text.c (when, where, who, and the line)
 * and text_body.c (what).
 */
#ifndef TAP_SINKS_STDOUT_TEXT_H
#define TAP_SINKS_STDOUT_TEXT_H

#include "sinks/stdout/stdout.h"

/* What happened. */
void out_text_body(struct out *, const struct tap_batch *, const struct tap_event *,
                   const struct tap_print *);

/* Of constants, mostly, whose length is known when this is compiled. */
static inline __attribute__((always_inline)) void put(struct tap_writer *w, const char *text)
{
    size_t n = strlen(text);
    w->p = tap_text_copy(tap_writer_reserve(w, n), text, n);
}

static inline void put_span(struct out *self, const struct tap_batch *batch, struct tap_span span,
                            const struct tap_print *print)
{
    if (span.len)
        tap_writer_term(&self->w, batch->arena + span.off, span.len, print);
}

#endif
