/* process_facts.c: what is known of a process, event by event, and its text. */
#include "sinks/common/payload_atom.h"
#include "sinks/common/process_name.h"
#include "sinks/common/writer.h"

void tap_process_facts_free(struct tap_process_facts *k)
{
    free(k->label);
    *k = (struct tap_process_facts){0};
}

/* The registered name, from a registration's payload or peer. */
static uint32_t registered(const struct tap_host *host, const struct tap_batch *batch,
                           const struct tap_event *e)
{
    struct tap_cursor cur = tap_cursor(batch->arena + e->payload.off, e->payload.len);
    uint32_t name = e->payload.len ? tap_sink_atom(host, &cur) : 0;
    return name ? name : e->peer_type == TAP_PEER_NAME ? e->peer_name : 0;
}

void tap_process_facts_spawned(struct tap_process_facts *k, const struct tap_host *host,
                               const struct tap_batch *batch, const struct tap_event *e)
{
    if (k->ended)
        tap_process_facts_free(k);
    if (!k->initial.function)
        k->initial = tap_initial_call_of(host, batch, e);
}

void tap_process_facts_event(struct tap_process_facts *k, const struct tap_host *host,
                             const struct tap_batch *batch, const struct tap_event *e)
{
    switch (e->kind) {
    case TAP_PROCESS_START: tap_process_facts_spawned(k, host, batch, e); break;
    case TAP_PROCESS_EXIT: k->ended = true; break;
    case TAP_PROCESS_REGISTER: k->name = registered(host, batch, e); break;
    case TAP_PROCESS_UNREGISTER: /* by its end, of which this comes behind, it had the name */
        if (!k->ended && k->name == registered(host, batch, e))
            k->name = 0;
        break;
    default: break;
    }
}

void tap_process_facts_report(struct tap_process_facts *k, const struct tap_host *host,
                              const struct tap_process_report *told, struct tap_print print)
{
    char text[TAP_LABEL_MAX + 64];
    if (told->name)
        k->name = told->name;
    if (!k->initial.function)
        k->initial = told->initial;
    if (!told->label)
        return;
    print.limit = TAP_LABEL_MAX;
    size_t n = host->term_print(host, text, sizeof text, told->label, told->label_len, &print);
    char *label = n && n <= sizeof text ? strndup(text, n) : NULL;
    if (label) {
        free(k->label);
        k->label = label;
    }
}

static void name_put(struct tap_writer *w, uint32_t id)
{
    size_t len;
    const char *text = tap_name_display(tap_name_get(w->host, id), &len);
    tap_writer_put(w, text, len);
}

bool tap_process_facts_put(const struct tap_process_facts *k, struct tap_writer *w)
{
    if (k->name)
        name_put(w, k->name);
    else if (k->label)
        tap_writer_put(w, k->label, strlen(k->label));
    else if (k->initial.function)
        tap_function_put(w, k->initial.module, k->initial.function, k->initial.arity);
    return k->name || k->label || k->initial.function;
}
