/* Pairing sends with receives: by sender, message and receiver, oldest first, in any order, bounded. */
#include "flow.h"

#include "unit.h"

static struct tap_pid pid(uint32_t id)
{
    return (struct tap_pid){.node = 1, .id = id, .creation = 7};
}

static struct tap_event message(uint8_t kind, uint32_t self, uint32_t peer, const char *text)
{
    struct tap_event ev = {.kind = kind, .pid = pid(self), .peer = pid(peer), .peer_type = TAP_PEER_PID};
    ev.payload.len = (uint32_t)strlen(text);
    return ev;
}

static uint64_t give(struct tap_flow *f, uint8_t kind, uint32_t self, uint32_t peer, const char *text)
{
    struct tap_event ev = message(kind, self, peer, text);
    tap_flow_event(f, &ev, (const uint8_t *)text);
    return ev.flow;
}

static uint64_t send_to_name(struct tap_flow *f, uint32_t self, const char *text)
{
    struct tap_event ev = message(TAP_MESSAGE_SEND, self, 0, text);
    ev.peer_type = TAP_PEER_NAME;
    tap_flow_event(f, &ev, (const uint8_t *)text);
    return ev.flow;
}

static void a_send_and_its_receive_share_an_id(void)
{
    struct tap_flow *f = tap_flow_new(64);
    uint64_t a = give(f, TAP_MESSAGE_SEND, 1, 2, "ball 1"), b = give(f, TAP_MESSAGE_SEND, 1, 2, "ball 2");
    CU_ASSERT(a && b && a != b);
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 2, 1, "ball 2"), b);
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 2, 1, "ball 1"), a);
    struct tap_flow_stats s;
    tap_flow_read_stats(f, &s);
    CU_ASSERT_EQUAL(s.paired, 2);
    CU_ASSERT_EQUAL(s.sends_open + s.receives_open, 0);
    tap_flow_free(f);
}

static void equal_messages_pair_first_in_first_out(void)
{
    struct tap_flow *f = tap_flow_new(64);
    uint64_t a = give(f, TAP_MESSAGE_SEND, 1, 2, "tick"), other = give(f, TAP_MESSAGE_SEND, 1, 3, "tick");
    uint64_t b = give(f, TAP_MESSAGE_SEND, 1, 2, "tick");
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 2, 1, "tick"), a);
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 2, 1, "tick"), b);
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 3, 1, "tick"), other);
    tap_flow_free(f);
}

static void another_sender_or_message_does_not_pair(void)
{
    struct tap_flow *f = tap_flow_new(64);
    uint64_t a = give(f, TAP_MESSAGE_SEND, 1, 2, "x");
    CU_ASSERT_NOT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 2, 9, "x"), a);
    CU_ASSERT_NOT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 2, 1, "y"), a);
    CU_ASSERT_NOT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 3, 1, "x"), a);
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 2, 1, "x"), a);
    tap_flow_free(f);
}

static void a_send_to_a_name_pairs_by_its_message(void)
{
    struct tap_flow *f = tap_flow_new(64);
    uint64_t a = send_to_name(f, 1, "request 7");
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 5, 1, "request 7"), a);
    tap_flow_free(f);
}

static void a_receive_may_come_first(void)
{
    struct tap_flow *f = tap_flow_new(64);
    uint64_t r = give(f, TAP_MESSAGE_RECEIVE, 2, 1, "early");
    CU_ASSERT(r != 0);
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_SEND, 1, 2, "early"), r);
    tap_flow_free(f);
}

static void what_waits_is_bounded_and_counted(void)
{
    struct tap_flow *f = tap_flow_new(16);
    char text[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "m%d", i);
        give(f, TAP_MESSAGE_SEND, 1, 2, text);
    }
    struct tap_flow_stats s;
    tap_flow_read_stats(f, &s);
    CU_ASSERT_EQUAL(s.sends_open, 16);
    CU_ASSERT_EQUAL(s.sends_evicted, 984);
    uint64_t last = give(f, TAP_MESSAGE_RECEIVE, 2, 1, "m999");
    CU_ASSERT(last > 0 && last <= 1000);
    tap_flow_read_stats(f, &s);
    CU_ASSERT_EQUAL(s.paired, 1);
    tap_flow_free(f);
}

static void spawns_pair_with_starts(void)
{
    struct tap_flow *f = tap_flow_new(16);
    struct tap_event spawn = {
        .kind = TAP_PROCESS_SPAWN, .pid = pid(1), .peer = pid(2), .peer_type = TAP_PEER_PID};
    struct tap_event start = {
        .kind = TAP_PROCESS_START, .pid = pid(2), .peer = pid(1), .peer_type = TAP_PEER_PID};
    tap_flow_event(f, &start, NULL);
    tap_flow_event(f, &spawn, NULL);
    CU_ASSERT(spawn.flow != 0);
    CU_ASSERT_EQUAL(spawn.flow, start.flow);
    tap_flow_free(f);
}

static void receives_without_a_sender_are_counted(void)
{
    struct tap_flow *f = tap_flow_new(16);
    struct tap_event ev = message(TAP_MESSAGE_RECEIVE, 2, 0, "timer");
    ev.peer_type = TAP_PEER_NONE;
    tap_flow_event(f, &ev, (const uint8_t *)"timer");
    struct tap_flow_stats s;
    tap_flow_read_stats(f, &s);
    CU_ASSERT_EQUAL(ev.flow, 0);
    CU_ASSERT_EQUAL(s.no_sender, 1);
    tap_flow_free(f);
}

UNIT_TESTS("flow", UNIT_TEST(a_send_and_its_receive_share_an_id),
           UNIT_TEST(equal_messages_pair_first_in_first_out),
           UNIT_TEST(another_sender_or_message_does_not_pair),
           UNIT_TEST(a_send_to_a_name_pairs_by_its_message), UNIT_TEST(a_receive_may_come_first),
           UNIT_TEST(what_waits_is_bounded_and_counted), UNIT_TEST(spawns_pair_with_starts),
           UNIT_TEST(receives_without_a_sender_are_counted))
