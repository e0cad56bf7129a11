/* summary.c: how a run ended, for people (text) and for programs (JSON): a node, a sink, and what
 * plugins counted. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>

#include "beamtap/transport.h"
#include "base/event_names.h"
#include "cli/run.h"
#include "syntax/number.h"

#define RETURNS_OFF_SHOWN 20u

bool tap_run_figures(const struct tap_session *session, struct tap_run_figures *f)
{
    *f = (struct tap_run_figures){.node_count = tap_session_nodes(session, NULL, 0),
                                  .sink_count = tap_session_sinks(session, NULL, 0)};
    f->nodes = calloc(f->node_count + 1, sizeof *f->nodes);
    f->sinks = calloc(f->sink_count + 1, sizeof *f->sinks);
    if (!f->nodes || !f->sinks) {
        tap_run_figures_free(f);
        return false;
    }
    /* one that was added meanwhile shows next time */
    tap_session_nodes(session, f->nodes, f->node_count);
    tap_session_sinks(session, f->sinks, f->sink_count);
    for (size_t i = 0; i < f->node_count; i++) {
        f->received += f->nodes[i].received;
        f->lost += f->nodes[i].lost;
    }
    return true;
}

void tap_run_figures_free(struct tap_run_figures *f)
{
    free(f->nodes);
    free(f->sinks);
    f->nodes = NULL;
    f->sinks = NULL;
}

bool tap_run_lost(const struct tap_run_figures *f)
{
    bool lost = f->lost > 0;
    for (size_t i = 0; i < f->sink_count; i++)
        lost |= f->sinks[i].lost > 0;
    return lost;
}

static const char *state_name(int state)
{
    static const char *const names[] = {"connecting", "tracing", "done", "failed"};
    return state >= 0 && state <= TAP_NODE_FAILED ? names[state] : "?";
}

/* A node whose end nobody saw may have lost more than is known. */
static bool is_exact(const struct tap_node_stats *n)
{
    return n->final || !n->traced;
}

/* What of this node came without returns in the end; of very many some, the others are in the
 * summary for programs. */
static void print_returns_off(const struct tap_session *session, size_t node, FILE *out)
{
    char name[600];
    size_t n = 0;
    for (; tap_session_returns_off(session, node, n, name, sizeof name); n++)
        if (n < RETURNS_OFF_SHOWN)
            fprintf(out, "%s%s", n ? ", " : ", without returns in the end: ", name);
    if (n > RETURNS_OFF_SHOWN)
        fprintf(out, " and %zu more", n - RETURNS_OFF_SHOWN);
}

static cJSON *returns_off_json(const struct tap_session *session, size_t node)
{
    cJSON *names = cJSON_CreateArray();
    char name[600];
    for (size_t i = 0; tap_session_returns_off(session, node, i, name, sizeof name); i++)
        cJSON_AddItemToArray(names, cJSON_CreateString(name));
    return names;
}

/* The keys whose limits were in the way, each once. */
static size_t limiting_keys(const struct tap_node_stats *n, const char *keys[TAP_REASON_COUNT])
{
    size_t count = 0;
    for (unsigned r = 0; r < TAP_REASON_COUNT; r++) {
        const char *key = n->lost_by[r] || n->gap_by[r] ? tap_reason_key(r) : NULL;
        size_t i = 0;
        while (key && i < count && strcmp(keys[i], key) != 0)
            i++;
        if (key && i == count)
            keys[count++] = key;
    }
    return count;
}

static struct tap_number_text seconds(uint64_t ns)
{
    return tap_number_print((int64_t)ns, 1000000000, 3);
}

static void print_gaps(const struct tap_node_stats *n, FILE *out)
{
    const char *between = " (", *keys[TAP_REASON_COUNT];
    if (n->gap_ns)
        fprintf(out, ", not tracing for %s s", seconds(n->gap_ns).text);
    for (unsigned r = 0; r < TAP_REASON_COUNT; r++)
        if (n->gap_by[r]) {
            fprintf(out, "%s%s %s s", between, tap_reason_name(r), seconds(n->gap_by[r]).text);
            between = ", ";
        }
    fputs(between[0] == ',' ? ")" : "", out);
    size_t count = limiting_keys(n, keys);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%s", i ? ", " : "; a higher limit lets more through: ", keys[i]);
}

static void print_node(const struct tap_session *session, size_t index,
                       const struct tap_node_stats *n, FILE *out)
{
    fprintf(out, "%s", n->name);
    if (n->release[0])
        fprintf(out, " (OTP %s)", n->release);
    fprintf(out, ": %s", state_name(n->state));
    if (!n->traced) {
        fputs(", never traced\n", out);
        return;
    }
    fprintf(out, ", produced %s%" PRIu64 ", received %" PRIu64,
            is_exact(n) ? "" : ">= ", n->produced, n->received);
    if (is_exact(n))
        fprintf(out, ", lost %" PRIu64, n->lost);
    else if (n->produced)
        fprintf(out, ", lost >= %" PRIu64 ", unknown after sequence %" PRIu64, n->lost,
                n->last_seq);
    else
        fputs(", lost >= 0, unknown from the first", out);
    const char *between = " (";
    for (unsigned r = 0; r < TAP_REASON_COUNT; r++) {
        if (!n->lost_by[r])
            continue;
        fprintf(out, "%s%s %" PRIu64, between, tap_reason_name(r), n->lost_by[r]);
        between = ", ";
    }
    fputs(between[0] == ',' ? ")" : "", out);
    uint64_t skew = (uint64_t)(n->clock_skew < 0 ? -n->clock_skew : n->clock_skew);
    if (n->clock_error && skew > n->clock_error + 1000000)
        fprintf(out, ", its clock is %s s %s (within %s ms)", seconds(skew).text,
                n->clock_skew < 0 ? "behind" : "ahead",
                tap_number_print((int64_t)n->clock_error, 1000000, 3).text);
    if (n->incarnations > 1)
        fprintf(out, ", traced %u times", n->incarnations);
    print_returns_off(session, index, out);
    print_gaps(n, out);
    fputc('\n', out);
    if (n->left_out[0])
        fprintf(out, "  left out: %s\n", n->left_out);
}

static void print_sink(const struct tap_sink_stats *s, FILE *out)
{
    fprintf(out, "%s:%s written %" PRIu64 ", filtered %" PRIu64 ", lost %" PRIu64, s->section,
            s->failed ? " failed," : "", s->written, s->filtered, s->lost);
    if (s->lost_before)
        fprintf(out, " (%" PRIu64 " before they came here)", s->lost_before);
    fprintf(out, ", %" PRIu64 " bytes\n", s->bytes);
}

void tap_summary_print(const struct tap_session *session, const struct tap_run_figures *f,
                       FILE *out)
{
    const char *section, *name, *last = NULL;
    int64_t value;
    for (size_t i = 0; i < f->node_count; i++)
        if (f->nodes[i].state != TAP_NODE_SAME)
            print_node(session, i, &f->nodes[i], out);
    for (size_t i = 0; i < f->sink_count; i++)
        print_sink(&f->sinks[i], out);
    tap_summary_window(session, out);
    tap_summary_flows(session, out);
    for (size_t i = 0; tap_session_counter(session, i, &section, &name, &value); i++) {
        if (section == last)
            fprintf(out, ", %s %" PRId64, name, value);
        else
            fprintf(out, "%s%s: %s %" PRId64, last ? "\n" : "", section, name, value);
        last = section;
    }
    fputs(last ? "\n" : "", out);
}

/* ns of gaps, by their reasons. */
static cJSON *gaps_json(const struct tap_node_stats *n)
{
    cJSON *by = cJSON_CreateObject();
    for (unsigned r = 0; r < TAP_REASON_COUNT; r++)
        if (n->gap_by[r])
            cJSON_AddNumberToObject(by, tap_reason_name(r), (double)n->gap_by[r]);
    return by;
}

static cJSON *keys_json(const struct tap_node_stats *n)
{
    cJSON *names = cJSON_CreateArray();
    const char *keys[TAP_REASON_COUNT];
    size_t count = limiting_keys(n, keys);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(names, cJSON_CreateString(keys[i]));
    return names;
}

static cJSON *node_json(const struct tap_session *session, size_t index,
                        const struct tap_node_stats *n)
{
    cJSON *o = cJSON_CreateObject(), *by = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "node", n->name);
    cJSON_AddStringToObject(o, "release", n->release);
    cJSON_AddStringToObject(o, "state", state_name(n->state));
    cJSON_AddBoolToObject(o, "final", n->final);
    cJSON_AddNumberToObject(o, "produced", (double)n->produced);
    cJSON_AddNumberToObject(o, "received", (double)n->received);
    cJSON_AddNumberToObject(o, "lost", (double)n->lost);
    for (unsigned r = 0; r < TAP_REASON_COUNT; r++)
        if (n->lost_by[r])
            cJSON_AddNumberToObject(by, tap_reason_name(r), (double)n->lost_by[r]);
    cJSON_AddItemToObject(o, "lost_by", by);
    if (!is_exact(n) && n->produced)
        cJSON_AddNumberToObject(o, "unknown_after", (double)n->last_seq);
    cJSON_AddNumberToObject(o, "gap_ns", (double)n->gap_ns);
    cJSON_AddItemToObject(o, "gap_by", gaps_json(n));
    cJSON_AddItemToObject(o, "limited_by", keys_json(n));
    cJSON_AddNumberToObject(o, "clock_skew_ns", (double)n->clock_skew);
    cJSON_AddNumberToObject(o, "clock_error_ns", (double)n->clock_error);
    cJSON_AddNumberToObject(o, "lives", n->incarnations);
    cJSON_AddItemToObject(o, "without_returns", returns_off_json(session, index));
    cJSON_AddStringToObject(o, "left_out", n->left_out);
    return o;
}

static cJSON *sink_json(const struct tap_sink_stats *s)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "sink", s->section);
    cJSON_AddBoolToObject(o, "failed", s->failed);
    cJSON_AddNumberToObject(o, "written", (double)s->written);
    cJSON_AddNumberToObject(o, "filtered", (double)s->filtered);
    cJSON_AddNumberToObject(o, "lost", (double)s->lost);
    cJSON_AddNumberToObject(o, "lost_before", (double)s->lost_before);
    cJSON_AddNumberToObject(o, "bytes", (double)s->bytes);
    return o;
}

/* {"sink:csv": {"truncated": 3}} */
static cJSON *counters_json(const struct tap_session *session)
{
    cJSON *all = cJSON_CreateObject();
    const char *section, *name;
    int64_t value;
    for (size_t i = 0; tap_session_counter(session, i, &section, &name, &value); i++) {
        cJSON *one = cJSON_GetObjectItemCaseSensitive(all, section);
        if (!one)
            one = cJSON_AddObjectToObject(all, section);
        cJSON_AddNumberToObject(one, name, (double)value);
    }
    return all;
}

bool tap_summary_json(const struct tap_session *session, const struct tap_run_figures *f, int code,
                      FILE *out)
{
    cJSON *all = cJSON_CreateObject();
    cJSON *nodes = cJSON_AddArrayToObject(all, "nodes"),
          *sinks = cJSON_AddArrayToObject(all, "sinks");
    for (size_t i = 0; i < f->node_count; i++)
        if (f->nodes[i].state != TAP_NODE_SAME)
            cJSON_AddItemToArray(nodes, node_json(session, i, &f->nodes[i]));
    for (size_t i = 0; i < f->sink_count; i++)
        cJSON_AddItemToArray(sinks, sink_json(&f->sinks[i]));
    tap_summary_flows_json(session, all);
    tap_summary_window_json(session, all);
    cJSON_AddItemToObject(all, "counters", counters_json(session));
    cJSON_AddNumberToObject(all, "elapsed_ns", (double)tap_session_elapsed(session));
    cJSON_AddNumberToObject(all, "exit", code);
    char *text = cJSON_Print(all);
    cJSON_Delete(all);
    if (!text) {
        fputs("beamtap: out of memory for the summary\n", stderr);
        return false;
    }
    fprintf(out, "%s\n", text);
    free(text);
    return true;
}
