/* The stdout sink: what people read, line by line, and JSON lines that python and jq read back.
 * What a term should look like is asked of a real node. */
#include "sink_host.h"

static char out_path[128];

static char *consumed(struct sink *s, struct sb *b)
{
    CU_ASSERT_EQUAL_FATAL(s->ops->start(s->self), TAP_OK);
    CU_ASSERT_EQUAL(sink_consume(s, b), TAP_OK);
    CU_ASSERT_EQUAL(sink_stop(s), TAP_OK);
    return read_path(out_path);
}
/* What the sink writes of this batch with one more setting. */
static char *lines_of(struct sb *b, const char *key, const char *value)
{
    struct sink s;
    strcpy(out_path, temp_path("out.txt"));
    CU_ASSERT_EQUAL_FATAL(sink_create(&s, "stdout", "path", out_path, key, value, NULL), TAP_OK);
    return consumed(&s, b);
}

static void same(const char *got, const char *want)
{
    if (strcmp(got, want) != 0)
        printf("# got:\n%s# want:\n%s", got, want);
    CU_ASSERT_STRING_EQUAL(got, want);
}

static struct tap_span tuple(struct sb *b, const char *one, const char *two, const char *list)
{
    uint32_t from = sb_from(b);
    tap_write_tuple(&b->arena, list ? 3 : 2);
    tap_write_atom(&b->arena, one);
    tap_write_atom(&b->arena, two);
    if (list)
        tap_buf_put(&b->arena, list, 5);
    return sb_span(b, from);
}

/* One event of every kind, with everything it can have. */
static struct sb *every_kind(void)
{
    struct sb *b = calloc(1, sizeof *b);
    sink_host_init();
    struct tap_event *e = sb_event(b, TAP_FUNCTION_CALL);
    sb_function(e, "shop_cart", "add", 2);
    e->payload = sb_arguments(b, 1, "apple");
    e = sb_event(b, TAP_FUNCTION_CALL);
    sb_function(e, "Elixir.Shop.Cart", "hello world", 3);
    e->flags = TAP_EVENT_ARITY_ONLY;
    e = sb_event(b, TAP_FUNCTION_RETURN);
    sb_function(e, "shop_cart", "add", 2);
    e->payload = sb_atom(b, "ok");
    e = sb_event(b, TAP_FUNCTION_EXCEPTION);
    sb_function(e, "shop_cart", "add", 2);
    e->payload = tuple(b, "error", "badarg", NULL);
    e = sb_event(b, TAP_MESSAGE_SEND);
    e->peer_type = TAP_PEER_PID, e->peer = sb_pid(7);
    e->payload = sb_atom(b, "hi");
    e->flags = TAP_EVENT_NONEXISTING;
    e = sb_event(b, TAP_MESSAGE_RECEIVE);
    e->peer_type = TAP_PEER_PID, e->peer = (struct tap_pid){sink_nodes[1].name_id, 8, 0, 1};
    e->payload = sb_atom(b, "hi");
    e->metadata = sb_atom(b, "why");
    e = sb_event(b, TAP_MESSAGE_RECEIVE);
    e->flags = TAP_EVENT_TIMEOUT;
    e->payload = sb_atom(b, "timeout");
    e = sb_event(b, TAP_PROCESS_SPAWN);
    e->peer_type = TAP_PEER_PID, e->peer = sb_pid(9);
    e->payload = tuple(b, "shop", "loop", "\x6b\0\2ab");
    e = sb_event(b, TAP_PROCESS_EXIT);
    e->payload = sb_atom(b, "normal");
    e = sb_event(b, TAP_PROCESS_LINK);
    e->peer_type = TAP_PEER_PID, e->peer = sb_pid(9), e->flags = TAP_EVENT_LINK_GOT;
    e = sb_event(b, TAP_PROCESS_REGISTER);
    e->payload = sb_atom(b, "shop");
    e = sb_event(b, TAP_SCHEDULE_OUT);
    sb_function(e, "shop", "loop", 1);
    e->scheduler = 2, e->flags = TAP_EVENT_EXITING;
    e = sb_event(b, TAP_MESSAGE_SEND);
    e->flags = TAP_EVENT_TRUNCATED, e->true_size = 70000, e->flow = 77;
    e = sb_event(b, TAP_LOST);
    e->lost = 12, e->reason = TAP_REASON_QUEUE;
    e = sb_event(b, TAP_GAP);
    e->gap = 250000000, e->reason = TAP_REASON_RATE;
    sb_event(b, TAP_PLAN);
    sb_event(b, TAP_NODE_UP);
    sb_event(b, TAP_NODE_DOWN)->reason = TAP_REASON_CONNECTION;
    sb_event(b, TAP_NODE_DOWN);
    sb_function(sb_event(b, TAP_RETURNS_OFF), "shop", "loop", 1);
    return b;
}

static void every_kind_is_a_line_for_people(void)
{
    struct sb *b = every_kind();
    char *text = lines_of(b, "format", "text");
    same(text,
         "   0.000001  <0.100.0>    -> shop_cart:add(1, apple)\n"
         "   0.000002  <0.100.0>    -> 'Elixir.Shop.Cart':'hello world'/3\n"
         "   0.000003  <0.100.0>    <- shop_cart:add/2 = ok\n"
         "   0.000004  <0.100.0>    !! shop_cart:add/2 raised error:badarg\n"
         "   0.000005  <0.100.0>    send <0.7.0> ! hi (no such process)\n"
         "   0.000006  <0.100.0>    recv hi from <a,\"b\"@web2.8.0>  # why\n"
         "   0.000007  <0.100.0>    recv timeout\n"
         "   0.000008  <0.100.0>    spawn <0.9.0> shop:loop(97, 98)\n"
         "   0.000009  <0.100.0>    exit normal\n"
         "   0.000010  <0.100.0>    linked by <0.9.0>\n"
         "   0.000011  <0.100.0>    register shop\n"
         "   0.000012  <0.100.0>    out shop:loop/1 (exiting) (scheduler 2)\n"
         "   0.000013  <0.100.0>    send (cut: 70000 bytes)\n"
         "   0.000014               lost 12 events (node's queue)\n"
         "   0.000015               gap 0.250000 s without tracing (max_rate)\n"
         "   0.000017               node up (OTP 25)\n"
         "   0.000018               node down: the connection was lost\n"
         "   0.000019               node down\n"
         "   0.000020               shop:loop/1 is traced without its returns from here on\n");
    CU_ASSERT_EQUAL(sink_written, 13);
    free(text);
    sb_free(b);
}

static void elixir_reads_as_elixir(void)
{
    struct sb *b = every_kind();
    char *text = lines_of(b, "syntax", "elixir");
    static const char *const want[] = {"-> :shop_cart.add(1, :apple)\n",
                                       "-> Shop.Cart.\"hello world\"/3\n",
                                       "<- :shop_cart.add/2 = :ok\n",
                                       "!! :shop_cart.add/2 raised :error, :badarg\n",
                                       "send #PID<0.7.0> ! :hi (no such process)\n",
                                       "spawn #PID<0.9.0> :shop.loop(97, 98)\n"};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        if (!strstr(text, want[i]))
            printf("# %s# has no %s", text, want[i]);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, want[i]));
    }
    free(text);
    sb_free(b);
}

static void nodes_and_dates_are_shown_when_wanted(void)
{
    struct sb *b = every_kind();
    b->events[1].node = 1;
    sink_session.several_nodes = true;
    char *text = lines_of(b, "time", "absolute");
    CU_ASSERT_PTR_NOT_NULL(strstr(
        text, "2023-11-14T22:13:20.000001Z  shop@web1  <0.100.0>    -> shop_cart:add(1, apple)\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "2023-11-14T22:13:20.000002Z  a,\"b\"@web2  <shop@web1.100.0> -> "));
    free(text);
    sb_free(b);
}

/* With indentation, from the first event's text on. */
static void indented(struct sb *b, const char *want)
{
    char *text = lines_of(b, "indent", "true"), *line, *save = NULL, got[512] = "";
    for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        strcat(strncat(got, line + 26, 60), "\n");
    same(got, want);
    free(text);
    sb_free(b);
}

static void calls_are_indented_by_depth(void)
{
    struct sb *b = calloc(1, sizeof *b);
    sink_host_init();
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "a", 1);
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "b", 1);
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "c", 1);
    struct tap_event *other = sb_event(b, TAP_FUNCTION_CALL);
    sb_function(other, "m", "a", 1);
    other->pid = sb_pid(101);
    sb_event(b, TAP_MESSAGE_SEND)->payload = sb_atom(b, "x");
    sb_function(sb_event(b, TAP_FUNCTION_EXCEPTION), "m", "a", 1); /* unwinds b and c */
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "d", 1);
    sb_function(sb_event(b, TAP_FUNCTION_RETURN), "m", "d", 1);
    sb_function(sb_event(b, TAP_FUNCTION_RETURN), "m", "unseen", 1);
    indented(b, "-> m:a/1\n"
                "  -> m:b/1\n"
                "    -> m:c/1\n"
                "-> m:a/1\n"
                "      send ! x\n"
                "!! m:a/1\n"
                "-> m:d/1\n"
                "<- m:d/1\n"
                "<- m:unseen/1\n");
}

/* A loop that takes messages stays where it is, one that does not is a recursion; all its returns
 * come at the end. */
static void a_servers_rounds_stand_below_each_other(void)
{
    struct sb *b = calloc(1, sizeof *b);
    sink_host_init();
    for (int i = 0; i < 3; i++) {
        sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "loop", 1);
        sb_event(b, TAP_MESSAGE_RECEIVE)->payload = sb_atom(b, "x");
    }
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "fact", 1);
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "fact", 1);
    for (int i = 0; i < 2; i++)
        sb_function(sb_event(b, TAP_FUNCTION_RETURN), "m", "fact", 1);
    for (int i = 0; i < 3; i++)
        sb_function(sb_event(b, TAP_FUNCTION_RETURN), "m", "loop", 1);
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "other", 1);
    indented(b, "-> m:loop/1\n  recv x\n"
                "-> m:loop/1\n  recv x\n"
                "-> m:loop/1\n  recv x\n"
                "  -> m:fact/1\n"
                "    -> m:fact/1\n"
                "    <- m:fact/1\n"
                "  <- m:fact/1\n"
                "<- m:loop/1\n<- m:loop/1\n<- m:loop/1\n"
                "-> m:other/1\n");
}

/* What was open when events were lost may have ended unseen; on another node it has not. */
static void a_loss_begins_anew(void)
{
    struct sb *b = calloc(1, sizeof *b);
    sink_host_init();
    struct tap_event *other = sb_event(b, TAP_FUNCTION_CALL);
    sb_function(other, "m", "a", 1);
    other->node = 1, other->pid.node = sink_nodes[1].name_id;
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "a", 1);
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "b", 1);
    sb_event(b, TAP_GAP)->gap = 1000;
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "a", 1);
    other = sb_event(b, TAP_FUNCTION_CALL);
    sb_function(other, "m", "b", 1);
    other->node = 1, other->pid.node = sink_nodes[1].name_id;
    indented(b, "-> m:a/1\n"
                "-> m:a/1\n"
                "  -> m:b/1\n"
                "gap 0.000001 s without tracing (no reason given)\n"
                "-> m:a/1\n"
                "  -> m:b/1\n");
}

/* Nor is anything open in a process that begins, whoever had its pid before. */
static void a_birth_begins_anew(void)
{
    struct sb *b = calloc(1, sizeof *b);
    sink_host_init();
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "a", 1);
    sb_event(b, TAP_PROCESS_START)->payload = sb_atom(b, "x");
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "b", 1);
    indented(b, "-> m:a/1\n"
                "start x\n"
                "-> m:b/1\n");
}

/* Nothing stands in a call whose return nobody tells. */
static void only_what_returns_is_gone_into(void)
{
    struct sb *b = calloc(1, sizeof *b);
    sink_host_init();
    const struct tap_plan_function f = {.module = "m*",
                                        .function = "a",
                                        .arity = -1,
                                        .flags = TAP_PLAN_RETURN},
                                   *const list[] = {&f};
    const struct tap_plan plan = {
        .struct_size = sizeof plan, .functions = list, .function_count = 1};
    sink_host.plan = &plan;
    sink_session.events = TAP_KIND_BIT(TAP_FUNCTION_CALL);
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "b", 1);
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "a", 1);
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "b", 1);
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "b", 1);
    sb_function(sb_event(b, TAP_FUNCTION_RETURN), "m", "a", 1);
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "m", "b", 1);
    indented(b, "-> m:b/1\n"
                "-> m:a/1\n"
                "  -> m:b/1\n"
                "  -> m:b/1\n"
                "<- m:a/1\n"
                "-> m:b/1\n");
    sink_host.plan = &sink_plan;
    sink_session.events = 0xffff;
}

static struct sb *nasty(struct erl_term *terms, size_t cap, size_t *n)
{
    struct sb *b = calloc(1, sizeof *b);
    *n = erl_terms(ERL_NASTY, terms, cap);
    sink_host_init();
    for (size_t i = 0; i < *n; i++)
        sb_event(b, TAP_MESSAGE_RECEIVE)->payload = sb_bytes(b, terms[i].term, terms[i].len);
    return b;
}

static void a_line_stays_a_line(void)
{
    static struct erl_term terms[64];
    size_t n, lines = 0, control = 0;
    struct sb *b = nasty(terms, 64, &n);
    CU_ASSERT_FATAL(n == 22);
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "new\nline", "esc\033[2J\xc2\x9b", 1);
    sink_nodes[0].name_id = name("bad\n\033\xc2\x9bnode");
    sink_session.several_nodes = true;
    char *text = lines_of(b, "max_message", "0");
    for (const char *c = text; *c; c++) {
        lines += *c == '\n';
        control += (*c > 0 && *c < 32 && *c != '\n') || *c == 127 ||
                   ((unsigned char)*c == 0xc2 && (unsigned char)c[1] < 0xa0);
    }
    CU_ASSERT_EQUAL(lines, n + 1);
    CU_ASSERT_EQUAL(control, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "  bad????node  "));
    for (size_t i = 0; i < n; i++) {
        char *line = malloc(strlen(terms[i].text) + 16);
        sprintf(line, " recv %s\n", terms[i].text);
        if (!strstr(text, line))
            printf("# missing: %.200s", line);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
        free(line);
    }
    free(text);
    sb_free(b);
}

/* ---- JSON */

static void every_kind_is_an_object(void)
{
    struct sb *b = every_kind();
    char *text = lines_of(b, "format", "json"), want[1024];
    snprintf(want, sizeof want, "%s",
             "{\"ts\":\"1700000000000001000\",\"seq\":0,\"node\":\"shop@web1\",\"event\":"
             "\"function_call\",\"pid\":\"<0.100.0>\",\"module\":\"shop_cart\",\"function\":"
             "\"add\",\"arity\":2,\"message\":\"[1,apple]\"}\n");
    CU_ASSERT_EQUAL(strncmp(text, want, strlen(want)), 0);
    free(text);
    char command[2048], path[128];
    strcpy(path, out_path);
    snprintf(command, sizeof command,
             "python3 -c 'import json,sys\n"
             "r=[json.loads(l) for l in open(\"%s\",encoding=\"utf-8\",newline=chr(10))]\n"
             "assert len(r)==19\n"
             "assert r[1].get(\"message\") is None and r[1][\"function\"]==\"hello world\"\n"
             "assert r[3][\"message\"]==\"{error,badarg}\"\n"
             "assert r[4][\"flags\"]==[\"nonexisting\"] and r[4][\"peer\"]==\"<0.7.0>\"\n"
             "assert r[5][\"peer\"]==\"<a,\\\"b\\\"@web2.8.0>\" and r[5][\"metadata\"]==\"why\"\n"
             "assert r[6][\"flags\"]==[\"timeout\"]\n"
             "assert r[11][\"scheduler\"]==2 and r[11][\"flags\"]==[\"exiting\"]\n"
             "assert r[12][\"truncated\"]==70000 and \"message\" not in r[12]\n"
             "assert "
             "r[13]==dict(ts=\"1700000000000014000\",node=\"shop@web1\",event=\"lost\",count=12,"
             "reason=\"queue\")\n"
             "assert r[14][\"event\"]==\"gap\" and r[14][\"count\"]==250000000\n"
             "assert r[12][\"flow\"]==77 and \"flow\" not in r[4]\n"
             "assert r[15][\"event\"]==\"node_up\" and r[15][\"release\"]==\"25\"\n"
             "assert r[16][\"reason\"]==\"other\" and \"reason\" not in r[17]\n"
             "assert r[18][\"event\"]==\"returns_off\" and r[18][\"function\"]==\"loop\"'",
             path);
    int code;
    free(run_command(command, &code));
    CU_ASSERT_EQUAL(code, 0);
    if (have("jq")) {
        snprintf(command, sizeof command, "jq -s length %s", path);
        text = run_command(command, &code);
        same(text, "19\n");
        free(text);
    }
    sb_free(b);
}

/* Moved behind its cause, and a turn of a loop: said in JSON alone. */
static void flags_are_words(void)
{
    struct sb *b = calloc(1, sizeof *b);
    sink_host_init();
    struct tap_event *e = sb_event(b, TAP_MESSAGE_RECEIVE);
    e->flags = TAP_EVENT_MOVED, e->flow = 78;
    e = sb_event(b, TAP_FUNCTION_CALL);
    sb_function(e, "shop", "loop", 1);
    e->flags = TAP_EVENT_MOVED | TAP_EVENT_TAIL;
    char *text = lines_of(b, "format", "json");
    same(text, "{\"ts\":\"1700000000000001000\",\"seq\":0,\"node\":\"shop@web1\",\"event\":"
               "\"message_receive\",\"pid\":\"<0.100.0>\",\"flow\":78,\"flags\":[\"moved\"]}\n"
               "{\"ts\":\"1700000000000002000\",\"seq\":1,\"node\":\"shop@web1\",\"event\":"
               "\"function_call\",\"pid\":\"<0.100.0>\",\"module\":\"shop\",\"function\":\"loop\","
               "\"arity\":1,\"flags\":[\"moved\",\"tail\"]}\n");
    free(text);
    sb_free(b);
}

static void json_holds_what_the_node_prints(void)
{
    static struct erl_term terms[64];
    size_t n;
    struct sb *b = nasty(terms, 64, &n);
    CU_ASSERT_FATAL(n == 22);
    sb_function(sb_event(b, TAP_FUNCTION_CALL), "q\"\\\n\001", "caf\xc3\xa9", 1);
    struct sink s;
    strcpy(out_path, temp_path("out.json"));
    CU_ASSERT_EQUAL_FATAL(
        sink_create(&s, "stdout", "path", out_path, "format", "json", "max_message", "0", NULL),
        TAP_OK);
    free(consumed(&s, b));
    char command[1024], path[128];
    strcpy(path, temp_path("want"));
    FILE *want = fopen(path, "w");
    for (size_t i = 0; i < n; i++)
        fwrite(terms[i].text, 1, strlen(terms[i].text) + 1, want);
    fclose(want);
    snprintf(command, sizeof command,
             "python3 -c 'import json\n"
             "r=[json.loads(l) for l in open(\"%s\",encoding=\"utf-8\",newline=chr(10))]\n"
             "w=open(\"%s\",encoding=\"utf-8\",newline=\"\").read().split(chr(0))[:-1]\n"
             "assert [x[\"message\"] for x in r[:-1]]==w\n"
             "assert r[-1][\"module\"]==\"q\\\"\\\\\\n\\x01\" and "
             "r[-1][\"function\"]==\"caf\"+chr(233)'",
             out_path, path);
    int code;
    free(run_command(command, &code));
    CU_ASSERT_EQUAL(code, 0);
    sb_free(b);
}

static void undecodable_bytes_are_still_json(void)
{
    struct sb *b = calloc(1, sizeof *b);
    sink_host_init();
    uint8_t bytes[64];
    srand(1);
    for (int i = 0; i < 4000; i++) {
        size_t len = 1 + (size_t)rand() % sizeof bytes;
        for (size_t k = 0; k < len; k++)
            bytes[k] = (uint8_t)rand();
        if (i % 2) /* bytes that begin like an atom or a list get further */
            bytes[0] = (uint8_t) "\x64\x73\x76\x77\x6b\x6c\x68\x6d"[rand() % 8];
        struct tap_event *e = sb_event(b, i % 3 ? TAP_FUNCTION_CALL : TAP_MESSAGE_RECEIVE);
        sb_function(e, "m", "f", 1);
        e->payload = sb_bytes(b, bytes, len);
    }
    free(lines_of(b, "format", "json"));
    char command[512];
    int code;
    snprintf(command, sizeof command,
             "python3 -c 'import json; assert len([json.loads(l) for l in "
             "open(\"%s\",encoding=\"utf-8\",newline=chr(10))])==4000'",
             out_path);
    free(run_command(command, &code));
    CU_ASSERT_EQUAL(code, 0);
    free(lines_of(b, "format", "text"));
    sb_free(b);
}

/* ---- Standard output */

/* On a terminal lines come at once and in colour, unless NO_COLOR is set; elsewhere plain. */
static void colour_is_for_terminals(void)
{
    struct sb *b = every_kind();
    for (int round = 0; round < 2; round++) {
        int master = posix_openpt(O_RDWR | O_NOCTTY);
        if (master < 0) {
            CU_PASS("there are no pseudo-terminals here");
            puts("# skipped: no pseudo-terminal to try colours on");
            return;
        }
        CU_ASSERT_FATAL(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
        struct sink s;
        char text[4096] = "";
        setenv("TERM", "xterm", 1);
        if (round)
            setenv("NO_COLOR", "1", 1);
        else
            unsetenv("NO_COLOR");
        strcpy(out_path, ptsname(master));
        CU_ASSERT_EQUAL_FATAL(sink_create(&s, "stdout", "path", out_path, NULL), TAP_OK);
        CU_ASSERT_EQUAL_FATAL(s.ops->start(s.self), TAP_OK);
        CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
        CU_ASSERT_EQUAL(sink_written, 13u * (unsigned)(round + 1)); /* without a flush */
        CU_ASSERT(read(master, text, sizeof text - 1) > 0);
        CU_ASSERT_EQUAL(strstr(text, "\033[36m-> shop_cart:add(1, apple)\033[0m") != NULL,
                        round == 0);
        CU_ASSERT_EQUAL(strchr(text, '\033') != NULL, round == 0);
        CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
        close(master);
    }
    sb_free(b);
}

static void standard_output_is_the_default(void)
{
    struct sb *b = every_kind();
    int fds[2], before = dup(STDOUT_FILENO);
    CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
    fflush(stdout);
    dup2(fds[1], STDOUT_FILENO);
    close(fds[1]);
    struct sink s;
    enum tap_status made = sink_create(&s, "stdout", NULL), started = s.ops->start(s.self),
                    took = sink_consume(&s, b);
    int during = fcntl(STDOUT_FILENO, F_GETFD); /* the program's children have it too */
    enum tap_status stopped = sink_stop(&s);
    int still = fcntl(STDOUT_FILENO, F_GETFD);
    dup2(before, STDOUT_FILENO);
    CU_ASSERT(made == TAP_OK && started == TAP_OK && took == TAP_OK && stopped == TAP_OK);
    CU_ASSERT(during == 0 && still == 0); /* open, and as it was */
    char text[4096] = "";
    CU_ASSERT(read(fds[0], text, sizeof text - 1) > 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "-> shop_cart:add(1, apple)\n"));
    sb_free(b);
}

static void a_full_disk_is_told_once(void)
{
    struct sb *b = every_kind();
    struct sink s;
    CU_ASSERT_EQUAL_FATAL(sink_create(&s, "stdout", "path", "/dev/full", NULL), TAP_OK);
    CU_ASSERT_EQUAL(s.ops->start(s.self), TAP_OK);
    CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
    CU_ASSERT_EQUAL(s.ops->flush(s.self), TAP_ERROR);
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_ERROR);
    same(sink_failure, "cannot write /dev/full: No space left on device");
    CU_ASSERT_EQUAL(sink_failures, 1);
    CU_ASSERT_EQUAL(sink_written, 0);
    sb_free(b);
}

static void depth_and_width_can_be_bounded(void)
{
    struct sb *b = calloc(1, sizeof *b);
    sb_event(b, TAP_MESSAGE_SEND)->payload = tuple(b, "one", "two", "\x6b\0\2\1\2");
    char *text = lines_of(b, "max_items", "2");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "{one,two,...}\n"));
    free(text);
    text = lines_of(b, "max_depth", "1");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "{one,two,...}\n"));
    free(text);
    text = lines_of(b, "max_depth", "2");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "{one,two,[1,2]}\n"));
    free(text);
    sb_free(b);
}

static void processes_are_called_by_name(void)
{
    struct sb *b = calloc(1, sizeof *b);
    sink_host_init();
    sb_event(b, TAP_MESSAGE_RECEIVE)->payload = sb_atom(b, "one"); /* nothing is known yet */
    sb_event(b, TAP_PROCESS_REGISTER)->payload = sb_atom(b, "shop_till");
    struct tap_event *e = sb_event(b, TAP_PROCESS_SPAWN);
    e->payload = tuple(b, "shop_customer", "visit", "\x6b\0\1\1\x6a"); /* [1] */
    e->payload.len--;                                                  /* a string has no tail */
    e->peer_type = TAP_PEER_PID, e->peer = sb_pid(7);
    e = sb_event(b, TAP_MESSAGE_RECEIVE);
    e->pid = sb_pid(7);
    e->payload = sb_atom(b, "two");
    sb_event(b, TAP_PROCESS_EXIT)->payload = sb_atom(b, "normal");
    char *text = lines_of(b, "names", "true");
    same(text,
         "   0.000001  <0.100.0>                        recv one\n"
         "   0.000002  <0.100.0>(shop_till)             register shop_till\n"
         "   0.000003  <0.100.0>(shop_till)             spawn <0.7.0> shop_customer:visit(1)\n"
         "   0.000004  <0.7.0>(shop_customer:visit/1)   recv two\n"
         "   0.000005  <0.100.0>(shop_till)             exit normal\n");
    free(text);
    sb_free(b);
}

/* A recording may say that a node's name has 7,000 characters, each of which takes two in JSON. */
static void a_long_name_tears_no_object(void)
{
    struct sb *b = calloc(1, sizeof *b);
    static char node[7001];
    bool within = false;
    sink_host_init();
    memset(node, '"', sizeof node - 1);
    for (unsigned shift = 0; shift < 2; shift++) {
        struct tap_event *e = sb_event(b, TAP_MESSAGE_SEND);
        e->pid.node = e->peer.node = name(node + shift);
        e->pid.id = 100 * (1 + 9 * shift); /* another length of what is around it */
        e->peer_type = TAP_PEER_PID;
        e->payload = sb_atom(b, "hi");
    }
    char *text = lines_of(b, "format", "json"), *line = text;
    for (char *p = text; *p; p++) {
        if (*p == '\\' && within)
            p++;
        else if (*p == '"')
            within = !within;
        else if (*p == '\n')
            CU_ASSERT_FATAL(!within && p[-1] == '}' && *line == '{' && (line = p + 1));
    }
    CU_ASSERT(!within && *line == 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, ".100.0>\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, ".1000.0>\""));
    free(text);
    sb_free(b);
}

UNIT_TESTS("sink_stdout", UNIT_TEST(every_kind_is_a_line_for_people),
           UNIT_TEST(elixir_reads_as_elixir), UNIT_TEST(nodes_and_dates_are_shown_when_wanted),
           UNIT_TEST(calls_are_indented_by_depth),
           UNIT_TEST(a_servers_rounds_stand_below_each_other), UNIT_TEST(a_loss_begins_anew),
           UNIT_TEST(a_birth_begins_anew), UNIT_TEST(only_what_returns_is_gone_into),
           UNIT_TEST(a_line_stays_a_line), UNIT_TEST(every_kind_is_an_object),
           UNIT_TEST(flags_are_words), UNIT_TEST(json_holds_what_the_node_prints),
           UNIT_TEST(undecodable_bytes_are_still_json), UNIT_TEST(colour_is_for_terminals),
           UNIT_TEST(standard_output_is_the_default), UNIT_TEST(a_full_disk_is_told_once),
           UNIT_TEST(processes_are_called_by_name), UNIT_TEST(depth_and_width_can_be_bounded),
           UNIT_TEST(a_long_name_tears_no_object))
