/* claim.c: a filter's claims, copied as they are made, and how two entries meet.
 *
 * Module names may be globs (* and ?). Two globs that overlap without one containing the other have
 * no glob for their common part: then one of them stands for it, and somebody must look at what
 * comes too much.
 */
#include "plan/claim.h"

#include <stdlib.h>
#include <string.h>

#include "base/sized.h"

/* ---- Lists */

static bool grow(struct tap_mempool *pool, void **items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return true;
    size_t more = *cap ? *cap * 2 : 8;
    void *grown = tap_mempool_alloc(pool, more * size);
    if (!grown)
        return false;
    if (count)
        memcpy(grown, *items, count * size);
    *items = grown;
    *cap = more;
    return true;
}

bool plan_add_function(struct plan_functions *l, struct tap_mempool *pool,
                       const struct tap_plan_function *f)
{
    if (!grow(pool, (void **)&l->items, l->count, &l->cap, sizeof *f))
        return false;
    l->items[l->count++] = *f;
    return true;
}
bool plan_add_process(struct plan_processes *l, struct tap_mempool *pool,
                      const struct tap_plan_process *p)
{
    if (!grow(pool, (void **)&l->items, l->count, &l->cap, sizeof *p))
        return false;
    l->items[l->count++] = *p;
    return true;
}
bool plan_add_message(struct plan_messages *l, struct tap_mempool *pool,
                      const struct tap_plan_message *m)
{
    if (!grow(pool, (void **)&l->items, l->count, &l->cap, sizeof *m))
        return false;
    l->items[l->count++] = *m;
    return true;
}

/* ---- Claims */

struct tap_claim *tap_claim_new(void)
{
    struct tap_claim *c = calloc(1, sizeof *c);
    if (c && !(c->pool = tap_mempool_new())) {
        free(c);
        c = NULL;
    }
    return c;
}

void tap_claim_free(struct tap_claim *c)
{
    if (!c)
        return;
    tap_mempool_free(c->pool);
    free(c);
}

static const char *claim_text(struct tap_claim *c, const char *text)
{
    char *copy = text ? tap_mempool_strdup(c->pool, text, strlen(text)) : NULL;
    c->oom |= text && !copy;
    return copy;
}

static struct tap_text claim_where(struct tap_claim *c, const struct tap_text *where)
{
    return (struct tap_text){claim_text(c, where->text), claim_text(c, where->file), where->line,
                             where->column};
}

static const uint8_t *claim_spec(struct tap_claim *c, const uint8_t *spec, size_t *len)
{
    if (!spec || *len == 0) {
        *len = 0;
        return NULL;
    }
    char *copy = tap_mempool_strdup(c->pool, (const char *)spec, *len);
    c->oom |= !copy;
    return (const uint8_t *)copy;
}

void tap_claim_function(struct tap_claim *c, const struct tap_plan_function *f)
{
    struct tap_plan_function copy;
    if (!TAP_SIZED_READ(&copy, f, where)) {
        c->short_struct = true;
        return;
    }
    copy.module = claim_text(c, f->module);
    copy.function = claim_text(c, f->function);
    copy.spec = claim_spec(c, copy.spec, &copy.spec_len);
    copy.where = claim_where(c, &f->where);
    c->oom |= !plan_add_function(&c->functions, c->pool, &copy);
}

void tap_claim_process(struct tap_claim *c, const struct tap_plan_process *p)
{
    struct tap_plan_process copy;
    if (!TAP_SIZED_READ(&copy, p, where)) {
        c->short_struct = true;
        return;
    }
    copy.text = claim_text(c, p->text);
    copy.where = claim_where(c, &p->where);
    c->oom |= !plan_add_process(&c->processes, c->pool, &copy);
}

static void claim_message(struct tap_claim *c, struct plan_messages *list,
                          const struct tap_plan_message *m)
{
    struct tap_plan_message copy;
    if (!TAP_SIZED_READ(&copy, m, where)) {
        c->short_struct = true;
        return;
    }
    copy.spec = claim_spec(c, copy.spec, &copy.spec_len);
    copy.where = claim_where(c, &m->where);
    c->oom |= !plan_add_message(list, c->pool, &copy);
}

void tap_claim_send(struct tap_claim *c, const struct tap_plan_message *m)
{
    claim_message(c, &c->sends, m);
}
void tap_claim_receive(struct tap_claim *c, const struct tap_plan_message *m)
{
    claim_message(c, &c->receives, m);
}

/* ---- Globs as sets of names */

static bool is_glob(const char *name)
{
    return name[strcspn(name, "*?")] != '\0';
}

static size_t character(const char *p)
{
    size_t n = 1;
    while (((unsigned char)p[n] & 0xC0) == 0x80)
        n++;
    return n;
}

/* Does `outer` match everything that `inner`, a name or a glob, matches? Reads inner as a text in
 * which * and ? are letters of their own: outer's * takes any of them, its ? any but *. True is
 * always right; a containment that needs case analysis (a?* in a*?) may be missed, which costs a
 * verdict and nothing else. */
static bool glob_contains(const char *outer, const char *inner)
{
    const char *star = NULL, *resume = NULL;
    while (*inner) {
        if (*outer == '*') {
            star = outer++;
            resume = inner;
        } else if (*outer == '?' && *inner != '*') {
            outer++;
            inner += character(inner);
        } else if (*outer == *inner && *outer != '?') {
            outer++;
            inner++;
        } else if (star) {
            outer = star + 1;
            inner = resume += character(resume);
        } else {
            return false;
        }
    }
    while (*outer == '*')
        outer++;
    return !*outer;
}

/* Can no name match both? Compares what must stand in front of the first wildcards, and behind the
 * last ones. */
static bool globs_apart(const char *a, const char *b)
{
    size_t front_a = strcspn(a, "*?"), front_b = strcspn(b, "*?");
    size_t front = front_a < front_b ? front_a : front_b;
    if (strncmp(a, b, front) != 0)
        return true;
    const char *end_a = a + strlen(a), *end_b = b + strlen(b);
    while (end_a > a && end_b > b && end_a[-1] != '*' && end_a[-1] != '?' && end_b[-1] != '*' &&
           end_b[-1] != '?') {
        if (*--end_a != *--end_b)
            return true;
    }
    return false;
}

/* ---- Entries */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool plan_function_same(const struct tap_plan_function *a, const struct tap_plan_function *b)
{
    return same_text(a->module, b->module) && same_text(a->function, b->function) &&
           a->arity == b->arity && a->spec_len == b->spec_len &&
           (a->spec_len == 0 || memcmp(a->spec, b->spec, a->spec_len) == 0);
}

bool plan_process_same(const struct tap_plan_process *a, const struct tap_plan_process *b)
{
    return a->type == b->type && (a->type == TAP_PROCESS_NEW || same_text(a->text, b->text));
}

enum plan_overlap plan_function_overlap(const struct tap_plan_function *a,
                                        const struct tap_plan_function *b,
                                        struct tap_plan_function *both)
{
    enum plan_overlap overlap = PLAN_SAME;
    const struct tap_plan_function *module = a; /* whose module is the narrower one */
    if ((a->function && b->function && strcmp(a->function, b->function) != 0) ||
        (a->arity >= 0 && b->arity >= 0 && a->arity != b->arity))
        return PLAN_APART;
    if (!a->module || (b->module && glob_contains(a->module, b->module)))
        module = b;
    else if (b->module && !glob_contains(b->module, a->module)) {
        if (!is_glob(a->module) || !is_glob(b->module) || globs_apart(a->module, b->module))
            return PLAN_APART;
        overlap = PLAN_LOOSE;
        module = b->spec ? b : a; /* the entry with the spec: nobody else can decide that */
    }
    const struct tap_plan_function *spec = b->spec ? b : a;
    *both = *spec;
    both->module = module->module;
    both->function = a->function ? a->function : b->function;
    both->arity = a->arity >= 0 ? a->arity : b->arity;
    both->flags = (a->flags | b->flags) & ~(uint32_t)TAP_PLAN_EXACT;
    if (overlap == PLAN_SAME)
        both->flags |= a->flags & b->flags & TAP_PLAN_EXACT;
    if (!spec->spec)
        both->where = module->where;
    return overlap;
}

/* Two different pids are two processes, and so are two names: a process has one name at the most.
 * Whether a name, a new process or a descendant is another entry's process only the node can
 * tell. */
enum plan_overlap plan_process_overlap(const struct tap_plan_process *a,
                                       const struct tap_plan_process *b,
                                       struct tap_plan_process *both)
{
    *both = *a;
    both->flags = (a->flags | b->flags) & ~(uint32_t)TAP_PLAN_EXACT;
    if (plan_process_same(a, b)) {
        both->flags |= a->flags & b->flags & TAP_PLAN_EXACT;
        return PLAN_SAME;
    }
    bool plain = a->type == TAP_PROCESS_PID || a->type == TAP_PROCESS_NAME;
    return plain && a->type == b->type ? PLAN_APART : PLAN_LOOSE;
}

bool tap_claim_has_specs(const struct tap_claim *c)
{
    bool specs = c->sends.count > 0 || c->receives.count > 0;
    for (size_t i = 0; i < c->functions.count; i++)
        specs |= c->functions.items[i].spec_len > 0;
    return specs;
}
