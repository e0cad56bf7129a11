/* test_sink_args.c: --sink NAME:KEY=VALUE,... means the same to every command. */
#include "cli/sets.c"
#include "cli/sink_args.c"

#include "unit.h"

/* The settings of some --sinks, a line each; "wrong" when one is none. */
static const char *sets_of(const char *const *texts, size_t n)
{
    static char all[1024];
    struct tap_cli_sets sinks = {NULL, 0};
    bool good = true;
    *all = '\0';
    for (size_t i = 0; i < n && good; i++)
        good = tap_cli_sink("test", texts[i], &sinks);
    for (size_t i = 0; i < sinks.set_count; i++)
        strcat(strcat(all, sinks.sets[i]), "\n");
    tap_cli_sets_free(&sinks);
    return good ? all : "wrong";
}
#define SETS(...) \
    sets_of((const char *[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

static void a_comma_ends_a_value_where_a_key_follows(void)
{
    CU_ASSERT_STRING_EQUAL(SETS("csv"), "sink:csv.plugin=csv\n");
    CU_ASSERT_STRING_EQUAL(SETS("csv:"), "sink:csv.plugin=csv\n");
    CU_ASSERT_STRING_EQUAL(SETS("csv:path=a.csv"), "sink:csv.plugin=csv\nsink:csv.path=a.csv\n");
    CU_ASSERT_STRING_EQUAL(SETS("csv:path=a,b.csv,columns=ts,pid,max_message=1k"),
                           "sink:csv.plugin=csv\nsink:csv.path=a,b.csv\nsink:csv.columns=ts,pid\n"
                           "sink:csv.max_message=1k\n");
    CU_ASSERT_STRING_EQUAL(SETS("csv:path=a,,b=c,,,,d,,columns=ts"),
                           "sink:csv.plugin=csv\nsink:csv.path=a,b=c,,d,columns=ts\n");
    CU_ASSERT_STRING_EQUAL(SETS("csv:path=a,1=b,=c,"),
                           "sink:csv.plugin=csv\nsink:csv.path=a,1=b,=c,\n");
    CU_ASSERT_STRING_EQUAL(SETS("csv:path=,columns="),
                           "sink:csv.plugin=csv\nsink:csv.path=\nsink:csv.columns=\n");
    CU_ASSERT_STRING_EQUAL(SETS("csv:path=a=b.c:d"),
                           "sink:csv.plugin=csv\nsink:csv.path=a=b.c:d\n");
}

static void each_is_a_section_of_its_own(void)
{
    CU_ASSERT_STRING_EQUAL(SETS("csv:path=a", "stdout", "csv:path=b", "csv"),
                           "sink:csv.plugin=csv\nsink:csv.path=a\nsink:stdout.plugin=stdout\n"
                           "sink:csv_2.plugin=csv\nsink:csv_2.path=b\nsink:csv_3.plugin=csv\n");
}

static void what_is_none_is_refused(void)
{
    static const char *const wrong[] = {"",       ":path=a",    "a b",        "csv:path",
                                        "csv:=a", "csv,path=a", "csv:,path=a"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CU_ASSERT_STRING_EQUAL(SETS(wrong[i]), "wrong");
    char longer[100];
    memset(longer, 'x', 99);
    longer[99] = '\0';
    CU_ASSERT_STRING_EQUAL(SETS(longer), "wrong");
}

UNIT_TESTS("sink_args", UNIT_TEST(a_comma_ends_a_value_where_a_key_follows),
           UNIT_TEST(each_is_a_section_of_its_own), UNIT_TEST(what_is_none_is_refused))
