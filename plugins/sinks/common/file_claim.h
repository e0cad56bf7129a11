/* file_claim.h: an output that is a file, but none of lines: a database, say, which a library of
 * its own writes. Who may have the file, when what was in it goes, and what becomes of it when
 * nothing came are those of a writer (writer.h): opened and locked at the start, with mode 0600,
 * its content left alone until there is something to write, and taken away again when there was no
 * run.
 *
 *     create   tap_file_claim_path
 *     start    tap_file_claim_open          it is ours, and as it was
 *     the first flush or event              tap_file_claim_begin, with what stands first in it;
 *                                           then the library opens it by its name
 *     when the library has written          tap_file_claim_written
 *     stop     the library closes it, then tap_file_claim_close
 *     destroy  tap_file_claim_free
 *
 * The buffer of its writer is for making text: what is put there (tap_writer_put, tap_writer_term,
 * ...) stands from tap_writer_begun(&claim.w) on until tap_writer_drop, and goes nowhere.
 */
#ifndef TAP_SINKS_COMMON_FILE_CLAIM_H
#define TAP_SINKS_COMMON_FILE_CLAIM_H

#include "sinks/common/writer.h"

struct tap_file_claim {
    struct tap_writer w;
    uint64_t reported; /* bytes of the file that the host knows of */
    bool kept;         /* begun: the file stays */
};

/* For create: no I/O. Standard output, descriptors and names that end in .gz are refused, with
 * `what` it has to be: "a database". TAP_INVALID with a cause. Zeroes *c first; afterwards
 * tap_file_claim_free must be called. */
enum tap_status tap_file_claim_path(struct tap_file_claim *c, const struct tap_host *host,
                                    const char *path, const char *what);
/* For start: opens and locks it; a pipe or device is refused. TAP_ERROR with a cause. */
enum tap_status tap_file_claim_open(struct tap_file_claim *c);
/* From here on it is this run's: what was in it goes, these bytes stand first in it. Once; later
 * calls do nothing. TAP_ERROR with a cause. */
enum tap_status tap_file_claim_begin(struct tap_file_claim *c, const void *head, size_t len);
/* So many more events are in the file, which the library has finished writing: they are reported,
 * and by how much it has grown. */
void tap_file_claim_written(struct tap_file_claim *c, uint64_t events);
/* Is the file under this name the one that was claimed? */
bool tap_file_claim_is(const struct tap_file_claim *c, const char *name);
/* For stop, also after an error. TAP_ERROR when anything failed, now or before. */
enum tap_status tap_file_claim_close(struct tap_file_claim *c);
void tap_file_claim_free(struct tap_file_claim *c);

static inline enum tap_status tap_file_claim_status(const struct tap_file_claim *c)
{
    return tap_writer_status(&c->w);
}

#endif
