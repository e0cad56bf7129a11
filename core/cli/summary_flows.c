/* summary_flows.c: what became of the messages: how many sends and receives were paired, and why
 * the others were not; and how the events of several nodes came into one order. */
#include <cjson/cJSON.h>
#include <inttypes.h>

#include "correlate/flow.h"
#include "correlate/gen_calls.h"
#include "correlate/settle.h"
#include "cli/run.h"
#include "syntax/number.h"

/* What became of messages, one row a reason. */
struct flow_row {
    const char *name, *text;
    size_t offset;
};
#define FLOW(field, text)                                    \
    {                                                        \
#field, text, offsetof(struct tap_flow_stats, field) \
    }
static const struct flow_row flow_rows[] = {
    FLOW(paired, "paired"),
    FLOW(sends_open, "sends without a receive"),
    FLOW(sends_unseen, "of these to processes that are not traced"),
    FLOW(sends_cut, "of these above max_term, and not to be told from others"),
    FLOW(sends_evicted, "sends given up"),
    FLOW(to_ports, "sends to ports"),
    FLOW(to_nobody, "sends to nobody"),
    FLOW(receives_open, "receives without a send"),
    FLOW(receives_unseen, "of these from processes that are not traced"),
    FLOW(receives_cut, "of these above max_term, and not to be told from others"),
    FLOW(receives_evicted, "receives given up"),
    FLOW(no_sender, "receives that no process sent"),
};
#define FLOW_ROWS (sizeof flow_rows / sizeof flow_rows[0])

static uint64_t flow_value(const struct tap_flow_stats *stats, size_t row)
{
    return *(const uint64_t *)(const void *)((const char *)stats + flow_rows[row].offset);
}

static struct tap_number_text milliseconds(int64_t ns)
{
    return tap_number_print(ns, 1000000, 3);
}

static void print_order(const struct tap_session *session, FILE *out)
{
    struct tap_settle_stats s;
    uint64_t late;
    if (!tap_session_order(session, &late, &s) || !(late || s.moved))
        return;
    fprintf(out, "order: %" PRIu64 " events came too late for their place (reorder)", late);
    if (s.moved)
        fprintf(out, ", %" PRIu64 " were moved behind their cause, at most %s ms", s.moved,
                milliseconds(s.moved_most).text);
    fputc('\n', out);
}

static void print_gen(const struct tap_session *session, FILE *out)
{
    struct tap_gen_stats s;
    if (!tap_session_gen(session, &s) || !(s.calls || s.casts || s.replies))
        return;
    fprintf(out, "gen: calls %" PRIu64 ", casts %" PRIu64 ", replies %" PRIu64, s.calls, s.casts,
            s.replies);
    if (s.took_most)
        fprintf(out, " after %s ms on average, %s ms at most",
                milliseconds((int64_t)(s.took / s.replies)).text,
                milliseconds((int64_t)s.took_most).text);
    fputc('\n', out);
}

void tap_summary_flows(const struct tap_session *session, FILE *out)
{
    struct tap_flow_stats stats;
    const char *before = "messages: ";
    print_order(session, out);
    print_gen(session, out);
    if (!tap_session_flows(session, &stats))
        return;
    for (size_t i = 0; i < FLOW_ROWS; i++) {
        if (i > 0 && !flow_value(&stats, i))
            continue;
        fprintf(out, "%s%s %" PRIu64, before, flow_rows[i].text, flow_value(&stats, i));
        before = ", ";
    }
    fputc('\n', out);
}

void tap_summary_flows_json(const struct tap_session *session, struct cJSON *all)
{
    struct tap_flow_stats stats;
    struct tap_settle_stats order;
    uint64_t late;
    struct tap_gen_stats gen;
    if (tap_session_gen(session, &gen)) {
        cJSON *o = cJSON_AddObjectToObject(all, "gen");
        cJSON_AddNumberToObject(o, "calls", (double)gen.calls);
        cJSON_AddNumberToObject(o, "casts", (double)gen.casts);
        cJSON_AddNumberToObject(o, "replies", (double)gen.replies);
        cJSON_AddNumberToObject(o, "took_ns", (double)gen.took);
        cJSON_AddNumberToObject(o, "took_most_ns", (double)gen.took_most);
    }
    if (tap_session_order(session, &late, &order)) {
        cJSON *o = cJSON_AddObjectToObject(all, "order");
        cJSON_AddNumberToObject(o, "late", (double)late);
        cJSON_AddNumberToObject(o, "moved", (double)order.moved);
        cJSON_AddNumberToObject(o, "moved_most_ns", (double)order.moved_most);
    }
    if (!tap_session_flows(session, &stats))
        return;
    cJSON *flows = cJSON_AddObjectToObject(all, "messages");
    for (size_t i = 0; i < FLOW_ROWS; i++)
        cJSON_AddNumberToObject(flows, flow_rows[i].name, (double)flow_value(&stats, i));
}
