/* trial_host.c: the host table of a trial: it does what the core's does (session/host.c), and
 * counts what the plugin says, so that it can be compared with what it did.
 */
#include "cli/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/event_names.h"
#include "base/sized.h"
#include "term/print.h"

#define STARTED INT64_C(1700000000000000000) /* when the run began, ns since the epoch */

static struct tap_trial_host *own(const struct tap_host *host)
{
    return (struct tap_trial_host *)(uintptr_t)host;
}

/* ---- For every kind */

static void trial_log(const struct tap_host *host, enum tap_log_level level, const char *format,
                      ...)
{
    char text[2048];
    va_list args;
    (void)level;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    char *logged = own(host)->trial->shared->logged;
    if (!logged[0])
        snprintf(logged, sizeof own(host)->trial->shared->logged, "%.250s", text);
    if (n > 0 && (size_t)n < sizeof text && text[n - 1] == '\n')
        tap_trial_finds(own(host)->trial, "a line of its log ends with a newline: %s", text);
}

static void take_cause(struct tap_trial_host *h, const char *format, va_list args)
{
    vsnprintf(h->cause, sizeof h->cause, format, args);
    h->causes++;
    if (!h->cause[0])
        tap_trial_finds(h->trial, "it fails with an empty sentence");
}

static enum tap_status trial_fail(const struct tap_host *host, enum tap_status status,
                                  const char *file, int line, const char *format, ...)
{
    va_list args;
    (void)file, (void)line;
    va_start(args, format);
    take_cause(own(host), format, args);
    va_end(args);
    return status;
}

static enum tap_status trial_fail_at(const struct tap_host *host, const struct tap_text *where,
                                     size_t offset, const char *format, ...)
{
    va_list args;
    if (offset > strlen(where->text))
        tap_trial_finds(own(host)->trial, "fail_at is given the place %zu in a text of %zu bytes",
                        offset, strlen(where->text));
    va_start(args, format);
    take_cause(own(host), format, args);
    va_end(args);
    return TAP_INVALID;
}

static uint32_t trial_intern(const struct tap_host *host, const char *text, size_t len)
{
    return tap_intern_name(own(host)->intern, text, len);
}

static const struct tap_print *print_of(const struct tap_print *asked, struct tap_print *known)
{
    static const struct tap_print plain = {.struct_size = sizeof plain};
    return asked && TAP_SIZED_READ(known, asked, max_items) ? known : &plain;
}

static size_t trial_term(const struct tap_host *host, char *dst, size_t cap, const uint8_t *term,
                         size_t len, const struct tap_print *how)
{
    struct tap_print known;
    return tap_term_print(host->names, dst, cap, term, len, print_of(how, &known));
}

static size_t trial_arguments(const struct tap_host *host, char *dst, size_t cap,
                              const uint8_t *list, size_t len, const char *separator,
                              const struct tap_print *how)
{
    struct tap_print known;
    return tap_arguments_print(host->names, dst, cap, list, len, separator, print_of(how, &known));
}

static size_t trial_pid(const struct tap_host *host, char *dst, size_t cap,
                        const struct tap_pid *pid, const struct tap_print *how)
{
    struct tap_print known;
    return tap_pid_print(host->names, dst, cap, pid, print_of(how, &known));
}

static size_t trial_peer(const struct tap_host *host, char *dst, size_t cap,
                         const struct tap_batch *batch, const struct tap_event *e,
                         const struct tap_print *how)
{
    struct tap_print known;
    return tap_peer_print(host->names, dst, cap, batch, e, print_of(how, &known));
}

static const struct tap_node *trial_node(const struct tap_host *host, uint32_t index)
{
    return index < 2 ? &own(host)->nodes[index] : NULL;
}

static void trial_count(const struct tap_host *host, const char *name, int64_t n)
{
    (void)n;
    if (!name || !*name)
        tap_trial_finds(own(host)->trial, "it counts a figure that has no name");
}

/* ---- For sinks */

static void trial_written(const struct tap_host *host, uint64_t events, uint64_t bytes)
{
    struct tap_trial_host *h = own(host);
    if (events > h->given - h->written) {
        tap_trial_finds(h->trial,
                        "it says that it wrote more events than it was given: %llu more, of which "
                        "%llu were left to write",
                        (unsigned long long)events, (unsigned long long)(h->given - h->written));
        events = h->given - h->written;
    }
    h->written += events;
    h->bytes += bytes;
}

static struct tap_trial_batch *batch_of(struct tap_trial_host *h, const struct tap_batch *batch)
{
    for (size_t i = 0; i < h->batch_count; i++)
        if (h->batches[i]->batch == batch)
            return h->batches[i];
    return NULL;
}

static void trial_hold(const struct tap_host *host, const struct tap_batch *batch)
{
    struct tap_trial_batch *b = batch_of(own(host), batch);
    if (b && (b->lent || b->held))
        b->held++;
    else
        tap_trial_finds(own(host)->trial, "it holds a batch that it was not given");
}

static void trial_release(const struct tap_host *host, const struct tap_batch *batch)
{
    struct tap_trial_batch *b = batch_of(own(host), batch);
    if (!b || !b->held) {
        tap_trial_finds(own(host)->trial, "it releases a batch that it does not hold");
        return;
    }
    if (--b->held == 0 && !b->lent)
        tap_region_set(b->region, TAP_REGION_GONE);
}

static bool trial_ending(const struct tap_host *host)
{
    (void)host;
    return true; /* whatever it waits for does not come */
}

unsigned tap_trial_host_held(const struct tap_trial_host *h)
{
    unsigned held = 0;
    for (size_t i = 0; i < h->batch_count; i++)
        held += h->batches[i]->held;
    return held;
}

bool tap_trial_host_knows(struct tap_trial_host *h, struct tap_trial_batch *batch)
{
    if (batch_of(h, batch->batch))
        return true;
    struct tap_trial_batch **more = realloc(h->batches, (h->batch_count + 1) * sizeof *more);
    if (!more)
        return false;
    h->batches = more;
    h->batches[h->batch_count++] = batch;
    return true;
}

/* ---- Its life */

/* What a filter claims is the plan's, and no business of a trial. */
static void claim_function(struct tap_claim *claim, const struct tap_plan_function *f)
{
    (void)claim, (void)f;
}
static void claim_process(struct tap_claim *claim, const struct tap_plan_process *p)
{
    (void)claim, (void)p;
}
static void claim_message(struct tap_claim *claim, const struct tap_plan_message *m)
{
    (void)claim, (void)m;
}

static const struct tap_filter_host filter_table = {.struct_size = sizeof filter_table,
                                                    .claim_function = claim_function,
                                                    .claim_process = claim_process,
                                                    .claim_send = claim_message,
                                                    .claim_receive = claim_message};
static const struct tap_sink_host sink_table = {.struct_size = sizeof sink_table,
                                                .written = trial_written,
                                                .hold = trial_hold,
                                                .release = trial_release,
                                                .ending = trial_ending};

static void fill_table(struct tap_trial_host *h)
{
    h->sink = sink_table;
    h->table = (struct tap_host){.struct_size = sizeof h->table,
                                 .abi_minor = TAP_ABI_MINOR,
                                 .names = tap_intern_names(h->intern),
                                 .run_info = &h->run_info,
                                 .plan = &h->plan,
                                 .log = trial_log,
                                 .fail = trial_fail,
                                 .fail_at = trial_fail_at,
                                 .intern = trial_intern,
                                 .term_print = trial_term,
                                 .arguments_print = trial_arguments,
                                 .pid_print = trial_pid,
                                 .peer_print = trial_peer,
                                 .kind_name = tap_kind_name,
                                 .reason_name = tap_reason_name,
                                 .reason_key = tap_reason_key,
                                 .node = trial_node,
                                 .count = trial_count};
    if (h->trial->kind == TAP_PLUGIN_SINK)
        h->table.sink = &h->sink;
    else
        h->table.filter = &filter_table;
}

struct tap_trial_host *tap_trial_host_new(struct tap_trial *t)
{
    static const char *const names[2] = {"shop@web1", "till@web2"};
    struct tap_trial_host *h = calloc(1, sizeof *h);
    if (!h || !(h->intern = tap_intern_new(0))) {
        free(h);
        return NULL;
    }
    h->trial = t;
    h->run_info = (struct tap_run_info){.struct_size = sizeof h->run_info,
                                        .run = "0123456789abcdef",
                                        .version = TAP_VERSION,
                                        .started = STARTED,
                                        .config = "[session]\nnodes = shop@web1, till@web2\n",
                                        .several_nodes = true,
                                        .events = (TAP_KIND_BIT(TAP_KIND_USER_LAST) << 1) - 1};
    h->plan.struct_size = sizeof h->plan;
    for (uint32_t i = 0; i < 2; i++)
        h->nodes[i] =
            (struct tap_node){.struct_size = sizeof h->nodes[i],
                              .index = i,
                              .name_id = tap_intern_name(h->intern, names[i], strlen(names[i])),
                              .name = names[i],
                              .release = i ? "27" : "25",
                              .printable_unicode = i};
    fill_table(h);
    return h;
}

void tap_trial_host_free(struct tap_trial_host *h)
{
    if (!h)
        return;
    tap_intern_free(h->intern);
    free(h->batches);
    free(h);
}
