/* Loops of functions that call each other last are told by the callers. */
#include "correlate/tails.h"
#include "decode/trace_message.h"

#include "unit.h"

enum { OUTSIDE = 100, MAIN, RECV, WORK, WALK, MAP };

static struct tap_tails *tails;

/* A call of a function from another (0: nothing is beneath it): is it a turn of a loop? */
static bool call(uint32_t function, uint32_t caller)
{
    struct tap_event ev = {.kind = TAP_FUNCTION_CALL,
                           .pid = {1, 7, 0, 0},
                           .module = 1,
                           .function = function,
                           .flags = TAP_DECODE_CALLER | TAP_DECODE_TAIL};
    if (caller) {
        ev.peer_type = TAP_PEER_MFA;
        ev.caller = (struct tap_mfa){1, caller, 0};
    }
    tap_tails_event(tails, &ev);
    CU_ASSERT_EQUAL(ev.peer_type, TAP_PEER_NONE); /* nobody asked for it */
    CU_ASSERT_EQUAL(ev.flags & ~(uint32_t)TAP_EVENT_TAIL, 0);
    return ev.flags & TAP_EVENT_TAIL;
}

static bool ends(unsigned kind, uint32_t function)
{
    struct tap_event ev = {
        .kind = (uint8_t)kind, .pid = {1, 7, 0, 0}, .module = 1, .function = function};
    tap_tails_event(tails, &ev);
    return ev.flags & TAP_EVENT_TAIL;
}

static void two_functions_are_a_loop(void)
{
    for (uint32_t beneath = 0; beneath <= OUTSIDE; beneath += OUTSIDE) {
        tails = tap_tails_new();
        CU_ASSERT_FALSE(call(MAIN, beneath));
        CU_ASSERT_FALSE(call(RECV, beneath));
        for (unsigned turn = 0; turn < 1000; turn++) {
            CU_ASSERT_FALSE(call(WORK, RECV));
            CU_ASSERT_FALSE(ends(TAP_FUNCTION_RETURN, WORK));
            CU_ASSERT_TRUE(call(MAIN, beneath));
            CU_ASSERT_TRUE(call(RECV, beneath));
        }
        for (unsigned turn = 0; turn < 1000; turn++) {
            CU_ASSERT_TRUE(ends(TAP_FUNCTION_EXCEPTION, RECV));
            CU_ASSERT_TRUE(ends(TAP_FUNCTION_EXCEPTION, MAIN));
        }
        CU_ASSERT_FALSE(ends(TAP_FUNCTION_EXCEPTION, RECV));
        CU_ASSERT_FALSE(ends(TAP_FUNCTION_EXCEPTION, MAIN));
        CU_ASSERT_FALSE(call(MAIN, beneath));
        tap_tails_free(tails);
    }
}

/* A caller that the user asked for: there may be no ends at all. */
static bool called(uint32_t function, uint32_t caller)
{
    struct tap_event ev = {.kind = TAP_FUNCTION_CALL,
                           .pid = {1, 7, 0, 0},
                           .module = 1,
                           .function = function,
                           .flags = TAP_DECODE_CALLER,
                           .peer_type = TAP_PEER_MFA,
                           .caller = {1, caller, 0}};
    tap_tails_event(tails, &ev);
    CU_ASSERT_EQUAL(ev.peer_type, TAP_PEER_MFA);
    CU_ASSERT_EQUAL(ev.flags & ~(uint32_t)TAP_EVENT_TAIL, 0);
    return ev.flags & TAP_EVENT_TAIL;
}

static void calls_whose_ends_are_not_told_are_none(void)
{
    tails = tap_tails_new();
    for (unsigned i = 0; i < 100; i++)
        CU_ASSERT_FALSE(called(WORK, OUTSIDE));
    CU_ASSERT_FALSE(ends(TAP_FUNCTION_RETURN, WORK));
    CU_ASSERT_FALSE(called(WORK, OUTSIDE));
    CU_ASSERT_TRUE(called(WORK, OUTSIDE));
    tap_tails_free(tails);
}

/* Of what is traced without returns the node does not say who called: it stands on no stack. */
static void calls_without_ends_do_not_part_a_loop(void)
{
    struct tap_event plain = {
        .kind = TAP_FUNCTION_CALL, .pid = {1, 7, 0, 0}, .module = 2, .function = WORK};
    tails = tap_tails_new();
    CU_ASSERT_FALSE(call(MAIN, OUTSIDE));
    for (unsigned turn = 0; turn < 1000; turn++) {
        tap_tails_event(tails, &plain);
        CU_ASSERT_EQUAL(plain.flags, 0);
        CU_ASSERT_TRUE(call(MAIN, OUTSIDE));
    }
    /* Nor do ends whose calls were not seen so. */
    struct tap_event end = {
        .kind = TAP_FUNCTION_RETURN, .pid = {1, 7, 0, 0}, .module = 2, .function = WORK};
    tap_tails_event(tails, &end);
    CU_ASSERT_EQUAL(end.flags, 0);
    CU_ASSERT_TRUE(ends(TAP_FUNCTION_RETURN, MAIN));
    tap_tails_free(tails);
}

static void what_calls_itself_in_between_is_none(void)
{
    tails = tap_tails_new();
    CU_ASSERT_FALSE(call(WORK, OUTSIDE));
    for (unsigned i = 0; i < 100; i++)
        CU_ASSERT_FALSE(call(WORK, WORK));
    for (unsigned i = 0; i < 101; i++)
        CU_ASSERT_FALSE(ends(TAP_FUNCTION_RETURN, WORK));
    tap_tails_free(tails);
}

/* Nor what comes again through a function that is not traced, once one of them has returned. */
static void what_returns_alone_is_none(void)
{
    tails = tap_tails_new();
    CU_ASSERT_FALSE(call(WALK, OUTSIDE));
    CU_ASSERT_FALSE(call(WALK, MAP));
    CU_ASSERT_TRUE(call(WALK, MAP)); /* it looks like a loop */
    CU_ASSERT_TRUE(ends(TAP_FUNCTION_RETURN, WALK));
    CU_ASSERT_FALSE(call(WALK, MAP)); /* but is none */
    CU_ASSERT_FALSE(ends(TAP_FUNCTION_RETURN, WALK));
    CU_ASSERT_FALSE(ends(TAP_FUNCTION_RETURN, WALK));
    CU_ASSERT_FALSE(ends(TAP_FUNCTION_RETURN, WALK));
    for (unsigned i = 0; i < 10; i++)
        CU_ASSERT_FALSE(call(WALK, MAP));
    tap_tails_free(tails);
}

static void a_loss_ends_what_is_known(void)
{
    tails = tap_tails_new();
    CU_ASSERT_FALSE(call(MAIN, 0));
    CU_ASSERT_TRUE(call(MAIN, 0));
    struct tap_event lost = {.kind = TAP_LOST, .lost = 1};
    tap_tails_event(tails, &lost);
    CU_ASSERT_FALSE(ends(TAP_FUNCTION_RETURN, MAIN));
    CU_ASSERT_FALSE(call(MAIN, 0));
    CU_ASSERT_TRUE(call(MAIN, 0));
    tap_tails_free(tails);
}

/* Once a function's returns are off in the node, its calls are no turns that would end. */
static void what_has_no_end_is_no_turn(void)
{
    tails = tap_tails_new();
    CU_ASSERT_FALSE(call(MAIN, OUTSIDE));
    CU_ASSERT_TRUE(call(MAIN, OUTSIDE));
    struct tap_event off = {.kind = TAP_RETURNS_OFF, .module = 1, .function = MAIN};
    tap_tails_event(tails, &off);
    for (unsigned i = 0; i < 10; i++)
        CU_ASSERT_FALSE(call(MAIN, OUTSIDE));
    CU_ASSERT_TRUE(ends(TAP_FUNCTION_RETURN, MAIN));
    CU_ASSERT_FALSE(ends(TAP_FUNCTION_RETURN, MAIN));
    tap_tails_free(tails);
}

UNIT_TESTS("tails", UNIT_TEST(two_functions_are_a_loop),
           UNIT_TEST(calls_whose_ends_are_not_told_are_none),
           UNIT_TEST(calls_without_ends_do_not_part_a_loop),
           UNIT_TEST(what_calls_itself_in_between_is_none), UNIT_TEST(what_returns_alone_is_none),
           UNIT_TEST(a_loss_ends_what_is_known), UNIT_TEST(what_has_no_end_is_no_turn))
