/* test_unnamed.c: whom the core would have named: who is in the events and in no report, each once,
 * a bounded number. */
#include "correlate/unnamed.h"

#include "beamtap/term.h"
#include "unit.h"

#define NODE 7u
#define ANY TAP_KIND_BIT(TAP_FUNCTION_CALL)

static struct tap_event events[4096];
static uint32_t count;
static struct tap_buf arena;

static struct tap_event *event(unsigned kind, uint32_t id)
{
    struct tap_event *ev = &events[count++];
    *ev = (struct tap_event){.kind = (uint8_t)kind, .pid = {NODE, id, 0, 1}};
    return ev;
}

static void report(uint32_t id, bool named)
{
    struct tap_event *ev = event(TAP_PROCESS_INFO, 0);
    ev->payload.off = (uint32_t)arena.len;
    tap_write_list(&arena, 1);
    tap_write_tuple(&arena, 2);
    tap_write_u8(&arena, TAP_EXT_NEW_PID);
    tap_write_atom(&arena, "n@h");
    tap_write_u32(&arena, id), tap_write_u32(&arena, 0), tap_write_u32(&arena, 1);
    if (named) {
        tap_write_list(&arena, 1);
        tap_write_tuple(&arena, 2), tap_write_atom(&arena, "name"),
            tap_write_atom(&arena, "shop_door");
    }
    tap_write_nil(&arena);
    tap_write_nil(&arena);
    ev->payload.len = (uint32_t)arena.len - ev->payload.off;
}

static void see(struct tap_unnamed *s)
{
    struct tap_batch batch = {sizeof batch,        sizeof events[0], count,
                              (uint32_t)arena.len, events,           arena.data};
    tap_unnamed_see(s, &batch, ANY);
    tap_buf_free(&arena);
    count = 0;
}

/* Their ids, "5 9 "; at most 60 of them. */
static const char *taken(struct tap_unnamed *s)
{
    static char text[1024];
    struct tap_pid pids[60];
    size_t n = tap_unnamed_take(s, pids, 60), at = 0;
    text[0] = 0;
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%u ", pids[i].id);
    return text;
}

static void each_is_given_once(void)
{
    struct tap_unnamed *s = tap_unnamed_new(false);
    event(TAP_FUNCTION_CALL, 5), event(TAP_FUNCTION_CALL, 5), event(TAP_FUNCTION_CALL, 9);
    event(TAP_FUNCTION_CALL, 5);
    event(TAP_GC_START, 11); /* not asked for */
    see(s);
    CU_ASSERT_STRING_EQUAL(taken(s), "5 9 ");
    event(TAP_FUNCTION_CALL, 9), event(TAP_FUNCTION_CALL, 12);
    see(s);
    CU_ASSERT_STRING_EQUAL(taken(s), "12 ");
    tap_unnamed_forget(s);
    event(TAP_FUNCTION_CALL, 12);
    see(s);
    CU_ASSERT_STRING_EQUAL(taken(s), "12 ");
    CU_ASSERT_STRING_EQUAL(taken(s), "");
    tap_unnamed_free(s);
}

static void whoever_is_named(struct tap_unnamed *s)
{
    struct tap_event *ev = event(TAP_PROCESS_SPAWN, 2);
    ev->peer_type = TAP_PEER_PID;
    ev->peer = (struct tap_pid){NODE, 20, 0, 1};
    event(TAP_PROCESS_START, 21);
    event(TAP_PROCESS_REGISTER, 22);
    report(23, true);
    report(24, false);
    ev = event(TAP_PROCESS_SPAWN, 2);
    ev->peer_type = TAP_PEER_PID;
    /* elsewhere: another process than <0.25.0> here */
    ev->peer = (struct tap_pid){NODE + 1, 25, 0, 1};
    for (uint32_t id = 20; id <= 26; id++)
        event(TAP_FUNCTION_CALL, id);
    see(s);
}

static void who_is_named_is_not_unnamed(void)
{
    struct tap_unnamed *s = tap_unnamed_new(false);
    whoever_is_named(s);
    CU_ASSERT_STRING_EQUAL(taken(s), "24 25 26 ");
    tap_unnamed_free(s);
    s = tap_unnamed_new(true);
    whoever_is_named(s);
    CU_ASSERT_STRING_EQUAL(taken(s), "20 21 22 23 24 25 26 ");
    tap_unnamed_free(s);
}

/* A million processes: what waits is bounded, who lives and comes again is given, and nothing
 * grows. */
static void many_processes_are_no_deep_stack(void)
{
    struct tap_unnamed *s = tap_unnamed_new(false);
    struct tap_pid pids[256];
    uint64_t given = 0, asked = 0;
    bool steady = false;
    for (uint32_t id = 1; id <= 1000000;) {
        for (uint32_t i = 0; i < 4000; i++, id++)
            event(TAP_FUNCTION_CALL, 100 + id);
        event(TAP_FUNCTION_CALL, 7);
        see(s);
        size_t n = tap_unnamed_take(s, pids, 256);
        CU_ASSERT_FATAL(n == 256);
        given += n, asked++;
        for (size_t i = 0; i < n; i++)
            steady |= pids[i].id == 7;
        if (asked % 8 == 0) /* a calm moment */
            while (tap_unnamed_take(s, pids, 256) > 0)
                ;
        event(TAP_FUNCTION_CALL, 7);
        see(s);
    }
    CU_ASSERT_EQUAL(given, asked * 256);
    CU_ASSERT(steady);
    size_t rest = 0, n;
    while ((n = tap_unnamed_take(s, pids, 256)) > 0)
        rest += n;
    CU_ASSERT(rest <= TAP_UNNAMED_WAITING);
    tap_unnamed_free(s);
}

static void broken_reports_do_no_harm(void)
{
    struct tap_unnamed *s = tap_unnamed_new(false);
    for (uint32_t cut = 0; cut < 40; cut++) {
        report(30, true);
        events[0].payload.len = events[0].payload.len > cut ? events[0].payload.len - cut : 0;
        uint8_t *copy = malloc(events[0].payload.len + 1u); /* so that a byte too far is seen */
        memcpy(copy, arena.data, events[0].payload.len);
        struct tap_batch batch = {sizeof batch,          sizeof events[0], 1,
                                  events[0].payload.len, events,           copy};
        tap_unnamed_see(s, &batch, ANY);
        free(copy);
        tap_buf_free(&arena);
        count = 0;
    }
    event(TAP_FUNCTION_CALL, 30), event(TAP_FUNCTION_CALL, 31);
    see(s);
    CU_ASSERT_STRING_EQUAL(taken(s), "31 "); /* the whole one counted */
    tap_unnamed_free(s);
}

/* Sees 60,000 processes, which are factor * i; gives the time that took. */
static double see_many(uint64_t factor)
{
    struct tap_unnamed *s = tap_unnamed_new(false);
    struct tap_pid pids[1000];
    double begun = cpu_seconds();
    for (uint64_t i = 1; i <= 60000; i++) {
        uint64_t number = ~(factor * i);
        event(TAP_FUNCTION_CALL, (uint32_t)(number >> 32))->pid.serial = (uint32_t)number;
        if (i % 1000 == 0) {
            see(s);
            CU_ASSERT_EQUAL(tap_unnamed_take(s, pids, 1000), 1000);
        }
    }
    tap_unnamed_free(s);
    return cpu_seconds() - begun;
}

/* A node says what its processes are called. By a factor that is known their numbers can be chosen
 * so that all want one place, and the bus would wait: by this one (the inverse of the golden
 * ratio's), and by those whose lower bits are 0. */
static void chosen_processes_cost_no_more_than_others(void)
{
    const uint64_t golden = 0x9e3779b97f4a7c15ull;
    uint64_t inverse = golden;
    for (int i = 0; i < 6; i++)
        inverse *= 2 - golden * inverse;
    CU_ASSERT_EQUAL(inverse * golden, 1);
    double others = see_many(1);
    CU_ASSERT(see_many(inverse) < 20 * others + 0.1);
    CU_ASSERT(see_many(UINT64_C(1) << 48) < 20 * others + 0.1);
    CU_ASSERT(see_many(UINT64_C(1) << 32) < 20 * others + 0.1);
}

UNIT_TESTS("unnamed", UNIT_TEST(each_is_given_once), UNIT_TEST(who_is_named_is_not_unnamed),
           UNIT_TEST(many_processes_are_no_deep_stack), UNIT_TEST(broken_reports_do_no_harm),
           UNIT_TEST(chosen_processes_cost_no_more_than_others))
