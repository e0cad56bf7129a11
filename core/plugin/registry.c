/* registry.c: from KIND:NAME to a loaded plugin.
 *
 * Folders are looked through in order and the first that has the file decides: a broken plugin in
 * front is told, not passed over in silence. Names are compared by file name; nothing is loaded to
 * make a suggestion. What was loaded stays so (never unloaded), whatever became of it; a registry
 * only remembers what it accepted. Belongs to the session's thread.
 */
#include "plugin/registry.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "syntax/suggest.h"
#include "plugin/descriptor.h"
#include "plugin/operation.h"
#include "plugin/trust.h"

struct found { /* one plugin file: what its name says */
    enum tap_plugin_kind kind;
    char *name, *path;
    struct tap_loaded *loaded; /* NULL: not yet, or refused */
};

struct tap_registry {
    struct tap_mempool *pool;
    char **folders;
    size_t folder_count;
    struct found **found; /* pointers: tap_loaded stays where it is */
    size_t found_count, found_cap;
    const struct tap_loaded **list;
};

static const char *const kind_names[] = {"transport", "filter", "sink"};

const char *tap_plugin_kind_name(enum tap_plugin_kind kind)
{
    return (unsigned)kind < 3 ? kind_names[kind] : "?";
}

/* ---- Folders */

/* Below a lib folder. Of the ABI's major version: plugins of another one are not even looked at. */
#define FOLDER "beamtap/plugins-v1"
_Static_assert(TAP_ABI_MAJOR == 1, "the folder's name has the major version");

static bool registry_folder(struct tap_registry *r, const char *path, size_t len)
{
    if (len == 0)
        return true;
    char *folder = tap_expand_path(path, len, r->pool);
    char **folders = folder ? realloc(r->folders, (r->folder_count + 1) * sizeof *folders) : NULL;
    if (!folders)
        return false;
    r->folders = folders;
    r->folders[r->folder_count++] = folder;
    return true;
}

/* Folders separated by colons. */
static bool registry_folders(struct tap_registry *r, const char *path)
{
    while (path && *path) {
        size_t len = strcspn(path, ":");
        if (!registry_folder(r, path, len))
            return false;
        path += len + (path[len] == ':');
    }
    return true;
}

/* A folder beside a file, where it exists; without the .. of `relative`, for people read it. */
static bool registry_beside(struct tap_registry *r, const char *file, const char *relative)
{
    const char *slash = strrchr(file, '/');
    struct stat st;
    char *path;
    if (!slash)
        return true;
    int len = asprintf(&path, "%.*s/%s", (int)(slash - file), file, relative);
    if (len < 0)
        return false;
    char *real = realpath(path, NULL);
    bool ok = !real || stat(real, &st) != 0 || !S_ISDIR(st.st_mode) ||
              registry_folder(r, real, strlen(real));
    free(real);
    free(path);
    return ok;
}

/* Those of every installation: a user's own, then what the machine's administrator added. Without a
 * home folder the first one is none. */
static bool registry_common_folders(struct tap_registry *r)
{
    char *own = tap_expand_path("~/.local/lib/" FOLDER, sizeof "~/.local/lib/" FOLDER - 1, r->pool);
    return own && (own[0] != '/' || registry_folder(r, own, strlen(own))) &&
           registry_folder(r, "/usr/local/lib/" FOLDER, sizeof "/usr/local/lib/" FOLDER - 1);
}

/* The folder of this build or installation, seen from the executable (a build tree has it beside,
 * and in front of all others; an installation in its libdir) and from the shared library. What was
 * compiled in stands behind, for programs that embed the static one. */
static bool registry_own_folders(struct tap_registry *r)
{
    char exe[4096];
    Dl_info self;
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    if (!registry_beside(r, exe, "plugins") || !registry_common_folders(r) ||
        !registry_beside(r, exe, TAP_LIB_FROM_BIN "/" FOLDER))
        return false;
    if (dladdr((void *)registry_own_folders, &self) && self.dli_fname &&
        !registry_beside(r, self.dli_fname, FOLDER))
        return false;
    return registry_folder(r, TAP_LIB "/" FOLDER, sizeof TAP_LIB "/" FOLDER - 1);
}

/* ---- What there is */

bool tap_registry_reads(const char *file, enum tap_plugin_kind *kind, const char **name,
                        size_t *len)
{
    size_t all = strlen(file);
    if (strncmp(file, "beamtap_", 8) != 0 || all < 12 || strcmp(file + all - 3, ".so") != 0)
        return false;
    for (int k = 0; k < 3; k++) {
        size_t n = strlen(kind_names[k]);
        if (strncmp(file + 8, kind_names[k], n) != 0 || file[8 + n] != '_' ||
            all < 8 + n + 1 + 1 + 3)
            continue;
        *kind = (enum tap_plugin_kind)k;
        *name = file + 8 + n + 1;
        *len = all - 3 - (8 + n + 1);
        return true;
    }
    return false;
}

static struct found *registry_find(struct tap_registry *r, enum tap_plugin_kind kind,
                                   const char *name)
{
    for (size_t i = 0; i < r->found_count; i++)
        if (r->found[i]->kind == kind && strcmp(r->found[i]->name, name) == 0)
            return r->found[i];
    return NULL;
}

static bool registry_note(struct tap_registry *r, const char *folder, const char *file)
{
    enum tap_plugin_kind kind;
    const char *name;
    size_t len;
    if (!tap_registry_reads(file, &kind, &name, &len))
        return true;
    struct found *f = tap_mempool_alloc(r->pool, sizeof *f);
    size_t size = strlen(folder) + strlen(file) + 2;
    if (!f || !(f->name = tap_mempool_strdup(r->pool, name, len)) ||
        !(f->path = tap_mempool_alloc(r->pool, size)))
        return false;
    f->kind = kind;
    snprintf(f->path, size, "%s/%s", folder, file);
    if (registry_find(r, kind, f->name))
        return true; /* a folder in front has it */
    if (r->found_count == r->found_cap) {
        size_t cap = r->found_cap ? r->found_cap * 2 : 16;
        struct found **more = realloc(r->found, cap * sizeof *more);
        if (!more)
            return false;
        r->found = more;
        r->found_cap = cap;
    }
    r->found[r->found_count++] = f;
    return true;
}

static bool registry_scan(struct tap_registry *r)
{
    for (size_t i = 0; i < r->folder_count; i++) {
        DIR *dir = opendir(r->folders[i]);
        if (!dir)
            /* a folder that is not there has no plugins; who misses one is told where it was
             * sought */
            continue;
        struct dirent *entry;
        bool ok = true;
        while (ok && (entry = readdir(dir)))
            ok = registry_note(r, r->folders[i], entry->d_name);
        closedir(dir);
        if (!ok)
            return false;
    }
    return true;
}

struct tap_registry *tap_registry_new(const char *plugin_path)
{
    struct tap_registry *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->pool = tap_mempool_new();
    if (!r->pool || !registry_folders(r, plugin_path) ||
        !registry_folders(r, getenv("BEAMTAP_PLUGIN_PATH")) || !registry_own_folders(r) ||
        !registry_scan(r)) {
        tap_registry_free(r);
        return NULL;
    }
    return r;
}

void tap_registry_free(struct tap_registry *r)
{
    if (!r)
        return;
    tap_mempool_free(r->pool);
    free(r->folders);
    free(r->found);
    free(r->list);
    free(r);
}

/* ---- Loading */

/* A plugin's descriptor; NULL and why not, for people. */
static const struct tap_plugin *plugin_open(const struct found *f, char *why, size_t cap)
{
    struct stat st;
    if (stat(f->path, &st) != 0) {
        snprintf(why, cap, "cannot be read: %s", strerror(errno));
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        snprintf(why, cap, "is not a file");
        return NULL;
    }
    /* A bare name would be sought in the system's library folders. Links are behind us here, so
     * that what is checked is what is loaded. */
    char *path = realpath(f->path, NULL);
    if (path && !tap_plugin_is_trusted(path, why, cap)) {
        free(path);
        return NULL;
    }
    struct tap_operation outer =
        tap_operation_begin((struct tap_operation){"a constructor", f->name, f->path, NULL});
    void *so = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    tap_operation_end(outer);
    if (!so) {
        /* The plugin's own path is said already; that of a library which it needs is not. */
        const char *said = path ? dlerror() : strerror(errno);
        size_t own = path && said ? strlen(path) : 0;
        bool again = own && strncmp(said, path, own) == 0 && strncmp(said + own, ": ", 2) == 0;
        snprintf(why, cap, "cannot be loaded: %s", again ? said + own + 2 : said ? said : "?");
        free(path);
        return NULL;
    }
    free(path);
    tap_plugin_entry entry = NULL;
    *(void **)(void *)&entry = dlsym(so, TAP_PLUGIN_SYMBOL);
    if (!entry) {
        for (int major = 1; major < 10; major++) {
            char symbol[32];
            snprintf(symbol, sizeof symbol, "beamtap_plugin_v%d", major);
            if (dlsym(so, symbol)) {
                snprintf(why, cap, "is built for plugin ABI %d (this beamtap has %d: no symbol %s)",
                         major, TAP_ABI_MAJOR, TAP_PLUGIN_SYMBOL);
                return NULL;
            }
        }
        snprintf(why, cap, "is not a beamtap plugin: it has no symbol %s", TAP_PLUGIN_SYMBOL);
        return NULL;
    }
    struct tap_operation before =
        tap_operation_begin((struct tap_operation){"beamtap_plugin_v1", f->name, f->path, NULL});
    const struct tap_plugin *plugin = entry();
    tap_operation_end(before);
    return tap_plugin_validate(plugin, f->kind, f->name, why, cap) ? plugin : NULL;
}

/* The option table in rows of our size. NULL: out of memory. */
static const struct tap_option *plugin_options(struct tap_registry *r, const struct tap_plugin *p)
{
    if (p->option_size == sizeof(struct tap_option) || p->option_count == 0)
        return p->options;
    struct tap_option *own = tap_mempool_alloc(r->pool, p->option_count * sizeof *own);
    for (size_t i = 0; own && i < p->option_count; i++)
        own[i] = *tap_plugin_option(p, i);
    return own;
}

static const struct tap_loaded *registry_load(struct tap_registry *r, struct found *f,
                                              const char *section, const struct tap_text *where,
                                              struct tap_error *err)
{
    char why[512];
    if (f->loaded)
        return f->loaded;
    const struct tap_plugin *plugin = plugin_open(f, why, sizeof why);
    if (!plugin) {
        tap_error_add_at(err, section, where, "%s %s", f->path, why);
        return NULL;
    }
    const struct tap_option *options = plugin_options(r, plugin);
    struct tap_loaded *loaded = tap_mempool_alloc(r->pool, sizeof *loaded);
    if (!loaded || (plugin->option_count && !options)) {
        TAP_ERR(err, TAP_ERROR, "core", "out of memory while loading %s", f->path);
        return NULL;
    }
    *loaded = (struct tap_loaded){plugin, f->path, options};
    f->loaded = loaded;
    return loaded;
}

static void registry_unknown(const struct tap_registry *r, enum tap_plugin_kind kind,
                             const char *name, const char *section, const struct tap_text *where,
                             struct tap_error *err)
{
    const char **names = calloc(r->found_count + 1, sizeof *names);
    size_t n = 0;
    for (size_t i = 0; names && i < r->found_count; i++)
        if (r->found[i]->kind == kind)
            names[n++] = r->found[i]->name;
    const char *nearest = names ? tap_suggest(name, names, n) : NULL;
    char text[1024] = "";
    size_t used = 0;
    if (nearest)
        snprintf(text, sizeof text, "did you mean '%s'?", nearest);
    for (size_t i = 0; !nearest && i < n && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s",
                                 i ? ", " : "there are: ", names[i]);
    for (size_t i = 0; n == 0 && i < r->folder_count && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s",
                                 i ? ", " : "no such file in ", r->folders[i]);
    tap_error_add_at(err, section, where, "there is no %s plugin '%s' (%s)",
                     tap_plugin_kind_name(kind), name, *text ? text : "no plugin folder was found");
    free(names);
}

const struct tap_loaded *tap_registry_get(struct tap_registry *r, enum tap_plugin_kind kind,
                                          const char *name, const char *section,
                                          const struct tap_text *where, struct tap_error *err)
{
    struct found *f = registry_find(r, kind, name);
    if (f)
        return registry_load(r, f, section, where, err);
    registry_unknown(r, kind, name, section, where, err);
    return NULL;
}

const char *tap_registry_folder(const struct tap_registry *r, size_t i)
{
    return i < r->folder_count ? r->folders[i] : NULL;
}

const char *tap_registry_file(struct tap_registry *r, enum tap_plugin_kind kind, const char *name,
                              size_t len)
{
    for (size_t i = 0; i < r->found_count; i++)
        if (r->found[i]->kind == kind && strlen(r->found[i]->name) == len &&
            memcmp(r->found[i]->name, name, len) == 0)
            return r->found[i]->path;
    return NULL;
}

static int found_order(const void *a, const void *b)
{
    const struct found *x = *(struct found *const *)a, *y = *(struct found *const *)b;
    return x->kind != y->kind ? (int)x->kind - (int)y->kind : strcmp(x->name, y->name);
}

size_t tap_registry_list(struct tap_registry *r, const struct tap_loaded ***list,
                         struct tap_error *err)
{
    size_t n = 0;
    *list = NULL;
    if (r->found_count == 0)
        return 0;
    free(r->list);
    r->list = calloc(r->found_count, sizeof *r->list);
    if (!r->list) {
        TAP_ERR(err, TAP_ERROR, "core", "out of memory while listing plugins");
        return 0;
    }
    qsort(r->found, r->found_count, sizeof(struct found *), found_order);
    for (size_t i = 0; i < r->found_count; i++) {
        const struct tap_loaded *one = registry_load(r, r->found[i], NULL, NULL, err);
        if (one)
            r->list[n++] = one;
    }
    *list = r->list;
    return n;
}
