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

bool tap_told_session(const struct tap_host *host, struct tap_cursor *c,
                      struct tap_run_info *session, char **run, char **config)
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
            read_text(c, run);
        else if (tap_match_atom(c, "config"))
            read_text(c, config);
        else
            tap_skip(c), tap_skip(c);
    }
    if (c->bad)
        return false;
    session->started = started > 0 && started <= INT64_MAX / 2 ? started : session->started;
    session->events &= kinds;
    session->several_nodes = several;
    session->run = *run ? *run : session->run;
    session->config = *config ? *config : session->config;
    return true;
}
