/* reader.h: a recorded file as its frames, one after the other (beamtap/frame.h), of blocks whose
 * checksums hold. With a stretch of time that is wanted, blocks of events outside of it are passed
 * over, by the file's index or else from block to block; with processes or functions, those that
 * hold none of them, by the index alone. */
#ifndef TAP_TRANSPORTS_FILE_READER_H
#define TAP_TRANSPORTS_FILE_READER_H

#include <errno.h>

#include "beamtap/event.h"
#include "beamtap/bloom.h"
#include "beamtap/transport.h"

#define TAP_SOURCE_NODES 1024u /* that one file may have */

/* What is asked for, as keys of beamtap/bloom.h. */
struct tap_asked {
    uint64_t *processes, *functions;
    size_t process_count; /* 0: all, and so of functions */
    size_t function_count;
    bool by_kind; /* what is of no kind, or call of no function, that is asked for is not needed */
    uint32_t kinds; /* TAP_KIND_BITs */
};
/* Of a node, what was not read since somebody took note of it. */
struct tap_unread {
    uint64_t events;
    int64_t last; /* when the last of them was */
};

enum tap_reader_got {
    TAP_READER_FRAME,
    TAP_READER_END,     /* the file ends behind a whole block or frame */
    TAP_READER_TORN,    /* it ends within one */
    TAP_READER_DAMAGED, /* from damage_from to offset nothing holds; ask again for what follows */
    TAP_READER_REPORTS, /* reports are missing before this: what follows cannot be understood */
    TAP_READER_BAD,     /* what comes here is not a frame of a recording */
    TAP_READER_STOPPED, /* nothing came until the run was to end */
    TAP_READER_ERROR    /* see errno; ENOMEM too */
};

struct tap_reader {
    int fd;
    uint8_t *buf;
    size_t cap, at, len; /* not yet taken: at .. len */
    bool ended;
    bool seekable;
    /* Of what cannot be sought, before it is read, for there may be nothing for as long as its
     * writer likes. False: the run is to end. */
    bool (*wait)(void *arg, int fd);
    void *wait_arg;
    uint64_t offset; /* of buf[at] in the file */

    /* Blocks. */
    bool blocks;      /* the file has them */
    bool begun;       /* `block` has been read */
    bool skipped;     /* blocks were passed over since this was cleared */
    uint32_t reports; /* blocks of reports so far */
    struct tap_block block;
    uint64_t block_end; /* offset where it ends */
    uint64_t damage_from;
    const struct tap_block *damaged; /* what was there: one block, or NULL: nobody knows */
    struct tap_block damaged_block;
    uint64_t summed_in_vain; /* bytes of blocks that did not hold */
    uint8_t *frames;         /* of a packed block */
    size_t frames_at, frames_len, frames_cap;

    /* The stretch that is wanted, ns since the epoch. */
    bool window;
    int64_t from, to;
    uint8_t *index; /* NULL: there is none */
    size_t index_count, entry;
    uint64_t index_at;

    /* What is asked for; NULL: everything. */
    const struct tap_asked *asked;
    bool hurt;                 /* there was damage: from there on everything is read */
    bool any_unread;           /* `unread` has any */
    struct tap_unread *unread; /* by node */
    uint64_t unread_blocks;
    /* The block of records that is at hand: of the entries of the index before bloom_end. */
    uint8_t *bloom;
    size_t bloom_cap, bloom_len; /* len 0: it does not hold, or there is none */
    size_t bloom_end;
    size_t bloom_at, bloom_entry; /* the record of that entry begins there */
};

/* "-" is standard input. False: see errno. */
bool tap_reader_open(struct tap_reader *, const char *path);
/* From now on only what may be in this stretch. */
void tap_reader_window(struct tap_reader *, int64_t from, int64_t to);
/* From now on only what may be of what is asked for, which stays the caller's; where the file does
 * not say what it holds, everything. */
void tap_reader_ask(struct tap_reader *, const struct tap_asked *);
/* The next frame, header and body at *frame, valid until the next call. */
enum tap_reader_got tap_reader_next(struct tap_reader *, struct tap_frame *header,
                                    const uint8_t **frame);
void tap_reader_close(struct tap_reader *);

/* ---- bytes.c, bloom.c, window.c, blocks.c */

/* So many bytes at buf[at]; false where *got says why not. */
bool tap_reader_ensure(struct tap_reader *, size_t need, enum tap_reader_got *got);
/* How it failed that is said by errno. */
static inline enum tap_reader_got tap_reader_failed(void)
{
    return errno == ECANCELED ? TAP_READER_STOPPED : TAP_READER_ERROR;
}
/* Goes on at `offset`, which is not before this one. False: see tap_reader_failed. */
bool tap_reader_seek(struct tap_reader *, uint64_t offset);
/* So many bytes from there in the file. False: they are not there. */
bool tap_reader_at(const struct tap_reader *, uint64_t offset, void *dst, size_t n);
/* An entry of the index. */
#define TAP_READER_FRONT (TAP_FRAME_HEADER + 19u) /* of {index, Entries}, before the entries */
static inline void tap_reader_entry(const struct tap_reader *r, size_t i, struct tap_index_entry *e)
{
    tap_index_entry_read(r->index + TAP_READER_FRONT + i * TAP_INDEX_ENTRY, e);
}
/* Does that block hold nothing of what is asked for? Then its events are noted in `unread`. */
bool tap_reader_lacks(struct tap_reader *, size_t i, const struct tap_index_entry *);
/* Passes over what the index says is not wanted. False: see tap_reader_failed. */
bool tap_reader_pass(struct tap_reader *);
/* At the end of a block: the next one that is wanted, opened. FRAME: it is. */
enum tap_reader_got tap_reader_block(struct tap_reader *);
static inline bool tap_reader_wants(const struct tap_reader *r, uint32_t type, int64_t first,
                                    int64_t last)
{
    return !r->window || type != TAP_BLOCK_EVENTS || first > last || /* losses alone */
           (last >= r->from && first < r->to);
}

#endif
