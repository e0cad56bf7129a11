/* beamtap/sink.h: all that the author of a sink includes.
 *
 * A sink takes the events that its filters let through, a batch at a time, and writes them
 * somewhere. Each instance has a bounded queue in front of it and a thread of its own: it may be as
 * slow as it likes, and then, as its section says (on_full), events are dropped and counted or the
 * nodes are held back.
 */
#ifndef BEAMTAP_SINK_H
#define BEAMTAP_SINK_H

#include "event.h"
#include "plan.h"
#include "plugin.h"
#include "term.h"

#ifdef __cplusplus
extern "C" {
#endif

/* host->sink: what the core does for a sink. */
struct tap_sink_host {
    uint32_t struct_size;
    /* So many more events are in the file, and so many bytes: write(2) took them. What a sink was
     * given and never reports here is lost; one that reports more than it was given has failed.
     * From its own operations. */
    void (*written)(const struct tap_host *, uint64_t events, uint64_t bytes);
    /* Keep a batch, events and arena, past consume's return; and let it go, once for each hold. Any
     * thread; at the latest in destroy. */
    void (*hold)(const struct tap_host *, const struct tap_batch *);
    void (*release)(const struct tap_host *, const struct tap_batch *);
    /* The run is to end: a start that waits for something (a pipe's reader) gives up, and fails.
     * Once tracing has begun: somebody wants it to end now (^C). A run that ends by itself, by
     * its duration or what stop_on waits for, is none in which time is short. Asking gives ten
     * more seconds. */
    bool (*ending)(const struct tap_host *);
};

/* `settings` is the plugin's settings struct, filled from the option table; it lives until
 * destroy. */
struct tap_sink_ops {
    uint32_t struct_size;
    /* Makes *self of the settings, and checks what the option table cannot. No I/O. */
    enum tap_status (*create)(const struct tap_host *, const void *settings, void **self);
    /* Opens the output. Before any event, and before the transport starts. Within ten seconds. */
    enum tap_status (*start)(void *self);
    /* Takes the events `select[0..n)` of the batch, in order. Control, lost and gap events are
     * always among them. The batch is only borrowed (host->sink->hold). Once it fails it is not
     * called again, only stop is. */
    enum tap_status (*consume)(void *self, const struct tap_batch *, const uint32_t *select,
                               size_t n);
    /* At least each second, also when idle: what was taken should be on its way to the file. Not
     * before the run has begun (the transport has started, or the first counted event is here), and
     * then once before stop, unless consume or flush failed: when stop comes without it there was
     * no run, and a file that was there should stay as it was. */
    enum tap_status (*flush)(void *self);
    /* The end: finish the output. Also after an error, exactly once, if start was called. */
    enum tap_status (*stop)(void *self);
    void (*destroy)(void *self); /* frees it; also when start was never called */
};

#ifdef __cplusplus
}
#endif
#endif
