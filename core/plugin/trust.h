/* trust.h: who could have written a plugin.
 *
 * To load a plugin is to run it, from its constructors on. As root only what root alone can write
 * is loaded: the file, its folder, and the folders above, so that the file that was checked is the
 * one that is loaded. As another user, what anybody could have put there is refused.
 */
#ifndef TAP_PLUGIN_TRUST_H
#define TAP_PLUGIN_TRUST_H

#include <stdbool.h>
#include <stddef.h>

/* `path`: absolute, without links (realpath). False, and why, as the end of a sentence that begins
 * with the file's path: whose it is and its mode. */
bool tap_plugin_is_trusted(const char *path, char *why, size_t cap);

#endif
