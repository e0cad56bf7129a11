/* erl_oracle.h: asks a real node to judge cases: they are written as Erlang terms, one erl reads
 * and judges them all, and prints one line for each that is wrong, then how many it has judged.
 */
#ifndef ERL_ORACLE_H
#define ERL_ORACLE_H

#include <limits.h>
#include <stdio.h>

#include "unit.h"

static FILE *oracle_file;
static char oracle_path[64];
static unsigned oracle_cases;

static inline void oracle_begin(void)
{
    snprintf(oracle_path, sizeof oracle_path, "/tmp/tap_oracle_XXXXXX");
    int fd = mkstemp(oracle_path);
    CU_ASSERT_FATAL(fd >= 0);
    oracle_file = fdopen(fd, "w");
    oracle_cases = 0;
}
static void oracle_bytes(const void *bytes, size_t n)
{
    fputs(", <<", oracle_file);
    for (size_t i = 0; i < n; i++)
        fprintf(oracle_file, "%s%u", i ? "," : "", ((const unsigned char *)bytes)[i]);
    fputs(">>", oracle_file);
}
static inline void oracle_text(const char *text)
{
    oracle_bytes(text, strlen(text));
}
static inline void oracle_end_case(void)
{
    fputs("}.\n", oracle_file);
    oracle_cases++;
}

/* Judges with `judge`, the source of a fun of one case that gives ok, or what is wrong. True: every
 * case is ok. */
static inline bool oracle_ask(const char *judge)
{
    static const char program[] =
        "{ok, Cases} = file:consult(\"%s\"), Judge = %s, Bad = lists:sum([case catch Judge(C) of "
        "ok -> 0; W -> io:format(\"# ~tp: ~tp~n\", [C, W]), 1 end || C <- Cases]), "
        "io:format(\"judged ~b, wrong ~b~n\", [length(Cases), Bad]), halt().\n";
    char source[80], command[256], line[8192], expected[64], last[8192] = "";
    snprintf(source, sizeof source, "%s.erl", oracle_path);
    FILE *f = fopen(source, "w");
    CU_ASSERT_FATAL(f != NULL && fclose(oracle_file) == 0);
    fprintf(f, program, oracle_path, judge);
    fclose(f);
    snprintf(command, sizeof command,
             "erl -noshell -eval 'try {ok, _} = file:eval(\"%s\") catch C:R -> io:format(\"~p~n\", "
             "[{C,R}]) end, halt().' </dev/null 2>&1",
             source);
    f = popen(command, "r");
    CU_ASSERT_FATAL(f != NULL);
    while (fgets(line, sizeof line, f)) {
        snprintf(last, sizeof last, "%s", line);
        if (strncmp(line, "judged", 6) != 0)
            printf("%.1000s\n", line);
    }
    pclose(f);
    unlink(source);
    unlink(oracle_path);
    snprintf(expected, sizeof expected, "judged %u, wrong 0\n", oracle_cases);
    if (strcmp(expected, last) != 0)
        printf("# expected %s# the last line is %s\n", expected, last);
    return oracle_cases > 0 && strcmp(expected, last) == 0;
}

#endif
