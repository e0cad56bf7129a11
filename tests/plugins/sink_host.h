/* sink_host.h: a host for one sink, as its tests need it: the built plugin is loaded, its options
 * are filled by the core's own code, terms and names are the core's, and everything the sink tells
 * is written down.
 *
 * A batch is made with the sb_ functions; erl_terms asks a real node for encoded terms and for what
 * it prints.
 */
#ifndef SINK_HOST_H
#define SINK_HOST_H

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "beamtap/sink.h"
#include "beamtap/term_write.h"
#include "base/error.h"
#include "names/intern.h"
#include "config/options.h"
#include "term/print.h"
#include "unit.h"

#ifndef TAP_BUILD
#define TAP_BUILD "."
#endif

#define T0 1700000000000000000 /* when the session began */

static struct tap_intern *sink_names;
static struct tap_run_info sink_session = {.struct_size = sizeof(struct tap_run_info),
                                           .run = "0123456789abcdef",
                                           .version = "0",
                                           .started = T0,
                                           .config = "",
                                           .events = 0xffff};
static struct tap_node sink_nodes[2];
static uint64_t sink_written, sink_bytes;
static int sink_failures;
static char sink_failure[1024];

/* ---- The host table */

static void host_log(const struct tap_host *h, enum tap_log_level level, const char *format, ...)
{
    (void)h, (void)level, (void)format;
}
static enum tap_status host_fail(const struct tap_host *h, enum tap_status status, const char *file,
                                 int line, const char *format, ...)
{
    (void)h, (void)file, (void)line;
    va_list args;
    va_start(args, format);
    vsnprintf(sink_failure, sizeof sink_failure, format, args);
    va_end(args);
    sink_failures++;
    return status;
}
static enum tap_status host_fail_at(const struct tap_host *h, const struct tap_text *where,
                                    size_t offset, const char *format, ...)
{
    (void)h, (void)where, (void)offset;
    va_list args;
    va_start(args, format);
    vsnprintf(sink_failure, sizeof sink_failure, format, args);
    va_end(args);
    sink_failures++;
    return TAP_INVALID;
}
static size_t host_term(const struct tap_host *h, char *dst, size_t cap, const uint8_t *term,
                        size_t len, const struct tap_print *p)
{
    return tap_term_print(h->names, dst, cap, term, len, p);
}
static size_t host_arguments(const struct tap_host *h, char *dst, size_t cap, const uint8_t *list,
                             size_t len, const char *separator, const struct tap_print *p)
{
    return tap_arguments_print(h->names, dst, cap, list, len, separator, p);
}
static size_t host_pid(const struct tap_host *h, char *dst, size_t cap, const struct tap_pid *pid,
                       const struct tap_print *p)
{
    return tap_pid_print(h->names, dst, cap, pid, p);
}
static size_t host_peer(const struct tap_host *h, char *dst, size_t cap, const struct tap_batch *b,
                        const struct tap_event *e, const struct tap_print *p)
{
    return tap_peer_print(h->names, dst, cap, b, e, p);
}
static const char *host_kind(unsigned kind)
{
    static const char *const names[] = {"function_call",
                                        "function_return",
                                        "function_exception",
                                        "message_send",
                                        "message_receive",
                                        "process_spawn",
                                        "process_start",
                                        "process_exit",
                                        "process_link",
                                        "process_unlink",
                                        "process_register",
                                        "process_unregister",
                                        "schedule_in",
                                        "schedule_out",
                                        "gc_start",
                                        "gc_end",
                                        [TAP_LOST] = "lost",
                                        "gap",
                                        "node_up",
                                        "node_down",
                                        "clock",
                                        "process_info",
                                        "plan",
                                        "mailbox",
                                        "returns_off",
                                        "mark"};
    return kind < TAP_KIND_COUNT && names[kind] ? names[kind] : "?";
}
static const char *host_reason(unsigned reason)
{
    return reason == TAP_REASON_QUEUE ? "queue" : reason == TAP_REASON_RATE ? "rate" : "other";
}
static const char *host_reason_key(unsigned reason)
{
    return reason == TAP_REASON_QUEUE ? "max_queue" : reason == TAP_REASON_RATE ? "max_rate" : NULL;
}
static const struct tap_node *host_node(const struct tap_host *h, uint32_t index)
{
    (void)h;
    return index < 2 ? &sink_nodes[index] : NULL;
}
static uint32_t host_intern(const struct tap_host *h, const char *text, size_t len)
{
    (void)h;
    return tap_intern_name(sink_names, text, len);
}
static void host_count(const struct tap_host *h, const char *name, int64_t n)
{
    (void)h, (void)name, (void)n;
}
static void host_written(const struct tap_host *h, uint64_t events, uint64_t bytes)
{
    (void)h;
    sink_written += events;
    sink_bytes += bytes;
}
static const struct tap_sink_host sink_functions = {.struct_size = sizeof sink_functions,
                                                    .written = host_written};
static const struct tap_plan sink_plan = {.struct_size = sizeof sink_plan}; /* names nothing */
static struct tap_host sink_host = {.struct_size = sizeof(struct tap_host),
                                    .run_info = &sink_session,
                                    .log = host_log,
                                    .fail = host_fail,
                                    .fail_at = host_fail_at,
                                    .intern = host_intern,
                                    .term_print = host_term,
                                    .pid_print = host_pid,
                                    .peer_print = host_peer,
                                    .kind_name = host_kind,
                                    .reason_name = host_reason,
                                    .reason_key = host_reason_key,
                                    .node = host_node,
                                    .count = host_count,
                                    .sink = &sink_functions,
                                    .plan = &sink_plan,
                                    .arguments_print = host_arguments};

static uint32_t name(const char *text)
{
    return text ? tap_intern_name(sink_names, text, strlen(text)) : 0;
}

static void sink_host_init(void)
{
    sink_names = tap_intern_new(0);
    sink_host.names = tap_intern_names(sink_names);
    const char *const nodes[] = {"shop@web1", "a,\"b\"@web2"};
    for (uint32_t i = 0; i < 2; i++)
        sink_nodes[i] =
            (struct tap_node){sizeof(struct tap_node), i, name(nodes[i]), nodes[i], "25", false};
}

/* ---- The sink */

struct sink {
    const struct tap_plugin *plugin;
    const struct tap_sink_ops *ops;
    struct tap_mempool *pool;
    void *self;
};

/* Creates a sink with these settings (key, value, ..., NULL). */
static enum tap_status sink_create(struct sink *s, const char *which, ...)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, TAP_BUILD "/plugins/beamtap_sink_%s.so", which);
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    tap_plugin_entry entry = NULL;
    if (so)
        *(void **)&entry = dlsym(so, TAP_PLUGIN_SYMBOL);
    if (!entry) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    if (!sink_names)
        sink_host_init();
    struct tap_setting set[16];
    bool used[16] = {false};
    size_t n = 0;
    va_list args;
    va_start(args, which);
    for (const char *key; (key = va_arg(args, const char *)) != NULL; n++)
        set[n] = (struct tap_setting){
            .key = key, .key_where = {.text = key}, .value = {.text = va_arg(args, const char *)}};
    va_end(args);
    s->plugin = entry();
    s->ops = s->plugin->ops;
    s->pool = tap_mempool_new();
    struct tap_error *err = tap_error_new();
    void *settings = tap_mempool_alloc(s->pool, s->plugin->settings_size);
    struct tap_text where = {"", NULL, 0, 0};
    enum tap_status status = tap_options_fill(s->plugin->options, s->plugin->option_count, set, n,
                                              used, settings, s->pool, which, &where, err);
    tap_error_print(err, stderr);
    tap_error_free(err);
    if (status == TAP_OK)
        status = s->ops->create(&sink_host, settings, &s->self);
    if (status != TAP_OK)
        tap_mempool_free(s->pool);
    return status;
}
static void sink_destroy(struct sink *s)
{
    s->ops->destroy(s->self);
    tap_mempool_free(s->pool);
}
static enum tap_status sink_stop(struct sink *s)
{
    enum tap_status status = s->ops->stop(s->self);
    sink_destroy(s);
    return status;
}

/* ---- Batches */

struct sb {
    struct tap_buf arena;
    struct tap_event events[4096];
    uint32_t select[4096];
    uint32_t n;
};

static struct tap_pid sb_pid(uint32_t id)
{
    return (struct tap_pid){sink_nodes[0].name_id, id, 0, 7};
}
/* A new event of process <0.100.0> on the first node, a microsecond after the last one. */
static struct tap_event *sb_event(struct sb *b, enum tap_kind kind)
{
    struct tap_event *e = &b->events[b->n];
    memset(e, 0, sizeof *e);
    e->kind = (uint8_t)kind;
    e->ts = T0 + 1000 * (int64_t)(b->n + 1);
    e->seq = b->n;
    e->arity = -1;
    if (kind <= TAP_KIND_USER_LAST)
        e->pid = sb_pid(100);
    b->select[b->n] = b->n;
    b->n++;
    return e;
}
static inline void sb_function(struct tap_event *e, const char *m, const char *f, int arity)
{
    e->module = name(m);
    e->function = name(f);
    e->arity = arity;
}
/* The span of what is written to b->arena from here on: sb_from, writes, sb_span. */
static uint32_t sb_from(struct sb *b)
{
    return (uint32_t)b->arena.len;
}
static struct tap_span sb_span(struct sb *b, uint32_t from)
{
    return (struct tap_span){from, (uint32_t)b->arena.len - from};
}
static inline struct tap_span sb_bytes(struct sb *b, const void *bytes, size_t len)
{
    uint32_t from = sb_from(b);
    tap_buf_put(&b->arena, bytes, len);
    return sb_span(b, from);
}
static inline struct tap_span sb_atom(struct sb *b, const char *text)
{
    uint32_t from = sb_from(b);
    tap_write_atom(&b->arena, text);
    return sb_span(b, from);
}
/* [1, apple] */
static inline struct tap_span sb_arguments(struct sb *b, int64_t number, const char *atom)
{
    uint32_t from = sb_from(b);
    tap_write_list(&b->arena, 2);
    tap_write_i64(&b->arena, number);
    tap_write_atom(&b->arena, atom);
    tap_write_nil(&b->arena);
    return sb_span(b, from);
}
static enum tap_status sink_consume(struct sink *s, struct sb *b)
{
    struct tap_batch batch = {sizeof batch, sizeof(struct tap_event),
                              b->n,         (uint32_t)b->arena.len,
                              b->events,    b->arena.data};
    return s->ops->consume(s->self, &batch, b->select, b->n);
}
static inline void sb_free(struct sb *b)
{
    tap_buf_free(&b->arena);
    free(b);
}

/* ---- Files and programs */

static char temp_folder[64];

static void temp_remove(void)
{
    char command[80];
    snprintf(command, sizeof command, "rm -rf %s", temp_folder);
    if (system(command) != 0)
        fprintf(stderr, "%s is left\n", temp_folder);
}
/* A path in a folder of this test's own, which goes when the test's process ends. */
static const char *temp_path(const char *file)
{
    static char path[128];
    if (!temp_folder[0]) {
        strcpy(temp_folder, "/tmp/beamtap-sink-XXXXXX");
        if (!mkdtemp(temp_folder))
            exit(2);
        atexit(temp_remove);
    }
    snprintf(path, sizeof path, "%s/%s", temp_folder, file);
    return path;
}
/* The whole of a file or of a command's output, NUL-terminated; the caller frees it. */
static inline char *slurp(FILE *f, size_t *len)
{
    struct tap_buf b = {0};
    char chunk[65536];
    for (size_t n; f && (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        tap_buf_put(&b, chunk, n);
    tap_buf_put(&b, "", 1);
    if (len)
        *len = b.len - 1;
    return (char *)b.data;
}
static inline char *read_path(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = slurp(f, NULL);
    if (f)
        fclose(f);
    return text;
}
/* Standard output of a shell command; *code gets its exit code. */
static char *run_command(const char *command, int *code)
{
    FILE *f = popen(command, "r");
    char *text = slurp(f, NULL);
    int status = f ? pclose(f) : -1;
    if (code)
        *code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return text;
}
static inline bool have(const char *program)
{
    char command[256];
    int code;
    snprintf(command, sizeof command, "command -v %s", program);
    free(run_command(command, &code));
    return code == 0;
}

/* Terms that are hard on escaping, from a real node: for each the encoded term and what ~0tp
 * prints. */
struct erl_term {
    uint8_t *term;
    size_t len;
    char *text;
};
#define ERL_NASTY                                                                                  \
    "[comma, 'a,b', 'quo\"te', 'new\\nline', 'cr\\rlf', 'esc\\ex', \"str, \\\"q\\\" \\n\", "       \
    "<<\"bin,\\\"\\n\">>, "                                                                        \
    "<<255,254,10,44>>, <<195>>, <<\"caf\\x{e9}\"/utf8>>, {a,[b|c],#{k=>\"v\"}}, {'=x'}, '=1+1', " \
    "'@x', "                                                                                       \
    "'+', '-', "                                                                                   \
    "'\\x{1}\\x{7f}\\x{9b}', '\\\\', [\"a,b\",<<\",\">>], {error,{badarg,[{m,f,1,[]}]}}, "         \
    "lists:duplicate(50000,$\")]"

static int hex_nibble(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}
static size_t hex_decode(char *s)
{
    size_t n = strlen(s) / 2;
    for (size_t i = 0; i < n; i++)
        s[i] = (char)(hex_nibble(s[2 * i]) << 4 | hex_nibble(s[2 * i + 1]));
    s[n] = 0;
    return n;
}
/* Fills up to `cap`; the memory lives until the test ends. */
static inline size_t erl_terms(const char *list, struct erl_term *terms, size_t cap)
{
    static const char program[] =
        "erl -noshell -boot no_dot_erlang -eval 'H = fun(B) -> [io_lib:format(\"~2.16.0b\", [X]) "
        "|| <<X>> <= B] end,[io:put_chars([H(term_to_binary(T)), 32, "
        "H(unicode:characters_to_binary(io_lib:format(\"~0tp\", [T]))), 10]) || T <- L], halt().'";
    char *expr = malloc(sizeof program + 256);
    const char *at = strstr(program, "H = fun");
    /* The list goes through a file: no shell looks at its quotes. */
    const char *path = temp_path("terms.erl");
    FILE *f = fopen(path, "w");
    fprintf(f, "%s.\n", list);
    fclose(f);
    sprintf(expr, "%.*s{ok, L} = file:script(\"%s\"), %s", (int)(at - program), program, path, at);
    char *out = run_command(expr, NULL), *save = NULL;
    free(expr);
    size_t n = 0;
    for (char *line = strtok_r(out, "\n", &save); line && n < cap;
         line = strtok_r(NULL, "\n", &save), n++) {
        char *space = strchr(line, ' ');
        *space = 0;
        terms[n].text = space + 1;
        hex_decode(terms[n].text);
        terms[n].len = hex_decode(line) - 1; /* without the version byte */
        terms[n].term = (uint8_t *)line + 1;
    }
    return n;
}

#endif
