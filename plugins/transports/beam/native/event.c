/* event.c: by its tag it is known what stands where. */
#include "transports/beam/native/event.h"

#define NAME_LIMIT 2100 /* bytes of what names somebody: two atoms are the largest */
#define EXTRA_PARTS 4   /* of what the agent's match specs say beside the event */

void tap_native_atoms_make(struct tap_native_atoms *a, ErlNifEnv *env)
{
    static const char *const tags[TAP_TAG_OTHER] = {
        "call",           "return_from", "send",    "receive",
        "exception_from", "spawn",       "spawned", "send_to_non_existing_process"};
    for (int i = 0; i < TAP_TAG_OTHER; i++)
        a->tags[i] = enif_make_atom(env, tags[i]);
    a->extra = enif_make_atom(env, "extra");
    a->match_spec_result = enif_make_atom(env, "match_spec_result");
    a->scheduler_id = enif_make_atom(env, "scheduler_id");
}

static enum tap_native_tag event_tag(const struct tap_native_atoms *a, ERL_NIF_TERM tag)
{
    for (int i = 0; i < TAP_TAG_OTHER; i++)
        if (a->tags[i] == tag)
            return (enum tap_native_tag)i;
    return TAP_TAG_OTHER;
}

static bool put_tuple(struct tap_encoder *e, unsigned arity)
{
    uint8_t head[2] = {104, (uint8_t)arity};
    return tap_encode_bytes(e, head, 2);
}

/* What names somebody is small, or it is not what it should be. */
static bool put_name(struct tap_encoder *e, ERL_NIF_TERM term)
{
    static const uint8_t undefined[] = {119, 9, 'u', 'n', 'd', 'e', 'f', 'i', 'n', 'e', 'd'};
    return tap_encode(e, term, NAME_LIMIT) || tap_encode_bytes(e, undefined, sizeof undefined);
}

/* How many arguments: functions have 255 at the most, so a longer list is none of arguments. */
static int count_arguments(struct tap_encoder *e, ERL_NIF_TERM list)
{
    ERL_NIF_TERM head;
    int n = 0;
    while (n <= 255 && enif_get_list_cell(e->env, list, &head, &list))
        n++;
    return n <= 255 && enif_is_empty_list(e->env, list) ? n : -1;
}

/* {M, F, Args} or {M, F, Arity}; anything else as a payload. */
static bool put_function(struct tap_encoder *e, ERL_NIF_TERM mfa, size_t limit)
{
    int n;
    const ERL_NIF_TERM *parts;
    if (!enif_get_tuple(e->env, mfa, &n, &parts) || n != 3 || !enif_is_atom(e->env, parts[0]) ||
        !enif_is_atom(e->env, parts[1]))
        return tap_encode_or_cut(e, mfa, limit, -1);
    if (!put_tuple(e, 3) || !tap_encode_name(e, parts[0]) || !tap_encode_name(e, parts[1]))
        return false;
    return tap_encode(e, parts[2], limit) ||
           tap_encode_cut(e, e->beyond > limit ? e->beyond : limit + 1,
                          count_arguments(e, parts[2]));
}

/* {'$beamtap_from', Node, Sender, X} and its like: X alone may be large. */
static bool put_extra(struct tap_encoder *e, ERL_NIF_TERM term, size_t limit)
{
    int n;
    const ERL_NIF_TERM *parts;
    if (!enif_get_tuple(e->env, term, &n, &parts) || n < 2 || n > EXTRA_PARTS ||
        !enif_is_atom(e->env, parts[0]))
        return tap_encode_or_cut(e, term, limit, -1);
    bool ok = put_tuple(e, (unsigned)n);
    for (int i = 0; ok && i < n - 1; i++)
        ok = put_name(e, parts[i]);
    return ok && tap_encode_or_cut(e, parts[n - 1], limit, -1);
}

/* What the tag announces. */
static bool put_body(struct tap_encoder *e, enum tap_native_tag tag,
                     const struct tap_native_event *ev, const ERL_NIF_TERM *extra, size_t limit)
{
    switch (tag) {
    case TAP_TAG_CALL: return put_function(e, ev->term, limit);
    case TAP_TAG_RETURN_FROM:
    case TAP_TAG_EXCEPTION_FROM:
        return put_name(e, ev->term) && (!extra || tap_encode_or_cut(e, *extra, limit, -1));
    case TAP_TAG_SEND:
    case TAP_TAG_SEND_TO_NOBODY:
        return tap_encode_or_cut(e, ev->term, limit, -1) && (!extra || put_name(e, *extra));
    case TAP_TAG_SPAWN:
    case TAP_TAG_SPAWNED:
        return put_name(e, ev->term) && (!extra || put_function(e, *extra, limit));
    default:
        return tap_encode_or_cut(e, ev->term, limit, -1) &&
               (!extra || tap_encode_or_cut(e, *extra, limit, -1));
    }
}

static bool option(ErlNifEnv *env, ERL_NIF_TERM options, ERL_NIF_TERM key, ERL_NIF_TERM *value)
{
    return enif_get_map_value(env, options, key, value);
}

bool tap_event_encode(struct tap_encoder *e, const struct tap_native_atoms *a,
                      const struct tap_native_event *ev, size_t max_term)
{
    static const uint8_t trace_ts[] = {119, 8, 't', 'r', 'a', 'c', 'e', '_', 't', 's'};
    ERL_NIF_TERM extra, result, scheduler;
    size_t options = 0;
    bool has_extra = false, has_result = false, has_scheduler = false;
    enif_get_map_size(e->env, ev->options, &options);
    if (options > 0) {
        has_extra = option(e->env, ev->options, a->extra, &extra);
        has_result =
            options > has_extra && option(e->env, ev->options, a->match_spec_result, &result);
        has_scheduler = options > (size_t)has_extra + has_result &&
                        option(e->env, ev->options, a->scheduler_id, &scheduler);
    }
    enum tap_native_tag tag = event_tag(a, ev->tag);
    return put_tuple(e, 5u + has_extra + has_result + has_scheduler) &&
           tap_encode_bytes(e, trace_ts, sizeof trace_ts) && put_name(e, ev->tracee) &&
           tap_encode_name(e, ev->tag) &&
           put_body(e, tag, ev, has_extra ? &extra : NULL, max_term) &&
           (!has_result || put_extra(e, result, max_term)) &&
           (!has_scheduler || put_name(e, scheduler));
}
