/* function_labels.c: a function's name as people write it, made once for all its calls.
 *
 * shop_cart:add/2 for Erlang, Shop.Cart.add/2 for modules that Elixir named. Names come from the
 * traced code, so their number is bounded by it, and labels are kept for the whole run, each in one
 * piece with its text. The table is open addressed on the three numbers that make a function; a
 * lookup is two or three cache lines.
 */
#include "sinks/chrome/timeline.h"
#include "sinks/common/call_rules.h"

static uint32_t label_hash(uint32_t module, uint32_t function, int32_t arity)
{
    uint64_t h = ((uint64_t)module << 32 | function) * 0x9e3779b97f4a7c15ull;
    h = (h ^ (h >> 32) ^ (uint32_t)arity) * 0xd6e8feb86659fd93ull;
    return (uint32_t)(h >> 32);
}

#define TAP_LABEL_BLOCK 65536u

struct tap_label_block {
    struct tap_label_block *next;
    size_t size;
    _Alignas(8) char data[];
};

bool tap_labels_start(struct tap_chrome *c)
{
    struct tap_labels *l = &c->labels;
    l->cap = 512;
    l->mask = 1023;
    l->count = 1;
    l->items = calloc(l->cap, sizeof(struct tap_label *));
    l->slots = calloc(l->mask + 1, sizeof(struct tap_label *));
    return l->items && l->slots;
}

void tap_labels_free(struct tap_labels *l)
{
    for (struct tap_label_block *b = l->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(l->items);
    free(l->slots);
    memset(l, 0, sizeof *l);
}

/* Memory for a label whose tail has so many bytes at most; what it does not need is given back by
 * label_keep. */
static struct tap_label *label_room(struct tap_labels *l, size_t tail)
{
    size_t need = (sizeof(struct tap_label) + tail + 7) & ~(size_t)7;
    if (need > l->room) {
        size_t size = need > TAP_LABEL_BLOCK ? need : TAP_LABEL_BLOCK;
        struct tap_label_block *b = malloc(sizeof *b + size);
        if (!b)
            return NULL;
        b->next = l->blocks;
        b->size = l->room = size;
        l->blocks = b;
    }
    return (struct tap_label *)(void *)(l->blocks->data + (l->blocks->size - l->room));
}

static void label_keep(struct tap_labels *l, const struct tap_label *label)
{
    l->room -= (sizeof *label + label->tail_len + 7) & ~(size_t)7;
}

static bool labels_grow(struct tap_labels *l)
{
    struct tap_label **items = realloc(l->items, 2 * (size_t)l->cap * sizeof *items);
    if (!items)
        return false;
    l->items = items;
    uint32_t mask = l->mask * 2 + 1;
    struct tap_label **slots = calloc((size_t)mask + 1, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 1; i < l->count; i++) {
        uint32_t at = label_hash(items[i]->module, items[i]->function, items[i]->arity) & mask;
        while (slots[at])
            at = (at + 1) & mask;
        slots[at] = items[i];
    }
    free(l->slots);
    l->slots = slots;
    l->mask = mask;
    l->cap *= 2;
    return true;
}

char *tap_label_name(char *dst, const struct tap_name *name)
{
    size_t len;
    const char *text = tap_name_display(name, &len);
    return tap_emit_escape(dst, text, len);
}

static char *label_print(char *p, const struct tap_name *m, const struct tap_name *f, int32_t arity)
{
    const struct tap_function_text text = tap_function_text_of(m, f);
    for (size_t i = 0; i < sizeof text.before / sizeof *text.before; i++)
        p = tap_emit_escape(p, text.before[i].text, text.before[i].len);
    *p++ = '/';
    p = tap_text_i64(p, arity);
    for (size_t i = 0; i < sizeof text.behind / sizeof *text.behind; i++)
        p = tap_emit_escape(p, text.behind[i].text, text.behind[i].len);
    return p;
}

static struct tap_label *label_make(struct tap_chrome *c, uint32_t module, uint32_t function,
                                    int32_t arity)
{
    const struct tap_name *m = tap_name_get(c->host, module), *f = tap_name_get(c->host, function);
    size_t longest = m->atom_len > m->elixir_len ? m->atom_len : m->elixir_len;
    longest += f->atom_len > f->remote_len ? f->atom_len : f->remote_len;
    struct tap_label *label = label_room(&c->labels, 6 * longest + 64);
    if (!label)
        return NULL;
    char *p = tap_text_lit(label->tail, "\"cat\":\"call\",\"name\":\"");
    label->name_off = (uint32_t)(p - label->tail);
    p = label_print(p, m, f, arity);
    label->name_len = (uint32_t)(p - label->tail) - label->name_off;
    *p++ = '"';
    label->tail_len = (uint32_t)(p - label->tail);
    label->module = module;
    label->function = function;
    label->arity = arity;
    label->returns = tap_returns_traced(c->host, m->text, f->text, arity);
    label_keep(&c->labels, label);
    return label;
}

struct tap_label *tap_label_get(struct tap_chrome *c, uint32_t module, uint32_t function,
                                int32_t arity)
{
    struct tap_labels *l = &c->labels;
    uint32_t at = label_hash(module, function, arity) & l->mask;
    for (struct tap_label *i; (i = l->slots[at]); at = (at + 1) & l->mask)
        if (i->module == module && i->function == function && i->arity == arity)
            return i;
    if (l->count == l->cap) {
        if (!labels_grow(l)) {
            c->no_memory = true;
            return NULL;
        }
        return tap_label_get(c, module, function, arity);
    }
    struct tap_label *made = label_make(c, module, function, arity);
    if (!made) {
        c->no_memory = true;
        return NULL;
    }
    made->id = l->count++;
    l->items[made->id] = l->slots[at] = made;
    return made;
}

uint32_t tap_label_initial(struct tap_chrome *c, struct tap_initial_call f)
{
    const struct tap_label *label =
        f.function ? tap_label_get(c, f.module, f.function, f.arity) : NULL;
    return label ? label->id : 0;
}

void tap_labels_fetch(const struct tap_labels *l, const struct tap_event *soon,
                      const struct tap_event *later)
{
    const struct tap_label *label =
        l->slots[label_hash(soon->module, soon->function, soon->arity) & l->mask];
    if (label) {
        __builtin_prefetch(label);
        __builtin_prefetch(label->tail + 32);
    }
    __builtin_prefetch(
        &l->slots[label_hash(later->module, later->function, later->arity) & l->mask]);
}
