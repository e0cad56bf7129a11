/* test_plan.c: the join of claims, by example and against a model.
 *
 * The model says what each filter accepts of a small world of calls. For random filters and sinks,
 * what passes the plan and the filters that must judge is compared with what the sink's filters
 * accept: neither more nor less.
 */
#include "plan/plan.h"

#include <fnmatch.h>

#include "unit.h"

#define FILTERS 4
#define SINKS 3

static struct tap_instance instances[FILTERS + SINKS];
static const char *const sections[] = {"filter:a", "filter:b", "filter:c", "filter:d",
                                       "sink:x",   "sink:y",   "sink:z"};
static struct tap_config config;
static struct tap_plan_filter filters[FILTERS];
static struct tap_claim *claims[FILTERS];
static bool uses[SINKS * FILTERS];
static struct tap_mempool *pool;
static struct tap_error *err;
static struct tap_plan plan;

/* Everything anew: no claim yet, and every sink uses every filter. */
static void begin(uint32_t events)
{
    memset(&config, 0, sizeof config);
    config.session.events = events;
    config.session.arguments = TAP_ARGUMENTS_TRUE;
    config.session.cookie_file = "c";
    config.instances = instances;
    config.instance_count = FILTERS + SINKS;
    for (int i = 0; i < FILTERS + SINKS; i++)
        instances[i] =
            (struct tap_instance){.kind = i < FILTERS ? TAP_PLUGIN_FILTER : TAP_PLUGIN_SINK,
                                  .section = sections[i],
                                  .name = strchr(sections[i], ':') + 1,
                                  .where = {"", "t.ini", i + 1, 0}};
    for (int f = 0; f < FILTERS; f++) {
        claims[f] = tap_claim_new();
        filters[f] = (struct tap_plan_filter){&instances[f], claims[f], false};
    }
    memset(uses, true, sizeof uses);
    pool = tap_mempool_new();
    err = tap_error_new();
}

/* Joins the first `filter_count` filters; the claims are gone afterwards, since the plan must not
 * need them. */
static enum tap_status join(size_t filter_count, size_t sink_count)
{
    bool packed[SINKS * FILTERS];
    for (size_t s = 0; s < sink_count; s++)
        for (size_t f = 0; f < filter_count; f++)
            packed[s * filter_count + f] = uses[s * FILTERS + f];
    return tap_plan_join(&config, filters, filter_count, packed, sink_count, &plan, pool, err);
}

static void end(void)
{
    for (int f = 0; f < FILTERS; f++)
        tap_claim_free(claims[f]);
    tap_mempool_free(pool);
    tap_error_free(err);
}

static void function(int filter, const char *module, const char *name, int arity, const char *spec,
                     uint32_t flags)
{
    struct tap_plan_function f = {.struct_size = sizeof f,
                                  .module = module,
                                  .function = name,
                                  .arity = arity,
                                  .flags = flags,
                                  .spec = (const uint8_t *)spec,
                                  .spec_len = spec ? strlen(spec) : 0,
                                  .where = {"w", "t.ini", 9, 1}};
    tap_claim_function(claims[filter], &f);
}
static void module(int filter, const char *glob)
{
    function(filter, glob, NULL, -1, NULL, TAP_PLAN_EXACT);
}
static void process(int filter, enum tap_plan_process_type type, const char *text)
{
    struct tap_plan_process p = {
        .struct_size = sizeof p, .type = type, .text = text, .flags = TAP_PLAN_EXACT};
    tap_claim_process(claims[filter], &p);
}

/* The plan's functions as "module:function/arity spec", a ! in front of what is not exact. */
static const char *functions(void)
{
    static char text[1024];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < plan.function_count; i++) {
        const struct tap_plan_function *f = plan.functions[i];
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%s", i ? ", " : "",
                              f->flags & TAP_PLAN_EXACT ? "" : "!", f->module ? f->module : "_");
        if (f->function)
            n += (size_t)snprintf(text + n, sizeof text - n, ":%s/%d", f->function, f->arity);
        if (f->spec_len)
            n += (size_t)snprintf(text + n, sizeof text - n, " %.*s", (int)f->spec_len,
                                  (const char *)f->spec);
    }
    return text;
}

#define CALLS TAP_KIND_BIT(TAP_FUNCTION_CALL)
#define MESSAGES (TAP_KIND_BIT(TAP_MESSAGE_SEND) | TAP_KIND_BIT(TAP_MESSAGE_RECEIVE))

static void takes_settings_over(void)
{
    begin(CALLS);
    struct tap_text nodes[] = {{"a@b", "t.ini", 1, 1}};
    config.session.nodes = (struct tap_text_list){1, nodes};
    config.session.duration = 1, config.session.lease = 2, config.session.max_events = 3,
    config.session.max_rate = 4;
    config.session.max_queue = 5, config.session.max_memory = 6, config.session.max_term = 7;
    config.session.overload = TAP_OVERLOAD_STOP, config.session.include_otp = true,
    config.session.seed_name = "s";
    CU_ASSERT_EQUAL(join(0, 1), TAP_OK);
    CU_ASSERT_EQUAL(plan.struct_size, sizeof plan);
    CU_ASSERT(plan.nodes == nodes && plan.node_count == 1 && plan.events == CALLS &&
              plan.include_otp);
    CU_ASSERT(plan.duration == 1 && plan.lease == 2 && plan.max_events == 3 && plan.max_rate == 4);
    CU_ASSERT(plan.max_queue == 5 && plan.max_memory == 6 && plan.max_term == 7);
    CU_ASSERT(plan.overload == TAP_OVERLOAD_STOP && !plan.need_spawns);
    CU_ASSERT_STRING_EQUAL(plan.seed, "s");
    CU_ASSERT_STRING_EQUAL(plan.cookie_file, "c");
    CU_ASSERT(plan.function_count == 0 && plan.process_count == 0 && plan.send_count == 0);
    end();
}

static void intersects_within_a_sink(void)
{
    static const struct {
        const char *a[3], *b[3], *joined;
        bool live;
    } cases[] = {
        {{"shop_cart"}, {"shop_*"}, "shop_cart", false},
        {{"shop_*"}, {"shop_cart", "other"}, "shop_cart", false},
        {{"shop_*"}, {"shop_c*"}, "shop_c*", false},
        {{"shop_*"}, {"*_cart"}, "!shop_*", true},
        {{"a*", "b"}, {"c*", "b"}, "b", false},
        {{"a?c"}, {"a*"}, "a?c", false},
        {{"*"}, {"x", "y"}, "x, y", false},
        {{"x", "x"}, {"x"}, "x", false},
        {{NULL}, {"x"}, "x", false},
        {{"sh\xC3\xA4p"}, {"sh?p"}, "sh\xC3\xA4p", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(CALLS);
        for (int k = 0; k < 3 && (k == 0 || cases[i].a[k]); k++)
            module(0, cases[i].a[k]);
        for (int k = 0; k < 3 && cases[i].b[k]; k++)
            module(1, cases[i].b[k]);
        CU_ASSERT_EQUAL(join(2, 1), TAP_OK);
        CU_ASSERT_STRING_EQUAL(functions(), cases[i].joined);
        CU_ASSERT(filters[0].live == cases[i].live && filters[1].live == cases[i].live);
        end();
    }
}

static void unites_sinks(void)
{
    begin(CALLS);
    module(0, "x");
    module(1, "y");
    memset(uses, false, sizeof uses);
    uses[0] = uses[FILTERS + 1] = true; /* sink:x uses filter:a, sink:y filter:b */
    CU_ASSERT_EQUAL(join(2, 2), TAP_OK);
    CU_ASSERT_STRING_EQUAL(functions(), "!x, !y");
    CU_ASSERT(filters[0].live && filters[1].live);
    CU_ASSERT_EQUAL(join(2, 3), TAP_OK); /* and sink:z wants all */
    CU_ASSERT_EQUAL(plan.function_count, 0);
    CU_ASSERT(filters[0].live && filters[1].live);
    uses[FILTERS] = uses[2 * FILTERS] = true, uses[FILTERS + 1] = false;
    CU_ASSERT_EQUAL(join(2, 3), TAP_OK); /* the same filter for all; nobody uses filter:b */
    CU_ASSERT_STRING_EQUAL(functions(), "x");
    CU_ASSERT(!filters[0].live && !filters[1].live);
    end();
}

static void keeps_match_specs(void)
{
    begin(CALLS | MESSAGES);
    function(0, "shop_cart", "add", 2, "S1", TAP_PLAN_EXACT | TAP_PLAN_NAMED | TAP_PLAN_RETURN);
    function(0, "lists", "map", 2, "S2", TAP_PLAN_EXACT | TAP_PLAN_NAMED);
    function(0, "s*", "f", 1, "S3", TAP_PLAN_EXACT);
    struct tap_plan_message send = {.struct_size = sizeof send,
                                    .spec = (const uint8_t *)"M1",
                                    .spec_len = 2,
                                    .flags = TAP_PLAN_EXACT};
    tap_claim_send(claims[0], &send);
    module(1, "shop_*");
    CU_ASSERT_EQUAL(join(2, 2), TAP_OK);
    CU_ASSERT_STRING_EQUAL(functions(), "shop_cart:add/2 S1, shop_*:f/1 S3");
    CU_ASSERT_EQUAL(plan.functions[0]->flags, TAP_PLAN_EXACT | TAP_PLAN_NAMED | TAP_PLAN_RETURN);
    CU_ASSERT_STRING_EQUAL(plan.functions[0]->where.file, "t.ini");
    CU_ASSERT(plan.send_count == 1 && memcmp(plan.sends[0]->spec, "M1", 2) == 0 &&
              plan.receive_count == 0);
    CU_ASSERT(!filters[0].live && !filters[1].live);
    end();

    begin(CALLS);
    function(0, "*_cart", "f", 1, "S1", TAP_PLAN_EXACT);
    tap_claim_send(claims[0], &send); /* not asked for: dropped */
    module(1, "shop_*");
    CU_ASSERT_EQUAL(join(2, 1), TAP_OK);
    /* the spec's entry stands; what comes too much is judged by both */
    CU_ASSERT_STRING_EQUAL(functions(), "!*_cart:f/1 S1");
    CU_ASSERT(filters[0].live && filters[1].live && plan.send_count == 0);
    end();

    begin(CALLS); /* two sinks, one spec filter, different modules: more comes than one wants */
    function(0, "a", "f", 1, "S1", TAP_PLAN_EXACT);
    function(0, "b", "f", 1, "S2", TAP_PLAN_EXACT);
    module(1, "a");
    uses[FILTERS + 1] = false;
    CU_ASSERT_EQUAL(join(2, 2), TAP_OK);
    CU_ASSERT_STRING_EQUAL(functions(), "a:f/1 S1, !b:f/1 S2");
    CU_ASSERT(filters[0].live && filters[1].live);
    end();
}

static void refuses_what_cannot_be(void)
{
    begin(CALLS);
    function(0, "a", "f", 1, "S1", TAP_PLAN_EXACT);
    function(1, "a", "f", 1, "S2", TAP_PLAN_EXACT);
    uses[1] = uses[FILTERS] = false;
    CU_ASSERT_EQUAL(join(2, 2), TAP_INVALID);
    CU_ASSERT_STRING_EQUAL(
        tap_error_get(err, 0)->message,
        "t.ini:6: [sink:x] and [sink:y] differ in their match specs (filter:a, filter:b), which "
        "cannot be told apart: give both the same 'filters', or run them one after the other");
    end();
    begin(CALLS);
    function(0, "a", "f", 1, "S1", TAP_PLAN_EXACT);
    uses[FILTERS] = false;
    CU_ASSERT_EQUAL(join(1, 2), TAP_INVALID); /* one has them, one has none */
    CU_ASSERT_PTR_NOT_NULL(strstr(tap_error_get(err, 0)->message, "(filter:a, none)"));
    end();
    begin(CALLS);
    function(0, "a", "f", 1, "S1", TAP_PLAN_EXACT);
    function(1, "a", "f", 1, "S2", TAP_PLAN_EXACT);
    CU_ASSERT_EQUAL(join(2, 1), TAP_INVALID);
    CU_ASSERT_STRING_EQUAL(tap_error_get(err, 0)->message,
                           "t.ini:2: [filter:a] and [filter:b] both have match specs and meet in "
                           "[sink:x]: write them into one section");
    end();
    begin(CALLS);
    module(0, "a");
    module(1, "b");
    process(2, TAP_PROCESS_PID, "<0.1.0>");
    process(3, TAP_PROCESS_PID, "<0.2.0>");
    CU_ASSERT_EQUAL(join(2, 1), TAP_INVALID);
    CU_ASSERT_STRING_EQUAL(
        tap_error_get(err, 0)->message,
        "t.ini:5: [sink:x] its filters have no function in common: nothing would be traced for it");
    CU_ASSERT_EQUAL(join(4, 1), TAP_INVALID);
    config.session.events = MESSAGES; /* then modules do not matter */
    CU_ASSERT_EQUAL(join(2, 1), TAP_OK);
    CU_ASSERT_EQUAL(join(4, 1), TAP_INVALID);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(tap_error_get(err, tap_error_count(err) - 1)->message, "no process in common"));
    end();
}

static void joins_processes(void)
{
    begin(MESSAGES);
    process(0, TAP_PROCESS_PID, "<0.1.0>");
    process(0, TAP_PROCESS_NEW, NULL);
    CU_ASSERT_EQUAL(join(1, 2), TAP_OK);
    CU_ASSERT(plan.process_count == 2 && plan.processes[1]->type == TAP_PROCESS_NEW);
    CU_ASSERT(plan.processes[1]->flags & TAP_PLAN_EXACT);
    CU_ASSERT(!plan.need_spawns && !filters[0].live);
    uses[FILTERS] = false; /* sink:y wants all: new processes must be known to judge for sink:x */
    CU_ASSERT_EQUAL(join(1, 2), TAP_OK);
    CU_ASSERT(plan.process_count == 0 && plan.need_spawns && filters[0].live);
    process(1, TAP_PROCESS_NAME, "shop");
    process(1, TAP_PROCESS_PID, "<0.1.0>");
    CU_ASSERT_EQUAL(join(2, 1), TAP_OK); /* a new process may get the name */
    CU_ASSERT(plan.process_count == 2 && (plan.processes[0]->flags & TAP_PLAN_EXACT));
    CU_ASSERT(!(plan.processes[1]->flags & TAP_PLAN_EXACT) && filters[0].live && filters[1].live &&
              plan.need_spawns);
    end();
}

static void inexact_claims_are_judged(void)
{
    begin(CALLS);
    function(0, "a", NULL, -1, NULL, 0);
    module(1, "a");
    CU_ASSERT_EQUAL(join(3, 1), TAP_OK);
    CU_ASSERT_STRING_EQUAL(functions(), "!a");
    /* filter:c claimed nothing */
    CU_ASSERT(filters[0].live && !filters[1].live && filters[2].live);
    end();
}

/* ---- The model */

static const char *const globs[] = {"a",  "ab",  "abc", "b", "a*",  "*b", "*c",
                                    "?b", "a?c", "*b*", "*", "a*c", NULL};
static const char *const modules[] = {"a", "ab", "abc", "b", "bc", "cb", "aXc"};
static const char *const names[] = {"f", "g"};

struct call {
    const char *module, *name;
    int arity;
};

/* What a match spec says of a call: arbitrary, but always the same. */
static bool spec_accepts(const uint8_t *spec, const struct call *c)
{
    return !spec ||
           ((unsigned)spec[0] * 7 + (unsigned)c->module[0] * 3 + (unsigned)c->arity) % 3 != 0;
}

static bool entry_accepts(const struct tap_plan_function *f, const struct call *c)
{
    return (!f->module || fnmatch(f->module, c->module, 0) == 0) &&
           (!f->function || !strcmp(f->function, c->name)) &&
           (f->arity < 0 || f->arity == c->arity) && spec_accepts(f->spec, c);
}

static struct tap_plan_function entries[FILTERS][4];
static size_t entry_counts[FILTERS];

static bool filter_accepts(size_t f, const struct call *c)
{
    bool accepts = entry_counts[f] == 0;
    for (size_t i = 0; i < entry_counts[f]; i++)
        accepts |= entry_accepts(&entries[f][i], c);
    return accepts;
}

static bool plan_accepts(const struct call *c)
{
    bool accepts = plan.function_count == 0;
    for (size_t i = 0; i < plan.function_count; i++)
        accepts |= entry_accepts(plan.functions[i], c);
    return accepts;
}

static void random_filters(bool specs)
{
    static const char *const texts[] = {"A", "B", "C"};
    for (int f = 0; f < FILTERS; f++) {
        entry_counts[f] = (size_t)(rand() % 4);
        for (size_t i = 0; i < entry_counts[f]; i++) {
            bool spec = specs && f == 0;
            const char *glob = globs[(size_t)rand() % (sizeof globs / sizeof globs[0])];
            const char *name = spec ? names[rand() % 2] : NULL,
                       *text = spec ? texts[rand() % 3] : NULL;
            entries[f][i] = (struct tap_plan_function){.struct_size = sizeof entries[f][i],
                                                       .module = glob,
                                                       .function = name,
                                                       .arity = name ? rand() % 2 : -1,
                                                       .flags = TAP_PLAN_EXACT,
                                                       .spec = (const uint8_t *)text,
                                                       .spec_len = text ? 1 : 0};
            tap_claim_function(claims[f], &entries[f][i]);
        }
    }
    for (int i = 0; i < SINKS * FILTERS; i++)
        uses[i] = rand() % 2 || (specs && i % FILTERS == 0);
}

static void compare_with_model(size_t sink_count)
{
    for (size_t m = 0; m < sizeof modules / sizeof modules[0]; m++) {
        for (int k = 0; k < 4; k++) {
            struct call c = {modules[m], names[k / 2], k % 2};
            for (size_t s = 0; s < sink_count; s++) {
                bool wanted = true, passes = plan_accepts(&c);
                for (size_t f = 0; f < FILTERS; f++) {
                    bool accepts = !uses[s * FILTERS + f] || filter_accepts(f, &c);
                    wanted &= accepts;
                    /* What match specs say nobody can judge again: only who named the function. */
                    if (filters[f].live)
                        passes &= accepts;
                }
                if (passes != wanted)
                    printf("# %s:%s/%d in sink %zu: wanted %d, plan %s\n", c.module, c.name,
                           c.arity, s, wanted, functions());
                CU_ASSERT_EQUAL_FATAL(passes, wanted);
            }
        }
    }
}

static void equals_the_model(void)
{
    srand(3);
    int joined = 0;
    for (int round = 0; round < 20000; round++) {
        size_t sink_count = 1 + (size_t)rand() % SINKS;
        begin(CALLS);
        random_filters(rand() % 2);
        if (join(FILTERS, sink_count) == TAP_OK) {
            joined++;
            compare_with_model(sink_count);
        } else { /* then only for the reason that a sink is left with nothing */
            CU_ASSERT_PTR_NOT_NULL(strstr(tap_error_get(err, 0)->message, "no function in common"));
        }
        end();
    }
    CU_ASSERT(joined > 5000);
}

static bool advised(uint32_t events, const char *word)
{
    const char *advice;
    bool found = false;
    begin(events);
    CU_ASSERT_EQUAL(join(0, 1), TAP_OK);
    for (size_t i = 0; (advice = tap_plan_advice(&plan, i)); i++)
        found |= strstr(advice, word) != NULL;
    end();
    return found;
}

/* Where no filter names a function, calls come with their arity alone unless somebody asks. */
static void arguments_are_asked_for(void)
{
    const uint32_t call = TAP_KIND_BIT(TAP_FUNCTION_CALL);
    begin(call);
    config.session.arguments = TAP_ARGUMENTS_AUTO;
    CU_ASSERT_EQUAL(join(0, 1), TAP_OK);
    CU_ASSERT(plan.arity_only);
    const char *advice = tap_plan_advice(&plan, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(advice);
    CU_ASSERT_PTR_NOT_NULL(strstr(advice, "with their arity alone"));
    end();
    begin(call);
    CU_ASSERT_EQUAL(join(0, 1), TAP_OK);
    CU_ASSERT(!plan.arity_only);
    end();
    begin(call);
    config.session.arguments = TAP_ARGUMENTS_AUTO;
    tap_claim_function(claims[0],
                       &(struct tap_plan_function){.struct_size = sizeof(struct tap_plan_function),
                                                   .module = "shop",
                                                   .function = "add",
                                                   .arity = 2,
                                                   .flags = TAP_PLAN_EXACT});
    CU_ASSERT_EQUAL(join(1, 1), TAP_OK);
    CU_ASSERT(!plan.arity_only);
    end();
}

static void says_what_is_dear_and_what_stays_open(void)
{
    const uint32_t call = TAP_KIND_BIT(TAP_FUNCTION_CALL), ret = TAP_KIND_BIT(TAP_FUNCTION_RETURN),
                   exception = TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION),
                   send = TAP_KIND_BIT(TAP_MESSAGE_SEND);
    CU_ASSERT_FALSE(advised(send, "every module"));
    CU_ASSERT_TRUE(advised(call, "arguments of every module"));
    CU_ASSERT_FALSE(advised(call, "returns of every module"));
    CU_ASSERT_TRUE(advised(call | ret | exception, "returns of every module"));
    CU_ASSERT_FALSE(advised(call | ret | exception, "function_exception"));
    CU_ASSERT_TRUE(advised(call | ret, "function_exception"));
    CU_ASSERT_FALSE(advised(call | ret, "messages"));
    CU_ASSERT_TRUE(advised(call | ret | send, "function_exception"));
    CU_ASSERT_TRUE(advised(call | ret | send, "messages"));
    begin(send);
    tap_claim_process(claims[0],
                      &(struct tap_plan_process){.struct_size = sizeof(struct tap_plan_process),
                                                 .type = TAP_PROCESS_NEW,
                                                 .flags = TAP_PLAN_EXACT});
    CU_ASSERT_EQUAL(join(1, 1), TAP_OK);
    CU_ASSERT_PTR_NULL(tap_plan_advice(&plan, 0));
    end();
}

/* ---- What of a recording need not be read */

static const struct tap_plugin plays = {.kind = TAP_PLUGIN_TRANSPORT, .flags = TAP_PLUGIN_REPLAYS},
                               judges_alone = {.kind = TAP_PLUGIN_FILTER,
                                               .flags = TAP_PLUGIN_ALONE},
                               judges_otherwise = {.kind = TAP_PLUGIN_FILTER};
static const struct tap_loaded playing = {.plugin = &plays}, alone = {.plugin = &judges_alone},
                               otherwise = {.plugin = &judges_otherwise};

/* As begin, of a recording that is played in its own order. */
static void begin_played(void)
{
    begin(TAP_KIND_BIT(TAP_FUNCTION_CALL) | TAP_KIND_BIT(TAP_FUNCTION_RETURN));
    instances[FILTERS + SINKS - 1].kind = TAP_PLUGIN_TRANSPORT;
    instances[FILTERS + SINKS - 1].loaded = &playing;
    config.session.keep_order = true;
    for (int f = 0; f < FILTERS; f++)
        instances[f].loaded = &alone;
}

static void process_of(int filter, enum tap_plan_process_type type, const char *text)
{
    struct tap_plan_process p = {.struct_size = sizeof p, .type = type, .text = text};
    tap_claim_process(claims[filter], &p);
}

static bool passes(size_t filter_count, bool processes, bool functions)
{
    CU_ASSERT_EQUAL(join(filter_count, 1), TAP_OK);
    bool same = plan.pass_processes == processes && plan.pass_functions == functions;
    end();
    return same;
}

static void only_what_nothing_depends_on_is_passed_over(void)
{
    begin_played();
    process_of(0, TAP_PROCESS_PID, "<0.7.0>");
    function(1, "m", NULL, -1, NULL, 0);
    CU_ASSERT(passes(2, true, true));
    begin_played(); /* of all processes: but not of all kinds */
    CU_ASSERT(passes(0, false, true));
    static const enum tap_plan_process_type found[] = {TAP_PROCESS_NAME, TAP_PROCESS_NEW,
                                                       TAP_PROCESS_TREE_PID, TAP_PROCESS_TREE_NAME};
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        begin_played(); /* by what others do */
        process_of(0, TAP_PROCESS_PID, "<0.7.0>");
        process_of(0, found[i], found[i] == TAP_PROCESS_TREE_PID ? "<0.8.0>" : "name");
        CU_ASSERT(passes(1, false, false));
    }
    begin_played(); /* a match spec of returns sees all that is its own, and no less */
    process_of(0, TAP_PROCESS_PID, "<0.7.0>");
    function(1, "m", "f", 1, "spec", 0);
    CU_ASSERT(passes(2, false, true));
    begin_played();
    function(0, "m", NULL, -1, NULL, 0);
    function(1, "m", "f", 1, "spec", 0);
    CU_ASSERT(passes(2, false, false));
    begin_played(); /* nobody knows what this one looks at */
    instances[1].loaded = &otherwise;
    process_of(0, TAP_PROCESS_PID, "<0.7.0>");
    CU_ASSERT(passes(2, false, false));
    begin_played(); /* nor whether its sink is the one that wants them all */
    process_of(0, TAP_PROCESS_PID, "<0.7.0>");
    instances[FILTERS + 1].kind = TAP_PLUGIN_SINK;
    uses[1 * FILTERS] = false;
    CU_ASSERT_EQUAL(join(1, 2), TAP_OK);
    CU_ASSERT(!plan.pass_processes && plan.process_count == 0);
    end();
}

static void what_looks_at_all_events_needs_all(void)
{
    for (int what = 0; what < 5; what++) {
        begin_played();
        process_of(0, TAP_PROCESS_PID, "<0.7.0>");
        config.trigger_count = what == 0;
        config.session.keep = what == 1;
        config.session.follow = what == 2 ? TAP_FOLLOW_MESSAGE : 0;
        config.session.keep_order = what != 3;
        config.session.order = TAP_ORDER_TIME;
        instances[FILTERS + SINKS - 1].loaded = what == 4 ? NULL : &playing;
        CU_ASSERT(passes(1, false, false));
    }
}

UNIT_TESTS("plan", UNIT_TEST(only_what_nothing_depends_on_is_passed_over),
           UNIT_TEST(what_looks_at_all_events_needs_all), UNIT_TEST(takes_settings_over),
           UNIT_TEST(intersects_within_a_sink), UNIT_TEST(unites_sinks),
           UNIT_TEST(keeps_match_specs), UNIT_TEST(refuses_what_cannot_be),
           UNIT_TEST(joins_processes), UNIT_TEST(inexact_claims_are_judged),
           UNIT_TEST(equals_the_model), UNIT_TEST(says_what_is_dear_and_what_stays_open),
           UNIT_TEST(arguments_are_asked_for))
