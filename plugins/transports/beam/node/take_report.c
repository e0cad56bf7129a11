/* take_report.c: what the agent's control frames say to the transport itself: clocks, names, the
 * final report. */
#include "transports/beam/node/run_state.h"

void tap_beam_node_report(struct tap_beam_node *n, const struct tap_frame *header,
                          const uint8_t *frame, int64_t heard)
{
    struct tap_report_clock clock;
    if (tap_report_clock(header, frame, &clock)) {
        n->time_offset = clock.offset;
        if (clock.answer) {
            tap_beam_node_exchanged(n, clock.ref, heard, clock.monotonic);
            tap_beam_node_align(n);
        }
    }
    tap_beam_node_named(n, header, frame);
    if (!n->final_here)
        n->final_here = tap_report_final(header, frame, &n->final);
}
