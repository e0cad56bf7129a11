/* child.c: the command that the pipe sink writes to. It is a process group of its own, so that ^C
 * on a terminal is not for it (it ends with its input), and it can be ended with all that it
 * started.
 */
#include "sinks/pipe/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHILD_STEP 5   /* ms */
#define CHILD_LAST 500 /* ms after SIGTERM */

extern char **environ;

/* As a program expects it: no signal held or ignored, whatever is so here. */
static int attributes(posix_spawnattr_t *how)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int code = posix_spawnattr_init(how);
    if (code)
        return code;
    posix_spawnattr_setsigmask(how, &none);
    posix_spawnattr_setsigdefault(how, &all);
    posix_spawnattr_setpgroup(how, 0);
    return posix_spawnattr_setflags(how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                             POSIX_SPAWN_SETPGROUP);
}

/* Its input is the pipe, its output and errors are ours, also where those are closed for
 * children. */
static int files(posix_spawn_file_actions_t *actions, int from)
{
    int code = posix_spawn_file_actions_init(actions);
    if (code)
        return code;
    code = posix_spawn_file_actions_adddup2(actions, from, STDIN_FILENO);
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO && !code; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            code = posix_spawn_file_actions_adddup2(actions, fd, fd);
    return code;
}

/* Ours, but for the secret that it may hold. NULL: out of memory. */
static char **environment(void)
{
    static const char secret[] = "BEAMTAP_COOKIE=";
    size_t n = 0, kept = 0;
    while (environ[n])
        n++;
    char **mine = malloc((n + 1) * sizeof *mine);
    for (size_t i = 0; mine && i < n; i++)
        if (strncmp(environ[i], secret, sizeof secret - 1) != 0)
            mine[kept++] = environ[i];
    if (mine)
        mine[kept] = NULL;
    return mine;
}

static int spawn(struct child *c, int from)
{
    char *words[] = {(char *)"sh", (char *)"-c", (char *)(uintptr_t)c->command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t how;
    int code = attributes(&how);
    if (code)
        return code;
    char **variables = environment();
    code = variables ? files(&actions, from) : ENOMEM;
    if (!code) {
        code = posix_spawn(&c->pid, "/bin/sh", &actions, &how, words, variables);
        posix_spawn_file_actions_destroy(&actions);
    }
    free(variables);
    posix_spawnattr_destroy(&how);
    return code;
}

/* A descriptor that is not one of the three whose places the command needs. */
static int above_three(int fd)
{
    if (fd > STDERR_FILENO)
        return fd;
    int higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    return higher;
}

enum tap_status child_start(struct child *c, int *to)
{
    int ends[2] = {-1, -1}, code = 0;
    char text[128];
    if (pipe2(ends, O_CLOEXEC) < 0)
        code = errno;
    for (int i = 0; i < 2 && !code; i++)
        if ((ends[i] = above_three(ends[i])) < 0)
            code = errno;
    if (!code && fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0)
        code = errno;
    if (!code && (code = spawn(c, ends[0])) != 0)
        c->pid = 0;
    if (ends[0] >= 0)
        close(ends[0]);
    if (code && ends[1] >= 0)
        close(ends[1]);
    if (code)
        return TAP_FAIL(c->host, TAP_ERROR, "cannot start '%s': %s", c->command,
                        strerror_r(code, text, sizeof text));
    *to = ends[1];
    return TAP_OK;
}

/* ---- Its end */

bool child_ended(struct child *c, int ms)
{
    const struct timespec step = {.tv_nsec = CHILD_STEP * 1000000};
    while (c->pid) {
        pid_t found = waitpid(c->pid, &c->code, WNOHANG);
        if (found == 0 || (found < 0 && errno == EINTR)) {
            if (ms <= 0)
                return false;
            nanosleep(&step, NULL);
            ms -= CHILD_STEP;
            continue;
        }
        if (found < 0) /* the program around us ignores SIGCHLD: nobody knows how it ended */
            c->code = 0;
        c->pid = 0;
        c->finished = true;
    }
    return c->finished;
}

enum tap_status child_judge(struct child *c)
{
    if (!c->finished || (WIFEXITED(c->code) && WEXITSTATUS(c->code) == 0))
        return TAP_OK;
    if (c->said)
        return TAP_ERROR;
    c->said = true;
    if (WIFSIGNALED(c->code))
        return TAP_FAIL(c->host, TAP_ERROR, "'%s' was ended by signal %d (%s)", c->command,
                        WTERMSIG(c->code), strsignal(WTERMSIG(c->code)));
    int code = WEXITSTATUS(c->code);
    return TAP_FAIL(c->host, TAP_ERROR, "'%s' ended with exit code %d%s", c->command, code,
                    code == 127   ? ": there is no such command"
                    : code == 126 ? ": it cannot be run"
                                  : "");
}

/* The shell's end tells nothing of what it has started: the rest of the group has its time, and
 * then is ended in any case. Nobody asks for the shell's end before that, for then its number,
 * which is the group's, may be somebody else's. */
void child_kill(struct child *c)
{
    struct timespec left = {.tv_nsec = CHILD_LAST * 1000000};
    if (!c->pid)
        return;
    kill(-c->pid, SIGTERM);
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
    kill(-c->pid, SIGKILL);
    child_ended(c, CHILD_LAST);
}

enum tap_status child_finish(struct child *c, int ms)
{
    if (child_ended(c, ms) || !c->pid)
        return child_judge(c);
    child_kill(c);
    c->said = true;
    return TAP_FAIL(c->host, TAP_ERROR,
                    "'%s' was still running %d ms after its input had ended: it was stopped",
                    c->command, ms);
}
