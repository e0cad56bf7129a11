/* test_error.c: causes keep their order, their place and their form, from any number of threads. */
#include "base/error.h"
#include "unit.h"

#include <pthread.h>

static enum tap_status at(struct tap_error *err, const char *section, const struct tap_text *where,
                          size_t offset, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum tap_status status = tap_error_vadd_at(err, section, where, offset, format, args);
    va_end(args);
    return status;
}

static const char *message(const struct tap_error *err, size_t i)
{
    const struct tap_cause *c = tap_error_get(err, i);
    return c ? c->message : "(none)";
}

static void keeps_causes(void)
{
    struct tap_error *err = tap_error_new();
    CU_ASSERT_EQUAL(tap_error_status(err), TAP_OK);
    CU_ASSERT_EQUAL(TAP_ERR(err, TAP_ERROR, "sink:csv", "write %d", 7), TAP_ERROR);
    const struct tap_cause *first = tap_error_get(err, 0);
    CU_ASSERT_EQUAL(tap_error_status(err), TAP_ERROR);
    for (int i = 0; i < 1000; i++)
        TAP_ERR(err, TAP_INVALID, NULL, "cause %d", i);
    CU_ASSERT_EQUAL(tap_error_status(err), TAP_INVALID);
    CU_ASSERT_EQUAL(tap_error_count(err), 1001);
    CU_ASSERT_PTR_EQUAL(tap_error_get(err, 0), first); /* it has not moved */
    CU_ASSERT_STRING_EQUAL(first->message, "write 7");
    CU_ASSERT_STRING_EQUAL(first->actor, "sink:csv");
    CU_ASSERT_PTR_NOT_NULL(strstr(first->source, "test_error.c"));
    CU_ASSERT_STRING_EQUAL(message(err, 1000), "cause 999");
    CU_ASSERT_PTR_NULL(tap_error_get(err, 1001));
    tap_error_free(err);
}

static void tells_places(void)
{
    struct tap_error *err = tap_error_new();
    struct tap_text where = {"a\xC3\xA4z\n    f(X)", "trace.ini", 7, 9};
    CU_ASSERT_EQUAL(at(err, "sink:csv", &where, 0, "x"), TAP_INVALID);
    at(err, "sink:csv", &where, 3, "x");  /* behind two characters of three bytes */
    at(err, "sink:csv", &where, 9, "x");  /* in the second line */
    at(err, "sink:csv", &where, 99, "x"); /* behind the end: the last place there is */
    where.column = 0;
    at(err, NULL, &where, 0, "x");
    where.line = 0;
    at(err, "session", &where, 0, "x");
    at(err, "session", &where, 4, "x");
    at(err, "session", NULL, 0, "x");
    CU_ASSERT_STRING_EQUAL(message(err, 0), "trace.ini:7:9: [sink:csv] x");
    CU_ASSERT_STRING_EQUAL(message(err, 1), "trace.ini:7:11: [sink:csv] x");
    CU_ASSERT_STRING_EQUAL(message(err, 2), "trace.ini:8:5: [sink:csv] x");
    CU_ASSERT_STRING_EQUAL(message(err, 3), "trace.ini:8:9: [sink:csv] x");
    CU_ASSERT_STRING_EQUAL(message(err, 4), "trace.ini:7: x");
    CU_ASSERT_STRING_EQUAL(message(err, 5), "trace.ini: [session] x");
    CU_ASSERT_STRING_EQUAL(message(err, 6), "trace.ini (character 5): [session] x");
    CU_ASSERT_STRING_EQUAL(message(err, 7), "[session] x");
    tap_error_free(err);
}

static void prints_one_line_a_cause(void)
{
    struct tap_error *err = tap_error_new();
    struct tap_text where = {"v", "trace.ini", 7, 0};
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    unsetenv("BEAMTAP_DEBUG");
    TAP_ERR(err, TAP_ERROR, "sink:csv", "two\nlines \033[31m");
    TAP_ERR(err, TAP_ERROR, "core", "plain");
    at(err, "session", &where, 0, "wrong");
    at(err, "session", NULL, 0, "wrong");
    tap_error_print(err, out);
    fclose(out);
    CU_ASSERT_STRING_EQUAL(text, "beamtap: [sink:csv] two lines ?[31m\nbeamtap: plain\n"
                                 "trace.ini:7: [session] wrong\nbeamtap: [session] wrong\n");
    free(text);
    tap_error_free(err);
}

static void *add_many(void *err)
{
    for (int i = 0; i < 2000; i++) {
        TAP_ERR(err, TAP_ERROR, "t", "%d", i);
        if (!tap_error_get(err, tap_error_count(err) - 1))
            abort();
    }
    return NULL;
}

static void takes_causes_from_threads(void)
{
    struct tap_error *err = tap_error_new();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, add_many, err), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(tap_error_count(err), 8000);
    tap_error_free(err);
}

/* Whatever is quoted, it moves no terminal and is UTF-8. */
static void quotes_safely(void)
{
    static const char *const texts[][2] = {{"a\nb\tc\rd", "a b c d"},
                                           {"\x1b[2J\x7f", "?[2J?"},
                                           {"caf\xc3\xa9 \xe2\x82\xac", "caf\xc3\xa9 \xe2\x82\xac"},
                                           {"\xc2\x9b", "??"},
                                           {"\xecx\xe2\x82", "?x??"},
                                           {"", ""}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct tap_error *err = tap_error_new();
        TAP_ERR(err, TAP_ERROR, "core", "%s", texts[i][0]);
        CU_ASSERT_STRING_EQUAL(message(err, 0), texts[i][1]);
        tap_error_free(err);
    }
}

UNIT_TESTS("error", UNIT_TEST(quotes_safely), UNIT_TEST(keeps_causes), UNIT_TEST(tells_places),
           UNIT_TEST(prints_one_line_a_cause), UNIT_TEST(takes_causes_from_threads))
