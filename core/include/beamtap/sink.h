/* beamtap/sink.h: all that the author of a sink includes.
 *
 * A sink takes the events that its filters let through, a batch at a time, and writes them
 * somewhere.
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
    /* `n` more events are in the file: write(2) took them. What a sink was given and never reports
     * here is lost. */
    void (*written)(const struct tap_host *, uint64_t events, uint64_t bytes);
    /* Keep a batch past consume's return, and let it go. */
    void (*hold)(const struct tap_host *, const struct tap_batch *);
    void (*release)(const struct tap_host *, const struct tap_batch *);
    /* The run is to end: a start that waits for something (a pipe's reader) gives up, and fails. */
    bool (*ending)(const struct tap_host *);
};

/* `settings` is the plugin's settings struct, filled from the option table; it lives until
 * destroy. */
struct tap_sink_ops {
    uint32_t struct_size;
    enum tap_status (*create)(const struct tap_host *, const void *settings, void **self);
    enum tap_status (*start)(void *self); /* open the output */
    /* Takes the events `select[0..n)` of the batch, in order. Control, lost and gap events are
     * always among them. The batch is only borrowed (host->hold). Once it fails it is not called
     * again, only stop is. */
    enum tap_status (*consume)(void *self, const struct tap_batch *, const uint32_t *select,
                               size_t n);
    /* At least each second, also when idle: what was taken should be on its way to the file. Not
     * before the run has begun (the transport has started, or the first counted event is here), and
     * then once before stop, unless consume or flush failed: when stop comes without it there was
     * no run, and a file that was there should stay as it was. */
    enum tap_status (*flush)(void *self);
    /* The end: finish the output. Also after an error, exactly once, if start was called. */
    enum tap_status (*stop)(void *self);
    void (*destroy)(void *self);
};

#ifdef __cplusplus
}
#endif
#endif
