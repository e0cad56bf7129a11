/* The dist transport against real nodes: traced to the end, and each way in which a node, epmd or a
 * cookie can be wrong.
 *
 * The plugin is loaded as the core loads it. Every test has an epmd of its own.
 */
#include <dlfcn.h>

#include "transports/beam/beam.h"
#include "transports/beam/turn.h"
#include "dist_fake.h"

#define SECOND INT64_C(1000000000)

/* The settings struct, filled through the plugin's own table. */
struct run {
    struct fake *fake;
    const struct tap_transport_ops *ops;
    void *self;
    char settings[256];
    struct tap_text nodes[FAKE_NODES];
};

static const struct tap_plugin *plugin(void)
{
    void *so = dlopen(TAP_BUILD "/plugins/beamtap_transport_dist.so", RTLD_NOW | RTLD_LOCAL);
    if (!so) {
        printf("# %s\n", dlerror());
        abort();
    }
    tap_plugin_entry entry;
    *(void **)&entry = dlsym(so, TAP_PLUGIN_SYMBOL);
    return entry();
}

static void run_set(struct run *r, const char *option, const void *value, size_t size)
{
    const struct tap_plugin *p = plugin();
    for (size_t i = 0; i < p->option_count; i++)
        if (!strcmp(p->options[i].name, option))
            memcpy(r->settings + p->options[i].offset, value, size);
}

static struct run *run_new(const char *a, const char *b)
{
    struct run *r = calloc(1, sizeof *r);
    const struct tap_plugin *p = plugin();
    int64_t timeout = 5 * SECOND;
    if (p->settings_size > sizeof r->settings || p->kind != TAP_PLUGIN_TRANSPORT)
        abort();
    epmd_choose();
    r->fake = fake_new();
    r->ops = p->ops;
    r->nodes[0].text = a;
    r->nodes[1].text = b;
    r->fake->plan.nodes = r->nodes;
    r->fake->plan.node_count = b ? 2 : 1;
    run_set(r, "connect_timeout", &timeout, sizeof timeout);
    return r;
}
static enum tap_status run_start(struct run *r)
{
    CU_ASSERT_EQUAL_FATAL(r->ops->create(&r->fake->host, r->settings, &r->self), TAP_OK);
    return r->ops->start(r->self);
}
static void run_end(struct run *r)
{
    CU_ASSERT_EQUAL(r->ops->stop(r->self), TAP_OK);
    r->ops->destroy(r->self);
    fake_free(r->fake);
    free(r);
}

/* run has a thread of its own, as in the core. */
static void *in_run(void *arg)
{
    struct run *r = arg;
    return (void *)(intptr_t)r->ops->run(r->self);
}
static void run_begin(struct run *r, pthread_t *thread)
{
    pthread_create(thread, NULL, in_run, r);
}
static void run_join(pthread_t thread)
{
    void *status = (void *)1;
    pthread_join(thread, &status);
    CU_ASSERT_EQUAL((intptr_t)status, TAP_OK);
}
static bool seen(struct run *r, unsigned long events)
{
    for (int i = 0; i < 2000 && r->fake->seen < events; i++)
        usleep(10000);
    return r->fake->seen >= events;
}

static void node_is_clean(struct erl *e)
{
    static const char question[] =
        "{[M || M <- erlang:loaded(), lists:prefix(\"beamtap\", atom_to_list(M))], "
        "erlang:trace_info({queue, new, 0}, traced), [N || N <- registered(), "
        "lists:prefix(\"beamtap\", atom_to_list(N))]}.";
    const char *answer = "";
    for (int i = 0; i < 100 && strcmp(answer = erl_ask(e, question), "{[],{traced,false},[]}") != 0;
         i++)
        usleep(100000);
    CU_ASSERT_STRING_EQUAL(answer, "{[],{traced,false},[]}");
}

static void traces_to_the_end(void)
{
    struct erl *e = erl_start("localhost", NULL, NULL);
    struct run *r = run_new(e->name, NULL);
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(run_start(r), TAP_OK);
    CU_ASSERT_EQUAL(r->fake->nodes[0].state, TAP_NODE_TRACING);
    run_begin(r, &thread);
    CU_ASSERT_STRING_EQUAL(erl_ask(e, "length([queue:new() || _ <- lists:seq(1, 30000)])."),
                           "30000");
    CU_ASSERT(seen(r, 30000));
    r->fake->stopping = 1;
    run_join(thread);
    const struct fake_node *n = &r->fake->nodes[0];
    CU_ASSERT_EQUAL(n->state, TAP_NODE_DONE);
    CU_ASSERT(n->final_here && n->final.produced == 30000 && n->final.lost == 0 &&
              n->events == 30000);
    CU_ASSERT(n->controls >= 3);
    CU_ASSERT_STRING_EQUAL(r->fake->causes, "");
    node_is_clean(e);
    run_end(r);
    erl_end_all();
}

/* Far more than the window of credit: it is granted again and again, and withheld while a sink says
 * so. */
static void credit_bounds_what_is_on_its_way(void)
{
    struct erl *e = erl_start("127.0.0.1", NULL, NULL); /* long names */
    struct run *r = run_new(e->name, NULL);
    pthread_t thread;
    const struct tap_plan_function reverse = {
        .module = "lists", .function = "duplicate", .arity = 2, .flags = TAP_PLAN_NAMED};
    const struct tap_plan_function *const functions[] = {&reverse};
    r->fake->plan.functions = functions;
    r->fake->no_credit = true;
    CU_ASSERT_EQUAL_FATAL(run_start(r), TAP_OK);
    run_begin(r, &thread);
    const char *work =
        "B = binary:copy(<<1>>, 4000), length([lists:duplicate(1, B) || _ <- lists:seq(1, 5000)]).";
    CU_ASSERT_STRING_EQUAL(erl_ask(e, work), "5000"); /* 20 MB */
    usleep(500000);
    uint64_t withheld = r->fake->nodes[0].bytes;
    CU_ASSERT(withheld > (1 << 20) && withheld < (6 << 20));
    r->fake->no_credit = false;
    usleep(1500000);
    CU_ASSERT(r->fake->nodes[0].bytes > withheld);
    r->fake->stopping = 1;
    run_join(thread);
    const struct fake_node *n = &r->fake->nodes[0];
    CU_ASSERT_EQUAL(n->state, TAP_NODE_DONE);
    CU_ASSERT(n->final_here && n->final.produced == n->events + n->lost);
    printf("# withheld at %lu, in the end %lu bytes, %lu events, %lu lost\n", withheld,
           (unsigned long)n->bytes, n->events, n->lost);
    node_is_clean(e);
    run_end(r);
    erl_end_all();
}

static void a_bad_node_does_not_stop_the_rest(void)
{
    struct erl *e = erl_start("localhost", NULL, NULL);
    struct run *r = run_new("nobody@localhost", e->name);
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(run_start(r), TAP_OK);
    CU_ASSERT_EQUAL(r->fake->nodes[0].state, TAP_NODE_FAILED);
    CU_ASSERT(fake_said(r->fake, "nobody@localhost: "));
    CU_ASSERT(fake_said(r->fake, "no node 'nobody'"));
    e->name[strcspn(e->name, "@")] = 0;
    CU_ASSERT(fake_said(r->fake, e->name)); /* the names that there are */
    run_begin(r, &thread);
    erl_ask(e, "queue:new().");
    CU_ASSERT(seen(r, 1));
    r->fake->stopping = 1;
    run_join(thread);
    CU_ASSERT_EQUAL(r->fake->nodes[1].state, TAP_NODE_DONE);
    run_end(r);
    erl_end_all();
}

static void the_cluster_of_a_seed(void)
{
    struct erl *a = erl_start("localhost", NULL, NULL), *b = erl_start("localhost", NULL, NULL);
    struct run *r = run_new("all_nodes", NULL);
    char line[200];
    pthread_t thread;
    r->fake->plan.seed = a->name;
    snprintf(line, sizeof line, "net_kernel:connect_node('%s').", b->name);
    CU_ASSERT_STRING_EQUAL(erl_ask(a, line), "true");
    CU_ASSERT_EQUAL_FATAL(run_start(r), TAP_OK);
    CU_ASSERT_EQUAL(r->fake->count, 2);
    CU_ASSERT_STRING_EQUAL(r->fake->nodes[1].name, b->name);
    run_begin(r, &thread);
    erl_ask(a, "[queue:new(), queue:new()].");
    erl_ask(b, "queue:new().");
    CU_ASSERT(seen(r, 3));
    r->fake->stopping = 1;
    run_join(thread);
    CU_ASSERT_EQUAL(r->fake->nodes[0].events, 2);
    CU_ASSERT_EQUAL(r->fake->nodes[1].events, 1);
    run_end(r);
    erl_end_all();
}

/* Starts and must fail with these words. */
static void refused(struct run *r, const char *words)
{
    CU_ASSERT_EQUAL(run_start(r), TAP_ERROR);
    CU_ASSERT(fake_said(r->fake, words));
    CU_ASSERT(!r->fake->count || r->fake->nodes[0].state == TAP_NODE_FAILED);
    if (r->fake->count)
        CU_ASSERT(fake_said(r->fake, r->nodes[0].text));
    run_end(r);
}

static void every_refusal_says_why(void)
{
    refused(run_new("a@localhost", NULL), "no epmd runs at localhost");
    struct erl *e = erl_start("localhost", NULL, NULL);
    setenv("BEAMTAP_COOKIE", "wrong", 1);
    refused(run_new(e->name, NULL), "wrong cookie");
    unsetenv("BEAMTAP_COOKIE");
    refused(run_new(e->name, NULL), "no cookie: /nonexistent/cookie: No such file");
    setenv("BEAMTAP_COOKIE", "dist_test", 1);
    refused(run_new("a@no-such-host.invalid", NULL), "'no-such-host.invalid' is unknown");
    refused(run_new("a", NULL), "not a node name");
    struct run *r = run_new(e->name, NULL);
    static const struct tap_plan_function none = {
        .module = "no_such_module", .arity = -1, .flags = TAP_PLAN_NAMED};
    static const struct tap_plan_function *const functions[] = {&none};
    r->fake->plan.functions = functions;
    refused(r, "no_such_module");
    node_is_clean(e);
    CU_ASSERT_STRING_EQUAL(erl_ask(e, "net_kernel:allow([only@me])."), "ok");
    refused(run_new(e->name, NULL), "does not allow");
    erl_end_all();
}

static void a_name_in_use(void)
{
    struct erl *e = erl_start("localhost", NULL, NULL);
    struct run *one = run_new(e->name, NULL), *two = run_new(e->name, NULL);
    const char *name = "same_name";
    run_set(one, "name", &name, sizeof name);
    run_set(two, "name", &name, sizeof name);
    CU_ASSERT_EQUAL_FATAL(run_start(one), TAP_OK);
    refused(two, "the name same_name@localhost is in use");
    one->fake->stopping = 1;
    CU_ASSERT_EQUAL(one->ops->run(one->self), TAP_OK);
    CU_ASSERT_EQUAL(one->fake->nodes[0].state, TAP_NODE_DONE);
    run_end(one);
    const char *bad = "with@host";
    struct run *r = run_new(e->name, NULL);
    run_set(r, "name", &bad, sizeof bad);
    CU_ASSERT_EQUAL(r->ops->create(&r->fake->host, r->settings, &r->self), TAP_INVALID);
    fake_free(r->fake);
    free(r);
    erl_end_all();
}

static void a_frozen_node(void)
{
    struct erl *e = erl_start("localhost", NULL, NULL);
    struct run *r = run_new(e->name, NULL);
    int64_t timeout = SECOND / 2;
    run_set(r, "connect_timeout", &timeout, sizeof timeout);
    kill(e->pid, SIGSTOP);
    int64_t began = tap_wire_now();
    refused(r, "does not answer (timeout)");
    CU_ASSERT(tap_wire_now() - began < 2 * SECOND);
    kill(e->pid, SIGCONT);

    r = run_new(e->name, NULL);
    pthread_t thread;
    r->fake->plan.lease = SECOND;
    CU_ASSERT_EQUAL_FATAL(run_start(r), TAP_OK);
    run_begin(r, &thread);
    erl_ask(e, "queue:new().");
    CU_ASSERT(seen(r, 1));
    kill(e->pid, SIGSTOP);
    began = tap_wire_now();
    run_join(thread);
    CU_ASSERT(tap_wire_now() - began < 9 * SECOND);
    CU_ASSERT_EQUAL(r->fake->nodes[0].state, TAP_NODE_FAILED);
    CU_ASSERT(!r->fake->nodes[0].final_here);
    CU_ASSERT(fake_said(r->fake, "has said nothing"));
    kill(e->pid, SIGCONT);
    node_is_clean(e);
    run_end(r);
    erl_end_all();
}

static void a_node_that_dies(void)
{
    struct erl *a = erl_start("localhost", NULL, NULL), *b = erl_start("localhost", NULL, NULL);
    struct run *r = run_new(a->name, b->name);
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(run_start(r), TAP_OK);
    run_begin(r, &thread);
    erl_ask(a, "queue:new().");
    CU_ASSERT(seen(r, 1));
    erl_end(a);
    for (int i = 0; i < 500 && r->fake->nodes[0].state != TAP_NODE_FAILED; i++)
        usleep(10000);
    erl_ask(b, "queue:new().");
    CU_ASSERT(seen(r, 2));
    r->fake->stopping = 1;
    run_join(thread);
    CU_ASSERT_EQUAL(r->fake->nodes[0].state, TAP_NODE_FAILED);
    CU_ASSERT(!r->fake->nodes[0].final_here);
    CU_ASSERT_EQUAL(r->fake->nodes[1].state, TAP_NODE_DONE);
    CU_ASSERT(fake_said(r->fake, "closed the connection") || fake_said(r->fake, "broke"));
    run_end(r);
    erl_end_all();
}

static void leaving_at_once(void)
{
    struct erl *e = erl_start("localhost", NULL, NULL);
    struct run *r = run_new(e->name, NULL);
    CU_ASSERT_EQUAL_FATAL(run_start(r), TAP_OK);
    r->fake->stopping = 2;
    int64_t began = tap_wire_now();
    CU_ASSERT_EQUAL(r->ops->run(r->self), TAP_OK);
    CU_ASSERT(tap_wire_now() - began < SECOND);
    CU_ASSERT_EQUAL(r->ops->stop(r->self), TAP_OK);
    CU_ASSERT_EQUAL(r->fake->nodes[0].state, TAP_NODE_FAILED);
    node_is_clean(e);
    r->ops->destroy(r->self);
    fake_free(r->fake);
    free(r);
    erl_end_all();
}

/* One run after the other, as fast as it goes: the agent of the last is just leaving when the next
 * one comes. */
static void run_after_run(void)
{
    struct erl *e = erl_start("localhost", NULL, NULL);
    for (int i = 0; i < 20; i++) {
        struct run *r = run_new(e->name, NULL);
        CU_ASSERT_EQUAL_FATAL(run_start(r), TAP_OK);
        if (i % 3 == 0)
            /* now and then the agent is gone, now and then it is going */
            usleep(100000 * (useconds_t)i / 2);
        r->fake->stopping = 1;
        CU_ASSERT_EQUAL(r->ops->run(r->self), TAP_OK);
        CU_ASSERT_EQUAL(r->fake->nodes[0].state, TAP_NODE_DONE);
        run_end(r);
        usleep(30000 * (useconds_t)i);
    }
    node_is_clean(e);
    erl_end_all();
}

/* ---- Below the plugin: one connection and its calls */

static struct tap_beam_node *joined(struct tap_beam *b, struct fake *f, struct erl *e)
{
    struct tap_beam_node *n = calloc(1, sizeof *n);
    n->beam = b;
    n->name = strdup(e->name);
    n->index = f->host.transport->node_add(&f->host, e->name);
    b->host = &f->host;
    b->nodes = malloc(sizeof *b->nodes);
    b->fds = malloc(sizeof *b->fds);
    b->nodes[0] = n;
    b->count = 1;
    n->target = strdup(e->name);
    struct tap_cookie cookie = {.text = "dist_test", .from = "the test"};
    CU_ASSERT_FATAL(tap_beam_node_connect(n, "test_conn", &cookie, 5 * SECOND));
    return n;
}
static void parted(struct tap_beam *b, struct fake *f)
{
    tap_beam_node_leave(b->nodes[0]);
    tap_beam_node_free(b->nodes[0]);
    free(b->nodes);
    free(b->fds);
    fake_free(f);
    erl_end_all();
}

static void an_idle_connection_stays(void)
{
    struct tap_beam b = {.granting = true};
    struct erl *e = erl_start("localhost", "net_ticktime", "4");
    struct fake *f = fake_new();
    struct tap_beam_node *n = joined(&b, f, e);
    for (int64_t end = tap_wire_now() + 9 * SECOND;
         tap_wire_now() < end && n->state == TAP_BEAM_JOINED;)
        tap_beam_turn(&b, 250);
    CU_ASSERT(tap_beam_call(n, "erlang", "node", NULL, 5 * SECOND));
    struct tap_cursor c = tap_cursor(n->rpc.answer.data, n->rpc.answer.len);
    CU_ASSERT(tap_match_atom(&c, e->name));
    CU_ASSERT_STRING_EQUAL(erl_ask(e, "length(nodes(hidden))."), "1");
    parted(&b, f);
}

/* erlang:send(OurPid, Term): what a node says while we wait for an answer. */
static bool send_to_us(struct tap_beam_node *n, const struct tap_buf *term)
{
    struct tap_buf args = {0};
    tap_write_list(&args, 2);
    tap_buf_put(&args, n->conn.self, n->conn.self_len);
    tap_buf_put(&args, term->data, term->len);
    tap_write_nil(&args);
    bool ok = tap_beam_call(n, "erlang", "send", &args, 20 * SECOND);
    tap_buf_free(&args);
    return ok;
}

static void answers_among_other_messages(void)
{
    struct tap_beam b = {.granting = true};
    struct erl *e = erl_start("localhost", NULL, NULL);
    struct fake *f = fake_new();
    struct tap_beam_node *n = joined(&b, f, e);
    struct tap_buf noise = {0}, frame = {0};
    tap_write_atom(&noise, "noise");
    /* the noise comes first, the answer is the noise as send's result */
    CU_ASSERT(send_to_us(n, &noise));
    struct tap_cursor c = tap_cursor(n->rpc.answer.data, n->rpc.answer.len);
    CU_ASSERT(tap_match_atom(&c, "noise") && tap_left(&c) == 0);
    /* Frames of all sizes, up to one that is larger than any arena. */
    static const uint32_t sizes[] = {0, 1, 1000, 262144 - 100, 262144, 524288, 3000000};
    uint64_t bytes = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *p = calloc(1, TAP_FRAME_HEADER + sizes[i]);
        memcpy(p, TAP_FRAME_MAGIC, 4);
        p[4] = TAP_FRAME_VERSION;
        p[5] = TAP_FRAME_CONTROL;
        tap_put_u32(p + 36, sizes[i]);
        frame.len = 0;
        tap_write_binary(&frame, p, TAP_FRAME_HEADER + sizes[i]);
        free(p);
        bytes += TAP_FRAME_HEADER + sizes[i];
        CU_ASSERT(send_to_us(n, &frame));
    }
    CU_ASSERT_EQUAL(f->nodes[0].controls, sizeof sizes / sizeof sizes[0]);
    CU_ASSERT_EQUAL(f->nodes[0].bytes, bytes);
    CU_ASSERT_EQUAL(n->conn.frame_bytes, bytes);
    /* A frame that lies about itself ends the connection. */
    frame.len = 0;
    tap_write_binary(&frame, TAP_FRAME_MAGIC "\1", 5);
    CU_ASSERT_FALSE(send_to_us(n, &frame));
    CU_ASSERT(fake_said(f, "bad frame"));
    tap_buf_free(&noise);
    tap_buf_free(&frame);
    parted(&b, f);
}

static void a_call_that_takes_too_long(void)
{
    struct tap_beam b = {.granting = true};
    struct erl *e = erl_start("localhost", NULL, NULL);
    struct fake *f = fake_new();
    struct tap_beam_node *n = joined(&b, f, e);
    struct tap_buf args = {0};
    tap_write_list(&args, 1);
    tap_write_i64(&args, 10000);
    tap_write_nil(&args);
    CU_ASSERT_FALSE(tap_beam_call(n, "timer", "sleep", &args, SECOND));
    CU_ASSERT(fake_said(f, "does not answer timer:sleep within 1 s"));
    CU_ASSERT_EQUAL(f->nodes[0].state, TAP_NODE_FAILED);
    tap_buf_free(&args);
    parted(&b, f);
}

UNIT_TESTS("dist_live", UNIT_TEST(traces_to_the_end), UNIT_TEST(credit_bounds_what_is_on_its_way),
           UNIT_TEST(a_bad_node_does_not_stop_the_rest), UNIT_TEST(the_cluster_of_a_seed),
           UNIT_TEST(every_refusal_says_why), UNIT_TEST(a_name_in_use), UNIT_TEST(a_frozen_node),
           UNIT_TEST(a_node_that_dies), UNIT_TEST(leaving_at_once), UNIT_TEST(run_after_run),
           UNIT_TEST(an_idle_connection_stays), UNIT_TEST(answers_among_other_messages),
           UNIT_TEST(a_call_that_takes_too_long))
