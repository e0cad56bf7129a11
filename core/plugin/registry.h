/* registry.h: finds and loads plugins, and refuses wrong ones with one clear sentence.
 *
 * A plugin KIND:NAME is the file beamtap_KIND_NAME.so (KIND: transport, filter, sink) in the first
 * folder that has it: the configured plugin_path (folders separated by colons), the environment's
 * BEAMTAP_PLUGIN_PATH, that of a build tree, ~/.local/lib/beamtap/plugins-v1, the same below
 * /usr/local/lib, that of the installation. What others could have written is not loaded (trust.h).
 * Loaded RTLD_NOW | RTLD_LOCAL, once, never unloaded.
 */
#ifndef TAP_PLUGIN_REGISTRY_H
#define TAP_PLUGIN_REGISTRY_H

#include "base/error.h"

struct tap_registry;

struct tap_loaded {
    const struct tap_plugin *plugin;
    const char *path;                 /* the file it came from */
    const struct tap_option *options; /* plugin->option_count rows as this core knows them */
};
/* Whether its descriptor has any of these flags. NULL: no. */
static inline bool tap_loaded_says(const struct tap_loaded *l, unsigned flags)
{
    return l && l->plugin->flags & flags;
}

/* `plugin_path` may be NULL. */
struct tap_registry *tap_registry_new(const char *plugin_path);
void tap_registry_free(struct tap_registry *);
/* Loads (or finds loaded) one plugin. On failure adds a cause (TAP_INVALID) at `where` (may be
 * NULL), with the nearest right name when there is none of this name, and returns NULL. */
const struct tap_loaded *tap_registry_get(struct tap_registry *, enum tap_plugin_kind,
                                          const char *name, const char *section,
                                          const struct tap_text *where, struct tap_error *);
/* All that can be found, sorted by kind and name; files that are no plugins are reported as causes
 * in `err` but do not end the listing. The array belongs to the registry. */
size_t tap_registry_list(struct tap_registry *, const struct tap_loaded ***list,
                         struct tap_error *err);
/* The i-th folder in which plugins are sought; NULL: there are no more. */
const char *tap_registry_folder(const struct tap_registry *, size_t i);
/* The file that stands for this plugin, loaded or not; NULL: there is none. */
const char *tap_registry_file(struct tap_registry *, enum tap_plugin_kind, const char *name,
                              size_t len);
/* Has a file's name the form beamtap_KIND_NAME.so? */
bool tap_registry_reads(const char *file, enum tap_plugin_kind *, const char **name, size_t *len);
const char *tap_plugin_kind_name(enum tap_plugin_kind); /* transport, filter, sink */

#endif
