/* main.c: the command `beamtap`: finds the command's name and leaves the rest to it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "beamtap/plugin.h"
#include "syntax/suggest.h"
#include "cli/cli.h"
#include "cli/crash.h"

#define TRACE_HELP                                                                                \
    "    PATTERN is a line of the match_spec filter's `trace`:\n"                                 \
    "      'shop_cart:add(_, N) when N > 3 -> return'   calls with such arguments, and results\n" \
    "      shop_cart:add/2, 'shop_*', Shop.Cart.add/2   a function, modules, Elixir's names\n"    \
    "      'Shop.Cart.add(_, %{price: p}) when p > 3', ':lists.map(f, _)'   in Elixir's syntax\n" \
    "      'shop_cart:add/2 -> return, exception, stack'   and what it raised, and who called\n"  \
    "      'send(To, {order, _})', 'receive(_, _, M)'   messages\n"                               \
    "      --events process_exit,process_register   no PATTERN: what else happens; 'beamtap "     \
    "plugins session'\n"                                                                          \
    "                                               has all kinds\n"                              \
    "    Without NODE the one that this machine's epmd knows is traced.\n"                        \
    "    Without -o or --sink it ends after 10 s or 100 events; with one after 10 s.\n"           \
    "    --start-on, --stop-on (may repeat): from where to where it is written: a PATTERN, "      \
    "exception "                                                                                  \
    "[PATTERN],\n"                                                                                \
    "    exit or crash [PROCESS], mailbox > N (--set session.mailbox=100ms looks). --keep 5s: "   \
    "and so "                                                                                     \
    "much from\n"                                                                                 \
    "    before. With these it does not end after 100 events. --follow message: the chain of "    \
    "messages "                                                                                   \
    "that\n    begins there.\n"                                                                   \
    "    -o (may repeat): the sink goes by the ending, such as .json, .csv, .btf, .txt, .jsonl, " \
    "and with .gz\n"                                                                              \
    "    behind it packed. A .folded, and the times in .html, need the ends of calls:\n"          \
    "    'shop_* -> return, exception'.\n"                                                        \
    "    --for, --count, --events, --pids are session.duration, session.max_events, "             \
    "session.events and\n"                                                                        \
    "    the pids filter; --print-config prints the configuration file that this command stands " \
    "for, and\n    traces nothing.\n"

/* Whoever is in trouble does not know which command it is. */
#define FIRST_ANSWERS                                                                             \
    "First answers (NODE as shop@web1; one that runs alone on this machine need not be "          \
    "named):\n\n"                                                                                 \
    "  which function is slow, and where does its time go?\n"                                     \
    "      beamtap profile NODE 'shop_*'                        time and calls, by the VM's own " \
    "counters\n"                                                                                  \
    "      beamtap trace NODE 'shop_* -> return, exception' -o trace.html     percentiles, a "    \
    "flame graph:\n"                                                                              \
    "                                                           open it in a browser\n"           \
    "  who floods whom?\n"                                                                        \
    "      beamtap top NODE                                     messages a second, mailboxes: "   \
    "live\n"                                                                                      \
    "      beamtap top NODE --for 3s --sink top:path=-          the same as text\n"               \
    "  why does a process end, or begin again?\n"                                                 \
    "      beamtap trace NODE --events process_exit,process_register\n"                           \
    "  what is a function given, and what does it give?\n"                                        \
    "      beamtap trace NODE 'shop_cart:add/2 -> return, exception'\n"                           \
    "  what happened right before a process crashed?\n"                                           \
    "      beamtap trace NODE 'shop_cart -> return, exception' --stop-on crash --keep 1s --for "  \
    "1h\n\n"                                                                                      \
    "Commands (beamtap COMMAND --help says more of each):\n\n"

#define TEST_HELP                                                                                  \
    "    --test drives the plugin through its whole life, each part in a process of its own, and " \
    "says what it\n"                                                                               \
    "    got wrong: 0 nothing, 1 something. With RECORDING (sink record) it gets that, too. "      \
    "--set "                                                                                       \
    "KIND:NAME.KEY=VALUE\n"                                                                        \
    "    sets its options, --timeout how long one of its operations may take.\n"

#define PROFILE_HELP                                                                               \
    "    PATTERN is a module (with * and ?), module:function or module:function/arity. Time is a " \
    "function's own,\n"                                                                            \
    "    without that of others which are counted too. --calls counts calls alone, which costs "   \
    "least; --memory\n"                                                                            \
    "    adds what is taken of the heap (OTP 26). Without -o or --sink the table is printed at "   \
    "the end (the sink\n"                                                                          \
    "    summary); with --interval the counters are read as often, and files have a row each "     \
    "time.\n"                                                                                      \
    "    --for, --interval, --pids are session.duration, session.interval and the pids filter;\n"  \
    "    --print-config prints the configuration file that this command stands for.\n"

#define CALL_HELP                                                                            \
    "    MODULE and ARGS are Erlang's, or Elixir's when MODULE is written so (Shop.Cart, "   \
    ":lists). "                                                                              \
    "Whatever\n"                                                                             \
    "    beamtap prints in Elixir's syntax can be read back: %Shop.Item{}, ~D[2026-01-31], " \
    "1..3,\n"                                                                                \
    "    MapSet.new([1]), &Enum.map/2, #PID<0.1.2> of that node; not what depends on code: " \
    "funs.\n"

#define TOP_HELP                                                                                  \
    "    PATTERN is as of trace: calls with their times, or messages; without one the messages "  \
    "of "                                                                                         \
    "all processes\n"                                                                             \
    "    are looked at, and the gen_server calls among them. Keys: 1 functions, 2 processes, 3 "  \
    "pairs, 4 gen calls;\n"                                                                       \
    "    < > the column that rows are sorted by, r turns it round; p pauses the screen (not the " \
    "trace); / filters\n"                                                                         \
    "    names; arrows and pages scroll; q ends it. The limits are those of any run (max_rate); " \
    "--for, --events,\n"                                                                          \
    "    --pids are session.duration, session.events and the pids filter. -o FILE writes all of " \
    "it besides, as\n"                                                                            \
    "    trace does; --sink top:path=FILE writes the tables as text, and needs no terminal.\n"

static const struct command {
    const char *name, *arguments, *summary;
    int (*run)(int argc, char **argv);
    const char *details; /* for --help of the command; NULL: none */
} commands[] = {
    {"run", "FILE.ini [--set SECTION.KEY=VALUE]... [--quiet] [--json]", "traces as the file says",
     tap_cli_run, NULL},
    {"trace",
     "[NODE] PATTERN... [-o FILE]... [--for 10s] [--count 100] [--events KIND,...] [--pids "
     "PID,...] "
     "[--start-on WHAT]... [--stop-on WHAT]... [--keep 5s] [--follow message] "
     "[--elixir | --erlang] [--sink NAME:KEY=VALUE,...]... [--set SECTION.KEY=VALUE]... "
     "[--print-config] [--quiet] [--json]",
     "traces without a file: to the terminal, or into FILE as its ending says", tap_cli_trace,
     TRACE_HELP TAP_CLI_SINK_HELP},
    {"profile",
     "[NODE] PATTERN... [--for 10s] [--calls] [--memory] [--interval 1s] [--pids PID,...] "
     "[-o FILE]... [--sink NAME:KEY=VALUE,...]... [--set SECTION.KEY=VALUE]... [--print-config] "
     "[--quiet] [--json]",
     "no events, only the VM's own counters: calls and time by function and by process",
     tap_cli_profile, PROFILE_HELP TAP_CLI_SINK_HELP},
    {"top",
     "[NODE] [PATTERN...] [--for 0] [--events KIND,...] [--pids PID,...] [-o FILE]... "
     "[--elixir | --erlang] [--sink NAME:KEY=VALUE,...]... [--set SECTION.KEY=VALUE]... "
     "[--print-config] [--quiet] [--json]",
     "a live screen: the busiest functions, processes and pairs, gen_server calls and mailboxes",
     tap_cli_top, TOP_HELP TAP_CLI_SINK_HELP},
    {"check", "FILE.ini [--set SECTION.KEY=VALUE]...",
     "reports all mistakes, or what would be traced and written; contacts no node", tap_cli_check,
     NULL},
    {"plugins",
     "[KIND:NAME | session] [--json] | --test KIND:NAME [RECORDING] [--set SECTION.KEY=VALUE]... "
     "[--timeout 10s]",
     "what is installed, from where, with which options; or tries a plugin out", tap_cli_plugins,
     TEST_HELP},
    {"export",
     "FILE... [-o FILE]... [--sink NAME[:KEY=VALUE,...]]... [--from TIME] [--to TIME] [--around "
     "PATTERN] "
     "[--node NODE,...] [--pids PID,...] [--pace fast|real] [--set SECTION.KEY=VALUE]... [--quiet] "
     "[--json]",
     "plays a recording (sink record; also files of dbg and ttb), or a part of it, into any sinks",
     tap_cli_export,
     "    Several FILEs are merged by their nodes' clocks. -o goes by the ending, as with trace.\n"
     "    TIME is counted from the recording's beginning (2s, 1500ms) or is the wall's, in UTC\n"
     "    (2026-11-28T10:00:00.5). --around PATTERN: the first event that PATTERN (as of trace)\n"
     "    accepts; --from and --to are how long before and behind it then, a second each.\n"
     "    A recording says where processes (--pids <0.1.2>) and functions are: where filters ask\n"
     "    for a few of them, without names of processes or * and ?, the rest of it is not read,\n"
     "    and damage in it not seen.\n"
     "    --pace real: as long as it took. FILE - is standard input.\n" TAP_CLI_SINK_HELP},
    {"info", "FILE... [--json] [--set SECTION.KEY=VALUE]...",
     "what a recording holds: span, nodes, kinds of events, losses, and who was busy", tap_cli_info,
     "    Bytes are those of the events in the file; of several files, of the same as trace\n"
     "    messages.\n"},
    {"nodes", "NODE [--hidden] [--json] [--set SECTION.KEY=VALUE]...",
     "the cluster as that node sees it: releases, and who is tracing already", tap_cli_nodes, NULL},
    {"clean", "NODE [--json] [--set SECTION.KEY=VALUE]...",
     "removes whatever a dead run of beamtap left in a node", tap_cli_clean, NULL},
    {"call",
     "NODE MODULE FUNCTION ['[ARGS]'] [--timeout 5s] [--linger 0] [--sink NAME:KEY=VALUE,...]... "
     "[--config FILE.ini] [--set SECTION.KEY=VALUE]... [--elixir | --erlang] [--quiet] [--json]",
     "runs one call under trace: its result to stdout, its events to the sinks (without any: to "
     "stderr)",
     tap_cli_call, CALL_HELP TAP_CLI_SINK_HELP},
    {"repair", "FILE",
     "repairs an output file that was cut off (kill -9, a full disk), losing no whole event",
     tap_cli_repair, NULL},
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void print_usage(FILE *out)
{
    fputs("beamtap traces running Erlang and Elixir nodes.\n\n" FIRST_ANSWERS, out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  beamtap %s %s\n      %s\n", commands[i].name, commands[i].arguments,
                commands[i].summary);
    fputs("  beamtap --help | --version\n\n"
          "The cookie is read from the file that cookie_file names (~/.erlang.cookie), or from "
          "BEAMTAP_COOKIE.\n"
          "Plugins are sought in plugin_path, in BEAMTAP_PLUGIN_PATH, below ~/.local/lib and "
          "/usr/local/lib\n"
          "(beamtap/plugins-v1), and in the installed folder.\n\n"
          "Exit codes: 0 done; 1 a node, file or plugin failed; 2 the configuration or the command "
          "line is wrong;\n"
          "3 done, but events were lost and fail_on_loss is set.\n",
          out);
}

static int unknown_command(const char *name)
{
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i].name;
    const char *nearest = tap_suggest(name, names, COMMAND_COUNT);
    if (nearest)
        fprintf(stderr, "beamtap: unknown command '%s' (did you mean '%s'?)\n", name, nearest);
    else
        fprintf(stderr, "beamtap: unknown command '%s' (see beamtap --help)\n", name);
    return 2;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run_command(const struct command *c, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (is_help(argv[i])) {
            printf("beamtap %s %s\n    %s\n%s", c->name, c->arguments, c->summary,
                   c->details ? c->details : "");
            return tap_cli_flush(0);
        }
    }
    return c->run(argc, argv);
}

/* A descriptor 0 to 2 that is closed would be given to the next file or connection that is opened,
 * and what is printed would go there. What stands in for it is open the wrong way round, so that
 * using it still fails. */
static void fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/* A reader that went and a limit on a file's size are told by write(2), not by the end of the
 * process. */
static void ignore_signals_of_writes(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    if (is_help(argv[1]) || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return tap_cli_flush(0);
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("beamtap %s (plugin ABI %d.%d)\n", TAP_VERSION, TAP_ABI_MAJOR, TAP_ABI_MINOR);
        return tap_cli_flush(0);
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return run_command(&commands[i], argc - 1, argv + 1);
    return unknown_command(argv[1]);
}

int main(int argc, char **argv)
{
    fill_standard_descriptors();
    ignore_signals_of_writes();
    tap_crash_watch();
    int code = run(argc, argv);
    tap_crash_leave(code);
    return code;
}
