/* file_sink.h: all of a sink that writes a file, but for what an event is in it. The author gives a
 * struct that begins with a struct tap_file_sink, and says what each event is worth; the path, the
 * buffer, the account of what is written, failures and the end are taken care of (writer.h).
 *
 *     struct lines {
 *         struct tap_file_sink sink;
 *         uint64_t calls;
 *     };
 *     static bool event(void *self, const struct tap_batch *batch, const struct tap_event *e) {...}
 *     static const struct tap_file_sink_ops ops = {
 *         .size = sizeof(struct lines), .path = offsetof(struct settings, path), .event = event};
 *     static const struct tap_option options[] = {TAP_FILE_SINK_PATH(struct settings)};
 *     TAP_FILE_SINK(ops, struct settings, options, .name = "lines", .version = "1.0", ...)
 */
#ifndef TAP_SINKS_COMMON_FILE_SINK_H
#define TAP_SINKS_COMMON_FILE_SINK_H

#include "sinks/common/node_labels.h"
#include "sinks/common/writer.h"

struct tap_file_sink_ops {
    size_t size; /* of the author's struct */
    size_t path; /* where the settings have the path, a const char * */
    /* May be NULL. Checks what the table of options cannot; no I/O. */
    enum tap_status (*check)(void *self);
    /* May be NULL. The file is open: make tables, write what stands first. False: no memory. */
    bool (*begin)(void *self);
    /* One event, control and losses too: writes whole pieces at `w`, or nothing. False: no
     * memory. */
    bool (*event)(void *self, const struct tap_batch *, const struct tap_event *);
    /* May be NULL. The last words, in a run that began and did not fail. False: no memory. */
    bool (*end)(void *self);
    /* May be NULL. Gives back what begin and event took. */
    void (*free)(void *self);
    /* Events add up to what `end` writes, and are in the file only then. */
    bool at_end;
};

struct tap_file_sink {
    const struct tap_host *host;
    const void *settings;
    const struct tap_file_sink_ops *ops;
    struct tap_writer w;
    struct tap_sink_nodes nodes;
    uint64_t waiting; /* events that `end` stands for */
    bool no_memory;
};

enum tap_status tap_file_sink_create(const struct tap_file_sink_ops *, const struct tap_host *,
                                     const void *settings, void **self);
enum tap_status tap_file_sink_start(void *self);
enum tap_status tap_file_sink_consume(void *self, const struct tap_batch *, const uint32_t *select,
                                      size_t n);
enum tap_status tap_file_sink_flush(void *self);
enum tap_status tap_file_sink_stop(void *self);
void tap_file_sink_destroy(void *self);

/* The whole plugin: OPS as above, the type of its settings, its table of options, and what else its
 * descriptor says (.name, .version, .summary, .license, .flags, .endings). */
#define TAP_FILE_SINK(OPS, SETTINGS, OPTIONS, ...)                                               \
    static enum tap_status tap_file_sink_own_create(const struct tap_host *host,                 \
                                                    const void *settings, void **self)           \
    {                                                                                            \
        return tap_file_sink_create(&OPS, host, settings, self);                                 \
    }                                                                                            \
    static const struct tap_sink_ops tap_file_sink_table = {.struct_size =                       \
                                                                sizeof tap_file_sink_table,      \
                                                            .create = tap_file_sink_own_create,  \
                                                            .start = tap_file_sink_start,        \
                                                            .consume = tap_file_sink_consume,    \
                                                            .flush = tap_file_sink_flush,        \
                                                            .stop = tap_file_sink_stop,          \
                                                            .destroy = tap_file_sink_destroy};   \
    static const struct tap_plugin tap_file_sink_plugin = {TAP_PLUGIN_HEADER,                    \
                                                           .kind = TAP_PLUGIN_SINK,              \
                                                           .options = OPTIONS,                   \
                                                           .option_count =                       \
                                                               sizeof OPTIONS / sizeof *OPTIONS, \
                                                           .settings_size = sizeof(SETTINGS),    \
                                                           .ops = &tap_file_sink_table,          \
                                                           __VA_ARGS__};                         \
    const struct tap_plugin *beamtap_plugin_v1(void)                                             \
    {                                                                                            \
        return &tap_file_sink_plugin;                                                            \
    }

/* The row of the option `path`, of a settings struct's field of this name. */
#define TAP_FILE_SINK_PATH(settings)                                                             \
    {                                                                                            \
        "path", TAP_OPT_PATH, NULL, 0, 0, NULL,                                                  \
            "file to write, - for standard output, packed when its name ends in .gz; made with " \
            "mode 0600, for traces hold secrets, and emptied when it exists",                    \
            offsetof(settings, path), TAP_OPT_REQUIRED                                           \
    }

/* How an event's terms are printed: as its node would, its own pids short, at most `limit` bytes
 * (0: all). */
static inline struct tap_print tap_file_sink_print(struct tap_file_sink *sink,
                                                   const struct tap_event *e, size_t limit)
{
    const struct tap_sink_node *node = tap_sink_nodes_get(&sink->nodes, sink->host, e->node);
    struct tap_print print = tap_sink_print(node, TAP_PRINT_ERLANG);
    print.limit = limit;
    return print;
}
/* Writes what an event carries: the arguments of a call, without brackets, and of others the term:
 * a message, a value, a reason. */
void tap_file_sink_put_payload(struct tap_file_sink *, const struct tap_batch *,
                               const struct tap_event *, size_t limit);

#endif
