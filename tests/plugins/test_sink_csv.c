/* The csv sink, read back by others: python's csv module, sqlite3, and pandas where it is
 * installed. What a term should look like is asked of a real node. */
#include "comma_locale.h"
#include "sink_host.h"

#include <sys/resource.h>

static const char header[] = "ts,node,event,pid,module,function,arity,peer,message,metadata,flow\n";

/* Writes the batch to a file and gives the file's text. */
static char *csv_of(struct sb *b, const char *max_message)
{
    struct sink s;
    char path[128];
    strcpy(path, temp_path("out.csv"));
    CU_ASSERT_EQUAL_FATAL(sink_create(&s, "csv", "path", path, "max_message", max_message, NULL),
                          TAP_OK);
    CU_ASSERT_EQUAL_FATAL(s.ops->start(s.self), TAP_OK);
    CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
    return read_path(path);
}

static void same(const char *got, const char *want)
{
    if (strcmp(got, want) != 0)
        printf("# got:  %s\n# want: %s\n", got, want);
    CU_ASSERT_STRING_EQUAL(got, want);
}

/* The message cell of one event of this kind with this payload. */
static void message_is(enum tap_kind kind, const void *term, size_t len, const char *want)
{
    struct sb *b = calloc(1, sizeof *b);
    char row[512];
    if (!sink_names)
        sink_host_init();
    struct tap_event *e = sb_event(b, kind);
    e->payload = sb_bytes(b, term, len);
    snprintf(row, sizeof row, "%s1700000000000001000,\"shop@web1\",%s,<0.100.0>,,,-1,,%s,,\n",
             header, host_kind(kind), want);
    char *text = csv_of(b, "0");
    same(text, row);
    free(text);
    sb_free(b);
}
static void value_is(const char *atom, const char *want)
{
    struct tap_buf t = {0};
    tap_write_atom(&t, atom);
    message_is(TAP_FUNCTION_RETURN, t.data, t.len, want);
    tap_buf_free(&t);
}

static void writes_a_row_for_each_kind(void)
{
    struct sb *b = calloc(1, sizeof *b);
    sink_host_init();
    struct tap_event *e = sb_event(b, TAP_FUNCTION_CALL);
    sb_function(e, "shop_cart", "add", 2);
    e->payload = sb_arguments(b, 1, "apple");
    e = sb_event(b, TAP_FUNCTION_RETURN);
    sb_function(e, "Elixir.Shop.Cart", "add", 2);
    e->payload = sb_atom(b, "ok");
    e = sb_event(b, TAP_MESSAGE_SEND);
    e->peer_type = TAP_PEER_PID, e->peer = sb_pid(4294967295u);
    e->peer.serial = 8191;
    e->payload = sb_atom(b, "hello world");
    e->flags = TAP_EVENT_NONEXISTING;
    e = sb_event(b, TAP_LOST);
    e->lost = 12, e->reason = TAP_REASON_QUEUE;
    e = sb_event(b, TAP_GAP);
    e->gap = 250000000, e->reason = TAP_REASON_RATE;
    sb_event(b, TAP_CLOCK);
    sb_event(b, TAP_NODE_UP);
    sb_event(b, TAP_NODE_DOWN);
    e = sb_event(b, TAP_NODE_DOWN);
    e->reason = TAP_REASON_CONNECTION;
    sb_function(sb_event(b, TAP_RETURNS_OFF), "shop_till", "loop", 1);
    e = sb_event(b, TAP_MESSAGE_RECEIVE);
    e->flow = 77, e->flags = TAP_EVENT_TRUNCATED, e->true_size = 70000,
    e->metadata = sb_atom(b, "why");
    e = sb_event(b, TAP_MESSAGE_RECEIVE);
    e->flags = TAP_EVENT_TIMEOUT, e->metadata = sb_atom(b, "timeout");
    e = sb_event(b, TAP_MESSAGE_SEND);
    e->metadata = sb_atom(b, "moved");
    e = sb_event(b, TAP_FUNCTION_RETURN);
    e->flags = TAP_EVENT_TAIL, e->metadata = sb_atom(b, "tail"), e->scheduler = 2;
    e = sb_event(b, TAP_MESSAGE_RECEIVE);
    e->flags = TAP_EVENT_MOVED, e->flow = 78;
    char *text = csv_of(b, "64k");
    same(text,
         "ts,node,event,pid,module,function,arity,peer,message,metadata,flow\n"
         "1700000000000001000,\"shop@web1\",function_call,<0.100.0>,shop_cart,add,2,,\"[1,apple]\","
         ",\n"
         "1700000000000002000,shop@web1,function_return,<0.100.0>,Elixir.Shop.Cart,add,2,,ok,,\n"
         "1700000000000003000,shop@web1,message_send,<0.100.0>,,,-1,<0.4294967295.8191>,'hello "
         "world',nonexisting,\n"
         "1700000000000004000,shop@web1,lost,,,,-1,,\"{12,queue}\",,\n"
         "1700000000000005000,shop@web1,gap,,,,-1,,\"{250000000,rate}\",,\n"
         "1700000000000007000,shop@web1,node_up,,,,-1,,OTP 25,,\n"
         "1700000000000008000,shop@web1,node_down,,,,-1,,,,\n"
         "1700000000000009000,shop@web1,node_down,,,,-1,,other,,\n"
         "1700000000000010000,shop@web1,returns_off,,shop_till,loop,1,,,,\n"
         "1700000000000011000,shop@web1,message_receive,<0.100.0>,,,-1,,,why truncated=70000,77\n"
         "1700000000000012000,shop@web1,message_receive,<0.100.0>,,,-1,,,'timeout' timeout,\n"
         "1700000000000013000,shop@web1,message_send,<0.100.0>,,,-1,,,'moved',\n"
         "1700000000000014000,shop@web1,function_return,<0.100.0>,,,-1,,,'tail' scheduler=2 "
         "tail,\n"
         "1700000000000015000,shop@web1,message_receive,<0.100.0>,,,-1,,,moved,78\n");
    CU_ASSERT_EQUAL(sink_written, 8); /* lost and gap are no events, clock is no row */
    CU_ASSERT_EQUAL(sink_bytes, strlen(text));
    free(text);
    sb_free(b);
}

/* What a match spec says is no flag, whatever word it is. */
static void no_metadata_passes_for_a_flag(void)
{
    static const char *const words[] = {"timeout", "nonexisting", "exiting", "major", "got",
                                        "moved",   "tail",        "call",    "cast",  "reply"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct sb *b = calloc(1, sizeof *b);
        char want[512];
        sink_host_init();
        struct tap_event *e = sb_event(b, TAP_MESSAGE_RECEIVE);
        e->metadata = sb_atom(b, words[i]);
        e = sb_event(b, TAP_MESSAGE_RECEIVE);
        e->metadata = sb_atom(b, words[i]), e->flags = TAP_EVENT_MOVED | TAP_EVENT_TAIL;
        snprintf(
            want, sizeof want,
            "%s1700000000000001000,\"shop@web1\",message_receive,<0.100.0>,,,-1,,,'%s',\n"
            "1700000000000002000,shop@web1,message_receive,<0.100.0>,,,-1,,,'%s' moved tail,\n",
            header, words[i], words[i]);
        char *text = csv_of(b, "0");
        same(text, want);
        free(text);
        sb_free(b);
        tap_intern_free(sink_names);
    }
}

static void no_cell_passes_for_a_number_or_a_null(void)
{
    message_is(TAP_FUNCTION_RETURN, "\x61\x2a", 2, "((42))");
    message_is(TAP_FUNCTION_RETURN, "\x62\xff\xff\xff\xfe", 5, "((-2))");
    message_is(TAP_FUNCTION_RETURN, "\x46\xbf\xf8\0\0\0\0\0\0", 9, "((-1.5))");
    value_is("null", "'null'");
    value_is("true", "'true'");
    value_is("nan", "'nan'");
    value_is("inf", "'inf'");
    value_is("ok", "ok");
    value_is("timeout", "timeout");
    value_is("=1+1", "'=1+1'");
    value_is("-", "'-'");
}

/* In a Turkish program, I is not the capital of i. */
static void no_null_in_any_locale(void)
{
    comma_locale();
    value_is("infInity", "'infInity'");
    message_is(TAP_FUNCTION_RETURN, "\x46\xbf\xf8\0\0\0\0\0\0", 9, "((-1.5))");
}

static void arguments_are_no_string(void)
{
    message_is(TAP_FUNCTION_CALL, "\x6b\0\2ab", 5, "\"[97,98]\"");
    message_is(TAP_FUNCTION_CALL, "\x6a", 1, "[]");
    message_is(TAP_FUNCTION_CALL, "\x6c\0\0\0\1\x6b\0\2ab\x6a", 11, "\"[\"\"ab\"\"]\"");
    message_is(TAP_FUNCTION_RETURN, "\x6b\0\2ab", 5, "\"\"\"ab\"\"\"");
}

static void names_stay_names(void)
{
    struct sb *b = calloc(1, sizeof *b);
    sink_host_init();
    static const char *const names[][2] = {{"erlang", "+"}, {"erlang", "=:="},   {"null", "NaN"},
                                           {"a,b", "q\"q"}, {"@x", "it's"},      {"", "new\nline"},
                                           {"1", "None"},   {"h\xc3\xa9", "'x'"}};
    for (size_t i = 0; i < 8; i++)
        sb_function(sb_event(b, TAP_FUNCTION_CALL), names[i][0], names[i][1], 2);
    b->events[0].node = 1;
    char *text = csv_of(b, "64k");
    static const char *const want[] = {
        "erlang,'+',2",    "erlang,'=:=',2",  "'null','NaN',2", "\"'a,b'\",\"'q\"\"q'\",2",
        "'@x','it\\'s',2", ",'new\\nline',2", "'1','None',2",   "h\xc3\xa9,'\\'x\\'',2"};
    char *save = NULL, *line = strtok_r(text, "\n", &save);
    for (size_t i = 0; i < 8; i++) {
        line = strtok_r(NULL, "\n", &save);
        CU_ASSERT_PTR_NOT_NULL_FATAL(line);
        if (!strstr(line, want[i]))
            printf("# %s lacks %s\n", line, want[i]);
        CU_ASSERT_PTR_NOT_NULL(strstr(line, want[i]));
        if (i == 0) /* the odd node: its own name and pids with a node name are cells like others */
            CU_ASSERT_PTR_NOT_NULL(
                strstr(line, "\"'a,\"\"b\"\"@web2'\",function_call,<shop@web1.100.0>,"));
    }
    CU_ASSERT_PTR_NULL(strtok_r(NULL, "\n", &save));
    free(text);
    sb_free(b);
}

/* Nasty terms as return values, read back by python and by sqlite3; the node says what must come
 * out. */
static void reads_back_what_the_node_prints(void)
{
    static struct erl_term terms[64];
    size_t n = erl_terms(ERL_NASTY, terms, 64);
    CU_ASSERT_FATAL(n == 22);
    struct sb *b = calloc(1, sizeof *b);
    sink_host_init();
    char path[128], command[1024];
    FILE *want = fopen(temp_path("want"), "w");
    for (size_t i = 0; i < n; i++) {
        sb_event(b, TAP_FUNCTION_RETURN)->payload = sb_bytes(b, terms[i].term, terms[i].len);
        fwrite(terms[i].text, 1, strlen(terms[i].text) + 1, want);
    }
    fclose(want);
    free(csv_of(b, "0"));
    strcpy(path, temp_path(""));
    int code;
    snprintf(command, sizeof command,
             "cd %s && python3 -c 'import csv,sys; csv.field_size_limit(1<<30)\n"
             "got=[r[\"message\"] for r in "
             "csv.DictReader(open(\"out.csv\",newline=\"\",encoding=\"utf-8\"))]\n"
             "want=open(\"want\",encoding=\"utf-8\",newline=\"\").read().split(chr(0))[:-1]\n"
             "sys.exit(0 if got==want else [(g,w) for g,w in zip(got,want) if g!=w])' 2>&1 | cut "
             "-c1-500 | grep . && exit 1; :",
             path);
    char *out = run_command(command, &code);
    CU_ASSERT_EQUAL(code, 0);
    same(out, "");
    free(out);
    if (have("sqlite3")) {
        snprintf(command, sizeof command,
                 "cd %s && sqlite3 :memory: '.mode csv' '.import out.csv t' '.mode list' "
                 "'.separator \"\" \"\\0\"' \"select count(*) || '/' || sum(arity = '-1') || '/' "
                 "|| sum(length(message)) from t\"",
                 path);
        out = run_command(command, NULL);
        char figures[64];
        size_t characters = 0;
        for (size_t i = 0; i < n; i++)
            for (const char *c = terms[i].text; *c; c++)
                characters += ((unsigned char)*c & 0xc0) != 0x80;
        snprintf(figures, sizeof figures, "%zu/%zu/%zu", n, n, characters);
        CU_ASSERT_EQUAL(strncmp(out, figures, strlen(figures)), 0);
        free(out);
    }
    snprintf(
        command, sizeof command,
        "cd %s && python3 -c 'import pandas as p; t=p.read_csv(\"out.csv\"); assert len(t)==%zu; "
        "assert str(t.dtypes[\"ts\"])==\"int64\"; assert not t[\"message\"].isnull().any()'",
        path, n);
    free(run_command("python3 -c 'import pandas' 2>/dev/null", &code));
    if (code == 0) {
        free(run_command(command, &code));
        CU_ASSERT_EQUAL(code, 0);
    }
    sb_free(b);
}

static void huge_terms_are_whole_or_cut(void)
{
    struct sb *b = calloc(1, sizeof *b);
    sink_host_init();
    size_t n = 3 << 20;
    char *quotes = malloc(n);
    memset(quotes, '"', n);
    uint32_t from = sb_from(b);
    tap_write_binary(&b->arena, quotes, n);
    struct tap_span big = sb_span(b, from);
    for (int i = 0; i < 3; i++) {
        sb_event(b, TAP_FUNCTION_RETURN)->payload = big;
        sb_event(b, TAP_FUNCTION_RETURN)->payload = sb_atom(b, "small");
    }
    char *text = csv_of(b, "0");
    /* In Erlang's text each quote is \", in the cell \"" */
    CU_ASSERT_EQUAL(strlen(text), sink_bytes);
    CU_ASSERT(strlen(text) > 9 * n && strlen(text) < 9 * n + 1000);
    CU_ASSERT_EQUAL(sink_written, 6);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, ",small,,\n"));
    free(text);
    text = csv_of(b, "1k");
    CU_ASSERT(strlen(text) < 3 * 2 * 1024);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "..."));
    free(text);
    free(quotes);
    sb_free(b);
}

static void many_rows_cross_the_buffer(void)
{
    struct sb *b = calloc(1, sizeof *b);
    sink_host_init();
    for (int i = 0; i < 4096; i++) {
        struct tap_event *e = sb_event(b, TAP_FUNCTION_CALL);
        sb_function(e, "shop_cart", "add", 2);
        e->payload = sb_arguments(b, i, "apple");
    }
    struct sink s;
    char path[128];
    strcpy(path, temp_path("many.csv"));
    CU_ASSERT_EQUAL_FATAL(sink_create(&s, "csv", "path", path, NULL), TAP_OK);
    s.ops->start(s.self);
    for (int i = 0; i < 25; i++)
        CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
    CU_ASSERT(sink_written > 0 && sink_written < 25 * 4096);
    CU_ASSERT_EQUAL(s.ops->flush(s.self), TAP_OK);
    CU_ASSERT_EQUAL(sink_written, 25 * 4096);
    sink_stop(&s);
    char *text = read_path(path), *at = text + sizeof header - 1, want[128];
    CU_ASSERT_EQUAL(strlen(text), sink_bytes);
    int wrong = 0;
    for (int i = 0; i < 25 * 4096; i++) {
        int n = snprintf(
            want, sizeof want,
            "17000000000%08d,%s,function_call,<0.100.0>,shop_cart,add,2,,\"[%d,apple]\",,\n",
            1000 * (i % 4096 + 1), i == 0 ? "\"shop@web1\"" : "shop@web1", i % 4096);
        wrong += strncmp(at, want, (size_t)n) != 0;
        at += n;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    struct stat st;
    CU_ASSERT_EQUAL(stat(path, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
    free(text);
    sb_free(b);
}

static struct tap_span sb_int(struct sb *b, int64_t v)
{
    uint32_t from = sb_from(b);
    tap_write_i64(&b->arena, v);
    return sb_span(b, from);
}

/* ---- What can go wrong */

static struct sb *rows(uint32_t n)
{
    struct sb *b = calloc(1, sizeof *b);
    if (!sink_names)
        sink_host_init();
    for (uint32_t i = 0; i < n; i++)
        sb_event(b, TAP_FUNCTION_RETURN)->payload = sb_int(b, i);
    return b;
}

static void a_full_disk_is_told_once(void)
{
    struct sb *b = rows(4000);
    struct sink s;
    CU_ASSERT_EQUAL_FATAL(sink_create(&s, "csv", "path", "/dev/full", NULL), TAP_OK);
    CU_ASSERT_EQUAL(s.ops->start(s.self), TAP_OK);
    CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_ERROR); /* 4,000 rows are more than one buffer */
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_ERROR);
    same(sink_failure, "cannot write /dev/full: No space left on device");
    CU_ASSERT_EQUAL(sink_failures, 1);
    CU_ASSERT_EQUAL(sink_written, 0);
    sb_free(b);
}

/* A limit on the file's size fails in the middle of a write, as a disk that runs full does. */
static void a_torn_file_is_cut_back_to_whole_rows(void)
{
    struct sb *b = rows(4000);
    struct sink s;
    char path[128];
    strcpy(path, temp_path("torn.csv"));
    signal(SIGXFSZ, SIG_DFL); /* it would end us */
    struct rlimit limit = {400001, RLIM_INFINITY};
    CU_ASSERT_EQUAL_FATAL(sink_create(&s, "csv", "path", path, NULL), TAP_OK);
    CU_ASSERT_EQUAL(s.ops->start(s.self), TAP_OK);
    setrlimit(RLIMIT_FSIZE, &limit);
    enum tap_status status = TAP_OK;
    for (int i = 0; i < 3 && status == TAP_OK; i++)
        status = sink_consume(&s, b);
    CU_ASSERT_EQUAL(status, TAP_ERROR);
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_ERROR);
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    char *text = read_path(path);
    size_t lines = 0, n = strlen(text);
    for (char *c = text; *c; c++)
        lines += *c == '\n';
    CU_ASSERT(n > 399000 && n <= 400001 && text[n - 1] == '\n');
    CU_ASSERT_EQUAL(sink_written, lines - 1);
    CU_ASSERT_EQUAL(sink_bytes, n);
    CU_ASSERT_EQUAL(sink_failures, 1);
    free(text);
    sb_free(b);
}

static void a_reader_that_leaves_is_an_end_and_no_signal(void)
{
    struct sb *b = rows(4000);
    struct sink s;
    int fds[2];
    char path[32];
    CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
    snprintf(path, sizeof path, "/dev/fd/%d", fds[1]);
    CU_ASSERT_EQUAL_FATAL(sink_create(&s, "csv", "path", path, NULL), TAP_OK);
    CU_ASSERT_EQUAL(s.ops->start(s.self), TAP_OK);
    close(fds[0]);
    signal(SIGPIPE, SIG_DFL);
    int before = sink_failures;
    uint64_t written = sink_written;
    CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_ENDED);
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_ENDED);
    CU_ASSERT_EQUAL(sink_failures, before);
    CU_ASSERT_EQUAL(sink_written, written);
    sigset_t pending;
    sigpending(&pending);
    CU_ASSERT_FALSE(sigismember(&pending, SIGPIPE));
    sb_free(b);
}

static void bad_paths_are_refused(void)
{
    struct sink s;
    CU_ASSERT_EQUAL(sink_create(&s, "csv", "path", "/nonexistent/x.csv", NULL), TAP_OK);
    CU_ASSERT_EQUAL(s.ops->start(s.self), TAP_ERROR);
    same(sink_failure, "cannot open /nonexistent/x.csv: No such file or directory");
    sink_stop(&s);
}

static void columns_are_chosen_and_ordered(void)
{
    struct sb *b = calloc(1, sizeof *b);
    struct sink s;
    char path[128];
    if (!sink_names)
        sink_host_init();
    struct tap_event *e = sb_event(b, TAP_FUNCTION_CALL);
    sb_function(e, "shop_cart", "add", 2);
    e->payload = sb_arguments(b, 1, "apple");
    sb_event(b, TAP_LOST)->lost = 12;
    e = sb_event(b, TAP_MESSAGE_SEND);
    e->peer_type = TAP_PEER_PID, e->peer = sb_pid(7);
    e->flags = TAP_EVENT_NONEXISTING;
    static const char *const cases[][2] = {
        {"message, ts, function", "message,ts,function\n\"[1,apple]\",1700000000000001000,add\n\"{"
                                  "12,other}\",1700000000000002000,\n"
                                  ",1700000000000003000,\n"},
        {"arity,module,peer,metadata",
         "arity,module,peer,metadata\n2,\"shop_cart\",,\n-1,,,\n-1,,<0.7.0>,nonexisting\n"},
        {"event,node,pid",
         "event,node,pid\n\"function_call\",shop@web1,<0.100.0>\nlost,shop@web1,\n"
         "message_send,shop@web1,<0.100.0>\n"}};
    for (int i = 0; i < 3; i++) {
        strcpy(path, temp_path("chosen.csv"));
        CU_ASSERT_EQUAL_FATAL(sink_create(&s, "csv", "path", path, "columns", cases[i][0], NULL),
                              TAP_OK);
        CU_ASSERT_EQUAL_FATAL(s.ops->start(s.self), TAP_OK);
        CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
        CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
        char *text = read_path(path);
        same(text, cases[i][1]);
        free(text);
    }
    CU_ASSERT_EQUAL(sink_create(&s, "csv", "path", path, "columns", "ts, when", NULL), TAP_INVALID);
    CU_ASSERT_PTR_NOT_NULL(strstr(sink_failure, "when is not a column; there are ts, node"));
    CU_ASSERT_EQUAL(sink_create(&s, "csv", "path", path, "columns", "ts, pid, ts", NULL),
                    TAP_INVALID);
    same(sink_failure, "column ts is named twice");
    sb_free(b);
}

/* {shop_customer, Function, [Number]} */
static void runs(struct sb *b, struct tap_event *e, const char *function)
{
    uint32_t from = sb_from(b);
    tap_write_tuple(&b->arena, 3);
    tap_write_atom(&b->arena, "shop_customer");
    tap_write_atom(&b->arena, function);
    tap_write_list(&b->arena, 1);
    tap_write_i64(&b->arena, 1000);
    tap_write_nil(&b->arena);
    e->payload = sb_span(b, from);
}

/* [{<0.8.0>, [{label, {cart, 7}}]}] */
static void reports_a_label(struct sb *b, struct tap_event *e)
{
    uint32_t from = sb_from(b);
    struct tap_pid pid = sb_pid(8);
    tap_write_list(&b->arena, 1);
    tap_write_tuple(&b->arena, 2);
    tap_write_u8(&b->arena, TAP_EXT_NEW_PID);
    tap_write_atom(&b->arena, sink_nodes[0].name);
    tap_write_u32(&b->arena, pid.id);
    tap_write_u32(&b->arena, pid.serial);
    tap_write_u32(&b->arena, pid.creation);
    tap_write_list(&b->arena, 1);
    tap_write_tuple(&b->arena, 2);
    tap_write_atom(&b->arena, "label");
    tap_write_tuple(&b->arena, 2);
    tap_write_atom(&b->arena, "cart");
    tap_write_i64(&b->arena, 7);
    tap_write_nil(&b->arena);
    tap_write_nil(&b->arena);
    e->payload = sb_span(b, from);
}

static void processes_are_called_by_name(void)
{
    struct sb *b = calloc(1, sizeof *b);
    struct sink s;
    char path[128];
    if (!sink_names)
        sink_host_init();
    sb_event(b, TAP_MESSAGE_SEND); /* nothing is known yet */
    runs(b, sb_event(b, TAP_PROCESS_START), "visit");
    struct tap_event *e = sb_event(b, TAP_PROCESS_SPAWN);
    runs(b, e, "leave");
    e->peer_type = TAP_PEER_PID, e->peer = sb_pid(7);
    sb_event(b, TAP_PROCESS_REGISTER)->payload = sb_atom(b, "shop_till");
    sb_event(b, TAP_MESSAGE_SEND);
    sb_event(b, TAP_MESSAGE_SEND)->pid = sb_pid(7);
    reports_a_label(b, sb_event(b, TAP_PROCESS_INFO));
    sb_event(b, TAP_MESSAGE_SEND)->pid = sb_pid(8);
    sb_event(b, TAP_PROCESS_REGISTER)->payload = sb_atom(b, "shop_boss");
    sb_event(b, TAP_PROCESS_UNREGISTER)->payload = sb_atom(b, "shop_till"); /* an old name */
    sb_event(b, TAP_PROCESS_UNREGISTER)->payload = sb_atom(b, "shop_boss");
    sb_event(b, TAP_MESSAGE_SEND);
    sb_event(b, TAP_PROCESS_REGISTER)->payload = sb_atom(b, "shop_till");
    sb_event(b, TAP_PROCESS_EXIT);
    sb_event(b, TAP_PROCESS_UNREGISTER)->payload = sb_atom(b, "shop_till");
    runs(b, sb_event(b, TAP_PROCESS_START), "again"); /* the pid is another's now */
    sb_event(b, TAP_PROCESS_REGISTER)->payload = sb_atom(b, "nan");
    strcpy(path, temp_path("called.csv"));
    CU_ASSERT_EQUAL_FATAL(
        sink_create(&s, "csv", "path", path, "columns", "pid, process, event", NULL), TAP_OK);
    CU_ASSERT_EQUAL_FATAL(s.ops->start(s.self), TAP_OK);
    CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
    char *text = read_path(path);
    same(text, "pid,process,event\n"
               "\"<0.100.0>\",,message_send\n"
               "<0.100.0>,shop_customer:visit/1,process_start\n"
               "<0.100.0>,shop_customer:visit/1,process_spawn\n"
               "<0.100.0>,shop_till,process_register\n"
               "<0.100.0>,shop_till,message_send\n"
               "<0.7.0>,shop_customer:leave/1,message_send\n"
               "<0.8.0>,\"{cart,7}\",message_send\n"
               "<0.100.0>,shop_boss,process_register\n"
               "<0.100.0>,shop_boss,process_unregister\n"
               "<0.100.0>,shop_customer:visit/1,process_unregister\n"
               "<0.100.0>,shop_customer:visit/1,message_send\n"
               "<0.100.0>,shop_till,process_register\n"
               "<0.100.0>,shop_till,process_exit\n"
               "<0.100.0>,shop_till,process_unregister\n"
               "<0.100.0>,shop_customer:again/1,process_start\n"
               "<0.100.0>,'nan',process_register\n");
    free(text);
    sb_free(b);
}

static void terms_are_elixirs_where_it_is_wanted(void)
{
    struct sb *b = calloc(1, sizeof *b);
    struct sink s;
    char path[128];
    if (!sink_names)
        sink_host_init();
    struct tap_event *e = sb_event(b, TAP_FUNCTION_CALL);
    sb_function(e, "Elixir.Shop.Cart", "add", 2);
    e->payload = sb_arguments(b, 1, "apple");
    e = sb_event(b, TAP_MESSAGE_SEND);
    e->peer_type = TAP_PEER_PID, e->peer = sb_pid(7);
    e->payload = sb_atom(b, "Elixir.Shop.Item");
    e = sb_event(b, TAP_FUNCTION_RETURN);
    e->payload = sb_bytes(b, "\x61\x2a", 2);
    sb_event(b, TAP_FUNCTION_RETURN)->payload = sb_atom(b, "nil");
    sb_event(b, TAP_FUNCTION_RETURN)->payload = sb_atom(b, "true");
    sb_event(b, TAP_FUNCTION_RETURN)->payload = sb_atom(b, "=1+1");
    e = sb_event(b, TAP_FUNCTION_CALL);
    e->payload = sb_bytes(b, "\x6b\0\2ab", 5);
    e->metadata = sb_atom(b, "why");
    for (int chosen = 0; chosen < 2; chosen++) {
        strcpy(path, temp_path("elixir.csv"));
        CU_ASSERT_EQUAL_FATAL(sink_create(&s, "csv", "path", path, "syntax", "elixir",
                                          chosen ? "columns" : NULL,
                                          "pid, module, message, metadata", NULL),
                              TAP_OK);
        CU_ASSERT_EQUAL_FATAL(s.ops->start(s.self), TAP_OK);
        CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
        CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
        char *text = read_path(path);
        if (chosen)
            same(text, "pid,module,message,metadata\n"
                       "\"#PID<0.100.0>\",Elixir.Shop.Cart,\"[1, :apple]\",\n"
                       "\"#PID<0.100.0>\",,Shop.Item,\n"
                       "\"#PID<0.100.0>\",,((42)),\n"
                       "\"#PID<0.100.0>\",,nil,\n"
                       "\"#PID<0.100.0>\",,'true',\n"
                       "\"#PID<0.100.0>\",,\":\"\"=1+1\"\"\",\n"
                       "\"#PID<0.100.0>\",,\"[97, 98]\",:why\n");
        else
            CU_ASSERT_PTR_NOT_NULL(strstr(
                text, ",shop@web1,message_send,#PID<0.100.0>,,,-1,#PID<0.7.0>,Shop.Item,,\n"));
        free(text);
    }
    sb_free(b);
}

static void two_writers_of_one_file_are_refused(void)
{
    struct sink s, t;
    char path[128];
    strcpy(path, temp_path("shared.csv"));
    CU_ASSERT_EQUAL_FATAL(sink_create(&s, "csv", "path", path, NULL), TAP_OK);
    CU_ASSERT_EQUAL_FATAL(sink_create(&t, "csv", "path", path, NULL), TAP_OK);
    CU_ASSERT_EQUAL(s.ops->start(s.self), TAP_OK);
    CU_ASSERT_EQUAL(s.ops->flush(s.self), TAP_OK);
    CU_ASSERT_EQUAL(t.ops->start(t.self), TAP_ERROR);
    CU_ASSERT_EQUAL(sink_stop(&t), TAP_ERROR);
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
    char *text = read_path(path);
    same(text, header);
    free(text);
}

UNIT_TESTS("sink_csv", UNIT_TEST(writes_a_row_for_each_kind),
           UNIT_TEST(no_metadata_passes_for_a_flag),
           UNIT_TEST(no_cell_passes_for_a_number_or_a_null), UNIT_TEST(no_null_in_any_locale),
           UNIT_TEST(arguments_are_no_string), UNIT_TEST(names_stay_names),
           UNIT_TEST(reads_back_what_the_node_prints), UNIT_TEST(huge_terms_are_whole_or_cut),
           UNIT_TEST(many_rows_cross_the_buffer), UNIT_TEST(a_full_disk_is_told_once),
           UNIT_TEST(a_torn_file_is_cut_back_to_whole_rows),
           UNIT_TEST(a_reader_that_leaves_is_an_end_and_no_signal),
           UNIT_TEST(columns_are_chosen_and_ordered), UNIT_TEST(processes_are_called_by_name),
           UNIT_TEST(terms_are_elixirs_where_it_is_wanted), UNIT_TEST(bad_paths_are_refused),
           UNIT_TEST(two_writers_of_one_file_are_refused))
