/* file_claim.c: see file_claim.h. */
#include "sinks/common/file_claim.h"

#include <sys/stat.h>

enum tap_status tap_file_claim_path(struct tap_file_claim *c, const struct tap_host *host,
                                    const char *path, const char *what)
{
    c->reported = 0;
    c->kept = false;
    enum tap_status status = tap_writer_claim(&c->w, host, path);
    if (status != TAP_OK)
        return status;
    const char *why = c->w.given >= 0 ? "no file of its own"
                      : c->w.pack     ? "packed, by its name"
                                      : NULL;
    if (!why)
        return TAP_OK;
    tap_writer_free(&c->w);
    return TAP_FAIL(host, TAP_INVALID, "path %s: it is %s, and %s cannot be that", path, why, what);
}

enum tap_status tap_file_claim_open(struct tap_file_claim *c)
{
    if (tap_writer_open(&c->w) == TAP_OK && !c->w.regular)
        tap_writer_fail(&c->w, "cannot open", "it is a pipe or a device, and no file");
    return tap_file_claim_status(c);
}

enum tap_status tap_file_claim_begin(struct tap_file_claim *c, const void *head, size_t len)
{
    if (c->kept || c->w.failed)
        return tap_file_claim_status(c);
    tap_writer_put(&c->w, head, len);
    if (!c->w.failed)
        tap_writer_end(&c->w, 0);
    c->kept = true;
    c->reported = len;
    return tap_writer_flush(&c->w);
}

void tap_file_claim_written(struct tap_file_claim *c, uint64_t events)
{
    struct stat st;
    uint64_t size = fstat(c->w.fd, &st) == 0 ? (uint64_t)st.st_size : 0;
    uint64_t bytes = size > c->reported ? size - c->reported : 0;
    c->reported += bytes;
    if (events || bytes)
        c->w.host->sink->written(c->w.host, events, bytes);
}

bool tap_file_claim_is(const struct tap_file_claim *c, const char *name)
{
    struct stat ours, there;
    return fstat(c->w.fd, &ours) == 0 && stat(name, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

enum tap_status tap_file_claim_close(struct tap_file_claim *c)
{
    return tap_writer_close(&c->w);
}

void tap_file_claim_free(struct tap_file_claim *c)
{
    tap_writer_free(&c->w);
}
