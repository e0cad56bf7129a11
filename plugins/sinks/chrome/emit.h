/* emit.h: one JSON event: open, members of its args, close. */
#ifndef TAP_SINKS_CHROME_EMIT_H
#define TAP_SINKS_CHROME_EMIT_H

#include "beamtap/event.h"

struct tap_chrome;
struct tap_chrome_in;
struct tap_track;

/* The members that end an event's fixed part, from constants. */
#define TAP_TAIL(cat, name)                      \
    "\"cat\":\"" cat "\",\"name\":\"" name "\"", \
        sizeof("\"cat\":\"" cat "\",\"name\":\"" name "\"") - 1

/* Begins an event; `dur` below 0: it has none. `tail` is cat and name, see TAP_TAIL. */
void tap_emit_open(struct tap_chrome *, char ph, uint32_t pid, uint32_t tid, int64_t ts,
                   int64_t dur, const char *tail, size_t tail_len);
/* A member of its args whose value is a string to be written next, then tap_emit_quote. */
void tap_emit_key(struct tap_chrome *, const char *key);
void tap_emit_quote(struct tap_chrome *);
void tap_emit_number(struct tap_chrome *, const char *key, int64_t value);
/* already escaped */
void tap_emit_text(struct tap_chrome *, const char *key, const char *text, size_t len);
/* Members that are already JSON. */
void tap_emit_members(struct tap_chrome *, const char *text, size_t len);
/* A term of the batch, printed; nothing when it is empty or args are off. */
void tap_emit_term(struct tap_chrome *, const char *key, const struct tap_chrome_in *,
                   struct tap_span);
void tap_emit_peer(struct tap_chrome *, const char *key, const struct tap_chrome_in *);
/* What an event says beside its main term: the user's metadata, the caller, a payload cut in the
 * node. */
void tap_emit_extras(struct tap_chrome *, const struct tap_chrome_in *);
/* The arguments of a call, as a member "args", and the extras. */
void tap_emit_arguments(struct tap_chrome *, const struct tap_chrome_in *);
/* A member "id", in hex: an arrow's, or that of an event apart from tracks. Comes before the
 * args. */
void tap_emit_id(struct tap_chrome *, uint64_t id);
/* Ends the event; `events` of the stream are in the file with it. */
void tap_emit_close(struct tap_chrome *, uint64_t events);
/* An instant on a track (scope t), left open for args. */
void tap_emit_instant(struct tap_chrome *, struct tap_track *, int64_t ts, const char *tail,
                      size_t tail_len);
/* A slice of 1 ns on a track, left open for args; gives its start. */
int64_t tap_emit_point(struct tap_chrome *, struct tap_track *, int64_t ts, const char *tail,
                       size_t tail_len);
/* Escapes UTF-8 for the inside of a JSON string; dst has room for 6 * len. Returns the end. */
char *tap_emit_escape(char *dst, const char *text, size_t len);
/* All of an output that holds nothing yet: a viewer refuses an array without events. */
void tap_emit_empty(struct tap_chrome *);

#endif
