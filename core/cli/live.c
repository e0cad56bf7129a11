/* live.c: what a run says while it runs. On a terminal one line stands at the bottom of stderr and
 * is written over; anything else takes it away first and puts it back. Without a terminal there is
 * no such line. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/run.h"
#include "syntax/number.h"

#define HELD_MOST ((size_t)64 << 10) /* bytes that wait; lines behind them are counted */

/* stderr is one for the whole process, and so is this. */
static struct {
    pthread_mutex_t lock;
    bool quiet, shows, standing, holds;
    int64_t duration, shown;
    uint64_t received;
    size_t causes;
    char line[512];
    char *held;
    size_t held_len, held_back; /* bytes, and lines that there was no room for */
} live = {.lock = PTHREAD_MUTEX_INITIALIZER};

void tap_live_begin(bool quiet, int64_t duration, bool taken)
{
    const char *term = getenv("TERM");
    live.quiet = quiet;
    live.holds = taken && isatty(STDERR_FILENO);
    live.shows = !quiet && !taken && isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
    live.duration = duration;
}

static void take_away(void)
{
    if (live.standing)
        fputs("\r\033[K", stderr);
    live.standing = false;
}

static void put_back(void)
{
    if (!live.shows || !live.line[0])
        return;
    fputs(live.line, stderr);
    fflush(stderr);
    live.standing = true;
}

/* A line for people, now or at the end. */
static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *format, ...)
{
    char *text = NULL, *more = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0)
        return;
    if (!live.holds)
        fputs(text, stderr);
    else if (live.held_len + (size_t)n < HELD_MOST)
        more = realloc(live.held, live.held_len + (size_t)n + 1);
    if (more) {
        strcpy(more + live.held_len, text);
        live.held = more;
        live.held_len += (size_t)n;
    }
    live.held_back += live.holds && !more;
    free(text);
}

static size_t human(char *dst, size_t cap, uint64_t n, const char *unit)
{
    static const char steps[] = " kMGT";
    int64_t by = 1;
    unsigned s = 0;
    while (n / 1000 >= (uint64_t)by && steps[s + 1])
        by *= 1000, s++;
    const char *space = *unit ? " " : "";
    struct tap_number_text v = tap_number_print((int64_t)n, by, s > 0);
    int len = s ? snprintf(dst, cap, "%s %c%s", v.text, steps[s], unit)
                : snprintf(dst, cap, "%s%s%s", v.text, space, unit);
    return len < 0 ? 0 : (size_t)len < cap ? (size_t)len : cap - 1;
}

/* Cuts the line to the terminal's width: one that wraps could not be written over. */
static void cut_to_terminal(char *line)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 &&
        strlen(line) >= size.ws_col)
        line[size.ws_col - 1] = '\0';
}

void tap_live_show(const struct tap_session *session)
{
    struct tap_run_figures f;
    if (!live.shows || !tap_run_figures(session, &f))
        return;
    char line[sizeof live.line], rate[48], lost[48], bytes[48];
    int64_t elapsed = tap_session_elapsed(session), since = elapsed - live.shown;
    uint64_t per_second =
        since > 0 ? (uint64_t)((double)(f.received - live.received) * 1e9 / (double)since) : 0;
    human(rate, sizeof rate, per_second, "");
    human(lost, sizeof lost, f.lost, "");
    int n = snprintf(line, sizeof line, "%s s", tap_number_print(elapsed, 1000000000, 1).text);
    if (live.duration)
        n += snprintf(line + n, sizeof line - (size_t)n, " of %s s",
                      tap_number_print(live.duration, 1000000000, 1).text);
    n += snprintf(line + n, sizeof line - (size_t)n, ", %s events/s, %s lost", rate, lost);
    for (size_t s = 0; s < f.sink_count && n < (int)sizeof line - 64; s++) {
        human(bytes, sizeof bytes, f.sinks[s].bytes, "B");
        n += snprintf(line + n, sizeof line - (size_t)n, ", %.24s %s", f.sinks[s].section,
                      f.sinks[s].failed ? "failed" : bytes);
    }
    cut_to_terminal(line);
    live.shown = elapsed;
    live.received = f.received;
    tap_run_figures_free(&f);
    pthread_mutex_lock(&live.lock);
    take_away();
    strcpy(live.line, line);
    put_back();
    pthread_mutex_unlock(&live.lock);
}

void tap_live_end(void)
{
    pthread_mutex_lock(&live.lock);
    take_away();
    live.shows = live.holds = false;
    if (live.held)
        fputs(live.held, stderr);
    if (live.held_back)
        fprintf(stderr, "beamtap: and %zu more lines, which nobody kept\n", live.held_back);
    free(live.held);
    live.held = NULL;
    live.held_len = live.held_back = 0;
    fflush(stderr);
    pthread_mutex_unlock(&live.lock);
}

void tap_live_log(void *arg, enum tap_log_level level, const char *actor, const char *text)
{
    (void)arg;
    if (live.quiet && level > TAP_LOG_WARNING)
        return;
    pthread_mutex_lock(&live.lock);
    take_away();
    tell("beamtap: [%s] %s\n", actor, text);
    put_back();
    pthread_mutex_unlock(&live.lock);
}

void tap_live_causes(const struct tap_error *err)
{
    size_t n = tap_error_count(err);
    if (n == live.causes)
        return;
    pthread_mutex_lock(&live.lock);
    take_away();
    for (; live.causes < n; live.causes++) {
        const struct tap_cause *cause = tap_error_get(err, live.causes);
        bool placed =
            cause->message[0] == '[' || !cause->actor || strcmp(cause->actor, "core") == 0;
        if (placed)
            tell("beamtap: %s\n", cause->message);
        else
            tell("beamtap: [%s] %s\n", cause->actor, cause->message);
    }
    put_back();
    pthread_mutex_unlock(&live.lock);
}
