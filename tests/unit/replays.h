/* replays.h: recordings that a test makes, and traces of the library that play them: no node is
 * needed. */
#ifndef TAP_REPLAYS_H
#define TAP_REPLAYS_H

#include <dirent.h>

#include "beamtap/beamtap.h"
#include "recordings.h"
#include "unit.h"

static char replay_folder[64];

static inline void replay_remove(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", replay_folder);
    if (system(command) != 0)
        printf("# %s is left\n", replay_folder);
}

/* A file in the test's own folder, which is gone when the test ends. Valid until the fourth call
 * after this one. */
static inline const char *replay_path(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    if (!replay_folder[0]) {
        snprintf(replay_folder, sizeof replay_folder, "/tmp/beamtap-replay-XXXXXX");
        if (!mkdtemp(replay_folder))
            abort();
        atexit(replay_remove);
        setenv("BEAMTAP_PLUGIN_PATH", TAP_BUILD "/plugins", 1);
    }
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", replay_folder, name);
    return path;
}

static inline void replay_write(const char *name, const void *bytes, size_t n)
{
    FILE *f = fopen(replay_path(name), "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
        abort();
}

/* ---- The recording */

struct recorded {
    struct tap_buf bytes;
    uint64_t seq[2]; /* the next one of the nodes n@h and m@h */
};

static inline void replay_node_up(struct recorded *r, uint32_t node)
{
    struct tap_buf *b = &r->bytes;
    fuzz_own(b, node, 0, node ? fuzz_write_other_name : fuzz_write_name);
    size_t frame = fuzz_frame(b, TAP_FRAME_CONTROL | TAP_FRAME_RECORDED, 0, node), at;
    at = fuzz_item(b), tap_write_tuple(b, 2), tap_write_atom(b, "node_up"), tap_write_map(b, 3);
    tap_write_atom(b, "release"), tap_write_binary(b, "25", 2), tap_write_atom(b, "offset"),
        tap_write_i64(b, 1700000000000000000), tap_write_atom(b, "monotonic"), tap_write_i64(b, 0);
    fuzz_item_end(b, at);
    fuzz_frame_end(b, frame, 1);
}

static inline void replay_begin(struct recorded *r)
{
    *r = (struct recorded){.seq = {0}};
    fuzz_own(&r->bytes, 0, 0, fuzz_write_run);
    replay_node_up(r, 0);
}

/* Calls shop:add(Number), Number from the node's sequence number on, of <0.100.0> of a node with
 * this name of any length, a microsecond each. */
static inline void replay_calls_of(struct recorded *r, uint32_t node, uint32_t n, const char *name,
                                   size_t len)
{
    struct tap_buf *b = &r->bytes;
    size_t frame = fuzz_frame(b, TAP_FRAME_RECORDED, r->seq[node], node);
    for (uint32_t i = 0; i < n; i++) {
        int64_t number = (int64_t)r->seq[node]++;
        size_t at = fuzz_item(b);
        tap_write_tuple(b, 5), tap_write_atom(b, "trace_ts");
        tap_write_u8(b, TAP_EXT_NEW_PID), tap_write_atom_n(b, name, len);
        tap_write_u32(b, 100), tap_write_u32(b, 0), tap_write_u32(b, 1);
        tap_write_atom(b, "call"), tap_write_tuple(b, 3), tap_write_atom(b, "shop"),
            tap_write_atom(b, "add");
        tap_write_list(b, 1), tap_write_i64(b, number), tap_write_nil(b);
        tap_write_i64(b, 1000 * number);
        fuzz_item_end(b, at);
    }
    fuzz_frame_end(b, frame, n);
}
static inline void replay_calls(struct recorded *r, uint32_t node, uint32_t n)
{
    replay_calls_of(r, node, n, node ? "m@h" : "n@h", 3);
}

static inline void replay_node_down(struct recorded *r, uint32_t node)
{
    fuzz_own(&r->bytes, node, r->seq[node], fuzz_write_down);
}

/* ---- The trace */

static char *replay_why; /* of the last start that failed; the test's to free */

/* Plays it, with this beside what `options` say; more lines go to the configuration. */
static inline struct tap_trace *replay_start(struct recorded *r, struct tap_trace_options *options,
                                             const char *more)
{
    char text[4096];
    struct tap_trace *t = NULL;
    replay_write("r.btf", r->bytes.data, r->bytes.len);
    tap_buf_free(&r->bytes);
    int n =
        snprintf(text, sizeof text, "[transport:file]\npath = %s\n%s", replay_path("r.btf"), more);
    replay_write("r.ini", text, (size_t)n);
    options->file = replay_path("r.ini");
    if (tap_trace_start(options, &t, &replay_why) != TAP_OK)
        printf("# %s\n", replay_why ? replay_why : "no cause");
    return t;
}

#endif
