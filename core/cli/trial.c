/* trial.c: the trials of a plugin, a child process for each, and the report on stdout.
 */
#include "cli/trial.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "syntax/number.h"

/* ---- The child */

static void child(struct tap_trial *t, const struct tap_trial_case *c, int said)
{
    tap_trial_begin_child(t, said);
    if (tap_trial_loads(t))
        c->run(t);
    tap_trial_enters(t, NULL);
    fflush(NULL); /* all that is there is what the plugin printed */
    atomic_store(&t->shared->done, true);
    _exit(0);
}

/* Waits for its end; one operation has so long. False: it was ended. */
static bool wait_for(const struct tap_trial *t, pid_t pid, int *status)
{
    unsigned steps = 0;
    int64_t since = tap_clock_steady();
    while (waitpid(pid, status, WNOHANG) == 0) {
        unsigned now = atomic_load(&t->shared->steps);
        if (now != steps) {
            steps = now;
            since = tap_clock_steady();
        } else if (tap_clock_steady() - since > t->patience) {
            kill(pid, SIGKILL);
            waitpid(pid, status, 0);
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return true;
}

/* What it printed by itself: the first line. */
static void read_said(struct tap_trial_shared *s, int fd)
{
    ssize_t n = pread(fd, s->said, sizeof s->said - 1, 0);
    s->said[n > 0 ? n : 0] = '\0';
    s->said[strcspn(s->said, "\n")] = '\0';
    for (char *c = s->said; *c; c++)
        *c = (unsigned char)*c < ' ' || *c == 127 ? '?' : *c;
}

static void judge_end(struct tap_trial *t, bool ended, int status)
{
    const struct tap_trial_shared *s = t->shared;
    const char *operation = s->operation[0] ? s->operation : "none of its operations";
    if (!ended)
        tap_trial_finds(
            t, "%s did not come back within %s s", operation,
            tap_number_print(t->patience, TAP_SECOND, t->patience % TAP_SECOND != 0).text);
    else if (strcmp(s->crash, "exit") == 0)
        tap_trial_finds(t, "it calls exit in %s: the process is not a plugin's to end", operation);
    else if (s->crash[0])
        tap_trial_finds(t, "it crashed in %s (%s)", operation, s->crash);
    else if (!atomic_load(&s->done) && WIFSIGNALED(status))
        tap_trial_finds(t, "it crashed in %s (%s)", operation, strsignal(WTERMSIG(status)));
    else if (!atomic_load(&s->done))
        tap_trial_finds(t, "it ends the process in %s (exit code %d)", operation,
                        WEXITSTATUS(status));
    if (s->said[0])
        tap_trial_finds(t,
                        "it prints by itself, and what is said to people is the core's "
                        "(host->log): %s",
                        s->said);
}

/* ---- Its folder */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static bool make_folder(struct tap_trial *t)
{
    const char *tmp = getenv("TMPDIR");
    if (!tmp || *tmp != '/' || strlen(tmp) > 32)
        tmp = "/tmp";
    snprintf(t->folder, sizeof t->folder, "%s/beamtap-test-XXXXXX", tmp);
    if (mkdtemp(t->folder))
        return true;
    fprintf(stderr, "beamtap plugins: cannot make a folder in %s: %s\n", tmp, strerror(errno));
    return false;
}

/* ---- One trial */

static void report(const struct tap_trial *t, const struct tap_trial_case *c)
{
    const struct tap_trial_shared *s = t->shared;
    unsigned used = atomic_load(&s->used);
    if (!used && s->skipped[0]) {
        printf("  -      %s: not tried, for %s\n", c->name, s->skipped);
        return;
    }
    printf("  %-6s %s\n", used ? "wrong" : "ok", c->name);
    for (const char *line = s->findings; line < s->findings + used;) {
        int n = (int)strcspn(line, "\n");
        printf("         %.*s\n", n, line);
        line += n + 1;
    }
    if (used && s->logged[0])
        printf("         (its log said: %.*s)\n", (int)strcspn(s->logged, "\n"), s->logged);
}

/* How many things were found; -1: it could not be tried, and that was told. */
static int try_one(struct tap_trial *t, const struct tap_trial_case *c)
{
    int said = memfd_create("beamtap-said", MFD_CLOEXEC), status = 0, n = 0;
    memset(t->shared, 0, sizeof *t->shared);
    if (said < 0 || !make_folder(t)) {
        if (said >= 0)
            close(said);
        return -1;
    }
    fflush(NULL); /* what is buffered is not the child's to write */
    pid_t pid = fork();
    if (pid == 0)
        child(t, c, said);
    if (pid > 0) {
        bool ended = wait_for(t, pid, &status);
        read_said(t->shared, said);
        judge_end(t, ended, status);
        if (c == &tap_describe_case)
            printf("%s %s\n", t->section, t->shared->plugin);
        report(t, c);
        for (const char *line = t->shared->findings; *line; line += strcspn(line, "\n") + 1)
            n += *line != '('; /* which goes with the one before */
    } else {
        fprintf(stderr, "beamtap plugins: cannot start a process: %s\n", strerror(errno));
    }
    close(said);
    nftw(t->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return pid > 0 ? n : -1;
}

/* ---- All of them */

static int try_all(struct tap_trial *t)
{
    static const struct tap_trial_case *const cases[] = {[TAP_PLUGIN_TRANSPORT] =
                                                             tap_transport_cases,
                                                         [TAP_PLUGIN_FILTER] = tap_filter_cases,
                                                         [TAP_PLUGIN_SINK] = tap_sink_cases};
    int found = try_one(t, &tap_describe_case), one = 0;
    if (found < 0 || !t->shared->plugin[0]) /* it cannot even be loaded */
        return found;
    for (const struct tap_trial_case *c = cases[t->kind]; c->name && one >= 0; c++) {
        one = try_one(t, c);
        found += one > 0 ? one : 0;
        if (t->shared->uncreated) {
            puts("  -      all else: not tried, for there is no instance of it");
            return found;
        }
    }
    if (one >= 0 && t->recording && t->kind != TAP_PLUGIN_TRANSPORT) {
        one = try_one(t, &tap_replay_case);
        found += one > 0 ? one : 0;
    }
    return one < 0 ? -1 : found;
}

int tap_trial_run(struct tap_trial *t)
{
    void *shared =
        mmap(NULL, sizeof *t->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        fputs("beamtap: out of memory\n", stderr);
        return 1;
    }
    t->shared = shared;
    int found = try_all(t);
    if (found == 0)
        printf("nothing is wrong\n");
    else if (found > 0)
        printf("%d thing%s wrong\n", found, found == 1 ? " is" : "s are");
    munmap(shared, sizeof *t->shared);
    return found == 0 ? 0 : 1;
}
