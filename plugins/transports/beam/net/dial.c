/* dial.c: see dial.h. The thread and the run share the dial; whoever is last frees it. */
#include "transports/beam/net/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "transports/beam/net/detached.h"
#include "transports/beam/net/own_name.h"

struct tap_dial {
    struct tap_approach approach;
    struct tap_approached result;
    struct tap_cookie cookie;
    char alive[64], *node;
    _Atomic(const char *) stage;
    atomic_bool done;
    atomic_int owners;
    int wake; /* a duplicate: the run may be gone before the thread */
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
    explicit_bzero(&d->cookie, sizeof d->cookie);
    free(d);
}

/* Our name is in use there: by us, where this is a node that we have under another name. */
static void dial_ask_name(struct tap_dial *d)
{
    struct tap_approach again = d->approach;
    struct tap_approached *other = malloc(sizeof *other);
    char alive[80]; /* an atom in the node, for ever: one */
    if (!other)
        return;
    snprintf(alive, sizeof alive, "%.60s_b", d->alive);
    again.alive = alive;
    tap_handshake(&again, other);
    memcpy(d->result.name, other->name, sizeof d->result.name);
    if (other->wire)
        other->wire->ops->close(other->wire);
    free(other);
}

static void *dial_main(void *arg)
{
    struct tap_dial *d = arg;
    uint64_t one = 1;
    do
        tap_handshake(&d->approach, &d->result);
    while (d->result.refusal == TAP_REFUSAL_NAME && tap_wire_now() < d->approach.deadline &&
           tap_own_name_next(d->alive, sizeof d->alive));
    if (d->result.refusal == TAP_REFUSAL_NAME)
        dial_ask_name(d);
    atomic_store(&d->done, true);
    if (write(d->wake, &one, sizeof one) < 0) /* full: the run is awake already */
        errno = 0;
    dial_release(d);
    return NULL;
}

struct tap_dial *tap_dial_begin(const struct tap_approach *a, int wake)
{
    struct tap_dial *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->wake = fcntl(wake, F_DUPFD_CLOEXEC, 0);
    d->node = strdup(a->node);
    snprintf(d->alive, sizeof d->alive, "%s", a->alive);
    d->cookie = *a->cookie;
    d->approach = *a;
    d->approach.node = d->node;
    d->approach.alive = d->alive;
    d->approach.cookie = &d->cookie;
    d->approach.stage = &d->stage;
    atomic_store(&d->stage, "its address");
    atomic_store(&d->owners, 2);
    if (d->wake >= 0 && d->node && tap_detached(dial_main, d))
        return d;
    atomic_store(&d->owners, 1);
    dial_release(d);
    return NULL;
}

bool tap_dial_take(struct tap_dial **dial, struct tap_approached *out)
{
    struct tap_dial *d = *dial;
    if (!d || !atomic_load(&d->done))
        return false;
    *out = d->result;
    d->result.wire = NULL;
    tap_dial_drop(dial);
    return true;
}

const char *tap_dial_stage(struct tap_dial *d)
{
    return atomic_load(&d->stage);
}

void tap_dial_drop(struct tap_dial **dial)
{
    if (*dial)
        dial_release(*dial);
    *dial = NULL;
}
