/* args.c: what the commands' arguments have in common.
 *
 * getopt would permute and abbreviate; neither is wanted here, and a wrong option should name the
 * right one.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "syntax/suggest.h"
#include "cli/cli.h"

static bool wrong_option(const char *command, const char *option, const struct tap_cli_flag *flags,
                         bool sets)
{
    const char *names[16];
    size_t n = 0;
    for (; flags[n].name && n < 15; n++)
        names[n] = flags[n].name;
    if (sets)
        names[n++] = "--set";
    const char *nearest = tap_suggest(option, names, n);
    fprintf(stderr, "beamtap %s: unknown option '%s'", command, option);
    if (nearest)
        fprintf(stderr, " (did you mean '%s'?)\n", nearest);
    else
        fprintf(stderr, " (see beamtap %s --help)\n", command);
    return false;
}

bool tap_cli_value(const char *command, int argc, char **argv, int *i, const char *name,
                   const char **value, bool *wrong)
{
    size_t n = strlen(name);
    if (strncmp(argv[*i], name, n) != 0 || (argv[*i][n] && argv[*i][n] != '='))
        return false;
    *value = argv[*i][n] ? argv[*i] + n + 1 : *i + 1 < argc ? argv[++*i] : NULL;
    if (!*value) {
        fprintf(stderr, "beamtap %s: %s needs a value after it\n", command, name);
        *wrong = true;
    }
    return true;
}

/* One of the options at argv[*i]? Its value is noted; *wrong: it has none, and that was told. */
static bool take_one(int argc, char **argv, int *i, const struct tap_cli_option *options,
                     bool *wrong)
{
    const char *value;
    for (const struct tap_cli_option *o = options; o->name; o++) {
        if (!tap_cli_value(argv[0], argc, argv, i, o->name, &value, wrong))
            continue;
        o->value[o->count ? (*o->count)++ : 0] = value;
        return true;
    }
    return false;
}

int tap_cli_take(int argc, char **argv, const struct tap_cli_option *options,
                 struct tap_cli_sets *sinks, char **rest)
{
    int n = 0;
    bool wrong = false;
    for (int i = 0; i < argc && !wrong; i++) {
        const char *sink = NULL;
        if (strcmp(argv[i], "--") == 0)
            while (i < argc)
                rest[n++] = argv[i++];
        else if (tap_cli_value(argv[0], argc, argv, &i, "--sink", &sink, &wrong))
            wrong |= sink && !tap_cli_sink(argv[0], sink, sinks);
        else if (!take_one(argc, argv, &i, options, &wrong))
            rest[n++] = argv[i];
    }
    return wrong ? -1 : n;
}

static bool read_flag(const struct tap_cli_flag *flags, const char *word)
{
    for (; flags->name; flags++) {
        if (strcmp(word, flags->name) == 0) {
            *flags->given = true;
            return true;
        }
    }
    return false;
}

bool tap_cli_read(int argc, char **argv, const struct tap_cli_flag *flags, size_t least,
                  size_t most, struct tap_cli_args *args)
{
    bool options = true, wrong = false;
    args->word_count = args->set_count = 0;
    for (int i = 1; i < argc; i++) {
        const char *value;
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (!options || argv[i][0] != '-' || !argv[i][1]) {
            args->words[args->word_count++] = argv[i];
        } else if (args->sets && tap_cli_value(argv[0], argc, argv, &i, "--set", &value, &wrong)) {
            if (wrong)
                return false;
            args->sets[args->set_count++] = value;
        } else if (!read_flag(flags, argv[i])) {
            return wrong_option(argv[0], argv[i], flags, args->sets != NULL);
        }
    }
    if (args->word_count < least || args->word_count > most) {
        fprintf(stderr, "beamtap %s: %s (see beamtap %s --help)\n", argv[0],
                args->word_count < least ? "an argument is missing"
                                         : "there are too many arguments",
                argv[0]);
        return false;
    }
    return true;
}

/* A pipe with nobody at its other end, which is an error; or such a socket, which is hung up. */
static bool reader_is_gone(int fd)
{
    struct pollfd p = {.fd = fd};
    return poll(&p, 1, 0) == 1 && p.revents & (POLLERR | POLLHUP);
}

int tap_cli_flush(int code)
{
    if ((fflush(stdout) == 0 && !ferror(stdout)) || reader_is_gone(STDOUT_FILENO))
        return code;
    fprintf(stderr, "beamtap: cannot write to stdout: %s\n", strerror(errno));
    return code == 0 ? 1 : code;
}
