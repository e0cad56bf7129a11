/* print_plan.c: the plan for people: what the nodes will be asked for, in the words of the
 * configuration, and the match specs that are made of them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/event_names.h"
#include "names/intern.h"
#include "config/option_value.h"
#include "plan/node_spec.h"
#include "plan/plan.h"
#include "term/print.h"

#define INDENT "             "

/* As the node is given it; what is no spec, and what no node is given, as it is. */
static void print_spec(enum tap_spec_target target, bool given, const uint8_t *spec, size_t len,
                       uint32_t flags, FILE *out)
{
    struct tap_print how = {.syntax = TAP_PRINT_ERLANG};
    struct tap_intern *intern = tap_intern_new(0);
    const struct tap_names *names = intern ? tap_intern_names(intern) : NULL;
    struct tap_buf node = {0};
    size_t skip = len > 0 && spec[0] == TAP_EXT_VERSION;
    const uint8_t *term = spec + skip;
    len -= skip;
    if (given && tap_node_spec_write(&node, target, term, len, flags))
        term = node.data, len = node.len;
    size_t need = names ? tap_term_print(names, NULL, 0, term, len, &how) : 0;
    char *text = malloc(need + 1);
    if (text && need) {
        tap_term_print(names, text, need, term, len, &how);
        fprintf(out, INDENT "    %.*s\n", (int)need, text);
    }
    free(text);
    tap_buf_free(&node);
    tap_intern_free(intern);
}

/* A row of a table: the first has the title. */
static void print_title(const char *title, size_t i, FILE *out)
{
    fprintf(out, "%-*s", (int)strlen(INDENT), i == 0 ? title : "");
}

static void print_flags(uint32_t flags, FILE *out)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } names[] = {{TAP_PLAN_RETURN, "return"},
                 {TAP_PLAN_EXCEPTION, "exception"},
                 {TAP_PLAN_CALLER, "caller"},
                 {TAP_PLAN_STACK, "stack"}};
    const char *before = " -> ";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!(flags & names[i].flag))
            continue;
        fprintf(out, "%s%s", before, names[i].name);
        before = ", ";
    }
}

static void print_counters(const struct tap_plan *plan, FILE *out)
{
    const char *before = "";
    print_title("counters", 0, out);
    for (unsigned i = 0; tap_counter_name(i); i++)
        if (plan->counters & 1u << i) {
            fprintf(out, "%s%s", before, tap_counter_name(i));
            before = ", ";
        }
    if (plan->interval)
        fprintf(out, ", read each %" PRId64 " ms and at the end\n", plan->interval / 1000000);
    else
        fputs(", read at the end\n", out);
}

static const char *beyond(uint32_t flags, bool replays)
{
    return flags & TAP_PLAN_EXACT || replays ? "" : "  (more than is written: filtered after)";
}

static void print_functions(const struct tap_plan *plan, bool replays, FILE *out)
{
    uint32_t all = (plan->events & TAP_KIND_BIT(TAP_FUNCTION_RETURN) ? TAP_PLAN_RETURN : 0) |
                   (plan->events & TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION) ? TAP_PLAN_EXCEPTION : 0);
    for (size_t i = 0; i < plan->function_count; i++) {
        const struct tap_plan_function *f = plan->functions[i];
        print_title("functions", i, out);
        fputs(f->module ? f->module : "*", out);
        if (f->function || f->arity >= 0)
            fprintf(out, ":%s", f->function ? f->function : "*");
        if (f->arity >= 0)
            fprintf(out, "/%d", f->arity);
        print_flags(f->flags, out);
        fprintf(out, "%s\n", beyond(f->flags, replays));
        if (f->spec_len)
            print_spec(TAP_SPEC_CALLS, !replays, f->spec, f->spec_len, f->flags | all, out);
    }
    bool calls =
        plan->events & (TAP_KIND_BIT(TAP_FUNCTION_CALL) | TAP_KIND_BIT(TAP_FUNCTION_RETURN) |
                        TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION));
    if ((calls || plan->counters) && plan->function_count == 0) {
        print_title("functions", 0, out);
        fprintf(out, "all%s\n",
                plan->include_otp || replays ? "" : ", without those of Erlang/OTP and Elixir");
    }
    if (replays)
        return;
    if (plan->counters)
        print_counters(plan, out);
    if (plan->collect != TAP_COLLECT_PROCESS) {
        print_title("collect", 0, out);
        fputs(plan->collect == TAP_COLLECT_NATIVE
                  ? "native: C code is loaded into the nodes' VMs\n"
                  : "native where it can be had (C code in the node's VM), else by a process\n",
              out);
    }
    if (calls && plan->arity_only) {
        print_title("arguments", 0, out);
        fputs("no, the arity alone\n", out);
    }
}

static void print_processes(const struct tap_plan *plan, bool replays, FILE *out)
{
    static const char *const forms[] = {
        [TAP_PROCESS_PID] = "%s",
        [TAP_PROCESS_NAME] = "%s",
        [TAP_PROCESS_NEW] = "those to come",
        [TAP_PROCESS_TREE_PID] = "%s and what it spawns",
        [TAP_PROCESS_TREE_NAME] = "%s and what it spawns",
    };
    /* as agent/plan.hrl has them: each that a node's log may name stands here */
    static const char *const all[] = {
        "all, and those to come, without those that carry the trace: beamtap's,",
        "the node's connections (net_kernel, net_sup, auth, erl_epmd), the calls that",
        "come over them (rex), and its code (code_server, erl_prim_loader, init,",
        "erts_code_purger and others of the VM's own, called erts_...)",
    };
    if (replays && plan->process_count == 0)
        fprintf(out, "%-*sall\n", (int)strlen(INDENT), "processes");
    for (size_t i = 0; i < plan->process_count; i++) {
        const struct tap_plan_process *p = plan->processes[i];
        const char *form = forms[p->type], *hole = strstr(form, "%s");
        print_title("processes", i, out);
        fprintf(out, "%s%s%s\n", hole ? p->text : "", hole ? hole + 2 : form,
                beyond(p->flags, replays));
    }
    for (size_t i = 0; plan->process_count == 0 && !replays && i < sizeof all / sizeof *all; i++) {
        print_title("processes", i, out);
        fprintf(out, "%s\n", all[i]);
    }
}

static void print_messages(const char *title, enum tap_spec_target target, bool given,
                           const struct tap_plan_message *const *messages, size_t n, FILE *out)
{
    if (n == 0)
        return;
    print_title(title, 0, out);
    fputs("where\n", out);
    for (size_t i = 0; i < n; i++)
        print_spec(target, given, messages[i]->spec, messages[i]->spec_len, 0, out);
}

static const char *number(enum tap_option_type type, uint32_t flags, int64_t value, char *dst,
                          size_t cap)
{
    struct tap_option option = {.type = type, .flags = flags};
    tap_option_number_print(&option, value, dst, cap);
    return dst;
}

static void print_limits(const struct tap_plan *plan, unsigned transport, FILE *out)
{
    static const char *const overload[] = {"pause", "drop", "stop"};
    bool replays = transport & TAP_PLUGIN_REPLAYS;
    char n[64];
    print_title("duration", 0, out);
    fprintf(out, "%s\n",
            plan->duration ? number(TAP_OPT_DURATION, 0, plan->duration, n, sizeof n)
            : replays      ? "to its end"
                           : "until SIGINT");
    if (replays && !(transport & TAP_PLUGIN_LIMITS))
        return;
    print_title("limits", 0, out);
    fprintf(out, "%s events a node",
            plan->max_events ? number(TAP_OPT_SIZE, 0, plan->max_events, n, sizeof n) : "no");
    if (replays) {
        fputs(plan->max_events ? ", then no more of it is read\n" : " limit\n", out);
        return;
    }
    if (!plan->max_events)
        fputs(" limit", out);
    if (plan->max_rate)
        fprintf(out, ", %s events a second and node",
                number(TAP_OPT_SIZE, 0, plan->max_rate, n, sizeof n));
    fprintf(out, "\n" INDENT "%s bytes an event",
            number(TAP_OPT_SIZE, TAP_OPT_BYTES, plan->max_term, n, sizeof n));
    fprintf(out, ", %s messages", number(TAP_OPT_SIZE, 0, plan->max_queue, n, sizeof n));
    fprintf(out, " and %s bytes in the relay, then %s\n",
            number(TAP_OPT_SIZE, TAP_OPT_BYTES, plan->max_memory, n, sizeof n),
            overload[plan->overload]);
    print_title("lease", 0, out);
    fprintf(out, "%s\n", number(TAP_OPT_DURATION, 0, plan->lease, n, sizeof n));
}

void tap_plan_print(const struct tap_plan *plan, unsigned transport, FILE *out)
{
    bool replays = transport & TAP_PLUGIN_REPLAYS;
    for (size_t i = 0; i < plan->node_count; i++) {
        print_title("nodes", i, out);
        uint16_t own = plan->node_ports ? plan->node_ports[i] : 0, port = own ? own : plan->port;
        fprintf(out, port ? "%s, port %u\n" : "%s\n", plan->nodes[i].text, port);
    }
    print_title("events", 0, out);
    const char *before = "";
    for (unsigned k = 0; k <= TAP_KIND_USER_LAST; k++) {
        if (plan->events & TAP_KIND_BIT(k)) {
            fprintf(out, "%s%s", before, tap_event_name(k));
            before = ", ";
        }
    }
    fputc('\n', out);
    print_functions(plan, replays, out);
    print_processes(plan, replays, out);
    print_messages("sends", TAP_SPEC_SENDS, !replays, plan->sends, plan->send_count, out);
    print_messages("receives", TAP_SPEC_RECEIVES, !replays, plan->receives, plan->receive_count,
                   out);
    print_limits(plan, transport, out);
    const char *advice;
    for (size_t i = 0; !replays && (advice = tap_plan_advice(plan, i)); i++) {
        print_title("note", i, out);
        fprintf(out, "%s\n", advice);
    }
}
