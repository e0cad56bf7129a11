/* sink.c: a complete sink by the headers of ABI 1.0: a line an event, printed by the host. */
#include <beamtap/sink.h>

#include <stdio.h>
#include <stdlib.h>

struct settings {
    const char *path;
    int64_t limit;
};

struct lines {
    const struct tap_host *host;
    const struct settings *settings;
    FILE *out;
};

static enum tap_status lines_create(const struct tap_host *host, const void *settings, void **self)
{
    struct lines *l = calloc(1, sizeof *l);
    if (!l)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    l->host = host;
    l->settings = settings;
    *self = l;
    return TAP_OK;
}

static enum tap_status lines_start(void *self)
{
    struct lines *l = self;
    l->out = fopen(l->settings->path, "w");
    return l->out ? TAP_OK
                  : TAP_FAIL(l->host, TAP_ERROR, "%s cannot be written", l->settings->path);
}

static void put_event(struct lines *l, const struct tap_batch *batch, const struct tap_event *e)
{
    const struct tap_node *node = l->host->node(l->host, e->node);
    struct tap_print print = TAP_SIZED(struct tap_print);
    char pid[256], arguments[256];
    print.node_name = node->name_id;
    print.limit = (size_t)l->settings->limit;
    size_t n = l->host->pid_print(l->host, pid, sizeof pid, &e->pid, &print);
    size_t m = l->host->term_print(l->host, arguments, sizeof arguments,
                                   batch->arena + e->payload.off, e->payload.len, &print);
    fprintf(l->out, "%s %s %.*s %s:%s %.*s\n", node->name, l->host->kind_name(e->kind), (int)n, pid,
            tap_name_get(l->host, e->module)->text, tap_name_get(l->host, e->function)->text,
            (int)m, arguments);
}

static enum tap_status lines_consume(void *self, const struct tap_batch *batch,
                                     const uint32_t *select, size_t n)
{
    struct lines *l = self;
    uint64_t events = 0;
    for (size_t i = 0; i < n; i++) {
        const struct tap_event *e = tap_batch_event(batch, select[i]);
        if (e->kind > TAP_KIND_USER_LAST)
            continue;
        put_event(l, batch, e);
        events++;
    }
    l->host->sink->written(l->host, events, 0);
    l->host->count(l->host, "lines", (int64_t)events);
    return TAP_OK;
}

static enum tap_status lines_flush(void *self)
{
    struct lines *l = self;
    return fflush(l->out) == 0 ? TAP_OK : TAP_FAIL(l->host, TAP_ERROR, "no room");
}

static enum tap_status lines_stop(void *self)
{
    struct lines *l = self;
    if (l->out)
        fclose(l->out);
    return TAP_OK;
}

static void lines_destroy(void *self)
{
    free(self);
}

static const struct tap_sink_ops ops = {.struct_size = sizeof ops,
                                        .create = lines_create,
                                        .start = lines_start,
                                        .consume = lines_consume,
                                        .flush = lines_flush,
                                        .stop = lines_stop,
                                        .destroy = lines_destroy};
static const struct tap_option options[] = {{.name = "path",
                                             .type = TAP_OPT_PATH,
                                             .help = "the file to write",
                                             .offset = offsetof(struct settings, path),
                                             .flags = TAP_OPT_REQUIRED},
                                            {.name = "limit",
                                             .type = TAP_OPT_SIZE,
                                             .def = "64",
                                             .help = "bytes of a term",
                                             .offset = offsetof(struct settings, limit),
                                             .flags = TAP_OPT_BYTES}};
static const struct tap_plugin plugin = {TAP_PLUGIN_HEADER,
                                         .kind = TAP_PLUGIN_SINK,
                                         .flags = TAP_PLUGIN_NO_RAW,
                                         .name = "abi_c",
                                         .version = "1.0",
                                         .summary = "a line an event",
                                         .license = "Apache-2.0",
                                         .options = options,
                                         .option_count = sizeof options / sizeof options[0],
                                         .settings_size = sizeof(struct settings),
                                         .ops = &ops};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &plugin;
}
