/* crash.c: the handlers. A thread that crashed in a plugin can do nothing more: it stays where it
 * is, while the session sees that it is gone (tap_operation.crashed) and finishes without it. Where
 * it was the session's own thread, or where the others cannot finish either (the plugin may have
 * held the allocator's lock), the process ends; what the sinks flushed until then is whole, or
 * mended by `beamtap repair`.
 */
#include "cli/crash.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plugin/operation.h"

#define PATIENCE 25 /* s that the others have: each of their calls may take ten */

static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
enum { NUMBERS = sizeof numbers / sizeof *numbers };
static struct sigaction earlier[NUMBERS];
static atomic_bool stayed; /* some thread is left where it crashed, or in exit */

void tap_crash_append(char *dst, size_t cap, const char *text)
{
    size_t n = strnlen(dst, cap);
    while (n + 1 < cap && *text)
        dst[n++] = *text++;
    dst[n] = '\0';
}

const char *tap_crash_signal(int number)
{
    switch (number) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGILL: return "SIGILL";
    case SIGFPE: return "SIGFPE";
    case SIGTRAP: return "SIGTRAP";
    default: return "SIGABRT";
    }
}

/* "beamtap: crashed in consume of sink:x (file): SIGSEGV" */
static void tell(const struct tap_operation *op, const char *what, const char *how)
{
    char line[512] = "\nbeamtap: ";
    const char *const parts[] = {what, " ",      op->name, " of ", op->section,
                                 " (", op->file, ")",      how};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        tap_crash_append(line, sizeof line - 1, parts[i]);
    size_t n = strlen(line);
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, n) < 0)
        return; /* nobody reads it: the exit code says it, too */
}

/* The end of this thread, and at last of the process. */
static _Noreturn void stay(const struct tap_operation *op)
{
    struct timespec left = {PATIENCE, 0};
    if (op->crashed) {
        atomic_store(&stayed, true);
        atomic_store(op->crashed, true);
        while (nanosleep(&left, &left) != 0)
            ;
    }
    _exit(1);
}

static void crashed(int number, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    struct tap_operation op = tap_operation_now();
    if (op.name) {
        char how[32] = ": ";
        tap_crash_append(how, sizeof how, tap_crash_signal(number));
        tell(&op, "crashed in", how);
        stay(&op);
    }
    for (size_t i = 0; i < NUMBERS; i++) /* as if nobody had looked: it happens once more */
        if (numbers[i] == number)
            sigaction(number, &earlier[i], NULL);
    if (number == SIGABRT)
        raise(number);
}

static void exited(void)
{
    struct tap_operation op = tap_operation_now();
    if (!op.name)
        return;
    tell(&op, "exit was called in", "");
    stay(&op);
}

void tap_crash_leave(int code)
{
    if (!atomic_load(&stayed))
        return;
    fflush(stdout);
    _exit(code);
}

void tap_crash_watch(void)
{
    static char stack[TAP_OPERATION_STACK];
    struct sigaction act = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&act.sa_mask);
    tap_operation_stack(stack);
    for (size_t i = 0; i < NUMBERS; i++)
        sigaction(numbers[i], &act, &earlier[i]);
    atexit(exited);
    at_quick_exit(exited);
}
