/* crash.h: a plugin that crashes, or calls exit, ends the command in order: it is said whose
 * operation it was, the other sinks finish their files, and the exit code is that of a failure.
 */
#ifndef TAP_CLI_CRASH_H
#define TAP_CLI_CRASH_H

#include <stdbool.h>
#include <stddef.h>

/* From here on. What crashes outside of a plugin's operations is as it was. */
void tap_crash_watch(void);
/* At the end of main: comes back unless a thread was left in exit, or where it crashed. Then this
 * is the process's end, for exit waits for the one that is in it (glibc, from 2.41 on). */
void tap_crash_leave(int code);

/* For handlers of signals: the name of one that ends a process, and text behind a text. */
const char *tap_crash_signal(int number);
void tap_crash_append(char *dst, size_t cap, const char *text);

#endif
