/* filter:match_spec: keeps what a match spec accepts, written readably (`trace`) or raw (`spec`).
 *
 * Everything is compiled when the filter is created, so that `check` can refuse a wrong line
 * without a node, and all of it is pushed down. Where no node judges, or judges more than one sink
 * wants, it is judged here as the VM would (verdict.c).
 *
 * Each line is a claim of its own. The VM keeps one match spec for each function, the last one set,
 * so whoever sets them in the node must join the clauses of all entries that a function fits (the
 * agent does).
 */
#include "filters/common/name.h"
#include "syntax/glob.h"
#include "filters/match_spec/verdict.h"

struct tap_match_spec_settings {
    struct tap_text_list trace, spec;
    int undecided; /* 1: left out */
};
static const char *const undecided_choices[] = {"keep", "drop", NULL};
static const struct tap_option match_spec_options[] = {
    {.name = "trace",
     .type = TAP_OPT_LINES,
     .help =
         "module:function(Pattern, ...) | module:function/arity | module | send(To, Message) | "
         "receive(Node, Sender, Message), then [when Guard] [-> return, exception, caller, stack, "
         "message(X)]; stack: who called, frame by frame (costly before OTP 26, see the "
         "reference); "
         "patterns are Erlang's, alternatives of a guard are separated by ; and behind a function "
         "that is written as Elixir writes it (Shop.Cart.add, :lists.map) they are Elixir's: "
         "Shop.Cart.add(_, %{price: p}) when p > 3 -> return",
     .offset = offsetof(struct tap_match_spec_settings, trace)},
    {.name = "spec",
     .type = TAP_OPT_LINES,
     .help = "module:function/arity [{Head, Conditions, Body}, ...] as erlang:trace_pattern takes "
             "it; also send [...], receive [...]; in Elixir's syntax behind Shop.Cart.add/2",
     .offset = offsetof(struct tap_match_spec_settings, spec)},
    {.name = "undecided",
     .type = TAP_OPT_CHOICE,
     .def = "keep",
     .choices = undecided_choices,
     .help = "what is done, where no node judges, with an event that cannot be judged here: it "
             "came without its terms, it ends a call that was not seen, or the spec asks for what "
             "only the node knows",
     .offset = offsetof(struct tap_match_spec_settings, undecided)},
};

static void match_spec_destroy(void *self)
{
    struct tap_match_spec *m = self;
    if (!m)
        return;
    for (size_t i = 0; m->specs && i < m->count; i++)
        tap_buf_free(&m->specs[i]);
    free(m->specs);
    free(m->judges);
    free(m->order);
    ms_calls_free(m->open);
    free(m->targets);
    free(m->entries);
    tap_syn_arena_free(&m->arena);
    free(m);
}

/* ---- Entries */

static bool is_wild(const char *module)
{
    return !module || strpbrk(module, "*?");
}

static void mistake(void *host, const struct tap_text *where, size_t offset, const char *sentence)
{
    const struct tap_host *h = host;
    h->fail_at(h, where, offset, "%s", sentence);
}

/* Reads one text into the next entry. */
static enum tap_status read_entry(struct tap_match_spec *m, const struct tap_text *where, bool raw)
{
    struct tap_syn_source source = {
        .arena = &m->arena, .where = where, .fail = mistake, .arg = (void *)(uintptr_t)m->host};
    struct ms_entry *e = &m->entries[m->count];
    struct tap_buf *b = &m->specs[m->count];
    if (!(raw ? tap_ms_read_spec : tap_ms_read_trace)(&source, e))
        return TAP_INVALID;
    struct ms_judge *judge = &m->judges[m->count++];
    m->targeted[e->target] = true;
    tap_ms_warn_unseen(m->host, e);
    tap_write_version(b);
    if (!tap_syn_encode(&source, b, e->spec))
        return TAP_INVALID;
    if (!tap_ms_judge_read(&m->arena, b->data, b->len, judge))
        return TAP_FAIL(m->host, TAP_ERROR, "out of memory");
    if (judge->unknown)
        m->host->log(m->host, TAP_LOG_INFO,
                     "line %d: '%s' is known in the node alone: of a recording, what it decides "
                     "is %s",
                     where->line, judge->unknown, m->drops_undecided ? "left out" : "kept");
    return TAP_OK;
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
    return !e->function ||
           (t->function = m->host->intern(m->host, e->function, strlen(e->function)));
}

static enum tap_status match_spec_create(const struct tap_host *host, const void *settings,
                                         void **self)
{
    const struct tap_match_spec_settings *s = settings;
    size_t n = s->trace.count + s->spec.count;
    if (n == 0)
        return TAP_FAIL(host, TAP_INVALID, "it has neither a 'trace' nor a 'spec'");
    struct tap_match_spec *m = calloc(1, sizeof *m);
    if (m) {
        m->host = host;
        m->drops_undecided = s->undecided;
        m->entries = calloc(n, sizeof *m->entries);
        m->targets = calloc(n, sizeof *m->targets);
        m->specs = calloc(n, sizeof *m->specs);
        m->judges = calloc(n, sizeof *m->judges);
        m->order = calloc(n, sizeof *m->order);
        m->open = ms_calls_new();
    }
    if (!m || !m->entries || !m->targets || !m->specs || !m->judges || !m->order || !m->open) {
        match_spec_destroy(m);
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    }
    enum tap_status status = TAP_OK;
    for (size_t i = 0; i < n; i++) {
        bool raw = i >= s->trace.count;
        if (read_entry(m, raw ? &s->spec.items[i - s->trace.count] : &s->trace.items[i], raw) !=
            TAP_OK)
            status = TAP_INVALID;
    }
    for (size_t i = 0; status == TAP_OK && i < m->count; i++)
        if (!set_target(m, i))
            status = TAP_FAIL(host, TAP_ERROR, "the table of names is full");
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
        if (e->target == MS_CALLS) {
            struct tap_plan_function f = {.struct_size = sizeof f,
                                          .module = e->module,
                                          .function = e->function,
                                          .arity = e->arity,
                                          .flags = e->flags,
                                          .spec = b->data,
                                          .spec_len = b->len,
                                          .where = *e->where};
            m->host->filter->claim_function(claim, &f);
        } else {
            struct tap_plan_message p = {.struct_size = sizeof p,
                                         .spec = b->data,
                                         .spec_len = b->len,
                                         .flags = e->flags,
                                         .where = *e->where};
            (e->target == MS_SENDS ? m->host->filter->claim_send
                                   : m->host->filter->claim_receive)(claim, &p);
        }
    }
    return TAP_OK;
}

static const struct tap_filter_ops match_spec_ops = {.struct_size = sizeof match_spec_ops,
                                                     .create = match_spec_create,
                                                     .plan = match_spec_plan,
                                                     .filter = tap_ms_filter,
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
    .flags = TAP_PLUGIN_ALONE,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &match_spec_plugin;
}
