/* test_sink_chrome_names.c: what the node tells of processes, as the chrome sink draws it: names,
 * labels, mailboxes. */
#include "chrome_check.h"

#define CALLS                                                              \
    (TAP_KIND_BIT(TAP_FUNCTION_CALL) | TAP_KIND_BIT(TAP_FUNCTION_RETURN) | \
     TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION))

static void finish(struct chrome_stream *s, cJSON *root)
{
    cJSON_Delete(root);
    chrome_free(s);
}

/* [{<0.Id.0>, and its second element is left to write; as the payload of an event. */
static struct tap_event *report_of(struct chrome_stream *s, unsigned kind, int64_t ts, uint32_t id)
{
    struct tap_event *ev = chrome_event(s, kind, ts, 0, 0);
    struct tap_buf *b = &s->arena;
    chrome_begin(s, ev);
    tap_write_list(b, 1);
    tap_write_tuple(b, 2);
    tap_write_u8(b, TAP_EXT_NEW_PID);
    tap_write_atom(b, "shop@web1");
    tap_write_u32(b, id), tap_write_u32(b, 0), tap_write_u32(b, 1);
    return ev;
}

static void label_is(struct chrome_stream *s, int64_t ts, uint32_t id, const char *label,
                     const char *name)
{
    struct tap_event *ev = report_of(s, TAP_PROCESS_INFO, ts, id);
    struct tap_buf *b = &s->arena;
    tap_write_list(b, name ? 3 : 2);
    if (name)
        tap_write_tuple(b, 2), tap_write_atom(b, "name"), tap_write_atom(b, name);
    tap_write_tuple(b, 2), tap_write_atom(b, "initial_call");
    tap_write_tuple(b, 3), tap_write_atom(b, "shop"), tap_write_atom(b, "init"),
        tap_write_i64(b, 1);
    tap_write_tuple(b, 2), tap_write_atom(b, "label");
    tap_write_tuple(b, 2), tap_write_atom(b, "cart"), tap_write_binary(b, label, strlen(label));
    tap_write_nil(b);
    tap_write_nil(b);
    chrome_end(s, ev);
}

static void mailbox_is(struct chrome_stream *s, int64_t ts, uint32_t id, int64_t length)
{
    struct tap_event *ev = report_of(s, TAP_MAILBOX, ts, id);
    tap_write_i64(&s->arena, length);
    tap_write_nil(&s->arena);
    chrome_end(s, ev);
}

/* The last name that its track was given. */
static const char *last_name(const cJSON *root, const char *call)
{
    int64_t tid = chrome_num(chrome_find(root, 'B', call, 0), "tid");
    const char *name = NULL;
    const cJSON *e;
    cJSON_ArrayForEach(e, cJSON_GetObjectItem(root, "traceEvents"))
    {
        if (strcmp(cJSON_GetObjectItem(e, "ph")->valuestring, "M") == 0 &&
            chrome_num(e, "tid") == tid &&
            strcmp(cJSON_GetObjectItem(e, "name")->valuestring, "thread_name") == 0)
            name = cJSON_GetObjectItem(cJSON_GetObjectItem(e, "args"), "name")->valuestring;
    }
    return name;
}

static void a_label_is_a_name(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    char longer[200];
    memset(longer, '"', sizeof longer - 1), longer[sizeof longer - 1] = 0;
    label_is(s, 0, 100, "seven", NULL);
    CALL(s, 100, 100, "a", 0);
    CALL(s, 100, 101, "b", 0);
    CALL(s, 100, 102, "c", 0);
    label_is(s, 200, 101, "later", NULL);
    label_is(s, 300, 102, "not this", "shop_door");
    CALL(s, 400, 103, "d", 0);
    label_is(s, 500, 103, longer, NULL);
    cJSON *root = chrome_close(s);
    CU_ASSERT_STRING_EQUAL(last_name(root, "shop:a/0"), "{cart,<<\"seven\">>} <0.100.0>");
    CU_ASSERT_STRING_EQUAL(last_name(root, "shop:b/0"), "{cart,<<\"later\">>} <0.101.0>");
    CU_ASSERT_STRING_EQUAL(last_name(root, "shop:c/0"), "shop_door <0.102.0>");
    CU_ASSERT(strlen(last_name(root, "shop:d/0")) < 160);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_name(root, "shop:d/0"), "..."));
    CU_ASSERT_EQUAL(chrome_total(root, 'M', "thread_name"), 4 + 3);
    finish(s, root);
}

/* Its name stays what it was with the first point, and only who is drawn has one. */
static void mailboxes_are_counters(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    mailbox_is(s, 50, 100, 9);
    CALL(s, 100, 100, "a", 0);
    label_is(s, 100, 100, "seven", NULL);
    mailbox_is(s, 200, 100, 3);
    chrome_atom(s, chrome_event(s, TAP_PROCESS_REGISTER, 250, 0, 100), "shop_door");
    mailbox_is(s, 300, 100, 0);
    mailbox_is(s, 300, 101, 5);
    cJSON *root = chrome_close(s);
    const char name[] = "mailbox {cart,<<\"seven\">>} <0.100.0> [1]";
    CU_ASSERT_EQUAL(chrome_total(root, 'C', name), 2);
    const cJSON *first = chrome_find(root, 'C', name, 0), *second = chrome_find(root, 'C', name, 1);
    CU_ASSERT_EQUAL(chrome_ns(first, "ts"), 200);
    CU_ASSERT_EQUAL(chrome_num(cJSON_GetObjectItem(first, "args"), "messages"), 3);
    CU_ASSERT_EQUAL(chrome_num(cJSON_GetObjectItem(second, "args"), "messages"), 0);
    finish(s, root);
}

static void names_are_learned(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    struct tap_event *ev = chrome_event(s, TAP_PROCESS_INFO, 0, 0, 0);
    struct tap_buf *b = &s->arena;
    /* [{<0.100.0>,[{initial_call,{shop,init,1}},{registered_name,shop_door}]}] */
    chrome_begin(s, ev);
    tap_write_list(b, 2);
    tap_write_tuple(b, 2);
    tap_write_u8(b, TAP_EXT_NEW_PID);
    tap_write_atom(b, "shop@web1");
    tap_write_u32(b, 100), tap_write_u32(b, 0), tap_write_u32(b, 1);
    tap_write_list(b, 3);
    tap_write_tuple(b, 2);
    tap_write_atom(b, "initial_call");
    tap_write_tuple(b, 3);
    tap_write_atom(b, "shop"), tap_write_atom(b, "init"), tap_write_i64(b, 1);
    tap_write_tuple(b, 2);
    tap_write_atom(b, "label"), tap_write_f64(b, 1.5);
    tap_write_tuple(b, 2);
    tap_write_atom(b, "registered_name"), tap_write_atom(b, "shop_door");
    tap_write_nil(b);
    tap_write_tuple(b, 2); /* {<0.102.0>,[{initial_call,{proc_lib,init_p,5}}]}: tells nothing */
    tap_write_u8(b, TAP_EXT_NEW_PID);
    tap_write_atom(b, "shop@web1");
    tap_write_u32(b, 102), tap_write_u32(b, 0), tap_write_u32(b, 1);
    tap_write_list(b, 1);
    tap_write_tuple(b, 2);
    tap_write_atom(b, "initial_call");
    tap_write_tuple(b, 3);
    tap_write_atom(b, "proc_lib"), tap_write_atom(b, "init_p"), tap_write_i64(b, 5);
    tap_write_nil(b);
    tap_write_nil(b);
    chrome_end(s, ev);
    CALL(s, 100, 100, "a", 0);
    CALL(s, 100, 101, "b", 0);
    CALL(s, 100, 102, "c", 0);
    chrome_atom(s, chrome_event(s, TAP_PROCESS_REGISTER, 200, 0, 101), "Elixir.Shop.Till");
    cJSON *root = chrome_close(s);
    CU_ASSERT_STRING_EQUAL(chrome_track_name(root, chrome_find(root, 'B', "shop:a/0", 0)),
                           "shop_door <0.100.0>");
    CU_ASSERT_STRING_EQUAL(chrome_track_name(root, chrome_find(root, 'B', "shop:b/0", 0)),
                           "Shop.Till <0.101.0>");
    CU_ASSERT_STRING_EQUAL(chrome_track_name(root, chrome_find(root, 'B', "shop:c/0", 0)),
                           "<0.102.0>");
    finish(s, root);
}

/* Of a gap of one process, and of a row of a profile: whatever the node calls itself, the file
 * stays JSON. */
static void a_nodes_odd_name_stays_in_its_quotes(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    static const char odd[] = "a\"b\\c\x01@h";
    for (int counted = 0; counted < 2; counted++) {
        struct tap_event *ev =
            chrome_event(s, counted ? TAP_FUNCTION_COUNTERS : TAP_GAP, 100 + counted, 0, 0);
        ev->reason = counted ? TAP_REASON_NONE : TAP_REASON_TERM;
        ev->pid = (struct tap_pid){tap_intern_name(s->intern, odd, sizeof odd - 1), 7, 0, 1};
    }
    cJSON *root = chrome_close(s);
    const char *gap = chrome_arg(chrome_find(root, 'i', "left out from here", 0), "process"),
               *row = chrome_arg(chrome_find(root, 'i', "counted", 0), "process");
    CU_ASSERT_PTR_NOT_NULL(strstr(gap, "a\"b\\c"));
    CU_ASSERT_PTR_NOT_NULL(strstr(row, "a\"b\\c"));
    finish(s, root);
}

UNIT_TESTS("sink_chrome_names", UNIT_TEST(names_are_learned), UNIT_TEST(a_label_is_a_name),
           UNIT_TEST(mailboxes_are_counters), UNIT_TEST(a_nodes_odd_name_stays_in_its_quotes))
