/* beamtap/transport.h: all that the author of a transport includes.
 *
 * A transport makes the plan real in the nodes, receives frames (frame.h) into arenas of the
 * core's, and hands them over undecoded.
 */
#ifndef BEAMTAP_TRANSPORT_H
#define BEAMTAP_TRANSPORT_H

#include <poll.h>

#include "event.h"
#include "frame.h"
#include "plan.h"
#include "plugin.h"
#include "term.h"
#include "term_write.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A piece of memory that a transport receives into; see reserve. The core's. */
struct tap_arena {
    uint32_t struct_size;
    uint8_t *data;
    size_t size;
};

enum tap_node_state {
    TAP_NODE_CONNECTING,
    TAP_NODE_TRACING,
    TAP_NODE_DONE,
    TAP_NODE_FAILED,
    TAP_NODE_SAME /* it is another node of this run, under another name: nothing is said of it */
};
/* The relay's final report (frame.h, {final, Map}). */
struct tap_node_final {
    uint32_t struct_size;
    uint64_t produced, lost; /* trace messages in this life of the node: taken, and not sent */
};

/* A function with many calls open on one process's stack: `open` of them have not returned. */
struct tap_deep_stack {
    uint32_t struct_size;
    struct tap_pid pid;
    uint32_t module, function; /* name ids */
    int32_t arity;
    uint32_t open;
};

/* host->transport: what the core does for a transport. */
struct tap_transport_host {
    uint32_t struct_size;
    /* A node of this run, by name; gives its index, the same for the same name. UINT32_MAX: there
     * are too many, and the cause was given. From start or run. */
    uint32_t (*node_add)(const struct tap_host *, const char *name);
    /* What became of a node. TAP_NODE_CONNECTING after an end: it is back, and a new relay begins
     * its numbers at 0; the core goes on counting from where the node was. With TAP_NODE_FAILED, a
     * cause (host->fail) must have been given before. `final` is the relay's final report, or NULL
     * where it never came (shorter than version 1.0 has it: the same). Puts node_down into the
     * stream on DONE and FAILED. */
    void (*node_state)(const struct tap_host *, uint32_t node, enum tap_node_state,
                       const struct tap_node_final *final);
    /* An empty arena of at least `min` bytes to receive into; the transport owns it until commit or
     * discard. NULL: out of memory. From start or run, as are commit and discard. */
    struct tap_arena *(*reserve)(const struct tap_host *, size_t min);
    /* Hands over an arena with whole frames of one node in it, at these places (offsets of frame
     * headers, ascending; each frame lies fully inside). The core decodes them into events.
     * Afterwards the arena is the core's: copy an unfinished rest out before. */
    void (*commit)(const struct tap_host *, struct tap_arena *, uint32_t node,
                   const uint32_t *frames, size_t n);
    void (*discard)(const struct tap_host *, struct tap_arena *);
    /* May the nodes have more credit now? False while a sink with on_full = block is full. Ask
     * again after wait. */
    bool (*may_grant)(const struct tap_host *);
    /* poll(2) on the transport's descriptors, that also ends when the session wants something. At
     * most `timeout` ms (-1: no limit). Returns poll's result; ready descriptors have revents
     * set. */
    int (*wait)(const struct tap_host *, struct pollfd *, size_t n, int timeout);
    /* 0: go on. 1: stop tracing in the nodes, take what is on its way, then return from run. 2:
     * return at once. Any thread. */
    int (*stopping)(const struct tap_host *);
    /* Processes of a node that its events spoke of and that nobody has named (with plan->mailbox:
     * all), at most `max`; how many. Each is given about once in a life of the node. None where the
     * plan has neither names nor mailbox. From run. */
    size_t (*unnamed)(const struct tap_host *, uint32_t node, struct tap_pid *pids, size_t max);
    /* The next function of this node whose returns should no longer be traced, into a struct whose
     * struct_size is set; false: there is none. From run. */
    bool (*deep_stack)(const struct tap_host *, uint32_t node, struct tap_deep_stack *);
    /* A node turned out to be called otherwise than it was added. Before TAP_NODE_TRACING. False:
     * this run has a node of that name, or there is no memory. */
    bool (*node_rename)(const struct tap_host *, uint32_t node, const char *name);
};

/* `settings` is the plugin's settings struct, filled from the option table; it lives until
 * destroy. */
struct tap_transport_ops {
    uint32_t struct_size;
    /* Makes *self of the settings, and checks what the option table cannot. No I/O. */
    enum tap_status (*create)(const struct tap_host *, const void *settings, void **self);
    /* Connects and begins to trace (host->plan is ready, sinks have started). TAP_OK when at least
     * one node traces; nodes that failed have been reported with node_state. */
    enum tap_status (*start)(void *self);
    /* Receives and commits until every node is done or stopping says so. On its own thread. Leaves
     * nothing in a node. */
    enum tap_status (*run)(void *self);
    enum tap_status (*stop)(void *self); /* after run returned: closes connections */
    void (*destroy)(void *self);
    /* May be NULL. Between create and destroy, instead of start, run and stop: asks every node of
     * the plan for something that is no trace, and leaves nothing behind. What `verb` and `args`
     * (an external term without version byte; may be empty) mean is the transport's; a verb that it
     * does not know is TAP_INVALID. Appends to `result` a list of {NodeName :: binary, Answer}, an
     * external term without version byte, of those that answered; the others are causes
     * (host->fail) and make it TAP_ERROR. On the session's thread. */
    enum tap_status (*service)(void *self, const char *verb, const uint8_t *args, size_t args_len,
                               struct tap_buf *result);
    /* May be NULL. Before the sinks and the transport start, on the session's thread: corrects what
     * is said of the session, as a recording must (it began earlier, with other events). What it
     * points to then is the transport's until destroy. */
    enum tap_status (*facts)(void *self, struct tap_run_info *info);
};

#ifdef __cplusplus
}
#endif
#endif
