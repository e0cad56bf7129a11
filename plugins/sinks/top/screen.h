/* screen.h: the terminal's thread: what it is shown, and what it draws. */
#ifndef TAP_SINKS_TOP_SCREEN_H
#define TAP_SINKS_TOP_SCREEN_H

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <locale.h>
#include <semaphore.h>
#include <stdio.h>
#include <termios.h>

#include "sinks/top/top.h"

#define TOP_FILTER 64 /* bytes that can be typed */

struct top_screen {
    struct top *top;
    pthread_t thread;
    sem_t ready; /* it has the terminal, or `why` says why not */
    char why[160];
    int wake[2]; /* a pipe: its end wakes the thread, to end */

    /* the thread's own from here on */
    int tty;
    FILE *in, *out;
    SCREEN *screen;
    locale_t locale; /* of this thread alone: the process keeps its own; 0: ASCII only */
    struct top_watch {
        pid_t pid; /* 0: nobody watches */
        int fd;
    } watch;
    enum top_view view;
    unsigned column[TOP_VIEWS];
    bool reverse[TOP_VIEWS];
    uint32_t first[TOP_VIEWS];   /* rows that are scrolled away */
    bool paused, editing, asked; /* asked: to end the run */
    char filter[TOP_FILTER + 1];
    struct top_frame frame;
    int64_t began, taken;
};

/* draw.c: the screen as it is to be now. */
void top_draw(struct top_screen *);
/* How many rows fit. */
uint32_t top_page(void);

/* restore.c: a process that waits for our end, and then sets the terminal as it was: with what is
 * written to undo what ncurses writes, and with how it was set. pid 0: there can be none. */
struct top_watch top_restore_watch(int tty, const struct termios *was);
/* It is as it was: nothing is left to do. */
void top_restore_done(struct top_watch *);

#endif
