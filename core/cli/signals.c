/* signals.c: a thread that waits for signals, which all others have blocked. */
#include "cli/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Signals are the process's, and so is this. `set` is the watching thread's once there is one, the
 * rest is under the lock. */
static struct {
    pthread_mutex_t lock;
    sigset_t set;
    bool watching; /* the thread is there: one for all that is watched, one after the other */
    bool asked;    /* the first signal came */
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

/* Under the lock. */
static void ask_to_stop(void)
{
    if (signals.stop)
        signals.stop(signals.arg);
    signals.stop = NULL;
}

static void *wait_for_signals(void *arg)
{
    int number = 0;
    (void)arg;
    while (sigwait(&signals.set, &number) == 0) {
        pthread_mutex_lock(&signals.lock);
        bool again = signals.asked;
        signals.asked = true;
        ask_to_stop();
        pthread_mutex_unlock(&signals.lock);
        if (again && number != SIGHUP)
            leave(number);
    }
    return NULL;
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

/* The thread, where there is none yet. Under the lock. */
static bool begin(void)
{
    pthread_t thread;
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

bool tap_signals_watch(void (*stop)(void *arg), void *arg)
{
    pthread_mutex_lock(&signals.lock);
    signals.stop = stop;
    signals.arg = arg;
    signals.watching = signals.watching || begin();
    bool watching = signals.watching;
    if (signals.asked) /* between what was watched before and this */
        ask_to_stop();
    pthread_mutex_unlock(&signals.lock);
    return watching;
}

void tap_signals_forget(void)
{
    pthread_mutex_lock(&signals.lock);
    signals.stop = NULL;
    pthread_mutex_unlock(&signals.lock);
}

bool tap_signals_asked(void)
{
    pthread_mutex_lock(&signals.lock);
    bool asked = signals.asked;
    pthread_mutex_unlock(&signals.lock);
    return asked;
}
