/* filter:pids: keeps the events of the processes that were named.
 *
 * A live node can do this by itself (it traces only those processes). A replay filters here, and
 * for that it must know what the node knew: which process had a name or lived in a tree (the plan's
 * reports, names, register events) and who spawned whom (spawn and start events). All stand in the
 * stream, so the verdict depends on it alone. Until a name is known, nothing passes for it.
 */
#include "filters/pids/pid_set.h"
#include "filters/pids/terms.h"

struct tap_pids_settings {
    struct tap_text_list pids;
};
static const struct tap_option pids_options[] = {
    {.name = "pids",
     .type = TAP_OPT_LIST,
     .help = "processes to keep: <0.123.0>, a registered name (whoever bears it, also when it is "
             "restarted or comes later), new (every process to come), tree:NAME or tree:<0.1.2> "
             "(it, what lives below it, and all that these spawn)",
     .offset = offsetof(struct tap_pids_settings, pids),
     .flags = TAP_OPT_REQUIRED},
};

enum pids_bits {
    PIDS_KEEP = 1,
    PIDS_TREE = 2,
    /* it was named, or has had an event of its own: its exit will come or has not come yet */
    PIDS_SEEN = 4
};
#define PIDS_MAX (1u << 20) /* processes remembered: 40 MiB at the most */

struct pids_selector {
    enum tap_plan_process_type type;
    char *text; /* <0.1.2>, or the name as the node writes it */
    uint32_t id, serial;
    bool met; /* in the report that is being read */
    const struct tap_text *where;
};
struct tap_pids {
    const struct tap_host *host;
    struct pids_selector *selectors;
    size_t count;
    bool wants_new, wants_tree, wants_names;
    bool full;         /* said so already */
    uint32_t patience; /* refusals until the next sweep may be tried */
    /* a pid that was named has node 0 and creation 0: it means that process of any node */
    struct tap_pid_set set;
};

/* ---- Settings */

/* <0.ID.SERIAL>, up to NUL. NULL, or what is wrong at *at. */
static const char *pids_read_pid(const char *text, uint32_t *id, uint32_t *serial, size_t *at)
{
    uint32_t part[3];
    const char *p = text + 1;
    for (int i = 0; i < 3; i++) {
        uint64_t v = 0;
        const char *begin = p;
        for (; *p >= '0' && *p <= '9' && v <= UINT32_MAX; p++)
            v = v * 10 + (uint64_t)(*p - '0');
        *at = (size_t)(p - text);
        if (p == begin || *p != (i < 2 ? '.' : '>'))
            return "a pid looks like <0.123.0>";
        if (v > UINT32_MAX)
            return "this number is too large for a pid";
        part[i] = (uint32_t)v;
        p++;
    }
    *at = (size_t)(p - text);
    if (*p)
        return "nothing may follow the pid";
    *at = 1;
    if (part[0] != 0)
        return "a pid begins with <0. as its own node prints it";
    *id = part[1], *serial = part[2];
    return NULL;
}

static enum tap_status pids_add(struct tap_pids *f, const struct tap_text *item)
{
    struct pids_selector *s = &f->selectors[f->count];
    bool tree = strncmp(item->text, "tree:", 5) == 0;
    size_t skip = tree ? 5 : 0, at = 0;
    while (tree && (item->text[skip] == ' ' || item->text[skip] == '\t'))
        skip++;
    const char *text = item->text + skip, *wrong = NULL;
    char name[TAP_FILTER_NAME_MAX + 1] = "";
    if (!tree && strcmp(text, "new") == 0) {
        s->type = TAP_PROCESS_NEW;
    } else if (text[0] == '<') {
        s->type = tree ? TAP_PROCESS_TREE_PID : TAP_PROCESS_PID;
        wrong = pids_read_pid(text, &s->id, &s->serial, &at);
        snprintf(name, sizeof name, "<0.%u.%u>", s->id, s->serial);
    } else {
        s->type = tree ? TAP_PROCESS_TREE_NAME : TAP_PROCESS_NAME;
        wrong = tap_name_read(text, false, name, &at);
    }
    if (wrong)
        return f->host->fail_at(f->host, item, skip + at, "%s", wrong);
    s->text = strdup(name);
    s->where = item;
    bool is_pid = s->type == TAP_PROCESS_PID || s->type == TAP_PROCESS_TREE_PID;
    const struct tap_pid pid = {.id = s->id, .serial = s->serial};
    if (!s->text ||
        (is_pid && !tap_pid_set_add(&f->set, &pid, PIDS_KEEP | PIDS_SEEN | (tree ? PIDS_TREE : 0),
                                    PIDS_MAX))) {
        free(s->text);
        return TAP_FAIL(f->host, TAP_ERROR, "out of memory");
    }
    f->wants_new |= s->type == TAP_PROCESS_NEW;
    f->wants_tree |= tree;
    f->wants_names |= s->type == TAP_PROCESS_NAME || s->type == TAP_PROCESS_TREE_NAME;
    f->count++;
    return TAP_OK;
}

static void pids_destroy(void *self)
{
    struct tap_pids *f = self;
    if (!f)
        return;
    for (size_t i = 0; i < f->count; i++)
        free(f->selectors[i].text);
    free(f->selectors);
    tap_pid_set_free(&f->set);
    free(f);
}

static enum tap_status pids_create(const struct tap_host *host, const void *settings, void **self)
{
    const struct tap_pids_settings *s = settings;
    struct tap_pids *f = calloc(1, sizeof *f);
    enum tap_status status = TAP_OK;
    if (f)
        f->selectors = calloc(s->pids.count ? s->pids.count : 1, sizeof *f->selectors);
    if (!f || !f->selectors) {
        free(f);
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    }
    f->host = host;
    for (size_t i = 0; i < s->pids.count; i++) {
        enum tap_status one = pids_add(f, &s->pids.items[i]);
        if (one != TAP_OK)
            status = one;
    }
    if (status != TAP_OK)
        pids_destroy(f);
    else
        *self = f;
    return status;
}

static enum tap_status pids_plan(void *self, struct tap_claim *claim)
{
    struct tap_pids *f = self;
    for (size_t i = 0; i < f->count; i++) {
        const struct pids_selector *s = &f->selectors[i];
        struct tap_plan_process p = {.struct_size = sizeof p,
                                     .type = s->type,
                                     .flags = TAP_PLAN_EXACT | TAP_PLAN_NAMED,
                                     .text = s->text,
                                     .where = *s->where};
        f->host->filter->claim_process(claim, &p);
    }
    return TAP_OK;
}

/* ---- What the stream teaches */

static void pids_learn(struct tap_pids *f, const struct tap_pid *pid, uint32_t bits)
{
    if (!bits || tap_pid_set_add(&f->set, pid, bits, PIDS_MAX))
        return;
    /* A parent's spawn event can come after its child is gone: such children stay until room is
     * needed. A sweep that brought little is not worth repeating soon. */
    if (f->patience == 0) {
        uint32_t before = f->set.count;
        tap_pid_set_remove_without(&f->set, PIDS_SEEN);
        f->patience = before - f->set.count >= PIDS_MAX / 16 ? 0 : PIDS_MAX / 16;
        if (tap_pid_set_add(&f->set, pid, bits, PIDS_MAX))
            return;
    } else {
        f->patience--;
    }
    f->host->count(f->host, "processes not remembered", 1);
    if (!f->full)
        f->host->log(f->host, TAP_LOG_WARNING,
                     "more than %u processes at once: the rest does not pass", PIDS_MAX);
    f->full = true;
}

/* What is known of a process of an event's own node. */
static uint32_t pids_bits(const struct tap_pids *f, const struct tap_pid *pid)
{
    const struct tap_pid named = {.id = pid->id, .serial = pid->serial};
    return tap_pid_set_get(&f->set, pid) | tap_pid_set_get(&f->set, &named);
}

/* What a process gets for bearing this name; `below`: for living below the process of its tree
 * alone. */
static uint32_t pids_name_bits(const struct tap_pids *f, const char *name, bool below)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < f->count; i++) {
        enum tap_plan_process_type type = f->selectors[i].type;
        bool tree = type == TAP_PROCESS_TREE_NAME || type == TAP_PROCESS_TREE_PID;
        if (((type == TAP_PROCESS_NAME && !below) || tree) && !strcmp(f->selectors[i].text, name))
            bits |= PIDS_KEEP | PIDS_SEEN | (tree ? PIDS_TREE : 0);
    }
    return bits;
}

/* Is it the first time that this report has it? In older recordings who lives below a root stands
 * behind it, with the root's text. */
static bool pids_meets(struct tap_pids *f, const char *name)
{
    bool first = true;
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->selectors[i].text, name) != 0)
            continue;
        first &= !f->selectors[i].met;
        f->selectors[i].met = true;
    }
    return first;
}

/* The value of `processes` in the plan's report: [{Selector, Pid}]. `alone`: it has nothing else.
 * Such a one is of one process that has been given a name, or of what more was found of a tree. */
static void pids_read_processes(struct tap_pids *f, struct tap_cursor *c, bool alone)
{
    char name[TAP_FILTER_NAME_MAX + 1];
    uint32_t n, arity;
    if (!tap_read_list(c, &n))
        return;
    for (size_t i = 0; i < f->count; i++)
        f->selectors[i].met = false;
    for (uint32_t i = 0; i < n; i++) {
        struct tap_pid pid;
        const char *node;
        uint32_t len;
        bool below;
        if (!tap_read_tuple(c, &arity) || arity != 2 || !tap_pids_read_selector(c, name, &below))
            return;
        struct tap_cursor t = *c;
        if (!tap_skip(c))
            return;
        if (!name[0] || !tap_read_pid(&t, &node, &len, &pid))
            continue; /* not a name, or one that nobody bears yet */
        bool bears = !below && pids_meets(f, name) && !(alone && n > 1);
        pid.node = f->host->intern(f->host, node, len);
        pids_learn(f, &pid, pids_name_bits(f, name, !bears));
    }
}

static void pids_read_plan(struct tap_pids *f, struct tap_cursor c)
{
    uint32_t pairs;
    tap_read_version(&c);
    if (!tap_read_map(&c, &pairs))
        return;
    for (uint32_t i = 0; i < pairs; i++) {
        if (tap_match_atom(&c, "processes")) {
            struct tap_cursor value = c;
            pids_read_processes(f, &value, pairs == 1);
        } else if (!tap_skip(&c)) {
            return;
        }
        if (!tap_skip(&c))
            return;
    }
}

/* {Pid, [{Key, Value}]}: its name, where it has one. The cursor is not moved. */
static void pids_read_facts(struct tap_pids *f, struct tap_cursor c)
{
    char name[TAP_FILTER_NAME_MAX + 1];
    struct tap_pid pid;
    const char *node;
    uint32_t arity, len, n;
    if (!tap_read_tuple(&c, &arity) || arity != 2 || !tap_read_pid(&c, &node, &len, &pid) ||
        !tap_read_list(&c, &n))
        return;
    for (uint32_t i = 0; i < n; i++) {
        struct tap_cursor fact = c;
        if (tap_read_tuple(&fact, &arity) && arity == 2 && tap_match_atom(&fact, "name") &&
            tap_pids_read_atom(&fact, name)) {
            pid.node = f->host->intern(f->host, node, len);
            pids_learn(f, &pid, pids_name_bits(f, name, false));
            return;
        }
        if (!tap_skip(&c))
            return;
    }
}

/* The node's registered names, at the start and those that are new: also where another sink has
 * every process traced, and the plan resolves none. */
static void pids_read_names(struct tap_pids *f, struct tap_cursor c)
{
    uint32_t n;
    tap_read_version(&c);
    if (!tap_read_list(&c, &n))
        return;
    for (uint32_t i = 0; i < n; i++) {
        pids_read_facts(f, c);
        if (!tap_skip(&c))
            return;
    }
}

static void pids_register(struct tap_pids *f, const struct tap_batch *batch,
                          const struct tap_event *e)
{
    char name[TAP_FILTER_NAME_MAX + 1];
    if ((uint64_t)e->payload.off + e->payload.len > batch->arena_len)
        return;
    struct tap_cursor c = tap_cursor(batch->arena + e->payload.off, e->payload.len);
    if (tap_pids_read_atom(&c, name))
        pids_learn(f, &e->pid, pids_name_bits(f, name, false));
}

/* A process was born. A pid that was named as <0.1.2> is no parent on another node than its
 * child's. */
static void pids_born(struct tap_pids *f, const struct tap_pid *child, const struct tap_pid *parent,
                      uint32_t seen)
{
    uint32_t bits = f->wants_new ? PIDS_KEEP : 0;
    if (f->wants_tree) {
        uint32_t known =
            child->node == parent->node ? pids_bits(f, parent) : tap_pid_set_get(&f->set, parent);
        if (known & PIDS_TREE)
            bits |= PIDS_KEEP | PIDS_TREE;
    }
    pids_learn(f, child, bits ? bits | seen : 0);
}

/* ---- Judging */

/* What an event teaches before it is filtered. */
static void pids_before(struct tap_pids *f, const struct tap_batch *batch,
                        const struct tap_event *e)
{
    switch (e->kind) {
    case TAP_PLAN:
        if ((f->wants_names || f->wants_tree) &&
            (uint64_t)e->payload.off + e->payload.len <= batch->arena_len)
            pids_read_plan(f, tap_cursor(batch->arena + e->payload.off, e->payload.len));
        break;
    case TAP_PROCESS_INFO:
        if (f->wants_names && (uint64_t)e->payload.off + e->payload.len <= batch->arena_len)
            pids_read_names(f, tap_cursor(batch->arena + e->payload.off, e->payload.len));
        break;
    case TAP_PROCESS_REGISTER:
        if (f->wants_names)
            pids_register(f, batch, e);
        break;
    case TAP_PROCESS_SPAWN:
        if (e->peer_type == TAP_PEER_PID)
            pids_born(f, &e->peer, &e->pid, 0);
        break;
    case TAP_PROCESS_START:
        if (e->peer_type == TAP_PEER_PID)
            pids_born(f, &e->pid, &e->peer, PIDS_SEEN);
        break;
    default: break;
    }
}

/* What it ends, afterwards. */
static void pids_after(struct tap_pids *f, const struct tap_event *e)
{
    if (e->kind == TAP_PROCESS_EXIT) {
        tap_pid_set_remove(&f->set, &e->pid);
    } else if (e->kind == TAP_NODE_DOWN) {
        const struct tap_node *node = f->host->node(f->host, e->node);
        if (node && node->name_id)
            tap_pid_set_remove_node(&f->set, node->name_id);
    }
}

static void pids_filter(void *self, const struct tap_batch *batch, uint8_t *keep)
{
    struct tap_pids *f = self;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct tap_event *e = tap_batch_event(batch, i);
        pids_before(f, batch, e);
        if (!tap_kind_is_control(e->kind)) {
            uint32_t bits = pids_bits(f, &e->pid);
            if (!bits)
                keep[i] = 0;
            else if (!(bits & PIDS_SEEN))
                pids_learn(f, &e->pid, PIDS_SEEN);
        }
        pids_after(f, e);
    }
}

static const struct tap_filter_ops pids_ops = {.struct_size = sizeof pids_ops,
                                               .create = pids_create,
                                               .plan = pids_plan,
                                               .filter = pids_filter,
                                               .destroy = pids_destroy};
static const struct tap_plugin pids_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_FILTER,
    .name = "pids",
    .version = TAP_VERSION,
    .summary = "keeps the events of the processes that are named",
    .license = "Apache-2.0",
    .options = pids_options,
    .option_count = sizeof pids_options / sizeof pids_options[0],
    .settings_size = sizeof(struct tap_pids_settings),
    .ops = &pids_ops,
    .flags = TAP_PLUGIN_NO_RAW | TAP_PLUGIN_ALONE,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &pids_plugin;
}
