/* event_names.c: the names of kinds and reasons: a new one gets its name here. */
#include "base/event_names.h"

#include <stddef.h>

#include "beamtap/plugin.h"

/* What can be asked for. */
static const char *const user_names[] = {
    [TAP_FUNCTION_CALL] = "function_call",
    [TAP_FUNCTION_RETURN] = "function_return",
    [TAP_FUNCTION_EXCEPTION] = "function_exception",
    [TAP_MESSAGE_SEND] = "message_send",
    [TAP_MESSAGE_RECEIVE] = "message_receive",
    [TAP_PROCESS_SPAWN] = "process_spawn",
    [TAP_PROCESS_START] = "process_start",
    [TAP_PROCESS_EXIT] = "process_exit",
    [TAP_PROCESS_LINK] = "process_link",
    [TAP_PROCESS_UNLINK] = "process_unlink",
    [TAP_PROCESS_REGISTER] = "process_register",
    [TAP_PROCESS_UNREGISTER] = "process_unregister",
    [TAP_SCHEDULE_IN] = "schedule_in",
    [TAP_SCHEDULE_OUT] = "schedule_out",
    [TAP_GC_START] = "gc_start",
    [TAP_GC_END] = "gc_end",
    [TAP_FUNCTION_COUNTERS] = "function_counters",
};
_Static_assert(sizeof user_names / sizeof user_names[0] == TAP_KIND_USER_LAST + 1,
               "every kind that can be asked for has a name here");

static const char *const other_names[] = {"lost",         "gap",  "node_up", "node_down",   "clock",
                                          "process_info", "plan", "mailbox", "returns_off", "mark"};
_Static_assert(sizeof other_names / sizeof other_names[0] == TAP_KIND_COUNT - TAP_LOST,
               "a name for each kind");

const char *tap_event_name(unsigned kind)
{
    return kind <= TAP_KIND_USER_LAST ? user_names[kind] : NULL;
}

const char *tap_kind_name(unsigned kind)
{
    if (kind <= TAP_KIND_USER_LAST)
        return user_names[kind];
    return kind >= TAP_LOST && kind < TAP_KIND_COUNT ? other_names[kind - TAP_LOST] : "?";
}

const char *tap_counter_name(unsigned n)
{
    static const char *const names[] = {"calls", "time", "memory"};
    return n < sizeof names / sizeof names[0] ? names[n] : NULL;
}

const char *tap_reason_name(unsigned reason)
{
    static const char *const names[] = {
        [TAP_REASON_NONE] = "none",
        [TAP_REASON_CREDIT] = "credit",
        [TAP_REASON_QUEUE] = "queue",
        [TAP_REASON_RATE] = "rate",
        [TAP_REASON_MEMORY] = "memory",
        [TAP_REASON_TERM] = "term",
        [TAP_REASON_LIMIT] = "limit",
        [TAP_REASON_SINK_QUEUE] = "sink_queue",
        [TAP_REASON_SINK_FAILED] = "sink_failed",
        [TAP_REASON_CONNECTION] = "connection",
        [TAP_REASON_UNREADABLE] = "unreadable",
        [TAP_REASON_SEQUENCE] = "sequence",
        [TAP_REASON_CODE] = "code",
        [TAP_REASON_KEEP] = "keep",
    };
    _Static_assert(sizeof names / sizeof names[0] == TAP_REASON_COUNT, "a name for each reason");
    return reason < TAP_REASON_COUNT ? names[reason] : "?";
}

const char *tap_reason_key(unsigned reason)
{
    switch (reason) {
    case TAP_REASON_CREDIT: /* an eighth of it waits for the collector */
    case TAP_REASON_MEMORY: return "max_memory";
    case TAP_REASON_QUEUE: return "max_queue";
    case TAP_REASON_RATE: return "max_rate";
    case TAP_REASON_TERM: return "max_term";
    case TAP_REASON_LIMIT: return "max_events";
    case TAP_REASON_KEEP: return "keep_memory";
    default: return NULL;
    }
}
