/* One chain of messages: who is in it, and that its tables are bounded and exact. */
#include "bus/chain.h"

#include <stdlib.h>

#include "beamtap/gen.h"
#include "beamtap/term_write.h"

#include "unit.h"

static struct tap_chain *chain;

static struct tap_event event(unsigned kind, uint32_t id, uint64_t flow)
{
    return (struct tap_event){.kind = (uint8_t)kind, .pid = {1, id, 0, 1}, .flow = flow};
}

static bool is_of_it(unsigned kind, uint32_t id, uint64_t flow)
{
    struct tap_event ev = event(kind, id, flow);
    return tap_chain_event(chain, &ev, NULL);
}

static struct tap_chain_stats stats(void)
{
    struct tap_chain_stats s;
    tap_chain_read_stats(chain, &s);
    return s;
}

static void begin(void)
{
    struct tap_event first = event(TAP_MESSAGE_SEND, 1, 100);
    CU_ASSERT_PTR_NOT_NULL_FATAL(chain = tap_chain_new());
    CU_ASSERT_FALSE(tap_chain_begun(chain));
    tap_chain_begin(chain, &first, NULL);
    CU_ASSERT_TRUE(tap_chain_begun(chain));
}

static void a_message_leads_to_what_is_sent_on(void)
{
    begin();
    CU_ASSERT_FALSE(is_of_it(TAP_FUNCTION_CALL, 1, 0)); /* who sent it is not in it for that */
    CU_ASSERT_FALSE(is_of_it(TAP_MESSAGE_SEND, 2, 101));
    CU_ASSERT_TRUE(is_of_it(TAP_MESSAGE_RECEIVE, 2, 100));
    CU_ASSERT_TRUE(is_of_it(TAP_FUNCTION_CALL, 2, 0));
    CU_ASSERT_TRUE(is_of_it(TAP_MESSAGE_SEND, 2, 102));
    CU_ASSERT_FALSE(is_of_it(TAP_MESSAGE_RECEIVE, 3, 101));
    CU_ASSERT_TRUE(is_of_it(TAP_MESSAGE_RECEIVE, 3, 102));
    CU_ASSERT_FALSE(is_of_it(TAP_MESSAGE_RECEIVE, 4, 102)); /* it came once */
    CU_ASSERT_FALSE(is_of_it(TAP_MESSAGE_RECEIVE, 3, 103)); /* and with this 3 leaves */
    CU_ASSERT_FALSE(is_of_it(TAP_FUNCTION_CALL, 3, 0));
    CU_ASSERT_TRUE(is_of_it(TAP_PROCESS_EXIT, 2, 0));
    CU_ASSERT_FALSE(is_of_it(TAP_FUNCTION_CALL, 2, 0));
    CU_ASSERT_EQUAL(stats().messages, 2);
    CU_ASSERT_EQUAL(stats().processes, 2);
    tap_chain_free(chain);
}

static void whom_it_spawns_is_in_it(void)
{
    begin();
    struct tap_event spawn = event(TAP_PROCESS_SPAWN, 2, 0);
    spawn.peer_type = TAP_PEER_PID;
    spawn.peer = (struct tap_pid){1, 9, 0, 1};
    CU_ASSERT_FALSE(tap_chain_event(chain, &spawn, NULL));
    CU_ASSERT_FALSE(is_of_it(TAP_PROCESS_START, 9, 0));
    CU_ASSERT_TRUE(is_of_it(TAP_MESSAGE_RECEIVE, 2, 100));
    CU_ASSERT_TRUE(tap_chain_event(chain, &spawn, NULL));
    CU_ASSERT_TRUE(is_of_it(TAP_PROCESS_START, 9, 0));
    CU_ASSERT_TRUE(is_of_it(TAP_MESSAGE_SEND, 9, 110));
    tap_chain_free(chain);
}

/* Taken out in another order than they came, from a table in which many stand beside each other. */
static void many_messages_are_each_found_once(void)
{
    enum { MANY = 60000 };
    uint64_t *flows = malloc(MANY * sizeof *flows), seed = 7;
    begin();
    CU_ASSERT_TRUE(is_of_it(TAP_MESSAGE_RECEIVE, 2, 100));
    for (uint64_t i = 0; i < MANY; i++) {
        flows[i] = 1000 + i * 3;
        CU_ASSERT_TRUE(is_of_it(TAP_MESSAGE_SEND, 2, flows[i]));
    }
    for (uint32_t i = MANY - 1; i > 0; i--) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint32_t k = (uint32_t)(seed >> 33) % (i + 1);
        uint64_t swap = flows[i];
        flows[i] = flows[k], flows[k] = swap;
    }
    for (uint32_t i = 0; i < MANY; i++) {
        CU_ASSERT_FALSE(is_of_it(TAP_MESSAGE_RECEIVE, 3, flows[i] + 1));
        CU_ASSERT_TRUE(is_of_it(TAP_MESSAGE_RECEIVE, 4, flows[i]));
        CU_ASSERT_FALSE(is_of_it(TAP_MESSAGE_RECEIVE, 3, flows[i]));
    }
    CU_ASSERT_EQUAL(stats().forgotten, 0);
    free(flows);
    tap_chain_free(chain);
}

static void what_has_no_room_is_counted(void)
{
    enum { MOST = 65536, MORE = 1000 };
    begin();
    CU_ASSERT_TRUE(is_of_it(TAP_MESSAGE_RECEIVE, 2, 100));
    for (uint64_t i = 0; i < MOST + MORE; i++)
        CU_ASSERT_TRUE(is_of_it(TAP_MESSAGE_SEND, 2, 1000 + i));
    CU_ASSERT_EQUAL(stats().forgotten, MORE);
    CU_ASSERT_TRUE(is_of_it(TAP_MESSAGE_RECEIVE, 4, 1000 + MOST - 1));
    CU_ASSERT_FALSE(is_of_it(TAP_MESSAGE_RECEIVE, 4, 1000 + MOST));
    tap_chain_free(chain);
}

/* #Ref<0.7> of n@h: what a call and its reply share. */
#define REFERENCE 90, 0, 1, 119, 3, 'n', '@', 'h', 0, 0, 0, 1, 0, 0, 0, 7

static bool speaks(struct tap_event ev, enum tap_gen gen, const struct tap_buf *message)
{
    ev.gen = (uint8_t)gen;
    ev.payload = (struct tap_span){0, (uint32_t)message->len};
    return tap_chain_event(chain, &ev, message->data);
}

/* {noreply, _}, and gen_server:reply from a worker. */
static void a_server_has_answered_whoever_sends_the_reply(void)
{
    static const uint8_t from[] = {88, 119, 3, 'n', '@', 'h', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1},
                         reference[] = {REFERENCE};
    struct tap_buf call = {0}, reply = {0};
    tap_write_tuple(&call, 3);
    tap_write_atom(&call, "$gen_call");
    tap_write_tuple(&call, 2);
    tap_buf_put(&call, from, sizeof from);
    tap_buf_put(&call, reference, sizeof reference);
    tap_write_atom(&call, "order");
    tap_write_tuple(&reply, 2);
    tap_buf_put(&reply, reference, sizeof reference);
    tap_write_atom(&reply, "done");
    struct tap_event first = event(TAP_MESSAGE_SEND, 1, 100);
    first.gen = TAP_GEN_CALL;
    first.payload = (struct tap_span){0, (uint32_t)call.len};
    CU_ASSERT_PTR_NOT_NULL_FATAL(chain = tap_chain_new());
    tap_chain_begin(chain, &first, call.data);
    CU_ASSERT_TRUE(speaks(event(TAP_MESSAGE_RECEIVE, 2, 100), TAP_GEN_CALL, &call));
    CU_ASSERT_TRUE(is_of_it(TAP_FUNCTION_CALL, 2, 0));
    CU_ASSERT_TRUE(speaks(event(TAP_MESSAGE_SEND, 3, 101), TAP_GEN_REPLY, &reply));
    CU_ASSERT_FALSE(is_of_it(TAP_FUNCTION_CALL, 2, 0));
    CU_ASSERT_FALSE(is_of_it(TAP_MESSAGE_SEND, 2, 102));
    CU_ASSERT_TRUE(is_of_it(TAP_MESSAGE_RECEIVE, 1, 101));
    tap_buf_free(&call);
    tap_buf_free(&reply);
    tap_chain_free(chain);
}

UNIT_TESTS("chain", UNIT_TEST(a_message_leads_to_what_is_sent_on),
           UNIT_TEST(whom_it_spawns_is_in_it), UNIT_TEST(many_messages_are_each_found_once),
           UNIT_TEST(what_has_no_room_is_counted),
           UNIT_TEST(a_server_has_answered_whoever_sends_the_reply))
