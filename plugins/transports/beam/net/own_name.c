/* own_name.c: a name is held by an abstract socket address: it goes with its process, however that
 * ends. */
#include "transports/beam/net/own_name.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NAMES 64
#define PREFIX "beamtap_"
#define VARIANTS "bcdefgh" /* of one name, in a node where it is in use */

int tap_own_name(char *name, size_t cap)
{
    for (int i = 1; i <= NAMES; i++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        snprintf(name, cap, PREFIX "%d", i);
        int len = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "%s", name);
        if (fd >= 0 && !bind(fd, (struct sockaddr *)&address,
                             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)))
            return fd;
        if (fd >= 0)
            close(fd);
    }
    return -1;
}

bool tap_own_name_next(char *name, size_t cap)
{
    size_t prefix = sizeof PREFIX - 1, len = strlen(name);
    if (strncmp(name, PREFIX, prefix) != 0)
        return false;
    size_t digits = strspn(name + prefix, "0123456789");
    const char *variant = name + prefix + digits;
    if (digits == 0 || strlen(variant) > 1 || len + 2 > cap)
        return false;
    const char *now = *variant ? strchr(VARIANTS, *variant) : NULL;
    char next = now ? now[1] : VARIANTS[0];
    if ((*variant && !now) || !next)
        return false;
    name[prefix + digits] = next;
    name[prefix + digits + 1] = 0;
    return true;
}
