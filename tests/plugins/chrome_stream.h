/* chrome_stream.h: feeds the chrome sink a stream made by hand, and judges what it wrote.
 *
 * The sink is the real plugin, loaded as the core loads it; the host around it has the real names
 * and printers. A stream ends in chrome_close (chrome_check.h). With KEEP_TRACES in the environment
 * the files stay, to be opened in a viewer.
 */
#ifndef CHROME_STREAM_H
#define CHROME_STREAM_H

#include <cjson/cJSON.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "unit.h"
#include "beamtap/sink.h"
#include "beamtap/term_write.h"
#include "names/intern.h"
#include "term/print.h"

#define CHROME_STARTED 1700000000000000000ll

struct
    /* as the plugin's options describe it: filled through the option table, see chrome_set */
    chrome_settings {
    char bytes[256];
};

struct chrome_stream {
    struct tap_host host; /* first: the functions below find the stream by it */
    struct tap_run_info session;
    struct tap_intern *intern;
    struct tap_node nodes[2];
    const struct tap_plugin *plugin;
    const struct tap_sink_ops *ops;
    struct chrome_settings settings;
    void *self;
    char path[64];
    struct tap_event events[4096];
    uint32_t count;
    struct tap_buf arena;
    uint64_t fed, written, failures;
    int64_t shown[16]; /* figures by name, see chrome_figure */
    const char *shown_names[16];
};

/* ---- The host */

static void chrome_log(const struct tap_host *h, enum tap_log_level level, const char *format, ...)
{
    (void)h, (void)level, (void)format;
}
static enum tap_status chrome_fail(const struct tap_host *h, enum tap_status status,
                                   const char *file, int line, const char *format, ...)
{
    (void)file, (void)line, (void)format;
    ((struct chrome_stream *)(uintptr_t)h)->failures++;
    return status;
}
static uint32_t chrome_intern(const struct tap_host *h, const char *text, size_t len)
{
    return tap_intern_name(((const struct chrome_stream *)(const void *)h)->intern, text, len);
}
static size_t chrome_term(const struct tap_host *h, char *dst, size_t cap, const uint8_t *term,
                          size_t len, const struct tap_print *print)
{
    return tap_term_print(h->names, dst, cap, term, len, print);
}
static size_t chrome_arguments(const struct tap_host *h, char *dst, size_t cap, const uint8_t *list,
                               size_t len, const char *separator, const struct tap_print *print)
{
    return tap_arguments_print(h->names, dst, cap, list, len, separator, print);
}
static size_t chrome_pid(const struct tap_host *h, char *dst, size_t cap, const struct tap_pid *pid,
                         const struct tap_print *print)
{
    return tap_pid_print(h->names, dst, cap, pid, print);
}
static size_t chrome_peer(const struct tap_host *h, char *dst, size_t cap,
                          const struct tap_batch *batch, const struct tap_event *ev,
                          const struct tap_print *print)
{
    return tap_peer_print(h->names, dst, cap, batch, ev, print);
}
static const char *chrome_reason(unsigned reason)
{
    return reason ? "queue" : "none";
}
static const struct tap_node *chrome_node(const struct tap_host *h, uint32_t index)
{
    return index < 2 ? &((const struct chrome_stream *)(const void *)h)->nodes[index] : NULL;
}
static void chrome_count(const struct tap_host *h, const char *name, int64_t n)
{
    struct chrome_stream *s = (struct chrome_stream *)(uintptr_t)h;
    for (int i = 0; i < 16; i++)
        if (!s->shown_names[i] || strcmp(s->shown_names[i], name) == 0) {
            s->shown_names[i] = name;
            s->shown[i] += n;
            return;
        }
}
static void chrome_written(const struct tap_host *h, uint64_t events, uint64_t bytes)
{
    (void)bytes;
    ((struct chrome_stream *)(uintptr_t)h)->written += events;
}
static inline int64_t chrome_figure(const struct chrome_stream *s, const char *name)
{
    for (int i = 0; i < 16; i++)
        if (s->shown_names[i] && strcmp(s->shown_names[i], name) == 0)
            return s->shown[i];
    return 0;
}

/* ---- A stream */

static inline uint32_t chrome_name(struct chrome_stream *s, const char *text)
{
    return tap_intern_name(s->intern, text, strlen(text));
}

static void chrome_set(struct chrome_stream *s, const char *name, const void *value, size_t size)
{
    for (size_t i = 0; i < s->plugin->option_count; i++)
        if (strcmp(s->plugin->options[i].name, name) == 0)
            memcpy(s->settings.bytes + s->plugin->options[i].offset, value, size);
}

/* The sink, created and started, writing to `path` (NULL: a file of its own). NULL when it
 * refused. */
static int64_t chrome_processes = 1000000; /* option max_processes */

static struct chrome_stream *chrome_open(uint32_t events, const char *path)
{
    static const struct tap_sink_host functions = {.struct_size = sizeof functions,
                                                   .written = chrome_written};
    static const struct tap_plan plan = {.struct_size = sizeof plan}; /* names nothing */
    struct chrome_stream *s = calloc(1, sizeof *s);
    void *lib = dlopen(TAP_BUILD "/plugins/beamtap_sink_chrome.so", RTLD_NOW | RTLD_LOCAL);
    tap_plugin_entry entry = NULL;
    if (lib)
        *(void **)&entry = dlsym(lib, TAP_PLUGIN_SYMBOL);
    if (!entry) {
        CU_FAIL("the plugin does not load");
        exit(1);
    }
    s->plugin = entry();
    s->ops = s->plugin->ops;
    s->intern = tap_intern_new(0);
    s->session = (struct tap_run_info){.struct_size = sizeof s->session,
                                       .run = "0123456789abcdef",
                                       .version = "test",
                                       .started = CHROME_STARTED,
                                       .config = "[session]\nnodes = \"a\\b\"\n\x01\xff",
                                       .events = events};
    s->host = (struct tap_host){.struct_size = sizeof s->host,
                                .names = tap_intern_names(s->intern),
                                .run_info = &s->session,
                                .log = chrome_log,
                                .fail = chrome_fail,
                                .intern = chrome_intern,
                                .term_print = chrome_term,
                                .pid_print = chrome_pid,
                                .peer_print = chrome_peer,
                                .reason_name = chrome_reason,
                                .node = chrome_node,
                                .count = chrome_count,
                                .sink = &functions,
                                .plan = &plan,
                                .arguments_print = chrome_arguments};
    for (uint32_t i = 0; i < 2; i++)
        s->nodes[i] = (struct tap_node){.struct_size = sizeof s->nodes[i],
                                        .index = i,
                                        .name_id = chrome_name(s, i ? "shop@web2" : "shop@web1"),
                                        .name = i ? "shop@web2" : "shop@web1",
                                        .release = "25"};
    snprintf(s->path, sizeof s->path, "/tmp/test_sink_chrome.%d.json", (int)getpid());
    const char *where = path ? path : s->path;
    bool args = true;
    int64_t limit = 4096;
    chrome_set(s, "path", &where, sizeof where);
    chrome_set(s, "args", &args, sizeof args);
    chrome_set(s, "limit", &limit, sizeof limit);
    chrome_set(s, "max_processes", &chrome_processes, sizeof chrome_processes);
    CU_ASSERT_EQUAL(s->ops->create(&s->host, &s->settings, &s->self), TAP_OK);
    CU_ASSERT_EQUAL(s->ops->start(s->self), TAP_OK);
    return s;
}

/* Hands over what was gathered. */
static enum tap_status chrome_feed(struct chrome_stream *s)
{
    static uint32_t select[4096];
    for (uint32_t i = 0; i < s->count; i++)
        select[i] = i;
    struct tap_batch batch = {sizeof batch,           sizeof s->events[0], s->count,
                              (uint32_t)s->arena.len, s->events,           s->arena.data};
    enum tap_status status = s->ops->consume(s->self, &batch, select, s->count);
    s->count = 0;
    s->arena.len = 0;
    return status;
}

/* The next event, of process <0.id.0> of node `node`, `ts` ns after the start of the session. */
static struct tap_event *chrome_event(struct chrome_stream *s, unsigned kind, int64_t ts,
                                      uint32_t node, uint32_t id)
{
    if (s->count == 4096)
        chrome_feed(s);
    struct tap_event *ev = &s->events[s->count++];
    *ev = (struct tap_event){.ts = CHROME_STARTED + ts,
                             .node = node,
                             .kind = (uint8_t)kind,
                             .arity = -1,
                             .pid = {s->nodes[node].name_id, id, 0, 1}};
    s->fed += kind <= TAP_KIND_USER_LAST;
    return ev;
}

/* A payload: write the term between these two. */
static inline void chrome_begin(struct chrome_stream *s, struct tap_event *ev)
{
    ev->payload.off = (uint32_t)s->arena.len;
}
static inline void chrome_end(struct chrome_stream *s, struct tap_event *ev)
{
    ev->payload.len = (uint32_t)s->arena.len - ev->payload.off;
}
static inline void chrome_int(struct chrome_stream *s, struct tap_event *ev, int64_t v)
{
    chrome_begin(s, ev);
    tap_write_i64(&s->arena, v);
    chrome_end(s, ev);
}
static inline void chrome_atom(struct chrome_stream *s, struct tap_event *ev, const char *text)
{
    chrome_begin(s, ev);
    tap_write_atom(&s->arena, text);
    chrome_end(s, ev);
}

/* A call, return or exception of m:f/arity. A call's arguments are the numbers 1000, 1001, ...; a
 * result is ok, an exception {error,badarg}. */
static struct tap_event *chrome_fun(struct chrome_stream *s, unsigned kind, int64_t ts, uint32_t id,
                                    const char *m, const char *f, int arity)
{
    struct tap_event *ev = chrome_event(s, kind, ts, 0, id);
    ev->module = chrome_name(s, m);
    ev->function = chrome_name(s, f);
    ev->arity = arity;
    chrome_begin(s, ev);
    if (kind == TAP_FUNCTION_RETURN) {
        tap_write_atom(&s->arena, "ok");
    } else if (kind == TAP_FUNCTION_EXCEPTION) {
        tap_write_tuple(&s->arena, 2);
        tap_write_atom(&s->arena, "error");
        tap_write_atom(&s->arena, "badarg");
    } else {
        if (arity)
            tap_write_list(&s->arena, (uint32_t)arity);
        for (int i = 0; i < arity; i++)
            tap_write_i64(&s->arena, 1000 + i);
        tap_write_nil(&s->arena);
    }
    chrome_end(s, ev);
    return ev;
}
#define CALL(s, ts, id, f, arity) chrome_fun(s, TAP_FUNCTION_CALL, ts, id, "shop", f, arity)
#define RETURN(s, ts, id, f, arity) chrome_fun(s, TAP_FUNCTION_RETURN, ts, id, "shop", f, arity)
#define THROW(s, ts, id, f, arity) chrome_fun(s, TAP_FUNCTION_EXCEPTION, ts, id, "shop", f, arity)

static char *chrome_read(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)ftell(f);
    rewind(f);
    char *text = malloc(n + 1);
    text[fread(text, 1, n, f)] = 0;
    fclose(f);
    return text;
}

/* The file as it is now, parsed to its last byte. */
static cJSON *chrome_parse(const char *path)
{
    char *text = chrome_read(path);
    const char *end = NULL;
    cJSON *root = text ? cJSON_ParseWithOpts(text, &end, 1) : NULL;
    if (!root)
        CU_FAIL("the file is no JSON");
    free(text);
    return root;
}

static void chrome_free(struct chrome_stream *s)
{
    s->ops->destroy(s->self);
    tap_buf_free(&s->arena);
    tap_intern_free(s->intern);
    if (!getenv("KEEP_TRACES"))
        unlink(s->path);
    free(s);
}

#endif
