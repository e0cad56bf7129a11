/* beamtap/frame.h: what a node sends and what a recorded file holds: frames, and the terms in them.
 *
 * The relay in a node (the agent's process that takes trace messages) sends frames, the same over
 * the distribution, over TCP, and in a recorded file. All integers of a header are big-endian. A
 * header of 40 bytes, then `length` bytes of body: `count` times (u32 length, external term with
 * its version byte 131).
 *
 *   off  size
 *     0     4  magic "BTF1"
 *     4     1  version, 1
 *     5     1  flags, TAP_FRAME_*
 *     6     2  reserved, 0
 *     8     4  batch number, from 0, one more for each frame of this relay
 *    12     4  why events were lost before this frame (enum tap_reason), 0 when lost is 0
 *    16     8  sequence number of the first event of this frame (after those lost)
 *    24     4  count
 *    28     4  lost: trace messages that the relay took and dropped since the last frame
 *    32     4  the node's index, in a recorded file; else 0
 *    36     4  length of the body
 *
 * Sequence numbers count every trace message that the relay took, sent or lost: seq(next frame) =
 * seq + count + lost(next frame). A control frame takes none; it carries the next event's.
 *
 * ---- Trace frames (no flag, or TAP_FRAME_ONE_LIST)
 *
 * The terms are trace messages as the VM makes them (erlang:trace/3,
 * https://www.erlang.org/doc/apps/erts/erlang.html#trace/3). With TAP_FRAME_ONE_LIST the body is
 * one external term with its version byte instead, the list of the frame's `count` messages (a
 * relay encodes a whole frame at once in half of the time that its messages take one by one).
 *
 * With TAP_FRAME_NUMBERED, which the native tracer sends and a recorded file may hold, the body is
 * `count` items, before which definitions may stand: processes and functions go by numbers.
 *
 *     u8 TAP_ITEM_PROCESS, u32 number, Pid                         a definition, until the next one
 *     u8 TAP_ITEM_FUNCTION, u32 number, M, F                       of that number
 *     u8 TAP_ITEM_MESSAGE, a trace message without Time, time
 *     u8 TAP_ITEM_CALL + 16 * extras, u32 process, u32 function, Args | Arity, extras, time
 *     u8 TAP_ITEM_RETURN + 16 * extras, u32 process, u32 function, u8 arity, Value, extras, time
 *     u8 TAP_ITEM_EXCEPTION + 16 * extras, the same with {Class, Reason}
 *
 * where extras are so many of Extra and Scheduler, time is 8 bytes, and terms have no version byte.
 * A node's numbers hold as long as its stream. In a recorded file each frame has its own, which are
 * defined in it, from 0 on one after the other, and below TAP_ITEM_RECORDED.
 *
 *     {trace_ts, Pid, Tag, A [, B] [, Extra] [, Scheduler], Time}
 *
 *     Tag                                   what follows it
 *     call                                  {M, F, Args | Arity}
 *     return_from, exception_from           {M, F, Arity}, Value | {Class, Reason}
 *     send, send_to_non_existing_process    Message, To
 *     receive                               Message
 *     spawn, spawned                        Pid (child, parent), {M, F, Args}
 *     exit                                  Reason
 *     link, unlink                          Pid or port
 *     getting_linked, getting_unlinked      Pid or port
 *     register, unregister                  Name
 *     in, out, in_exiting, out_exiting,     {M, F, Arity} | 0
 *       out_exited
 *     gc_minor_start, gc_minor_end,         the proplist of sizes
 *       gc_major_start, gc_major_end
 *     counted                               {M, F, Arity}, {Calls, Ns | none, Bytes | none}: the
 *                                           agent's own, of a profile (counters.h); Pid may be the
 *                                           atom all
 *     return_to, gc_max_heap_size           one term, which nobody looks at
 *
 * Scheduler is there with the VM's flag scheduler_id. Time is erlang:monotonic_time() in
 * nanoseconds (flag monotonic_timestamp), or {Nanoseconds, Unique} (flag
 * strict_monotonic_timestamp). {trace, ...} is the same without Time. Extra is what the match
 * spec's {message, X} said; the agent's specs say one of:
 *
 *     {'$beamtap_from', Node, Sender}       receive; Sender: a pid, undefined ...; Node is
 *                                           clock_service where the receive timed out, and
 *                                           where a timer sent the message
 *     {'$beamtap_from', Node, Sender, X}
 *     {'$beamtap_caller', Caller}           call; Caller: {M, F, Arity} | undefined
 *     {'$beamtap_caller', Caller, X}
 *     {'$beamtap_tail', Caller}             call: nobody asked, it tells tail calls; also with X
 *     {'$beamtap_stack', Stack, Said}       call; Stack: a list of {M, F, Arity} or {M, F, Arity,
 *                                           Location}, whoever called first; Said: one of these
 *                                           again, or none
 *     {'$beamtap_x', X}                     X: what the user's own {message, X} said
 *
 * and anything else is taken for the user's X. A payload larger than max_term is replaced by
 * {'$beamtap_cut', TrueSize} in its place, arguments by {'$beamtap_cut', TrueSize, Arity}; TrueSize
 * in bytes of external term. The native tracer looks at no more of a term than it may send: there
 * TrueSize is what it is at the least. Native records (OTP 29), which a NIF can neither read nor
 * measure, are {'$beamtap_cut', 0} there, also within a payload.
 *
 * ---- Control frames of the agent (TAP_FRAME_CONTROL)
 *
 * The terms are reports: everything that concerns the stream travels in it, in order with the
 * events. Monotonic is erlang:monotonic_time() in nanoseconds. A reader leaves alone what it does
 * not know.
 *
 *     {node_up, Map}
 *         first of all: release ("25" as binary), erts, name, offset (time_offset, ns), monotonic
 *         (ns), printable (latin1 | unicode), session (boolean: a trace session of OTP 27+)
 *     {clock, Ref, Monotonic, Offset}
 *         Offset: time_offset, ns. The answer to the collector's question Ref, and with Ref =
 *         undefined each lease tick and behind each answer: not before its turn, so that all events
 *         before it in time are before it in the stream, but for those that are just being made
 *     {plan, Map}
 *         functions: [{M, F, Arity}] (at most 10,000) and function_count; processes: [{Selector,
 *         Pid}], where Selector is the name or pid that was asked for, as a binary, or {tree,
 *         Binary} of a process that lives below that one; skipped: [{What :: binary, Why ::
 *         binary}] (what someone else traces, what matched nothing, what is sensitive ...);
 *         left_out: binary, where all modules or processes were asked for: which are not traced.
 *         Another one with processes alone follows when a name passes to another process, or more
 *         of a tree is found
 *     {gap, FromMonotonic, ToMonotonic, Reason :: integer (enum tap_reason), Text :: binary}
 *         tracing was off between the two
 *     {gap, FromMonotonic, ToMonotonic, Reason, Text, Pid}
 *         of one process. With TAP_REASON_TERM less than everything is left out, with a pid or
 *         without, and it is said twice: where it begins (From = To), and at its end. With
 *         TAP_REASON_CODE calls of modules that were loaded between the two may be missing
 *     {log, Level :: error | warning | info, Text :: binary}
 *     {returns_off, {M, F, Arity}, Why :: binary}
 *         from here on that function is traced without its returns
 *     {mark, Text :: binary}, {mark, Text, Pid}
 *         in recordings: here began or ended the window that was asked for (TAP_MARK), with an
 *         event of this process
 *     {process_info, [{Pid, [{Key, Value}]}]}
 *         registered names, at the start and each lease tick those that are new; Key: name
 *     {process_info, [{Pid, [{Key, Value}]}], Ref}
 *         the answer to a question of the collector's: name, label (OTP 27: proc_lib:set_label),
 *         initial_call ({M, F, Arity}; what proc_lib knows of it, from OTP 26.2 on). Who is gone,
 *         or is not called anything, is left out
 *     {mailboxes, Monotonic, [{Pid, Length}]}
 *         messages in their mailboxes at that time: those that changed, and now and then all
 *     {final, Map}
 *         last of all: produced, sent, lost (totals), reason (stop | duration | max_events | lease
 *         | overload | relay | failed | call), text (binary), peak_queue, restored (list of what
 *         was taken away); of a run that is one call: call ({Kind, term_to_binary(What)}: returned
 *         with the value; throw, error, exit with {Reason, Stacktrace}; died with the reason of the
 *         exit signal that ended the caller; timeout, stopped with []). A lost connection gives
 *         reason lease. When the relay was killed the totals are what it had published: then
 *         numbers of frames and events may be missing before this report
 *
 * ---- Control frames of the collector (TAP_FRAME_CONTROL and TAP_FRAME_OWN)
 *
 * The collector itself puts these into the stream; their batch and sequence numbers are 0 and mean
 * nothing.
 *
 *     {align, Monotonic, Offset, Error, TimeOffset}
 *         Offset + Monotonic (the node's) is the time by the collector's clock, right within Error;
 *         with the node's own TimeOffset it is what the node believes. All in ns. From here on
 *         events are timed by it
 *
 * ---- A recorded file (TAP_FRAME_RECORDED)
 *
 * A file is a sequence of frames and nothing else, in the order in which the sinks had them. They
 * stand in blocks: a frame that says so (below), and then frames of so many bytes. Each
 * says its node by the index at offset 32; `lost` with a `why` of 0 are numbers that a filter or
 * the recorder left out, and no loss; a `lost` of TAP_FRAME_LOST_ALL is all numbers up to this
 * frame's, which may be more. The recorder's own control frames (TAP_FRAME_CONTROL,
 * TAP_FRAME_OWN and TAP_FRAME_RECORDED) hold one term each:
 *
 *     {session, #{version, run, started, events, returns, several_nodes, config}}
 *         first of all: what struct tap_run_info says; events is a list of kinds as atoms; returns,
 *         of the functions whose returns or exceptions were asked for, a list of {Module,
 *         Function, Arity}: a binary with * and ?, a binary, a number, or '_', '_', -1 for all
 *     {node, Name}
 *         before anything else of a node; its frames have this index
 *     {node_down, Reason}
 *         its life ended, with an enum tap_reason; what comes after is its next life, which counts
 *         its numbers from 0 again
 *     {at, Ns}
 *         what comes next of this node and tells of no time itself (a loss, a report) was at that
 *         time since the epoch; where it is not there, at that of the node's event before it
 *     {timed, Monotonic}
 *         before an {align, ...}: events up to this time of the node's were timed before it, of
 *         which the recording may have fewer
 *     {index, Entries}
 *         a binary: TAP_INDEX_ENTRY bytes for each block before it, see struct tap_index_entry
 *     {block, Block}
 *         a binary of TAP_BLOCK_SIZE bytes, see struct tap_block: a checksum of the bytes that
 *         follow, and what is in them. Reports (all frames with TAP_FRAME_CONTROL) and events stand
 *         in blocks of their own, so that who wants a stretch of time reads all reports and a few
 *         blocks of events. With TAP_BLOCK_ZSTD the block is one frame more, with TAP_FRAME_PACKED,
 *         whose body is the other frames, packed by zstd. The last block but one of a finished file
 *         is the index, the last (TAP_BLOCK_END) has nothing in it and says where that stands.
 *     {bloom, Records}
 *         a binary, alone in a block of type TAP_BLOCK_BLOOM, which the index knows as it knows the
 *         others: which processes and functions the blocks before it hold (bloom.h). Who reads a
 *         file from its beginning passes over it
 *
 * A file without blocks is one of beamtap before there were any; it is read from its beginning. One
 * without {bloom, ...} is read block by block, and so is the part of a torn one behind the last of
 * them: `beamtap repair` keeps those that hold, and writes the index that finds them.
 *
 * ---- A frame of whoever plays a recording (TAP_FRAME_PASSED and TAP_FRAME_RECORDED)
 *
 * No file holds one. The `lost` numbers before its own were not read, for no filter would let them
 * through: they are received, and filtered. The body is the time of the last of them, 8 bytes, ns
 * since the epoch.
 */
#ifndef BEAMTAP_FRAME_H
#define BEAMTAP_FRAME_H

#include "term.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TAP_FRAME_MAGIC "BTF1"
#define TAP_FRAME_VERSION 1
#define TAP_FRAME_HEADER 40u
#define TAP_FRAME_CONTROL 1u          /* the terms are reports, not trace messages */
#define TAP_FRAME_OWN 2u              /* with CONTROL: the collector's own, or the recorder's */
#define TAP_FRAME_ONE_LIST 4u         /* the body is one list of trace messages */
#define TAP_FRAME_RECORDED 8u         /* of a file */
#define TAP_FRAME_PACKED 16u          /* of a file: the body is frames, packed by zstd */
#define TAP_FRAME_NUMBERED 32u        /* the body is items with numbers for names */
#define TAP_FRAME_PASSED 64u          /* of a replay: events that were not read */
#define TAP_FRAME_LOST_ALL UINT32_MAX /* in a recorded frame: every number up to its own */
#define TAP_FRAME_MAX (64u << 20)     /* a longer frame is a protocol error */

#define TAP_ITEM_NUMBERS (1u << 22) /* a number is below that, */
#define TAP_ITEM_RECORDED 4096u     /* and in a recorded file below that */
#define TAP_ITEM_DEFINED 2048u      /* bytes of a definition's terms, at the most */
#define TAP_ITEM_EXTRAS 2u          /* Extra and Scheduler */
enum tap_item {
    TAP_ITEM_PROCESS,
    TAP_ITEM_FUNCTION,
    TAP_ITEM_MESSAGE,
    TAP_ITEM_CALL,
    TAP_ITEM_RETURN,
    TAP_ITEM_EXCEPTION
};

/* Is this byte an item's first one? */
static inline bool tap_item_known(unsigned item)
{
    unsigned kind = item & 15, extras = kind >= TAP_ITEM_CALL ? TAP_ITEM_EXTRAS : 0;
    return kind <= TAP_ITEM_EXCEPTION && item >> 4 <= extras;
}
/* A number at the cursor, which goes past it. */
static inline bool tap_item_number(struct tap_cursor *c, uint32_t *number)
{
    if (tap_left(c) < 4)
        return tap_cursor_fail(c);
    *number = tap_get_u32(c->p);
    c->p += 4;
    return true;
}

struct tap_frame {
    uint8_t flags;
    uint32_t number, why, count, lost, node, length;
    uint64_t seq;
};

/* Reads a frame header from `p` (at least TAP_FRAME_HEADER bytes). False: this is not a frame of
 * version 1. */
static inline bool tap_frame_read(const uint8_t *p, struct tap_frame *f)
{
    if (p[0] != 'B' || p[1] != 'T' || p[2] != 'F' || p[3] != '1' || p[4] != TAP_FRAME_VERSION)
        return false;
    f->flags = p[5];
    f->number = tap_get_u32(p + 8);
    f->why = tap_get_u32(p + 12);
    f->seq = tap_get_u64(p + 16);
    f->count = tap_get_u32(p + 24);
    f->lost = tap_get_u32(p + 28);
    f->node = tap_get_u32(p + 32);
    f->length = tap_get_u32(p + 36);
    return f->length <= TAP_FRAME_MAX;
}
/* Writes one: TAP_FRAME_HEADER bytes. */
static inline void tap_frame_write(uint8_t *p, const struct tap_frame *f)
{
    p[0] = 'B', p[1] = 'T', p[2] = 'F', p[3] = '1', p[4] = TAP_FRAME_VERSION, p[5] = f->flags,
    p[6] = p[7] = 0;
    tap_put_u32(p + 8, f->number);
    tap_put_u32(p + 12, f->why);
    tap_put_u64(p + 16, f->seq);
    tap_put_u32(p + 24, f->count);
    tap_put_u32(p + 28, f->lost);
    tap_put_u32(p + 32, f->node);
    tap_put_u32(p + 36, f->length);
}

/* ---- Blocks of a recorded file */

#define TAP_BLOCK_VERSION 1
#define TAP_BLOCK_SIZE 72u
#define TAP_BLOCK_FRAME (TAP_FRAME_HEADER + 19u + TAP_BLOCK_SIZE) /* {block, Block}, all of it */
#define TAP_BLOCK_MAX (TAP_FRAME_MAX + (1u << 20))                /* a longer one is damage */
#define TAP_INDEX_ENTRY 40u

enum tap_block_type {
    TAP_BLOCK_REPORTS,
    TAP_BLOCK_EVENTS,
    TAP_BLOCK_INDEX,
    TAP_BLOCK_END,
    TAP_BLOCK_BLOOM
};
enum tap_block_packing { TAP_BLOCK_PLAIN, TAP_BLOCK_ZSTD };

/*   off  size
 *     0     1  version, 1
 *     1     1  type
 *     2     1  packing
 *     3     1  0
 *     4     4  length: bytes that follow the frame of the block
 *     8     4  events in it
 *    12     4  number of the block, from 0
 *    16     4  blocks of reports before it
 *    20     4  bytes of its frames when they are unpacked
 *    24     8  the run, as {session, ...} says it: what is of another has got here by mistake
 *    32     8  the first and
 *    40     8  the last time of its events, ns since the epoch; of TAP_BLOCK_END first: where the
 *              index begins; of TAP_BLOCK_BLOOM see bloom.h
 *    48     8  its nodes: the bit index modulo 64 of each
 *    56     8  tap_checksum of the bytes that follow
 *    64     8  tap_checksum of all bytes of the frame before this
 */
struct tap_block {
    uint8_t type, packing;
    uint32_t length, events, number, reports, unpacked;
    uint64_t run, nodes, sum;
    int64_t first, last;
};
/* Of an index: offset in the file, first and last time, nodes (8 bytes each), type and events (4
 * bytes each). */
struct tap_index_entry {
    uint64_t offset, nodes;
    int64_t first, last;
    uint32_t type, events;
};

/* Each step is one to one in the state and in the word: two inputs that differ in one word never
 * have one sum. */
static inline uint64_t tap_checksum(const uint8_t *p, size_t n)
{
    uint64_t h = 0x9e3779b97f4a7c15ull ^ n, word;
    for (; n >= 8; p += 8, n -= 8) {
        h = (h ^ tap_get_u64(p)) * 0xd6e8feb86659fd93ull;
        h ^= h >> 32;
    }
    for (word = 0; n > 0; n--)
        word = word << 8 | *p++;
    h = (h ^ word) * 0xd6e8feb86659fd93ull;
    return h ^ h >> 32;
}

/* What stands between the frame's header and the block's own bytes: {block, <<...>>}. */
static const uint8_t tap_block_term[19] = {0,
                                           0,
                                           0,
                                           87,
                                           TAP_EXT_VERSION,
                                           104,
                                           2,
                                           119,
                                           5,
                                           'b',
                                           'l',
                                           'o',
                                           'c',
                                           'k',
                                           TAP_EXT_BINARY,
                                           0,
                                           0,
                                           0,
                                           TAP_BLOCK_SIZE};

/* Reads the frame of a block from TAP_BLOCK_FRAME bytes. False: it is none, or damaged. */
static inline bool tap_block_read(const uint8_t *p, struct tap_block *b)
{
    const uint8_t *own = p + TAP_BLOCK_FRAME - TAP_BLOCK_SIZE;
    if (memcmp(p + TAP_FRAME_HEADER, tap_block_term, sizeof tap_block_term) != 0 ||
        own[0] != TAP_BLOCK_VERSION ||
        tap_get_u64(own + 64) != tap_checksum(p, TAP_BLOCK_FRAME - 8))
        return false;
    b->type = own[1];
    b->packing = own[2];
    b->length = tap_get_u32(own + 4);
    b->events = tap_get_u32(own + 8);
    b->number = tap_get_u32(own + 12);
    b->reports = tap_get_u32(own + 16);
    b->unpacked = tap_get_u32(own + 20);
    b->run = tap_get_u64(own + 24);
    b->first = (int64_t)tap_get_u64(own + 32);
    b->last = (int64_t)tap_get_u64(own + 40);
    b->nodes = tap_get_u64(own + 48);
    b->sum = tap_get_u64(own + 56);
    return b->length <= TAP_BLOCK_MAX && b->unpacked <= TAP_BLOCK_MAX;
}
/* Writes one: TAP_BLOCK_FRAME bytes. */
static inline void tap_block_write(uint8_t *p, const struct tap_block *b)
{
    uint8_t *own = p + TAP_BLOCK_FRAME - TAP_BLOCK_SIZE;
    struct tap_frame f;
    memset(&f, 0, sizeof f);
    f.flags = TAP_FRAME_CONTROL | TAP_FRAME_OWN | TAP_FRAME_RECORDED;
    f.count = 1;
    f.length = TAP_BLOCK_FRAME - TAP_FRAME_HEADER;
    tap_frame_write(p, &f);
    memcpy(p + TAP_FRAME_HEADER, tap_block_term, sizeof tap_block_term);
    own[0] = TAP_BLOCK_VERSION, own[1] = b->type, own[2] = b->packing, own[3] = 0;
    tap_put_u32(own + 4, b->length);
    tap_put_u32(own + 8, b->events);
    tap_put_u32(own + 12, b->number);
    tap_put_u32(own + 16, b->reports);
    tap_put_u32(own + 20, b->unpacked);
    tap_put_u64(own + 24, b->run);
    tap_put_u64(own + 32, (uint64_t)b->first);
    tap_put_u64(own + 40, (uint64_t)b->last);
    tap_put_u64(own + 48, b->nodes);
    tap_put_u64(own + 56, b->sum);
    tap_put_u64(own + 64, tap_checksum(p, TAP_BLOCK_FRAME - 8));
}
static inline void tap_index_entry_read(const uint8_t *p, struct tap_index_entry *e)
{
    e->offset = tap_get_u64(p);
    e->first = (int64_t)tap_get_u64(p + 8);
    e->last = (int64_t)tap_get_u64(p + 16);
    e->nodes = tap_get_u64(p + 24);
    e->type = tap_get_u32(p + 32);
    e->events = tap_get_u32(p + 36);
}
static inline void tap_index_entry_write(uint8_t *p, const struct tap_index_entry *e)
{
    tap_put_u64(p, e->offset);
    tap_put_u64(p + 8, (uint64_t)e->first);
    tap_put_u64(p + 16, (uint64_t)e->last);
    tap_put_u64(p + 24, e->nodes);
    tap_put_u32(p + 32, e->type);
    tap_put_u32(p + 36, e->events);
}

#ifdef __cplusplus
}
#endif
#endif
