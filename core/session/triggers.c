/* triggers.c: start_on, stop_on and follow, as the session has them: each line with the filter that
 * judges for it, and what happens when one comes true. */
#include "base/event_names.h"
#include "config/triggers.h"
#include "session/internal.h"

/* On the transport's thread. */
static void fired(void *arg, const struct tap_trigger *t)
{
    struct tap_session *session = arg;
    char name[256];
    tap_trigger_name(t, name, sizeof name);
    tap_session_log(session, TAP_LOG_INFO, "session", "%s: %s", name,
                    t->stop ? "the run ends" : "what comes from here on is written");
    if (t->stop)
        tap_session_end(session);
}

bool tap_session_window(struct tap_session *session, struct tap_window_options *o)
{
    const struct tap_config *c = session->config;
    struct tap_window_trigger *list =
        tap_mempool_alloc(session->memory, (c->trigger_count + 1) * sizeof *list);
    if (!list)
        return false;
    for (size_t i = 0; i < c->trigger_count; i++) {
        const struct tap_trigger *t = &c->triggers[i];
        const struct tap_instance_host *h =
            t->instance == SIZE_MAX ? NULL : &session->hosts[t->instance];
        list[i].trigger = t;
        if (h)
            list[i].filter = tap_session_bus_filter(session, h);
    }
    *o = (struct tap_window_options){.triggers = list,
                                     .trigger_count = c->trigger_count,
                                     .keep = c->session.keep,
                                     .follow = c->session.follow == TAP_FOLLOW_MESSAGE,
                                     .memory = (size_t)c->session.keep_memory,
                                     .fired = fired,
                                     .arg = session};
    return true;
}

enum tap_status tap_session_check_triggers(struct tap_session *session)
{
    const struct tap_config *c = session->config;
    uint32_t traced = tap_plan_kinds(&session->plan);
    enum tap_status worst = TAP_OK;
    if (tap_config_replays(c)) /* what it holds nobody knows yet */
        return TAP_OK;
    for (size_t i = 0; i < c->trigger_count; i++) {
        const struct tap_trigger *t = &c->triggers[i];
        const char *key = t->stop ? "stop_on" : "start_on";
        if (t->what == TAP_TRIGGER_MAILBOX && !c->session.mailbox)
            worst = tap_error_add_at(session->err, "session", &t->where,
                                     "%s = %s: nobody looks at mailboxes: say how often with "
                                     "mailbox, such as mailbox = 100ms",
                                     key, t->text);
        else if (t->what != TAP_TRIGGER_MAILBOX && !(traced & TAP_KIND_BIT(t->kind)))
            worst = tap_error_add_at(session->err, "session", &t->where,
                                     "%s = %s: that is told by %s, which is not among the events",
                                     key, t->text, tap_event_name(t->kind));
    }
    uint32_t both = TAP_KIND_BIT(TAP_MESSAGE_SEND) | TAP_KIND_BIT(TAP_MESSAGE_RECEIVE);
    if (c->session.follow == TAP_FOLLOW_MESSAGE && (traced & both) != both)
        worst = TAP_ERR(session->err, TAP_INVALID, "session",
                        "follow = message: a chain is told by message_send and message_receive, "
                        "and both must be among the events");
    return worst;
}
