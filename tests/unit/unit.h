/* unit.h: CUnit tests, each in a process of its own.
 *
 * A test file has functions of no arguments that use CU_ASSERT..., a table UNIT_TESTS(...) of them,
 * and nothing else. Each runs in a forked child with a time limit, so a crash or a hang is one
 * failed test and the rest go on. One line a test: "ok NAME" or "not ok NAME ...". An argument runs
 * only the tests whose name contains it.
 */
#ifndef TAP_UNIT_H
#define TAP_UNIT_H

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* CPU time of this process: what else the machine does is not in it. */
static inline double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct unit_test {
    const char *name;
    void (*run)(void);
};

#define UNIT_TIME_LIMIT 300 /* seconds: far beyond what any needs, under asan at a load of 20 too */

static int unit_child(const struct unit_test *t)
{
    alarm(UNIT_TIME_LIMIT);
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    CU_pSuite suite = CU_add_suite("unit", NULL, NULL);
    CU_add_test(suite, t->name, t->run);
    CU_run_all_tests();
    unsigned failed = CU_get_number_of_failures(), asserts = CU_get_number_of_asserts();
    if (failed)
        CU_basic_show_failures(CU_get_failure_list());
    CU_cleanup_registry();
    if (!failed && !asserts)
        printf("# %s asserts nothing\n", t->name);
    fflush(stdout);
    return failed || !asserts;
}

static int unit_main(const char *file, const struct unit_test *tests, size_t n, int argc,
                     char **argv)
{
    int bad = 0;
    for (size_t i = 0; i < n; i++) {
        if (argc > 1 && !strstr(tests[i].name, argv[1]))
            continue;
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0)
            exit(unit_child(&tests[i]));
        int status = 0;
        if (pid < 0 || waitpid(pid, &status, 0) < 0)
            status = 1;
        if (status == 0)
            printf("ok %s.%s\n", file, tests[i].name);
        else if (WIFSIGNALED(status))
            printf("not ok %s.%s: signal %d\n", file, tests[i].name, WTERMSIG(status));
        else
            printf("not ok %s.%s\n", file, tests[i].name);
        bad |= status != 0;
    }
    return bad;
}

#define UNIT_TEST(f) \
    {                \
#f, f        \
    }
/* UNIT_TESTS("term_print", UNIT_TEST(prints_atoms), UNIT_TEST(...)) at the end of the file. */
#define UNIT_TESTS(file, ...)                                                                     \
    static const struct unit_test unit_tests[] = {__VA_ARGS__};                                   \
    int main(int argc, char **argv)                                                               \
    {                                                                                             \
        return unit_main(file, unit_tests, sizeof unit_tests / sizeof unit_tests[0], argc, argv); \
    }

#endif
