/* test_config.c: INI texts become configurations; every mistake is told in one pass, with its
 * place. */
#include "config/config.h"
#include "base/event_names.h"

#include <sys/stat.h>

#include "beamtap/plan.h"
#include "config/ini_file.h"
#include "plugin_files.h"

static char said[16384];

/* Parses with plugins sink:plain, filter:pass and transport:dist at hand; the causes in `said`, a
 * line each. */
static struct tap_config *parse_with(const char *text, size_t len, const char *const *sets,
                                     size_t set_count)
{
    static bool plugins;
    if (!plugins && !(files_plugin("sink", "plain", "") && files_plugin("filter", "pass", "") &&
                      files_plugin("transport", "dist", "")))
        abort();
    plugins = true;
    struct tap_error *err = tap_error_new();
    struct tap_config *config = (struct tap_config *)1;
    enum tap_status status =
        tap_config_parse("t.ini", text, len, "transport:dist", sets, set_count, &config, err);
    size_t used = 0;
    said[0] = '\0';
    for (size_t i = 0; i < tap_error_count(err) && used < sizeof said; i++)
        used += (size_t)snprintf(said + used, sizeof said - used, "%s\n",
                                 tap_error_get(err, i)->message);
    if (config && config->mistaken) {
        CU_ASSERT_EQUAL(status, TAP_INVALID);
        tap_config_free(config);
        config = NULL;
    }
    CU_ASSERT_EQUAL(status, config ? TAP_OK : TAP_INVALID);
    CU_ASSERT_EQUAL(tap_error_count(err) == 0, config != NULL);
    tap_error_free(err);
    return config;
}

/* What is said of a text; "" when it is right. */
static const char *mistakes(const char *text)
{
    tap_config_free(parse_with(text, strlen(text), NULL, 0));
    return said;
}
static const char *mistakes_set(const char *text, const char *set)
{
    tap_config_free(parse_with(text, strlen(text), &set, 1));
    return said;
}
static void says(const char *text, const char *expected)
{
    const char *got = mistakes(text);
    if (strcmp(got, expected) != 0)
        printf("# of\n%s# was said\n%s", text, got);
    CU_ASSERT_STRING_EQUAL(got, expected);
}

#define SESSION "[session]\nnodes = a@b\n"
#define SINK "[sink:plain]\npath = out\n"
#define GOOD SESSION SINK

static void reads_a_whole_file(void)
{
    static const char text[] = "\xEF\xBB\xBF; a comment\r\n"
                               "[session] ; the session\r\n"
                               "nodes  = shop@web1,\r\n"
                               "; in between\r\n"
                               "   shop@web2.example.org ; and a second\r\n"
                               "events: function_call\r\n"
                               "duration = 0\r\n"
                               "overload = stop\r\n"
                               "\n"
                               "[filter:mine]\n"
                               "plugin = pass\n"
                               "[sink:plain]\n"
                               "path = a;b # c\n"
                               "line = f(\"x ; y\", ';') when X > 3 ; Y -> 'it ; s'\n"
                               "; a comment\n"
                               "line = g(\n"
                               "\n"
                               "    #{a := 1},\n"
                               "    [ ok ]) when X ; Y\n"
                               "# another\n"
                               "; and one\n"
                               "    ; Z\n"
                               "  # an indented one\n"
                               "    #r{a = 1} -> it's\n"
                               "filters = mine\n"
                               "queue = 1M";
    struct tap_config *c = parse_with(text, sizeof text - 1, NULL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    const struct tap_session_settings *s = &c->session;
    CU_ASSERT_EQUAL(s->nodes.count, 2);
    CU_ASSERT_STRING_EQUAL(s->nodes.items[1].text, "shop@web2.example.org");
    CU_ASSERT(s->nodes.items[1].line == 5 && s->nodes.items[1].column == 4);
    CU_ASSERT(s->nodes.items[0].line == 3 && s->nodes.items[0].column == 10);
    CU_ASSERT_EQUAL(s->events, TAP_KIND_BIT(TAP_FUNCTION_CALL));
    CU_ASSERT(s->duration == 0 && s->overload == TAP_OVERLOAD_STOP && s->lease == 5000000000);
    CU_ASSERT(s->max_events == 1000000 && s->max_rate == 100000 && s->max_queue == 10000);
    CU_ASSERT(s->max_memory == 64 << 20 && s->max_term == 64 << 10 && !s->include_otp &&
              !s->fail_on_loss);
    CU_ASSERT_EQUAL_FATAL(c->instance_count, 3);
    CU_ASSERT_STRING_EQUAL(c->instances[0].section, "filter:mine");
    CU_ASSERT_STRING_EQUAL(c->instances[0].loaded->plugin->name, "pass");
    const struct tap_instance *sink = &c->instances[1];
    CU_ASSERT(sink->kind == TAP_PLUGIN_SINK && sink->where.line == 12);
    CU_ASSERT(sink->sink.queue == 1 << 20 && sink->sink.on_full == TAP_DROP_NEWEST &&
              sink->sink.filters.count == 1);
    const struct {
        const char *path;
        struct tap_text_list lines;
    } *settings = sink->settings;
    CU_ASSERT_STRING_EQUAL(settings->path, "a;b # c");
    CU_ASSERT_EQUAL_FATAL(settings->lines.count, 2);
    CU_ASSERT_STRING_EQUAL(settings->lines.items[0].text,
                           "f(\"x ; y\", ';') when X > 3 ; Y -> 'it ; s'");
    CU_ASSERT_STRING_EQUAL(
        settings->lines.items[1].text,
        "g(\n\n    #{a := 1},\n    [ ok ]) when X ; Y\n\n\n    ; Z\n\n    #r{a = 1} -> "
        "it's");
    CU_ASSERT(settings->lines.items[1].line == 16 && settings->lines.items[1].column == 8);
    CU_ASSERT_STRING_EQUAL(c->instances[2].section, "transport:dist"); /* the default */
    tap_config_free(c);
}

/* The effective text, defaults and all, is a configuration of its own that gives the same text. */
static void its_text_reads_back(void)
{
    static const char text[] =
        "[session]\nnodes = a@b, c@d\nduration = 90s\nplugin_path = /x:~/y\n"
        "[sink:own]\nplugin = plain\npath = x\nline = a\nline = b(\n   c)\nnames = u, v\n";
    const char *const sets[] = {"sink:own.size=2k", "session.max_rate=0"};
    struct tap_config *one = parse_with(text, sizeof text - 1, sets, 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(one);
    struct tap_config *two = parse_with(one->text, strlen(one->text), NULL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(two);
    CU_ASSERT_STRING_EQUAL(one->text, two->text);
    CU_ASSERT_PTR_NOT_NULL(strstr(one->text, "\nduration = 90s\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(one->text, "\nmax_rate = 0\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(one->text, "[sink:own]\nplugin = plain\npath = x\nline = a\nline = b(\n   c)\n"
                          "names = u, v\nsize = 2k\nwait = 1s\nmode = careful\nyes = false\n"
                          "queue = 16M\non_full = drop-newest\n"));
    tap_config_free(one);
    tap_config_free(two);
}

/* What --set can say and no file can is shown as a comment; lines of code are indented. */
static void its_text_cuts_nothing(void)
{
    const char *const sets[] = {"sink:plain.path=a ;b.csv", "sink:plain.line=f(X) when\nX ; Y",
                                "sink:plain.names=x,;y"};
    struct tap_config *c = parse_with(SESSION, strlen(SESSION), sets, 3);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    static const char comment[] = "\n; path = a ;b.csv (--set alone can say it: in a file ' ;' "
                                  "begins a comment)\n";
    CU_ASSERT_PTR_NOT_NULL(strstr(c->text, comment));
    char *text = strdup(c->text), *cut = strstr(text, comment) + 1;
    memcpy(cut, "path = other  ", 14);
    cut[14] = ';';
    tap_config_free(c);
    c = parse_with(text, strlen(text), NULL, 0);
    if (!c)
        printf("# %s# of\n%s", said, text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    const struct {
        const char *path;
        struct tap_text_list lines, names;
    } *settings = c->instances[0].settings;
    CU_ASSERT_STRING_EQUAL(settings->path, "other");
    CU_ASSERT(settings->names.count == 2 && !strcmp(settings->names.items[1].text, ";y"));
    CU_ASSERT_STRING_EQUAL(settings->lines.items[0].text, "f(X) when\n    X ; Y");
    tap_config_free(c);
    free(text);
}

/* A node's port is no part of its name; the text says it as it was written. */
static void nodes_with_ports(void)
{
    static const char text[] =
        "[session]\nnodes = shop@web1:14370, cart@[::1]:65535, a@::1, b@[fe80::1%eth0], c@web2\n"
        "port = 4711\ncookie_file = ~root/cookie\n[sink:plain]\npath = ~/x\n";
    static const struct {
        const char *name;
        unsigned port;
    } want[] = {{"shop@web1", 14370},
                {"cart@::1", 65535},
                {"a@::1", 0},
                {"b@fe80::1%eth0", 0},
                {"c@web2", 0}};
    struct tap_config *c = parse_with(text, sizeof text - 1, NULL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_EQUAL_FATAL(c->session.nodes.count, 5);
    for (size_t i = 0; i < 5; i++) {
        CU_ASSERT_STRING_EQUAL(c->session.node_names[i].text, want[i].name);
        CU_ASSERT_EQUAL(c->session.node_ports[i], want[i].port);
    }
    CU_ASSERT_EQUAL(c->session.port, 4711);
    CU_ASSERT_STRING_EQUAL(c->session.cookie_file, "/root/cookie");
    CU_ASSERT_PTR_NOT_NULL(strstr(
        c->text, "nodes = shop@web1:14370, cart@[::1]:65535, a@::1, b@[fe80::1%eth0], c@web2\n"));
    tap_config_free(c);
    static const char seed[] =
        "[session]\nnodes = all_nodes\nseed = s@[::1]:1\n[sink:plain]\npath = x\n";
    c = parse_with(seed, sizeof seed - 1, NULL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_STRING_EQUAL(c->session.seed_name, "s@::1");
    CU_ASSERT_EQUAL(c->session.seed_port, 1);
    CU_ASSERT_PTR_NULL(c->session.cookie_file);
    tap_config_free(c);
}

static void tells_one_mistake(void)
{
    says(GOOD, "");
    says("", "t.ini: [session] key 'nodes' is missing (the nodes to trace, as name@host)\n"
             "t.ini: there is no [sink:NAME] section: nothing would be written\n");
    says(SESSION, "t.ini: there is no [sink:NAME] section: nothing would be written\n");
    says(SESSION "[sink:plain]\npth = x\n",
         "t.ini:3: [sink:plain] key 'path' is missing (where)\n"
         "t.ini:4: [sink:plain] unknown key 'pth' (did you mean 'path'?)\n");
    says(SESSION "[sinc:plain]\npath = x\n",
         "t.ini:3: unknown section [sinc:plain] (did you mean [sink:plain]?)\n"
         "t.ini: there is no [sink:NAME] section: nothing would be written\n");
    says(GOOD "[sesion]\n", "t.ini:5: unknown section [sesion] (did you mean [session]?)\n");
    says(GOOD "[output]\nx = 1\n", "t.ini:5: unknown section [output] (there are [session], "
                                   "[transport:NAME], [filter:NAME], [sink:NAME])\n");
    says(GOOD "[filter:]\n",
         "t.ini:5: section [filter:] needs a name of letters, digits, _ and -: [filter:NAME]\n");
    says(
        GOOD "[filter:../a]\n",
        "t.ini:5: section [filter:../a] needs a name of letters, digits, _ and -: [filter:NAME]\n");
    says(SESSION "[sink:plian]\n",
         "t.ini:3: [sink:plian] there is no sink plugin 'plian' (did you mean 'plain'?)\n");
    says(SESSION "[sink:x]\nplugin = plian\n",
         "t.ini:4:10: [sink:x] there is no sink plugin 'plian' (did you mean 'plain'?)\n");
    says(GOOD SINK, "t.ini:5: [sink:plain] this section is given twice (first in line 3)\n");
    says(GOOD "path = b\n", "t.ini:5: [sink:plain] key 'path' is given twice (first in line 4)\n");
    says(SESSION "duration = soon\n" SINK,
         "t.ini:3:12: [session] invalid value 'soon' for 'duration': a duration is needed (a "
         "number with ns, us, ms, "
         "s, m or h, such as 30s)\n");
    says(SESSION "events = function_cal, send,\n  x\n" SINK,
         "t.ini:3:10: [session] unknown event 'function_cal' (did you mean 'function_call'?)\n"
         "t.ini:3:24: [session] unknown event 'send' (did you mean 'message_send'?)\n"
         "t.ini:4:3: [session] unknown event 'x' (`beamtap plugins session` names all)\n");
    says("[session]\nnodes = a, b@c, b@c, all_nodes\n" SINK,
         "t.ini:2:9: [session] 'a' is not a node name (such as shop@web1)\n"
         "t.ini:2:17: [session] node 'b@c' is given twice\n"
         "t.ini:2:22: [session] all_nodes stands alone: it means the cluster of `seed`\n");
    says(GOOD "filters = modulse\n[filter:modules]\nplugin = pass\n",
         "t.ini:5:11: [sink:plain] there is no section [filter:modulse] (did you mean "
         "'modules'?)\n");
    says(GOOD "[transport:dist]\n[transport:tcp]\nplugin = dist\n",
         "t.ini:6: [transport:tcp] is a second transport beside [transport:dist]: there can be "
         "one\n");
}

static void tells_mistakes_of_form(void)
{
    says("[session\nnodes = a@b\n" GOOD, "t.ini:1: a section's header needs a closing ']'\n");
    says("x = 1\n" GOOD, "t.ini:1: key 'x' stands before the first [section]\n");
    says(GOOD "what is this\n",
         "t.ini:5: 'what is this' is neither '[section]' nor 'key = value'\n");
    says(GOOD "= x\n", "t.ini:5: a key is missing before the '='\n");
    says("[session] x\nnodes = a@b\n" SINK,
         "t.ini:1: nothing may follow a section's header but a comment\n");
    says(GOOD "  size = 1k\n", "t.ini:5: [sink:plain] 'size' is indented, so it continues 'path': "
                               "begin it in the first column\n"
                               "t.ini:5:3: [sink:plain] an indented line continues 'path', which "
                               "takes one line: begin a new key in the first column\n");
    says(GOOD "line = f(size, path, line) when\n   size == 1,\n   path=:=x,\n\tline =< 2 ;\n"
              "   path =/= y and\n   line =~ z,\n   size => 3\nmode = fast\n",
         "");
    says(GOOD "line = f(size) when\n   size= 1\n   path=~/x\n   line=/x",
         "t.ini:6: [sink:plain] 'size' is indented, so it continues 'line': "
         "begin it in the first column\n"
         "t.ini:7: [sink:plain] 'path' is indented, so it continues 'line': "
         "begin it in the first column\n"
         "t.ini:8: [sink:plain] 'line' is indented, so it continues 'line': "
         "begin it in the first column\n");
    says(GOOD "line = \xff\n", "t.ini:5: this line is not UTF-8\n");
    static const char nul[] = GOOD "line = a\0b\n";
    tap_config_free(parse_with(nul, sizeof nul - 1, NULL, 0));
    CU_ASSERT_STRING_EQUAL(said, "t.ini:5: there is a NUL byte in this line\n");
}

/* What is cut as a comment and does not look like one, and blanks and quotes that are none. */
static void tells_what_was_not_meant(void)
{
#define MORE(what, key) "';' begins a comment here, but '" what "' looks like more of '" key "'"
#define LINE "; a comment can have a line of its own\n"
#define ITEMS " (items are separated by ',')" LINE
    says("[session]\nnodes = a@b ; c@d\n" SINK, "t.ini:2: [session] " MORE("c@d", "nodes") ITEMS);
    says("[session]\nnodes = a@b, ; the first\n   c@d ;  e@f, g@h\n" SINK,
         "t.ini:3: [session] " MORE("e@f, g@h", "nodes") ITEMS);
    says(SESSION "events = function_call ; message_send\n" SINK,
         "t.ini:3: [session] " MORE("message_send", "events") ITEMS);
    says(SESSION "[sink:plain]\npath = a ; b.csv\n",
         "t.ini:4: [sink:plain] " MORE("b.csv", "path") LINE);
    says(GOOD "names = m:f(X) when X > 3 ; X < 0\n",
         "t.ini:5: [sink:plain] " MORE("X < 0", "names") ITEMS);
    says(GOOD "names = m ; m:f(X) -> return\n",
         "t.ini:5: [sink:plain] " MORE("m:f(X) -> return", "names") ITEMS);
    says(GOOD "names = cart ; till\n", "t.ini:5: [sink:plain] " MORE("till", "names") ITEMS);
    says(GOOD "names = cart,\n   till ;\n   door ; Shop, \xc3\xa9 ; 7\n",
         "t.ini:7: [sink:plain] " MORE("Shop, \xc3\xa9 ; 7", "names") ITEMS);
    says("[session] ; of @all\nnodes = a@b ; production shop\n; c@d\nevents = function_call ; e.g. "
         "calls\n"
         "duration = 10s ; 10.5s\n"
         "[sink:plain]\npath = a ; the file, b.csv: not used.\nnames = u ; this one.\n   ; v_w\n"
         "   x ; and (so_on) -- see shop@web1\n   y, ; all!\n   z ; --\n",
         "");
    says(SESSION "[sink:plain]\npath = \"out.csv\"\n",
         "t.ini:4:8: [sink:plain] 'path' is written without quotes: out.csv\n");
    says(SESSION "[sink:plain]\npath = 'out ; x.csv'\n",
         "t.ini:4:8: [sink:plain] 'path' is written without quotes: out ; x.csv\n");
    says(SESSION "[sink:plain]\npath = \"out.csv\n",
         "t.ini:4:8: [sink:plain] 'path' is written without quotes: out.csv\n");
}

static void tells_odd_characters(void)
{
    static const char utf16[] = "\xFF\xFE[\0s\0]\0\n\0", bare[] = "[\0s\0]\0\n\0",
                      big[] = "\0[\0s\0]";
    tap_config_free(parse_with(utf16, sizeof utf16 - 1, NULL, 0));
    CU_ASSERT_STRING_EQUAL(said, "t.ini: this file is UTF-16: save it as UTF-8\n");
    tap_config_free(parse_with(bare, sizeof bare - 1, NULL, 0));
    CU_ASSERT_STRING_EQUAL(said, "t.ini: this file is UTF-16: save it as UTF-8\n");
    tap_config_free(parse_with(big, sizeof big - 1, NULL, 0));
    CU_ASSERT_STRING_EQUAL(said, "t.ini: this file is UTF-16: save it as UTF-8\n");
    says("; mine\r[session]\rnodes = a@b\r[sink:plain]\rpath = x\r",
         "t.ini: the lines of this file end with CR alone: save it with LF, or with CR and LF\n");
    says(GOOD "; a comment\rsize = 1k\n", "t.ini:5: there is a CR inside this line: lines end with "
                                          "LF, or with CR and LF\n");
    says(GOOD "size =\xC2\xA0"
              "1k\n",
         "t.ini:5:7: this is a no-break space: write an ordinary blank\n");
    says(GOOD "\xE2\x80\x8Bsize = 1k\n",
         "t.ini:5:1: this is a character without width: write an ordinary blank\n");
    says(GOOD "line = f(X)\xE3\x80\x80when X > 1\n",
         "t.ini:5:12: this is a blank of another kind: write an ordinary blank\n");
    says(GOOD ";\xC2\xA0"
              "comment\nsize = 1k ; a\xC2\xA0"
              "b\nline = \"a\xC2\xA0"
              "b\"\r\n",
         "");
}

/* Longer than inih's 200 bytes, up to our own limit; one byte more is refused. */
static void takes_long_lines(void)
{
    static char text[TAP_INI_LINE_MAX + 200];
    for (int more = 0; more < 2; more++) {
        size_t line = TAP_INI_LINE_MAX + (size_t)more, head = strlen(GOOD "line = ");
        strcpy(text, GOOD "line = ");
        memset(text + head, 'x', line - 7);
        strcpy(text + head + line - 7, "\nsize = 3k\n");
        struct tap_config *c = parse_with(text, strlen(text), NULL, 0);
        if (more) {
            CU_ASSERT_STRING_EQUAL(said,
                                   "t.ini:5: this line is too long (65536 bytes; at most 65535)\n");
            continue;
        }
        CU_ASSERT_PTR_NOT_NULL_FATAL(c);
        const struct {
            const char *path;
            struct tap_text_list lines, names;
            int64_t size;
        } *settings = c->instances[0].settings;
        CU_ASSERT_EQUAL(strlen(settings->lines.items[0].text), line - 7);
        CU_ASSERT_EQUAL(settings->size, 3072);
        tap_config_free(c);
    }
}

static void set_replaces_and_adds(void)
{
    const char *const sets[] = {"session.duration=1s", "session.duration=2s",
                                "session.nodes=x@y.z", "sink:plain.line=a = b",
                                "sink:plain.line=c",   "sink:new.plugin=plain",
                                "sink:new.path=n"};
    static const char text[] = GOOD "line = one\nline = two\n";
    struct tap_config *c = parse_with(text, sizeof text - 1, sets, 7);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_EQUAL(c->session.duration, 2000000000);
    CU_ASSERT_STRING_EQUAL(c->session.nodes.items[0].text, "x@y.z");
    const struct {
        const char *path;
        struct tap_text_list lines;
    } *settings = c->instances[0].settings;
    CU_ASSERT_EQUAL_FATAL(settings->lines.count, 2);
    CU_ASSERT_STRING_EQUAL(settings->lines.items[0].text, "a = b");
    CU_ASSERT_STRING_EQUAL(settings->lines.items[1].text, "c");
    CU_ASSERT_STRING_EQUAL(c->instances[1].section, "sink:new");
    tap_config_free(c);
    CU_ASSERT_STRING_EQUAL(
        mistakes_set(GOOD, "sink:plain.pth=x"),
        "--set sink:plain.pth: [sink:plain] unknown key 'pth' (did you mean 'path'?)\n");
    CU_ASSERT_STRING_EQUAL(
        mistakes_set(GOOD, "session.overload=x"),
        "--set session.overload: [session] invalid value 'x' for 'overload' (there "
        "are: pause, drop, stop)\n");
    CU_ASSERT_STRING_EQUAL(
        mistakes_set(GOOD, "sinc:x.path=1"),
        "--set sinc:x.path: unknown section [sinc:x] (did you mean [sink:x]?)\n");
    static const char *const malformed[] = {"nonsense",   "session=1", ".x=1",
                                            "session.=1", "a=b.c",     ""};
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(mistakes_set(GOOD, malformed[i]),
                                      "must be SECTION.KEY=VALUE, such as session."));
}

static void load_says(const char *path, const char *words)
{
    struct tap_config *config = (struct tap_config *)1;
    struct tap_error *err = tap_error_new();
    CU_ASSERT_EQUAL(tap_config_load(path, "transport:dist", NULL, 0, &config, err), TAP_INVALID);
    CU_ASSERT_PTR_NULL(config);
    CU_ASSERT_EQUAL_FATAL(tap_error_count(err), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(tap_error_get(err, 0)->message, words));
    CU_ASSERT_PTR_NOT_NULL(strstr(tap_error_get(err, 0)->message, path));
    tap_error_free(err);
}

static void loads_files(void)
{
    mistakes(GOOD); /* makes the plugins */
    load_says("missing.ini", "No such file or directory");
    load_says(files_here(), "Is a directory");
    load_says("/dev/zero", "File too large");
    files_write("good.ini", GOOD);
    struct tap_error *err = tap_error_new();
    struct tap_config *c = NULL;
    CU_ASSERT_EQUAL(tap_config_load(files_path("good.ini"), "transport:dist", NULL, 0, &c, err),
                    TAP_OK);
    CU_ASSERT_STRING_EQUAL(c->path, files_path("good.ini"));
    tap_config_free(c);
    tap_error_free(err);
}

/* Any bytes: no crash, and either a configuration or a reason. Mutates texts that come near to
 * everything. */
static void survives_any_bytes(void)
{
    static const char seed[] =
        GOOD "line = f(\"x ; y\", ';') -> 'a\n   b ; c\n   #{x := 1}\nsize = 12k\nmode = fast\n"
             "[filter:pass]\n[transport:dist]\nfilters = pass, x\n; c\n# d\nqueue: 64k\n";
    static const char alphabet[] = "[]=:;#'\"\\ \t\r\n,.@<>{}\0\xff\xC3\xA9\xEF\xBB\xBF"
                                   "0kMs~-";
    srand(11);
    for (int round = 0; round < 4000; round++) {
        char text[2 * sizeof seed];
        size_t len = sizeof seed - 1;
        memcpy(text, seed, len);
        for (int n = rand() % 8; n >= 0; n--) {
            size_t at = (size_t)rand() % len, from = (size_t)rand() % len, size;
            switch (rand() % 4) {
            case 0: text[at] = alphabet[(size_t)rand() % sizeof alphabet]; break;
            case 1: text[at] = (char)rand(); break;
            case 2: len -= len > 20 ? (size_t)rand() % 20 : 0; break;
            case 3:
                size = (size_t)rand() % 40;
                if (from + size < len && at + size < len)
                    memmove(text + at, text + from, size);
                break;
            }
        }
        struct tap_config *c = parse_with(text, len, NULL, 0);
        if (c && c->text) {
            struct tap_config *again = parse_with(c->text, strlen(c->text), NULL, 0);
            if (!again)
                printf("# its own text is refused: %s\n%s", said, c->text);
            CU_ASSERT_PTR_NOT_NULL(again);
            tap_config_free(again);
        }
        tap_config_free(c);
    }
}

static void names_every_event_in_its_manual(void)
{
    const char *help = NULL, *name;
    for (size_t i = 0; i < tap_session_option_count; i++)
        if (strcmp(tap_session_options[i].name, "events") == 0)
            help = tap_session_options[i].help;
    CU_ASSERT_PTR_NOT_NULL_FATAL(help);
    for (unsigned kind = 0; (name = tap_event_name(kind)); kind++)
        CU_ASSERT_PTR_NOT_NULL(strstr(help, name));
}

UNIT_TESTS("config", UNIT_TEST(reads_a_whole_file), UNIT_TEST(its_text_reads_back),
           UNIT_TEST(its_text_cuts_nothing), UNIT_TEST(nodes_with_ports),
           UNIT_TEST(tells_one_mistake), UNIT_TEST(tells_mistakes_of_form),
           UNIT_TEST(tells_what_was_not_meant), UNIT_TEST(tells_odd_characters),
           UNIT_TEST(takes_long_lines), UNIT_TEST(set_replaces_and_adds), UNIT_TEST(loads_files),
           UNIT_TEST(survives_any_bytes), UNIT_TEST(names_every_event_in_its_manual))
