/* reach.c: see reach.h. The thread and the run share it; whoever is last frees it. */
#include "transports/beam/net/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transports/beam/net/addresses.h"
#include "transports/beam/net/detached.h"
#include "transports/beam/net/wire.h"

/* What the thread may be late: it says more than that the time is over. */
#define REACH_GRACE INT64_C(200000000)

struct tap_reach {
    char *host, why[300];
    uint16_t port;
    int64_t deadline;
    int fd, wake; /* wake: a duplicate, for the run may be gone before the thread */
    atomic_bool done;
    atomic_int owners;
};

static void reach_release(struct tap_reach *r)
{
    if (atomic_fetch_sub(&r->owners, 1) != 1)
        return;
    if (r->fd >= 0)
        close(r->fd);
    if (r->wake >= 0)
        close(r->wake);
    free(r->host);
    free(r);
}

static void *reach_main(void *arg)
{
    struct tap_reach *r = arg;
    struct tap_addresses addresses;
    uint64_t one = 1;
    if (tap_addresses_find(r->host, &addresses, r->why, sizeof r->why)) {
        r->fd = tap_addresses_connect(&addresses, r->port, r->deadline, NULL);
        if (r->fd < 0)
            snprintf(r->why, sizeof r->why, "%s", strerror(errno));
    }
    atomic_store(&r->done, true);
    if (write(r->wake, &one, sizeof one) < 0) /* full: the run is awake already */
        errno = 0;
    reach_release(r);
    return NULL;
}

struct tap_reach *tap_reach_begin(const char *host, uint16_t port, int64_t deadline, int wake)
{
    struct tap_reach *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->fd = -1;
    r->wake = fcntl(wake, F_DUPFD_CLOEXEC, 0);
    r->host = strdup(host);
    r->port = port;
    r->deadline = deadline;
    atomic_store(&r->owners, 2);
    if (r->wake >= 0 && r->host && tap_detached(reach_main, r))
        return r;
    atomic_store(&r->owners, 1);
    reach_release(r);
    return NULL;
}

bool tap_reach_take(struct tap_reach **reach, int *fd, char *why, size_t cap)
{
    struct tap_reach *r = *reach;
    if (!r)
        return false;
    if (atomic_load(&r->done)) {
        *fd = r->fd;
        r->fd = -1;
        snprintf(why, cap, "%s", r->why);
    } else if (tap_wire_now() > r->deadline + REACH_GRACE) {
        *fd = -1;
        snprintf(why, cap, "looking up the host '%s' takes longer than that", r->host);
    } else {
        return false;
    }
    tap_reach_drop(reach);
    return true;
}

void tap_reach_drop(struct tap_reach **reach)
{
    if (*reach)
        reach_release(*reach);
    *reach = NULL;
}
