/* right.h: a sink that is right: a line for each event. A bad one includes this, puts one operation
 * of its own in the place of the right one, and ends with SINK(...).
 */
#include <beamtap/sink.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct settings {
    const char *path;
    int64_t size;
};

struct self {
    const struct tap_host *host;
    const struct settings *settings;
    int fd;
    bool made, begun;
};

static inline enum tap_status fails(struct self *s)
{
    return TAP_FAIL(s->host, TAP_ERROR, "%s: %s", s->settings->path, strerror(errno));
}

static inline enum tap_status right_create(const struct tap_host *host, const void *settings,
                                           void **self)
{
    struct self *s = calloc(1, sizeof *s);
    if (!s)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    *s = (struct self){.host = host, .settings = settings, .fd = -1};
    *self = s;
    return TAP_OK;
}

static inline enum tap_status right_start(void *self)
{
    struct self *s = self;
    s->made = access(s->settings->path, F_OK) != 0;
    s->fd = open(s->settings->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return s->fd >= 0 ? TAP_OK : fails(s);
}

/* What an earlier run wrote goes when this one has something to write. */
static inline void begin(struct self *s)
{
    struct stat st;
    if (!s->begun && fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode))
        (void)!ftruncate(s->fd, 0);
    s->begun = true;
}

static inline enum tap_status right_consume(void *self, const struct tap_batch *batch,
                                            const uint32_t *select, size_t n)
{
    struct self *s = self;
    size_t len = 0, counted = 0;
    char *text = malloc(n * 32 + 1);
    if (!text)
        return TAP_FAIL(s->host, TAP_ERROR, "out of memory");
    begin(s);
    for (size_t i = 0; i < n; i++) {
        const struct tap_event *e = tap_batch_event(batch, select[i]);
        if (tap_kind_is_control(e->kind))
            continue;
        len += (size_t)sprintf(text + len, "%s\n", s->host->kind_name(e->kind));
        counted++;
    }
    ssize_t done = write(s->fd, text, len);
    free(text);
    if (done != (ssize_t)len) {
        errno = done < 0 ? errno : EFBIG;
        return fails(s);
    }
    s->host->sink->written(s->host, counted, len);
    return TAP_OK;
}

static inline enum tap_status right_flush(void *self)
{
    begin(self);
    return TAP_OK;
}

static inline enum tap_status right_stop(void *self)
{
    struct self *s = self;
    int fd = s->fd;
    s->fd = -1;
    if (fd >= 0 && !s->begun && s->made)
        unlink(s->settings->path);
    return fd < 0 || close(fd) == 0 ? TAP_OK : fails(s);
}

static inline void right_destroy(void *self)
{
    free(self);
}

static const struct tap_option right_options[] = {
    {.name = "path",
     .type = TAP_OPT_PATH,
     .flags = TAP_OPT_REQUIRED,
     .offset = offsetof(struct settings, path),
     .help = "the file to write"},
    {.name = "size",
     .type = TAP_OPT_SIZE,
     .def = "4k",
     .min = 1,
     .max = 1 << 20,
     .offset = offsetof(struct settings, size),
     .help = "how large it may be"},
};

/* NAME is the file's. */
#define SINK_WITH(table, ...)                                                              \
    static const struct tap_sink_ops ops = {.struct_size = sizeof ops,                     \
                                            .create = right_create,                        \
                                            .start = right_start,                          \
                                            .consume = right_consume,                      \
                                            .flush = right_flush,                          \
                                            .stop = right_stop,                            \
                                            .destroy = right_destroy,                      \
                                            __VA_ARGS__};                                  \
    static const struct tap_plugin plugin = {TAP_PLUGIN_HEADER,                            \
                                             .kind = TAP_PLUGIN_SINK,                      \
                                             .name = NAME,                                 \
                                             .version = "1",                               \
                                             .summary = "for a test",                      \
                                             .license = "Apache-2.0",                      \
                                             .options = table,                             \
                                             .option_count = sizeof table / sizeof *table, \
                                             .settings_size = sizeof(struct settings),     \
                                             .ops = &ops,                                  \
                                             .flags = TAP_PLUGIN_NO_RAW};                  \
    const struct tap_plugin *beamtap_plugin_v1(void)                                       \
    {                                                                                      \
        return &plugin;                                                                    \
    }
#define SINK(...) SINK_WITH(right_options, __VA_ARGS__)
