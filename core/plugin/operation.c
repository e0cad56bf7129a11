/* operation.c: see operation.h. */
#include "plugin/operation.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

static _Thread_local struct tap_operation now;

struct tap_operation tap_operation_begin(struct tap_operation operation)
{
    struct tap_operation before = now;
    now = operation;
    return before;
}

void tap_operation_end(struct tap_operation before)
{
    now = before;
}

struct tap_operation tap_operation_now(void)
{
    return now;
}

void tap_operation_stack(char memory[TAP_OPERATION_STACK])
{
    stack_t stack = {.ss_sp = memory, .ss_size = TAP_OPERATION_STACK}, there;
    if (sigaltstack(NULL, &there) == 0 && there.ss_flags & SS_DISABLE)
        sigaltstack(&stack,
                    NULL); /* else a sanitizer has given it one, and takes that away again */
}

/* ---- Threads */

/* A thread that blocks a signal of a fault of its own is not told of it, it is ended. */
int tap_operation_thread(pthread_t *thread, void *(*body)(void *arg), void *arg)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    sigset_t others, before;
    sigfillset(&others);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&others, faults[i]);
    pthread_sigmask(SIG_BLOCK, &others, &before);
    int failure = pthread_create(thread, NULL, body, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}

/* ---- With a deadline */

struct guarded {
    struct tap_operation operation;
    void (*call)(void *arg);
    void *arg;
    atomic_bool crashed, done;
};

static void *guarded_main(void *arg)
{
    struct guarded *g = arg;
    char stack[TAP_OPERATION_STACK];
    tap_operation_stack(stack);
    struct tap_operation before = tap_operation_begin(g->operation);
    g->call(g->arg);
    tap_operation_end(before);
    atomic_store(&g->done, true);
    return NULL;
}

/* Most are done at once. */
static void wait_a_little(int64_t since)
{
    int64_t waited = tap_clock_steady() - since;
    nanosleep(&(struct timespec){.tv_nsec = waited < 5000000 ? 50000 : 2000000}, NULL);
}

enum tap_guarded tap_operation_guard(struct tap_operation operation, void (*call)(void *arg),
                                     void *arg)
{
    struct guarded *g = calloc(1, sizeof *g); /* stays where the thread stays */
    pthread_t thread;
    if (!g)
        return TAP_GUARDED_NO_THREAD;
    g->operation = operation;
    g->operation.crashed = &g->crashed;
    g->call = call;
    g->arg = arg;
    if (tap_operation_thread(&thread, guarded_main, g)) {
        free(g);
        return TAP_GUARDED_NO_THREAD;
    }
    int64_t since = tap_clock_steady();
    while (!atomic_load(&g->done)) {
        bool crashed = atomic_load(&g->crashed);
        if (crashed || tap_clock_steady() - since > TAP_OPERATION_DEADLINE) {
            pthread_detach(thread);
            return crashed ? TAP_GUARDED_CRASHED : TAP_GUARDED_LATE;
        }
        wait_a_little(since);
    }
    pthread_join(thread, NULL);
    free(g);
    return TAP_GUARDED_DONE;
}
