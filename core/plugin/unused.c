/* unused.c: looks through the folders once more, for people who wonder where their plugin is. */
#include "plugin/unused.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is this text among the file's bytes? */
static bool names(const char *path, const char *text)
{
    struct stat st;
    bool found = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        size_t size = (size_t)st.st_size;
        void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes != MAP_FAILED) {
            found = memmem(bytes, size, text, strlen(text)) != NULL;
            munmap(bytes, size);
        }
    }
    if (fd >= 0)
        close(fd);
    return found;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* One file of a folder; a sentence in `text`, "" where there is nothing to say. */
static void look(struct tap_registry *r, const char *path, char *text, size_t cap)
{
    const char *file = strrchr(path, '/') + 1, *name;
    size_t n = strlen(file), len;
    enum tap_plugin_kind kind;
    text[0] = '\0';
    if (n < 4 || strcmp(file + n - 3, ".so") != 0)
        return;
    if (tap_registry_reads(file, &kind, &name, &len)) {
        const char *used = tap_registry_file(r, kind, name, len);
        if (used && !same_file(used, path))
            snprintf(text, cap, "%s is not used: %s stands before it", path, used);
    } else if (names(path, "beamtap_plugin_v")) { /* people build other libraries there, too */
        snprintf(text, cap,
                 "%s is not found as a plugin: it has the symbol of one, but the file of a plugin "
                 "is called beamtap_KIND_NAME.so (KIND: transport, filter or sink)",
                 path);
    }
}

void tap_plugin_unused(struct tap_registry *r, void (*tell)(void *arg, const char *text), void *arg)
{
    const char *folder;
    char path[PATH_MAX], text[2 * PATH_MAX + 256];
    for (size_t i = 0; (folder = tap_registry_folder(r, i)); i++) {
        DIR *dir = opendir(folder);
        for (struct dirent *e; dir && (e = readdir(dir));) {
            if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= sizeof path)
                continue;
            look(r, path, text, sizeof text);
            if (text[0])
                tell(arg, text);
        }
        if (dir)
            closedir(dir);
    }
}
