/* expand.c: see expand.h. */
#include "transports/file/expand.h"

#include "syntax/atom_size.h"

/* So many terms at the cursor, which goes past them. */
static bool read_terms(struct tap_cursor *c, uint32_t n, struct tap_cursor *terms)
{
    const uint8_t *from = c->p;
    for (; n > 0; n--)
        if (!tap_skip(c))
            return false;
    *terms = tap_cursor(from, (size_t)(c->p - from));
    return true;
}

static void put_terms(struct tap_buf *b, struct tap_cursor terms)
{
    tap_buf_put(b, terms.p, tap_left(&terms));
}

/* A definition, which has the next number, begins. */
static bool is_next(struct tap_cursor *c, uint32_t count)
{
    uint32_t number;
    return tap_item_number(c, &number) && number == count && number < TAP_ITEM_RECORDED;
}

/* An atom that the core takes for a name: as items or as messages, the same is unreadable. */
static bool read_name(struct tap_cursor *c)
{
    const char *text;
    uint32_t len;
    bool latin1;
    return tap_read_atom(c, &text, &len, &latin1) && tap_atom_fits(text, len, latin1);
}

static bool define_process(struct tap_expand *e, struct tap_cursor *c)
{
    const char *node;
    uint32_t len;
    struct tap_pid unused;
    if (!is_next(c, e->process_count))
        return false;
    const uint8_t *from = c->p;
    struct tap_cursor atom = *c;
    if (!tap_read_pid(c, &node, &len, &unused))
        return false;
    atom.p++; /* behind the tag */
    if (!read_name(&atom))
        return false;
    e->processes[e->process_count++] = tap_cursor(from, (size_t)(c->p - from));
    return c->p - from <= TAP_ITEM_DEFINED;
}

static bool define_function(struct tap_expand *e, struct tap_cursor *c)
{
    if (!is_next(c, e->function_count))
        return false;
    const uint8_t *from = c->p;
    if (!read_name(c) || !read_name(c))
        return false;
    e->functions[e->function_count++] = tap_cursor(from, (size_t)(c->p - from));
    return c->p - from <= TAP_ITEM_DEFINED;
}

/* The time behind an item. */
static bool put_time(struct tap_cursor *c, struct tap_buf *b)
{
    if (tap_left(c) < 8)
        return tap_cursor_fail(c);
    tap_write_i64(b, (int64_t)tap_get_u64(c->p));
    c->p += 8;
    return true;
}

/* A trace message that has all but its last element. */
static bool put_message(struct tap_cursor *c, struct tap_buf *b)
{
    struct tap_cursor at = *c, message;
    uint32_t arity;
    if (!tap_read_tuple(&at, &arity) || arity < 2 || !tap_match_atom(&at, "trace_ts") ||
        !read_terms(&at, arity - 2, &message))
        return tap_cursor_fail(c);
    tap_buf_put(b, c->p, (size_t)(at.p - c->p));
    *c = at;
    return put_time(c, b);
}

/* A call, return or exception, whose names are numbers. */
static bool put_named(struct tap_expand *e, struct tap_cursor *c, struct tap_buf *b, unsigned item)
{
    static const char *const tags[] = {"call", "return_from", "exception_from"};
    unsigned kind = (item & 15) - TAP_ITEM_CALL;
    uint32_t process, function, extras = item >> 4;
    struct tap_cursor first, more;
    bool call = kind == 0;
    if (!tap_item_number(c, &process) || !tap_item_number(c, &function) ||
        process >= e->process_count || function >= e->function_count || tap_left(c) == 0)
        return tap_cursor_fail(c);
    unsigned arity = call ? 0 : *c->p++;
    if (!read_terms(c, 1, &first) || !read_terms(c, extras, &more))
        return false;
    tap_write_tuple(b, (call ? 5 : 6) + extras);
    tap_write_atom(b, "trace_ts");
    put_terms(b, e->processes[process]);
    tap_write_atom(b, tags[kind]);
    tap_write_tuple(b, 3);
    put_terms(b, e->functions[function]);
    if (!call)
        tap_write_i64(b, arity);
    put_terms(b, first);
    put_terms(b, more);
    return put_time(c, b);
}

/* The next event, with what is defined before it. False: there is none whole. */
static bool put_event(struct tap_expand *e, struct tap_cursor *c)
{
    while (tap_left(c) > 0) {
        unsigned item = *c->p++;
        bool more = false;
        if (!tap_item_known(item))
            return false;
        switch (item & 15) {
        case TAP_ITEM_PROCESS: more = define_process(e, c); break;
        case TAP_ITEM_FUNCTION: more = define_function(e, c); break;
        case TAP_ITEM_MESSAGE: return put_message(c, &e->out);
        case TAP_ITEM_CALL:
        case TAP_ITEM_RETURN:
        case TAP_ITEM_EXCEPTION: return put_named(e, c, &e->out, item);
        default: break;
        }
        if (!more)
            return false;
    }
    return false;
}

bool tap_expand_frame(struct tap_expand *e, struct tap_frame *h, const uint8_t **frame)
{
    struct tap_cursor c = tap_cursor(*frame + TAP_FRAME_HEADER, h->length);
    struct tap_buf *b = &e->out;
    uint8_t head[TAP_FRAME_HEADER] = {0};
    uint32_t count = 0;
    bool whole = true;
    b->len = 0;
    e->process_count = e->function_count = 0;
    tap_buf_put(b, head, sizeof head);
    tap_write_version(b);
    tap_write_list(b, h->count);
    while (whole && count < h->count) {
        size_t before = b->len;
        whole = put_event(e, &c) && b->len < TAP_FRAME_MAX;
        count += whole;
        b->len = whole ? b->len : before;
    }
    if (whole)
        tap_write_nil(b);
    if (b->oom)
        return false;
    h->flags = (uint8_t)((h->flags & ~TAP_FRAME_NUMBERED) | TAP_FRAME_ONE_LIST);
    h->length = (uint32_t)b->len - TAP_FRAME_HEADER;
    tap_frame_write(b->data, h);
    *frame = b->data;
    return true;
}
