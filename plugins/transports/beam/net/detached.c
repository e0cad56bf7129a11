/* detached.c: see detached.h. */
#include "transports/beam/net/detached.h"

#include <pthread.h>
#include <signal.h>

bool tap_detached(void *(*main)(void *), void *arg)
{
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = !pthread_create(&thread, NULL, main, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ok)
        pthread_detach(thread);
    return ok;
}
