/* callback.c: the caller's function for log lines. Any thread of the trace may be in it, one that
 * was left behind too, and the caller may do there what it does elsewhere: so it is known who is in
 * it, and it is not called any more once the trace is freed. */
#include "library/library.h"

#include <time.h>

/* Which traces' functions this thread is in, the innermost first. */
struct inside {
    const struct tap_trace *trace;
    const struct inside *outer;
};
static _Thread_local const struct inside *inside;

void tap_library_log(void *arg, enum tap_log_level level, const char *actor, const char *text)
{
    struct tap_trace *t = arg;
    const struct inside here = {t, inside};
    atomic_fetch_add(&t->logging, 1);
    tap_library_log_function *log = atomic_load(&t->log);
    if (log) {
        inside = &here;
        log(t->log_arg, level, actor, text);
        inside = here.outer;
    }
    atomic_fetch_sub(&t->logging, 1);
}

bool tap_library_in_log(const struct tap_trace *t)
{
    const struct inside *i = inside;
    while (i && i->trace != t)
        i = i->outer;
    return i;
}

/* One that is in there now gets a second to come out: it may be what hangs. */
void tap_library_silence(struct tap_trace *t)
{
    atomic_store(&t->log, NULL);
    for (int i = 0; i < 1000 && atomic_load(&t->logging); i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}
