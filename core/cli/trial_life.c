/* trial_life.c: one instance of a sink or filter, from its settings to its end. What holds for each
 * operation is looked at here: that a failure has a reason, and that nothing comes after it.
 */
#include "cli/trial.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SETTINGS_MAX 64

/* ---- Settings */

bool tap_life_is_set(const struct tap_trial *t, const char *key)
{
    size_t n = strlen(t->section), k = strlen(key);
    for (size_t i = 0; i < t->set_count; i++)
        if (strncmp(t->sets[i], t->section, n) == 0 && t->sets[i][n] == '.' &&
            strncmp(t->sets[i] + n + 1, key, k) == 0 && t->sets[i][n + 1 + k] == '=')
            return true;
    return false;
}

bool tap_life_has_path(const struct tap_trial *t)
{
    for (size_t i = 0; i < t->loaded->plugin->option_count; i++)
        if (t->loaded->options[i].type == TAP_OPT_PATH &&
            strcmp(t->loaded->options[i].name, "path") == 0)
            return !tap_life_is_set(t, "path");
    return false;
}

const char *tap_life_sample(const struct tap_trial *t, const struct tap_option *o, char dst[64])
{
    switch (o->type) {
    case TAP_OPT_PATH: snprintf(dst, 64, "%.40s/%.20s", t->folder, o->name); return dst;
    case TAP_OPT_BOOL: return "true";
    case TAP_OPT_INT:
    case TAP_OPT_SIZE: snprintf(dst, 64, "%lld", (long long)(o->min ? o->min : 1)); return dst;
    case TAP_OPT_DURATION:
        snprintf(dst, 64, "%lldns", (long long)(o->min ? o->min : 1));
        return dst;
    case TAP_OPT_CHOICE: return o->choices[0];
    default: return "a";
    }
}

struct filling {
    struct tap_setting set[SETTINGS_MAX];
    size_t count;
};

static bool filled(const struct filling *f, const char *key)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->set[i].key, key) == 0)
            return true;
    return false;
}

/* KEY=VALUE; the first that names a key holds, but --set may repeat one. */
static void fill(struct tap_life *l, struct filling *f, const char *text, size_t len)
{
    char *key = tap_mempool_strdup(l->pool, text, len), *value = key ? strchr(key, '=') : NULL;
    if (!value || f->count == SETTINGS_MAX)
        return;
    *value++ = '\0';
    f->set[f->count++] = (struct tap_setting){.key = key,
                                              .key_where = {.text = key, .file = "the test"},
                                              .value = {.text = value, .file = "the test"}};
}

static void fill_all(struct tap_life *l, struct filling *f, const char *more)
{
    struct tap_trial *t = l->trial;
    size_t n = strlen(t->section);
    char line[256], value[64];
    for (size_t i = 0; i < t->set_count; i++)
        if (strncmp(t->sets[i], t->section, n) == 0 && t->sets[i][n] == '.')
            fill(l, f, t->sets[i] + n + 1, strlen(t->sets[i] + n + 1));
    for (const char *m = more; m && *m;) {
        size_t word = strcspn(m, " ");
        fill(l, f, m, word);
        m += word + strspn(m + word, " ");
    }
    if (l->path[0]) {
        snprintf(line, sizeof line, "path=%s", l->path);
        fill(l, f, line, strlen(line));
    }
    for (size_t i = 0; i < t->loaded->plugin->option_count; i++) {
        const struct tap_option *o = &t->loaded->options[i];
        if (!(o->flags & TAP_OPT_REQUIRED) || filled(f, o->name))
            continue;
        snprintf(line, sizeof line, "%s=%s", o->name, tap_life_sample(t, o, value));
        fill(l, f, line, strlen(line));
    }
}

/* The settings go where a write into them is seen. */
static bool keep_settings(struct tap_life *l, const void *settings)
{
    size_t size = l->trial->loaded->plugin->settings_size;
    l->settings = tap_region_new(TAP_REGION_SETTINGS, size ? size : 1);
    if (!l->settings)
        return false;
    memcpy(tap_region_bytes(l->settings), settings, size);
    tap_region_set(l->settings, TAP_REGION_READABLE);
    return true;
}

bool tap_life_begin(struct tap_life *l, struct tap_trial *t, const char *file, const char *more)
{
    struct filling f = {.count = 0};
    bool used[SETTINGS_MAX] = {false};
    const struct tap_text where = {.text = "", .file = "the test"};
    *l = (struct tap_life){.trial = t};
    if (tap_life_has_path(t) && file && *file == '/')
        snprintf(l->path, sizeof l->path, "%s", file);
    else if (tap_life_has_path(t))
        snprintf(l->path, sizeof l->path, "%.60s/%.60s", t->folder, file ? file : "out");
    l->pool = tap_mempool_new();
    l->host = l->pool ? tap_trial_host_new(t) : NULL;
    size_t size = t->loaded->plugin->settings_size;
    void *settings = l->host ? tap_mempool_alloc(l->pool, size ? size : 1) : NULL;
    if (!settings)
        return tap_trial_finds(t, "out of memory"), false;
    fill_all(l, &f, more);
    const struct tap_option *table = t->loaded->options;
    size_t before = tap_error_count(t->err), n = t->loaded->plugin->option_count;
    enum tap_status status = tap_options_fill(table, n, f.set, f.count, used, settings, l->pool,
                                              t->section, &where, t->err);
    if (status == TAP_OK)
        status = tap_options_unknown(&table, &n, 1, f.set, f.count, used, t->section, t->err);
    for (size_t i = before; i < tap_error_count(t->err); i++)
        tap_trial_finds(t, "%s", tap_error_get(t->err, i)->message);
    return status == TAP_OK && keep_settings(l, settings);
}

/* ---- Operations */

static const struct tap_sink_ops *sink_ops(const struct tap_life *l)
{
    return l->trial->loaded->plugin->ops;
}

/* What an operation gave back. `before`: causes that there were. */
static bool came_back(struct tap_life *l, const char *what, enum tap_status status, unsigned before)
{
    struct tap_trial_host *h = l->host;
    tap_trial_enters(l->trial, NULL);
    if (status == TAP_OK) {
        if (h->causes > before && !h->expected)
            tap_trial_finds(l->trial, "%s gives TAP_OK though it said that it failed: %s", what,
                            h->cause);
        return true;
    }
    l->failed = true;
    if (status != TAP_ERROR && status != TAP_INVALID && status != TAP_ENDED)
        tap_trial_finds(l->trial, "%s gives %d, which is no status", what, (int)status);
    else if (h->causes == before && status != TAP_ENDED)
        tap_trial_finds(l->trial, "%s fails and does not say why (TAP_FAIL)", what);
    else if (!h->expected)
        tap_trial_finds(l->trial, "%s fails: %s", what,
                        status == TAP_ENDED ? "it says that nobody reads its output" : h->cause);
    return false;
}

bool tap_life_create(struct tap_life *l)
{
    const void *settings = tap_region_bytes(l->settings);
    unsigned before = l->host->causes;
    enum tap_status status;
    tap_trial_enters(l->trial, "create");
    if (l->trial->kind == TAP_PLUGIN_SINK)
        status = sink_ops(l)->create(&l->host->table, settings, &l->self);
    else
        status = ((const struct tap_filter_ops *)l->trial->loaded->plugin->ops)
                     ->create(&l->host->table, settings, &l->self);
    l->created = came_back(l, "create", status, before);
    if (!l->created && !l->host->expected) {
        l->trial->shared->uncreated = true;
        tap_trial_finds(l->trial, "(what it needs beside its defaults: --set %s.KEY=VALUE)",
                        l->trial->section);
    }
    return l->created;
}

bool tap_life_start(struct tap_life *l)
{
    unsigned before = l->host->causes;
    l->started = true;
    tap_trial_enters(l->trial, "start");
    return came_back(l, "start", sink_ops(l)->start(l->self), before);
}

bool tap_life_consume(struct tap_life *l, struct tap_trial_batch *b)
{
    unsigned before = l->host->causes;
    if (!b || !tap_trial_host_knows(l->host, b))
        return tap_trial_finds(l->trial, "out of memory"), false;
    l->host->given += b->counted;
    b->lent = true;
    tap_region_set(b->region, TAP_REGION_READABLE);
    tap_trial_enters(l->trial, "consume");
    enum tap_status status = sink_ops(l)->consume(l->self, b->batch, b->select, b->n);
    bool good = came_back(l, "consume", status, before);
    b->lent = false;
    if (!b->held)
        tap_region_set(b->region, TAP_REGION_GONE);
    return good;
}

bool tap_life_flush(struct tap_life *l)
{
    unsigned before = l->host->causes;
    tap_trial_enters(l->trial, "flush");
    return came_back(l, "flush", sink_ops(l)->flush(l->self), before);
}

/* After a failure another one is its consequence: no reason is asked for. */
bool tap_life_stop(struct tap_life *l)
{
    unsigned before = l->host->causes;
    bool after = l->failed;
    l->started = false;
    tap_trial_enters(l->trial, "stop");
    enum tap_status status = sink_ops(l)->stop(l->self);
    if (!after)
        return came_back(l, "stop", status, before);
    tap_trial_enters(l->trial, NULL);
    return status == TAP_OK;
}

static void destroy(struct tap_life *l)
{
    tap_trial_enters(l->trial, "destroy");
    if (l->trial->kind == TAP_PLUGIN_SINK)
        sink_ops(l)->destroy(l->self);
    else
        ((const struct tap_filter_ops *)l->trial->loaded->plugin->ops)->destroy(l->self);
    tap_trial_enters(l->trial, NULL);
}

void tap_life_end(struct tap_life *l)
{
    if (l->created)
        destroy(l);
    unsigned held = l->host ? tap_trial_host_held(l->host) : 0;
    if (held)
        tap_trial_finds(l->trial, "%u batches that it held are not released when it is destroyed",
                        held);
    tap_region_free(l->settings);
    tap_trial_host_free(l->host);
    tap_mempool_free(l->pool);
}

void tap_life_balance(struct tap_life *l)
{
    const struct tap_trial_host *h = l->host;
    if (!l->failed && h->written < h->given)
        tap_trial_finds(l->trial,
                        "of %llu events that it was given it reported %llu as written: the others "
                        "count as lost (report those that it leaves out on purpose, too)",
                        (unsigned long long)h->given, (unsigned long long)h->written);
}

/* ---- Its file, and its batches */

int64_t tap_life_size(const struct tap_life *l)
{
    struct stat st;
    return l->path[0] && lstat(l->path, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
}

struct tap_batch_plan tap_life_plan(const struct tap_life *l)
{
    return (struct tap_batch_plan){.host = &l->host->table,
                                   .ts = l->host->run_info.started,
                                   .raw = !(l->trial->loaded->plugin->flags & TAP_PLUGIN_NO_RAW)};
}

/* ---- What it leaves behind */

static int entries(const char *folder)
{
    int n = 0;
    DIR *dir = opendir(folder);
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n;
}

/* Bytes in use. What was freed lies in lists of its thread, a few of each size, and counts as used:
 * those are emptied first, by having all that is in them, of which we know how large it is. */
static size_t memory_in_use(void)
{
    enum { SIZES = 64, EACH = 16 };
    void *had[SIZES * EACH];
    size_t ours = 0;
    for (size_t i = 0; i < SIZES * EACH; i++) {
        had[i] = malloc(24 + 16 * (i / EACH));
        ours += had[i] ? malloc_usable_size(had[i]) + sizeof(size_t) : 0;
    }
    struct mallinfo2 m = mallinfo2();
    for (size_t i = 0; i < SIZES * EACH; i++)
        free(had[i]);
    size_t used = m.uordblks + m.hblkhd;
    return used > ours ? used - ours : 0;
}

struct tap_holdings tap_holdings_now(void)
{
    return (struct tap_holdings){entries("/proc/self/fd"), entries("/proc/self/task"),
                                 memory_in_use()};
}

void tap_lives_lived(struct tap_lives *l, int lives)
{
    if (lives % (TAP_LIVES / 4) == 0)
        l->memory[lives / (TAP_LIVES / 4) - 1] = tap_holdings_now().memory;
}

void tap_lives_judge(struct tap_trial *t, const struct tap_lives *l)
{
    size_t least = SIZE_MAX;
    for (int i = 1; i < 4; i++) {
        size_t more = l->memory[i] > l->memory[i - 1] ? l->memory[i] - l->memory[i - 1] : 0;
        least = more < least ? more : least;
    }
    if (least >= TAP_LIVES / 4 * 8)
        tap_trial_finds(t, "each life leaves about %zu bytes of memory behind",
                        least / (TAP_LIVES / 4));
}

void tap_holdings_compare(struct tap_trial *t, const struct tap_holdings *before, const char *when)
{
    struct tap_holdings now = tap_holdings_now();
    /* one that was joined is still in the list for a moment */
    for (int i = 0; now.threads > before->threads && i < 500; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        now = tap_holdings_now();
    }
    if (now.descriptors > before->descriptors)
        tap_trial_finds(t, "%s it leaves %d more descriptors open than there were before", when,
                        now.descriptors - before->descriptors);
    if (now.threads > before->threads)
        tap_trial_finds(t, "%s %d of its threads are still there", when,
                        now.threads - before->threads);
}
