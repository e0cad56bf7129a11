/* unused.h: what stands in the plugin folders and is never loaded: a plugin whose file is misnamed,
 * or one before which another folder's stands.
 */
#ifndef TAP_PLUGIN_UNUSED_H
#define TAP_PLUGIN_UNUSED_H

#include "plugin/registry.h"

/* Tells each as a sentence. Nothing is loaded to find out. */
void tap_plugin_unused(struct tap_registry *, void (*tell)(void *arg, const char *text), void *arg);

#endif
