/* bloom.c: see bloom.h. */
#include "sinks/record/bloom.h"

#include <stdlib.h>

#define PART 120u /* so much of a block its record may be */
#define SPARSE 8u /* a filter of which so much is empty is folded, */
#define PER_BYTE 8u

static void block_begin(struct tap_bloom *h)
{
    h->unknown = false;
    h->kinds = h->node_count = 0;
    memset(h->bits, 0, sizeof h->bits);
    memset(h->processes, 0xff, sizeof h->processes);
    memset(h->functions, 0xff, sizeof h->functions);
}

void tap_bloom_begin(struct tap_bloom *h, const struct tap_host *host)
{
    memset(h, 0, sizeof *h);
    h->host = host;
    block_begin(h);
}

void tap_bloom_free(struct tap_bloom *h)
{
    tap_buf_free(&h->records);
    free(h->names);
    h->names = NULL;
}

/* 0: it has none, or there is no memory. */
static uint64_t name_of(struct tap_bloom *h, uint32_t id)
{
    if (id == 0)
        return 0;
    if (id >= h->name_count) {
        uint32_t count = (id / TAP_NAME_CHUNK + 1) * TAP_NAME_CHUNK;
        uint64_t *more = realloc(h->names, count * sizeof *more);
        if (!more)
            return 0;
        memset(more + h->name_count, 0, (count - h->name_count) * sizeof *more);
        h->names = more;
        h->name_count = count;
    }
    if (!h->names[id]) {
        const struct tap_name *name = tap_name_get(h->host, id);
        h->names[id] = tap_bloom_name(name->text, name->len);
    }
    return h->names[id];
}

/* A name whose hash is 0 is told as none: then the block has to be read. */
void tap_bloom_call(struct tap_bloom *h, const struct tap_event *e)
{
    uint64_t module = name_of(h, e->module), function = name_of(h, e->function);
    h->unknown |= !module || !function;
    tap_bloom_add(h->bits, TAP_BLOOM_BITS_MAX, tap_bloom_module(module));
    tap_bloom_add(h->bits, TAP_BLOOM_BITS_MAX, tap_bloom_function(module, function));
}

void tap_bloom_node(struct tap_bloom *h, uint32_t node, uint32_t events, int64_t last)
{
    uint32_t i = 0;
    while (i < h->node_count && h->nodes[i].node != node)
        i++;
    if (i == TAP_BLOOM_NODES) {
        h->unknown = true;
        return;
    }
    if (i == h->node_count)
        h->nodes[h->node_count++] = (struct tap_bloom_seen_node){.node = node};
    h->nodes[i].events += events;
    h->nodes[i].last = last;
    h->unknown |= h->nodes[i].events > UINT16_MAX || node > UINT16_MAX;
}

/* ---- Records */

static uint32_t ones(const uint8_t *bits, uint32_t len)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < len; i += 8)
        n += (uint32_t)__builtin_popcountll(tap_get_u64(bits + i));
    return n;
}

/* As short as it may be, and as what is in it lets it. Its length. */
static uint32_t fold(uint8_t *bits, uint32_t most)
{
    uint32_t len = TAP_BLOOM_BITS_MAX;
    while (len > TAP_BLOOM_BITS_MIN && (len > most || ones(bits, len) * SPARSE < len * PER_BYTE)) {
        len /= 2;
        for (uint32_t i = 0; i < len; i++)
            bits[i] |= bits[len + i];
    }
    return len;
}

static void put_record(struct tap_bloom *h, uint32_t length)
{
    uint32_t front = TAP_BLOOM_RECORD + h->node_count * TAP_BLOOM_NODE, most = length / PART;
    uint32_t bits = fold(h->bits, most > front ? most - front : 0);
    if (!tap_buf_reserve(&h->records, front + bits))
        return;
    uint8_t *p = h->records.data + h->records.len;
    p[0] = (uint8_t)((front + bits - 2) >> 8), p[1] = (uint8_t)(front + bits - 2);
    p[2] = (uint8_t)(h->node_count >> 8), p[3] = (uint8_t)h->node_count;
    tap_put_u32(p + 4, h->kinds);
    for (uint32_t i = 0; i < h->node_count; i++) {
        const struct tap_bloom_seen_node *n = &h->nodes[i];
        uint8_t *to = p + TAP_BLOOM_RECORD + i * TAP_BLOOM_NODE;
        to[0] = (uint8_t)(n->node >> 8), to[1] = (uint8_t)n->node;
        to[2] = (uint8_t)(n->events >> 8), to[3] = (uint8_t)n->events;
        tap_put_u64(to + 4, (uint64_t)n->last);
    }
    memcpy(p + front, h->bits, bits);
    h->records.len += front + bits;
}

void tap_bloom_end(struct tap_bloom *h, uint32_t length, bool events)
{
    if (events && !h->unknown && h->node_count) {
        put_record(h, length);
    } else if (tap_buf_reserve(&h->records, 2)) {
        memset(h->records.data + h->records.len, 0, 2);
        h->records.len += 2;
    }
    h->blocks++;
    if (h->kinds || h->unknown || h->node_count)
        block_begin(h);
}

void tap_bloom_clear(struct tap_bloom *h)
{
    h->records.len = 0;
    h->records.oom = false;
    h->blocks = 0;
}
