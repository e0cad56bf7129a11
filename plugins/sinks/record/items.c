/* items.c: see items.h. What the core had no room for in its table of names is empty here, as it is
 * in all outputs. */
#include "sinks/record/items.h"

#define NUMBERS 8u /* bytes of the two numbers behind an item's tag */

void tap_items_begin(struct tap_items *i)
{
    if (++i->frame == 0) {
        memset(i, 0, sizeof *i);
        i->frame = 1;
    }
    i->processes = i->functions = 0;
}

static void put_name(struct tap_writer *w, uint32_t id)
{
    const struct tap_name *name = tap_name_get(w->host, id);
    uint8_t *p = (uint8_t *)w->p;
    bool small = name->len < 256;
    *p++ = small ? TAP_EXT_SMALL_ATOM_UTF8 : TAP_EXT_ATOM_UTF8;
    if (!small)
        *p++ = (uint8_t)(name->len >> 8);
    *p++ = (uint8_t)name->len;
    memcpy(p, name->text, name->len);
    w->p = (char *)p + name->len;
}

static void put_u32(struct tap_writer *w, uint32_t v)
{
    tap_put_u32((uint8_t *)w->p, v);
    w->p += 4;
}

static void define(struct tap_writer *w, enum tap_item item, uint32_t number, size_t names)
{
    tap_writer_reserve(w, 1 + 4 + names + 16);
    *w->p++ = (char)item;
    put_u32(w, number);
}

static size_t name_room(const struct tap_writer *w, uint32_t id)
{
    return 3 + (size_t)tap_name_get(w->host, id)->len;
}

static uint32_t process_number(struct tap_items *i, struct tap_writer *w, const struct tap_pid *pid)
{
    unsigned at = (pid->id ^ pid->serial * 31u) % TAP_ITEMS_SEEN;
    bool known = i->process[at].frame == i->frame && tap_pid_same(&i->process[at].pid, pid);
    if (__builtin_expect(!known, 0)) {
        i->process[at].frame = i->frame;
        i->process[at].pid = *pid;
        i->process[at].number = i->processes++;
        define(w, TAP_ITEM_PROCESS, i->process[at].number, name_room(w, pid->node));
        *w->p++ = (char)TAP_EXT_NEW_PID;
        put_name(w, pid->node);
        put_u32(w, pid->id), put_u32(w, pid->serial), put_u32(w, pid->creation);
    }
    return i->process[at].number;
}

static uint32_t function_number(struct tap_items *i, struct tap_writer *w,
                                const struct tap_event *e)
{
    unsigned at = (e->module * 7u ^ e->function) % TAP_ITEMS_SEEN;
    bool known = i->function[at].frame == i->frame && i->function[at].module == e->module &&
                 i->function[at].function == e->function;
    if (__builtin_expect(!known, 0)) {
        i->function[at].frame = i->frame;
        i->function[at].module = e->module;
        i->function[at].function = e->function;
        i->function[at].number = i->functions++;
        define(w, TAP_ITEM_FUNCTION, i->function[at].number,
               name_room(w, e->module) + name_room(w, e->function));
        put_name(w, e->module);
        put_name(w, e->function);
    }
    return i->function[at].number;
}

void tap_items_put(struct tap_items *i, struct tap_writer *w, const struct tap_batch *b,
                   const struct tap_event *e)
{
    const uint8_t *item = b->arena + e->raw.off;
    if ((item[0] & 15) == TAP_ITEM_MESSAGE) {
        tap_writer_put(w, item, e->raw.len);
        return;
    }
    uint32_t process = process_number(i, w, &e->pid), function = function_number(i, w, e);
    tap_writer_reserve(w, 1 + NUMBERS);
    *w->p++ = (char)item[0];
    put_u32(w, process);
    put_u32(w, function);
    tap_writer_put(w, item + 1 + NUMBERS, e->raw.len - 1 - NUMBERS);
}
