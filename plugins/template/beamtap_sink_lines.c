/* beamtap_sink_lines.c: a sink of your own, to begin with: a line for each call, when, who and
 * what. Copy this folder, name it (sh rename.sh NAME), and change what `event` writes.
 */
#include <beamtap/kit.h>

struct settings {
    const char *path;
};

struct lines {
    struct tap_file_sink sink; /* first */
};

/* Each event comes here, losses and nodes that come and go too. What is written at w is one piece;
 * nothing at all is fine, too. */
static bool event(void *self, const struct tap_batch *batch, const struct tap_event *e)
{
    struct lines *l = self;
    struct tap_writer *w = &l->sink.w;
    struct tap_print print = tap_file_sink_print(&l->sink, e, 0);
    if (e->kind != TAP_FUNCTION_CALL)
        return true;
    w->p = tap_text_us(tap_writer_reserve(w, 32), e->ts - l->sink.host->run_info->started);
    tap_writer_put(w, " ", 1);
    tap_writer_pid(w, &e->pid, &print);
    tap_writer_put(w, " ", 1);
    tap_function_put(w, e->module, e->function, e->arity);
    tap_writer_put(w, " ", 1);
    tap_file_sink_put_payload(&l->sink, batch, e, 200);
    tap_writer_put(w, "\n", 1);
    return true;
}

static const struct tap_file_sink_ops ops = {
    .size = sizeof(struct lines), .path = offsetof(struct settings, path), .event = event};
static const struct tap_option options[] = {TAP_FILE_SINK_PATH(struct settings)};

TAP_FILE_SINK(ops, struct settings, options, .name = "lines", .version = "1.0",
              .summary = "a line for each call", .license = "Apache-2.0",
              .flags = TAP_PLUGIN_NO_RAW)
