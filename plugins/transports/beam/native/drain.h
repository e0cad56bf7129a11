/* drain.h: what the sending thread knows of its run. */
#ifndef TAP_NATIVE_DRAIN_H
#define TAP_NATIVE_DRAIN_H

#include "transports/beam/native/frames.h"

/* The events are off for a while (limits.c). */
struct tap_native_pause {
    uint32_t why; /* 0: they are on */
    char text[TAP_WHY_TEXT];
    bool asked;      /* the agent was asked to turn them on again */
    int64_t from;    /* ns, as all of these */
    int64_t until;   /* not on again before that */
    int64_t rest;    /* that it lasts at the least */
    int64_t resumed; /* when the last one ended; 0: none did */
};
struct tap_drain {
    struct tap_run *run;
    struct tap_frames_out out;
    int fd;             /* -1: no connection, or it broke */
    int64_t horizon;    /* ns: all that is not later was sent, or is in its ring */
    int64_t told;       /* ns by the node's clock: the latest that was told */
    int64_t written_at; /* when the socket last took something, or nothing waited */
    int64_t looked_at;  /* when it was last looked whether the agent's process lives */
    uint64_t no_ring_told;
    unsigned own_told;
    bool starved;    /* something waits for credit or for the socket */
    uint32_t ended;  /* what is taken is lost, for this reason; 0: it is sent */
    bool closed;     /* no event comes any more */
    bool figures;    /* told */
    bool last, over; /* the final report is among what waits; nothing more is to do */
    char why[TAP_WHY_TEXT];

    struct tap_native_pause pause;
    int64_t window; /* of max_rate: when it began */
    uint64_t window_seq;

    /* The rings that have something, and what each has first (merge.c). */
    struct tap_native_head {
        struct tap_ring *ring;
        struct tap_record record;
    } heads[TAP_THREADS];
    size_t head_count;
};

/* ---- merge.c: sends, or counts, all that is known to be next in time; or the agent's reports
 * alone. */
void tap_merge_rings(struct tap_drain *, bool reports_alone);
/* Most bytes that wait in a ring, by the rings' size: 0 to 256. */
unsigned tap_rings_fill(const struct tap_drain *);
/* A time by the node's clock, not before what was told so far. */
int64_t tap_drain_time(struct tap_drain *, int64_t time);
/* Time of the latest event that is in a ring, or is known to have been. */
int64_t tap_rings_last(const struct tap_drain *);
/* Counts what was lost behind the last event of rings that are empty. */
void tap_rings_settle(struct tap_drain *);
bool tap_rings_are_empty(struct tap_drain *);
/* The first of the reports that wait, taken if its time is not later than that; or NULL. */
struct tap_control *tap_control_take(struct tap_run *, int64_t by, bool urgent);
void tap_control_send(struct tap_drain *, struct tap_control *);

/* ---- limits.c: pauses and limits, looked at after each round. */
void tap_limits_look(struct tap_drain *);
/* Before a round: is the agent about to turn the events on again? Then no ring is read. */
bool tap_pause_waits(struct tap_drain *);
/* The run ends in a pause. */
void tap_pause_end(struct tap_drain *);

/* ---- tell.c: {beamtap_native, Number, What} or {..., {What, Text}} to the agent. */
void tap_run_tell(const struct tap_run *, const char *what, const char *text);
void tap_drain_tell(const struct tap_drain *, const char *what, const char *text);
/* {..., {own, Pid}}, for each that own.h knows: whose flags the agent is to take away. */
void tap_drain_tell_own(const struct tap_drain *);
/* The run is over by a limit; the agent does the rest. */
void tap_drain_ended(struct tap_drain *, uint32_t why, const char *what, const char *text);

#endif
