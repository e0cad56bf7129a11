/* call.c: one call: made as a trace of its own, and its result printed. */
#include "library/library.h"

#include <stdlib.h>
#include <string.h>

#include "base/sized.h"
#include "term/print.h"

static char *printed(struct tap_trace *t, const uint8_t *term, size_t len)
{
    const struct tap_node *node = tap_session_node_facts(t->session, 0);
    struct tap_print how = {.syntax = t->call.syntax,
                            .printable_unicode = node && node->printable_unicode,
                            .has_maybe = node && tap_node_has_maybe(node),
                            .node_name = node ? node->name_id : 0};
    const struct tap_names *names = tap_session_names(t->session);
    size_t need = tap_term_print(names, NULL, 0, term, len, &how);
    char *text = malloc(need + 1);
    if (text) {
        tap_term_print(names, text, need, term, len, &how);
        text[need] = 0;
    }
    return text;
}

static enum tap_call_end end_of(const char *kind)
{
    static const char *const kinds[] = {
        [TAP_CALL_RETURNED] = "returned", [TAP_CALL_THROW] = "throw",
        [TAP_CALL_ERROR] = "error",       [TAP_CALL_EXIT] = "exit",
        [TAP_CALL_DIED] = "died",         [TAP_CALL_TIMEOUT] = "timeout",
        [TAP_CALL_STOPPED] = "stopped"};
    for (unsigned i = TAP_CALL_RETURNED; i <= TAP_CALL_STOPPED; i++)
        if (strcmp(kinds[i], kind) == 0)
            return (enum tap_call_end)i;
    return TAP_CALL_NONE;
}

/* {Reason, Stack} into its parts. */
static bool exception_parts(const uint8_t *term, size_t len, size_t *reason_off, size_t *reason_len)
{
    struct tap_cursor c = tap_cursor(term, len);
    uint32_t arity;
    if (!tap_read_tuple(&c, &arity) || arity != 2)
        return false;
    *reason_off = (size_t)(c.p - term);
    if (!tap_skip(&c))
        return false;
    *reason_len = (size_t)(c.p - term) - *reason_off;
    return true;
}

static void read_result(struct tap_trace *t, struct tap_call_result *r)
{
    const char *kind;
    const uint8_t *term;
    size_t len, off = 0, part;
    *r = (struct tap_call_result){.text = "", .stack = ""};
    if (!tap_trace_wait(t, 0) || !tap_session_call_result(t->session, &kind, &term, &len) ||
        len < 2)
        return;
    r->end = end_of(kind);
    if (r->end == TAP_CALL_NONE || r->end == TAP_CALL_TIMEOUT || r->end == TAP_CALL_STOPPED)
        return;
    term++, len--; /* the version byte */
    part = len;
    bool exception =
        r->end == TAP_CALL_THROW || r->end == TAP_CALL_ERROR || r->end == TAP_CALL_EXIT;
    bool parts = exception && exception_parts(term, len, &off, &part);
    pthread_mutex_lock(&t->lock);
    if (!t->result)
        t->result = printed(t, term + off, part);
    if (!t->stack && parts)
        t->stack = printed(t, term + off + part, len - off - part);
    r->text = t->result ? t->result : "";
    r->stack = t->stack ? t->stack : "";
    pthread_mutex_unlock(&t->lock);
    r->term = term + off;
    r->term_len = part;
}

void tap_trace_result(struct tap_trace *t, struct tap_call_result *result)
{
    struct tap_call_result all;
    if (!t || !result)
        return;
    read_result(t, &all);
    TAP_SIZED_FILL(result, &all);
}

enum tap_status tap_trace_call(const struct tap_trace_options *options, const struct tap_call *call,
                               struct tap_trace **trace, struct tap_call_result *result, char **why)
{
    struct tap_trace_options with = {0}; /* too short, where the caller's are */
    const struct tap_call_result none = {.text = "", .stack = ""};
    if (result)
        TAP_SIZED_FILL(result, &none);
    if (trace)
        *trace = NULL;
    if (!options || !call || !trace) /* without a call the whole node would be traced */
        return tap_library_invalid(
            why, "a call needs options, what is called, and a place where its trace is put");
    if (TAP_SIZED_READ(&with, options, log_arg))
        with.call = call;
    enum tap_status status = tap_trace_start(&with, trace, why);
    if (status != TAP_OK)
        return status;
    tap_trace_wait(*trace, -1);
    tap_trace_result(*trace, result);
    return tap_trace_stop(*trace, why);
}
