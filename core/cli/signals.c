/* signals.c: a thread that waits for signals, which all others have blocked. */
#include "cli/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Signals are the process's, and so is this. */
static struct {
    pthread_mutex_t lock;
    sigset_t set;
    void (*stop)(void *arg); /* NULL: nothing to stop, or it was asked to */
    void *arg;
} signals = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void leave(int number)
{
    static const char text[] =
        "\nbeamtap: stopped at once: what is on its way is lost, and nodes clean "
        "up by themselves when their lease ends\n";
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(128 + number);
    _exit(128 + number);
}

static void *wait_for_signals(void *arg)
{
    (void)arg;
    for (bool asked = false;; asked = true) {
        int number = 0;
        do
            if (sigwait(&signals.set, &number) != 0)
                return NULL;
        while (asked && number == SIGHUP);
        if (asked)
            leave(number);
        pthread_mutex_lock(&signals.lock);
        if (signals.stop)
            signals.stop(signals.arg);
        signals.stop = NULL;
        pthread_mutex_unlock(&signals.lock);
    }
}

/* A shell's background jobs have SIGINT ignored, and still `kill -INT` is meant for them. */
static void take(int number, bool ignored_too)
{
    struct sigaction old, ours = {.sa_handler = SIG_DFL};
    sigemptyset(&ours.sa_mask);
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_IGN && !ignored_too)
        return;
    sigaction(number, &ours, NULL);
    sigaddset(&signals.set, number);
}

bool tap_signals_watch(void (*stop)(void *arg), void *arg)
{
    pthread_t thread;
    signals.stop = stop;
    signals.arg = arg;
    sigemptyset(&signals.set);
    take(SIGINT, true);
    take(SIGTERM, true);
    take(SIGHUP, false);
    pthread_sigmask(SIG_BLOCK, &signals.set, NULL);
    int failure = pthread_create(&thread, NULL, wait_for_signals, NULL);
    if (failure)
        return fprintf(stderr, "beamtap: cannot start a thread: %s\n", strerror(failure)), false;
    pthread_detach(thread);
    return true;
}

void tap_signals_forget(void)
{
    pthread_mutex_lock(&signals.lock);
    signals.stop = NULL;
    pthread_mutex_unlock(&signals.lock);
}
