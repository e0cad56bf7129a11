/* process_name.h: what processes and functions are called, the same in each sink that names them.
 *
 * A process is called by its registered name, else by its label (proc_lib:set_label/1), else by the
 * function that it began with, and its pid stands behind that. What of these is known comes from
 * its spawn and start, from its registration, and from what the core asks of its node.
 */
#ifndef TAP_SINKS_COMMON_PROCESS_NAME_H
#define TAP_SINKS_COMMON_PROCESS_NAME_H

#include "beamtap/sink.h"

struct tap_writer;

#define TAP_LABEL_MAX 100u /* bytes of a label that are printed */

/* The function that a process really runs. `function` 0: not told. */
struct tap_initial_call {
    uint32_t module, function; /* name ids */
    int32_t arity;
};
/* From the {M,F,Args} of a spawn or start. */
struct tap_initial_call tap_initial_call_of(const struct tap_host *, const struct tap_batch *,
                                            const struct tap_event *);

/* What a node tells of one process. */
struct tap_process_report {
    struct tap_pid pid;
    uint32_t name; /* registered; 0: none */
    struct tap_initial_call initial;
    const uint8_t *label; /* a term of the batch; NULL: none */
    size_t label_len;
};
struct tap_process_report_list {
    struct tap_cursor cur;
    uint32_t left;
};
/* The reports in a TAP_PROCESS_INFO event, one after the other; false: there are no more. */
struct tap_process_report_list tap_process_report_begin(const struct tap_batch *,
                                                        const struct tap_event *);
bool tap_process_report_next(const struct tap_host *, struct tap_process_report_list *,
                             struct tap_process_report *);
/* The lengths in a TAP_MAILBOX event, which is begun as reports are; false: there are no more. */
bool tap_process_mailbox_next(const struct tap_host *, struct tap_process_report_list *,
                              struct tap_pid *, int64_t *length);

/* What is known of one process. */
struct tap_process_facts {
    uint32_t name; /* registered; 0: none */
    struct tap_initial_call initial;
    char *label; /* printed; NULL: none */
    bool ended;  /* whoever has its pid next is another process */
};
/* By its own start, exit or registration; other events are passed over. */
void tap_process_facts_event(struct tap_process_facts *, const struct tap_host *,
                             const struct tap_batch *, const struct tap_event *);
/* By the spawn of which it is the child. */
void tap_process_facts_spawned(struct tap_process_facts *, const struct tap_host *,
                               const struct tap_batch *, const struct tap_event *);
/* By what its node tells; the label is printed so, and cut. */
void tap_process_facts_report(struct tap_process_facts *, const struct tap_host *,
                              const struct tap_process_report *, struct tap_print);
void tap_process_facts_free(struct tap_process_facts *);
/* Writes what it is called, without its pid: nothing when nothing is known. Whether there was
 * something. */
bool tap_process_facts_put(const struct tap_process_facts *, struct tap_writer *);
/* The process of a spawn; NULL: it is none, or lives on another node, which tells of it itself. */
static inline const struct tap_pid *tap_child(const struct tap_event *e)
{
    return e->peer_type == TAP_PEER_PID && e->peer.node == e->pid.node ? &e->peer : NULL;
}

/* Elixir's modules are atoms that begin so, and inspect prints them as aliases where they are
 * proper ones. */
static inline bool tap_name_is_alias(const struct tap_name *n)
{
    return n->len > 7 && memcmp(n->text, "Elixir.", 7) == 0 && n->elixir[0] != ':';
}
/* A name that stands alone, or before the function of a module. */
static inline const char *tap_name_display(const struct tap_name *n, size_t *len)
{
    bool alias = tap_name_is_alias(n);
    *len = alias ? n->elixir_len : n->atom_len;
    return alias ? n->elixir : n->atom;
}
/* A function's name behind its module's. In Elixir :add is the atom, add the function. */
static inline const char *tap_name_function(const struct tap_name *f, bool of_alias, size_t *len)
{
    bool colon = of_alias && f->elixir[0] == ':';
    *len = of_alias ? f->elixir_len - colon : f->atom_len;
    return of_alias ? f->elixir + colon : f->atom;
}
/* Writes shop_cart:add/2, or Shop.Cart.add/2. */
void tap_function_put(struct tap_writer *, uint32_t module, uint32_t function, int32_t arity);

#endif
