/* filter:pids: selectors, and what the stream teaches about names and children. */
#include "filters/pids/pid_set.c"
#include "filters/pids/terms.c"
#include "filters/pids/plugin.c"

#include "fake_host.h"

#define NODE "shop@web1"

static void *pids(const char *const *selectors)
{
    static struct tap_text items[16];
    static struct tap_pids_settings settings;
    settings.pids = fake_list(items, selectors);
    fake.nodes[0] = (struct tap_node){.name_id = fake_name(NODE), .name = NODE};
    fake.nodes[1] =
        (struct tap_node){.index = 1, .name_id = fake_name("shop@web2"), .name = "shop@web2"};
    return fake_create(&settings);
}
#define PIDS(...) pids((const char *const[]){__VA_ARGS__, NULL})

static void claims_selectors(void)
{
    static const struct {
        const char *written, *claimed;
        enum tap_plan_process_type type;
    } cases[] = {{"<0.123.0>", "<0.123.0>", TAP_PROCESS_PID},
                 {"<0.1.4294967295>", "<0.1.4294967295>", TAP_PROCESS_PID},
                 {"shop_registry", "shop_registry", TAP_PROCESS_NAME},
                 {"Shop.Registry", "Elixir.Shop.Registry", TAP_PROCESS_NAME},
                 {"'new'", "new", TAP_PROCESS_NAME},
                 {"new", "", TAP_PROCESS_NEW},
                 {"tree:<0.9.1>", "<0.9.1>", TAP_PROCESS_TREE_PID},
                 {"tree:shop_sup", "shop_sup", TAP_PROCESS_TREE_NAME},
                 {"tree: Shop.Sup", "Elixir.Shop.Sup", TAP_PROCESS_TREE_NAME}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *f = PIDS(cases[i].written);
        CU_ASSERT_FATAL(f != NULL && fake.claim_count == 1);
        CU_ASSERT(fake.claims[0].type == (int)cases[i].type &&
                  fake.claims[0].flags & TAP_PLAN_EXACT);
        if (cases[i].type != TAP_PROCESS_NEW)
            CU_ASSERT_STRING_EQUAL(fake.claims[0].text, cases[i].claimed);
        pids_destroy(f);
    }
}

static void refuses_what_is_no_selector(void)
{
    static const struct {
        const char *written, *message;
    } cases[] = {{"<0.1>", "4: a pid"},
                 {"<0.1.2", "6: a pid"},
                 {"<0.1.2>x", "7: nothing"},
                 {"<1.2.3>", "1: a pid"},
                 {"<0.4294967296.0>", "13: this number"},
                 {"tree:", "5: the name"},
                 {"tree:<0.x.1>", "8: a pid"},
                 {"a b", "1: this character"},
                 {"tree:a b", "6: this char"},
                 {"shop_*", "5: this char"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT(PIDS(cases[i].written) == NULL);
        CU_ASSERT(strncmp(fake.messages[0], cases[i].message, strlen(cases[i].message)) == 0);
        if (strncmp(fake.messages[0], cases[i].message, strlen(cases[i].message)) != 0)
            printf("# %s: %s\n", cases[i].written, fake.messages[0]);
    }
}

static struct tap_event *peer(struct tap_event *e, uint32_t id)
{
    e->peer = e->pid;
    e->peer.id = id;
    e->peer_type = TAP_PEER_PID;
    return e;
}

static void write_pid(struct tap_buf *b, uint32_t id)
{
    tap_write_u8(b, TAP_EXT_NEW_PID);
    tap_write_atom(b, NODE);
    tap_write_u32(b, id), tap_write_u32(b, 0), tap_write_u32(b, 7);
}
/* The plan's report: shop_registry is <0.id.0>, with the selector as a term or as its text. */
static void add_plan(uint32_t id, bool as_text)
{
    struct tap_buf b = {0};
    tap_write_map(&b, 2);
    tap_write_atom(&b, "function_count"), tap_write_i64(&b, 0);
    tap_write_atom(&b, "processes");
    tap_write_list(&b, 2);
    tap_write_tuple(&b, 2), tap_write_atom(&b, "new"), tap_write_atom(&b, "undefined");
    tap_write_tuple(&b, 2);
    if (as_text) {
        tap_write_binary(&b, "shop_registry", 13);
    } else {
        tap_write_tuple(&b, 2), tap_write_atom(&b, "name"), tap_write_atom(&b, "shop_registry");
    }
    write_pid(&b, id);
    tap_write_nil(&b);
    batch_add(TAP_PLAN, 0)->payload = batch_term(b.data, b.len);
    tap_buf_free(&b);
}

static void a_pid_passes_on_every_node(void)
{
    void *f = PIDS("<0.5.0>", "<0.6.0>");
    batch_add(TAP_FUNCTION_CALL, 5);
    batch_add(TAP_MESSAGE_SEND, 7);
    batch_add(TAP_GC_START, 6);
    batch_add(TAP_FUNCTION_RETURN, 5)->pid.node = fake.nodes[1].name_id;
    batch_add(TAP_FUNCTION_CALL, 5)->pid.serial = 1;
    batch_add(TAP_LOST, 9);
    batch_add(TAP_PROCESS_EXIT, 5);
    batch_add(TAP_FUNCTION_CALL, 5);
    CU_ASSERT_STRING_EQUAL(fake_filter(f), "+-++-+++");
    pids_destroy(f);
}

static void names_are_learnt(void)
{
    for (int as_text = 0; as_text < 2; as_text++) {
        void *f = PIDS("shop_registry");
        batch_add(TAP_FUNCTION_CALL, 5); /* not known yet: nothing passes for it */
        add_plan(5, as_text);
        batch_add(TAP_FUNCTION_CALL, 5);
        batch_add(TAP_FUNCTION_CALL, 6);
        batch_add(TAP_PROCESS_EXIT, 5);
        batch_add(TAP_FUNCTION_CALL, 5); /* it left with its exit */
        CU_ASSERT_STRING_EQUAL(fake_filter(f), "-++-+-");
        struct tap_buf b = {0};
        tap_write_atom(&b, "shop_registry");
        batch_add(TAP_PROCESS_REGISTER, 8)->payload = batch_term(b.data, b.len);
        batch_add(TAP_FUNCTION_CALL, 8);
        b.data[3] = 'x';
        batch_add(TAP_PROCESS_REGISTER, 9)->payload = batch_term(b.data, b.len);
        batch_add(TAP_NODE_DOWN, 0);
        batch_add(TAP_FUNCTION_CALL, 8);
        CU_ASSERT_STRING_EQUAL(fake_filter(f), "++-+-");
        tap_buf_free(&b);
        pids_destroy(f);
    }
}

/* A report of the plan with these processes, all under the text shop_sup; '<': {tree, Text}. The
 * first one says more than that. */
static void add_tree(bool first, const char *marks)
{
    struct tap_buf b = {0};
    uint32_t n = (uint32_t)strlen(marks);
    tap_write_map(&b, first ? 2 : 1);
    if (first)
        tap_write_atom(&b, "function_count"), tap_write_i64(&b, 0);
    tap_write_atom(&b, "processes");
    tap_write_list(&b, n);
    for (uint32_t i = 0; i < n; i++) {
        tap_write_tuple(&b, 2);
        if (marks[i] == '<')
            tap_write_tuple(&b, 2), tap_write_atom(&b, "tree");
        tap_write_binary(&b, "shop_sup", 8);
        write_pid(&b, (first ? 10 : 20) + i);
    }
    tap_write_nil(&b);
    batch_add(TAP_PLAN, 0)->payload = batch_term(b.data, b.len);
    tap_buf_free(&b);
}

/* Who lives below the process of a tree is no bearer of its name; in older recordings all of them
 * are told alike. */
static void who_lives_in_a_tree_bears_no_name(void)
{
    static const struct {
        const char *first, *later, *verdict;
    } cases[] = {{".<<", "<<",
                  "+--"
                  "--"},
                 {"...", "<<",
                  "+--"
                  "--"},
                 {"...", "..",
                  "+--"
                  "--"},
                 {"<<", ".",
                  "--"
                  "+"},
                 {".", "<",
                  "+"
                  "-"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int tree = 0; tree < 2; tree++) {
            void *f = PIDS(tree ? "tree:shop_sup" : "shop_sup");
            size_t n = strlen(cases[i].first), more = strlen(cases[i].later);
            add_tree(true, cases[i].first);
            add_tree(false, cases[i].later);
            for (uint32_t k = 0; k < n + more; k++)
                batch_add(TAP_FUNCTION_CALL, k < n ? 10 + k : 20 + k - (uint32_t)n);
            const char *verdict = fake_filter(f) + 2;
            CU_ASSERT(tree ? !strchr(verdict, '-') : !strcmp(verdict, cases[i].verdict));
            pids_destroy(f);
        }
    void *f = PIDS("shop_sup", "tree: shop_sup"); /* both are asked for */
    add_tree(true, "..<");
    batch_add(TAP_FUNCTION_CALL, 10);
    batch_add(TAP_FUNCTION_CALL, 12);
    CU_ASSERT_STRING_EQUAL(fake_filter(f), "+++");
    pids_destroy(f);
}

static void a_cut_plan_is_harmless(void)
{
    for (uint32_t cut = 0; cut < 80; cut++) {
        void *f = PIDS("shop_registry");
        add_plan(5, false);
        if (fake_events[0].payload.len > cut)
            fake_events[0].payload.len = cut;
        batch_add(TAP_FUNCTION_CALL, 6);
        CU_ASSERT_STRING_EQUAL(fake_filter(f), "+-");
        pids_destroy(f);
        f = PIDS("tree:shop_sup");
        add_tree(true, "<<");
        if (fake_events[0].payload.len > cut)
            fake_events[0].payload.len = cut;
        batch_add(TAP_FUNCTION_CALL, 6);
        CU_ASSERT_STRING_EQUAL(fake_filter(f), "+-");
        pids_destroy(f);
    }
}

static void trees_and_new_processes_are_learnt(void)
{
    void *f = PIDS("tree:<0.5.0>");
    peer(batch_add(TAP_PROCESS_SPAWN, 5), 6);
    batch_add(TAP_FUNCTION_CALL, 6);
    peer(batch_add(TAP_PROCESS_START, 7), 6); /* a grandchild, by its own start */
    batch_add(TAP_FUNCTION_CALL, 7);
    peer(batch_add(TAP_PROCESS_START, 8), 9); /* somebody else's child */
    struct tap_event *e = peer(batch_add(TAP_PROCESS_START, 10), 5);
    e->peer.node = fake.nodes[1].name_id; /* <0.5.0> of another node */
    batch_add(TAP_PROCESS_EXIT, 6);
    batch_add(TAP_FUNCTION_CALL, 6);
    CU_ASSERT_STRING_EQUAL(fake_filter(f), "++++--+-");
    pids_destroy(f);

    f = PIDS("new");
    batch_add(TAP_FUNCTION_CALL, 5);
    peer(batch_add(TAP_PROCESS_START, 6), 5);
    peer(batch_add(TAP_PROCESS_SPAWN, 5), 7); /* the parent is old, the child is not */
    batch_add(TAP_FUNCTION_CALL, 6);
    batch_add(TAP_FUNCTION_CALL, 7);
    CU_ASSERT_STRING_EQUAL(fake_filter(f), "-+-++");
    pids_destroy(f);
}

/* Against a plain array, with few enough keys that they collide and wrap around. */
static void the_set_is_a_set(void)
{
    enum { KEYS = 300 };
    struct tap_pid_set set = {0};
    uint32_t model[KEYS] = {0}, count = 0, wrong = 0;
    unsigned seed = 3;
    for (int i = 0; i < 300000; i++) {
        uint32_t k = (uint32_t)rand_r(&seed) % KEYS, op = (uint32_t)rand_r(&seed) % 100;
        struct tap_pid pid = {.node = 1 + k % 3, .id = k * 64, .serial = k % 7, .creation = 1};
        if (op < 50) {
            if (!tap_pid_set_add(&set, &pid, 1u << op % 3, 1000))
                wrong++;
            count += !model[k];
            model[k] |= 1u << op % 3;
        } else if (op < 99) {
            tap_pid_set_remove(&set, &pid);
            count -= !!model[k];
            model[k] = 0;
        } else {
            bool node = i % 2;
            if (node)
                tap_pid_set_remove_node(&set, 1 + k % 3);
            else
                tap_pid_set_remove_without(&set, 4);
            for (uint32_t j = 0; j < KEYS; j++)
                if (model[j] && (node ? j % 3 == k % 3 : !(model[j] & 4)))
                    model[j] = 0, count--;
        }
        wrong += tap_pid_set_get(&set, &pid) != model[k] || set.count != count;
    }
    CU_ASSERT(wrong == 0);
    struct tap_pid one = {.node = 9, .id = 1};
    CU_ASSERT(!tap_pid_set_add(&set, &one, 1, set.count));
    tap_pid_set_free(&set);
}

/* 60,000 processes: those with the creation i, and a number that makes up for it; or with the
 * numbers i. */
static double add_many(bool chosen)
{
    struct tap_pid_set set = {0};
    double begun = cpu_seconds();
    for (uint32_t i = 0; i < 60000; i++) {
        uint64_t number = chosen ? 0x9E3779B97F4A7C15u + i : i;
        struct tap_pid pid = {.node = 1,
                              .id = (uint32_t)(number >> 32),
                              .serial = (uint32_t)number,
                              .creation = chosen ? i : 1};
        CU_ASSERT(tap_pid_set_add(&set, &pid, 1, 100000));
    }
    tap_pid_set_free(&set);
    return cpu_seconds() - begun;
}

/* A node says what its processes are called: it cannot choose them so that all want one place. */
static void chosen_processes_cost_no_more_than_others(void)
{
    double others = add_many(false);
    CU_ASSERT(add_many(true) < 20 * others + 0.1);
}

/* Children whose exit came before their parent's spawn event must not fill the set for ever. */
static void memory_is_bounded(void)
{
    void *self = PIDS("new");
    struct tap_pids *f = self;
    for (uint32_t id = 1; id < PIDS_MAX + 1000; id++) {
        peer(batch_add(TAP_PROCESS_SPAWN, 0), id);
        if (fake_batch.count == 64)
            fake_filter(self);
    }
    CU_ASSERT(f->set.count <= PIDS_MAX && !f->full);
    peer(batch_add(TAP_PROCESS_START, 77), 0);
    batch_add(TAP_FUNCTION_CALL, 77);
    const char *verdict = fake_filter(self);
    CU_ASSERT_STRING_EQUAL(verdict + strlen(verdict) - 2, "++");
    pids_destroy(f);
}

UNIT_TESTS("filter_pids", UNIT_TEST(claims_selectors), UNIT_TEST(refuses_what_is_no_selector),
           UNIT_TEST(a_pid_passes_on_every_node), UNIT_TEST(names_are_learnt),
           UNIT_TEST(who_lives_in_a_tree_bears_no_name), UNIT_TEST(a_cut_plan_is_harmless),
           UNIT_TEST(trees_and_new_processes_are_learnt), UNIT_TEST(the_set_is_a_set),
           UNIT_TEST(chosen_processes_cost_no_more_than_others), UNIT_TEST(memory_is_bounded))
