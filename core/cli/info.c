/* info.c: `beamtap info FILE...`: what recordings hold, before anybody plays them into anything.
 *
 * It is a run that plays the files into a sink of its own, which counts (info_sink.h), and into the
 * plugin that sums up, for who was busy.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "base/clock.h"
#include "base/event_names.h"
#include "base/one_line.h"
#include "cli/cli.h"
#include "cli/info_sink.h"
#include "cli/play.h"
#include "cli/run.h"
#include "cli/signals.h"
#include "library/defaults.h"

/* What is known when the recording was played. */
struct facts {
    const struct tap_cli_args *files;
    const struct tap_info *counted;
    const struct tap_run_info *run;
    struct tap_run_figures figures;
    bool interrupted; /* this is of a part */
};

/* 2026-11-28 10:00:00.123456 UTC */
static const char *time_text(int64_t ns, char dst[64])
{
    time_t seconds = (time_t)(ns / TAP_SECOND - (ns % TAP_SECOND < 0));
    struct tm tm;
    size_t n = gmtime_r(&seconds, &tm) ? strftime(dst, 40, "%Y-%m-%d %H:%M:%S", &tm) : 0;
    snprintf(dst + n, 64 - n, ".%06d UTC",
             (int)((ns % TAP_SECOND + TAP_SECOND) % TAP_SECOND / 1000));
    return dst;
}

/* In bytes; -1: it is no file, or a pipe. */
static int64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
}

static int64_t span_of(const struct facts *f)
{
    return f->counted->first ? f->counted->last - f->counted->first : 0;
}

/* A text that somebody else wrote, each line of it made clean. The caller frees it; NULL: out of
 * memory. */
static char *clean_copy(const char *text)
{
    char *copy = strdup(text);
    for (char *line = copy; line && *line;) {
        size_t n = strcspn(line, "\n");
        bool more = line[n] != '\0';
        line[n] = '\0';
        tap_one_line(line); /* byte by byte: its length stays */
        if (more)
            line[n] = '\n';
        line += n + more;
    }
    return copy;
}

/* ---- For people */

static void print_nodes(const struct facts *f)
{
    for (size_t i = 0; i < f->figures.node_count; i++) {
        const struct tap_node_stats *n = &f->figures.nodes[i];
        printf("node           %s%s%s%s: %" PRIu64 " events, %" PRIu64 " lost", n->name,
               n->release[0] ? " (OTP " : "", n->release, n->release[0] ? ")" : "", n->produced,
               n->lost);
        if (f->interrupted)
            fputs(", as far as it was read", stdout);
        else if (!n->final)
            fputs(" at least, for its end is not in the recording", stdout);
        if (n->gap_ns)
            printf(", not traced for %" PRId64 ".%03d s", (int64_t)(n->gap_ns / TAP_SECOND),
                   (int)(n->gap_ns % TAP_SECOND / 1000000));
        putchar('\n');
    }
}

static void print_kinds(const struct tap_info *c)
{
    printf("%-22s %14s %14s\n", "events", "number", "bytes");
    for (unsigned k = 0; k < TAP_KIND_COUNT; k++)
        if (c->events[k])
            printf("  %-20s %14" PRIu64 " %14" PRIu64 "\n", tap_kind_name(k), c->events[k],
                   c->bytes[k]);
}

static void print_config(const char *config)
{
    char *copy = clean_copy(config);
    puts("configuration");
    for (const char *line = copy; line && *line;) {
        int n = (int)strcspn(line, "\n");
        printf("%s%.*s\n", n ? "  " : "", n, line);
        line += n + (line[n] == '\n');
    }
    free(copy);
}

static void print_facts(const struct facts *f)
{
    char at[64], *run = clean_copy(f->run->run);
    int64_t span = span_of(f);
    if (run)
        tap_one_line(run);
    if (f->interrupted)
        puts("interrupted    only a part was read: what follows is of that part");
    for (size_t i = 0; i < f->files->word_count; i++) {
        int64_t size = size_of(f->files->words[i]);
        printf("recording      %s", f->files->words[i]);
        if (size >= 0)
            printf(", %" PRId64 " bytes", size);
        printf("%s%s\n", i == 0 ? ", run " : "", i == 0 && run ? run : "");
    }
    free(run);
    if (f->counted->first)
        printf("span           %s, and %" PRId64 ".%06d s from there\n",
               time_text(f->counted->first, at), span / TAP_SECOND,
               (int)(span % TAP_SECOND / 1000));
    print_nodes(f);
    print_kinds(f->counted);
    print_config(f->run->config);
}

/* ---- For programs */

static cJSON *nodes_json(const struct facts *f)
{
    cJSON *nodes = cJSON_CreateArray();
    for (size_t i = 0; i < f->figures.node_count; i++) {
        const struct tap_node_stats *n = &f->figures.nodes[i];
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "node", n->name);
        cJSON_AddStringToObject(o, "release", n->release);
        cJSON_AddNumberToObject(o, "produced", (double)n->produced);
        cJSON_AddNumberToObject(o, "received", (double)n->received);
        cJSON_AddNumberToObject(o, "lost", (double)n->lost);
        cJSON_AddBoolToObject(o, "exact", n->final && !f->interrupted);
        cJSON_AddNumberToObject(o, "gap_ns", (double)n->gap_ns);
        cJSON_AddItemToArray(nodes, o);
    }
    return nodes;
}

static cJSON *kinds_json(const struct tap_info *c)
{
    cJSON *kinds = cJSON_CreateObject();
    for (unsigned k = 0; k < TAP_KIND_COUNT; k++) {
        if (!c->events[k])
            continue;
        cJSON *o = cJSON_AddObjectToObject(kinds, tap_kind_name(k));
        cJSON_AddNumberToObject(o, "events", (double)c->events[k]);
        cJSON_AddNumberToObject(o, "bytes", (double)c->bytes[k]);
    }
    return kinds;
}

/* Text of JSON is UTF-8, whatever a file is called and says. */
static cJSON *text_json(const char *text)
{
    char *copy = clean_copy(text);
    cJSON *o = copy ? cJSON_CreateString(copy) : NULL;
    free(copy);
    return o;
}

/* Times are text: a number of JSON has no room for nanoseconds since the epoch. */
static bool print_json(const struct facts *f)
{
    char at[64];
    cJSON *o = cJSON_CreateObject();
    cJSON *all = f->files->word_count > 1 ? cJSON_AddArrayToObject(o, "recordings") : NULL;
    int64_t sum = size_of(f->files->words[0]);
    for (size_t i = 1; i < f->files->word_count && sum >= 0; i++) {
        int64_t size = size_of(f->files->words[i]);
        sum = size < 0 ? -1 : sum + size;
    }
    for (size_t i = 0; all && i < f->files->word_count; i++)
        cJSON_AddItemToArray(all, text_json(f->files->words[i]));
    cJSON_AddItemToObject(o, "recording", text_json(f->files->words[0]));
    cJSON_AddBoolToObject(o, "interrupted", f->interrupted);
    cJSON_AddNumberToObject(o, "bytes", (double)sum);
    cJSON_AddItemToObject(o, "run", text_json(f->run->run));
    if (f->counted->first)
        cJSON_AddStringToObject(o, "first", time_text(f->counted->first, at));
    cJSON_AddNumberToObject(o, "span_ns", (double)span_of(f));
    cJSON_AddItemToObject(o, "nodes", nodes_json(f));
    cJSON_AddItemToObject(o, "events", kinds_json(f->counted));
    cJSON_AddItemToObject(o, "config", text_json(f->run->config));
    char *text = cJSON_PrintUnformatted(o);
    if (text)
        puts(text);
    cJSON_free(text);
    cJSON_Delete(o);
    return text != NULL;
}

/* ---- The run */

static void copy_out(FILE *from)
{
    char piece[65536];
    size_t n;
    putchar('\n');
    rewind(from);
    while ((n = fread(piece, 1, sizeof piece, from)) > 0)
        fwrite(piece, 1, n, stdout);
}

/* What was played, as far as it could be. `sums`: what the other sink has written. */
static int report(struct tap_session *session, const struct tap_cli_args *files, FILE *sums,
                  bool json, bool interrupted)
{
    struct facts f = {.files = files,
                      .counted = tap_session_self_of(session, &tap_info_plugin),
                      .interrupted = interrupted};
    if (!f.counted || !tap_run_figures(session, &f.figures)) {
        fputs("beamtap: out of memory\n", stderr);
        return 1;
    }
    f.run = f.counted->host->run_info;
    int code = 0;
    if (json) {
        code = print_json(&f) ? 0 : 1;
    } else {
        print_facts(&f);
        copy_out(sums);
    }
    tap_run_figures_free(&f.figures);
    return code;
}

static int play(const struct tap_config *config, struct tap_error *err,
                const struct tap_cli_args *files, FILE *sums, bool json)
{
    struct tap_session *session = tap_session_new(config, err);
    int code = session ? 1 : (int)tap_error_status(err);
    if (session && tap_play_watch(session)) {
        tap_live_begin(true, 0, false);
        tap_session_set_log(session, tap_live_log, NULL);
        bool played;
        enum tap_status status = tap_play(session, &played);
        bool interrupted = tap_signals_asked();
        tap_live_end();
        code = played ? report(session, files, sums, json, interrupted) : 1;
        code = code ? code : (int)status;
        if (interrupted) {
            fputs("beamtap: interrupted: only a part of it was read\n", stderr);
            code = 1;
        }
    }
    tap_signals_forget();
    tap_error_print(err, stderr);
    tap_session_free(session);
    return code ? code : (int)tap_error_status(err);
}

static int info(const struct tap_cli_args *args, FILE *sums, bool json)
{
    struct tap_cli_sets sets = {NULL, 0};
    struct tap_error *err = tap_error_new();
    struct tap_config *config = NULL;
    char section[TAP_CLI_SECTION];
    bool ok = err && tap_cli_sets_recordings(&sets, args) &&
              tap_cli_sink_section(&sets, tap_defaults.summary, section) &&
              tap_cli_set(&sets, "%s.path=/dev/fd/%d", section, fileno(sums));
    ok = ok && tap_cli_sets_given(&sets, args);
    int code = 1;
    if (ok && tap_config_embed(NULL, tap_defaults.transport, (const char *const *)sets.sets,
                               sets.set_count, &tap_info_plugin, &config, err) == TAP_OK) {
        code = play(config, err, args, sums, json);
    } else if (err) {
        tap_error_print(err, stderr);
        code = (int)tap_error_status(err);
    }
    tap_config_free(config);
    tap_error_free(err);
    tap_cli_sets_free(&sets);
    return code;
}

int tap_cli_info(int argc, char **argv)
{
    const char *words[argc], *given[argc];
    struct tap_cli_args args = {.words = words, .sets = given};
    bool json = false;
    const struct tap_cli_flag flags[] = {{"--json", &json}, {NULL, NULL}};
    if (!tap_cli_read(argc, argv, flags, 1, (size_t)argc, &args))
        return 2;
    FILE *sums = tmpfile();
    if (!sums) {
        fputs("beamtap: cannot make a temporary file\n", stderr);
        return 1;
    }
    int code = info(&args, sums, json);
    fclose(sums);
    return tap_cli_flush(code);
}
