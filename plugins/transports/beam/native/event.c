/* event.c: by its tag it is known what stands where. */
#include "transports/beam/native/event.h"

#include <stdio.h>
#include <string.h>

#include "beamtap/frame.h"

#define NAME_LIMIT 2100 /* bytes of what names somebody: two atoms are the largest */
#define SPREAD UINT64_C(0x9e3779b97f4a7c15)
#define EXTRA_PARTS 4    /* of what the agent's match specs say beside the event */
#define STACK_LIMIT 8192 /* bytes of a stack: TAP_EVENT_FIXED has room for them */

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
    a->from = enif_make_atom(env, "$beamtap_from");
    a->stack = enif_make_atom(env, "$beamtap_stack");
    a->x = enif_make_atom(env, "$beamtap_x");
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

/* Args or Arity. */
static bool put_arguments(struct tap_encoder *e, ERL_NIF_TERM arguments, size_t limit)
{
    return tap_encode(e, arguments, limit) ||
           tap_encode_cut(e, e->beyond > limit ? e->beyond : limit + 1,
                          count_arguments(e, arguments));
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
    return put_arguments(e, parts[2], limit);
}

/* What the user's own {message, X} said. What is too large of it is told in words, as the agent
 * does it (terms.hrl): a term of the user's stands there, and none of the tracer's. */
static bool put_metadata(struct tap_encoder *e, ERL_NIF_TERM term, size_t limit)
{
    char text[80];
    uint8_t head[5] = {109};
    if (tap_encode(e, term, limit))
        return true;
    unsigned long long size = e->beyond > limit ? e->beyond : limit + 1;
    unsigned by = size >= 10 << 20 ? 20 : size >= 10 << 10 ? 10 : 0;
    snprintf(text, sizeof text, "left out: at least %llu %s, above max_term", size >> by,
             by == 20   ? "MB"
             : by == 10 ? "kB"
                        : "bytes");
    tap_put_u32(head + 1, (uint32_t)strlen(text));
    return tap_encode_bytes(e, head, sizeof head) && tap_encode_bytes(e, text, strlen(text));
}

/* {'$beamtap_from', Node, Sender, X} and its like: X alone may be large. Around one of them, or
 * none, {'$beamtap_stack', Stack, One}. */
static bool put_extra(struct tap_encoder *e, const struct tap_native_atoms *a, ERL_NIF_TERM term,
                      size_t limit)
{
    int n = 0;
    const ERL_NIF_TERM *parts;
    if (enif_get_tuple(e->env, term, &n, &parts) && n == 3 && parts[0] == a->stack) {
        if (!put_tuple(e, 3) || !put_name(e, a->stack) ||
            !tap_encode_or_cut(e, parts[1], limit < STACK_LIMIT ? limit : STACK_LIMIT, -1))
            return false;
        term = parts[2];
    }
    if (enif_is_atom(e->env, term))
        return put_name(e, term);
    if (!enif_get_tuple(e->env, term, &n, &parts) || n < 2 || n > EXTRA_PARTS ||
        !enif_is_atom(e->env, parts[0]))
        return put_metadata(e, term, limit);
    bool names = parts[0] == a->from ? n == 3 : n == 2 && parts[0] != a->x;
    bool ok = put_tuple(e, (unsigned)n);
    for (int i = 0; ok && i < n - 1; i++)
        ok = put_name(e, parts[i]);
    return ok && (names ? put_name(e, parts[n - 1]) : put_metadata(e, parts[n - 1], limit));
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

/* What an event has beside its term. */
struct event_options {
    const struct tap_native_atoms *atoms;
    ERL_NIF_TERM extra, result, scheduler;
    bool has_extra, has_result, has_scheduler;
};

static void read_options(ErlNifEnv *env, const struct tap_native_atoms *a, ERL_NIF_TERM map,
                         struct event_options *o)
{
    size_t left = 0;
    enif_get_map_size(env, map, &left);
    if (left > 0)
        left -= o->has_extra = enif_get_map_value(env, map, a->extra, &o->extra);
    if (left > 0)
        left -= o->has_result = enif_get_map_value(env, map, a->match_spec_result, &o->result);
    if (left > 0)
        o->has_scheduler = enif_get_map_value(env, map, a->scheduler_id, &o->scheduler);
}

/* ---- With numbers for names */

static bool number_process(struct tap_encoder *e, ERL_NIF_TERM pid, uint32_t *number)
{
    struct tap_native_numbers *n = e->numbers;
    unsigned slot = (unsigned)((uint64_t)pid * SPREAD >> 54);
    *number = n->first + slot;
    if (n->processes[slot] == pid)
        return true;
    n->process = &n->processes[slot];
    *n->process = pid;
    uint8_t item = TAP_ITEM_PROCESS;
    return tap_encode_bytes(e, &item, 1) && tap_encode_u32(e, *number) && tap_encode_name(e, pid);
}

static bool number_function(struct tap_encoder *e, const ERL_NIF_TERM *mfa, uint32_t *number)
{
    struct tap_native_numbers *n = e->numbers;
    unsigned slot = (unsigned)(((uint64_t)mfa[0] * 31 + mfa[1]) * SPREAD >> 54);
    struct tap_native_function *f = &n->functions[slot];
    *number = n->first + slot;
    if (f->module == mfa[0] && f->function == mfa[1])
        return true;
    n->function = f;
    *f = (struct tap_native_function){mfa[0], mfa[1]};
    uint8_t item = TAP_ITEM_FUNCTION;
    return tap_encode_bytes(e, &item, 1) && tap_encode_u32(e, *number) &&
           tap_encode_name(e, mfa[0]) && tap_encode_name(e, mfa[1]);
}

static bool put_extras(struct tap_encoder *e, const struct event_options *o, size_t limit)
{
    return (!o->has_result || put_extra(e, o->atoms, o->result, limit)) &&
           (!o->has_scheduler || put_name(e, o->scheduler));
}

/* Of a call or its end, where `mfa` is {M, F, Args} or {M, F, Arity}. */
static bool put_numbered(struct tap_encoder *e, enum tap_native_tag tag, ERL_NIF_TERM tracee,
                         const ERL_NIF_TERM *mfa, const struct event_options *o, size_t limit)
{
    static const uint8_t items[] = {[TAP_TAG_CALL] = TAP_ITEM_CALL,
                                    [TAP_TAG_RETURN_FROM] = TAP_ITEM_RETURN,
                                    [TAP_TAG_EXCEPTION_FROM] = TAP_ITEM_EXCEPTION};
    uint32_t process, function;
    int arity;
    if (!number_process(e, tracee, &process) || !number_function(e, mfa, &function))
        return false;
    uint8_t item = (uint8_t)(items[tag] | (o->has_result + o->has_scheduler) << 4);
    if (!tap_encode_bytes(e, &item, 1) || !tap_encode_u32(e, process) ||
        !tap_encode_u32(e, function))
        return false;
    if (tag == TAP_TAG_CALL)
        return put_arguments(e, mfa[2], limit) && put_extras(e, o, limit);
    if (!enif_get_int(e->env, mfa[2], &arity) || arity < 0 || arity > 255)
        return false;
    uint8_t small = (uint8_t)arity;
    return tap_encode_bytes(e, &small, 1) && tap_encode_or_cut(e, o->extra, limit, -1) &&
           put_extras(e, o, limit);
}

/* Is it one of those that can be written so? */
static bool is_numbered(struct tap_encoder *e, enum tap_native_tag tag,
                        const struct tap_native_event *ev, const struct event_options *o,
                        const ERL_NIF_TERM **mfa)
{
    int n;
    bool call = tag == TAP_TAG_CALL && !o->has_extra;
    bool end = (tag == TAP_TAG_RETURN_FROM || tag == TAP_TAG_EXCEPTION_FROM) && o->has_extra;
    return (call || end) && enif_is_pid(e->env, ev->tracee) &&
           enif_get_tuple(e->env, ev->term, &n, mfa) && n == 3 && enif_is_atom(e->env, (*mfa)[0]) &&
           enif_is_atom(e->env, (*mfa)[1]);
}

/* ---- The event */

static bool put_message(struct tap_encoder *e, enum tap_native_tag tag,
                        const struct tap_native_event *ev, const struct event_options *o,
                        size_t limit)
{
    static const uint8_t trace_ts[] = {119, 8, 't', 'r', 'a', 'c', 'e', '_', 't', 's'};
    return put_tuple(e, 5u + o->has_extra + o->has_result + o->has_scheduler) &&
           tap_encode_bytes(e, trace_ts, sizeof trace_ts) && put_name(e, ev->tracee) &&
           tap_encode_name(e, ev->tag) &&
           put_body(e, tag, ev, o->has_extra ? &o->extra : NULL, limit) && put_extras(e, o, limit);
}

bool tap_event_encode(struct tap_encoder *e, const struct tap_native_atoms *a,
                      const struct tap_native_event *ev, size_t max_term)
{
    static const uint8_t message = TAP_ITEM_MESSAGE;
    const ERL_NIF_TERM *mfa;
    struct event_options o = {.atoms = a};
    enum tap_native_tag tag = event_tag(a, ev->tag);
    read_options(e->env, a, ev->options, &o);
    if (!e->numbers)
        return put_message(e, tag, ev, &o, max_term);
    e->numbers->process = NULL;
    e->numbers->function = NULL;
    if (is_numbered(e, tag, ev, &o, &mfa))
        return put_numbered(e, tag, ev->tracee, mfa, &o, max_term);
    return tap_encode_bytes(e, &message, 1) && put_message(e, tag, ev, &o, max_term);
}
