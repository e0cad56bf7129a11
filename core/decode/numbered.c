/* numbered.c: two tables, in chunks that are there when the first of their numbers is defined.
 *
 * A relay numbers by what hashes say, so its numbers have gaps; but one that leaves large gaps on
 * purpose gets little memory for what it sends: chunks are small. The pages of the arrays that
 * point to them are there when they are used.
 */
#include "decode/numbered.h"

#include <stdlib.h>

#include "beamtap/frame.h"
#include "decode/reader.h"

#define CHUNK 32u
#define CHUNKS (TAP_ITEM_NUMBERS / CHUNK)

/* The name of nobody, and one that there is no more room for, are 0 as well: `defined` says it. */
struct number_process {
    struct tap_pid pid;
    uint32_t defined;
};
struct number_function {
    uint32_t module, function, defined;
};
struct tap_numbers {
    bool recorded;
    uint32_t process_limit, function_limit; /* of recorded frames: so many are defined */
    uint32_t chunks;                        /* none is behind the first so many, in either table */
    struct number_process *processes[CHUNKS];
    struct number_function *functions[CHUNKS];
};

struct tap_numbers *tap_numbers_new(void)
{
    struct tap_numbers *n = calloc(1, sizeof *n);
    if (n)
        tap_numbers_begin(n, false);
    return n;
}

void tap_numbers_free(struct tap_numbers *n)
{
    for (uint32_t i = 0; n && i < n->chunks; i++) {
        free(n->processes[i]);
        free(n->functions[i]);
    }
    free(n);
}

void tap_numbers_begin(struct tap_numbers *n, bool recorded)
{
    n->recorded = recorded;
    n->process_limit = n->function_limit = recorded ? 0 : TAP_ITEM_NUMBERS;
}

/* ---- Definitions */

/* The number of a definition, which is below *limit from here on. */
static bool read_number(const struct tap_numbers *n, struct tap_cursor *c, uint32_t *limit,
                        uint32_t *number)
{
    if (!tap_item_number(c, number))
        return false;
    if (!n->recorded)
        return *number < *limit;
    return *number == (*limit)++ && *number < TAP_ITEM_RECORDED;
}

/* The one that this number is in. */
static void *new_chunk(struct tap_numbers *n, uint32_t number, size_t size)
{
    void *chunk = calloc(CHUNK, size);
    if (chunk && number / CHUNK >= n->chunks)
        n->chunks = number / CHUNK + 1;
    return chunk;
}

static bool define_process(struct tap_numbers *n, struct tap_message_reader *r)
{
    uint32_t number;
    struct number_process process = {.defined = true};
    if (!read_number(n, &r->c, &n->process_limit, &number))
        return false;
    const uint8_t *from = r->c.p;
    if (!tap_decode_pid(r, &process.pid) || r->c.p - from > TAP_ITEM_DEFINED)
        return false;
    struct number_process **chunk = &n->processes[number / CHUNK];
    if (!*chunk && !(*chunk = new_chunk(n, number, sizeof **chunk)))
        return false;
    (*chunk)[number % CHUNK] = process;
    return true;
}

static bool define_function(struct tap_numbers *n, struct tap_message_reader *r)
{
    uint32_t number;
    struct number_function mf = {.defined = true};
    if (!read_number(n, &r->c, &n->function_limit, &number))
        return false;
    const uint8_t *from = r->c.p;
    mf.module = tap_decode_name(r);
    mf.function = tap_decode_name(r);
    struct number_function **chunk = &n->functions[number / CHUNK];
    if (r->c.bad || r->c.p - from > TAP_ITEM_DEFINED ||
        (!*chunk && !(*chunk = new_chunk(n, number, sizeof **chunk))))
        return false;
    (*chunk)[number % CHUNK] = mf;
    return true;
}

/* ---- Events */

/* Who and which function. */
static bool read_numbers(const struct tap_numbers *n, struct tap_cursor *c, struct tap_event *ev)
{
    uint32_t process, function;
    if (!tap_item_number(c, &process) || !tap_item_number(c, &function) ||
        process >= n->process_limit || function >= n->function_limit)
        return false;
    const struct number_process *p = n->processes[process / CHUNK];
    const struct number_function *f = n->functions[function / CHUNK];
    if (!p || !f)
        return false;
    p += process % CHUNK;
    f += function % CHUNK;
    ev->pid = p->pid;
    ev->module = f->module;
    ev->function = f->function;
    return p->defined && f->defined;
}

static bool read_rest(struct tap_message_reader *r, unsigned item, struct tap_event *ev)
{
    if (item == TAP_ITEM_CALL) {
        ev->kind = TAP_FUNCTION_CALL;
        return tap_decode_arguments(r, ev);
    }
    ev->kind = item == TAP_ITEM_RETURN ? TAP_FUNCTION_RETURN : TAP_FUNCTION_EXCEPTION;
    if (tap_left(&r->c) < 1)
        return false;
    ev->arity = *r->c.p++;
    return tap_decode_payload(r, ev);
}

static enum tap_decoded read_event(const struct tap_numbers *n, struct tap_message_reader *r,
                                   struct tap_node_clock *clock, unsigned item,
                                   struct tap_event *ev)
{
    int64_t monotonic;
    bool timer = false;
    unsigned extras = item >> 4;
    if (!read_numbers(n, &r->c, ev) || !read_rest(r, item & 15, ev))
        return TAP_DECODE_BAD;
    for (; extras > 0; extras--)
        if (!tap_decode_extra(r, ev, &timer))
            return TAP_DECODE_BAD;
    if (!tap_decode_plain(&r->c, &monotonic))
        return TAP_DECODE_BAD;
    tap_decode_at(clock, monotonic, ev);
    return TAP_DECODED;
}

enum tap_decoded tap_decode_numbered(struct tap_numbers *n, struct tap_atom_cache *atoms,
                                     struct tap_node_clock *clock, const uint8_t *arena,
                                     uint32_t *off, uint32_t end, struct tap_event *ev)
{
    struct tap_message_reader r = {tap_cursor(arena + *off, end - *off), atoms, arena, true};
    enum tap_decoded decoded = TAP_DECODE_BAD;
    bool more = true;
    uint32_t at, begun = *off;
    while (more && tap_left(&r.c) > 0) {
        unsigned item = *r.c.p++;
        begun = (uint32_t)(r.c.p - arena) - 1;
        if (!tap_item_known(item))
            break;
        switch (item & 15) {
        case TAP_ITEM_PROCESS: more = define_process(n, &r); break;
        case TAP_ITEM_FUNCTION: more = define_function(n, &r); break;
        case TAP_ITEM_MESSAGE:
            at = (uint32_t)(r.c.p - arena);
            decoded = tap_decode_item(atoms, clock, arena, &at, end, ev, true);
            r.c.p = arena + at;
            more = false;
            break;
        case TAP_ITEM_CALL:
        case TAP_ITEM_RETURN:
        case TAP_ITEM_EXCEPTION:
            decoded = read_event(n, &r, clock, item, ev);
            more = false;
            break;
        default: more = false;
        }
    }
    if (decoded == TAP_DECODE_BAD || r.c.bad)
        return TAP_DECODE_BAD;
    *off = (uint32_t)(r.c.p - arena);
    ev->raw = (struct tap_span){begun, *off - begun};
    return decoded;
}
