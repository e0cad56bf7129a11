/* operation.h: which operation of which plugin a thread is in, so that whoever is told of a crash,
 * or of an exit that nobody expected, can say whose it was. Nothing here takes a lock: all of it
 * may be asked in a handler of signals.
 */
#ifndef TAP_PLUGIN_OPERATION_H
#define TAP_PLUGIN_OPERATION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "beamtap/plugin.h"

struct tap_operation {
    const char *name;           /* "consume"; NULL: the thread is in none */
    const char *section, *file; /* "sink:csv", and where it was loaded from */
    atomic_bool
        *crashed; /* set where the others can go on without this thread; NULL: they cannot */
};

/* This thread enters an operation; what it was in before, to be given to tap_operation_end. */
struct tap_operation tap_operation_begin(struct tap_operation);
void tap_operation_end(struct tap_operation before);
struct tap_operation tap_operation_now(void);

/* A stack for the handlers of this thread's signals, of its caller's own memory: on one that has
 * overflowed none could run. Until the thread ends. */
#define TAP_OPERATION_STACK 16384u
void tap_operation_stack(char memory[TAP_OPERATION_STACK]);

/* pthread_create of a thread that leaves the program's signals to the program, and so do those that
 * it makes; all but the ones of a fault of its own. */
int tap_operation_thread(pthread_t *, void *(*body)(void *arg), void *arg);

/* ns that create and start have */
#define TAP_OPERATION_DEADLINE INT64_C(10000000000)
/* Runs `call` on a thread of its own and waits for it, so long. Otherwise the thread is left
 * behind, and everything that it may use has to stay. */
enum tap_guarded { TAP_GUARDED_DONE, TAP_GUARDED_LATE, TAP_GUARDED_CRASHED, TAP_GUARDED_NO_THREAD };
enum tap_guarded tap_operation_guard(struct tap_operation, void (*call)(void *arg), void *arg);

#endif
