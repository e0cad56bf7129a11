/* dist_fake.h: a small host and real nodes, for the tests of the dist transport.
 *
 * The host keeps what a transport does to it: causes, states, frames. Each committed frame is
 * checked as the core would (magic, bounds, sequence numbers); arenas are malloc'ed at their exact
 * size, so that the address sanitizer sees a byte too far. The nodes run under a port of epmd of
 * their own and end with the test.
 */
#ifndef DIST_FAKE_H
#define DIST_FAKE_H

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#include "beamtap/transport.h"
#include "names/intern.h"
#include "term/print.h"
#include "unit.h"

#define FAKE_NODES 4

struct fake_node {
    char name[300];
    _Atomic(enum tap_node_state) state;
    bool final_here;
    struct tap_node_final final;
    uint64_t next_seq, events, lost, controls;
    atomic_ulong bytes;
};

struct fake {
    struct tap_host host; /* first */
    struct tap_plan plan;
    struct tap_run_info session;
    struct tap_intern *intern;
    struct fake_node nodes[FAKE_NODES];
    uint32_t count;
    char causes[4096]; /* one a line */
    atomic_int stopping;
    atomic_ulong seen;     /* events of all nodes */
    atomic_bool no_credit; /* may_grant says no */
    unsigned bad;          /* frames or calls that no transport may make */
    long arenas;           /* alive */
};

static inline struct fake *fake_of(const struct tap_host *h)
{
    return (struct fake *)(void *)(uintptr_t)h;
}
static void fake_log(const struct tap_host *h, enum tap_log_level level, const char *format, ...)
{
    va_list args;
    (void)h, (void)level;
    va_start(args, format);
    printf("# log: ");
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}
static enum tap_status fake_fail(const struct tap_host *h, enum tap_status status, const char *file,
                                 int line, const char *format, ...)
{
    struct fake *f = fake_of(h);
    size_t n = strlen(f->causes);
    va_list args;
    (void)file, (void)line;
    va_start(args, format);
    vsnprintf(f->causes + n, sizeof f->causes - n - 1, format, args);
    va_end(args);
    strcat(f->causes, "\n");
    printf("# cause: %s", f->causes + n);
    return status;
}
static enum tap_status fake_fail_at(const struct tap_host *h, const struct tap_text *where,
                                    size_t offset, const char *format, ...)
{
    struct fake *f = fake_of(h);
    size_t n = strlen(f->causes);
    va_list args;
    (void)where, (void)offset;
    va_start(args, format);
    vsnprintf(f->causes + n, sizeof f->causes - n - 1, format, args);
    va_end(args);
    return TAP_INVALID;
}
static size_t fake_term_print(const struct tap_host *h, char *dst, size_t cap, const uint8_t *term,
                              size_t len, const struct tap_print *how)
{
    return tap_term_print(tap_intern_names(fake_of(h)->intern), dst, cap, term, len, how);
}
static const char *fake_kind_name(unsigned kind)
{
    static const char *const names[] = {
        "function_call",   "function_return", "function_exception", "message_send",
        "message_receive", "process_spawn",   "process_start",      "process_exit",
        "process_link",    "process_unlink",  "process_register",   "process_unregister",
        "schedule_in",     "schedule_out",    "gc_start",           "gc_end"};
    return kind < sizeof names / sizeof names[0] ? names[kind] : "?";
}
static uint32_t fake_node_add(const struct tap_host *h, const char *name)
{
    struct fake *f = fake_of(h);
    if (f->count == FAKE_NODES)
        abort();
    snprintf(f->nodes[f->count].name, sizeof f->nodes[0].name, "%s", name);
    return f->count++;
}
static void fake_node_state(const struct tap_host *h, uint32_t node, enum tap_node_state state,
                            const struct tap_node_final *final)
{
    struct fake *f = fake_of(h);
    struct fake_node *n = &f->nodes[node];
    f->bad += n->state >= TAP_NODE_DONE && state != TAP_NODE_CONNECTING; /* ended twice */
    if (state == TAP_NODE_CONNECTING)
        n->next_seq = 0; /* a new life begins its numbers anew */
    n->state = state;
    n->final_here = final != NULL;
    if (final)
        n->final = *final;
}
static bool fake_node_rename(const struct tap_host *h, uint32_t node, const char *name)
{
    snprintf(fake_of(h)->nodes[node].name, sizeof fake_of(h)->nodes[0].name, "%s", name);
    return true;
}
static struct tap_arena *fake_reserve(const struct tap_host *h, size_t min)
{
    struct tap_arena *a = malloc(sizeof *a);
    *a = (struct tap_arena){sizeof *a, malloc(min), min};
    fake_of(h)->arenas++;
    return a;
}
static void fake_discard(const struct tap_host *h, struct tap_arena *a)
{
    free(a->data);
    free(a);
    fake_of(h)->arenas--;
}
static void fake_commit(const struct tap_host *h, struct tap_arena *a, uint32_t node,
                        const uint32_t *frames, size_t n)
{
    struct fake *f = fake_of(h);
    struct fake_node *to = &f->nodes[node];
    size_t end = 0;
    f->bad += n == 0 || to->state >= TAP_NODE_DONE;
    for (size_t i = 0; i < n; i++) {
        struct tap_frame frame;
        if (frames[i] < end || frames[i] + TAP_FRAME_HEADER > a->size ||
            !tap_frame_read(a->data + frames[i], &frame) ||
            frames[i] + TAP_FRAME_HEADER + frame.length > a->size) {
            f->bad++;
            break;
        }
        end = frames[i] + TAP_FRAME_HEADER + frame.length;
        to->bytes += TAP_FRAME_HEADER + frame.length;
        if (frame.flags & TAP_FRAME_OWN)
            continue;
        f->bad += frame.seq != to->next_seq + frame.lost;
        to->next_seq = frame.seq;
        to->lost += frame.lost;
        if (frame.flags & TAP_FRAME_CONTROL) {
            to->controls++;
        } else {
            to->next_seq += frame.count;
            to->events += frame.count;
            f->seen += frame.count;
        }
    }
    fake_discard(h, a);
}
static bool fake_may_grant(const struct tap_host *h)
{
    return !fake_of(h)->no_credit;
}
static int fake_wait(const struct tap_host *h, struct pollfd *fds, size_t n, int timeout)
{
    int ready = poll(fds, n, timeout < 0 || timeout > 50 ? 50 : timeout);
    (void)h;
    if (ready < 0)
        for (size_t i = 0; i < n; i++)
            fds[i].revents = 0;
    return ready;
}
static int fake_stopping(const struct tap_host *h)
{
    return fake_of(h)->stopping;
}

static size_t fake_unnamed(const struct tap_host *h, uint32_t node, struct tap_pid *pids,
                           size_t max)
{
    (void)h, (void)node, (void)pids, (void)max;
    return 0;
}
static bool fake_deep_stack(const struct tap_host *h, uint32_t node, struct tap_deep_stack *found)
{
    (void)h, (void)node, (void)found;
    return false;
}

static inline struct fake *fake_new(void)
{
    static const struct tap_transport_host transport = {.struct_size = sizeof transport,
                                                        .node_add = fake_node_add,
                                                        .node_state = fake_node_state,
                                                        .reserve = fake_reserve,
                                                        .commit = fake_commit,
                                                        .discard = fake_discard,
                                                        .may_grant = fake_may_grant,
                                                        .wait = fake_wait,
                                                        .stopping = fake_stopping,
                                                        .unnamed = fake_unnamed,
                                                        .deep_stack = fake_deep_stack,
                                                        .node_rename = fake_node_rename};
    static const struct tap_plan_function queue_new = {.struct_size = sizeof queue_new,
                                                       .module = "queue",
                                                       .function = "new",
                                                       .arity = 0,
                                                       .flags = TAP_PLAN_NAMED};
    static const struct tap_plan_function *const functions[] = {&queue_new};
    struct fake *f = calloc(1, sizeof *f);
    f->intern = tap_intern_new(0);
    f->plan = (struct tap_plan){.struct_size = sizeof f->plan,
                                .cookie_file = "/nonexistent/cookie",
                                .events = TAP_KIND_BIT(TAP_FUNCTION_CALL),
                                .functions = functions,
                                .function_count = 1,
                                .lease = INT64_C(4000000000),
                                .max_queue = 10000000,
                                .max_memory = 512 << 20,
                                .max_term = 64 << 10};
    f->session = (struct tap_run_info){
        .struct_size = sizeof f->session, .run = "0123456789abcdef", .version = "test"};
    f->host = (struct tap_host){.struct_size = sizeof f->host,
                                .names = tap_intern_names(f->intern),
                                .run_info = &f->session,
                                .log = fake_log,
                                .fail = fake_fail,
                                .fail_at = fake_fail_at,
                                .term_print = fake_term_print,
                                .kind_name = fake_kind_name,
                                .plan = &f->plan,
                                .transport = &transport};
    return f;
}
static inline void fake_free(struct fake *f)
{
    CU_ASSERT_EQUAL(f->bad, 0);
    CU_ASSERT_EQUAL(f->arenas, 0);
    tap_intern_free(f->intern);
    free(f);
}
static inline bool fake_said(const struct fake *f, const char *words)
{
    bool said = strstr(f->causes, words) != NULL;
    if (!said)
        printf("# not said: '%s' in: %s\n", words, f->causes);
    return said;
}

/* ---- Nodes */

struct erl {
    pid_t pid;
    FILE *to, *from;
    char name[100];
};
static struct erl erls[FAKE_NODES];
static int erl_count;
static int epmd_port_used;

/* One that nobody has, and below those that connections take by themselves (from 32768 on). */
static inline int free_port(unsigned from)
{
    for (;; from++) {
        int port = 20000 + (int)(from % 12000), s = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        bool is_free = s >= 0 && bind(s, (struct sockaddr *)&any, sizeof any) == 0;
        close(s);
        if (is_free)
            return port;
    }
}

static inline void epmd_choose(void)
{
    char text[16];
    if (epmd_port_used)
        return;
    epmd_port_used = free_port((unsigned)getpid() * 7919u + (unsigned)time(NULL));
    snprintf(text, sizeof text, "%d", epmd_port_used);
    setenv("ERL_EPMD_PORT", text, 1);
    setenv("BEAMTAP_COOKIE", "dist_test", 1);
    setenv("ERL_CRASH_DUMP", "/dev/null", 1);
    setenv("HOME", "/tmp", 0);
}
static inline void erl_end(struct erl *e)
{
    if (e->pid > 0) {
        kill(e->pid, SIGKILL);
        waitpid(e->pid, NULL, 0);
        fclose(e->to);
        fclose(e->from);
    }
    e->pid = 0;
}
static inline void erl_end_all(void)
{
    char line[200];
    for (int i = 0; i < erl_count; i++)
        erl_end(&erls[i]);
    erl_count = 0;
    snprintf(line, sizeof line,
             "for i in 1 2 3 4 5 6 7 8 9; do epmd -port %d -kill 2>/dev/null | grep -q Killed && "
             "break; sleep 0.1; done",
             epmd_port_used);
    if (epmd_port_used && system(line) != 0)
        printf("# epmd at %d was not there to end\n", epmd_port_used);
}
/* A node that evaluates each line it reads. `host`: localhost (short names) or an address (long
 * ones). */
static inline struct erl *erl_start(const char *host, const char *kernel_option, const char *value)
{
    static const char loop[] = "F = fun L() -> case io:get_line([]) of eof -> halt(); Line -> {ok, "
                               "T, _} = erl_scan:string(Line), {ok, E} = erl_parse:parse_exprs(T), "
                               "{value, V, _} = erl_eval:exprs(E, []), io:format(\"= ~0tp~n\", "
                               "[V]), L() end end, io:format(\"ready~n\"), F().";
    struct erl *e = &erls[erl_count++];
    int in[2], out[2];
    char first[100] = "";
    epmd_choose();
    snprintf(e->name, sizeof e->name, "dist%d_%d@%s", (int)getpid(), erl_count, host);
    if (pipe(in) < 0 || pipe(out) < 0)
        abort();
    e->pid = fork();
    if (e->pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[0]), close(in[1]), close(out[0]), close(out[1]);
        execlp("erl", "erl", "-noshell", strchr(host, '.') ? "-name" : "-sname", e->name,
               "-setcookie", "dist_test", "-kernel", kernel_option ? kernel_option : "net_ticktime",
               value ? value : "60", "-eval", loop, (char *)NULL);
        _exit(127);
    }
    close(in[0]), close(out[1]);
    e->to = fdopen(in[1], "w");
    e->from = fdopen(out[0], "r");
    if (!fgets(first, sizeof first, e->from) || strcmp(first, "ready\n") != 0)
        abort();
    return e;
}
/* The value of an expression, printed; valid until the next question. */
static inline const char *erl_ask(struct erl *e, const char *expression)
{
    static _Thread_local char answer[4096];
    fprintf(e->to, "%s\n", expression);
    fflush(e->to);
    do
        if (!fgets(answer, sizeof answer, e->from))
            return "(gone)";
    while (strncmp(answer, "= ", 2) != 0); /* not the node's own reports */
    answer[strcspn(answer, "\n")] = 0;
    return answer + 2;
}

#endif
