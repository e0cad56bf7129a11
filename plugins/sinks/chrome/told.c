/* told.c: what the node tells of processes that no event of theirs says: what they are called, and how many messages wait
 * for them. */
#include "atom.h"
#include "chrome.h"

#define TAP_TOLD_LABEL 100u /* bytes of a printed label */

/* ---- Names ------------------------------------------------------------------------------------------------------ */

/* One fact about a process: an atom is its registered name, {M,F,A} its initial call. */
static void told_fact(struct tap_chrome *c, struct tap_track *t, struct tap_cursor cur)
{
    uint32_t n;
    int64_t arity;
    if (tap_peek(&cur) == TAP_EXT_SMALL_TUPLE && tap_read_tuple(&cur, &n) && n == 3) {
        struct tap_cursor proc_lib = cur, apply = cur;
        if ((tap_match_atom(&proc_lib, "proc_lib") && tap_match_atom(&proc_lib, "init_p")) ||
            (tap_match_atom(&apply, "erlang") && tap_match_atom(&apply, "apply")))
            return; /* true of nearly all: the bare pid says as much, and its spawn may still tell more */
        uint32_t m = tap_sink_atom(c->host, &cur), f = tap_sink_atom(c->host, &cur);
        bool told = m && f && tap_read_i64(&cur, &arity) && arity >= 0 && arity < 256 && !t->label;
        const struct tap_label *label = told ? tap_label_get(c, m, f, (int32_t)arity) : NULL;
        if (label)
            t->label = label->id;
        return;
    }
    uint32_t name = tap_sink_atom(c->host, &cur);
    if (name)
        t->name = name;
}

/* Its process label, as the node would print it. True: that is new. */
static bool told_label(struct tap_chrome *c, struct tap_track *t, const uint8_t *term, size_t len)
{
    char text[6 * TAP_TOLD_LABEL + 64];
    struct tap_print print = c->nodes[t->node].print;
    print.limit = TAP_TOLD_LABEL;
    size_t n = c->host->term_print(c->host, text, sizeof text, term, len, &print);
    if (!n || n > sizeof text || (t->title && strlen(t->title) == n && !memcmp(t->title, text, n)))
        return false;
    free(t->title);
    t->title = strndup(text, n);
    c->no_memory |= !t->title;
    return t->title;
}

/* The facts of one process: a fact, or a list of {Key, Fact}. True: it has a new label. */
static bool told_facts(struct tap_chrome *c, struct tap_track *t, struct tap_cursor cur)
{
    uint32_t n, pair;
    bool titled = false;
    if (tap_peek(&cur) != TAP_EXT_LIST) {
        told_fact(c, t, cur);
        return false;
    }
    for (bool ok = tap_read_list(&cur, &n); ok && n > 0; n--) {
        if (!tap_read_tuple(&cur, &pair) || pair != 2)
            return titled;
        bool label = tap_match_atom(&cur, "label");
        bool known = label || tap_match_atom(&cur, "registered_name") ||
                     tap_match_atom(&cur, "initial_call") || tap_match_atom(&cur, "name");
        if (!known && !tap_skip(&cur))
            return titled;
        struct tap_cursor value = cur;
        if (!tap_skip(&cur))
            return titled;
        if (label)
            titled |= told_label(c, t, value.p, (size_t)(cur.p - value.p));
        else if (known)
            told_fact(c, t, value);
    }
    return titled;
}

/* {Pid, and its second element is left to read. */
static bool told_pid(struct tap_chrome *c, struct tap_cursor *cur, struct tap_pid *pid)
{
    uint32_t pair, len;
    const char *node;
    if (!tap_read_tuple(cur, &pair) || pair != 2 || !tap_read_pid(cur, &node, &len, pid))
        return false;
    pid->node = c->host->intern(c->host, node, len);
    return true;
}

void tap_told_info(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    struct tap_cursor cur = tap_cursor(in->batch->arena + in->ev->payload.off, in->ev->payload.len);
    struct tap_pid pid;
    uint32_t n = 0;
    if (!tap_read_list(&cur, &n))
        return;
    for (; n > 0 && told_pid(c, &cur, &pid); n--) {
        struct tap_cursor facts = cur;
        if (!tap_skip(&cur))
            return;
        struct tap_track *t = tap_process_get(c, &pid, in->ev->node, in->ts, false);
        if (!t)
            return;
        uint32_t name = t->name, label = t->label;
        bool titled = told_facts(c, t, facts);
        if (name != t->name || (!t->name && titled) || (!t->name && !t->title && label != t->label))
            tap_process_rename(c, t);
    }
}

/* ---- Mailboxes -------------------------------------------------------------------------------------------------- */

/* Named once and for all, by what its process is called now: viewers join the points of a counter by its name. */
static bool told_counter(struct tap_chrome *c, struct tap_track *t)
{
    static const char head[] = "\"cat\":\"counter\",\"name\":\"mailbox ";
    if (t->mailbox)
        return true;
    tap_writer_put(&c->w, head, sizeof head - 1); /* gathered where an event would be, and taken back */
    tap_process_title(c, t);
    char *p = tap_text_lit(tap_writer_reserve(&c->w, 32), " [");
    p = tap_text_u64(p, t->node + 1);
    c->w.p = tap_text_lit(p, "]\"");
    t->mailbox = strndup(tap_writer_begun(&c->w), tap_writer_here(&c->w));
    tap_writer_drop(&c->w);
    c->no_memory |= !t->mailbox;
    return t->mailbox;
}

void tap_told_mailboxes(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    struct tap_cursor cur = tap_cursor(in->batch->arena + in->ev->payload.off, in->ev->payload.len);
    struct tap_pid pid;
    uint32_t n = 0;
    int64_t length;
    if (!tap_read_list(&cur, &n))
        return;
    for (; n > 0 && told_pid(c, &cur, &pid) && tap_read_i64(&cur, &length); n--) {
        struct tap_track *t = tap_tracks_find(&c->tracks, &pid);
        if (!t || !t->tid || t->dead || !told_counter(c, t)) /* nothing was drawn for it */
            continue;
        tap_emit_open(c, 'C', t->node + 1, 1, in->ts, -1, t->mailbox, strlen(t->mailbox));
        tap_emit_number(c, "messages", length);
        tap_emit_close(c, 0);
    }
}
