/* event_names.h: kinds of events and reasons of losses by name, as configuration files, CSV and
 * JSON write them. */
#ifndef TAP_BASE_EVENT_NAMES_H
#define TAP_BASE_EVENT_NAMES_H

/* "?" for numbers that do not exist. */
const char *tap_kind_name(unsigned kind);
const char *tap_reason_name(unsigned reason);
/* The key of [session] that lets more through where this was the reason; NULL: there is none. */
const char *tap_reason_key(unsigned reason);
/* The same for kinds that can be asked for, which are the first; NULL for others. */
const char *tap_event_name(unsigned kind);
/* Of the n-th of enum tap_counters (counters.h), from 0; NULL: no more. */
const char *tap_counter_name(unsigned n);

#endif
