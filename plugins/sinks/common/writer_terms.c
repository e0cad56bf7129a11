/* writer_terms.c: what the host prints, put straight into a writer's buffer.
 *
 * The host prints like snprintf: it says how much room it needed. So a term is printed where it
 * belongs at once, and printed again only when the buffer's end was in the way, once in 256 KiB.
 */
#include "sinks/common/writer.h"

void tap_writer_put(struct tap_writer *w, const void *bytes, size_t n)
{
    char *p = tap_writer_reserve_large(w, n);
    if (p) {
        memcpy(p, bytes, n);
        w->p += n;
    }
}

size_t tap_writer_term(struct tap_writer *w, const uint8_t *term, size_t len,
                       const struct tap_print *print)
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

size_t tap_writer_pid(struct tap_writer *w, const struct tap_pid *pid,
                      const struct tap_print *print)
{
    if (pid->node != print->node_name || !pid->node) { /* another node's: seldom */
        size_t room = (size_t)(w->end - w->p);
        size_t need = w->host->pid_print(w->host, w->p, room, pid, print);
        if (need > room) {
            if (!tap_writer_reserve_large(w, need))
                return 0;
            w->host->pid_print(w->host, w->p, need, pid, print);
        }
        w->p += need;
        return need;
    }
    char *p = tap_writer_reserve(w, 64), *start = p;
    if (print->syntax == TAP_PRINT_ELIXIR)
        p = tap_text_lit(p, "#PID");
    p = tap_text_pid(p, pid);
    w->p = p;
    return (size_t)(p - start);
}

size_t tap_writer_peer(struct tap_writer *w, const struct tap_batch *batch,
                       const struct tap_event *event, const struct tap_print *print)
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

size_t tap_writer_arguments(struct tap_writer *w, const uint8_t *list, size_t len,
                            const char *separator, const struct tap_print *print)
{
    tap_writer_reserve(w, 1024); /* so that few are printed twice */
    size_t room = (size_t)(w->end - w->p);
    size_t need = w->host->arguments_print(w->host, w->p, room, list, len, separator, print);
    if (need > room) {
        if (!tap_writer_reserve_large(w, need))
            return 0;
        w->host->arguments_print(w->host, w->p, need, list, len, separator, print);
    }
    w->p += need;
    return need;
}
