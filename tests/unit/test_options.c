/* test_options.c: values from text and back, and what is said of wrong ones. */
#include "config/option_value.h"
#include "syntax/suggest.h"
#include "comma_locale.h"
#include "unit.h"

struct settings {
    const char *text, *path;
    bool yes;
    int64_t number, size, bytes, wait;
    int mode;
    struct tap_text_list list, lines;
};
static const char *const modes[] = {"pause", "drop", "stop", NULL};
#define AT(f) .offset = offsetof(struct settings, f)
static const struct tap_option options[] = {
    {.name = "text", .type = TAP_OPT_STRING, AT(text)},
    {.name = "path", .type = TAP_OPT_PATH, .flags = TAP_OPT_REQUIRED, .help = "where", AT(path)},
    {.name = "yes", .type = TAP_OPT_BOOL, .def = "true", AT(yes)},
    {.name = "number", .type = TAP_OPT_INT, .def = "-3", .min = -5, .max = 5, AT(number)},
    {.name = "size", .type = TAP_OPT_SIZE, .def = "64k", .min = 1, .max = 1000000000, AT(size)},
    {.name = "bytes", .type = TAP_OPT_SIZE, .def = "64k", .flags = TAP_OPT_BYTES, AT(bytes)},
    {.name = "wait", .type = TAP_OPT_DURATION, .def = "30s", AT(wait)},
    {.name = "mode", .type = TAP_OPT_CHOICE, .def = "pause", .choices = modes, AT(mode)},
    {.name = "list", .type = TAP_OPT_LIST, AT(list)},
    {.name = "lines", .type = TAP_OPT_LINES, AT(lines)},
};
#define COUNT (sizeof options / sizeof options[0])

/* Fills from "key=value" strings, each in a line of its own with the value in column 5; the causes
 * as one text. */
static char said[4096];
static enum tap_status fill(struct settings *s, struct tap_mempool *pool, size_t n,
                            const char *const *given)
{
    struct tap_setting settings[16];
    bool used[16] = {false};
    struct tap_text where = {"", "t.ini", 1, 0};
    struct tap_error *err = tap_error_new();
    for (size_t i = 0; i < n; i++) {
        const char *equals = strchr(given[i], '=');
        char *key = tap_mempool_strdup(pool, given[i], (size_t)(equals - given[i]));
        settings[i] = (struct tap_setting){.key = key,
                                           .key_where = {key, "t.ini", (int)i + 2, 0},
                                           .value = {equals + 1, "t.ini", (int)i + 2, 5}};
    }
    memset(s, 0, sizeof *s);
    enum tap_status status =
        tap_options_fill(options, COUNT, settings, n, used, s, pool, "sink:t", &where, err);
    const struct tap_option *tables[] = {options};
    size_t counts[] = {COUNT};
    enum tap_status unknown =
        tap_options_unknown(tables, counts, 1, settings, n, used, "sink:t", err);
    size_t len = 0;
    said[0] = '\0';
    for (size_t i = 0; i < tap_error_count(err); i++)
        len +=
            (size_t)snprintf(said + len, sizeof said - len, "%s\n", tap_error_get(err, i)->message);
    tap_error_free(err);
    return unknown > status ? unknown : status;
}
#define FILL(s, pool, ...)                                                \
    fill(s, pool, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), \
         (const char *[]){__VA_ARGS__})

static void reads_sizes_and_durations(void)
{
    static const struct {
        const char *text;
        int64_t count, bytes, ns; /* -1: no such thing */
    } cases[] = {
        {"0", 0, 0, 0},
        {"7", 7, 7, -1},
        {"64k", 64000, 65536, -1},
        {"1.5M", 1500000, 1572864, -1},
        {"1.0005k", -1, -1, -1},
        {"2 G", 2000000000, 2147483648, -1},
        {"30s", -1, -1, 30000000000},
        {"0.25s", -1, -1, 250000000},
        {"3m", -1, -1, 180000000000},
        {"1h", -1, -1, 3600000000000},
        {"5ms", -1, -1, 5000000},
        {"5us", -1, -1, 5000},
        {"5ns", -1, -1, 5},
        {"0.5ns", -1, -1, -1},
        {"9223372036854775807", INT64_MAX, INT64_MAX, -1},
        {"9223372036854775808", -1, -1, -1},
        {"99999999999999999999999999999999999999999999999", -1, -1, -1},
        {"9223372036854775807G", -1, -1, -1},
        {"9223372036855s", -1, -1, -1},
        {"", -1, -1, -1},
        {"-1", -1, -1, -1},
        {"k", -1, -1, -1},
        {"1.k", -1, -1, -1},
        {".5k", -1, -1, -1},
        {"1..5k", -1, -1, -1},
        {"1kk", -1, -1, -1},
        {"1 k k", -1, -1, -1},
        {"soon", -1, -1, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t count = -1, bytes = -1, ns = -1;
        tap_parse_size(cases[i].text, false, &count);
        tap_parse_size(cases[i].text, true, &bytes);
        tap_parse_duration(cases[i].text, &ns);
        if (count != cases[i].count || bytes != cases[i].bytes || ns != cases[i].ns)
            printf("# '%s'\n", cases[i].text);
        CU_ASSERT_EQUAL(count, cases[i].count);
        CU_ASSERT_EQUAL(bytes, cases[i].bytes);
        CU_ASSERT_EQUAL(ns, cases[i].ns);
    }
    int64_t n;
    CU_ASSERT_TRUE(tap_parse_int("-9223372036854775808", &n) && n == INT64_MIN);
    CU_ASSERT_FALSE(tap_parse_int("-9223372036854775809", &n));
    CU_ASSERT_FALSE(tap_parse_int("-", &n));
    CU_ASSERT_FALSE(tap_parse_int("1x", &n));
}

/* Whatever number is printed reads back as itself. */
static void prints_what_it_reads(void)
{
    const struct tap_option kinds[] = {{.type = TAP_OPT_SIZE},
                                       {.type = TAP_OPT_SIZE, .flags = TAP_OPT_BYTES},
                                       {.type = TAP_OPT_DURATION}};
    srand(7);
    for (int i = 0; i < 30000; i++) {
        int64_t value = (int64_t)((uint64_t)rand() << 32 ^ (uint64_t)rand()) >> (rand() % 63),
                back = -1;
        static const int64_t factors[] = {1, 1000, 1024, 1000000, 1 << 20};
        if (value < INT64_MAX / (1 << 20))
            value *= factors[rand() % 5];
        const struct tap_option *o = &kinds[i % 3];
        char text[64];
        tap_option_number_print(o, value, text, sizeof text);
        bool ok = o->type == TAP_OPT_DURATION
                      ? tap_parse_duration(text, &back)
                      : tap_parse_size(text, o->flags & TAP_OPT_BYTES, &back);
        if (!ok || back != value) {
            CU_FAIL("a printed number reads back");
            printf("# %s\n", text);
            return;
        }
    }
    CU_PASS("all");
}

static void fills_defaults_and_values(void)
{
    struct tap_mempool *pool = tap_mempool_new();
    struct settings s;
    setenv("HOME", "/home/x", 1);
    CU_ASSERT_EQUAL(FILL(&s, pool, "path=~/a"), TAP_OK);
    CU_ASSERT_STRING_EQUAL(s.path, "/home/x/a");
    CU_ASSERT_PTR_NULL(s.text);
    CU_ASSERT(s.yes && s.number == -3 && s.size == 64000 && s.bytes == 65536 &&
              s.wait == 30000000000 && s.mode == 0);
    CU_ASSERT(s.list.count == 0 && s.lines.count == 0);
    CU_ASSERT_EQUAL(FILL(&s, pool, "path=~x", "text=", "yes=Off", "number=5", "wait=0", "mode=stop",
                         "lines= a b ", "lines=c", "list=a, b\n   c,\n\n d "),
                    TAP_OK);
    CU_ASSERT_STRING_EQUAL(s.path, "~x"); /* only ~ and ~/ are the home folder */
    CU_ASSERT_STRING_EQUAL(s.text, "");
    CU_ASSERT(!s.yes && s.number == 5 && s.wait == 0 && s.mode == 2);
    CU_ASSERT_EQUAL(s.lines.count, 2);
    CU_ASSERT_STRING_EQUAL(s.lines.items[0].text, "a b");
    CU_ASSERT_EQUAL(s.lines.items[0].column, 6);
    CU_ASSERT_EQUAL(s.lines.items[1].line, 9);
    CU_ASSERT_EQUAL(s.list.count, 4);
    CU_ASSERT(s.list.items[1].line == 10 && s.list.items[1].column == 8);
    CU_ASSERT(s.list.items[2].line == 11 && s.list.items[2].column == 4);
    CU_ASSERT_STRING_EQUAL(s.list.items[3].text, "d");
    CU_ASSERT(s.list.items[3].line == 13 && s.list.items[3].column == 2);
    tap_mempool_free(pool);
}

static void tells_every_mistake(void)
{
    struct tap_mempool *pool = tap_mempool_new();
    struct settings s;
    CU_ASSERT_EQUAL(FILL(&s, pool, "yes=maybe", "number=6", "number=7", "size=0", "bytes=12q",
                         "wait=soon", "mode=pase", "list= , ", "pth=x", "lines="),
                    TAP_INVALID);
    CU_ASSERT_STRING_EQUAL(
        said,
        "t.ini:1: [sink:t] key 'path' is missing (where)\n"
        "t.ini:2:5: [sink:t] invalid value 'maybe' for 'yes' (there are: true, false, yes, no, "
        "on, off)\n"
        "t.ini:4: [sink:t] key 'number' is given twice (first in line 3)\n"
        "t.ini:5:5: [sink:t] 0 is too small for 'size' (at least 1)\n"
        "t.ini:6:5: [sink:t] invalid value '12q' for 'bytes': a size is a number with k, M or G, "
        "such as 64k\n"
        "t.ini:7:5: [sink:t] invalid value 'soon' for 'wait': a duration is needed (a number with "
        "ns, us, ms, "
        "s, m or h, such as 30s)\n"
        "t.ini:8:5: [sink:t] invalid value 'pase' for 'mode' (did you mean 'pause'?)\n"
        "t.ini:9:5: [sink:t] key 'list' has no value\n"
        "t.ini:11: [sink:t] key 'lines' has no value\n"
        "t.ini:10: [sink:t] unknown key 'pth' (did you mean 'path'?)\n");
    CU_ASSERT_EQUAL(FILL(&s, pool, "path=", "size=2G", "text=a\n  b = c"), TAP_INVALID);
    CU_ASSERT_STRING_EQUAL(said, "t.ini:5:3: [sink:t] an indented line continues 'text', which "
                                 "takes one line: begin a new key in the first column\n"
                                 "t.ini:2: [sink:t] key 'path' has no value\n"
                                 "t.ini:3:5: [sink:t] 2G is too large for 'size' (at most 1G)\n");
    tap_mempool_free(pool);
}

/* What is quoted as a whole is refused; a part in quotes is the command's business, but no file's
 * name. */
static void quotes_are_part_of_a_value(void)
{
    static const struct {
        const char *key, *value, *says; /* NULL: it is taken */
    } cases[] = {{"text", "'/opt/my tools/jq' -c .", NULL},
                 {"text", "\"a b\" \"c\"", NULL},
                 {"text", "sh -c 'x'", NULL},
                 {"text", "''x", NULL},
                 {"text", "'jq -c .'", "'text' is written without quotes: jq -c ."},
                 {"text", "\"jq", "'text' is written without quotes: jq"},
                 {"text", "''", "'text' is written without quotes: "},
                 {"text", "'", "'text' is written without quotes: "},
                 {"path", "'my dir'/x.csv", "'path' is written without quotes"},
                 {"path", "\"x.csv\"", "'path' is written without quotes: x.csv"},
                 {"path", "it's", NULL}};
    struct tap_mempool *pool = tap_mempool_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings s;
        char given[64], expected[128];
        bool path = strcmp(cases[i].key, "path") == 0;
        snprintf(given, sizeof given, "%s=%s", cases[i].key, cases[i].value);
        snprintf(expected, sizeof expected, "t.ini:2:5: [sink:t] %s\n", cases[i].says);
        enum tap_status got = path ? FILL(&s, pool, given) : FILL(&s, pool, given, "path=x");
        CU_ASSERT_EQUAL(got, cases[i].says ? TAP_INVALID : TAP_OK);
        CU_ASSERT_STRING_EQUAL(said, cases[i].says ? expected : "");
        if (!cases[i].says)
            CU_ASSERT_STRING_EQUAL(path ? s.path : s.text, cases[i].value);
    }
    tap_mempool_free(pool);
}

static void suggests_only_what_is_near(void)
{
    static const char *const words[] = {"function_call", "function_return", "message_send", "path",
                                        "csv",           "stdout"};
#define NEAR(w) (tap_suggest(w, words, 6) ? tap_suggest(w, words, 6) : "-")
    CU_ASSERT_STRING_EQUAL(NEAR("pth"), "path");
    CU_ASSERT_STRING_EQUAL(NEAR("apth"), "path");
    CU_ASSERT_STRING_EQUAL(NEAR("PATH"), "path");
    CU_ASSERT_STRING_EQUAL(NEAR("csw"), "csv");
    CU_ASSERT_STRING_EQUAL(NEAR("send"), "message_send");
    CU_ASSERT_STRING_EQUAL(NEAR("function_cal"), "function_call");
    CU_ASSERT_STRING_EQUAL(NEAR("function"), "-"); /* two have it */
    CU_ASSERT_STRING_EQUAL(NEAR("x"), "-");
    CU_ASSERT_STRING_EQUAL(NEAR(""), "-");
    CU_ASSERT_STRING_EQUAL(NEAR("chrome"), "-");
    char longer[300];
    memset(longer, 'p', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    CU_ASSERT_STRING_EQUAL(NEAR(longer), "-");
}

/* In a Turkish program, I is not the capital of i. */
static void asks_no_locale(void)
{
    static const char *const words[] = {"gc_minor_start", "pid", "x"};
    bool yes = true;
    int64_t ns = 0;
    comma_locale();
    CU_ASSERT_PTR_EQUAL(tap_suggest("MINOR", words, 3), words[0]);
    CU_ASSERT_PTR_NOT_NULL(tap_suggest("IIIIIIIII", (const char *const[]){"iiiiabiii"}, 1));
    CU_ASSERT(tap_parse_bool("FALSE", &yes) && !yes);
    CU_ASSERT(tap_parse_duration("1.5s", &ns) && ns == 1500000000);
}

static void describes_options(void)
{
    static const char *const expected[] = {"text",
                                           "path, required",
                                           "true or false, default true",
                                           "number, default -3, -5..5",
                                           "size, default 64k, 1..1G",
                                           "size in bytes, default 64k",
                                           "duration, default 30s",
                                           "pause | drop | stop, default pause",
                                           "list",
                                           "text, the key may repeat"};
    char text[128], small[6];
    for (size_t i = 0; i < COUNT; i++) {
        CU_ASSERT_EQUAL(tap_option_describe(&options[i], text, sizeof text), strlen(expected[i]));
        CU_ASSERT_STRING_EQUAL(text, expected[i]);
    }
    CU_ASSERT_EQUAL(tap_option_describe(&options[1], small, sizeof small), strlen(expected[1]));
    CU_ASSERT_STRING_EQUAL(small, "path,");
}

UNIT_TESTS("options", UNIT_TEST(reads_sizes_and_durations), UNIT_TEST(prints_what_it_reads),
           UNIT_TEST(fills_defaults_and_values), UNIT_TEST(tells_every_mistake),
           UNIT_TEST(quotes_are_part_of_a_value), UNIT_TEST(suggests_only_what_is_near),
           UNIT_TEST(asks_no_locale), UNIT_TEST(describes_options))
