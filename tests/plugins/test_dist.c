/* The dist transport's parts that need no node: packets, the plan as a term, the final report. The
 * oracle of terms is erl. */
#include "beamtap/term_write.h"
#include "transports/beam/net/mask.h"
#include "transports/beam/net/packet.h"
#include "transports/beam/node/agent_load.h"
#include "transports/beam/node/plan_term.h"
#include "transports/beam/node/report.h"
#include "transports/beam/node/run_state.h"
#include "unit.h"

static const char *kind_name(unsigned kind)
{
    static const char *const names[] = {"function_call", "function_return", "function_exception",
                                        "message_send",  "message_receive", "process_spawn"};
    return names[kind];
}

/* A pid <a@b.1.0> of creation 7. */
static const uint8_t pid[] = {88, 119, 3, 'a', '@', 'b', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7};

/* A copy at its exact size, for the address sanitizer. */
static struct tap_packet read_exactly(const uint8_t *p, size_t len, uint8_t **copy)
{
    struct tap_packet packet;
    *copy = malloc(len ? len : 1);
    memcpy(*copy, p, len);
    tap_packet_read(*copy, len, &packet);
    return packet;
}

static void put_frame(struct tap_buf *term, uint32_t body, uint8_t flags)
{
    uint8_t *frame = calloc(1, TAP_FRAME_HEADER + body);
    memcpy(frame, TAP_FRAME_MAGIC, 4);
    frame[4] = TAP_FRAME_VERSION;
    frame[5] = flags;
    tap_put_u32(frame + 36, body);
    tap_write_binary(term, frame, TAP_FRAME_HEADER + body);
    free(frame);
}

static void packets_come_back(void)
{
    struct tap_buf term = {0}, out = {0};
    uint8_t *copy;
    tap_write_tuple(&term, 2);
    tap_write_atom(&term, "rex");
    tap_write_i64(&term, -5);
    tap_packet_send(&out, pid, sizeof pid, term.data, term.len);
    size_t first = out.len;
    tap_packet_send_name(&out, pid, sizeof pid, "rex", term.data, term.len);
    size_t second = out.len;
    tap_packet_tick(&out);
    for (size_t from = 0, n = 0; n < 2; n++, from = first) {
        struct tap_packet p = read_exactly(out.data + from, out.len - from, &copy);
        CU_ASSERT_EQUAL(p.type, TAP_PACKET_MESSAGE);
        CU_ASSERT_EQUAL(p.size, n ? second - first : first);
        CU_ASSERT(p.term_len == term.len && !memcmp(p.term, term.data, term.len));
        free(copy);
    }
    struct tap_packet tick = read_exactly(out.data + second, 4, &copy);
    CU_ASSERT_EQUAL(tick.type, TAP_PACKET_TICK);
    CU_ASSERT_EQUAL(tick.size, 4);
    free(copy);
    tap_buf_free(&term);
    tap_buf_free(&out);
}

static void frames_are_found_in_place(void)
{
    struct tap_buf term = {0}, out = {0};
    put_frame(&term, 1000, 0);
    tap_packet_send(&out, pid, sizeof pid, term.data, term.len);
    struct tap_packet p;
    tap_packet_read(out.data, out.len, &p);
    CU_ASSERT_EQUAL(p.type, TAP_PACKET_FRAME);
    CU_ASSERT_EQUAL(p.frame, out.data + out.len - TAP_FRAME_HEADER - 1000);
    CU_ASSERT_EQUAL(p.header.length, 1000);
    /* The frame says another length than its binary has. */
    tap_put_u32(out.data + out.len - 1000 - 4, 999);
    tap_packet_read(out.data, out.len, &p);
    CU_ASSERT_EQUAL(p.type, TAP_PACKET_BAD);
    tap_buf_free(&term);
    tap_buf_free(&out);
}

static void cut_packets_wait_for_the_rest(void)
{
    struct tap_buf term = {0}, out = {0};
    uint8_t *copy;
    put_frame(&term, 50, 0);
    tap_packet_send(&out, pid, sizeof pid, term.data, term.len);
    for (size_t n = 0; n < out.len; n++) {
        struct tap_packet p = read_exactly(out.data, n, &copy);
        CU_ASSERT_EQUAL(p.type, TAP_PACKET_PART);
        CU_ASSERT_EQUAL(p.size, n < 4 ? 4 : out.len);
        free(copy);
    }
    tap_buf_free(&term);
    tap_buf_free(&out);
}

static void broken_packets_are_refused(void)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum tap_packet_type type;
    } cases[] = {
        {"\xff\xff\xff\xff", 4, TAP_PACKET_BAD}, /* too long to ever wait for */
        {"\0\0\0\1q", 5, TAP_PACKET_BAD},        /* no pass-through */
        {"\0\0\0\1p", 5, TAP_PACKET_BAD},        /* nothing after it */
        /* a control tuple that ends in itself */
        {"\0\0\0\5p\x83h\2a", 9, TAP_PACKET_BAD},
        /* an exit: its reason is in the control tuple */
        {"\0\0\0\x09p\x83h\4a\3jjj", 13, TAP_PACKET_OTHER},
        /* a link: no message is expected */
        {"\0\0\0\x0bp\x83h\4a\1jjj\x83j", 15, TAP_PACKET_OTHER},
        {"\0\0\0\x0ap\x83h\3a\2jj\x83", 13, TAP_PACKET_PART},
        {"\0\0\0\x09p\x83h\3a\2jj\x83", 13, TAP_PACKET_BAD},   /* SEND without its message */
        {"\0\0\0\x0bp\x83h\3a\2jj\x83jj", 15, TAP_PACKET_BAD}, /* SEND with two */
        {"\0\0\0\x0ap\x83h\3a\2jj\x83j", 14, TAP_PACKET_MESSAGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t *copy;
        struct tap_packet p = read_exactly((const uint8_t *)cases[i].bytes, cases[i].len, &copy);
        free(copy);
        if (p.type != cases[i].type)
            printf("# case %zu gives %d\n", i, p.type);
        CU_ASSERT_EQUAL(p.type, cases[i].type);
    }
}

static void any_damage_is_survived(void)
{
    struct tap_buf term = {0}, out = {0};
    put_frame(&term, 50, 1);
    tap_packet_send(&out, pid, sizeof pid, term.data, term.len);
    unsigned refused = 0;
    for (size_t at = 4; at < out.len; at++)
        for (unsigned v = 0; v < 256; v += 5) {
            uint8_t *copy, was = out.data[at];
            out.data[at] = (uint8_t)v;
            struct tap_packet p = read_exactly(out.data, out.len, &copy);
            struct tap_report_final final;
            if (p.type == TAP_PACKET_FRAME)
                tap_report_final(&p.header, p.frame, &final);
            refused += p.type == TAP_PACKET_BAD;
            free(copy);
            out.data[at] = was;
        }
    CU_ASSERT(refused > 100);
    tap_buf_free(&term);
    tap_buf_free(&out);
}

/* Has erl compare the options with an Erlang expression. */
static void same_as(const struct tap_plan *plan, const char *expected)
{
    char dir[] = "/tmp/test_dist_XXXXXX", path[64], line[4096];
    struct tap_buf b = {0};
    struct tap_plan_term t = {plan,      "0123456789abcdef", pid,  sizeof pid, 4 << 20,
                              kind_name, plan->duration,     NULL, "a@b",      7,
                              false};
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/term", dir);
    tap_write_version(&b);
    tap_plan_term_write(&b, &t);
    FILE *f = fopen(path, "w");
    fwrite(b.data, 1, b.len, f);
    fclose(f);
    snprintf(line, sizeof line,
             "erl -noshell -eval '{ok, B} = file:read_file(\"%s\"), T = maps:remove(collector, "
             "binary_to_term(B)), X = %s, case T of X -> halt(0); _ -> io:format(\"# ~0tp~n# "
             "~0tp~n\", [T, X]), halt(1) end'",
             path, expected);
    CU_ASSERT_EQUAL(system(line), 0);
    unlink(path);
    rmdir(dir);
    tap_buf_free(&b);
}

static void an_empty_plan_is_a_term(void)
{
    struct tap_plan plan = {
        .events = TAP_KIND_BIT(TAP_MESSAGE_SEND), .duration = 1, .overload = TAP_OVERLOAD_STOP};
    same_as(&plan, "#{run => <<\"0123456789abcdef\">>, events => [message_send], functions => [], "
                   "processes => [], sends => [], receives => [], include_otp => false, load => "
                   "true, duration => 1, lease => 0, max_events => 0, max_rate => 0, max_queue => "
                   "0, max_memory "
                   "=> 0, max_term => 0, overload => stop, credit => 4 bsl 20, call => none, names "
                   "=> false, mailbox => 0, arity_only => false}");
}

static void a_full_plan_is_a_term(void)
{
    static const uint8_t spec[] = {131, 108, 0, 0,   0,   1,   104,
                                   3,   119, 1, '_', 106, 106, 106}; /* [{'_', [], []}] */
    const struct tap_plan_function functions[] = {
        {.module = "Elixir.Shop.*", .arity = -1, .where = {.file = "trace.ini", .line = 12}},
        {.function = "é",
         .arity = 3,
         .flags = TAP_PLAN_NAMED | TAP_PLAN_CALLER,
         .spec = spec,
         .spec_len = sizeof spec},
        {.module = "m",
         .function = "f",
         .arity = 0,
         .flags = TAP_PLAN_RETURN | TAP_PLAN_EXCEPTION,
         .where = {.file = "--set a.b"}},
    };
    const struct tap_plan_process processes[] = {{.type = TAP_PROCESS_PID, .text = "<0.1.0>"},
                                                 {.type = TAP_PROCESS_NAME, .text = "reg"},
                                                 {.type = TAP_PROCESS_NEW},
                                                 {.type = TAP_PROCESS_TREE_PID, .text = "<0.2.0>"},
                                                 {.type = TAP_PROCESS_TREE_NAME, .text = "sup"}};
    const struct tap_plan_message message = {.spec = spec, .spec_len = sizeof spec};
    static const uint8_t args[] = {108, 0, 0, 0, 1, 97, 7, 106}; /* [7] */
    const struct tap_plan_call call = {sizeof call,      "m", "f", args, sizeof args,
                                       INT64_C(1000000), 1};
    const struct tap_plan_function *const function_list[] = {&functions[0], &functions[1],
                                                             &functions[2]};
    const struct tap_plan_process *const process_list[] = {
        &processes[0], &processes[1], &processes[2], &processes[3], &processes[4]};
    const struct tap_plan_message *const message_list[] = {&message};
    struct tap_plan plan = {.events =
                                TAP_KIND_BIT(TAP_FUNCTION_CALL) | TAP_KIND_BIT(TAP_MESSAGE_RECEIVE),
                            .functions = function_list,
                            .function_count = 3,
                            .processes = process_list,
                            .process_count = 5,
                            .sends = message_list,
                            .send_count = 1,
                            .receives = message_list,
                            .receive_count = 1,
                            .include_otp = true,
                            .need_spawns = true,
                            .duration = INT64_C(30000000000),
                            .lease = INT64_C(1500000),
                            .max_events = INT64_C(10000000000),
                            .max_rate = 5,
                            .max_queue = 6,
                            .max_memory = 7,
                            .max_term = 8,
                            .overload = TAP_OVERLOAD_DROP,
                            .call = &call,
                            .names = true,
                            .mailbox = 100000000,
                            .arity_only = true,
                            .leave_unloaded = true};
    same_as(&plan,
            "#{run => <<\"0123456789abcdef\">>, events => [function_call, message_receive, "
            "process_spawn], functions => [{<<\"Elixir.Shop.*\">>, any, any, none, [], "
            "<<\"trace.ini:12\">>}, {any, <<195,169>>, 3, [{list_to_atom(\"_\"), [], []}], [named, "
            "caller], <<>>}, {<<\"m\">>, <<\"f\">>, 0, none, [return, exception], <<\"--set "
            "a.b\">>}], processes => [{pid, <<\"<0.1.0>\">>}, {name, reg}, new, {tree, {pid, "
            "<<\"<0.2.0>\">>}}, {tree, {name, sup}}], sends => [[{list_to_atom(\"_\"), [], []}]], "
            "receives => [[{list_to_atom(\"_\"), [], []}]], include_otp => true, load => "
            "false, duration => 30000, lease => 2, max_events => 10000000000, max_rate => 5, "
            "max_queue => 6, "
            "max_memory => 7, max_term => 8, overload => drop, credit => 4 bsl 20, call => {m, f, "
            "[7], 1, 1}, names => true, mailbox => 100, arity_only => true}");
}

/* A control frame of the given terms. */
static struct tap_buf control_frame(const struct tap_buf *terms, uint32_t n)
{
    struct tap_buf body = {0}, frame = {0};
    uint8_t header[TAP_FRAME_HEADER] = TAP_FRAME_MAGIC;
    for (uint32_t i = 0; i < n; i++) {
        tap_write_u32(&body, (uint32_t)terms[i].len);
        tap_buf_put(&body, terms[i].data, terms[i].len);
    }
    header[4] = TAP_FRAME_VERSION;
    header[5] = TAP_FRAME_CONTROL;
    tap_put_u32(header + 24, n);
    tap_put_u32(header + 36, (uint32_t)body.len);
    tap_buf_put(&frame, header, sizeof header);
    tap_buf_put(&frame, body.data, body.len);
    tap_buf_free(&body);
    return frame;
}

static void the_final_report_is_found(void)
{
    struct tap_buf terms[2] = {{0}, {0}};
    tap_write_version(&terms[0]);
    tap_write_atom(&terms[0], "something");
    tap_write_version(&terms[1]);
    tap_write_tuple(&terms[1], 2);
    tap_write_atom(&terms[1], "final");
    tap_write_map(&terms[1], 5);
    tap_write_atom(&terms[1], "restored");
    tap_write_nil(&terms[1]);
    tap_write_atom(&terms[1], "lost");
    tap_write_i64(&terms[1], 3);
    tap_write_atom(&terms[1], "produced");
    tap_write_i64(&terms[1], INT64_C(5000000000));
    tap_write_atom(&terms[1], "reason");
    tap_write_atom(&terms[1], "duration");
    tap_write_atom(&terms[1], "text");
    tap_write_binary(&terms[1], "over", 4);
    struct tap_report_final final;
    struct tap_frame header;
    struct tap_buf frame = control_frame(terms, 2);
    CU_ASSERT(tap_frame_read(frame.data, &header) && tap_report_final(&header, frame.data, &final));
    CU_ASSERT_EQUAL(final.figures.produced, UINT64_C(5000000000));
    CU_ASSERT_EQUAL(final.figures.lost, 3);
    CU_ASSERT_STRING_EQUAL(final.reason, "duration");
    CU_ASSERT_STRING_EQUAL(final.text, "over");
    header.flags = 0; /* in a frame of events such a term is somebody's message */
    CU_ASSERT_FALSE(tap_report_final(&header, frame.data, &final));
    tap_buf_free(&frame);
    terms[1].len -= 10; /* cut */
    frame = control_frame(terms, 2);
    CU_ASSERT(tap_frame_read(frame.data, &header) &&
              !tap_report_final(&header, frame.data, &final));
    tap_buf_free(&frame);
    tap_buf_free(&terms[0]);
    tap_buf_free(&terms[1]);
}

static const char secret[] = "XVBQKPLRSTMWZAYDECGH";

static size_t secrets_in(const struct tap_buf *b)
{
    size_t n = 0;
    for (const uint8_t *p = b->data, *end = b->data + b->len;
         (p = memmem(p, (size_t)(end - p), secret, strlen(secret))); p++)
        n++;
    return n;
}

/* {Whole, ..., Longer, Longer}; where the longer ones begin. Apart, for the compiler takes the
 * buffer of a caller for one of no size. */
__attribute__((noinline)) static size_t write_secrets(struct tap_buf *b)
{
    static const uint8_t heads[] = {TAP_EXT_ATOM, TAP_EXT_ATOM_UTF8, TAP_EXT_STRING};
    const size_t n = strlen(secret);
    tap_write_tuple(b, 7);
    tap_write_atom(b, secret);
    for (size_t i = 0; i < sizeof heads; i++) {
        tap_buf_put(b, (const uint8_t[]){heads[i], 0, (uint8_t)n}, 3);
        tap_buf_put(b, secret, n);
    }
    tap_write_binary(b, secret, n);
    size_t whole = b->len;
    tap_write_atom(b, "XVBQKPLRSTMWZAYDECGHI");
    tap_write_atom(b, "WXVBQKPLRSTMWZAYDECGH");
    return whole;
}

/* Whole atoms, strings and binaries, however they are written; nothing that is longer, and nothing
 * else of the bytes. */
static void the_cookie_is_masked_where_it_is_a_whole(void)
{
    struct tap_mask mask;
    struct tap_buf b = {0}, before = {0};
    tap_mask_set(&mask, secret, NULL);
    size_t whole = write_secrets(&b);
    tap_buf_put(&before, b.data, b.len);
    CU_ASSERT_EQUAL(secrets_in(&b), 7);
    CU_ASSERT_EQUAL(tap_mask_bytes(&mask, b.data, b.len), 5);
    CU_ASSERT_EQUAL(secrets_in(&b), 2);
    CU_ASSERT(memcmp(b.data + whole, before.data + whole, b.len - whole) == 0);
    struct tap_cursor c = tap_cursor(b.data, b.len);
    uint32_t arity;
    CU_ASSERT(tap_read_tuple(&c, &arity) && tap_match_atom(&c, "********************"));
    c = tap_cursor(b.data, b.len);
    CU_ASSERT(tap_skip(&c) && tap_left(&c) == 0); /* it is as long as it was */
    CU_ASSERT_EQUAL(tap_mask_bytes(&mask, b.data, b.len), 0);
    CU_ASSERT_EQUAL(tap_mask_bytes(&mask, b.data, 0), 0);
    tap_buf_free(&before);
    tap_buf_free(&b);
}

/* Bytes are looked at 16 at a time. */
static void the_cookie_is_masked_at_any_place(void)
{
    struct tap_mask mask;
    tap_mask_set(&mask, secret, NULL);
    size_t n = strlen(secret);
    for (size_t before = 0; before < 40; before++)
        for (size_t after = 0; after < 40; after++)
            for (int fill = 0; fill < 3; fill++) {
                struct tap_buf b = {0};
                const uint8_t fills[] = {0, (uint8_t)n, (uint8_t)secret[0]};
                for (size_t i = 0; i < before; i++)
                    tap_buf_put(&b, &fills[fill], 1);
                tap_write_atom(&b, secret);
                for (size_t i = 0; i < after; i++)
                    tap_buf_put(&b, &fills[fill], 1);
                CU_ASSERT_EQUAL(tap_mask_bytes(&mask, b.data, b.len), 1);
                CU_ASSERT_EQUAL(secrets_in(&b), 0);
                tap_buf_free(&b);
            }
}

static void a_common_word_is_not_masked(void)
{
    struct tap_plan_function function = {.module = "shop_cart", .arity = -1};
    struct tap_plan_process process = {.type = TAP_PROCESS_NAME, .text = "shop_server"};
    const struct tap_plan_function *functions = &function;
    const struct tap_plan_process *processes = &process;
    struct tap_plan plan = {
        .functions = &functions, .function_count = 1, .processes = &processes, .process_count = 1};
    struct tap_mask mask;
    tap_mask_set(&mask, "secrets", NULL); /* too short */
    CU_ASSERT_EQUAL(mask.len, 0);
    tap_mask_set(&mask, "shop_cart", &plan);
    CU_ASSERT_EQUAL(mask.len, 0);
    tap_mask_set(&mask, "shop_server", &plan);
    CU_ASSERT_EQUAL(mask.len, 0);
    tap_mask_set(&mask, "shop_carts", &plan);
    CU_ASSERT_EQUAL(mask.len, 10);
}

static size_t print_anything(const struct tap_host *host, char *dst, size_t cap,
                             const uint8_t *term, size_t len, const struct tap_print *print)
{
    (void)host, (void)term, (void)len;
    memset(dst, 'a', cap < print->limit ? cap : print->limit);
    return print->limit;
}

/* What the host prints has no end of its own. */
static void a_strange_answer_is_explained(void)
{
    const struct tap_host host = {.struct_size = sizeof host, .term_print = print_anything};
    struct tap_beam beam = {.host = &host};
    struct tap_beam_node n = {.beam = &beam};
    char text[500];
    tap_write_atom(&n.rpc.answer, "whatever");
    for (size_t cap = 100; cap <= sizeof text; cap += 200) {
        memset(text, 'x', sizeof text);
        tap_agent_explain(&n, text, cap);
        const char *end = memchr(text, 0, cap);
        CU_ASSERT_FATAL(end && end[-1] == 'a');
        CU_ASSERT(strncmp(text, "an answer that beamtap does not know, a", 39) == 0);
    }
    tap_buf_free(&n.rpc.answer);
}

UNIT_TESTS("dist", UNIT_TEST(packets_come_back), UNIT_TEST(frames_are_found_in_place),
           UNIT_TEST(cut_packets_wait_for_the_rest), UNIT_TEST(broken_packets_are_refused),
           UNIT_TEST(any_damage_is_survived), UNIT_TEST(an_empty_plan_is_a_term),
           UNIT_TEST(a_full_plan_is_a_term), UNIT_TEST(the_final_report_is_found),
           UNIT_TEST(the_cookie_is_masked_where_it_is_a_whole),
           UNIT_TEST(the_cookie_is_masked_at_any_place), UNIT_TEST(a_common_word_is_not_masked),
           UNIT_TEST(a_strange_answer_is_explained))
