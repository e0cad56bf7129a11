/* Calls, casts and replies of OTP's behaviours, in the forms of its releases, and what only looks
 * like them. */
#include "correlate/gen_calls.h"

#include "beamtap/gen.h"
#include "beamtap/term_write.h"
#include "unit.h"

static struct tap_buf b;

static void write_ref(bool newer, bool utf8, uint32_t last)
{
    tap_write_u8(&b, newer ? TAP_EXT_NEWER_REFERENCE : TAP_EXT_NEW_REFERENCE);
    tap_write_u8(&b, 0);
    tap_write_u8(&b, 3);
    if (utf8) {
        tap_write_atom(&b, "n@h");
    } else {
        tap_buf_put(&b, (const uint8_t[]){TAP_EXT_ATOM, 0, 3, 'n', '@', 'h'}, 6);
    }
    if (newer)
        tap_write_u32(&b, 77);
    else
        tap_write_u8(&b, 1);
    tap_write_u32(&b, last); /* the word that counts up is the first */
    tap_write_u32(&b, 2);
    tap_write_u32(&b, 1);
}

enum tag { PLAIN, OLD, ALIAS, NESTED };

static void write_tag(enum tag form, bool utf8, uint32_t last)
{
    if (form == NESTED)
        tap_write_list(&b, 1);
    if (form >= ALIAS) {
        tap_write_list(&b, 1);
        tap_write_atom(&b, "alias");
    }
    write_ref(form != OLD, utf8, last);
    if (form == NESTED)
        tap_write_atom(&b, "extra"); /* the tail of the outer list */
}

static void write_call(enum tag form, bool utf8, uint32_t last)
{
    b.len = 0;
    tap_write_tuple(&b, 3);
    tap_write_atom(&b, "$gen_call");
    tap_write_tuple(&b, 2);
    tap_write_u8(&b, TAP_EXT_NEW_PID);
    tap_write_atom(&b, "n@h");
    tap_write_u32(&b, 9);
    tap_write_u32(&b, 0);
    tap_write_u32(&b, 1);
    write_tag(form, utf8, last);
    tap_write_atom(&b, "request");
}

static void write_reply(enum tag form, bool utf8, uint32_t last)
{
    b.len = 0;
    tap_write_tuple(&b, 2);
    write_tag(form, utf8, last);
    tap_write_atom(&b, "answer");
}

static struct tap_event give_of(struct tap_gen_calls *g, unsigned kind, uint32_t process,
                                int64_t ts)
{
    struct tap_event ev = {.kind = (uint8_t)kind,
                           .ts = ts,
                           .pid = {.node = 1, .id = process, .creation = 1},
                           .payload = {0, (uint32_t)b.len}};
    tap_gen_calls_event(g, &ev, b.data);
    return ev;
}

/* Of the caller, where it is the send of a call. */
static struct tap_event give(struct tap_gen_calls *g, unsigned kind, int64_t ts)
{
    return give_of(g, kind, 9, ts);
}

static void a_call_and_its_reply_in_every_form(void)
{
    struct tap_gen_calls *g = tap_gen_calls_new();
    struct tap_gen_stats s;
    for (enum tag form = PLAIN; form <= NESTED; form++) {
        for (int utf8 = 0; utf8 < 2; utf8++) {
            write_call(form, utf8, form);
            CU_ASSERT_EQUAL(give(g, TAP_MESSAGE_SEND, 1000).gen, TAP_GEN_CALL);
            CU_ASSERT_EQUAL(give(g, TAP_MESSAGE_RECEIVE, 1100).gen, TAP_GEN_CALL);
            write_reply(form, !utf8, form); /* from a node of another release */
            struct tap_event sent = give(g, TAP_MESSAGE_SEND, 1400),
                             got = give(g, TAP_MESSAGE_RECEIVE, 1500);
            CU_ASSERT(sent.gen == TAP_GEN_REPLY && sent.took == 400);
            CU_ASSERT(got.gen == TAP_GEN_REPLY && got.took == 500);
            /* it was answered */
            CU_ASSERT_EQUAL(give(g, TAP_MESSAGE_RECEIVE, 1600).gen, TAP_GEN_NONE);
            /* its stream came later */
            CU_ASSERT_EQUAL(give(g, TAP_MESSAGE_SEND, 1400).gen, TAP_GEN_REPLY);
        }
    }
    tap_gen_calls_stats(g, &s);
    CU_ASSERT(s.calls == 8 && s.replies == 8 && s.took == 8 * 500 && s.took_most == 500);
    tap_gen_calls_free(g);
}

static void the_servers_side_may_come_first(void)
{
    struct tap_gen_calls *g = tap_gen_calls_new();
    write_call(ALIAS, true, 5);
    give(g, TAP_MESSAGE_RECEIVE, 1100);
    write_reply(ALIAS, true, 5);
    CU_ASSERT_EQUAL(give(g, TAP_MESSAGE_SEND, 1200).took, 100);
    write_call(ALIAS, true, 5);
    give(g, TAP_MESSAGE_SEND, 1000);
    write_reply(ALIAS, true, 5);
    CU_ASSERT_EQUAL(give(g, TAP_MESSAGE_RECEIVE, 1300).took, 300);
    tap_gen_calls_free(g);
}

/* {noreply, S} after Worker ! {'$gen_call', From, Request}: the caller's time goes on. */
static void a_call_that_is_passed_on_is_one_call(void)
{
    struct tap_gen_calls *g = tap_gen_calls_new();
    struct tap_gen_stats s;
    write_call(ALIAS, true, 5);
    give(g, TAP_MESSAGE_SEND, 1000);
    give_of(g, TAP_MESSAGE_RECEIVE, 20, 1100);
    CU_ASSERT_EQUAL(give_of(g, TAP_MESSAGE_SEND, 20, 1200).gen, TAP_GEN_CALL);
    give_of(g, TAP_MESSAGE_RECEIVE, 21, 1300);
    write_reply(ALIAS, true, 5);
    CU_ASSERT_EQUAL(give_of(g, TAP_MESSAGE_SEND, 21, 1400).took, 400);
    CU_ASSERT_EQUAL(give(g, TAP_MESSAGE_RECEIVE, 1500).took, 500);
    tap_gen_calls_stats(g, &s);
    CU_ASSERT(s.calls == 1 && s.replies == 1 && s.took == 500);
    /* of one that nobody saw before the time since then is known */
    write_call(ALIAS, true, 6);
    give_of(g, TAP_MESSAGE_SEND, 20, 2000);
    write_reply(ALIAS, true, 6);
    CU_ASSERT_EQUAL(give_of(g, TAP_MESSAGE_SEND, 21, 2100).took, 100);
    tap_gen_calls_free(g);
}

static void a_pair_with_a_reference_is_no_reply(void)
{
    struct tap_gen_calls *g = tap_gen_calls_new();
    write_call(ALIAS, true, 5);
    give(g, TAP_MESSAGE_SEND, 1000);
    write_reply(ALIAS, true, 6);
    CU_ASSERT_EQUAL(give(g, TAP_MESSAGE_RECEIVE, 1100).gen, TAP_GEN_NONE);
    tap_gen_calls_free(g);
}

/* Two that fell on one place: the reply to one was none. */
static void many_calls_open_at_once(void)
{
    struct tap_gen_calls *g = tap_gen_calls_new();
    uint32_t replies = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        write_call(ALIAS, true, 1000 + i);
        give(g, TAP_MESSAGE_SEND, 10 * i);
    }
    for (uint32_t i = 0; i < 2000; i++) {
        write_reply(ALIAS, true, 1000 + i);
        replies += give(g, TAP_MESSAGE_RECEIVE, 50000 + 10 * i).took == 50000;
    }
    CU_ASSERT_EQUAL(replies, 2000);
    tap_gen_calls_free(g);
}

static void a_slow_call_outlives_a_million_quick_ones(void)
{
    struct tap_gen_calls *g = tap_gen_calls_new();
    write_call(ALIAS, true, 0);
    give(g, TAP_MESSAGE_SEND, 1);
    for (uint32_t i = 1; i <= 1000000; i++) {
        write_call(ALIAS, true, i);
        give(g, TAP_MESSAGE_SEND, i);
        write_reply(ALIAS, true, i);
        give(g, TAP_MESSAGE_RECEIVE, i);
    }
    write_reply(ALIAS, true, 0);
    CU_ASSERT_EQUAL(give(g, TAP_MESSAGE_RECEIVE, 2000001).took, 2000000);
    tap_gen_calls_free(g);
}

static void a_cast(void)
{
    struct tap_gen_calls *g = tap_gen_calls_new();
    struct tap_gen_parts parts;
    b.len = 0;
    tap_write_tuple(&b, 2);
    tap_write_atom(&b, "$gen_cast");
    tap_write_atom(&b, "note");
    CU_ASSERT_EQUAL(give(g, TAP_MESSAGE_SEND, 1).gen, TAP_GEN_CAST);
    CU_ASSERT(tap_gen_read(b.data, b.len, &parts) && parts.body_len == 6 && !parts.from &&
              !parts.tag);
    tap_gen_calls_free(g);
}

static void the_parts_of_a_call(void)
{
    struct tap_gen_parts p;
    write_call(NESTED, true, 1);
    CU_ASSERT_FATAL(tap_gen_read(b.data, b.len, &p));
    CU_ASSERT(p.gen == TAP_GEN_CALL && *p.from == TAP_EXT_NEW_PID &&
              *p.tag == TAP_EXT_NEWER_REFERENCE);
    CU_ASSERT(p.body + p.body_len == b.data + b.len && p.body_len == 9);
}

/* Each prefix in memory of its own size, so that a sanitizer sees one byte too many. */
static void what_is_cut_is_nothing(void)
{
    for (int call = 0; call < 2; call++) {
        if (call)
            write_call(NESTED, true, 1);
        else
            write_reply(NESTED, true, 1);
        for (size_t n = 0; n < b.len; n++) {
            struct tap_gen_parts p;
            uint8_t *cut = malloc(n + 1);
            memcpy(cut, b.data, n);
            cut = realloc(cut, n ? n : 1);
            CU_ASSERT_FALSE(tap_gen_read(cut, n, &p));
            free(cut);
        }
    }
    tap_buf_free(&b);
}

UNIT_TESTS("gen", UNIT_TEST(a_call_and_its_reply_in_every_form),
           UNIT_TEST(the_servers_side_may_come_first),
           UNIT_TEST(a_call_that_is_passed_on_is_one_call),
           UNIT_TEST(a_pair_with_a_reference_is_no_reply), UNIT_TEST(many_calls_open_at_once),
           UNIT_TEST(a_slow_call_outlives_a_million_quick_ones), UNIT_TEST(a_cast),
           UNIT_TEST(the_parts_of_a_call), UNIT_TEST(what_is_cut_is_nothing))
