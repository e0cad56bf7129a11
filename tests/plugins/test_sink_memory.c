/* The memory of each sink depends on what is open (processes, frames, messages on their way), never
 * on how much it saw: after two million events of processes that come and go it holds what it held
 * after two hundred thousand. */
#include "sink_host.h"

#include <malloc.h>

enum { ROUND = 12 }; /* events of one process's life, below */

static uint32_t next_process;
static int64_t next_ts = T0;
static uint64_t next_flow;

static struct tap_event *next(struct sb *b, enum tap_kind kind, uint32_t process)
{
    struct tap_event *e = sb_event(b, kind);
    e->ts = next_ts += 1000;
    e->pid = sb_pid(process);
    return e;
}

/* A process's whole life: spawned, called, told something, ended. One message in eight is never
 * received. */
static void a_life(struct sb *b)
{
    uint32_t child = 1000 + next_process++;
    struct tap_event *e = next(b, TAP_PROCESS_SPAWN, 100);
    e->peer_type = TAP_PEER_PID, e->peer = sb_pid(child);
    e = next(b, TAP_PROCESS_START, child);
    e->peer_type = TAP_PEER_PID, e->peer = sb_pid(100);
    for (int i = 0; i < 3; i++) {
        sb_function(e = next(b, TAP_FUNCTION_CALL, child), "shop_cart", i == 2 ? "total" : "add",
                    2);
        e->payload = sb_arguments(b, child, "apple");
    }
    e = next(b, TAP_MESSAGE_SEND, child);
    e->peer_type = TAP_PEER_PID, e->peer = sb_pid(100);
    e->flow = ++next_flow;
    e->payload = sb_atom(b, "thanks");
    e = next(b, TAP_MESSAGE_RECEIVE, 100);
    e->flow = next_flow % 8 ? next_flow : 0;
    e->payload = sb_atom(b, "thanks");
    for (int i = 2; i >= 0; i--) {
        enum tap_kind kind = i == 1 && child % 2 ? TAP_FUNCTION_EXCEPTION : TAP_FUNCTION_RETURN;
        sb_function(e = next(b, kind, child), "shop_cart", i == 2 ? "total" : "add", 2);
        e->payload = sb_atom(b, "ok");
    }
    next(b, TAP_SCHEDULE_OUT, child)->scheduler = 1 + child % 4;
    next(b, TAP_PROCESS_EXIT, child)->payload = sb_atom(b, "normal");
}

static size_t in_use(void)
{
    struct mallinfo2 now = mallinfo2();
    return now.uordblks + now.hblkhd;
}

static void feed(struct sink *s, unsigned events)
{
    static struct sb b;
    for (unsigned fed = 0; fed < events; fed += b.n) {
        b.n = 0;
        b.arena.len = 0;
        while (b.n + ROUND <= 4092)
            a_life(&b);
        CU_ASSERT_EQUAL_FATAL(sink_consume(s, &b), TAP_OK);
    }
}

static void stays(const char *which, const char *key, const char *value)
{
    struct sink s;
    CU_ASSERT_EQUAL_FATAL(sink_create(&s, which, "path", "/dev/null", key, value, NULL), TAP_OK);
    CU_ASSERT_EQUAL_FATAL(s.ops->start(s.self), TAP_OK);
    feed(&s, 200000);
    size_t before = in_use();
    feed(&s, 2000000);
    size_t after = in_use();
    if (after > before + 65536)
        printf("# %s: %zu bytes, then %zu\n", which, before, after);
    CU_ASSERT(after <= before + 65536);
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
}

static void chrome_stays_as_it_is(void)
{
    stays("chrome", "args", "true");
}
static void csv_stays_as_it_is(void)
{
    stays("csv", "max_message", "64k");
}
static void csv_with_names_stays_as_it_is(void)
{
    stays("csv", "columns", "ts, process, event");
}
static void stdout_stays_as_it_is(void)
{
    stays("stdout", "indent", "true");
}

UNIT_TESTS("sink_memory", UNIT_TEST(chrome_stays_as_it_is), UNIT_TEST(csv_stays_as_it_is),
           UNIT_TEST(csv_with_names_stays_as_it_is), UNIT_TEST(stdout_stays_as_it_is))
