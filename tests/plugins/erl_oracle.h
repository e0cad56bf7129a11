/* erl_oracle.h: asks a real node to judge cases: they are written as Erlang terms, one erl reads
 * and judges them all, and prints one line for each that is wrong, then how many it has judged.
 */
#ifndef ERL_ORACLE_H
#define ERL_ORACLE_H

#include <limits.h>
#include <stdio.h>

#include "unit.h"

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

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

/* Runs a program that prints as is said above. True: every case is ok. */
static inline bool oracle_run(const char *command)
{
    char line[8192], expected[64], last[8192] = "";
    FILE *f = popen(command, "r");
    CU_ASSERT_FATAL(f != NULL);
    while (fgets(line, sizeof line, f)) {
        snprintf(last, sizeof last, "%s", line);
        if (strncmp(line, "judged", 6) != 0)
            printf("%.1000s\n", line);
    }
    pclose(f);
    snprintf(expected, sizeof expected, "judged %u, wrong 0\n", oracle_cases);
    if (strcmp(expected, last) != 0)
        printf("# expected %s# the last line is %s\n", expected, last);
    return oracle_cases > 0 && strcmp(expected, last) == 0;
}

/* Writes the program, runs it and removes what was written. */
static inline bool oracle_judge(const char *program, const char *judge, const char *command_format)
{
    char source[80], command[512];
    snprintf(source, sizeof source, "%s.erl", oracle_path);
    FILE *f = fopen(source, "w");
    CU_ASSERT_FATAL(f != NULL && fclose(oracle_file) == 0);
    fprintf(f, program, oracle_path, judge);
    fclose(f);
    snprintf(command, sizeof command, command_format, source);
    bool ok = oracle_run(command);
    unlink(source);
    unlink(oracle_path);
    return ok;
}

/* Judges with `judge`, the source of a fun of one case that gives ok, or what is wrong. True: every
 * case is ok. */
static inline bool oracle_ask(const char *judge)
{
    return oracle_judge(
        "{ok, Cases} = file:consult(\"%s\"), Judge = %s, Bad = lists:sum([case catch Judge(C) of "
        "ok -> 0; W -> io:format(\"# ~tp: ~tp~n\", [C, W]), 1 end || C <- Cases]), "
        "io:format(\"judged ~b, wrong ~b~n\", [length(Cases), Bad]), halt().\n",
        judge,
        "erl -noshell -eval 'try {ok, _} = file:eval(\"%s\") catch C:R -> io:format(\"~p~n\", "
        "[{C,R}]) end, halt().' </dev/null 2>&1");
}

/* Is there an Elixir that can be asked? It is said when not. */
static inline bool oracle_has_elixir(void)
{
    if (system("command -v elixir >/dev/null 2>&1") == 0)
        return true;
    printf("# skipped: no elixir\n");
    CU_PASS("no elixir");
    return false;
}

/* The same in Elixir. Its compiler warns of much that is right. */
static inline bool oracle_ask_elixir(const char *judge)
{
    return oracle_judge(
        "{:ok, cases} = :file.consult('%s')\njudge = %s\n"
        "bad = Enum.count(cases, fn c ->\n  case (try do judge.(c) catch k, r -> {k, r} end) do\n"
        "    :ok -> false\n    w -> IO.puts(\"# #{inspect(c)}: #{inspect(w)}\")\n      true\n"
        "  end\nend)\nIO.puts(\"judged #{length(cases)}, wrong #{bad}\")\n",
        judge, "elixir %s </dev/null 2>/dev/null");
}

#endif
