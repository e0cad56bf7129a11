/* judge.h: match specs, judged here as the VM judges them (erl_db_util.c), over the bytes of an
 * event's terms.
 *
 *     spec (external term) --judge_read.c--> clauses --judge.c--> a verdict for each event
 *
 * What only the node knows (is_seq_trace, get_tcw), what did not come with the event (arguments of
 * which only the number was carried), and what is beyond the bounds here (arithmetic beyond 127
 * bits, the order of two funs) makes the verdict undecided. It is never a guess.
 */
#ifndef TAP_FILTERS_MATCH_SPEC_JUDGE_H
#define TAP_FILTERS_MATCH_SPEC_JUDGE_H

#include "filters/match_spec/value.h"
#include "syntax/syntax.h"

enum ms_node_type {
    MS_N_ANY,      /* '_' of a head */
    MS_N_CONSTANT, /* value */
    MS_N_VARIABLE, /* slot */
    MS_N_WHOLE,    /* '$_' */
    MS_N_BINDINGS, /* '$$' */
    MS_N_TUPLE,    /* count items */
    MS_N_LIST,     /* count items, and the tail behind them */
    MS_N_MAP,      /* key, value, key, value, ...: count pairs; a head's keys are constants */
    MS_N_AND,      /* andalso */
    MS_N_OR,       /* orelse */
    MS_N_CALL      /* function(items) */
};

struct ms_eval;
/* Gives `out` its value. False: it fails with an exception. An argument that is unknown never gets
 * here. */
typedef bool ms_function(struct ms_eval *, const struct ms_value *arguments, uint32_t count,
                         struct ms_value *out);

struct ms_node { /* of a head or a guard */
    enum ms_node_type type;
    uint32_t slot, count;
    bool computed; /* of a map in a guard: some keys are other than they are written */
    const struct ms_node *items;
    ms_function *function; /* NULL: only the node knows */
    struct ms_value value;
};

struct ms_clause {
    struct ms_node head;
    const struct ms_node *conditions;
    uint32_t condition_count;
    uint32_t *variables; /* their numbers, rising: a slot is the place here */
    uint32_t variable_count;
    bool silent;  /* its body says {message, false} last */
    bool unclear; /* it says {message, X} somewhere inside of an expression */
};

struct ms_judge {
    struct ms_clause *clauses;
    uint32_t count;
    const char *unknown; /* a function in a guard that only the node knows; NULL: none */
};

/* What is matched: the arguments of a call, [To, Message] or [Node, Sender, Message]. */
struct ms_subject {
    struct ms_value whole;      /* the list of them */
    struct ms_value self, node; /* the process, and the name of its node */
    int release;                /* see struct ms_context */
    bool unread;                /* some of it came, and cannot be read */
};

enum ms_decision { MS_REJECTED, MS_ACCEPTED, MS_UNDECIDED };
struct ms_verdict {
    enum ms_decision matches; /* some clause */
    bool silent;              /* that clause keeps the event back, but not its returns */
    unsigned bounds;          /* enum ms_bound: what was met on the way */
};

/* Reads a spec (with version byte or without). The bytes must stay. False: it is none, or out of
 * memory. */
bool tap_ms_judge_read(struct tap_syn_arena *, const uint8_t *spec, size_t len, struct ms_judge *);
struct ms_verdict tap_ms_judge(const struct ms_judge *, const struct ms_subject *);

/* ---- functions.c */

enum { MS_SCRATCH = 512 }; /* values that a guard may make */
struct ms_eval {
    struct ms_context context;
    const struct ms_subject *subject;
    const struct ms_clause *clause;
    struct ms_value *slots; /* of the variables; type UNKNOWN: not known, `bound` says if bound */
    uint64_t *bound;
    uint32_t used;
    struct ms_value scratch[MS_SCRATCH];
};

/* The function of guards with so many arguments. NULL: there is none that is judged here. */
ms_function *tap_ms_function(const char *name, size_t len, uint32_t arguments);
ms_function *tap_ms_arithmetic(const char *name, size_t len, uint32_t arguments);

#endif
