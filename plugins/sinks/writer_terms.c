/* writer_terms.c: what the host prints, put straight into a writer's buffer.
 *
 * The host prints like snprintf: it says how much room it needed. So a term is printed where it belongs at once, and
 * printed again only when the buffer's end was in the way, once in 256 KiB.
 */
#include "writer.h"

void tap_writer_put(struct tap_writer *w, const void *bytes, size_t n)
{
    char *p = tap_writer_reserve_large(w, n);
    if (p) {
        memcpy(p, bytes, n);
        w->p += n;
    }
}

size_t tap_writer_term(struct tap_writer *w, const uint8_t *term, size_t len, const struct tap_print *print)
{
    size_t room = (size_t)(w->end - w->p);
    size_t need = w->host->term_print(w->host, w->p, room, term, len, print);
    if (need > room) {
        if (!tap_writer_reserve_large(w, need))
            return 0;
        w->host->term_print(w->host, w->p, need, term, len, print);
    }
    w->p += need;
    return need;
}

#define PID_MAX (2 * 1020 + 48) /* by the host's contract; escaped for JSON it may be six times that */

size_t tap_writer_pid(struct tap_writer *w, const struct tap_pid *pid, const struct tap_print *print)
{
    if (pid->node != print->node_name || !pid->node) { /* another node's: seldom */
        char *p = tap_writer_reserve(w, 6 * PID_MAX);
        size_t n = w->host->pid_print(w->host, p, 6 * PID_MAX, pid, print);
        n = n < 6 * PID_MAX ? n : 6 * PID_MAX;
        w->p += n;
        return n;
    }
    char *p = tap_writer_reserve(w, 64), *start = p;
    if (print->syntax == TAP_PRINT_ELIXIR)
        p = tap_text_lit(p, "#PID");
    p = tap_text_lit(p, "<0.");
    p = tap_text_u64(p, pid->id);
    *p++ = '.';
    p = tap_text_u64(p, pid->serial);
    *p++ = '>';
    w->p = p;
    return (size_t)(p - start);
}

size_t tap_writer_peer(struct tap_writer *w, const struct tap_batch *batch, const struct tap_event *event,
                       const struct tap_print *print)
{
    if (event->peer_type == TAP_PEER_NONE)
        return 0;
    if (event->peer_type == TAP_PEER_PID)
        return tap_writer_pid(w, &event->peer, print);
    size_t room = (size_t)(w->end - w->p);
    size_t need = w->host->peer_print(w->host, w->p, room, batch, event, print);
    if (need > room) {
        if (!tap_writer_reserve_large(w, need))
            return 0;
        w->host->peer_print(w->host, w->p, need, batch, event, print);
    }
    w->p += need;
    return need;
}

/* ---- Arguments -------------------------------------------------------------------------------------------------- */

/* Separator before all but the first, and the limit over all of them. False: it is reached, nothing more fits. */
static bool next_argument(struct tap_writer *w, bool first, size_t from, const char *separator,
                          const struct tap_print *print, struct tap_print *rest)
{
    if (!first)
        tap_writer_put(w, separator, strlen(separator));
    size_t used = tap_writer_here(w) - from;
    if (print->limit && used >= print->limit) {
        tap_writer_put(w, "...", 3);
        return false;
    }
    rest->limit = print->limit ? print->limit - used : 0;
    return true;
}

/* Small arguments are packed as if they were a string. */
static void packed_arguments(struct tap_writer *w, struct tap_cursor c, size_t from, const char *separator,
                             const struct tap_print *print)
{
    struct tap_print rest = *print;
    const uint8_t *bytes;
    uint32_t n;
    if (!tap_read_string(&c, &bytes, &n))
        return;
    for (uint32_t i = 0; i < n; i++) {
        if (!next_argument(w, i == 0, from, separator, print, &rest))
            return;
        w->p = tap_text_u64(tap_writer_reserve(w, 20), bytes[i]);
    }
}

/* False: this is no proper list after all. */
static bool listed_arguments(struct tap_writer *w, struct tap_cursor c, size_t from, const char *separator,
                             const struct tap_print *print)
{
    struct tap_print rest = *print;
    uint32_t n;
    if (!tap_read_list(&c, &n))
        return false;
    if (n == 0)
        return true;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *term = c.p;
        if (!tap_skip(&c))
            return false;
        if (!next_argument(w, i == 0, from, separator, print, &rest))
            return true;
        tap_writer_term(w, term, (size_t)(c.p - term), &rest);
    }
    return tap_read_nil(&c);
}

size_t tap_writer_arguments(struct tap_writer *w, const uint8_t *list, size_t len, const char *separator,
                            const struct tap_print *print)
{
    struct tap_cursor c = tap_cursor(list, len);
    size_t from = tap_writer_here(w);
    if (tap_peek(&c) == TAP_EXT_STRING) {
        packed_arguments(w, c, from, separator, print);
    } else if (!listed_arguments(w, c, from, separator, print)) {
        w->p = tap_writer_begun(w) + from;
        tap_writer_term(w, list, len, print);
    }
    size_t here = tap_writer_here(w);
    return here > from ? here - from : 0; /* 0 also when the event was dropped for want of memory */
}
