/* gen_table.c: calls of gen_server that are under way, by key, in sets. Memory is bounded: the
 * oldest call of a set makes room for a new one, whose reply then gives no slice. */
#include "sinks/chrome/gen_table.h"

#define TAP_GEN_SETS (TAP_CHROME_CALLS / TAP_GEN_WAYS)
#define TAP_GEN_WAYS 8u

bool tap_gen_start(struct tap_chrome *c)
{
    c->gen = calloc(1, sizeof *c->gen);
    return c->gen;
}

void tap_gen_free(struct tap_chrome *c)
{
    for (uint32_t i = 0; c->gen && i < TAP_CHROME_CALLS; i++)
        free(c->gen->open[i].text);
    free(c->gen);
}

static struct tap_gen_open *gen_set(struct tap_chrome *c, uint64_t key)
{
    return &c->gen->open[(key ^ key >> 31) % TAP_GEN_SETS * TAP_GEN_WAYS];
}

struct tap_gen_open *tap_gen_find(struct tap_chrome *c, uint64_t key)
{
    struct tap_gen_open *set = gen_set(c, key);
    for (uint32_t i = 0; i < TAP_GEN_WAYS; i++)
        if (set[i].key == key)
            return &set[i];
    return NULL;
}

void tap_gen_unlink(struct tap_gen_open *o)
{
    for (struct tap_gen_open **at = &o->track->calls; *at; at = &(*at)->next)
        if (*at == o) {
            *at = o->next;
            o->track->call_count--;
            break;
        }
    o->next = NULL;
    o->track = NULL;
}

void tap_gen_drop(struct tap_gen_open *o)
{
    if (o->track)
        tap_gen_unlink(o);
    free(o->text);
    *o = (struct tap_gen_open){0};
}

void tap_gen_forget(const struct tap_track *t)
{
    while (t->calls)
        tap_gen_drop(t->calls);
}

struct tap_gen_open *tap_gen_place(struct tap_chrome *c, uint64_t key)
{
    struct tap_gen_open *o = tap_gen_find(c, key), *set = gen_set(c, key);
    for (uint32_t i = 0; !o && i < TAP_GEN_WAYS; i++)
        if (!set[i].key)
            o = &set[i];
    for (uint32_t i = 0; (!o || o->key) && i < TAP_GEN_WAYS; i++)
        if (!o || (o->key != key && set[i].seen < o->seen))
            o = &set[i];
    if (o->key)
        tap_gen_drop(o);
    return o;
}
