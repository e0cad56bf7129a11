/* gzip.h: gzip that is whole whenever no write is under way.
 *
 * A file that ends in .gz is one gzip member. Each piece of text is deflated and flushed to a byte
 * border, so that behind it a short end can stand: a stored block with the text's footer, the
 * checksum and the length. The next piece goes over that end, as it goes over the footer of a plain
 * file, and refers to nothing before it: what is damaged costs the piece that it is in (`beamtap
 * repair`). Pieces are those of the writer: large ones, a second apart.
 */
#ifndef TAP_SINKS_COMMON_GZIP_H
#define TAP_SINKS_COMMON_GZIP_H

#include <stdbool.h>
#include <stddef.h>

/* bytes that an end takes at most, with a footer of TAP_WRITER_FOOTER bytes */
#define TAP_GZIP_END 96u

struct tap_gzip;

struct tap_gzip *tap_gzip_new(void); /* NULL: out of memory */
void tap_gzip_free(struct tap_gzip *);
void tap_gzip_restart(struct tap_gzip *); /* for another file */
/* Packs the next piece; the bytes are at *out until the next call. False: out of memory. */
bool tap_gzip_add(struct tap_gzip *, const char *text, size_t len, const char **out,
                  size_t *out_len);
/* The end that belongs behind all that was added; `before`: behind what was there before the last
 * tap_gzip_add, for a piece that could not be written. dst has room for TAP_GZIP_END bytes. */
size_t tap_gzip_end(const struct tap_gzip *, bool before, const char *footer, size_t footer_len,
                    char *dst);

#endif
