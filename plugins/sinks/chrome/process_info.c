/* process_info.c: what the node tells of processes that no event of theirs says: what they are
 * called, and how many messages wait for them. */
#include "sinks/chrome/timeline.h"

/* ---- Names */

/* Its process label, as the node would print it. True: that is new. */
static bool info_label(struct tap_chrome *c, struct tap_track *t, const uint8_t *term, size_t len)
{
    char text[6 * TAP_LABEL_MAX + 64];
    struct tap_print print = c->nodes[t->node].print;
    print.limit = TAP_LABEL_MAX;
    size_t n = c->host->term_print(c->host, text, sizeof text, term, len, &print);
    if (!n || n > sizeof text || (t->title && strlen(t->title) == n && !memcmp(t->title, text, n)))
        return false;
    free(t->title);
    t->title = strndup(text, n);
    c->no_memory |= !t->title;
    return t->title;
}

void tap_process_info_names(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    struct tap_process_report_list list = tap_process_report_begin(in->batch, in->ev);
    struct tap_process_report told;
    while (tap_process_report_next(c->host, &list, &told)) {
        struct tap_track *t = tap_process_get(c, &told.pid, in->ev->node, in->ts, false);
        if (!t)
            return;
        uint32_t name = t->name, label = t->label;
        bool titled = told.label && info_label(c, t, told.label, told.label_len);
        if (told.name)
            t->name = told.name;
        if (!t->label)
            t->label = tap_label_initial(c, told.initial);
        if (name != t->name || (!t->name && titled) || (!t->name && !t->title && label != t->label))
            tap_process_rename(c, t);
    }
}

/* ---- Mailboxes */

/* Named once and for all, by what its process is called now: viewers join the points of a counter
 * by its name. */
static bool info_counter(struct tap_chrome *c, struct tap_track *t)
{
    static const char head[] = "\"cat\":\"counter\",\"name\":\"mailbox ";
    if (t->mailbox)
        return true;
    /* gathered where an event would be, and taken back */
    tap_writer_put(&c->w, head, sizeof head - 1);
    tap_process_title(c, t);
    char *p = tap_text_lit(tap_writer_reserve(&c->w, 32), " [");
    p = tap_text_u64(p, t->node + 1);
    c->w.p = tap_text_lit(p, "]\"");
    t->mailbox = strndup(tap_writer_begun(&c->w), tap_writer_here(&c->w));
    tap_writer_drop(&c->w);
    c->no_memory |= !t->mailbox;
    return t->mailbox;
}

void tap_process_info_mailboxes(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    struct tap_process_report_list list = tap_process_report_begin(in->batch, in->ev);
    struct tap_pid pid;
    int64_t length;
    while (tap_process_mailbox_next(c->host, &list, &pid, &length)) {
        struct tap_track *t = tap_tracks_find(&c->tracks, &pid);
        if (!t || !t->tid || t->dead || !info_counter(c, t)) /* nothing was drawn for it */
            continue;
        tap_emit_open(c, 'C', t->node + 1, 1, in->ts, -1, t->mailbox, strlen(t->mailbox));
        tap_emit_number(c, "messages", length);
        tap_emit_close(c, 0);
    }
}
