/* library.h: the inside of a trace as the library's callers know it (beamtap/beamtap.h). */
#ifndef TAP_LIBRARY_LIBRARY_H
#define TAP_LIBRARY_LIBRARY_H

#include "beamtap/beamtap.h"
#include "library/call_args.h"
#include "library/store.h"
#include "session/session.h"

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

    void (*log)(void *arg, enum tap_log_level, const char *actor, const char *text);
    void *log_arg;

    struct tap_call_args call;
    char *result, *stack; /* printed; under lock */
};

/* All causes as lines; NULL when there is none, or no memory. */
char *tap_library_causes(const struct tap_error *);

#endif
