/* path.c: ~ becomes the home folder, as a shell does it, but for other users' homes: in an INI file
 * no shell comes by. */
#include "base/path.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of HOME, or as the user database says. */
char *tap_expand_path(const char *text, size_t len, struct tap_mempool *pool)
{
    if (len < 1 || text[0] != '~' || (len > 1 && text[1] != '/'))
        return tap_mempool_strdup(pool, text, len);
    const char *home = getenv("HOME");
    if (!home || !*home) {
        const struct passwd *user = getpwuid(getuid());
        home = user && user->pw_dir ? user->pw_dir : "";
    }
    size_t home_len = strlen(home);
    char *path = tap_mempool_alloc(pool, home_len + len);
    if (path) {
        memcpy(path, home, home_len);
        memcpy(path + home_len, text + 1, len - 1);
    }
    return path;
}
