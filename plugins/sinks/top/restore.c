/* restore.c: the terminal as it was, whatever becomes of us. We may be killed, crash, or leave at
 * once at the second SIGINT: a terminal without echo and on its other screen must not be what is
 * left. So a process of its own holds the end of a pipe that we have open, and does nothing until
 * that closes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sinks/top/screen.h"

#include <term.h> /* last: its macros are any word */

/* What undoes all that is written to a terminal for a screen; its length. */
static size_t undo_of_terminal(char undo[256])
{
    static const char *const names[] = {"rmkx", "sgr0", "op", "cnorm", "rmcup"};
    size_t n = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = tigetstr(names[i]);
        size_t len = text && text != (const char *)-1 ? strlen(text) : 0;
        if (len && n + len < 256) {
            memcpy(undo + n, text, len);
            n += len;
        }
    }
    return n;
}

/* In the child of a process with threads: system calls alone. */
static _Noreturn void wait_and_restore(int tty, int pipe_end, const struct termios *was,
                                       const char *undo, size_t undo_len)
{
    char done = 0;
    ssize_t n;
    if (dup2(tty, STDIN_FILENO) < 0 || dup2(pipe_end, STDOUT_FILENO) < 0)
        _exit(1);
    close_range(STDERR_FILENO, ~0u, 0); /* nodes and files are to see that we are gone */
    do
        n = read(STDOUT_FILENO, &done, 1);
    while (n < 0 && errno == EINTR);
    if (n == 1)
        _exit(0);
    if (write(STDIN_FILENO, undo, undo_len) < 0) {
        /* its mode can still be set */
    }
    tcsetattr(STDIN_FILENO, TCSAFLUSH, was);
    _exit(0);
}

struct top_watch top_restore_watch(int tty, const struct termios *was)
{
    struct top_watch watch = {0, -1};
    char undo[256];
    size_t undo_len = undo_of_terminal(undo);
    sigset_t all, before;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return watch;
    sigfillset(&all); /* what ends us all at once is not to end it; and to set a terminal from the
                       * background takes SIGTTOU to be blocked */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        wait_and_restore(tty, ends[0], was, undo, undo_len);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[0]);
    if (pid > 0)
        return (struct top_watch){pid, ends[1]};
    close(ends[1]);
    return watch;
}

void top_restore_done(struct top_watch *watch)
{
    if (!watch->pid)
        return;
    while (write(watch->fd, "", 1) < 0 && errno == EINTR)
        ;
    close(watch->fd);
    while (waitpid(watch->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    watch->pid = 0;
}
