/* writer.h: the output file of a sink, and the small fast pieces that text is made of.
 *
 * A sink writes into one buffer of 256 KiB with unchecked stores, and says where each event ends.
 * The buffer goes to the file whole events at a time, in large writes, and only what write(2) took
 * is reported to the host: an event that never reached the file is never counted as written. A
 * sink's loop is
 *
 *     for each event:
 *         char *p = tap_writer_reserve(w, ROW_MAX);      // at least so many bytes, never fails
 *         p = tap_text_u64(p, ts); *p++ = ','; ...       // unchecked
 *         w->p = p;
 *         tap_writer_term(w, term, len, &print);         // any length
 *         tap_writer_end(w, 1);                          // a whole event ends here
 *     return tap_writer_status(w);                       // TAP_ERROR after any failure
 *
 * Files: "-" is standard output, which the core gives to one sink of the process (by the option
 * `path`), and which is written where it stands: others may write there too. So are other
 * descriptors that we were given (/dev/fd/3). Anything else is created with mode 0600, for traces
 * hold secrets; what exists is taken away from others, or refused (files/guard.h), and emptied
 * when there is something to write, so that a start that fails leaves it alone (writer_file.c).
 * Pipes and devices work too. A failed write is reported to the host once, with path and cause;
 * from then on everything is accepted and thrown away. A regular file that a failed write left
 * torn is cut back to its last whole event. A reader that goes away is no failure: the output is
 * at its end (TAP_ENDED). A name that ends in .gz is written packed (gzip.h): then a write that
 * fails loses all its events, and bytes are those of the file. Nothing here is thread safe: a
 * sink's calls never overlap.
 *
 * This file and writer*.c are linked into each sink: they use nothing but <beamtap/sink.h>,
 * files/guard.h and zlib.
 */
#ifndef TAP_SINKS_COMMON_WRITER_H
#define TAP_SINKS_COMMON_WRITER_H

#include "files/guard.h"
#include "syntax/digits.h"
#include "beamtap/sink.h"
#include "sinks/common/gzip.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define TAP_WRITER_BUFFER ((size_t)256 << 10) /* bytes gathered for one write */
/* the most that tap_writer_reserve may be asked for */
#define TAP_WRITER_SMALL ((size_t)64 << 10)
#define TAP_WRITER_MARKS 16384u             /* ends of events that one buffer remembers */
#define TAP_WRITER_PIECE ((size_t)64 << 10) /* bytes that a stream with patience gets at once */
#define TAP_WRITER_FOOTER 64u               /* the longest footer */

struct tap_writer_mark {
    uint32_t events; /* that end here and were not counted by an earlier mark */
    size_t end;      /* offset into the buffer */
};

struct tap_writer {
    /* the next byte goes here; only ever moved forward, by at most what was reserved */
    char *p;
    char *end;   /* first byte that may not be written */
    char *buf;   /* first byte that is not in the file yet */
    size_t mark; /* marks in use */
    struct tap_writer_mark *marks;
    const struct tap_host *host;
    const char *path; /* as configured; borrowed */
    char footer[TAP_WRITER_FOOTER];
    size_t footer_len;     /* 0: none */
    uint64_t offset;       /* where the next whole event goes in a seekable file */
    struct tap_gzip *pack; /* NULL: plain */
    int fd;
    int given;                /* the descriptor that `path` names, which others use too; -1: none */
    struct tap_output output; /* as it was opened, unless given */
    bool owns_stdout, regular, footer_there, failed;
    int patience;     /* ms that a stream may take nothing; 0: any time */
    int64_t deadline; /* ms of CLOCK_MONOTONIC, until when it may take what is left; 0: none */
    bool gone;        /* its reader went: failed, and yet no failure */
    bool last;        /* what is written now takes the footer's place */
    bool terminal;    /* the output is a terminal */
    bool seekable;    /* a footer can be overwritten: a regular file of our own */
    bool begun;       /* there was something to write */
    bool held;        /* what an earlier run wrote is still in the file, and nothing else */
};

/* ---- Life */

/* For the sink's create: checks the path without I/O. `path` is kept, not copied (it lives in the
 * settings). TAP_INVALID with a cause.
 * Afterwards tap_writer_free must be called, from destroy. Zeroes *w first. */
enum tap_status tap_writer_claim(struct tap_writer *w, const struct tap_host *host,
                                 const char *path);
/* For the sink's start: opens the file, whose content stays until the first flush or the first
 * event that has to be written, and the buffer. Waits for a reader where it is a named pipe, until
 * the run is to end. TAP_ERROR with a cause. */
enum tap_status tap_writer_open(struct tap_writer *w);
/* In the place of claim and open, for a pipe or socket that the sink has made: takes over `fd`,
 * which does not block; `name` is for messages, and borrowed. One that takes nothing for `patience`
 * milliseconds fails (0: never). TAP_ERROR with a cause. */
enum tap_status tap_writer_adopt(struct tap_writer *w, const struct tap_host *host, int fd,
                                 const char *name, int patience);
/* For the stop of a sink whose stream was adopted: all that is left has `patience` from now on. */
void tap_writer_hurry(struct tap_writer *w);
/* Closes the file as tap_writer_close does and goes on in another one, that has no footer yet.
 * `path` is borrowed, and packed or not as the first one was. Between events only. TAP_ERROR with a
 * cause. */
enum tap_status tap_writer_next(struct tap_writer *w, const char *path);
/* What stands after the last whole event whenever no write is under way: at each flush it is
 * written, and the next write goes over it. On outputs that cannot seek it is written once, by
 * tap_writer_close. At most TAP_WRITER_FOOTER bytes; copied. Call before the first event. */
void tap_writer_set_footer(struct tap_writer *w, const char *text, size_t len);
/* For the sink's start: what stands first in every file, and its footer, are written now where
 * nothing is lost by that, so that a new file is whole from its first moment on. They are no
 * beginning yet. */
enum tap_status tap_writer_head(struct tap_writer *w);
/* There was neither a flush nor an event. What the sink has to say at the end is then thrown away
 * by tap_writer_close, a file that was made is removed, and one that was there is as it was. Never
 * so where the output is not a file. */
bool tap_writer_unused(const struct tap_writer *w);
/* Ends the output with what was written since the last tap_writer_flush, in the place of the
 * footer; where there is no room for it, the footer stays. Only for seekable outputs, only
 * tap_writer_close may follow. */
enum tap_status tap_writer_end_last(struct tap_writer *w);
/* Writes all whole events now (and the footer). An event that is not ended yet stays in the buffer.
 * Whether there are any or not, what was in the file before is gone: the run has begun. */
enum tap_status tap_writer_flush(struct tap_writer *w);
/* For the sink's stop, also after an error: drops an event that is not ended, flushes, writes the
 * footer and closes. Errors of close(2) are reported too. TAP_ERROR when anything failed, now or
 * before. */
enum tap_status tap_writer_close(struct tap_writer *w);
/* For the sink's destroy: gives everything back, closes without finishing when tap_writer_close was
 * not called. */
void tap_writer_free(struct tap_writer *w);

static inline enum tap_status tap_writer_status(const struct tap_writer *w)
{
    return __builtin_expect(w->failed, 0) ? w->gone ? TAP_ENDED : TAP_ERROR : TAP_OK;
}

/* ---- Events */

/* The slow halves of the functions below. */
char *tap_writer_make_room(struct tap_writer *w, size_t n);
void tap_writer_spill(struct tap_writer *w);

/* Room for n more bytes at w->p; returns w->p, which may have moved with all of the unfinished
 * event: keep offsets (tap_writer_here), no pointers, across this call. n is at most
 * TAP_WRITER_SMALL, and then it never fails. */
static inline char *tap_writer_reserve(struct tap_writer *w, size_t n)
{
    return __builtin_expect((size_t)(w->end - w->p) >= n, 1) ? w->p : tap_writer_make_room(w, n);
}
/* The same for any n. NULL: out of memory; the writer has failed, and the event begun is
 * dropped. */
char *tap_writer_reserve_large(struct tap_writer *w, size_t n);
/* The start of the event being written: everything from here to w->p has no end yet. */
static inline char *tap_writer_begun(const struct tap_writer *w)
{
    return w->buf + (w->mark ? w->marks[w->mark - 1].end : 0);
}
/* w->p as an offset from tap_writer_begun: holds across reserve, until tap_writer_end. */
static inline size_t tap_writer_here(const struct tap_writer *w)
{
    return (size_t)(w->p - tap_writer_begun(w));
}
/* All bytes up to w->p are whole, and `events` more events are told with them (0: a header, a lost
 * row, ...). Give the host's counted kinds only (see tap_kind_is_control). */
static inline void tap_writer_end(struct tap_writer *w, uint32_t events)
{
    struct tap_writer_mark *m = &w->marks[w->mark++];
    m->events = events;
    m->end = (size_t)(w->p - w->buf);
    if (__builtin_expect(w->mark == TAP_WRITER_MARKS, 0))
        tap_writer_spill(w);
}
/* Forgets the event being written. */
static inline void tap_writer_drop(struct tap_writer *w)
{
    w->p = tap_writer_begun(w);
}
/* The same for so many events, as a sink that adds up ends them. */
static inline void tap_writer_end_many(struct tap_writer *w, uint64_t events)
{
    for (; __builtin_expect(events > UINT32_MAX, 0); events -= UINT32_MAX)
        tap_writer_end(w, UINT32_MAX);
    tap_writer_end(w, (uint32_t)events);
}
/* This event's row ends here; out of memory drops what was begun: no half rows. */
static inline void tap_writer_end_event(struct tap_writer *w, const struct tap_event *e)
{
    if (__builtin_expect(w->failed, 0))
        tap_writer_drop(w);
    else
        tap_writer_end(w, !tap_kind_is_control(e->kind));
}
/* Is the run to end, while a sink waits for somebody? */
static inline bool tap_sink_is_to_end(const struct tap_host *host)
{
    return TAP_HAS(host->sink, ending) && host->sink->ending && host->sink->ending(host);
}

/* Any bytes, of any length. */
void tap_writer_put(struct tap_writer *w, const void *bytes, size_t n);
/* A term, pid or peer, printed (by the host, or here where that is faster) at w->p, of any length.
 * Returns the length printed: the text is w->p - length .. w->p (0 when the writer ran out of
 * memory). */
size_t tap_writer_term(struct tap_writer *w, const uint8_t *term, size_t len,
                       const struct tap_print *print);
size_t tap_writer_pid(struct tap_writer *w, const struct tap_pid *pid,
                      const struct tap_print *print);
size_t tap_writer_peer(struct tap_writer *w, const struct tap_batch *batch,
                       const struct tap_event *event, const struct tap_print *print);
/* The arguments of a call, without brackets, with `separator` between them: [97, 98] are two
 * numbers here and not the string "ab". `list` is the list of arguments as an external term; when
 * it is none, it is printed as it is. Returns the length printed. */
size_t tap_writer_arguments(struct tap_writer *w, const uint8_t *list, size_t len,
                            const char *separator, const struct tap_print *print);

/* ---- Between writer.c and writer_file.c */

/* Reports the first failure only: what follows it is its consequence. */
enum tap_status tap_writer_fail(struct tap_writer *w, const char *what, const char *why);
/* The same for a system call that failed with this errno. */
enum tap_status tap_writer_fail_code(struct tap_writer *w, const char *what, int code);
/* From here on everything in the file is this run's. */
void tap_writer_begin(struct tap_writer *w);
/* The file as it was, where nothing has begun. */
void tap_writer_withdraw(struct tap_writer *w);
/* Lets the file go. */
void tap_writer_give_back(struct tap_writer *w);

/* ---- Text: each writes at dst, unchecked, and returns where it ended */

/* A string constant. */
#define tap_text_lit(dst, lit) ((char *)memcpy((dst), "" lit, sizeof(lit) - 1) + sizeof(lit) - 1)

/* How many digits it has. */
static inline unsigned tap_text_digits(uint64_t v)
{
    static const uint64_t tens[20] = {0,
                                      UINT64_C(10),
                                      UINT64_C(100),
                                      UINT64_C(1000),
                                      UINT64_C(10000),
                                      UINT64_C(100000),
                                      UINT64_C(1000000),
                                      UINT64_C(10000000),
                                      UINT64_C(100000000),
                                      UINT64_C(1000000000),
                                      UINT64_C(10000000000),
                                      UINT64_C(100000000000),
                                      UINT64_C(1000000000000),
                                      UINT64_C(10000000000000),
                                      UINT64_C(100000000000000),
                                      UINT64_C(1000000000000000),
                                      UINT64_C(10000000000000000),
                                      UINT64_C(100000000000000000),
                                      UINT64_C(1000000000000000000),
                                      UINT64_C(10000000000000000000)};
    /* bits * log10(2), at most one too few */
    unsigned about = (64u - (unsigned)__builtin_clzll(v | 1)) * 1233 >> 12;
    return about + 1 - (v < tens[about]);
}
/* Decimal; at most 20 bytes. */
static inline char *tap_text_u64(char *dst, uint64_t v)
{
    if (v < 10) {
        *dst = (char)('0' + v);
        return dst + 1;
    }
    char *end = dst + tap_text_digits(v), *t = end;
    while (v >= 100) {
        uint64_t q = v / 100;
        t -= 2;
        tap_digit_pair(t, (unsigned)(v - q * 100));
        v = q;
    }
    if (v >= 10)
        tap_digit_pair(dst, (unsigned)v);
    else
        *dst = (char)('0' + v);
    return end;
}
/* Decimal with a sign when negative; at most 20 bytes. */
static inline char *tap_text_i64(char *dst, int64_t v)
{
    if (v < 0)
        *dst++ = '-';
    return tap_text_u64(dst, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}
/* Exactly `digits` digits, with leading zeros. */
static inline char *tap_text_fixed(char *dst, uint32_t v, unsigned digits)
{
    char *end = dst + digits, *t = end;
    for (; digits >= 2; digits -= 2) {
        t -= 2;
        tap_digit_pair(t, (unsigned)(v % 100));
        v /= 100;
    }
    if (digits)
        *--t = (char)('0' + v % 10);
    return end;
}
/* The same for eight and for nine digits: two halves of two pairs each, all at once. */
static inline char *tap_text_eight(char *dst, uint32_t v)
{
    uint32_t high = v / 10000, low = v % 10000;
    tap_digit_pair(dst, (unsigned)(high / 100));
    tap_digit_pair(dst + 2, (unsigned)(high % 100));
    tap_digit_pair(dst + 4, (unsigned)(low / 100));
    tap_digit_pair(dst + 6, (unsigned)(low % 100));
    return dst + 8;
}
static inline char *tap_text_nine(char *dst, uint32_t v)
{
    *dst = (char)('0' + v / 100000000);
    return tap_text_eight(dst + 1, v % 100000000);
}
/* Nanoseconds as microseconds: 1234567 is 1234.567; at most 22 bytes. */
static inline char *tap_text_us(char *dst, int64_t ns)
{
    uint64_t v = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns, seconds = v / 1000000000;
    if (ns < 0)
        *dst++ = '-';
    if (!seconds) {
        dst = tap_text_u64(dst, v / 1000);
        *dst++ = '.';
        return tap_text_fixed(dst, (uint32_t)(v % 1000), 3);
    }
    dst = tap_text_nine(tap_text_u64(dst, seconds), (uint32_t)(v - seconds * 1000000000)) + 1;
    memcpy(dst - 3, (const char[]){dst[-4], dst[-3], dst[-2]}, 3);
    dst[-4] = '.';
    return dst;
}
/* A pid of the node itself: <0.123.0>; at most 32 bytes. */
static inline char *tap_text_pid(char *dst, const struct tap_pid *pid)
{
    dst = tap_text_u64(tap_text_lit(dst, "<0."), pid->id);
    *dst++ = '.';
    dst = tap_text_u64(dst, pid->serial);
    *dst++ = '>';
    return dst;
}
/* n bytes; short ones without a call. */
static inline char *tap_text_copy(char *dst, const char *src, size_t n)
{
    if (n >= 8 && n <= 16) {
        memcpy(dst, src, 8);
        memcpy(dst + n - 8, src + n - 8, 8);
    } else if (n >= 4 && n < 8) {
        memcpy(dst, src, 4);
        memcpy(dst + n - 4, src + n - 4, 4);
    } else if (n < 4) {
        if (n) {
            dst[0] = src[0];
            dst[n / 2] = src[n / 2];
            dst[n - 1] = src[n - 1];
        }
    } else {
        memcpy(dst, src, n);
    }
    return dst + n;
}
/* ---- Scanning: the index of the first byte that ..., or n */

/* ... makes a CSV cell need quotes: comma, double quote, CR, LF. */
static inline size_t tap_scan_csv(const char *s, size_t n)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; i + 16 <= n; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s + i));
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(',')),
                                                _mm_cmpeq_epi8(v, _mm_set1_epi8('"'))),
                                   _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')),
                                                _mm_cmpeq_epi8(v, _mm_set1_epi8('\r'))));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask)
            return i + (size_t)__builtin_ctz(mask);
    }
#endif
    for (; i < n; i++)
        if (s[i] == ',' || s[i] == '"' || s[i] == '\n' || s[i] == '\r')
            return i;
    return n;
}
/* ... cannot stand in a JSON string as it is, or is no ASCII (and has to be checked as UTF-8):
 * below 0x20, double quote, backslash, 0x80 and up. */
static inline size_t tap_scan_json(const char *s, size_t n)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; i + 16 <= n; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s + i));
        __m128i hit = _mm_or_si128(/* signed: 0x80.. are below 0x20 too */
                                   _mm_cmplt_epi8(v, _mm_set1_epi8(0x20)),
                                   _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                                                _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask)
            return i + (size_t)__builtin_ctz(mask);
    }
#endif
    for (; i < n; i++)
        if ((signed char)s[i] < 0x20 || s[i] == '"' || s[i] == '\\')
            return i;
    return n;
}
/* ... moves a terminal's cursor, or could begin such a character: a control byte, DEL, or 0xC2
 * (before the C1 controls). */
static inline size_t tap_scan_control(const char *s, size_t n)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; n >= 16 && i < n; i += 16) {
        if (i + 16 > n)
            i = n - 16; /* some twice: there was nothing */
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s + i));
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
        __m128i hit = _mm_or_si128(low, _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)),
                                                     _mm_cmpeq_epi8(v, _mm_set1_epi8((char)0xc2))));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask)
            return i + (size_t)__builtin_ctz(mask);
    }
#endif
    for (; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f || (unsigned char)s[i] == 0xc2)
            return i;
    return n;
}

#endif
