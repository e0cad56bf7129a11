/* session.c: see session.h. */
#include "sinks/record/session.h"

#include "sinks/common/call_rules.h"

static void write_events(const struct tap_host *host, struct tap_buf *b)
{
    uint32_t events = host->run_info->events;
    if (events)
        tap_write_list(b, (uint32_t)__builtin_popcount(events));
    for (unsigned k = 0; k < 32; k++)
        if (events & TAP_KIND_BIT(k))
            tap_write_atom(b, host->kind_name(k));
    tap_write_nil(b);
}

static void write_text(struct tap_buf *b, const char *text)
{
    if (text)
        tap_write_binary(b, text, strlen(text));
    else
        tap_write_atom(b, "_");
}

static void write_function(struct tap_buf *b, const struct tap_plan_function *f)
{
    tap_write_tuple(b, 3);
    write_text(b, f->module);
    write_text(b, f->function);
    tap_write_i64(b, f->arity);
}

/* Of this run, or of the one that is played. */
static void write_returned(const struct tap_host *host, struct tap_buf *b)
{
    const struct tap_plan *plan = host->plan;
    const struct tap_run_info *run = host->run_info;
    size_t n = run->returned_count;
    for (size_t i = 0; i < plan->function_count; i++)
        n += tap_returns_wanted(plan->functions[i]);
    if (n)
        tap_write_list(b, (uint32_t)n);
    for (size_t i = 0; i < plan->function_count; i++)
        if (tap_returns_wanted(plan->functions[i]))
            write_function(b, plan->functions[i]);
    for (size_t i = 0; i < run->returned_count; i++)
        write_function(b, &run->returned[i]);
    tap_write_nil(b);
}

void tap_record_session(const struct tap_host *host, struct tap_buf *b)
{
    const struct tap_run_info *s = host->run_info;
    tap_write_tuple(b, 2);
    tap_write_atom(b, "session");
    tap_write_map(b, 7);
    tap_write_atom(b, "version");
    tap_write_binary(b, s->version, strlen(s->version));
    tap_write_atom(b, "run");
    tap_write_binary(b, s->run, strlen(s->run));
    tap_write_atom(b, "started");
    tap_write_i64(b, s->started);
    tap_write_atom(b, "several_nodes");
    tap_write_atom(b, s->several_nodes ? "true" : "false");
    tap_write_atom(b, "events");
    write_events(host, b);
    tap_write_atom(b, "returns");
    write_returned(host, b);
    tap_write_atom(b, "config");
    tap_write_binary(b, s->config, strlen(s->config));
}
