/* filter:match_spec: keeps what a match spec accepts, written readably (`trace`) or raw (`spec`).
 *
 * Everything is compiled when the filter is created, so that `check` can refuse a wrong line without a node, and all
 * of it is pushed down. Judged live is only the function, by module, name and arity: the arguments have been matched
 * in the node. (Matching them here as well would begin from ms_entry.spec, in judge.)
 *
 * The VM keeps one match spec for each function, the last one set. Entries are alternatives, though, so those of one
 * function become clauses of one spec, and an entry for a single function also carries the clauses of the wider
 * entries that contain it, and is claimed after them.
 */
#include "../name.h"
#include "spec.h"

struct tap_match_spec_settings {
    struct tap_text_list trace, spec;
};
static const struct tap_option match_spec_options[] = {
    {.name = "trace",
     .type = TAP_OPT_LINES,
     .help =
         "module:function(Pattern, ...) | module:function/arity | Shop.Cart.add(_, N) | send(To, Message) | "
         "receive(Node, Sender, Message), then [when Guard] [-> return, exception, caller, message(X)]; "
         "patterns "
         "are Erlang's, alternatives of a guard are separated by ;",
     .offset = offsetof(struct tap_match_spec_settings, trace)},
    {.name = "spec",
     .type = TAP_OPT_LINES,
     .help = "module:function/arity [{Head, Conditions, Body}, ...] as erlang:trace_pattern takes it; also "
             "send [...], receive [...]",
     .offset = offsetof(struct tap_match_spec_settings, spec)},
};

/* What judge compares an event with. */
struct match_target {
    const char *glob; /* of the module, when it has wildcards */
    uint32_t module;  /* name ids; 0: any (or glob) */
    uint32_t function;
    int arity; /* -1: any */
};
struct tap_match_spec {
    const struct tap_host *host;
    struct ms_arena arena;
    struct ms_entry *entries; /* the widest first, otherwise as configured */
    struct match_target *targets;
    struct tap_buf *specs; /* of each entry: external term with version */
    size_t count, calls;
};

static void match_spec_destroy(void *self)
{
    struct tap_match_spec *m = self;
    if (!m)
        return;
    for (size_t i = 0; m->specs && i < m->count; i++)
        tap_buf_free(&m->specs[i]);
    free(m->specs);
    free(m->targets);
    free(m->entries);
    tap_ms_arena_free(&m->arena);
    free(m);
}

/* ---- Entries */

static bool is_wild(const char *module)
{
    return !module || strpbrk(module, "*?");
}

/* How much an entry leaves open: wider ones are claimed first. */
static int openness(const struct ms_entry *e)
{
    return (!e->module ? 8 : is_wild(e->module) ? 4 : 0) + (!e->function ? 2 : 0) + (e->arity < 0);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static bool same_target(const struct ms_entry *a, const struct ms_entry *b)
{
    return a->target == b->target && a->arity == b->arity && same_text(a->module, b->module) &&
           same_text(a->function, b->function);
}

/* Is every function of `narrow` one of `wide` too? */
static bool contains(const struct ms_entry *wide, const struct ms_entry *narrow)
{
    if (wide->target != narrow->target || wide->target != MS_CALLS)
        return false;
    bool module = !wide->module || same_text(wide->module, narrow->module) ||
                  (narrow->module && !is_wild(narrow->module) && tap_name_glob(wide->module, narrow->module));
    return module && (!wide->function || same_text(wide->function, narrow->function)) &&
           (wide->arity < 0 || wide->arity == narrow->arity);
}

/* Reads one text into the next entry, kept in order of openness. */
static enum tap_status read_entry(struct tap_match_spec *m, const struct tap_text *where, bool raw)
{
    struct ms_source source = {.host = m->host, .arena = &m->arena, .where = where};
    struct ms_entry e;
    if (!(raw ? tap_ms_read_spec : tap_ms_read_trace)(&source, &e))
        return TAP_INVALID;
    size_t at = m->count++;
    for (; at > 0 && openness(&m->entries[at - 1]) < openness(&e); at--)
        m->entries[at] = m->entries[at - 1];
    m->entries[at] = e;
    m->calls += e.target == MS_CALLS;
    return TAP_OK;
}

/* Takes other entries' clauses into entry i: those of the same function, in order, then those of wider ones. What was
 * joined into an earlier entry is not claimed itself. */
static bool write_spec(struct tap_match_spec *m, size_t i)
{
    struct ms_entry *e = &m->entries[i];
    struct ms_source source = {.host = m->host, .arena = &m->arena, .where = e->where};
    struct tap_buf clauses = {0}, *b = &m->specs[i];
    uint32_t count = 0, flags = e->flags;
    for (int wider = 0; wider < 2; wider++)
        for (size_t j = 0; j < m->count; j++) {
            const struct ms_entry *o = &m->entries[j];
            bool same = same_target(o, e);
            if (same && j < i && !wider)
                return tap_buf_free(&clauses), true; /* it went into entry j */
            if (wider ? same || !contains(o, e) : !same)
                continue;
            for (size_t k = 0; k < o->spec->count; k++, count++)
                if (!tap_ms_encode(&source, &clauses, o->spec->items[k]))
                    return tap_buf_free(&clauses), false;
            flags |= o->flags & (TAP_PLAN_RETURN | TAP_PLAN_EXCEPTION | TAP_PLAN_CALLER);
        }
    tap_write_version(b);
    tap_write_list(b, count);
    tap_buf_put(b, clauses.data, clauses.len);
    tap_write_nil(b);
    bool ok = !clauses.oom && !b->oom;
    tap_buf_free(&clauses);
    e->flags = flags;
    return ok || tap_ms_fail_oom(&source);
}

static bool set_target(struct tap_match_spec *m, size_t i)
{
    const struct ms_entry *e = &m->entries[i];
    struct match_target *t = &m->targets[i];
    t->arity = e->arity;
    if (e->module && is_wild(e->module))
        t->glob = e->module;
    else if (e->module && !(t->module = m->host->intern(m->host, e->module, strlen(e->module))))
        return false;
    return !e->function || (t->function = m->host->intern(m->host, e->function, strlen(e->function)));
}

static enum tap_status match_spec_create(const struct tap_host *host, const void *settings, void **self)
{
    const struct tap_match_spec_settings *s = settings;
    size_t n = s->trace.count + s->spec.count;
    if (n == 0)
        return TAP_FAIL(host, TAP_INVALID, "it has neither a 'trace' nor a 'spec'");
    struct tap_match_spec *m = calloc(1, sizeof *m);
    if (m) {
        m->host = host;
        m->entries = calloc(n, sizeof *m->entries);
        m->targets = calloc(n, sizeof *m->targets);
        m->specs = calloc(n, sizeof *m->specs);
    }
    if (!m || !m->entries || !m->targets || !m->specs) {
        match_spec_destroy(m);
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    }
    enum tap_status status = TAP_OK;
    for (size_t i = 0; i < n; i++) {
        bool raw = i >= s->trace.count;
        if (read_entry(m, raw ? &s->spec.items[i - s->trace.count] : &s->trace.items[i], raw) != TAP_OK)
            status = TAP_INVALID;
    }
    for (size_t i = m->count;
         status == TAP_OK && i-- > 0;) { /* from the narrow end: flags spread downwards only */
        if (!write_spec(m, i))
            status = TAP_INVALID;
        else if (!set_target(m, i))
            status = TAP_FAIL(host, TAP_ERROR, "the table of names is full");
    }
    if (status != TAP_OK)
        match_spec_destroy(m);
    else
        *self = m;
    return status;
}

static enum tap_status match_spec_plan(void *self, struct tap_claim *claim)
{
    struct tap_match_spec *m = self;
    for (size_t i = 0; i < m->count; i++) {
        const struct ms_entry *e = &m->entries[i];
        const struct tap_buf *b = &m->specs[i];
        if (!b->len)
            continue; /* joined into an earlier one */
        if (e->target == MS_CALLS) {
            struct tap_plan_function f = {.module = e->module,
                                          .function = e->function,
                                          .arity = e->arity,
                                          .flags = e->flags,
                                          .spec = b->data,
                                          .spec_len = b->len,
                                          .where = *e->where};
            m->host->claim_function(claim, &f);
        } else {
            struct tap_plan_message p = {
                .spec = b->data, .spec_len = b->len, .flags = e->flags, .where = *e->where};
            (e->target == MS_SENDS ? m->host->claim_send : m->host->claim_receive)(claim, &p);
        }
    }
    return TAP_OK;
}

/* ---- Judging */

static bool match_function(const struct tap_match_spec *m, const struct tap_event *e)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct match_target *t = &m->targets[i];
        if (m->entries[i].target == MS_CALLS && (!t->module || t->module == e->module) &&
            (!t->function || t->function == e->function) && (t->arity < 0 || t->arity == e->arity) &&
            (!t->glob || tap_name_glob(t->glob, tap_name_get(m->host, e->module)->text)))
            return true;
    }
    return false;
}

#define MATCH_SPEC_KINDS                                                   \
    (TAP_KIND_BIT(TAP_FUNCTION_CALL) | TAP_KIND_BIT(TAP_FUNCTION_RETURN) | \
     TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION))

static void match_spec_judge(void *self, const struct tap_batch *batch, uint8_t *keep)
{
    const struct tap_match_spec *m = self;
    for (uint32_t i = 0; m->calls && i < batch->count; i++) {
        const struct tap_event *e = tap_batch_event(batch, i);
        if (keep[i] && TAP_KIND_BIT(e->kind) & MATCH_SPEC_KINDS && !match_function(m, e))
            keep[i] = 0;
    }
}

static const struct tap_filter_ops match_spec_ops = {.struct_size = sizeof match_spec_ops,
                                                     .create = match_spec_create,
                                                     .plan = match_spec_plan,
                                                     .judge = match_spec_judge,
                                                     .destroy = match_spec_destroy};
static const struct tap_plugin match_spec_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_FILTER,
    .name = "match_spec",
    .version = TAP_VERSION,
    .summary = "keeps the calls and messages that a match spec accepts",
    .license = "Apache-2.0",
    .options = match_spec_options,
    .option_count = sizeof match_spec_options / sizeof match_spec_options[0],
    .settings_size = sizeof(struct tap_match_spec_settings),
    .ops = &match_spec_ops,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &match_spec_plugin;
}
