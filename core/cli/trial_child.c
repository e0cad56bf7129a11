/* trial_child.c: what a trial's child tells the command: findings, the operation it is in, and how
 * it crashed.
 */
#include "cli/trial.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/crash.h"

/* Of this process, for the handlers of its signals and of its end. */
static struct tap_trial *trial_of_child;

void tap_trial_finds(struct tap_trial *t, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    for (char *c = line; *c; c++)
        *c = (unsigned char)*c < ' ' ? ' ' : *c;
    size_t n = strlen(line);
    line[n++] = '\n';
    struct tap_trial_shared *s = t->shared;
    unsigned used = atomic_load(&s->used);
    if (memmem(s->findings, used, line, n) || used + n >= sizeof s->findings)
        return;
    memcpy(s->findings + used, line, n);
    atomic_store(&s->used, used + (unsigned)n);
}

void tap_trial_skips(struct tap_trial *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(t->shared->skipped, sizeof t->shared->skipped, format, args);
    va_end(args);
}

void tap_trial_enters(struct tap_trial *t, const char *operation)
{
    char *name = t->shared->operation;
    name[0] = '\0';
    if (operation)
        snprintf(name, sizeof t->shared->operation, "%s", operation);
    atomic_fetch_add(&t->shared->steps, 1);
}

/* ---- Crashes */

static void crashed(int number, siginfo_t *info, void *context)
{
    (void)context;
    struct tap_trial_shared *s = trial_of_child->shared;
    if (!s->crash[0]) {
        const char *blame =
            number == SIGSEGV || number == SIGBUS ? tap_region_blames(info->si_addr) : NULL;
        tap_crash_append(s->crash, sizeof s->crash, tap_crash_signal(number));
        if (blame) {
            tap_crash_append(s->crash, sizeof s->crash, ": ");
            tap_crash_append(s->crash, sizeof s->crash, blame);
        }
    }
    _exit(1);
}

static void catch_crashes(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};
    static char stack[65536]; /* a stack that is full has no room for a handler */
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    struct sigaction act = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &act, NULL);
}

/* A plugin that calls exit: nothing of ours does in a child. */
static void exited(void)
{
    struct tap_trial_shared *s = trial_of_child->shared;
    if (!atomic_load(&s->done) && !s->crash[0])
        tap_crash_append(s->crash, sizeof s->crash, "exit");
    fflush(NULL);
    _exit(1);
}

void tap_trial_begin_child(struct tap_trial *t, int said)
{
    trial_of_child = t;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    dup2(said, STDOUT_FILENO);
    dup2(said, STDERR_FILENO);
    catch_crashes();
    atexit(exited);
}

/* ---- Loading */

bool tap_trial_loads(struct tap_trial *t)
{
    t->err = tap_error_new();
    struct tap_registry *registry = t->err ? tap_registry_new(NULL) : NULL;
    if (!registry)
        return tap_trial_finds(t, "out of memory"), false;
    tap_trial_enters(t, "the loading");
    t->loaded = tap_registry_get(registry, t->kind, t->name, NULL, NULL, t->err);
    tap_trial_enters(t, NULL);
    for (size_t i = 0; i < tap_error_count(t->err); i++)
        tap_trial_finds(t, "%s", tap_error_get(t->err, i)->message);
    if (!t->loaded)
        return false;
    const struct tap_plugin *p = t->loaded->plugin;
    snprintf(t->shared->plugin, sizeof t->shared->plugin, "%s%s(%s)", p->version ? p->version : "",
             p->version ? " " : "", t->loaded->path);
    t->shared->flags = p->flags;
    return true;
}
