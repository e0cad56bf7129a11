/* Empties its file in start, whatever becomes of the run, and lets everybody read it.
 * told: there was no run, neither a flush nor an event came, and still it changes a file
 * told: others can read the file that it makes (mode 0644)
 */
#include "right.h"

static enum tap_status start(void *self)
{
    struct self *s = self;
    s->fd = open(s->settings->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (s->fd < 0)
        return fails(s);
    struct stat st;
    if (fstat(s->fd, &st) == 0 && S_ISREG(st.st_mode))
        fchmod(s->fd, 0644);
    return TAP_OK;
}

SINK(.start = start)
