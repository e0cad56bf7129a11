/* Pairing sends with receives: by sender, message and receiver, oldest first, in any order,
 * bounded. */
#include "correlate/flow.h"
#include "correlate/message_hash.h"

#include "unit.h"

static struct tap_pid pid(uint32_t id)
{
    return (struct tap_pid){.node = 1, .id = id, .creation = 7};
}

static struct tap_event message(uint8_t kind, uint32_t self, uint32_t peer, const char *text)
{
    struct tap_event ev = {
        .kind = kind, .pid = pid(self), .peer = pid(peer), .peer_type = TAP_PEER_PID};
    ev.payload.len = (uint32_t)strlen(text);
    return ev;
}

static uint64_t give(struct tap_flow *f, uint8_t kind, uint32_t self, uint32_t peer,
                     const char *text)
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
    struct tap_flow *f = tap_flow_new(64, NULL);
    uint64_t a = give(f, TAP_MESSAGE_SEND, 1, 2, "ball 1"),
             b = give(f, TAP_MESSAGE_SEND, 1, 2, "ball 2");
    CU_ASSERT(a && b && a != b);
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 2, 1, "ball 2"), b);
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 2, 1, "ball 1"), a);
    struct tap_flow_stats s;
    tap_flow_read_stats(f, &s);
    CU_ASSERT_EQUAL(s.paired, 2);
    CU_ASSERT_EQUAL(s.sends_open + s.receives_open, 0);
    tap_flow_free(f);
}

static void an_end_that_is_not_traced_is_told(void)
{
    struct tap_flow *f = tap_flow_new(64, NULL);
    give(f, TAP_MESSAGE_SEND, 1, 8, "to one that is not traced");
    give(f, TAP_MESSAGE_RECEIVE, 1, 9, "from another that is not");
    give(f, TAP_MESSAGE_RECEIVE, 2, 1, "from one that is");
    give(f, TAP_MESSAGE_SEND, 1, 2, "not taken yet");
    struct tap_flow_stats s;
    tap_flow_read_stats(f, &s);
    CU_ASSERT_EQUAL(s.sends_open, 2);
    CU_ASSERT_EQUAL(s.sends_unseen, 1);
    CU_ASSERT_EQUAL(s.receives_open, 2);
    CU_ASSERT_EQUAL(s.receives_unseen, 1);
    tap_flow_free(f);
}

/* init has the number 0. */
static void init_is_a_process_too(void)
{
    struct tap_flow *f = tap_flow_new(64, NULL);
    give(f, TAP_MESSAGE_SEND, 1, 0, "to init, which is not traced");
    give(f, TAP_MESSAGE_RECEIVE, 1, 0, "from it");
    uint64_t r = give(f, TAP_MESSAGE_RECEIVE, 2, 0, "of init, and not of 3");
    CU_ASSERT_NOT_EQUAL(give(f, TAP_MESSAGE_SEND, 3, 2, "of init, and not of 3"), r);
    struct tap_flow_stats s;
    tap_flow_read_stats(f, &s);
    CU_ASSERT_EQUAL(s.sends_unseen, 1);
    CU_ASSERT_EQUAL(s.receives_unseen, 2);
    tap_flow_free(f);
}

static void equal_messages_pair_first_in_first_out(void)
{
    struct tap_flow *f = tap_flow_new(64, NULL);
    uint64_t a = give(f, TAP_MESSAGE_SEND, 1, 2, "tick"),
             other = give(f, TAP_MESSAGE_SEND, 1, 3, "tick");
    uint64_t b = give(f, TAP_MESSAGE_SEND, 1, 2, "tick");
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 2, 1, "tick"), a);
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 2, 1, "tick"), b);
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 3, 1, "tick"), other);
    tap_flow_free(f);
}

static void another_sender_or_message_does_not_pair(void)
{
    struct tap_flow *f = tap_flow_new(64, NULL);
    uint64_t a = give(f, TAP_MESSAGE_SEND, 1, 2, "x");
    CU_ASSERT_NOT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 2, 9, "x"), a);
    CU_ASSERT_NOT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 2, 1, "y"), a);
    CU_ASSERT_NOT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 3, 1, "x"), a);
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 2, 1, "x"), a);
    tap_flow_free(f);
}

static void a_send_to_a_name_pairs_by_its_message(void)
{
    struct tap_flow *f = tap_flow_new(64, NULL);
    uint64_t a = send_to_name(f, 1, "request 7");
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 5, 1, "request 7"), a);
    tap_flow_free(f);
}

static void a_receive_may_come_first(void)
{
    struct tap_flow *f = tap_flow_new(64, NULL);
    uint64_t r = give(f, TAP_MESSAGE_RECEIVE, 2, 1, "early");
    CU_ASSERT(r != 0);
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_SEND, 1, 2, "early"), r);
    tap_flow_free(f);
}

static uint64_t give_at(struct tap_flow *f, int64_t ts, uint8_t kind, uint32_t self, uint32_t node)
{
    struct tap_event ev = message(kind, self, 3 - self, "tick");
    ev.ts = ts;
    if (self == 2)
        ev.pid.node = node;
    else
        ev.peer.node = node;
    tap_flow_event(f, &ev, (const uint8_t *)"tick");
    return ev.flow;
}

/* Where tracing began between a send and its receive, the next send of an equal message is not its
 * own, and each later receive has its own send. */
static void a_receive_is_not_of_a_later_send(void)
{
    for (uint32_t node = 1; node < 3; node++) {
        struct tap_flow *f = tap_flow_new(64, NULL);
        int64_t later = node == 1 ? 1 : 1000000001; /* clocks of two nodes differ */
        uint64_t r = give_at(f, 100, TAP_MESSAGE_RECEIVE, 2, node);
        uint64_t s = give_at(f, 100 + later, TAP_MESSAGE_SEND, 1, node);
        CU_ASSERT(s && s != r);
        CU_ASSERT_EQUAL(give_at(f, 101 + later, TAP_MESSAGE_RECEIVE, 2, node), s);
        r = give_at(f, 102 + later, TAP_MESSAGE_RECEIVE, 2, node);
        CU_ASSERT_EQUAL(give_at(f, 102 + later, TAP_MESSAGE_SEND, 1, node), r);
        tap_flow_free(f);
    }
}

static void what_waits_is_bounded_and_counted(void)
{
    struct tap_flow *f = tap_flow_new(16, NULL);
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
    struct tap_flow *f = tap_flow_new(16, NULL);
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
    struct tap_flow *f = tap_flow_new(16, NULL);
    struct tap_event ev = message(TAP_MESSAGE_RECEIVE, 2, 0, "timer");
    ev.peer_type = TAP_PEER_NONE;
    tap_flow_event(f, &ev, (const uint8_t *)"timer");
    struct tap_flow_stats s;
    tap_flow_read_stats(f, &s);
    CU_ASSERT_EQUAL(ev.flow, 0);
    CU_ASSERT_EQUAL(s.no_sender, 1);
    tap_flow_free(f);
}

/* From another node: the VM tells the sender's node only. */
static uint64_t receive_from_node(struct tap_flow *f, uint32_t self_node, uint32_t self,
                                  uint32_t node, const char *text)
{
    struct tap_event ev = {
        .kind = TAP_MESSAGE_RECEIVE, .pid = {self_node, self, 0, 7}, .peer = {.node = node}};
    ev.payload.len = (uint32_t)strlen(text);
    tap_flow_event(f, &ev, (const uint8_t *)text);
    return ev.flow;
}
static uint64_t send_far(struct tap_flow *f, uint32_t node, uint32_t self, uint32_t to_node,
                         uint32_t to, const char *text)
{
    struct tap_event ev = {.kind = TAP_MESSAGE_SEND,
                           .pid = {node, self, 0, 7},
                           .peer = {to_node, to, 0, 7},
                           .peer_type = TAP_PEER_PID};
    ev.payload.len = (uint32_t)strlen(text);
    tap_flow_event(f, &ev, (const uint8_t *)text);
    return ev.flow;
}

static void between_nodes_the_receiver_and_the_senders_node_tell(void)
{
    struct tap_flow *f = tap_flow_new(64, NULL);
    uint64_t a = send_far(f, 1, 10, 2, 20, "x"), b = send_far(f, 3, 10, 2, 20, "x");
    uint64_t c = send_far(f, 1, 10, 2, 21, "x");
    CU_ASSERT_EQUAL(receive_from_node(f, 2, 20, 3, "x"), b);
    CU_ASSERT_EQUAL(receive_from_node(f, 2, 21, 1, "x"), c);
    CU_ASSERT_NOT_EQUAL(receive_from_node(f, 2, 20, 1, "y"), a);
    CU_ASSERT_EQUAL(receive_from_node(f, 2, 20, 1, "x"), a);
    uint64_t early = receive_from_node(f, 2, 30, 1, "early");
    CU_ASSERT_NOT_EQUAL(send_far(f, 3, 9, 2, 30, "early"), early);
    CU_ASSERT_EQUAL(send_far(f, 1, 9, 2, 30, "early"), early);
    struct tap_flow_stats s;
    tap_flow_read_stats(f, &s);
    CU_ASSERT_EQUAL(s.paired, 4);
    CU_ASSERT_EQUAL(s.receives_open, 1);
    CU_ASSERT_EQUAL(s.sends_open, 1);
    tap_flow_free(f);
}

static void to_a_name(struct tap_event *ev, uint32_t self, uint32_t name, const char *text)
{
    *ev = message(TAP_MESSAGE_SEND, self, 0, text);
    ev->peer = (struct tap_pid){0};
    ev->peer_type = TAP_PEER_NAME;
    ev->peer_name = name;
}

/* The same message to two names: who is registered decides, where it is known. */
static void a_name_chooses_among_equal_messages(void)
{
    static const uint8_t registered[] = {TAP_EXT_SMALL_ATOM_UTF8, 5, 'c', 'l', 'o', 'c', 'k'};
    struct tap_intern *names = tap_intern_new(64);
    struct tap_atom_cache *atoms = tap_atom_cache_new(names);
    struct tap_flow *f = tap_flow_new(64, atoms);
    struct tap_event name = {
        .kind = TAP_PROCESS_REGISTER, .pid = pid(6), .payload = {0, sizeof registered}};
    tap_flow_event(f, &name, registered);
    uint32_t clock = tap_intern_name(names, "clock", 5), other = tap_intern_name(names, "other", 5);
    struct tap_event to_other, to_clock;
    to_a_name(&to_other, 1, other, "tick");
    to_a_name(&to_clock, 1, clock, "tick");
    tap_flow_event(f, &to_clock, (const uint8_t *)"tick");
    tap_flow_event(f, &to_other, (const uint8_t *)"tick");
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 5, 1, "tick"), to_other.flow);
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 6, 1, "tick"), to_clock.flow);
    /* It has died and another one has its name: a hint is no proof. */
    to_a_name(&to_clock, 1, clock, "tock");
    tap_flow_event(f, &to_clock, (const uint8_t *)"tock");
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 9, 1, "tock"), to_clock.flow);
    tap_flow_free(f);
    tap_atom_cache_free(atoms);
    tap_intern_free(names);
}

static void an_open_receive_is_found_by_a_send_to_a_name(void)
{
    struct tap_flow *f = tap_flow_new(64, NULL);
    uint64_t r = give(f, TAP_MESSAGE_RECEIVE, 2, 1, "hello");
    CU_ASSERT_EQUAL(send_to_name(f, 1, "hello"), r);
    CU_ASSERT_NOT_EQUAL(give(f, TAP_MESSAGE_SEND, 1, 2, "hello"), r); /* found once */
    tap_flow_free(f);
}

static void ports_and_the_dead_receive_nothing(void)
{
    struct tap_flow *f = tap_flow_new(64, NULL);
    struct tap_event ev = message(TAP_MESSAGE_SEND, 1, 0, "x");
    ev.peer_type = TAP_PEER_PORT;
    tap_flow_event(f, &ev, (const uint8_t *)"x");
    CU_ASSERT_EQUAL(ev.flow, 0);
    ev = message(TAP_MESSAGE_SEND, 1, 2, "x");
    ev.flags = TAP_EVENT_NONEXISTING;
    tap_flow_event(f, &ev, (const uint8_t *)"x");
    CU_ASSERT_EQUAL(ev.flow, 0);
    struct tap_flow_stats s;
    tap_flow_read_stats(f, &s);
    CU_ASSERT_EQUAL(s.to_ports, 1);
    CU_ASSERT_EQUAL(s.to_nobody, 1);
    CU_ASSERT_EQUAL(s.sends_open, 0);
    tap_flow_free(f);
}

/* Whatever comes in whatever order: what is open is what the counters say, and in the end all pairs
 * were found. */
static void random_orders_pair_completely(void)
{
    unsigned seed = 3, bad = 0;
    for (int round = 0; round < 50; round++) {
        struct tap_flow *f = tap_flow_new(4096, NULL);
        uint64_t sent[256] = {0}, received[256] = {0};
        int order[512];
        char text[16];
        for (int i = 0; i < 512; i++)
            order[i] = i;
        for (int i = 511; i > 0; i--) {
            int k = rand_r(&seed) % (i + 1), t = order[i];
            order[i] = order[k], order[k] = t;
        }
        for (int i = 0; i < 512; i++) {
            int n = order[i] / 2;
            snprintf(text, sizeof text, "m%d", n);
            bool far = n % 3 == 0;
            if (order[i] % 2)
                received[n] = far ? receive_from_node(f, 2, 5, 1, text)
                                  : give(f, TAP_MESSAGE_RECEIVE, 8, 1 + (uint32_t)n % 4, text);
            else
                sent[n] = far          ? send_far(f, 1, (uint32_t)n, 2, 5, text)
                          : n % 3 == 1 ? send_to_name(f, 1 + (uint32_t)n % 4, text)
                                       : give(f, TAP_MESSAGE_SEND, 1 + (uint32_t)n % 4, 8, text);
        }
        for (int n = 0; n < 256; n++)
            bad += !sent[n] || sent[n] != received[n];
        struct tap_flow_stats s;
        tap_flow_read_stats(f, &s);
        bad += s.paired != 256 || s.sends_open || s.receives_open;
        tap_flow_free(f);
    }
    CU_ASSERT_EQUAL(bad, 0);
}

/* Priority messages overtake others, alike but for a number in the middle: all of a message
 * counts. */
static void long_messages_differ_in_their_middle(void)
{
    struct tap_flow *f = tap_flow_new(64, NULL);
    char a[1501], b[1501];
    memset(a, 'x', 1500), a[1500] = 0;
    memcpy(b, a, sizeof a);
    b[750] = 'y';
    uint64_t one = give(f, TAP_MESSAGE_SEND, 1, 2, a), two = give(f, TAP_MESSAGE_SEND, 1, 2, b);
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 2, 1, b), two);
    CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 2, 1, a), one);
    tap_flow_free(f);
}

/* The same term as two nodes may write it, and one that is another term. */
static uint64_t hash(const char *bytes, size_t n)
{
    return tap_hash_term(0, (const uint8_t *)bytes, n);
}
#define HASH(text) hash(text, sizeof text - 1)
static void terms_are_compared_however_they_are_written(void)
{
    /* 'h\xe9' in latin1 and UTF-8, short and long */
    CU_ASSERT_EQUAL(HASH("d\0\2h\xe9"), HASH("w\3h\xc3\xa9"));
    CU_ASSERT_EQUAL(HASH("s\2h\xe9"), HASH("v\0\3h\xc3\xa9"));
    CU_ASSERT_NOT_EQUAL(HASH("w\2ab"), HASH("w\2ac"));
    /* #{a => 1, b => 2} in both orders; the values the other way round; one map more around them */
    CU_ASSERT_EQUAL(HASH("t\0\0\0\2w\1aa\1w\1ba\2"), HASH("t\0\0\0\2w\1ba\2w\1aa\1"));
    CU_ASSERT_NOT_EQUAL(HASH("t\0\0\0\2w\1aa\1w\1ba\2"), HASH("t\0\0\0\2w\1aa\2w\1ba\1"));
    CU_ASSERT_EQUAL(HASH("ht\0\0\0\2w\1aa\1w\1ba\2"), HASH("ht\0\0\0\2w\1aa\1w\1ba\2"));
    CU_ASSERT_EQUAL(HASH("l\0\0\0\2t\0\0\0\2w\1aa\1w\1bt\0\0\0\0a\7j"),
                    HASH("l\0\0\0\2t\0\0\0\2w\1bt\0\0\0\0w\1aa\1a\7j"));
    CU_ASSERT_NOT_EQUAL(HASH("l\0\0\0\2t\0\0\0\2w\1aa\1w\1bt\0\0\0\0a\7j"),
                        HASH("l\0\0\0\2t\0\0\0\2w\1aa\1w\1bt\0\0\0\0a\x8j"));
    /* A port in 32 and 64 bits; a pid with a creation of one byte and of four. */
    CU_ASSERT_EQUAL(HASH("Yw\1n\0\0\0\5\0\0\0\1"), HASH("xw\1n\0\0\0\0\0\0\0\5\0\0\0\1"));
    CU_ASSERT_EQUAL(HASH("gw\1n\0\0\0\5\0\0\0\0\1"), HASH("Xw\1n\0\0\0\5\0\0\0\0\0\0\0\1"));
    /* What is deeper than maps are told apart from their surroundings counts as well. */
    char deep[2][40 * 8 + 2];
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 40; k++)
            memcpy(deep[i] + 8 * k, "t\0\0\0\1w\1a", 8);
        memcpy(deep[i] + 8 * 40, i ? "a\2" : "a\1", 2);
    }
    CU_ASSERT_EQUAL(hash(deep[0], sizeof deep[0]), hash(deep[0], sizeof deep[0]));
    CU_ASSERT_NOT_EQUAL(hash(deep[0], sizeof deep[0]), hash(deep[1], sizeof deep[1]));
    /* Cut, and no term: some number, and nothing read that is not there. */
    CU_ASSERT_NOT_EQUAL(HASH("l\0\0\0\2a\1"), HASH("l\0\0\0\2a\2"));
    CU_ASSERT_NOT_EQUAL(HASH("t\xff\xff\xff\xff"), HASH("t\xff\xff\xff\xfe"));
}

/* A receive from another node tells only the node: the send before it says who it was. */
static void the_send_says_who_sent_from_another_node(void)
{
    struct tap_flow *f = tap_flow_new(64, NULL);
    struct tap_event send = message(TAP_MESSAGE_SEND, 1, 0, "near"), receive;
    send.peer = (struct tap_pid){.node = 2, .id = 5, .creation = 7};
    receive = message(TAP_MESSAGE_RECEIVE, 5, 0, "near");
    receive.pid = send.peer;
    receive.peer_type = TAP_PEER_NONE;
    receive.peer = (struct tap_pid){.node = 1};
    struct tap_event early = receive;
    tap_flow_event(f, &send, (const uint8_t *)"near");
    tap_flow_event(f, &receive, (const uint8_t *)"near");
    CU_ASSERT_EQUAL(receive.flow, send.flow);
    CU_ASSERT_EQUAL(receive.peer_type, TAP_PEER_PID);
    CU_ASSERT(tap_pid_same(&receive.peer, &send.pid));
    tap_flow_event(f, &early, (const uint8_t *)"near");
    tap_flow_event(f, &send, (const uint8_t *)"near");
    CU_ASSERT_EQUAL(early.flow, send.flow);
    CU_ASSERT_EQUAL(early.peer_type, TAP_PEER_NONE);
    tap_flow_free(f);
}

/* ---- Messages that were cut: of them there is the size alone */

static struct tap_event cut(uint8_t kind, uint32_t self, uint32_t peer, uint64_t size)
{
    struct tap_event ev = message(kind, self, peer, "");
    ev.flags = TAP_EVENT_TRUNCATED;
    ev.true_size = size;
    return ev;
}

static uint64_t give_cut(struct tap_flow *f, uint8_t kind, uint32_t self, uint32_t peer,
                         uint64_t size)
{
    struct tap_event ev = cut(kind, self, peer, size);
    tap_flow_event(f, &ev, NULL);
    return ev.flow;
}

/* To an alias, by which a message may have priority. */
static uint64_t cut_to_alias(struct tap_flow *f, uint32_t self, uint64_t size)
{
    static const uint8_t alias[] = {TAP_EXT_NIL};
    struct tap_event ev = cut(TAP_MESSAGE_SEND, self, 0, size);
    ev.peer_type = TAP_PEER_TERM;
    ev.peer_term = (struct tap_span){0, sizeof alias};
    tap_flow_event(f, &ev, alias);
    return ev.flow;
}

static void gap(struct tap_flow *f, uint8_t reason, uint32_t process)
{
    struct tap_event ev = {.kind = TAP_GAP, .reason = reason};
    if (process)
        ev.pid = pid(process);
    tap_flow_event(f, &ev, NULL);
}

static void what_was_cut_is_paired_where_no_other_is_meant(void)
{
    struct tap_flow *f = tap_flow_new(64, NULL);
    for (int i = 0; i < 100; i++) { /* one after the other, and one of another size or receiver */
        uint64_t a = give_cut(f, TAP_MESSAGE_SEND, 1, 2, 70000),
                 b = give_cut(f, TAP_MESSAGE_SEND, 1, 2, 80000 + (uint64_t)i),
                 c = give_cut(f, TAP_MESSAGE_SEND, 1, 3, 70000);
        CU_ASSERT_EQUAL(give_cut(f, TAP_MESSAGE_RECEIVE, 3, 1, 70000), c);
        CU_ASSERT_EQUAL(give_cut(f, TAP_MESSAGE_RECEIVE, 2, 1, 80000 + (uint64_t)i), b);
        CU_ASSERT_EQUAL(give_cut(f, TAP_MESSAGE_RECEIVE, 2, 1, 70000), a);
    }
    uint64_t early = give_cut(f, TAP_MESSAGE_RECEIVE, 2, 1, 70000);
    CU_ASSERT_EQUAL(give_cut(f, TAP_MESSAGE_SEND, 1, 2, 70000), early);
    uint64_t prior = cut_to_alias(f, 1, 70000);
    CU_ASSERT_EQUAL(give_cut(f, TAP_MESSAGE_RECEIVE, 2, 1, 70000), prior);
    struct tap_flow_stats s;
    tap_flow_read_stats(f, &s);
    CU_ASSERT_EQUAL(s.paired, 302);
    CU_ASSERT_EQUAL(s.sends_open + s.receives_open, 0);
    tap_flow_free(f);
}

/* Which of two that are open is received first, one by an alias having overtaken the other, their
 * size does not tell; when both have come, what follows is sure again. */
static void cut_messages_that_are_alike_stay_unpaired(void)
{
    for (int alias = 0; alias < 2; alias++) {
        struct tap_flow *f = tap_flow_new(64, NULL);
        uint64_t ids[4] = {give_cut(f, TAP_MESSAGE_SEND, 1, 2, 70000),
                           alias ? cut_to_alias(f, 1, 70000)
                                 : give_cut(f, TAP_MESSAGE_SEND, 1, 2, 70000),
                           give_cut(f, TAP_MESSAGE_RECEIVE, 2, 1, 70000),
                           give_cut(f, TAP_MESSAGE_RECEIVE, 2, 1, 70000)};
        for (int i = 0; i < 4; i++)
            for (int k = 0; k < i; k++)
                CU_ASSERT_NOT_EQUAL(ids[i], ids[k]);
        struct tap_flow_stats s;
        tap_flow_read_stats(f, &s);
        CU_ASSERT_EQUAL(s.paired, 0);
        CU_ASSERT(s.sends_open == 2 && s.sends_cut == 2);
        CU_ASSERT(s.receives_open == 2 && s.receives_cut == 2);
        uint64_t next = give_cut(f, TAP_MESSAGE_SEND, 1, 2, 70000);
        CU_ASSERT_EQUAL(give_cut(f, TAP_MESSAGE_RECEIVE, 2, 1, 70000), next);
        tap_flow_free(f);
    }
}

/* Receives may be told before their sends, and wait in two places: what is left is unsure in
 * both. */
static void cut_receives_that_wait_are_unsure_in_both_places(void)
{
    for (int alias = 0; alias < 2; alias++) {
        struct tap_flow *f = tap_flow_new(64, NULL);
        uint64_t ids[4] = {
            give_cut(f, TAP_MESSAGE_RECEIVE, 2, 1, 70000),
            give_cut(f, TAP_MESSAGE_RECEIVE, 2, 1, 70000),
            alias ? cut_to_alias(f, 1, 70000) : give_cut(f, TAP_MESSAGE_SEND, 1, 2, 70000),
            alias ? give_cut(f, TAP_MESSAGE_SEND, 1, 2, 70000) : cut_to_alias(f, 1, 70000)};
        for (int i = 0; i < 4; i++)
            for (int k = 0; k < i; k++)
                CU_ASSERT_NOT_EQUAL(ids[i], ids[k]);
        tap_flow_free(f);
    }
}

/* One that came between the two others is unsure as well: it may be left of any of them. */
static void cut_messages_stay_unsure_until_none_is_open(void)
{
    struct tap_flow *f = tap_flow_new(64, NULL);
    give_cut(f, TAP_MESSAGE_SEND, 1, 2, 70000);
    give_cut(f, TAP_MESSAGE_SEND, 1, 2, 70000);
    give_cut(f, TAP_MESSAGE_RECEIVE, 2, 1, 70000);
    uint64_t third = give_cut(f, TAP_MESSAGE_SEND, 1, 2, 70000);
    CU_ASSERT_NOT_EQUAL(give_cut(f, TAP_MESSAGE_RECEIVE, 2, 1, 70000), third);
    CU_ASSERT_NOT_EQUAL(give_cut(f, TAP_MESSAGE_RECEIVE, 2, 1, 70000), third);
    uint64_t next = give_cut(f, TAP_MESSAGE_SEND, 1, 2, 70000);
    CU_ASSERT_EQUAL(give_cut(f, TAP_MESSAGE_RECEIVE, 2, 1, 70000), next);
    tap_flow_free(f);
}

/* Its own receive may have been missed, and this one be of a later send that was missed too. */
static void cut_messages_are_not_paired_over_a_gap(void)
{
    static const struct {
        uint8_t reason;
        uint32_t process;
        bool paired;
    } gaps[] = {{TAP_REASON_RATE, 0, false}, /* all */
                {TAP_REASON_TERM, 2, false}, /* of the receiver; the sender; modules' calls */
                {TAP_REASON_TERM, 1, true},
                {TAP_REASON_CODE, 0, true}};
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
        struct tap_flow *f = tap_flow_new(64, NULL);
        uint64_t sent = give_cut(f, TAP_MESSAGE_SEND, 1, 2, 70000),
                 whole = give(f, TAP_MESSAGE_SEND, 1, 2, "whole");
        gap(f, gaps[i].reason, gaps[i].process);
        CU_ASSERT_EQUAL(give_cut(f, TAP_MESSAGE_RECEIVE, 2, 1, 70000) == sent, gaps[i].paired);
        CU_ASSERT_EQUAL(give(f, TAP_MESSAGE_RECEIVE, 2, 1, "whole"), whole);
        tap_flow_free(f);
    }
}

/* From another node the sender is not told: of two processes there it may be either. */
static void a_cut_message_of_another_node_has_one_sender_or_none(void)
{
    for (uint32_t senders = 1; senders < 3; senders++) {
        struct tap_flow *f = tap_flow_new(64, NULL);
        uint64_t sent = 0;
        for (uint32_t i = 0; i < senders; i++) {
            struct tap_event ev = cut(TAP_MESSAGE_SEND, 10 + i, 5, 70000);
            ev.pid.node = 2;
            tap_flow_event(f, &ev, NULL);
            sent = sent ? sent : ev.flow;
        }
        struct tap_event ev = cut(TAP_MESSAGE_RECEIVE, 5, 0, 70000);
        ev.peer_type = TAP_PEER_NONE;
        ev.peer = (struct tap_pid){.node = 2};
        tap_flow_event(f, &ev, NULL);
        CU_ASSERT_EQUAL(ev.flow == sent, senders == 1);
        CU_ASSERT_EQUAL(ev.peer_type == TAP_PEER_PID, senders == 1);
        tap_flow_free(f);
    }
}

UNIT_TESTS("flow", UNIT_TEST(init_is_a_process_too), UNIT_TEST(an_end_that_is_not_traced_is_told),
           UNIT_TEST(long_messages_differ_in_their_middle),
           UNIT_TEST(terms_are_compared_however_they_are_written),
           UNIT_TEST(the_send_says_who_sent_from_another_node),
           UNIT_TEST(a_send_and_its_receive_share_an_id),
           UNIT_TEST(equal_messages_pair_first_in_first_out),
           UNIT_TEST(another_sender_or_message_does_not_pair),
           UNIT_TEST(a_send_to_a_name_pairs_by_its_message), UNIT_TEST(a_receive_may_come_first),
           UNIT_TEST(a_receive_is_not_of_a_later_send),
           UNIT_TEST(what_waits_is_bounded_and_counted), UNIT_TEST(spawns_pair_with_starts),
           UNIT_TEST(receives_without_a_sender_are_counted),
           UNIT_TEST(between_nodes_the_receiver_and_the_senders_node_tell),
           UNIT_TEST(a_name_chooses_among_equal_messages),
           UNIT_TEST(an_open_receive_is_found_by_a_send_to_a_name),
           UNIT_TEST(ports_and_the_dead_receive_nothing),
           UNIT_TEST(what_was_cut_is_paired_where_no_other_is_meant),
           UNIT_TEST(cut_messages_that_are_alike_stay_unpaired),
           UNIT_TEST(cut_receives_that_wait_are_unsure_in_both_places),
           UNIT_TEST(cut_messages_stay_unsure_until_none_is_open),
           UNIT_TEST(cut_messages_are_not_paired_over_a_gap),
           UNIT_TEST(a_cut_message_of_another_node_has_one_sender_or_none),
           UNIT_TEST(random_orders_pair_completely))
