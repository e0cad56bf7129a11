/* library.h: the inside of a trace as the library's callers know it (beamtap/beamtap.h). */
#ifndef TAP_LIBRARY_LIBRARY_H
#define TAP_LIBRARY_LIBRARY_H

#include "beamtap/beamtap.h"
#include "library/call_args.h"
#include "library/store.h"
#include "session/session.h"

typedef void tap_library_log_function(void *arg, enum tap_log_level, const char *actor,
                                      const char *text);

struct tap_trace {
    struct tap_session *session;
    struct tap_config *config;
    struct tap_error *err;
    struct tap_store *store; /* the session's */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under lock. */
    bool started, ended;
    enum tap_status status;

    _Atomic(tap_library_log_function *) log; /* the caller's; NULL: none, or no longer */
    void *log_arg;
    atomic_uint logging; /* threads that are in it */

    struct tap_call_args call;
    char *result, *stack; /* printed; under lock */
};

/* callback.c: a line for the caller's log (`arg`: the trace); is this thread in that function; and
 * it is called no more. */
void tap_library_log(void *arg, enum tap_log_level, const char *actor, const char *text);
bool tap_library_in_log(const struct tap_trace *);
void tap_library_silence(struct tap_trace *);

/* All causes as lines; NULL when there is none, or no memory. */
char *tap_library_causes(const struct tap_error *);
/* A mistake of the caller's, where there is no list of causes. TAP_INVALID. */
enum tap_status tap_library_invalid(char **why, const char *text);

#endif
