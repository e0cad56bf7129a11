/* trust.c: a plugin's file and its folders, checked before anything of it runs. */
#include "plugin/trust.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Can others than root write it? In a folder with the sticky bit they can only add names: that is
 * enough above a folder of root's, and too much for the one that the plugins are in. */
static bool others_write(const struct stat *st, bool above)
{
    bool group = st->st_mode & S_IWGRP && st->st_gid != 0, sticky = st->st_mode & S_ISVTX;
    return (group || st->st_mode & S_IWOTH) && !(above && sticky);
}

static bool refuse(const char *what, const char *path, const struct stat *st, const char *rule,
                   char *why, size_t cap)
{
    snprintf(why, cap,
             "is not loaded: %s%s%s belongs to uid %u and gid %u and has mode %04o, and %s", what,
             *path ? " " : "", path, (unsigned)st->st_uid, (unsigned)st->st_gid,
             (unsigned)st->st_mode & 07777, rule);
    return false;
}

/* As root: the file, its folder and each one above it. */
static bool is_roots(const char *file, char *why, size_t cap)
{
    static const char rule[] = "as root only plugins that root alone can write are loaded "
                               "(chown root, chmod go-w)";
    char path[PATH_MAX];
    size_t n = strlen(file);
    for (int level = 0; n > 0 && n < sizeof path; level++) {
        struct stat st;
        memcpy(path, file, n);
        path[n] = '\0';
        if (lstat(path, &st) != 0)
            return snprintf(why, cap, "cannot be read: %s", strerror(errno)), false;
        if (st.st_uid != 0 || others_write(&st, level > 1))
            return refuse(level ? "its folder" : "it", level ? path : "", &st, rule, why, cap);
        while (n > 0 && path[n - 1] != '/')
            n--;
        n -= n > 1; /* the slash; of the root folder it is the name */
        if (n == 1 && path[1] == '\0')
            break;
    }
    return true;
}

/* As another user: nothing of another user that everybody can write, or that is where they can. */
static bool is_ours_or_roots(const char *file, char *why, size_t cap)
{
    static const char rule[] = "anybody could have put it there: only yours and root's are loaded "
                               "from where all can write";
    struct stat it, folder;
    char path[PATH_MAX];
    size_t n = (size_t)(strrchr(file, '/') - file);
    snprintf(path, sizeof path, "%.*s", n ? (int)n : 1, file);
    if (lstat(file, &it) != 0 || lstat(path, &folder) != 0)
        return snprintf(why, cap, "cannot be read: %s", strerror(errno)), false;
    bool own = it.st_uid == geteuid() || it.st_uid == 0,
         own_folder = folder.st_uid == geteuid() || folder.st_uid == 0;
    if (!own && (it.st_mode | folder.st_mode) & S_IWOTH)
        return refuse("it", "", &it, rule, why, cap);
    if (!own_folder && folder.st_mode & S_IWOTH)
        return refuse("its folder", path, &folder, rule, why, cap);
    return true;
}

bool tap_plugin_is_trusted(const char *path, char *why, size_t cap)
{
    return geteuid() == 0 ? is_roots(path, why, cap) : is_ours_or_roots(path, why, cap);
}
