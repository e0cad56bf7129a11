/* guard.h: where a path leads, and whether what is written there can be read by others.
 *
 * Traces hold secrets, and beamtap is often run as root. In a folder that others can write, such as
 * /tmp, whoever comes first chooses what stands under a name: a link to somebody's file, a file
 * that he reads along, a second name of a file of ours. So a path is walked here part by part,
 * links are followed only where nobody else can have made them, and what is opened is checked
 * through the descriptor, not through the name. None of it relies on the kernel's fs.protected_*
 * settings.
 *
 * This file uses nothing of beamtap: the commands and the sinks' writer both stand on it.
 */
#ifndef TAP_FILES_GUARD_H
#define TAP_FILES_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define TAP_GUARD_WHY 192u

/* Where a path leads: a name in a folder, with no link left to follow. */
struct tap_place {
    int dir; /* the folder, O_PATH; -1: none */
    char name[256];
    bool linked; /* the path's last part was a link */
    bool magic;  /* a link of /proc, which only the kernel can follow */
};
/* False: `why`, or errno where that is "". Close with tap_place_close in any case. */
bool tap_place_find(struct tap_place *, const char *path, char why[TAP_GUARD_WHY]);
void tap_place_close(struct tap_place *);

/* An output: a regular file, a named pipe or a device, made with mode 0600 where there is none. */
struct tap_output {
    int fd;       /* never 0 to 2; -1: `why`, or errno where that is "" */
    bool made;    /* there was nothing, and no link led to it */
    bool waits;   /* a named pipe that nobody reads yet: fd is -1, ask again */
    bool exposed; /* ours, but others could read or write it: see tap_output_close_up */
    mode_t mode;  /* as it was found */
    char why[TAP_GUARD_WHY];
};
/* Opens for writing, without waiting and without emptying. Refused is what belongs to another user
 * than us and root, what others can read and we cannot change, and, in a folder that others can
 * write, what has a second name. False: fd is -1. */
bool tap_output_open(struct tap_output *, const char *path);
/* Takes an exposed output away from others (mode 0600), before the first byte. False: see errno. */
bool tap_output_close_up(const struct tap_output *);
/* A new file in this folder, mode 0600, beside NAME: its own name is in `name` (TAP_GUARD_WHY
 * bytes). -1: see errno. */
int tap_place_beside(const struct tap_place *, char name[TAP_GUARD_WHY]);

/* Can others than this user and root put, change or take away names in such a folder? */
bool tap_folder_is_shared(const struct stat *, uid_t user);

#endif
