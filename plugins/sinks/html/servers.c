/* servers.c: gen_server calls: of each server how many, how long they waited and were handled, and
 * the slowest of all.
 */
#include "sinks/html/html.h"

static struct html_server *server_get(struct html *h, uint32_t process)
{
    uint32_t *at =
        tap_map_get(&h->server_at, (uint64_t)process + 1, h->server_count < HTML_SERVERS);
    if (!at || (!*at && !html_room(h, &h->by_server, h->server_count, sizeof *h->by_server))) {
        h->no_memory |= h->server_count < HTML_SERVERS;
        h->left_out.servers++;
        return NULL;
    }
    if (!*at) {
        h->by_server[h->server_count++] = (struct html_server){.process = process};
        *at = h->server_count;
    }
    return &h->by_server[*at - 1];
}

static void whole(void *context, const struct tap_server_call *c)
{
    struct html *h = context;
    struct html_server *s = server_get(h, c->server);
    int64_t waiting = tap_server_call_waiting(c), handling = tap_server_call_handling(c);
    if (s) {
        h->no_memory |= !tap_histogram_add(&s->total, tap_server_call_total(c));
        h->no_memory |= waiting >= 0 && !tap_histogram_add(&s->waiting, waiting);
        h->no_memory |= handling >= 0 && !tap_histogram_add(&s->handling, handling);
    }
    tap_server_calls_slowest(h->slow, &h->slow_count, HTML_SLOW, c);
}

static void given_up(void *context, const struct tap_server_call *c)
{
    struct html_server *s = server_get(context, c->server);
    if (s)
        s->unanswered++;
}

bool html_servers_init(struct html *h)
{
    h->servers = (struct tap_server_calls){.host = h->host,
                                           .nodes = &h->names,
                                           .syntax = (enum tap_print_syntax)h->settings->syntax,
                                           .context = h,
                                           .whole = whole,
                                           .given_up = given_up};
    return tap_server_calls_init(&h->servers);
}

void html_servers_free(struct html *h)
{
    for (uint32_t i = 0; i < h->server_count; i++) {
        tap_histogram_free(&h->by_server[i].total);
        tap_histogram_free(&h->by_server[i].waiting);
        tap_histogram_free(&h->by_server[i].handling);
    }
    free(h->by_server);
    tap_map_free(&h->server_at);
    tap_server_calls_free(&h->servers);
}
