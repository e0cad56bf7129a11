/* screen.c: the terminal's thread: it takes the terminal, draws a frame each interval, and reads
 * keys. All of ncurses is called from here.
 */
#include "sinks/top/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "syntax/chars.h"

#define PATIENCE 5  /* s that a terminal has to take the last of it */
#define LOOK_MS 200 /* how often the terminal's size is looked at, for its signal is the host's */
#define CONTROL(key) ((key)&0x1f)
#define ESCAPE 27
#define ESCAPE_MS 25 /* after which it is the key and no sequence */

/* ---- Taking the terminal, and giving it back */

/* ncurses takes signals over that are the host's. */
static const int signals[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
enum { SIGNALS = sizeof signals / sizeof *signals };

static SCREEN *open_screen(const struct top_screen *s)
{
    struct sigaction before[SIGNALS];
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], NULL, &before[i]);
    SCREEN *screen = newterm(NULL, s->out, s->in);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &before[i], NULL);
    return screen;
}

/* What the user said that terminals are given, as setlocale would find it. */
static bool wants_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *value = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && (!value || !*value); i++)
        value = getenv(names[i]);
    return value && (tap_syn_contains(value, "utf-8") || tap_syn_contains(value, "utf8"));
}

static bool refuse(struct top_screen *s, const char *what, const char *why)
{
    snprintf(s->why, sizeof s->why, "%s: %.80s", what, why);
    return false;
}

static bool open_terminal(struct top_screen *s)
{
    s->tty = open(TOP_TERMINAL, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (s->tty < 0)
        return refuse(s, "there is no terminal to show it on", strerror(errno));
    int again = fcntl(s->tty, F_DUPFD_CLOEXEC, 0);
    s->in = fdopen(s->tty, "r");
    s->out = again >= 0 ? fdopen(again, "w") : NULL;
    if (again >= 0 && !s->out)
        close(again);
    if (!s->in || !s->out)
        return refuse(s, TOP_TERMINAL, strerror(errno));
    return true;
}

static bool take_terminal(struct top_screen *s)
{
    const char *term = getenv("TERM");
    struct termios was;
    if (!open_terminal(s))
        return false;
    if (tcgetattr(s->tty, &was) != 0)
        return refuse(s, TOP_TERMINAL, strerror(errno));
    s->locale = wants_utf8() ? newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL) : NULL;
    if (s->locale)
        uselocale(s->locale);
    s->screen = term && strcmp(term, "dumb") != 0 ? open_screen(s) : NULL;
    if (!s->screen)
        return refuse(s, "TERM does not name a terminal that has a screen",
                      term ? term : "not set");
    s->watch = top_restore_watch(s->tty, &was);
    raw(); /* Ctrl-C is a key, and Ctrl-Z does not stop us while nodes wait */
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(ESCAPE_MS);
    curs_set(0);
    if (has_colors()) {
        start_color();
        use_default_colors();
        init_pair(1, COLOR_RED, -1);
        init_pair(2, COLOR_CYAN, -1);
        init_pair(3, COLOR_YELLOW, -1);
    }
    return true;
}

static void give_back(struct top_screen *s)
{
    if (s->screen) {
        endwin();
        delscreen(s->screen);
    }
    top_restore_done(&s->watch);
    if (s->out)
        fclose(s->out);
    if (s->in)
        fclose(s->in);
    else if (s->tty >= 0)
        close(s->tty);
    uselocale(LC_GLOBAL_LOCALE);
    if (s->locale)
        freelocale(s->locale);
    top_frame_free(&s->frame);
}

/* ---- Keys */

static void edit_filter(struct top_screen *s, int key)
{
    size_t n = strlen(s->filter);
    s->first[s->view] = 0;
    if (key == '\r' || key == '\n' || key == KEY_ENTER || key == ESCAPE) {
        s->editing = false;
        if (key == ESCAPE)
            s->filter[0] = '\0';
    } else if (key == KEY_BACKSPACE || key == 127 || key == CONTROL('h')) {
        while (n && ((unsigned char)s->filter[n - 1] & 0xc0) == 0x80)
            n--; /* a whole character of UTF-8 */
        s->filter[n ? n - 1 : 0] = '\0';
    } else if (key == CONTROL('u')) {
        s->filter[0] = '\0';
    } else if (key >= ' ' && key < 256 && n < TOP_FILTER) {
        s->filter[n] = (char)key;
        s->filter[n + 1] = '\0';
    }
}

static void scroll_by(struct top_screen *s, int64_t rows)
{
    int64_t first = s->first[s->view] + rows, page = top_page();
    int64_t last = (int64_t)s->frame.count[s->view] - page;
    first = first > last ? last : first;
    s->first[s->view] = first > 0 ? (uint32_t)first : 0;
}

static void show(struct top_screen *s, int view)
{
    s->view = (enum top_view)((view + TOP_VIEWS) % TOP_VIEWS);
}

static void sort_by(struct top_screen *s, unsigned step)
{
    unsigned *column = &s->column[s->view], columns = top_tables[s->view].columns;
    *column = (*column + step) % columns;
    s->first[s->view] = 0;
}

/* The run is to end. Whoever waits for SIGINT, as the command does, ends it with every sink and
 * nothing lost. Elsewhere that would end the host: there the sink has no reader any more. */
static void quit(struct top_screen *s)
{
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    if (s->asked || !sigismember(&blocked, SIGINT))
        atomic_store(&s->top->quit, true);
    else
        kill(getpid(), SIGINT);
    s->asked = true;
}

static void press(struct top_screen *s, int key)
{
    switch (key) {
    case 'q':
    case 'Q': quit(s); break;
    case '1':
    case '2':
    case '3':
    case '4': show(s, key - '1'); break;
    case '\t':
    case KEY_RIGHT: show(s, (int)s->view + 1); break;
    case KEY_BTAB:
    case KEY_LEFT: show(s, (int)s->view - 1); break;
    case 's':
    case '>': sort_by(s, 1); break;
    case '<': sort_by(s, top_tables[s->view].columns - 1); break;
    case 'r': s->reverse[s->view] = !s->reverse[s->view]; break;
    case 'p':
    case ' ': s->paused = !s->paused; break;
    case '/': s->editing = true; break;
    case ESCAPE: s->filter[0] = '\0'; break;
    case KEY_UP:
    case 'k': scroll_by(s, -1); break;
    case KEY_DOWN:
    case 'j': scroll_by(s, 1); break;
    case KEY_PPAGE: scroll_by(s, -(int64_t)top_page()); break;
    case KEY_NPAGE: scroll_by(s, top_page()); break;
    case KEY_HOME: s->first[s->view] = 0; break;
    case CONTROL('l'): clearok(curscr, TRUE); break;
    default: break;
    }
}

/* Whether there was one. */
static bool read_keys(struct top_screen *s)
{
    bool any = false;
    for (int key; (key = getch()) != ERR; any = true) {
        if (key == CONTROL('c')) /* as if the terminal were as usual */
            kill(getpid(), SIGINT);
        else if (s->editing)
            edit_filter(s, key);
        else
            press(s, key);
    }
    return any;
}

/* ---- The thread */

static bool resized(struct top_screen *s)
{
    struct winsize size;
    if (ioctl(s->tty, TIOCGWINSZ, &size) != 0 || !size.ws_row || !size.ws_col ||
        (size.ws_row == LINES && size.ws_col == COLS))
        return false;
    resizeterm(size.ws_row, size.ws_col);
    clearok(curscr, TRUE);
    return true;
}

/* Takes the next frame where it is time; whether it did. */
static bool take_frame(struct top_screen *s)
{
    int64_t now = top_now();
    if (s->paused || now - s->taken < s->top->settings->interval)
        return false;
    top_frame_take(s->top, &s->frame, now - s->taken);
    s->taken = now;
    return true;
}

static void run(struct top_screen *s)
{
    struct pollfd polled[2] = {{.fd = s->tty, .events = POLLIN}, {.fd = s->wake[0]}};
    s->began = s->taken = top_now();
    top_draw(s);
    while (!(polled[1].revents & POLLHUP)) {
        int n = poll(polled, 2, LOOK_MS);
        if (n < 0 && errno != EINTR)
            break;
        if (polled[0].revents & (POLLHUP | POLLERR)) { /* it is gone */
            atomic_store(&s->top->quit, true);
            polled[0].fd = -1;
        }
        bool changed = polled[0].fd >= 0 && n > 0 && read_keys(s);
        changed |= take_frame(s);
        if (resized(s) || changed)
            top_draw(s);
    }
}

static void *screen_main(void *arg)
{
    struct top_screen *s = arg;
    bool taken = take_terminal(s);
    if (!taken)
        give_back(s);
    sem_post(&s->ready);
    if (!taken)
        return NULL;
    run(s);
    give_back(s);
    return NULL;
}

static void forget(struct top *t)
{
    close(t->screen->wake[0]);
    if (t->screen->wake[1] >= 0)
        close(t->screen->wake[1]);
    sem_destroy(&t->screen->ready);
    free(t->screen);
    t->screen = NULL;
}

enum tap_status top_screen_start(struct top *t)
{
    struct top_screen *s = calloc(1, sizeof *s);
    if (!s)
        return TAP_FAIL(t->host, TAP_ERROR, "out of memory");
    *s = (struct top_screen){.top = t, .tty = -1};
    for (unsigned v = 0; v < TOP_VIEWS; v++)
        s->column[v] = top_tables[v].sorted;
    if (!(t->host->run_info->events &
          (TAP_KIND_BIT(TAP_FUNCTION_CALL) | TAP_KIND_BIT(TAP_FUNCTION_COUNTERS))))
        s->view = TOP_PROCESSES;
    if (pipe2(s->wake, O_CLOEXEC) != 0) {
        free(s);
        return TAP_FAIL(t->host, TAP_ERROR, "a pipe: %s", strerror(errno));
    }
    sem_init(&s->ready, 0, 0);
    t->screen = s;
    errno = pthread_create(&s->thread, NULL, screen_main, s);
    if (errno) {
        forget(t);
        return TAP_FAIL(t->host, TAP_ERROR, "a thread: %s", strerror(errno));
    }
    while (sem_wait(&s->ready) != 0)
        ;
    if (!s->why[0])
        return TAP_OK;
    pthread_join(s->thread, NULL);
    enum tap_status status =
        TAP_FAIL(t->host, TAP_INVALID, "%s (with a path it writes a file)", s->why);
    forget(t);
    return status;
}

enum tap_status top_screen_stop(struct top *t)
{
    struct top_screen *s = t->screen;
    struct timespec until;
    if (!s)
        return TAP_OK; /* it has not begun */
    close(s->wake[1]);
    s->wake[1] = -1;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE;
    if (pthread_timedjoin_np(s->thread, NULL, &until) != 0)
        return TAP_FAIL(t->host, TAP_ERROR, "the terminal has taken nothing for %d s", PATIENCE);
    forget(t);
    return TAP_OK;
}
