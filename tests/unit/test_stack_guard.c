/* Calls that pile up on a stack: found by process and function, asked for seldom, in bounded
 * memory. */
#include "correlate/stack_guard.h"

#include "beamtap/returns_off.h"
#include "unit.h"

static struct tap_event event(unsigned kind, uint32_t process, uint32_t function)
{
    return (struct tap_event){.kind = (uint8_t)kind,
                              .pid = {.node = 1, .id = process, .creation = 7},
                              .module = 3,
                              .function = function,
                              .arity = 1};
}

static void give(struct tap_stack_guard *r, unsigned kind, uint32_t process, uint32_t function,
                 uint32_t times)
{
    struct tap_event ev = event(kind, process, function);
    while (times--)
        tap_stack_guard_event(r, &ev);
}

static void a_deep_stack_is_found_once(void)
{
    struct tap_stack_guard *r = tap_stack_guard_new();
    struct tap_deep_stack pile;
    give(r, TAP_FUNCTION_CALL, 5, 9, TAP_STACK_GUARD_OPEN - 1);
    CU_ASSERT(!tap_stack_guard_take(r, 0, &pile));
    give(r, TAP_FUNCTION_CALL, 5, 9, 1);
    CU_ASSERT(!tap_stack_guard_take(r, 1, &pile)); /* another node */
    CU_ASSERT_FATAL(tap_stack_guard_take(r, 0, &pile));
    CU_ASSERT(pile.pid.id == 5 && pile.module == 3 && pile.function == 9 && pile.arity == 1);
    CU_ASSERT_EQUAL(pile.open, TAP_STACK_GUARD_OPEN);
    CU_ASSERT(!tap_stack_guard_take(r, 0, &pile));
    give(r, TAP_FUNCTION_CALL, 5, 9, TAP_STACK_GUARD_OPEN - 1);
    CU_ASSERT(!tap_stack_guard_take(r, 0, &pile));
    give(r, TAP_FUNCTION_CALL, 5, 9, 1); /* the node did not find it so: again at twice as many */
    CU_ASSERT(tap_stack_guard_take(r, 0, &pile) && pile.open == 2 * TAP_STACK_GUARD_OPEN);
    tap_stack_guard_free(r);
}

static void what_returns_is_no_deep_stack(void)
{
    struct tap_stack_guard *r = tap_stack_guard_new();
    struct tap_deep_stack pile;
    for (unsigned i = 0; i < 10 * TAP_STACK_GUARD_OPEN; i++) {
        give(r, TAP_FUNCTION_CALL, 5, 9, 2);
        give(r, TAP_FUNCTION_RETURN, 5, 9, 1);
        give(r, TAP_FUNCTION_EXCEPTION, 5, 9, 1);
        give(r, TAP_FUNCTION_RETURN, 5, 9, 1);    /* of a call before the trace */
        give(r, TAP_FUNCTION_CALL, 10 + i, 9, 1); /* once in each of many processes */
    }
    CU_ASSERT(!tap_stack_guard_take(r, 0, &pile));
    tap_stack_guard_free(r);
}

static void what_has_returns_off_is_let_alone_until_its_node_is_back(void)
{
    struct tap_stack_guard *r = tap_stack_guard_new();
    struct tap_deep_stack pile;
    struct tap_event told;
    give(r, TAP_RETURNS_OFF, 0, 9, 2);
    CU_ASSERT(tap_stack_guard_done(r, 0, 0, &told) && told.module == 3 && told.function == 9 &&
              told.arity == 1);
    CU_ASSERT(!tap_stack_guard_done(r, 0, 1, &told));
    give(r, TAP_FUNCTION_CALL, 5, 9, 10 * TAP_STACK_GUARD_OPEN);
    CU_ASSERT(!tap_stack_guard_take(r, 0, &pile));
    give(r, TAP_NODE_UP, 0, 0, 1);
    CU_ASSERT(!tap_stack_guard_done(r, 0, 0, &told));
    give(r, TAP_FUNCTION_CALL, 6, 9, TAP_STACK_GUARD_OPEN);
    CU_ASSERT(tap_stack_guard_take(r, 0, &pile) && pile.pid.id == 6);
    tap_stack_guard_free(r);
}

/* As many as a recording has that was made for it: none is searched for among all others, be it
 * learnt, asked for at a call, or forgotten. */
static void a_million_have_returns_off(void)
{
    enum { MANY = 1000000 };
    struct tap_returns_off off = {0};
    struct tap_event ev = event(TAP_RETURNS_OFF, 0, 0), up = event(TAP_NODE_UP, 0, 0);
    unsigned learnt = 0, had = 0;
    for (ev.function = 1; ev.function <= MANY; ev.function++)
        learnt += tap_returns_off_learn(&off, &ev) && tap_returns_off_learn(&off, &ev);
    for (ev.function = 1; ev.function <= 2 * MANY; ev.function++)
        had += tap_returns_off_has(&off, &ev);
    CU_ASSERT(learnt == MANY && had == MANY);
    CU_ASSERT(tap_returns_off_of(&off, 0)->count == MANY);
    CU_ASSERT(tap_returns_off_of(&off, 0)->at[0].function == 1); /* as they came */
    up.node = 1;
    for (ev.node = 1, ev.function = 7; had < 2 * MANY; had++)
        if (!tap_returns_off_learn(&off, &ev) || !tap_returns_off_learn(&off, &up) ||
            tap_returns_off_has(&off, &ev))
            break;
    CU_ASSERT(had == 2 * MANY);
    ev.node = up.node = 0;
    CU_ASSERT(tap_returns_off_has(&off, &ev));
    ev.arity++;
    CU_ASSERT(!tap_returns_off_has(&off, &ev));
    ev.arity--;
    CU_ASSERT(tap_returns_off_learn(&off, &up) && !tap_returns_off_has(&off, &ev));
    tap_returns_off_free(&off);
}

/* Two million processes that ended in the middle of a call, and one that loops among them. */
static void a_loop_is_found_among_the_dead(void)
{
    struct tap_stack_guard *r = tap_stack_guard_new();
    struct tap_deep_stack pile;
    uint32_t process = 10;
    for (unsigned i = 0; i < 2000; i++) {
        for (unsigned k = 0; k < 1000; k++)
            give(r, TAP_FUNCTION_CALL, process++, 9, 1);
        give(r, TAP_FUNCTION_CALL, 5, 9, 1);
    }
    CU_ASSERT(tap_stack_guard_take(r, 0, &pile) && pile.pid.id == 5);
    CU_ASSERT(!tap_stack_guard_take(r, 0, &pile));
    tap_stack_guard_free(r);
}

UNIT_TESTS("relief", UNIT_TEST(a_deep_stack_is_found_once),
           UNIT_TEST(what_returns_is_no_deep_stack),
           UNIT_TEST(what_has_returns_off_is_let_alone_until_its_node_is_back),
           UNIT_TEST(a_million_have_returns_off), UNIT_TEST(a_loop_is_found_among_the_dead))
