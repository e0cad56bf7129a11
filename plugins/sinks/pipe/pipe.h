/* pipe.h: the pipe sink's parts: child.c (the command: started, watched, ended), plugin.c (options,
 * life).
 */
#ifndef TAP_SINKS_PIPE_PIPE_H
#define TAP_SINKS_PIPE_PIPE_H

#include <sys/types.h>

#include "beamtap/sink.h"

struct child {
    const struct tap_host *host;
    const char *command;
    pid_t pid;     /* 0: none runs */
    bool finished; /* its end is known: `code` */
    bool said;     /* ... and was told */
    int code;      /* as waitpid tells it */
};

/* Starts `sh -c COMMAND`, which reads at the other end of *to: a pipe that does not block.
 * TAP_ERROR with a cause. */
enum tap_status child_start(struct child *, int *to);
/* Has it ended? Waits so many milliseconds for that. */
bool child_ended(struct child *, int ms);
/* What its end means: TAP_OK where it was a good one or is none, else TAP_ERROR with a cause, the
 * first time. */
enum tap_status child_judge(struct child *);
/* Its input is closed: waits so long for its end, and then ends it, and all that it has started.
 * TAP_ERROR with a cause where that was needed, or its end was bad. */
enum tap_status child_finish(struct child *, int ms);
/* Ends it without a word. */
void child_kill(struct child *);

#endif
