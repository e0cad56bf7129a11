/* trial_sink_faults.c: the trials of a sink whose output fails: it cannot be opened, the disk is
 * full, a limit is reached; and what becomes of a file that was there when there is no run.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/trial_sink.h"

#define EVENTS 4000u
#define LIMIT ((rlim_t)64 << 10)

static bool has_path(struct tap_trial *t)
{
    if (!tap_life_has_path(t))
        tap_trial_skips(t, "it has no option 'path', or --set says it");
    return tap_life_has_path(t);
}

static struct tap_trial_batch *events(struct tap_life *l)
{
    struct tap_batch_plan plan = tap_life_plan(l);
    tap_events_many(&plan, EVENTS);
    return tap_plan_batch(&plan, 0);
}

/* ---- Without a run */

static const char earlier[] = "what an earlier run wrote\n";

static bool write_earlier(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, earlier, sizeof earlier - 1) == sizeof earlier - 1;
    if (fd >= 0)
        close(fd);
    return good;
}

static bool is_earlier(const char *path)
{
    char text[sizeof earlier + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1;
    if (fd >= 0)
        close(fd);
    return n == (ssize_t)sizeof earlier - 1 && memcmp(text, earlier, (size_t)n) == 0;
}

void tap_sink_without_run(struct tap_trial *t)
{
    struct tap_life l;
    if (!has_path(t))
        return;
    if (tap_life_begin(&l, t, "earlier", NULL) && !write_earlier(l.path))
        tap_trial_skips(t, "%s cannot be written", l.path);
    else if (tap_life_create(&l)) {
        l.host->expected = true; /* it may refuse a file that is there */
        bool good = tap_life_start(&l);
        l.host->expected = false;
        good = tap_life_stop(&l) && good;
        if (!is_earlier(l.path))
            tap_trial_finds(t,
                            "there was no run, neither a flush nor an event came, and still it "
                            "%s a file that an earlier run wrote",
                            tap_life_size(&l) < 0 ? "removes" : "changes");
    }
    tap_life_end(&l);
}

/* ---- Not to be opened */

static void unopened(struct tap_trial *t, const char *file, const char *what)
{
    struct tap_life l;
    struct tap_holdings before = tap_holdings_now();
    bool good = tap_life_begin(&l, t, file, NULL);
    if (good) {
        l.host->expected = true;
        bool started = tap_life_create(&l) && tap_life_start(&l);
        if (started) {
            struct tap_trial_batch *b = events(&l);
            good = tap_life_consume(&l, b) && tap_life_flush(&l);
        }
        if (l.started)
            good = tap_life_stop(&l) && good;
        if (started && good)
            tap_trial_finds(t, "its output is %s, and it says that all is well", what);
        else if (started)
            tap_trial_finds(t,
                            "its output is %s, and it says so only when the run has begun: open it "
                            "in start",
                            what);
    }
    tap_life_end(&l);
    tap_holdings_compare(t, &before, "after a start that failed, stop and destroy,");
}

void tap_sink_unopened(struct tap_trial *t)
{
    char folder[128];
    if (!has_path(t))
        return;
    unopened(t, "none/out", "in a folder that is not there");
    snprintf(folder, sizeof folder, "%.60s", t->folder);
    unopened(t, folder, "a folder");
}

/* ---- Full */

/* Consumes until it fails; whether it did, stop included. */
static bool until_failure(struct tap_life *l, int rounds)
{
    struct tap_trial_batch *b = events(l);
    bool good = true;
    l->host->expected = true;
    for (int i = 0; good && i < rounds; i++)
        good = tap_life_consume(l, b) && tap_life_flush(l);
    good = tap_life_stop(l) && good;
    l->host->expected = false;
    return !good;
}

void tap_sink_full_disk(struct tap_trial *t)
{
    struct tap_life l;
    struct tap_holdings before = tap_holdings_now();
    if (!has_path(t))
        return;
    if (access("/dev/full", W_OK) != 0) {
        tap_trial_skips(t, "this machine has no /dev/full");
        return;
    }
    if (tap_life_begin(&l, t, "/dev/full", NULL) && tap_life_create(&l)) {
        l.host->expected = true;
        bool started = tap_life_start(&l);
        if (!started)
            tap_life_stop(&l); /* what it writes at once is refused at once */
        else if (!until_failure(&l, 2))
            tap_trial_finds(t, "no write to a full disk succeeds (ENOSPC), and it never fails");
        if (l.host->written)
            tap_trial_finds(t, "it says that it wrote %llu events to a disk that is full",
                            (unsigned long long)l.host->written);
    }
    tap_life_end(&l);
    tap_holdings_compare(t, &before, "after a failure, stop and destroy,");
}

void tap_sink_limited(struct tap_trial *t)
{
    struct tap_life l;
    struct rlimit whole;
    if (!has_path(t))
        return;
    signal(SIGXFSZ, SIG_IGN); /* as in every command */
    getrlimit(RLIMIT_FSIZE, &whole);
    if (tap_life_begin(&l, t, NULL, NULL) && tap_life_create(&l) && tap_life_start(&l)) {
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){LIMIT, whole.rlim_max});
        bool failed = until_failure(&l, 40);
        setrlimit(RLIMIT_FSIZE, &whole);
        int64_t size = tap_life_size(&l);
        if (!failed && size >= (int64_t)LIMIT)
            tap_trial_finds(t, "its file cannot grow any more (EFBIG), and it never fails");
        if (size >= 0 && l.host->bytes > (uint64_t)size)
            tap_trial_finds(t,
                            "after a write that failed it says that it wrote %llu bytes, and its "
                            "file has %lld",
                            (unsigned long long)l.host->bytes, (long long)size);
    }
    tap_life_end(&l);
}

/* ---- Flush */

static void idle(struct tap_life *l)
{
    int64_t size = tap_life_size(l);
    uint64_t written = l->host->written;
    for (int i = 0; i < 20; i++)
        if (!tap_life_flush(l))
            return;
    if (size >= 0 && tap_life_size(l) > size)
        tap_trial_finds(l->trial,
                        "flush makes its file longer though nothing came: %lld bytes each time",
                        (long long)(tap_life_size(l) - size) / 20);
    if (l->host->written > written)
        tap_trial_finds(l->trial, "flush says that events are written though none came");
}

void tap_sink_flushes(struct tap_trial *t)
{
    struct tap_life l;
    bool good = tap_life_begin(&l, t, NULL, NULL) && tap_life_create(&l) && tap_life_start(&l);
    good = good && tap_life_flush(&l) && tap_life_flush(&l); /* a run in which nothing happens */
    for (int i = 0; good && i < 2; i++) {
        good = tap_life_consume(&l, events(&l)) && tap_life_flush(&l) && tap_life_flush(&l);
        int64_t size = tap_life_size(&l);
        if (good && size >= 0 && l.host->bytes > (uint64_t)size)
            tap_trial_finds(t,
                            "after flush it says that it wrote %llu bytes, and its file has %lld",
                            (unsigned long long)l.host->bytes, (long long)size);
        if (good)
            idle(&l);
    }
    if (l.started)
        tap_life_stop(&l);
    tap_life_end(&l);
}
