/* summary_flows.c: what became of the messages: how many sends and receives were paired, and why the others were not. */
#include <cjson/cJSON.h>
#include <inttypes.h>

#include "flow.h"
#include "run.h"

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
    FLOW(sends_evicted, "sends given up"),
    FLOW(to_ports, "sends to ports"),
    FLOW(to_nobody, "sends to nobody"),
    FLOW(receives_open, "receives without a send"),
    FLOW(receives_evicted, "receives given up"),
    FLOW(no_sender, "receives that no process sent"),
};
#define FLOW_ROWS (sizeof flow_rows / sizeof flow_rows[0])

static uint64_t flow_value(const struct tap_flow_stats *stats, size_t row)
{
    return *(const uint64_t *)(const void *)((const char *)stats + flow_rows[row].offset);
}

void tap_summary_flows(const struct tap_engine *engine, FILE *out)
{
    struct tap_flow_stats stats;
    const char *before = "messages: ";
    if (!tap_engine_flows(engine, &stats))
        return;
    for (size_t i = 0; i < FLOW_ROWS; i++) {
        if (i > 0 && !flow_value(&stats, i))
            continue;
        fprintf(out, "%s%s %" PRIu64, before, flow_rows[i].text, flow_value(&stats, i));
        before = ", ";
    }
    fputc('\n', out);
}

void tap_summary_flows_json(const struct tap_engine *engine, struct cJSON *all)
{
    struct tap_flow_stats stats;
    if (!tap_engine_flows(engine, &stats))
        return;
    cJSON *flows = cJSON_AddObjectToObject(all, "messages");
    for (size_t i = 0; i < FLOW_ROWS; i++)
        cJSON_AddNumberToObject(flows, flow_rows[i].name, (double)flow_value(&stats, i));
}
