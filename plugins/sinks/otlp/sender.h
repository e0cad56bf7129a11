/* sender.h: requests on their way to the collector, on a thread of their own, so that the sink's
 * own waits only where it wants to.
 *
 * One request at a time, in order. What the collector cannot take just now (429, 502, 503, 504, no
 * connection, no answer) is tried again, after half a second and then twice as long each time up to
 * OTLP_WAIT_MOST, or when the collector says so (Retry-After). What it refuses is dropped; if it
 * has never taken anything, the sink has failed: the address or the headers are wrong.
 */
#ifndef TAP_SINKS_OTLP_SENDER_H
#define TAP_SINKS_OTLP_SENDER_H

#include "beamtap/sink.h"

#define OTLP_WAIT_FIRST 500 /* ms */
#define OTLP_WAIT_MOST 5000 /* ms */

struct otlp_settings;
struct otlp_sender;

/* For create: no I/O. TAP_INVALID or TAP_ERROR with a cause. */
enum tap_status otlp_sender_new(const struct tap_host *, const struct otlp_settings *,
                                struct otlp_sender **);
void otlp_sender_free(struct otlp_sender *); /* NULL is none */
/* Reads the headers, and starts the thread. */
enum tap_status otlp_sender_start(struct otlp_sender *);

/* A request with so many spans, which tell of so many events. Waits for room while the collector
 * takes what came before; where it takes nothing for as long as `timeout` says, the request is
 * lost. Takes over `bytes`. */
void otlp_sender_push(struct otlp_sender *, char *bytes, size_t len, uint32_t spans,
                      uint64_t events);
/* Is one on its way that was neither taken nor given up? */
bool otlp_sender_busy(struct otlp_sender *);
/* Waits until all is taken, up to so many ms, or until something went wrong. */
void otlp_sender_settle(struct otlp_sender *, int ms);
/* Tells the host what was taken. TAP_ERROR with a cause, once, when it is no use to go on. */
enum tap_status otlp_sender_report(struct otlp_sender *);
/* The end has come: what is left has `timeout` from now on, and as long again each time that
 * something of it is taken, unless somebody wants the end; what is left then is lost. */
void otlp_sender_hurry(struct otlp_sender *);
/* The end: behind otlp_sender_hurry. TAP_ERROR where nothing was ever taken. */
enum tap_status otlp_sender_stop(struct otlp_sender *);

#endif
