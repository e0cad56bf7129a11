/* test_host.c: what plugins hand over the border in structs of another length: a newer one knows
 * more, and one that is shorter than version 1.0 has it is a mistake. */
#include "session_fakes.h"

#include "plan/plan.h"

#define PRINT(print) s.host->term_print(s.host, text, sizeof text, term, sizeof term, print)

static void ask_nothing(struct fake_transport *t)
{
    (void)t;
}

static void prints_as_far_as_it_understands(void)
{
    static const uint8_t term[] = {104, 1, 119, 2, 'h', 'i'}; /* {hi} */
    struct fake_sink s = {0};
    struct {
        struct tap_print print;
        uint64_t unknown;
    } newer = {.print = {.struct_size = sizeof newer, .syntax = TAP_PRINT_ELIXIR}, .unknown = 77};
    char text[64];
    begin_session(TAP_KIND_BIT(TAP_FUNCTION_CALL), &s, 1);
    script = ask_nothing;
    struct tap_session *t = tap_session_new(&fake_config, fake_err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT(PRINT(NULL) == 4 && memcmp(text, "{hi}", 4) == 0);
    CU_ASSERT(PRINT(&newer.print) == 5 && memcmp(text, "{:hi}", 5) == 0);
    newer.print.struct_size = sizeof newer.print;
    CU_ASSERT(PRINT(&newer.print) == 5 && memcmp(text, "{:hi}", 5) == 0);
    newer.print.struct_size = offsetof(struct tap_print, max_items);
    CU_ASSERT(PRINT(&newer.print) == 4 && memcmp(text, "{hi}", 4) == 0);
    CU_ASSERT_PTR_NULL(s.host->transport);
    CU_ASSERT_PTR_NULL(s.host->filter);
    CU_ASSERT_PTR_NOT_NULL(s.host->sink);
    tap_session_finish(t);
    end_session(t);
}

/* What the transport says at the end, with a struct_size of its own. */
static uint32_t final_size;
static void end_with_a_final(struct fake_transport *t)
{
    struct {
        struct tap_node_final final;
        uint64_t unknown;
    } said = {.final = {final_size, 2, 0}, .unknown = 77};
    send_up(t);
    send_calls(t, 0, 2, 0, 0);
    t->host->transport->node_state(t->host, t->node, TAP_NODE_DONE, &said.final);
}

static void a_short_final_report_is_none(void)
{
    static const struct {
        uint32_t size;
        bool counts;
    } cases[] = {{sizeof(struct tap_node_final), true},
                 {sizeof(struct tap_node_final) + 8, true},
                 {offsetof(struct tap_node_final, lost), false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fake_sink s = {0};
        enum tap_status status;
        struct tap_node_stats node;
        final_size = cases[i].size;
        begin_session(TAP_KIND_BIT(TAP_FUNCTION_CALL), &s, 1);
        script = end_with_a_final;
        struct tap_session *t = run_session(&status);
        CU_ASSERT_PTR_NOT_NULL_FATAL(t);
        CU_ASSERT_EQUAL(tap_session_nodes(t, &node, 1), 1);
        CU_ASSERT_EQUAL(node.final, cases[i].counts);
        CU_ASSERT_EQUAL(err_has("the final report never came"), !cases[i].counts);
        end_session(t);
    }
}

/* The stack guard finds a function with many open calls; asked for with structs of any length. */
static unsigned stacks_found[3];
static void open_many_calls(struct fake_transport *t)
{
    struct {
        struct tap_deep_stack stack;
        uint64_t unknown;
    } newer = {.unknown = 77};
    send_up(t);
    for (uint64_t seq = 0; seq < 40000; seq += 100)
        send_calls(t, seq, 100, 0, 0);
    newer.stack.struct_size = offsetof(struct tap_deep_stack, open);
    stacks_found[0] = t->host->transport->deep_stack(t->host, t->node, &newer.stack);
    newer.stack.struct_size = sizeof newer;
    stacks_found[1] = t->host->transport->deep_stack(t->host, t->node, &newer.stack);
    CU_ASSERT(newer.unknown == 77 && newer.stack.struct_size == sizeof newer);
    CU_ASSERT(newer.stack.open > 0 && newer.stack.function != 0);
    stacks_found[2] = t->host->transport->deep_stack(t->host, t->node, &newer.stack);
    send_done(t, 40000, 0);
}

static void a_deep_stack_fits_who_asks(void)
{
    struct fake_sink s = {0};
    enum tap_status status;
    begin_session(TAP_KIND_BIT(TAP_FUNCTION_CALL) | TAP_KIND_BIT(TAP_FUNCTION_RETURN), &s, 1);
    fake_config.session.arguments = TAP_ARGUMENTS_TRUE;
    script = open_many_calls;
    struct tap_session *t = run_session(&status);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    CU_ASSERT(stacks_found[0] == 0 && stacks_found[1] == 1 && stacks_found[2] == 0);
    end_session(t);
}

/* A filter that claims with what this points to. */
static const struct tap_plan_function *claimed;
static const struct tap_host *claimer;
static enum tap_status claims_create(const struct tap_host *host, const void *settings, void **self)
{
    claimer = host;
    return filter_create(host, settings, self);
}
static enum tap_status claims_plan(void *self, struct tap_claim *claim)
{
    (void)self;
    claimer->filter->claim_function(claim, claimed);
    return TAP_OK;
}
static const struct tap_filter_ops claims_ops = {sizeof claims_ops, claims_create, claims_plan,
                                                 filter_judge, filter_destroy};
static const struct tap_plugin claims_plugin = {TAP_PLUGIN_HEADER, .kind = TAP_PLUGIN_FILTER,
                                                .name = "fake", .ops = &claims_ops};
static const struct tap_loaded claims_loaded = {&claims_plugin, "fake.so", NULL};

static struct tap_session *session_with_claim(const struct tap_plan_function *f,
                                              struct fake_sink *sink)
{
    claimed = f;
    script = ask_nothing;
    begin_session(TAP_KIND_BIT(TAP_FUNCTION_CALL), sink, 1);
    add_fake(TAP_PLUGIN_FILTER, "filter:claims", &claims_loaded, NULL);
    return tap_session_new(&fake_config, fake_err);
}

static void a_short_claim_is_refused(void)
{
    struct fake_sink sink = {0};
    struct {
        struct tap_plan_function f;
        uint64_t unknown;
    } newer = {.f = {.struct_size = sizeof newer, .module = "shop", .arity = -1}, .unknown = 77};
    struct tap_session *t = session_with_claim(&newer.f, &sink);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    const struct tap_plan *plan = tap_session_plan(t);
    CU_ASSERT_EQUAL_FATAL(plan->function_count, 1);
    CU_ASSERT_STRING_EQUAL(plan->functions[0]->module, "shop");
    CU_ASSERT_EQUAL(plan->functions[0]->struct_size, sizeof newer.f);
    tap_session_finish(t);
    end_session(t);
    newer.f.struct_size = offsetof(struct tap_plan_function, where);
    CU_ASSERT_PTR_NULL(session_with_claim(&newer.f, &sink));
    CU_ASSERT_EQUAL(tap_error_status(fake_err), TAP_INVALID);
    CU_ASSERT(err_has("too short for plugin ABI 1"));
    tap_error_free(fake_err);
}

/* A name goes to terminals and files as it is, so it is made plain where it comes in. */
static void add_odd_nodes(struct fake_transport *t)
{
    const struct tap_transport_host *h = t->host->transport;
    uint32_t odd = h->node_add(t->host, "s\xc2\x9bp@\xecx\x1b[2J");
    CU_ASSERT(odd != UINT32_MAX && odd == h->node_add(t->host, "s??p@?x?[2J"));
    CU_ASSERT(h->node_rename(t->host, odd, "caf\xc3\xa9@h\n"));
    CU_ASSERT_EQUAL(h->node_add(t->host, "caf\xc3\xa9@h "), odd);
}

static void a_nodes_name_moves_no_terminal(void)
{
    struct fake_sink s = {0};
    enum tap_status status;
    begin_session(TAP_KIND_BIT(TAP_FUNCTION_CALL), &s, 1);
    script = add_odd_nodes;
    struct tap_session *t = run_session(&status);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    end_session(t);
}

UNIT_TESTS("host", UNIT_TEST(a_nodes_name_moves_no_terminal),
           UNIT_TEST(prints_as_far_as_it_understands), UNIT_TEST(a_short_final_report_is_none),
           UNIT_TEST(a_deep_stack_fits_who_asks), UNIT_TEST(a_short_claim_is_refused))
