/* json_check.h: a strict reader of one JSON object, character by character (RFC 8259, UTF-8
 * included): is it one, and where does it end? It keeps nothing, so `beamtap repair` can read files
 * of any size with it.
 */
#ifndef TAP_CLI_JSON_CHECK_H
#define TAP_CLI_JSON_CHECK_H

#include <stdbool.h>
#include <stdint.h>

enum tap_json_verdict { TAP_JSON_MORE, TAP_JSON_END, TAP_JSON_BAD };

struct tap_json_check {
    /* of the open brackets, innermost last: a bit is set where it is an array's */
    uint64_t arrays;
    unsigned depth;    /* at most 63: no output of ours is deeper */
    unsigned state;    /* 0: before the value */
    unsigned more;     /* digits of \u, or bytes of UTF-8, that are still to come */
    uint8_t low, high; /* what the next byte of UTF-8 may be */
    bool key;          /* the string is a member's name */
    const char *rest;  /* of true, false or null */
};

/* An object that is open already: after this the first character is that behind its first member,
 * or the end. */
void tap_json_check_inside(struct tap_json_check *);
/* The next character. END: it closed the object. A control character between the tokens is BAD too:
 * we write none. */
enum tap_json_verdict tap_json_check_next(struct tap_json_check *, char);

#endif
