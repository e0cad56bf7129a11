/* torn_gzip.h: all text that can be had from a packed file that is torn or damaged.
 *
 * Our sinks end each piece of a packed file with a full flush (sinks/common/gzip.h): a mark of four
 * bytes, behind which nothing refers to what was before. So what follows a damage is unpacked from
 * the next mark on.
 */
#ifndef TAP_CLI_TORN_GZIP_H
#define TAP_CLI_TORN_GZIP_H

#include <stdbool.h>
#include <stddef.h>

struct tap_torn_gzip {
    void (*text)(void *arg, const char *text, size_t len);
    void (*lost)(void *arg); /* here something is missing */
    void *arg;
    /* Set at the end: the file's own end was there, at the right place, and its checksum fits. */
    bool whole;
};

/* False: out of memory. */
bool tap_torn_gzip_read(struct tap_torn_gzip *, const unsigned char *data, size_t size);

#endif
