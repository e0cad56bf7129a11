/* html.h: the html sink: one page that shows a trace, with nothing to fetch and nothing to install.
 *
 *     plugin.c    the plugin: options, life
 *     collect.c   what each event counts for
 *     processes.c processes: what they are called, their life, links and mailboxes
 *     stacks.c    the tree of calls, and the calls that the chart shows
 *     messages.c  who told whom how much and how slowly, and the messages that are kept
 *     servers.c   gen_server calls, by server, and the slowest
 *     timeline.c  rates over time, gaps and losses, marks
 *     json.c      text of the node as JSON that stands in a page
 *     chosen.c    which functions and processes the page has, by number
 *     write_*.c   the page's data, a part each
 *     page.c      the page: style and script (page/, embedded by SConstruct) around the data
 *
 * Everything is kept until the end and written then, as a whole or not at all. Memory and page
 * depend on the bounds below, never on how long a trace was; what did not fit is counted, and the
 * page says so.
 */
#ifndef TAP_SINKS_HTML_HTML_H
#define TAP_SINKS_HTML_HTML_H

#include "sinks/common/call_times.h"
#include "sinks/common/counted_sums.h"
#include "sinks/common/marks.h"
#include "sinks/common/server_calls.h"
#include "sinks/common/process_name.h"
#include "sinks/common/reasons.h"
#include "sinks/common/writer.h"

/* What is kept. */
#define HTML_PROCESSES 32768u /* what comes after them is counted as one, the first */
#define HTML_PAIRS 65536u     /* of a sender and a receiver */
#define HTML_PAIR_TIMES 4096u /* whose times are spread out in histograms */
#define HTML_RECEIVERS 4096u  /* names that were sent to */
#define HTML_STACKS 65536u    /* different stacks of calls */
#define HTML_STACK_DEPTH 250u /* calls deeper than that count for the one above them */
#define HTML_SPANS 12000u     /* calls in the chart: the longest, up to twice as many meanwhile */
#define HTML_HEAD 3000u       /* messages from the beginning, of one pair HTML_HEAD_PAIR at most */
#define HTML_HEAD_PAIR 300u
#define HTML_TAIL 3000u /* messages until the end */
#define HTML_TEXT 100u  /* bytes of a message */
#define HTML_SLOW 200u  /* gen_server calls, the slowest */
#define HTML_SERVERS 1024u
#define HTML_LINKS 4096u
#define HTML_MAILBOXES 96u       /* the longest */
#define HTML_MAILBOX_POINTS 200u /* of each; even */
#define HTML_BUCKETS 400u        /* of the rates over time; even */
#define HTML_GAPS 400u
/* What the page has of them. */
#define HTML_GROUPS 2000u /* processes of one name are a group */
#define HTML_SHOWN_GROUP_PAIRS 600u
#define HTML_SHOWN_FUNCTIONS 2000u
#define HTML_SHOWN_PROCESSES 6000u
#define HTML_SHOWN_PAIRS 3000u
#define HTML_SHOWN_COUNTED 2000u /* processes of a profile */
#define HTML_SHOWN_STACKS 8000u
#define HTML_SHOWN_OPEN 1000u /* calls that had not ended */

enum html_rate { HTML_CALLS, HTML_SENT, HTML_RECEIVED, HTML_LIFE, HTML_OTHER, HTML_RATES };

struct html_process {
    struct tap_pid pid;
    uint32_t node, parent; /* parent: a process, or 0 */
    struct tap_process_facts facts;
    struct tap_call_stack stack;
    uint64_t events, calls, sent, received;
    int64_t own;        /* ns of its traced calls, their own */
    int64_t born, died; /* 0: not seen */
    uint32_t reason;    /* of its end */
    uint32_t links, group;
    uint64_t mailbox;
    int64_t mailbox_at;
    bool needed; /* something that is shown speaks of it */
};

/* A name that was sent to. */
struct html_receiver {
    uint32_t name, node; /* name ids; node 0: the sender's own */
    uint32_t of;         /* the index of that node */
    uint32_t process;    /* who took such a message; 0: not seen */
};
#define HTML_IS_NAME 0x80000000u /* a receiver's number is that of a name */

struct html_pair {
    uint32_t from, to; /* a process, or a name */
    uint32_t kept;     /* in the head of the messages */
    uint64_t messages, bytes;
    struct tap_histogram times; /* from send to receive */
};

struct html_message {
    int64_t sent, received; /* 0: not seen */
    uint32_t from, to, number;
    uint8_t gen;
    uint8_t text_len;
    char text[HTML_TEXT + 8];
};

/* The same calls, one within the other. */
struct html_stack {
    uint32_t parent, function, depth;
    uint64_t calls;
    int64_t total, own;
};

struct html_span {
    uint32_t process, function, depth;
    int64_t start, length; /* length < 0: it had not ended */
};

struct html_server {
    uint32_t process;
    uint64_t unanswered;
    struct tap_histogram total, waiting, handling;
};

struct html_link {
    uint32_t one, other;
};

struct html_mailbox {
    uint32_t process, count;
    uint64_t longest;
    struct html_point {
        int64_t ts;
        uint64_t length;
    } at[HTML_MAILBOX_POINTS];
};

struct html_gap {
    uint32_t node, reason;
    int64_t start;
    uint64_t length;
};

struct html_node {
    uint32_t epoch;
    bool seen, ended; /* ended: and not back since */
    uint64_t events, lost, gap_ns, gaps;
    uint64_t lost_by[TAP_REASON_COUNT], gap_by[TAP_REASON_COUNT];
};

/* What did not fit, by what it is. */
struct html_left_out {
    uint64_t process_events, pairs, pair_times, stacks, deep, spans, messages, links, mailboxes,
        gaps, servers;
};

struct html_settings {
    const char *path;
    int syntax;
};

struct html {
    const struct tap_host *host;
    const struct html_settings *settings;
    struct tap_writer w;
    struct tap_sink_nodes names;
    struct tap_call_times times;
    struct tap_counted_sums counted;
    struct tap_server_calls servers;
    struct tap_flow_times flows;
    struct tap_reason_counts exits, exceptions;
    bool no_memory, mailboxes_told;
    int64_t first, last;
    uint64_t events, kinds[TAP_KIND_COUNT];
    struct tap_map process_at, receiver_at, pair_at, stack_at, server_at, mailbox_at, link_at;
    struct html_process *processes; /* 0 stands for all that were too many */
    struct html_receiver *receivers;
    struct html_pair *pairs;
    struct html_stack *stacks; /* 0 is where they all begin */
    struct html_span *spans;
    struct html_server *by_server;
    struct html_link *links;
    struct html_mailbox *mailboxes;
    struct html_gap *gaps;
    struct html_node *nodes;
    uint32_t process_count, receiver_count, pair_count, stack_count, span_count, server_count;
    uint32_t link_count, mailbox_count, gap_count, node_count;
    int64_t span_least; /* shorter calls are not kept */
    struct html_message *head, *tail;
    uint32_t head_count;
    uint64_t tail_count;                    /* that ever were in the tail */
    struct tap_server_call slow[HTML_SLOW]; /* the slowest first */
    uint32_t slow_count;
    int64_t bucket_from, bucket_width;
    uint64_t buckets[HTML_BUCKETS][HTML_RATES];
    struct html_left_out left_out;
    struct tap_marks marks;
};

/* ---- Collecting */

/* Room for one more item in a growing array; false: no memory, which is noted. */
bool html_room(struct html *, void *array, uint32_t count, size_t size);
/* How a node's terms are printed. */
struct tap_print html_print(struct html *, uint32_t node);

/* A process's index; 0 stands for all those that are too many, or have no memory. Processes may
 * move in memory. */
uint32_t html_process_get(struct html *, const struct tap_pid *, uint32_t node);
/* A start, an exit, a spawn, a registration or a link. */
void html_process_event(struct html *, uint32_t process, const struct tap_batch *,
                        const struct tap_event *);
void html_processes_learn(struct html *, const struct tap_batch *, const struct tap_event *);
void html_processes_mailboxes(struct html *, const struct tap_batch *, const struct tap_event *);
void html_processes_free(struct html *);

bool html_stacks_init(struct html *); /* false: no memory */
/* The calls that are still open. */
void html_stacks_end(struct html *);

/* A send; or a receive, of which it gives when that was sent (0: unknown). */
int64_t html_message(struct html *, uint32_t process, const struct tap_batch *,
                     const struct tap_event *);
void html_messages_free(struct html *);
/* The process behind a receiver; one that was sent to by a name that nobody is known to have is
 * the name still. */
uint32_t html_receiver_process(const struct html *, uint32_t to);

bool html_servers_init(struct html *);
void html_servers_free(struct html *);

void html_timeline_count(struct html *, const struct tap_event *);
/* The node is there: where it had ended its pids are others. */
void html_timeline_up(struct html *, const struct tap_event *);
/* Lost events, a gap, or a node that went: what was open there may have ended unseen. */
void html_timeline_break(struct html *, const struct tap_event *);
/* Where a window begins or ends. */
void html_timeline_mark(struct html *, const struct tap_batch *, const struct tap_event *);
struct html_node *html_node_get(struct html *, uint32_t index); /* NULL: no memory */

void html_collect(struct html *, const struct tap_batch *, const struct tap_event *);

/* ---- Writing */

/* What the page has, and the numbers by which its parts speak of it; 0 in them: all others. */
struct html_chosen {
    uint32_t *function, *process, *receiver; /* by index */
    uint32_t *functions, *processes;         /* by number */
    uint32_t function_count, process_count, receiver_count;
    uint32_t *groups; /* a process of each group, by the group's number */
    uint32_t group_count;
    uint32_t *pairs; /* the busiest */
    uint32_t pair_count;
    uint32_t *counted, *counted_by; /* rows of a profile: of functions, of processes */
    uint32_t counted_count, counted_by_count;
};
bool html_choose(struct html *, struct html_chosen *); /* false: no memory */
void html_chosen_free(struct html_chosen *);
/* The number of a process, or of the name that was sent to. */
uint32_t html_chosen_end(const struct html *, const struct html_chosen *, uint32_t to);

/* Pieces of JSON. Text may be any bytes. */
void html_put(struct html *, const char *text);
void html_number(struct html *, int64_t);
void html_string(struct html *, const char *text, size_t len);
/* The same of what was written from `mark` (tap_writer_here) on, in its place. */
void html_quote(struct html *, size_t mark);
/* Numbers of an array: after the first one a comma stands in front. */
void html_row(struct html *, bool first, const int64_t *numbers, size_t count);
/* ,count,p50,p95,p99,max */
void html_spread(struct html *, const struct tap_histogram *);
/* A time after the first event; -1: unknown. */
int64_t html_since(const struct html *, int64_t ts);

void html_write_overview(struct html *);
void html_write_marks(struct html *, const struct html_chosen *);
void html_write_functions(struct html *, const struct html_chosen *);
void html_write_counted(struct html *, const struct html_chosen *);
void html_write_stacks(struct html *, const struct html_chosen *);
void html_write_processes(struct html *, const struct html_chosen *);
void html_write_messages(struct html *, const struct html_chosen *);
void html_write_servers(struct html *, const struct html_chosen *);
void html_page(struct html *);

#endif
