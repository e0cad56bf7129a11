/* plugin.c: the sink "chrome": a timeline for chrome://tracing and Perfetto, as Trace Event JSON.
 *
 * A file gets the object form, and the footer that makes it valid JSON behind every write; at the
 * end otherData takes its place, with what is only known then. A pipe gets the array form, for what
 * is written cannot be taken back. What the events become is in the other files; this one reads the
 * options, dispatches, and reports.
 */
#include "sinks/chrome/timeline.h"
#include "sinks/common/node_labels.h"

static const struct tap_option tap_chrome_options[] = {
    {"path", TAP_OPT_PATH, NULL, 0, 0, NULL,
     "the file to write (mode 0600: traces hold secrets), packed when its name ends in .gz; - is "
     "standard output",
     offsetof(struct tap_chrome_settings, path), TAP_OPT_REQUIRED},
    {"args", TAP_OPT_BOOL, "true", 0, 0, NULL, "print arguments, results, messages and reasons",
     offsetof(struct tap_chrome_settings, args), 0},
    {"limit", TAP_OPT_SIZE, "4k", 0, 1 << 20, NULL,
     "cut printed terms after about so many bytes; 0: never",
     offsetof(struct tap_chrome_settings, limit), TAP_OPT_BYTES},
    {"rotate_size", TAP_OPT_SIZE, "0", 0, 0, NULL,
     "go on in another file (trace.2.json, trace.3.json, ...) when one has so many bytes; 0: "
     "never. Viewers are slow above 100M",
     offsetof(struct tap_chrome_settings, rotate_size), TAP_OPT_BYTES},
    {"rotate_time", TAP_OPT_DURATION, "0", 0, 0, NULL,
     "the same when one holds so long a time; 0: never",
     offsetof(struct tap_chrome_settings, rotate_time), 0},
    {"max_processes", TAP_OPT_INT, "1000000", 100, 10000000, NULL,
     "processes remembered at once; one more takes the place of one that was not heard of for "
     "long, whose open slices end there",
     offsetof(struct tap_chrome_settings, max_processes), 0},
    {"syntax", TAP_OPT_CHOICE, "erlang", 0, 0, tap_print_syntaxes, "how terms are printed",
     offsetof(struct tap_chrome_settings, syntax), 0},
};

static enum tap_status chrome_create(const struct tap_host *host, const void *settings, void **self)
{
    struct tap_chrome *c = calloc(1, sizeof *c);
    if (!c)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    c->host = host;
    c->settings = settings;
    enum tap_status status = tap_rotate_check(c);
    if (status == TAP_OK)
        status = tap_writer_claim(&c->w, host, c->settings->path);
    if (status != TAP_OK) {
        free(c);
        return status;
    }
    *self = c;
    return TAP_OK;
}

static enum tap_status chrome_start(void *self)
{
    struct tap_chrome *c = self;
    c->started = c->host->run_info->started;
    c->returns = c->host->run_info->events & TAP_KIND_BIT(TAP_FUNCTION_RETURN);
    c->next_tid = TAP_CHROME_FIRST_TID;
    c->flows = calloc(TAP_CHROME_FLOWS, sizeof *c->flows);
    if (!c->flows || !tap_gen_start(c) || !tap_labels_start(c) ||
        !tap_tracks_start(&c->tracks, (uint32_t)c->settings->max_processes))
        return TAP_FAIL(c->host, TAP_ERROR, "out of memory");
    if (tap_writer_open(&c->w) != TAP_OK)
        return TAP_ERROR;
    return tap_rotate_begin(c);
}

/* Everything but calls and returns: seldom enough for a table. */
static void chrome_other(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    static void (*const act[TAP_KIND_COUNT])(struct tap_chrome *, const struct tap_chrome_in *) = {
        [TAP_MESSAGE_SEND] = tap_messages_send,
        [TAP_MESSAGE_RECEIVE] = tap_messages_receive,
        [TAP_PROCESS_SPAWN] = tap_process_spawn,
        [TAP_PROCESS_START] = tap_process_start,
        [TAP_PROCESS_EXIT] = tap_process_exit,
        [TAP_PROCESS_LINK] = tap_process_link,
        [TAP_PROCESS_UNLINK] = tap_process_link,
        [TAP_PROCESS_REGISTER] = tap_process_register,
        [TAP_PROCESS_UNREGISTER] = tap_process_register,
        [TAP_SCHEDULE_IN] = tap_schedule_in,
        [TAP_SCHEDULE_OUT] = tap_schedule_out,
        [TAP_GC_START] = tap_schedule_gc_start,
        [TAP_GC_END] = tap_schedule_gc_end,
        [TAP_FUNCTION_COUNTERS] = tap_nodes_counted,
        [TAP_LOST] = tap_nodes_lost,
        [TAP_GAP] = tap_nodes_gap,
        [TAP_NODE_UP] = tap_nodes_up,
        [TAP_NODE_DOWN] = tap_nodes_down,
        [TAP_CLOCK] = tap_nodes_clock,
        [TAP_PROCESS_INFO] = tap_process_info_names,
        [TAP_MAILBOX] = tap_process_info_mailboxes,
        [TAP_RETURNS_OFF] = tap_nodes_returns_off,
        [TAP_MARK] = tap_nodes_mark,
    };
    if (in->ev->kind < TAP_KIND_COUNT && act[in->ev->kind])
        act[in->ev->kind](c, in);
    else if (!tap_kind_is_control(in->ev->kind)) /* of a later version: left out on purpose */
        tap_writer_end(&c->w, 1);
}

static enum tap_status chrome_status(struct tap_chrome *c)
{
    if (c->no_memory)
        return TAP_FAIL(c->host, TAP_ERROR, "out of memory");
    return tap_writer_status(&c->w);
}

/* What the events after this one will look for in tables that are larger than the processor's
 * caches. */
static void chrome_fetch(const struct tap_chrome *c, const struct tap_batch *batch,
                         const uint32_t *select, size_t left)
{
    enum { SOON = 4, LATER = 8 };
    if (left <= LATER)
        return;
    const struct tap_event *soon = tap_batch_event(batch, select[SOON]),
                           *later = tap_batch_event(batch, select[LATER]);
    if (c->tracks.count > TAP_CHROME_MANY)
        tap_tracks_fetch(&c->tracks, &soon->pid, &later->pid);
    if (c->labels.count > TAP_CHROME_MANY)
        tap_labels_fetch(&c->labels, soon, later);
}

static enum tap_status chrome_consume(void *self, const struct tap_batch *batch,
                                      const uint32_t *select, size_t n)
{
    struct tap_chrome *c = self;
    struct tap_chrome_in in = {.batch = batch};
    bool rotates = c->settings->rotate_size || c->settings->rotate_time;
    for (size_t i = 0; i < n; i++) {
        if (__builtin_expect(rotates, 0) && tap_rotate_next(c, c->latest) != TAP_OK)
            return TAP_ERROR;
        const struct tap_event *ev = in.ev = tap_batch_event(batch, select[i]);
        if (__builtin_expect(c->tracks.count > TAP_CHROME_MANY || c->labels.count > TAP_CHROME_MANY,
                             0))
            chrome_fetch(c, batch, select + i, n - i);
        struct tap_chrome_node *node = tap_nodes_get(c, ev->node);
        if (!node)
            continue;
        in.ts = ev->ts > c->started ? ev->ts - c->started : 0;
        if (in.ts > c->latest)
            c->latest = in.ts;
        if (!tap_kind_is_control(ev->kind))
            tap_nodes_tick(c, node, ev->node, in.ts);
        if (ev->kind == TAP_FUNCTION_CALL)
            tap_calls_call(c, &in);
        else if (ev->kind == TAP_FUNCTION_RETURN || ev->kind == TAP_FUNCTION_EXCEPTION)
            tap_calls_end(c, &in);
        else
            chrome_other(c, &in);
        if (__builtin_expect(c->no_memory || c->w.failed, 0))
            break;
    }
    return chrome_status(c);
}

static enum tap_status chrome_flush(void *self)
{
    struct tap_chrome *c = self;
    return tap_writer_flush(&c->w);
}

static void chrome_report(const struct tap_chrome *c)
{
    const struct {
        const char *name;
        uint64_t n;
    } figures[] = {{"slices", c->count.slices},     {"unfinished", c->count.open},
                   {"unwound", c->count.unwound},   {"collapsed", c->count.collapsed},
                   {"too_deep", c->count.capped},   {"arrows", c->count.arrows},
                   {"unpaired", c->count.unpaired}, {"evicted", c->count.evicted},
                   {"gen", c->count.gen},           {"gen_apart", c->count.gen_apart}};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        if (figures[i].n)
            c->host->count(c->host, figures[i].name, (int64_t)(figures[i].n & INT64_MAX));
}

static enum tap_status chrome_stop(void *self)
{
    struct tap_chrome *c = self;
    if (!c->w.buf || !c->w.marks || tap_writer_unused(&c->w))
        return tap_writer_close(&c->w);
    if (!c->w.failed && !c->no_memory) {
        tap_tracks_each(c, tap_process_finish);
        tap_nodes_finish(c);
        tap_emit_empty(c);
        if (c->w.seekable)
            tap_rotate_end(c);
    }
    chrome_report(c);
    tap_rotate_left(c);
    return tap_writer_close(&c->w);
}

static void chrome_free_stack(struct tap_chrome *c, struct tap_track *t)
{
    if (!t->stack)
        return;
    t->stack->next = c->pool;
    c->pool = t->stack;
    t->stack = NULL;
}

static void chrome_destroy(void *self)
{
    struct tap_chrome *c = self;
    if (c->tracks.chunks)
        tap_tracks_each(c, chrome_free_stack);
    tap_stack_free_pool(c);
    tap_tracks_free(&c->tracks);
    tap_labels_free(&c->labels);
    tap_returns_off_free(&c->returns_off);
    free(c->flows);
    tap_gen_free(c);
    free(c->nodes);
    tap_writer_free(&c->w);
    free(c->part_path);
    free(c);
}

static const struct tap_sink_ops tap_chrome_ops = {
    .struct_size = sizeof(struct tap_sink_ops),
    .create = chrome_create,
    .start = chrome_start,
    .consume = chrome_consume,
    .flush = chrome_flush,
    .stop = chrome_stop,
    .destroy = chrome_destroy,
};

static const char *const endings[] = {"json", NULL};

static const struct tap_plugin tap_chrome_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_SINK,
    .name = "chrome",
    .version = TAP_VERSION,
    .summary = "a timeline for chrome://tracing and Perfetto (Trace Event JSON)",
    .license = "Apache-2.0",
    .options = tap_chrome_options,
    .option_count = sizeof tap_chrome_options / sizeof tap_chrome_options[0],
    .settings_size = sizeof(struct tap_chrome_settings),
    .ops = &tap_chrome_ops,
    .flags = TAP_PLUGIN_NO_RAW,
    .endings = endings,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &tap_chrome_plugin;
}
