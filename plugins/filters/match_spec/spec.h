/* spec.h: what filter:match_spec makes of one configured line, and the stages that make it.
 *
 *     text --entry.c--> head, guard, actions --compile.c--> spec nodes --check.c--> checked
 *     --tap_syn_encode--> bytes
 *
 * The text is read by syntax/syntax.h, in Elixir's syntax by syntax/elixir.h, into the same nodes;
 * the source's `arg` is the host here. A raw spec enters at
 * the spec nodes. Both forms go through the same check, so what passes here is what the VM
 * accepts.
 */
#ifndef TAP_FILTERS_MATCH_SPEC_SPEC_H
#define TAP_FILTERS_MATCH_SPEC_SPEC_H

#include "beamtap/filter.h"
#include "syntax/syntax.h"

/* {const, MS_STACK} in a body: the stack is wanted. */
#define MS_STACK "$beamtap_stack"

enum ms_target { MS_CALLS, MS_SENDS, MS_RECEIVES };

struct ms_entry {
    enum ms_target target;
    /* as the node writes it, * and ? are wildcards; NULL: every module */
    const char *module;
    const char *function;      /* NULL: every function */
    int arity;                 /* -1: every arity */
    bool elixir;               /* written as Elixir writes it, and so is what follows */
    uint32_t flags;            /* TAP_PLAN_... */
    struct tap_syn_node *spec; /* a list of {Head, Conditions, Body} */
    const struct tap_text *where;
};

/* target.c: reads module:function/arity, send or receive at *at, and moves past it. */
bool tap_ms_read_target(struct tap_syn_source *, struct ms_entry *, size_t *at);

/* Reads one line of `trace`, or one value of `spec`. False: every mistake has been reported. */
bool tap_ms_read_trace(struct tap_syn_source *, struct ms_entry *);
bool tap_ms_read_spec(struct tap_syn_source *, struct ms_entry *);

/* What a line of `trace` says after the name: the parts that compile.c makes a spec of. */
struct ms_parts {
    size_t off;
    bool elixir;                        /* for the words of messages */
    struct tap_syn_node *head;          /* a list of patterns; NULL: any arguments */
    struct tap_syn_node **alternatives; /* guards separated by ;, each a list of conditions */
    size_t alternative_count;           /* 0: no guard */
    struct tap_syn_node **actions;      /* atoms and calls */
    size_t action_count;
};
/* The spec of a readable line; NULL: reported. One clause for each alternative: unlike an orelse, a
 * guard that fails with an exception then leaves the next one its chance, as in Erlang. */
struct tap_syn_node *tap_ms_compile(struct tap_syn_source *, enum ms_target,
                                    const struct ms_parts *);

/* Judges a spec as the VM would, and a little stricter: heads that can match nothing are mistakes
 * too. `arity`: of the function, -1 when unknown. Adds to *flags what the bodies ask for. False:
 * reported. */
bool tap_ms_check(struct tap_syn_source *, enum ms_target, int arity,
                  const struct tap_syn_node *spec, uint32_t *flags);
/* Is it '$0', '$1', ...: *number, else false. */
bool tap_ms_is_variable(const struct tap_syn_node *, uint32_t *number);

/* Warns of a function whose direct calls are instructions of the VM, which no trace sees. */
void tap_ms_warn_unseen(const struct tap_host *, const struct ms_entry *);

#endif
