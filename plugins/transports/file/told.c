/* told.c: see told.h. */
#include "transports/file/told.h"

/* The one term of a control frame of the file's own, opened as a tuple of `arity`. */
bool tap_told_term(const struct tap_frame *h, const uint8_t *frame, uint32_t arity, const char *tag,
                   struct tap_cursor *c)
{
    uint32_t n;
    if (h->length < 5)
        return false;
    *c = tap_cursor(frame + TAP_FRAME_HEADER + 4, h->length - 4);
    tap_read_version(c);
    return tap_read_tuple(c, &n) && n == arity && tap_match_atom(c, tag);
}

static bool read_kinds(const struct tap_host *host, struct tap_cursor *c, uint32_t *kinds)
{
    uint32_t n = 0;
    *kinds = 0;
    if (tap_peek(c) == TAP_EXT_NIL)
        return tap_read_nil(c);
    if (!tap_read_list(c, &n))
        return false;
    for (uint32_t i = 0; i < n && !c->bad; i++) {
        unsigned k = 0;
        while (k <= TAP_KIND_USER_LAST && !tap_match_atom(c, host->kind_name(k)))
            k++;
        if (k <= TAP_KIND_USER_LAST)
            *kinds |= TAP_KIND_BIT(k);
        else
            tap_skip(c); /* of a later version */
    }
    return tap_read_nil(c);
}

/* A binary as a string of its own; an earlier one is let go. */
static void read_text(struct tap_cursor *c, char **text)
{
    const uint8_t *bytes;
    uint32_t len;
    if (!tap_read_binary(c, &bytes, &len))
        return;
    free(*text);
    *text = strndup((const char *)bytes, len);
}

/* A binary; NULL for '_'. False: it is neither. */
static bool read_name(struct tap_cursor *c, const char **text)
{
    char *copy = NULL;
    *text = NULL;
    if (tap_match_atom(c, "_"))
        return true;
    read_text(c, &copy);
    *text = copy;
    return copy;
}

#define RETURNED_MAX (1u << 16)

static bool read_returned(struct tap_cursor *c, struct tap_told *told)
{
    uint32_t n = 0, three;
    int64_t arity;
    if (tap_peek(c) == TAP_EXT_NIL)
        return tap_read_nil(c);
    if (told->returned || !tap_read_list(c, &n) || n > RETURNED_MAX || n > tap_left(c) ||
        !(told->returned = calloc(n + 1, sizeof *told->returned)))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct tap_plan_function *f = &told->returned[told->returned_count++];
        *f = (struct tap_plan_function){.struct_size = sizeof *f, .flags = TAP_PLAN_RETURN};
        if (!tap_read_tuple(c, &three) || three != 3 || !read_name(c, &f->module) ||
            !read_name(c, &f->function) || !tap_read_i64(c, &arity))
            return false;
        f->arity = arity >= 0 && arity <= 255 ? (int)arity : -1;
    }
    return tap_read_nil(c);
}

void tap_told_free(struct tap_told *told)
{
    for (size_t i = 0; i < told->returned_count; i++) {
        free((char *)(uintptr_t)told->returned[i].module);
        free((char *)(uintptr_t)told->returned[i].function);
    }
    free(told->returned);
    free(told->run);
    free(told->config);
    *told = (struct tap_told){0};
}

bool tap_told_session(const struct tap_host *host, struct tap_cursor *c,
                      struct tap_run_info *session, struct tap_told *told)
{
    uint32_t pairs, kinds = session->events;
    int64_t started = session->started;
    bool several = false;
    if (!tap_read_map(c, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs && !c->bad; i++) {
        if (tap_match_atom(c, "started"))
            tap_read_i64(c, &started);
        else if (tap_match_atom(c, "several_nodes"))
            several = tap_match_atom(c, "true") || (tap_skip(c) && false);
        else if (tap_match_atom(c, "events"))
            read_kinds(host, c, &kinds);
        else if (tap_match_atom(c, "run"))
            read_text(c, &told->run);
        else if (tap_match_atom(c, "config"))
            read_text(c, &told->config);
        else if (tap_match_atom(c, "returns"))
            c->bad |= !read_returned(c, told);
        else
            tap_skip(c), tap_skip(c);
    }
    if (c->bad)
        return false;
    session->started = started == tap_told_started(started) ? started : session->started;
    session->events &= kinds;
    session->several_nodes = several;
    session->run = told->run ? told->run : session->run;
    session->config = told->config ? told->config : session->config;
    session->returned = told->returned;
    session->returned_count = told->returned_count;
    return true;
}
