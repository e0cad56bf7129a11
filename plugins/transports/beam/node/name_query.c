/* name_query.c: asks a node what the processes are called that its events speak of.
 *
 * The core knows whom (host->unnamed). One question is under way at a time, for a few processes,
 * and the next waits for its answer in the stream: so a node that is slow is asked less, and what
 * names cost there is bounded.
 */
#include "transports/beam/node/run_state.h"

#define NAMES_EVERY INT64_C(250000000) /* ns */
#define NAMES_MAX 256u                 /* processes in one question */

static bool names_wanted(const struct tap_host *host)
{
    return host->plan->names || host->plan->mailbox > 0;
}

void tap_beam_node_names(struct tap_beam_node *n, int64_t now)
{
    const struct tap_host *host = n->beam->host;
    struct tap_pid pids[NAMES_MAX];
    struct tap_buf b = {0};
    if (n->names_asked || now < n->names_at || !names_wanted(host))
        return;
    n->names_at = now + NAMES_EVERY;
    size_t count = host->transport->unnamed(host, n->index, pids, NAMES_MAX);
    if (!count)
        return;
    n->names_asked = now;
    tap_write_tuple(&b, 2); /* {Ref, Pids} */
    tap_write_i64(&b, n->names_asked);
    tap_write_list(&b, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        tap_beam_write_pid(&b, host, &pids[i]);
    tap_write_nil(&b);
    tap_beam_node_say(n, "names", &b);
    tap_buf_free(&b);
}

void tap_beam_node_named(struct tap_beam_node *n, const struct tap_frame *header,
                         const uint8_t *frame)
{
    int64_t ref;
    if (n->names_asked && tap_report_named(header, frame, &ref) && ref == n->names_asked)
        n->names_asked = 0;
}
