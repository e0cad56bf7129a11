/* outputs.c: who writes where. Two sinks that write one file tear each other's events, and one that
 * writes the recording which is being played writes over what is still to be read. What a sink
 * writes is its option `path`; nothing is opened or made to find that out, so that `check` can say
 * it too.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/guard.h"
#include "session/internal.h"

struct output {
    const struct tap_instance *instance;
    const char *path; /* as configured; NULL: it has none */
    bool standard;    /* standard output, whatever that is */
    bool exists, placed;
    struct stat st;         /* of the file, where it exists */
    struct tap_place place; /* where it will be: `folder` tells its folder */
    struct stat folder;
};

static const void *setting_of(const struct tap_instance *in, const char *name,
                              enum tap_option_type type)
{
    const struct tap_plugin *p = in->loaded->plugin;
    for (size_t i = 0; i < p->option_count; i++) {
        const struct tap_option *o = in->loaded->options ? &in->loaded->options[i] : NULL;
        if (o && o->type == type && strcmp(o->name, name) == 0)
            return (const char *)in->settings + o->offset;
    }
    return NULL;
}

static const char *path_of(const struct tap_instance *in)
{
    const void *path = setting_of(in, "path", TAP_OPT_PATH);
    return path ? *(const char *const *)path : NULL;
}

/* What a transport plays beside its path. */
static const struct tap_text_list *others_of(const struct tap_instance *in)
{
    static const struct tap_text_list none = {0, NULL};
    const void *others = setting_of(in, "with", TAP_OPT_LINES);
    return others ? others : &none;
}

/* Two writers of a device are no harm, and a terminal may have any number. */
static bool can_be_torn(const struct stat *st)
{
    return S_ISREG(st->st_mode) || S_ISFIFO(st->st_mode);
}

static bool is_standard(const char *path)
{
    static const char *const names[] = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"};
    bool is = false;
    for (size_t i = 0; path && i < sizeof names / sizeof *names; i++)
        is |= strcmp(path, names[i]) == 0;
    return is;
}

static void look(struct output *o, const struct tap_instance *in, const char *path)
{
    char why[TAP_GUARD_WHY];
    *o = (struct output){.instance = in, .path = path, .place = {.dir = -1}};
    if (!o->path)
        return;
    o->standard = is_standard(o->path);
    if (in->kind == TAP_PLUGIN_TRANSPORT && strcmp(o->path, "-") == 0) { /* what it plays */
        o->standard = false;
        o->exists = fstat(STDIN_FILENO, &o->st) == 0 && S_ISREG(o->st.st_mode);
        return;
    }
    if (o->standard) {
        o->exists = fstat(STDOUT_FILENO, &o->st) == 0 && S_ISREG(o->st.st_mode);
        return;
    }
    o->exists = stat(o->path, &o->st) == 0;
    if (o->exists)
        return;
    o->placed = tap_place_find(&o->place, o->path, why) && fstat(o->place.dir, &o->folder) == 0;
    tap_place_close(&o->place);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool same_output(const struct output *a, const struct output *b)
{
    if (!a->path || !b->path)
        return false;
    if (a->standard && b->standard)
        return true;
    if (a->exists && b->exists)
        return same_file(&a->st, &b->st) && can_be_torn(&a->st);
    return a->placed && b->placed && same_file(&a->folder, &b->folder) &&
           strcmp(a->place.name, b->place.name) == 0;
}

static enum tap_status compare(struct tap_session *session, const struct output *first,
                               const struct output *second)
{
    bool plays = first->instance->kind == TAP_PLUGIN_TRANSPORT;
    if (!same_output(first, second))
        return TAP_OK;
    if (plays)
        return TAP_ERR(session->err, TAP_INVALID, second->instance->section,
                       "path %s: that is the file that %s plays", second->path,
                       first->instance->section);
    return TAP_ERR(session->err, TAP_INVALID, second->instance->section,
                   "path %s: %s writes %s already", second->path, first->instance->section,
                   second->standard && first->standard ? "standard output" : "that file");
}

/* Which trace of this process has it, or which export. */
static _Atomic(const void *) standard_output;

enum tap_status tap_session_take_standard(const struct tap_instance *in, const void *owner,
                                          struct tap_error *err)
{
    const void *has = NULL;
    if (!is_standard(path_of(in)) ||
        atomic_compare_exchange_strong(&standard_output, &has, owner) || has == owner)
        return TAP_OK;
    return TAP_ERR(err, TAP_INVALID, in->section,
                   "path %s: another trace of this program writes standard output already",
                   path_of(in));
}

void tap_session_give_standard(const void *owner)
{
    atomic_compare_exchange_strong(&standard_output, &owner, NULL);
}

enum tap_status tap_session_claim_outputs(struct tap_session *session)
{
    const struct tap_instance *played =
        tap_config_replays(session->config) ? session->transport->instance : NULL;
    size_t n = 0, others = played ? others_of(played)->count : 0;
    struct output *all =
        tap_mempool_alloc(session->memory, (session->host_count + 1 + others) * sizeof *all);
    enum tap_status worst = TAP_OK;
    if (!all)
        return TAP_ERR(session->err, TAP_ERROR, "core", "out of memory");
    if (played)
        look(&all[n++], played, path_of(played));
    for (size_t i = 0; i < others; i++)
        look(&all[n++], played, others_of(played)->items[i].text);
    for (size_t i = 0; i < session->host_count; i++) {
        if (session->hosts[i].instance->kind != TAP_PLUGIN_SINK)
            continue;
        look(&all[n], session->hosts[i].instance, path_of(session->hosts[i].instance));
        enum tap_status status = TAP_OK;
        for (size_t k = 0; k < n && status == TAP_OK; k++)
            status = compare(session, &all[k], &all[n]);
        if (status == TAP_OK)
            status = tap_session_take_standard(session->hosts[i].instance, session, session->err);
        worst = status > worst ? status : worst;
        n++;
    }
    return worst;
}
