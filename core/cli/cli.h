/* cli.h: the commands. Each gets the arguments from its own name on (argv[0] is "run") and gives
 * the exit code: 0 done, 1 a node, file or plugin failed, 2 the configuration or the command line
 * is wrong, 3 done with losses and fail_on_loss. Data goes to stdout, everything else to stderr.
 */
#ifndef TAP_CLI_CLI_H
#define TAP_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

int tap_cli_run(int argc, char **argv);
int tap_cli_call(int argc, char **argv);
int tap_cli_check(int argc, char **argv);
int tap_cli_plugins(int argc, char **argv);
int tap_cli_repair(int argc, char **argv);
int tap_cli_nodes(int argc, char **argv);
int tap_cli_clean(int argc, char **argv);
int tap_cli_export(int argc, char **argv);
int tap_cli_info(int argc, char **argv);
int tap_cli_trace(int argc, char **argv);
int tap_cli_profile(int argc, char **argv);
int tap_cli_top(int argc, char **argv);

/* Options that take no value: what to look for and where to note it. NULL name ends a table. */
struct tap_cli_flag {
    const char *name; /* "--json" */
    bool *given;
};
/* What a command line holds besides flags. `words` and `sets` point into argv; both arrays are the
 * caller's, of at least argc elements. */
struct tap_cli_args {
    const char **words;
    size_t word_count;
    const char **sets; /* --set arguments; NULL: the command takes none */
    size_t set_count;
};
/* Reads a command's arguments: --set VALUE and --set=VALUE, flags, and words; -- ends the options.
 * At least `least` and at most `most` words. False when something is wrong, and told on stderr. */
bool tap_cli_read(int argc, char **argv, const struct tap_cli_flag *, size_t least, size_t most,
                  struct tap_cli_args *);
/* The value of an option that takes one, as NAME VALUE or NAME=VALUE; *i is left at its last
 * argument. False: argv[*i] is another option. *wrong: the value is missing, and told. */
bool tap_cli_value(const char *command, int argc, char **argv, int *i, const char *name,
                   const char **value, bool *wrong);

/* What a command line asks for, as --set arguments: SECTION.KEY=VALUE. */
struct tap_cli_sets {
    char **sets;
    size_t set_count;
};
/* sets.c: adds one, made as printf does. False: out of memory, and told. */
bool tap_cli_set(struct tap_cli_sets *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tap_cli_sets_free(struct tap_cli_sets *);
/* Prints them as the INI file that they stand for; the configuration is what was made of them. */
struct tap_config;
void tap_cli_sets_print(const struct tap_cli_sets *, const struct tap_config *, FILE *);

#define TAP_CLI_SECTION 128
/* Adds the settings of one --sink. False: it is none, and told. */
bool tap_cli_sink(const char *command, const char *text, struct tap_cli_sets *);
/* Begins the section of one more sink of this plugin; false: out of memory, and told. */
bool tap_cli_sink_section(struct tap_cli_sets *, const char *plugin, char section[TAP_CLI_SECTION]);
/* Adds the --set arguments of a command line; false: out of memory, and told. */
bool tap_cli_sets_given(struct tap_cli_sets *, const struct tap_cli_args *);

/* The transport that plays the files which a command line names. False: as above. */
bool tap_cli_sets_recordings(struct tap_cli_sets *, const struct tap_cli_args *);

/* Options that take a value: where it goes. With `count` they may be given several times, and each
 * value is one more of the array at `value`. NULL name ends a table. */
struct tap_cli_option {
    const char *name; /* "--for" */
    const char **value;
    size_t *count; /* NULL: the last one holds */
};
/* Takes those, and --sink, out of a command line. What is left goes to `rest`, of at least argc
 * elements: how many; -1: something is wrong, and told. Behind -- all is left as it is. */
int tap_cli_take(int argc, char **argv, const struct tap_cli_option *, struct tap_cli_sets *sinks,
                 char **rest);
/* The rule of --sink, for --help. */
#define TAP_CLI_SINK_HELP                                                                          \
    "    --sink NAME:KEY=VALUE,...: a comma begins the next KEY=VALUE where KEY= follows it; "     \
    "any\n"                                                                                        \
    "    other comma belongs to the value (csv:path=a.csv,columns=ts,pid), and so does ,, which\n" \
    "    stands for one. A second --sink of the same NAME is the section [sink:NAME_2].\n"

/* The exit code for a command that wrote to stdout: `code`, or 1 when it could not be written
 * (told). A reader that has gone (| head) is no failure. */
int tap_cli_flush(int code);

#endif
