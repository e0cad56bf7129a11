/* path.c: ~ and ~user become home folders, as a shell does it: in an INI file
 * no shell comes by. */
#include "base/path.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of HOME, or as the user database says; of that user, where one is named. NULL: there is none. */
static const char *home_folder(const char *user, char *buffer, size_t cap, struct passwd *entry)
{
    const char *home = getenv("HOME");
    struct passwd *found = NULL;
    if (!*user && home && *home)
        return home;
    if (*user)
        getpwnam_r(user, entry, buffer, cap, &found);
    else
        getpwuid_r(getuid(), entry, buffer, cap, &found);
    return found ? found->pw_dir : NULL;
}

char *tap_expand_path(const char *text, size_t len, struct tap_mempool *pool)
{
    char user[256], buffer[4096];
    struct passwd entry;
    const char *slash = memchr(text, '/', len);
    size_t head = slash ? (size_t)(slash - text) : len;
    if (len < 1 || text[0] != '~' || head > sizeof user)
        return tap_mempool_strdup(pool, text, len);
    snprintf(user, sizeof user, "%.*s", (int)head - 1, text + 1);
    const char *home = home_folder(user, buffer, sizeof buffer, &entry);
    if (!home) /* then it is a file of that name, or there is none */
        return tap_mempool_strdup(pool, text, len);
    size_t home_len = strlen(home);
    char *path = tap_mempool_alloc(pool, home_len + len - head + 1);
    if (path) {
        memcpy(path, home, home_len);
        memcpy(path + home_len, text + head, len - head);
    }
    return path;
}
