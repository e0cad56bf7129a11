/* dial.c: see dial.h. The thread and the run share the dial; whoever is last frees it. */
#include "transports/beam/net/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "transports/beam/net/own_name.h"

struct tap_dial {
    struct tap_dialled result;
    atomic_bool done;
    atomic_int owners;
    int64_t deadline;
    int wake; /* a duplicate: the run may be gone before the thread */
    char alive[64], *node, *cookie;
};

static void dial_release(struct tap_dial *d)
{
    if (atomic_fetch_sub(&d->owners, 1) != 1)
        return;
    if (d->result.wire)
        d->result.wire->ops->close(d->result.wire);
    if (d->wake >= 0)
        close(d->wake);
    free(d->node);
    free(d->cookie);
    free(d);
}

static void *dial_main(void *arg)
{
    struct tap_dial *d = arg;
    struct tap_dialled *r = &d->result;
    uint64_t one = 1;
    errno = 0;
    do
        r->wire = tap_handshake(d->node, d->alive, d->cookie, d->deadline, r->pid, &r->pid_len,
                                r->why, sizeof r->why);
    while (!r->wire && errno == EADDRINUSE && tap_wire_now() < d->deadline &&
           tap_own_name_next(d->alive, sizeof d->alive));
    r->refused = !r->wire && errno == EACCES;
    atomic_store(&d->done, true);
    if (write(d->wake, &one, sizeof one) < 0) /* full: the run is awake already */
        errno = 0;
    dial_release(d);
    return NULL;
}

struct tap_dial *tap_dial_begin(const char *node, const char *alive, const char *cookie,
                                int64_t timeout, int wake)
{
    struct tap_dial *d = calloc(1, sizeof *d);
    pthread_t thread;
    if (!d)
        return NULL;
    d->deadline = tap_wire_now() + timeout;
    d->wake = fcntl(wake, F_DUPFD_CLOEXEC, 0);
    d->node = strdup(node);
    snprintf(d->alive, sizeof d->alive, "%s", alive);
    d->cookie = strdup(cookie);
    atomic_store(&d->owners, 2);
    if (d->wake >= 0 && d->node && d->cookie && !pthread_create(&thread, NULL, dial_main, d)) {
        pthread_detach(thread);
        return d;
    }
    atomic_store(&d->owners, 1);
    dial_release(d);
    return NULL;
}

bool tap_dial_take(struct tap_dial **dial, struct tap_dialled *out)
{
    struct tap_dial *d = *dial;
    if (!d || !atomic_load(&d->done))
        return false;
    *out = d->result;
    d->result.wire = NULL;
    tap_dial_drop(dial);
    return true;
}

void tap_dial_drop(struct tap_dial **dial)
{
    if (*dial)
        dial_release(*dial);
    *dial = NULL;
}
