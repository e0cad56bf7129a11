/* event_text.h: what an event carries, as the text that tables have in their columns: what it
 * brings (message), and what else is to be said of it (metadata).
 */
#ifndef TAP_SINKS_COMMON_EVENT_TEXT_H
#define TAP_SINKS_COMMON_EVENT_TEXT_H

#include "sinks/common/writer.h"

#define TAP_EVENT_FLAGS_MAX 192 /* bytes that all flags take */

/* The last is the one that is written behind everything else. */
static const struct {
    uint32_t flag;
    const char *text; /* with a space in front */
} tap_event_flag_texts[] = {
    {TAP_EVENT_TIMEOUT, " timeout"}, {TAP_EVENT_NONEXISTING, " nonexisting"},
    {TAP_EVENT_EXITING, " exiting"}, {TAP_EVENT_GC_MAJOR, " major"},
    {TAP_EVENT_LINK_GOT, " got"},    {TAP_EVENT_MOVED, " moved"},
    {TAP_EVENT_TAIL, " tail"}};

/* Each flag with a space in front; where they end. `tail` is behind all others: what tells the end
 * of a loop once asks for it so (metadata not like '%tail'). */
static inline char *tap_event_flags_put(char *p, const struct tap_event *e)
{
    const size_t tail = sizeof tap_event_flag_texts / sizeof *tap_event_flag_texts - 1;
    for (size_t i = 0; i < tail; i++)
        if (e->flags & tap_event_flag_texts[i].flag)
            p = tap_text_copy(p, tap_event_flag_texts[i].text,
                              strlen(tap_event_flag_texts[i].text));
    static const char *const gens[] = {"", " call", " cast", " reply took="};
    p = tap_text_copy(p, gens[e->gen & 3], strlen(gens[e->gen & 3]));
    if (e->gen == TAP_GEN_REPLY)
        p = tap_text_u64(p, (uint64_t)e->took);
    if (e->scheduler)
        p = tap_text_u64(tap_text_lit(p, " scheduler="), e->scheduler);
    if (e->flags & TAP_EVENT_TRUNCATED)
        p = tap_text_u64(tap_text_lit(p, " truncated="), e->true_size);
    if (e->flags & TAP_EVENT_TAIL)
        p = tap_text_copy(p, tap_event_flag_texts[tail].text,
                          strlen(tap_event_flag_texts[tail].text));
    return p;
}

/* Has it a process? One that speaks of a node, or of all of its processes, has none. */
static inline bool tap_event_has_pid(const struct tap_event *e)
{
    return e->pid.node || e->pid.id || e->pid.serial;
}
/* Does it carry a term? Of a control event only a mark's is text of its row. */
static inline bool tap_event_has_term(const struct tap_event *e)
{
    return e->payload.len && (!tap_kind_is_control(e->kind) || e->kind == TAP_MARK);
}
/* What stands in place of a term: of a loss or gap {Count,Reason}, of a node that comes its
 * release, of one that goes why. */
void tap_event_report_put(struct tap_writer *, const struct tap_event *);
/* stack=m:f/1 (m.erl:12) < ..., or stack_truncated=BYTES; `behind` something: with a space. */
void tap_event_stack_put(struct tap_writer *, const struct tap_batch *, const struct tap_event *,
                         bool behind, const struct tap_print *);
/* A call's [Arguments], a value, a message, a reason, ...; else what
 * tap_event_report_put says. Nothing, where it carries nothing. */
void tap_event_message_put(struct tap_writer *, const struct tap_batch *, const struct tap_event *,
                           const struct tap_print *);
/* What a match spec's {message, X} gave, then flags, then the stack, separated by spaces. */
void tap_event_metadata_put(struct tap_writer *, const struct tap_batch *, const struct tap_event *,
                            const struct tap_print *);

#endif
