/* reasons.c: see reasons.h. */
#include "sinks/common/reasons.h"

#include <stdio.h>

#include "sinks/common/payload_atom.h"

void tap_reasons_free(struct tap_reason_counts *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        free(r->at[i].text);
    free(r->at);
    tap_map_free(&r->by);
    *r = (struct tap_reason_counts){0};
}

/* [{M, F, Arity or Args, Location} | _], as a stack begins; where the innermost call was. */
static bool read_stack(const struct tap_host *host, struct tap_cursor cur, struct tap_mfa *where)
{
    uint32_t n, four;
    int64_t arity = 0;
    if (tap_peek(&cur) != TAP_EXT_LIST || !tap_read_list(&cur, &n) || !n ||
        !tap_read_tuple(&cur, &four) || four != 4)
        return false;
    uint32_t m = tap_sink_atom(host, &cur), f = tap_sink_atom(host, &cur);
    const uint8_t *bytes;
    uint32_t args = 0;
    if (tap_peek(&cur) == TAP_EXT_STRING && tap_read_string(&cur, &bytes, &args))
        arity = args;
    else if (tap_peek(&cur) == TAP_EXT_LIST && tap_read_list(&cur, &args))
        arity = args;
    else if (tap_peek(&cur) != TAP_EXT_NIL && !tap_read_i64(&cur, &arity))
        return false;
    if (!m || !f || arity < 0 || arity > 255)
        return false;
    *where = (struct tap_mfa){m, f, (int32_t)arity};
    return true;
}

/* Prints the reason; its length. */
static size_t reason_print(const struct tap_host *host, const struct tap_batch *batch,
                           const struct tap_event *e, const struct tap_print *print, char *dst,
                           size_t cap, struct tap_mfa *where)
{
    const uint8_t *term = batch->arena + e->payload.off;
    struct tap_cursor cur = tap_cursor(term, e->payload.len), first;
    size_t len = e->payload.len, n = 0;
    uint32_t two;
    if (e->kind == TAP_FUNCTION_EXCEPTION)
        *where = (struct tap_mfa){e->module, e->function, e->arity};
    if (len && tap_read_tuple(&cur, &two) && two == 2) {
        first = cur;
        if (tap_skip(&cur) && e->kind == TAP_FUNCTION_EXCEPTION) {
            n = host->term_print(host, dst, cap, first.p, (size_t)(cur.p - first.p), print);
            n = n < cap - 1 ? n : cap - 1;
            dst[n++] = ':';
            term = cur.p;
            len = tap_left(&cur);
        } else if (!cur.bad && read_stack(host, cur, where)) {
            term = first.p;
            len = (size_t)(cur.p - first.p);
        }
    }
    size_t rest = len ? host->term_print(host, dst + n, cap - n, term, len, print) : 0;
    return n + (rest < cap - n ? rest : cap - n);
}

uint32_t tap_reasons_add(struct tap_reason_counts *r, const struct tap_host *host,
                         const struct tap_batch *batch, const struct tap_event *e, uint32_t process,
                         struct tap_print print)
{
    char text[TAP_REASON_TEXT + 64];
    struct tap_mfa where = {0, 0, -1};
    print.limit = TAP_REASON_TEXT / 2;
    /* where the limit cuts there is room for what says so: no character is cut in two */
    size_t n = reason_print(host, batch, e, &print, text, sizeof text, &where);
    uint64_t key = tap_map_mix(tap_map_bytes(text, n),
                               tap_map_mix((uint64_t)where.module << 32 | where.function, 5));
    if (!r->count) {
        if (!tap_grow(&r->at, 0, sizeof *r->at))
            return UINT32_MAX;
        r->at[r->count++] = (struct tap_reason_count){0};
    }
    uint32_t *at = tap_map_get(&r->by, key, r->count < TAP_REASONS);
    if (!at && r->count < TAP_REASONS)
        return UINT32_MAX;
    if (at && !*at) {
        char *copy = malloc(n + 1);
        if (!copy || !tap_grow(&r->at, r->count, sizeof *r->at)) {
            free(copy);
            return UINT32_MAX;
        }
        memcpy(copy, text, n);
        copy[n] = 0;
        r->at[r->count] = (struct tap_reason_count){
            .text = copy, .where = where, .process = process, .first = e->ts};
        *at = r->count++;
    }
    struct tap_reason_count *one = &r->at[at ? *at : 0];
    one->count++;
    one->last = e->ts;
    return at ? *at : 0;
}
