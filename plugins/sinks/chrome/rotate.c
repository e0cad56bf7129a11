/* rotate.c: the files of a run. Viewers suffer from 130 MB or a million events on, so a long run
 * may be cut into files.
 *
 * Each file is a timeline of its own: it names its nodes, and each process before the first event
 * that is drawn for it there. A call is in the file in which it returns, wherever it began; an
 * arrow is only drawn when both its ends are in one file. Times go on. The first file has the
 * configured name, trace.json, the next ones are trace.2.json and so on.
 */
#include "sinks/chrome/timeline.h"

#include <stdio.h>
#include <unistd.h>

#define TAP_CHROME_HEADER "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
#define TAP_CHROME_FOOTER "\n]}"
#define TAP_CHROME_PART_MIN ((int64_t)64 << 10)

enum tap_status tap_rotate_check(struct tap_chrome *c)
{
    const struct tap_chrome_settings *s = c->settings;
    if (s->rotate_size && s->rotate_size < TAP_CHROME_PART_MIN)
        return TAP_FAIL(c->host, TAP_INVALID,
                        "rotate_size is below 64k: a file holds more than a few events");
    if ((s->rotate_size || s->rotate_time) && strcmp(s->path, "-") == 0)
        return TAP_FAIL(c->host, TAP_INVALID,
                        "path -: standard output cannot rotate; name a file, or leave rotate_size "
                        "and rotate_time out");
    return TAP_OK;
}

enum tap_status tap_rotate_begin(struct tap_chrome *c)
{
    c->first = true;
    c->part++;
    if (c->w.seekable) {
        tap_writer_set_footer(&c->w, TAP_CHROME_FOOTER, strlen(TAP_CHROME_FOOTER));
        tap_writer_put(&c->w, TAP_CHROME_HEADER, strlen(TAP_CHROME_HEADER));
    } else {
        tap_writer_set_footer(&c->w, "\n]\n", 3);
        tap_writer_put(&c->w, "[", 1); /* no newline: a viewer looks for [{" */
    }
    tap_writer_end(&c->w, 0);
    return c->w.seekable ? tap_writer_head(&c->w)
                         : tap_writer_status(&c->w); /* valid from the first moment on */
}

void tap_rotate_end(struct tap_chrome *c)
{
    if (tap_writer_flush(&c->w) != TAP_OK)
        return;
    tap_writer_put(&c->w, "\n]", 2);
    tap_other_data(c);
    tap_writer_put(&c->w, "}\n", 2);
    tap_writer_end_last(&c->w);
}

/* The configured name with a number before its ending: trace.2.json, trace.2.json.gz. NULL: out of
 * memory. */
static char *parts_name(const char *path, uint32_t number)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t len = strlen(path), end = len;
    if (len > 3 && strcmp(path + len - 3, ".gz") == 0)
        end -= 3;
    for (const char *dot = path + end - 1; dot > name; dot--)
        if (*dot == '.') {
            end = (size_t)(dot - path);
            break;
        }
    char *to = malloc(len + 16);
    if (to)
        snprintf(to, len + 16, "%.*s.%u%s", (int)end, path, number, path + end);
    return to;
}

void tap_rotate_left(const struct tap_chrome *c)
{
    char *path = parts_name(c->settings->path, c->part + 1);
    if (path && (c->settings->rotate_size || c->settings->rotate_time) && access(path, F_OK) == 0)
        c->host->log(c->host, TAP_LOG_WARNING,
                     "%s is there from an earlier run; the last file of this one is %s", path,
                     c->part_path ? c->part_path : c->settings->path);
    free(path);
}

static enum tap_status parts_next(struct tap_chrome *c, int64_t ts)
{
    tap_rotate_end(c);
    char *path = parts_name(c->settings->path, c->part + 1);
    if (!path)
        return TAP_FAIL(c->host, TAP_ERROR, "out of memory");
    enum tap_status status = tap_writer_next(&c->w, path);
    free(c->part_path);
    c->part_path = path;
    c->part_ts = ts;
    if (status != TAP_OK || tap_rotate_begin(c) != TAP_OK)
        return TAP_ERROR;
    c->count_before = c->count;
    memset(c->flows, 0, TAP_CHROME_FLOWS * sizeof *c->flows);
    tap_nodes_again(c, ts);
    return tap_writer_status(&c->w);
}

enum tap_status tap_rotate_next(struct tap_chrome *c, int64_t ts)
{
    const struct tap_chrome_settings *s = c->settings;
    bool old = s->rotate_time && ts - c->part_ts >= s->rotate_time;
    bool large =
        s->rotate_size && c->w.offset + (uint64_t)(c->w.p - c->w.buf) >= (uint64_t)s->rotate_size;
    if (__builtin_expect((!old && !large) || !c->w.seekable || !c->w.regular || c->w.failed, 1))
        return TAP_OK;
    return parts_next(c, ts);
}
