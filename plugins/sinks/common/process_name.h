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
/* By its own start, exit or registration, or a name that it gives up, which another may have then;
 * other events are passed over. A sink whose processes have one name for the whole of a trace gives
 * no TAP_PROCESS_UNREGISTER. */
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
/* A function of such a module is written as Elixir does. */
static inline enum tap_print_syntax tap_function_syntax(const struct tap_name *module)
{
    return tap_name_is_alias(module) ? TAP_PRINT_ELIXIR : TAP_PRINT_ERLANG;
}
static inline struct tap_function_text tap_function_text_of(const struct tap_name *m,
                                                            const struct tap_name *f)
{
    return tap_function_text(m, f, tap_function_syntax(m));
}
/* Writes shop_cart:add/2, Shop.Cart.add/2, or anonymous fn/1 in Shop.Door.day/1. */
void tap_function_put(struct tap_writer *, uint32_t module, uint32_t function, int32_t arity);
/* The same as `syntax` says. `json`: escaped for the inside of a JSON string. */
void tap_function_put_as(struct tap_writer *, uint32_t module, uint32_t function, int32_t arity,
                         enum tap_print_syntax, bool json);

/* The same in two parts, around the arity or the arguments. */
struct tap_function_text tap_function_begin(struct tap_writer *, uint32_t module, uint32_t function,
                                            enum tap_print_syntax, bool json);
void tap_function_end(struct tap_writer *, const struct tap_function_text *, bool json);
/* Of two atoms of a payload, one behind the other, where the cursor stands; it goes past them.
 * False: they are none, and nothing is written. */
bool tap_function_begin_terms(struct tap_writer *, struct tap_cursor *, const struct tap_print *,
                              struct tap_function_text *);

#endif
