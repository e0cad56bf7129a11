/* report.h: what the agent's control frames say to the transport itself. The core reads the rest of
 * them. */
#ifndef TAP_TRANSPORTS_BEAM_NODE_REPORT_H
#define TAP_TRANSPORTS_BEAM_NODE_REPORT_H

#include "beamtap/transport.h"

struct tap_report_final {
    struct tap_node_final figures;
    int64_t peak_queue; /* messages: the longest that the relay saw its queue */
    /* stop, duration, max_events, lease, overload, relay, failed; "" when it was not told */
    char reason[32];
    char text[256]; /* the agent's sentence, cut to fit */
};
struct tap_report_clock {
    int64_t ref, monotonic, offset;
    bool answer; /* to our {beamtap, clock, Ref}: ref is set */
};
/* Looks for {clock, Ref, Monotonic, Offset}. */
bool tap_report_clock(const struct tap_frame *header, const uint8_t *frame,
                      struct tap_report_clock *);
/* Looks for {process_info, List, Ref}, the answer to our {beamtap, names, {Ref, Pids}}. */
bool tap_report_named(const struct tap_frame *header, const uint8_t *frame, int64_t *ref);
/* Looks for {final, Map} in the body of a control frame. True when it is there and its figures are
 * whole. */
bool tap_report_final(const struct tap_frame *header, const uint8_t *frame,
                      struct tap_report_final *);

#endif
