/* pattern_kind.h: patterns, which are lines of a filter, as who hands them over sees them. */
#ifndef TAP_CONFIG_PATTERN_KIND_H
#define TAP_CONFIG_PATTERN_KIND_H

/* Of which events a pattern speaks: TAP_FUNCTION_CALL, TAP_MESSAGE_SEND or TAP_MESSAGE_RECEIVE. */
unsigned tap_pattern_kind(const char *pattern);

#endif
