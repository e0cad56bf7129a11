/* ttb_info.c: the .ti file that ttb writes beside a trace: a byte of length, then a term with its
 * version byte; a term {'$size', N} says that the next one has N bytes. Of what it holds {pid,
 * {Pid, Name | {M, F, A}}} is read: what processes are called, or what they began with. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transports/file/port_file.h"

#define MOST (64u << 20) /* of bytes that are read */
#define PIECE (4u << 20) /* of bytes that are told at once: a frame holds no more than so many */

/* Beside x is x.ti; beside x.0.wrp, too. */
static int open_beside(const char *path)
{
    char name[4096];
    size_t n = strlen(path), wrap = strlen(".wrp");
    if (n + 4 > sizeof name)
        return -1;
    snprintf(name, sizeof name, "%s.ti", path);
    if (n > wrap && strcmp(path + n - wrap, ".wrp") == 0) {
        name[n - wrap] = 0;
        char *dot = strrchr(name, '.');
        if (!dot || strchr(dot, '/'))
            return -1;
        strcpy(dot, ".ti");
    }
    return open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static bool read_all(int fd, struct tap_buf *b)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return false;
    for (ssize_t n = 1; n > 0 && b->len < MOST;) {
        if (!tap_buf_reserve(b, 65536))
            return false;
        n = read(fd, b->data + b->len, 65536);
        b->len += n > 0 ? (size_t)n : 0;
    }
    return b->len > 0;
}

/* The next term, with its version byte. False: there is none. */
static bool next_term(const struct tap_buf *all, size_t *at, struct tap_cursor *c)
{
    int64_t size = 0;
    uint32_t n;
    if (*at >= all->len || all->len - *at - 1 < all->data[*at])
        return false;
    *c = tap_cursor(all->data + *at + 1, all->data[*at]);
    *at += 1 + (size_t)all->data[*at];
    struct tap_cursor t = *c;
    tap_read_version(&t);
    if (!tap_read_tuple(&t, &n) || n != 2 || !tap_match_atom(&t, "$size"))
        return true;
    if (!tap_read_i64(&t, &size) || size < 0 || (uint64_t)size > all->len - *at)
        return false;
    *c = tap_cursor(all->data + *at, (size_t)size);
    *at += (size_t)size;
    return true;
}

/* {Pid, [{Key, Value}]} of {pid, {Pid, Value}} */
static bool put_process(struct tap_cursor c, struct tap_buf *b)
{
    uint32_t n;
    tap_read_version(&c);
    if (!tap_read_tuple(&c, &n) || n != 2 || !tap_match_atom(&c, "pid") ||
        !tap_read_tuple(&c, &n) || n != 2)
        return false;
    const uint8_t *pid = c.p;
    int tag = tap_peek(&c);
    if ((tag != TAP_EXT_NEW_PID && tag != TAP_EXT_PID) || !tap_skip(&c))
        return false;
    const uint8_t *value = c.p;
    bool call = tap_peek(&c) == TAP_EXT_SMALL_TUPLE;
    if (!tap_skip(&c))
        return false;
    tap_write_tuple(b, 2);
    tap_buf_put(b, pid, (size_t)(value - pid));
    tap_write_list(b, 1);
    tap_write_tuple(b, 2);
    tap_write_atom(b, call ? "initial_call" : "name");
    tap_buf_put(b, value, (size_t)(c.p - value));
    tap_write_nil(b);
    return true;
}

/* {process_info, List} */
static void tell_list(const struct tap_buf *list, uint32_t count,
                      void (*tell)(void *arg, const struct tap_buf *term), void *arg)
{
    struct tap_buf b = {0};
    tap_write_tuple(&b, 2);
    tap_write_atom(&b, "process_info");
    tap_write_list(&b, count);
    tap_buf_put(&b, list->data, list->len);
    tap_write_nil(&b);
    if (count && !list->oom && !b.oom)
        tell(arg, &b);
    tap_buf_free(&b);
}

void tap_ttb_info(const char *path, void (*tell)(void *arg, const struct tap_buf *term), void *arg)
{
    struct tap_buf all = {0}, list = {0};
    uint32_t count = 0;
    size_t at = 0;
    struct tap_cursor c;
    int fd = open_beside(path);
    if (fd >= 0 && read_all(fd, &all))
        while (next_term(&all, &at, &c)) {
            count += put_process(c, &list);
            if (list.len < PIECE)
                continue;
            tell_list(&list, count, tell, arg);
            list.len = count = 0;
        }
    if (fd >= 0)
        close(fd);
    tell_list(&list, count, tell, arg);
    tap_buf_free(&all);
    tap_buf_free(&list);
}
