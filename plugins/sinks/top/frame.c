/* frame.c: what the tables held at one moment. Rows are copied under the lock; what they are called
 * is looked up when they are shown, for there are many more rows than lines.
 */
#include "sinks/top/top.h"

const struct top_table top_tables[TOP_VIEWS] = {
    [TOP_FUNCTIONS] = {"functions",
                       "FUNCTION",
                       6,
                       0,
                       {{"CALLS/S", TOP_RATE},
                        {"CALLS", TOP_COUNT},
                        {"TOTAL", TOP_TIME},
                        {"MEAN", TOP_TIME},
                        {"MAX", TOP_TIME},
                        {"THROWN", TOP_COUNT}}},
    [TOP_PROCESSES] = {"processes",
                       "PROCESS",
                       7,
                       0,
                       {{"EVENTS/S", TOP_RATE},
                        {"EVENTS", TOP_COUNT},
                        {"CALLS", TOP_COUNT},
                        {"SENT", TOP_COUNT},
                        {"RECEIVED", TOP_COUNT},
                        {"MAILBOX", TOP_COUNT},
                        {"LONGEST", TOP_COUNT}}},
    [TOP_PAIRS] = {"pairs", "FROM -> TO", 2, 0, {{"MSGS/S", TOP_RATE}, {"MESSAGES", TOP_COUNT}}},
    [TOP_CALLS] =
        {"gen calls",
         "REQUEST, CALLER -> SERVER",
         4,
         1,
         {{"STATE", TOP_STATE}, {"TOOK", TOP_TIME}, {"WAITED", TOP_TIME}, {"HANDLED", TOP_TIME}}},
};

/* Thousandths a second. */
static uint64_t rate(uint64_t count, int64_t since)
{
    return since > 0 ? (uint64_t)((double)count * 1e12 / (double)since) : 0;
}

/* How much more it is than in the frame before, a second. */
static uint64_t rate_of(struct top_before *b, uint32_t index, uint64_t count, int64_t since)
{
    uint64_t before = b->counts[index];
    b->counts[index] = count;
    return rate(count - before, since);
}

static bool before_room(struct top_before *b, uint32_t count)
{
    if (count <= b->count)
        return true;
    uint64_t *more = realloc(b->counts, count * sizeof *more);
    if (!more)
        return false;
    memset(more + b->count, 0, (count - b->count) * sizeof *more);
    b->counts = more;
    b->count = count;
    return true;
}

static uint64_t known(int64_t ns)
{
    return ns < 0 ? TOP_UNKNOWN : (uint64_t)ns;
}

/* ---- One row of each */

static bool function_row(struct top *t, struct top_row *r, int64_t since)
{
    const struct tap_call_function *f = &t->times.functions[r->index];
    bool timed = f->lengths.count > 0;
    r->cell[0] = rate_of(&t->before[TOP_FUNCTIONS], r->index, f->calls, since);
    r->cell[1] = f->calls;
    r->cell[2] = timed ? (uint64_t)f->total : TOP_UNKNOWN;
    r->cell[3] = timed ? (uint64_t)f->total / f->lengths.count : TOP_UNKNOWN;
    r->cell[4] = timed ? (uint64_t)f->lengths.max : TOP_UNKNOWN;
    r->cell[5] = f->thrown;
    return f->calls || f->returned || f->thrown;
}

/* Of a profile's rows those of functions. Its time is the function's own. */
static bool counted_row(struct top *t, struct top_row *r, int64_t since)
{
    const struct tap_counted_sum *c = &t->counted.rows[r->index];
    bool timed = t->counted.counts & TAP_COUNT_TIME;
    uint64_t calls = (uint64_t)c->calls;
    r->cell[0] = rate_of(&t->before_counted, r->index, calls, since);
    r->cell[1] = calls;
    r->cell[2] = timed ? (uint64_t)c->ns : TOP_UNKNOWN;
    r->cell[3] = timed && calls ? (uint64_t)c->ns / calls : TOP_UNKNOWN;
    r->cell[4] = TOP_UNKNOWN;
    r->cell[5] = TOP_UNKNOWN;
    r->index |= TOP_COUNTED;
    return !c->is_process;
}

/* When it is; 0: nothing was seen yet. */
static int64_t now_of(const struct top *t)
{
    return t->last ? t->last + (t->file ? 0 : top_now() - t->last_seen) : 0;
}

/* Is the length that was told last still one? */
static bool is_there(const struct top *t, const struct top_process *p)
{
    int64_t round = t->host->plan->mailbox, since = now_of(t) - p->told_at;
    bool late = round > 0 && since > TOP_TOLD * round + 5 * TOP_SECOND;
    return p->measured && p->told_at > p->ended && !late &&
           (p->node >= t->node_count || t->nodes[p->node].told - p->told < TOP_TOLD);
}

static bool process_row(struct top *t, struct top_row *r, int64_t since)
{
    const struct top_process *p = &t->processes[r->index];
    r->cell[0] = rate_of(&t->before[TOP_PROCESSES], r->index, p->events, since);
    r->cell[1] = p->events;
    r->cell[2] = p->calls;
    r->cell[3] = p->sent;
    r->cell[4] = p->received;
    bool there = is_there(t, p);
    r->cell[5] = there ? p->mailbox : TOP_UNKNOWN;
    r->cell[6] = p->measured ? p->longest : TOP_UNKNOWN;
    return p->events || (there && p->mailbox);
}

static bool pair_row(struct top *t, struct top_row *r, int64_t since)
{
    r->cell[0] = rate_of(&t->before[TOP_PAIRS], r->index, t->pairs[r->index].messages, since);
    r->cell[1] = t->pairs[r->index].messages;
    return r->cell[1] > 0;
}

/* ---- All of them */

/* Behind those that the view has already. */
static bool take_rows(struct top *t, struct top_frame *f, enum top_view v,
                      struct top_before *before, uint32_t count,
                      bool (*row)(struct top *, struct top_row *, int64_t), int64_t since)
{
    struct top_row *rows = realloc(f->rows[v], ((size_t)f->count[v] + count + 1) * sizeof *rows);
    f->rows[v] = rows ? rows : f->rows[v];
    if (!rows || !before_room(before, count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct top_row *r = &f->rows[v][f->count[v]];
        r->index = i;
        f->count[v] += row(t, r, since);
    }
    return true;
}

static void add_call(struct top_frame *f, const struct tap_server_call *c, int64_t now)
{
    uint32_t at = f->count[TOP_CALLS]++;
    struct top_row *r = &f->rows[TOP_CALLS][at];
    int64_t lasts = now > c->sent ? now - c->sent : 0;
    f->calls[at] = *c;
    r->index = at;
    r->cell[0] = !c->done;
    r->cell[1] = c->done ? known(tap_server_call_total(c)) : (uint64_t)lasts;
    /* what nobody took waits to this day */
    r->cell[2] = c->done || c->taken ? known(tap_server_call_waiting(c)) : (uint64_t)lasts;
    r->cell[3] = known(tap_server_call_handling(c));
}

/* Those that wait for their reply, and the slowest of the others. */
static bool take_calls(struct top *t, struct top_frame *f)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < TAP_SERVER_CALLS; i++)
        open += t->servers.at[i].key && t->servers.at[i].sent;
    f->rows[TOP_CALLS] = malloc((open + TOP_SLOWEST) * sizeof *f->rows[TOP_CALLS]);
    f->calls = malloc((open + TOP_SLOWEST) * sizeof *f->calls);
    if (!f->rows[TOP_CALLS] || !f->calls)
        return false;
    int64_t now = now_of(t);
    for (uint32_t i = 0; i < TAP_SERVER_CALLS; i++)
        if (t->servers.at[i].key && t->servers.at[i].sent)
            add_call(f, &t->servers.at[i], now);
    for (uint32_t i = 0; i < t->slow_count; i++)
        add_call(f, &t->slow[i], now);
    return true;
}

bool top_frame_take(struct top *t, struct top_frame *f, int64_t since)
{
    top_frame_free(f);
    pthread_mutex_lock(&t->lock);
    f->events = t->events;
    f->rate = rate(t->events - t->events_before, since);
    f->lost = t->lost;
    f->gap = t->gap;
    t->events_before = t->events;
    struct top_before *before = t->before;
    bool good =
        take_rows(t, f, TOP_FUNCTIONS, &before[TOP_FUNCTIONS], t->times.function_count,
                  function_row, since) &&
        take_rows(t, f, TOP_FUNCTIONS, &t->before_counted, t->counted.count, counted_row, since) &&
        take_rows(t, f, TOP_PROCESSES, &before[TOP_PROCESSES], t->process_count, process_row,
                  since) &&
        take_rows(t, f, TOP_PAIRS, &before[TOP_PAIRS], t->pair_count, pair_row, since) &&
        take_calls(t, f);
    pthread_mutex_unlock(&t->lock);
    if (!good)
        top_frame_free(f);
    return good;
}

void top_frame_free(struct top_frame *f)
{
    for (unsigned v = 0; v < TOP_VIEWS; v++)
        free(f->rows[v]);
    free(f->calls);
    *f = (struct top_frame){0};
}

/* ---- What they are called */

static void put(struct top *t, const char *text)
{
    tap_writer_put(&t->line, text, strlen(text));
}

static void put_pid(struct top *t, const struct tap_pid *pid, uint32_t node)
{
    struct tap_print print = TAP_SIZED(struct tap_print);
    if (!t->host->run_info->several_nodes)
        print.node_name = tap_sink_nodes_get(&t->names, t->host, node)->name_id;
    tap_writer_pid(&t->line, pid, &print);
}

static void put_process(struct top *t, uint32_t index)
{
    const struct top_process *p = &t->processes[index];
    if (!index) {
        put(t, "(others)");
        return;
    }
    if (tap_process_facts_put(&p->facts, &t->line))
        put(t, " ");
    put_pid(t, &p->pid, p->node);
}

static void put_atom(struct top *t, uint32_t id)
{
    size_t len;
    const char *text = tap_name_display(tap_name_get(t->host, id), &len);
    tap_writer_put(&t->line, text, len);
}

static void put_pair(struct top *t, const struct top_pair *p)
{
    put_process(t, p->from);
    put(t, " -> ");
    uint32_t *to = p->name ? NULL : tap_map_get(&t->process_at, tap_map_pid(&p->to), false);
    if (to) {
        put_process(t, *to);
    } else if (!p->name) {
        put_pid(t, &p->to, p->node);
    } else {
        put_atom(t, p->name);
        if (p->to.node) {
            put(t, "@");
            put_atom(t, p->to.node);
        }
    }
}

static void put_function(struct top *t, uint32_t index)
{
    const struct tap_counted_sum *c =
        index & TOP_COUNTED ? &t->counted.rows[index & ~TOP_COUNTED] : NULL;
    const struct tap_call_function *f = c ? NULL : &t->times.functions[index];
    if (c ? !c->function : !index)
        put(t, "(others)");
    else if (c)
        tap_function_put(&t->line, c->module, c->function, c->arity);
    else
        tap_function_put(&t->line, f->module, f->function, f->arity);
}

static void put_call(struct top *t, const struct tap_server_call *c)
{
    tap_writer_put(&t->line, c->request, c->request_len);
    put(t, "  ");
    put_process(t, c->from);
    put(t, " -> ");
    if (c->server)
        put_process(t, c->server);
    else
        put(t, "?"); /* it has not taken it yet */
}

const char *top_row_name(struct top *t, const struct top_frame *frame, enum top_view view,
                         const struct top_row *row, size_t *len)
{
    pthread_mutex_lock(&t->lock);
    t->line.p = t->line.buf;
    if (view == TOP_CALLS) {
        put_call(t, &frame->calls[row->index]);
    } else if (view == TOP_PROCESSES) {
        put_process(t, row->index);
    } else if (view == TOP_FUNCTIONS) {
        put_function(t, row->index);
    } else if (!row->index) {
        put(t, "(others)");
    } else {
        put_pair(t, &t->pairs[row->index]);
    }
    pthread_mutex_unlock(&t->lock);
    *len = (size_t)(t->line.p - t->line.buf);
    return t->line.buf;
}

/* ---- Their order */

struct order {
    unsigned column;
    bool reverse;
};

static int compare(const void *a, const void *b, void *arg)
{
    const struct top_row *x = a, *y = b;
    const struct order *o = arg;
    uint64_t p = x->cell[o->column], q = y->cell[o->column];
    if (p == q)
        return x->index < y->index ? -1 : x->index > y->index;
    if (p == TOP_UNKNOWN || q == TOP_UNKNOWN) /* they are last, whichever way */
        return p == TOP_UNKNOWN ? 1 : -1;
    return (p > q) != o->reverse ? -1 : 1;
}

void top_rows_sort(struct top_row *rows, uint32_t n, unsigned column, bool reverse)
{
    struct order o = {column, reverse};
    if (n)
        qsort_r(rows, n, sizeof *rows, compare, &o);
}
