/* fuzz_replay.c: a recording through every sink.
 *
 * The input is a recording, or what a trace port wrote, then also with a file of ttb's beside it.
 * Some are played together with a whole one, with another damaged one, or as three pieces. Held
 * besides that the run ends: the sums of each sink, that no sink writes many times what the
 * recordings have, that what they wrote can be loaded, and a bound on memory. Of every other input
 * the checksums are set right first; of some a stretch of time is played, of some a few processes
 * are asked for, so that what blocks say they hold is used, right or wrong.
 * Some of those come through a pipe.
 *
 *     fuzz_replay --inputs 10000     takes minutes
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/json_check.h"
#include "config/config.h"
#include "session/session.h"
#include "recordings.h"

static const char *const outputs[] = {"a.csv",    "a.json",    "a.txt",  "a.lines",
                                      "a.sum",    "a.btf",     "a.html", "a.sqlite",
                                      "a.folded", "a.pftrace", "a.top"};
#define OUTPUTS (sizeof outputs / sizeof *outputs)

static const char *const inputs[] = {"in.btf", "in.btf.ti", "other.btf", "third.btf"};
#define INPUTS (sizeof inputs / sizeof *inputs)

static char folder[64];

static void remove_file(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

static void remove_folder(void)
{
    for (size_t i = 0; i < OUTPUTS; i++)
        remove_file(outputs[i]);
    for (size_t i = 0; i < INPUTS; i++)
        remove_file(inputs[i]);
    rmdir(folder);
}

static void make_folder(void)
{
    if (folder[0])
        return;
    snprintf(folder, sizeof folder, "%s", "/dev/shm/beamtap-fuzz-XXXXXX");
    if (!mkdtemp(folder)) {
        snprintf(folder, sizeof folder, "%s", "/tmp/beamtap-fuzz-XXXXXX");
        HOLD(mkdtemp(folder));
    }
    atexit(remove_folder);
}

static void quiet(void *arg, enum tap_log_level level, const char *actor, const char *text)
{
    (void)arg, (void)level;
    HOLD(actor && text);
}

/* Most inputs go into those that write each event, the others into those that add up; sqlite alone
 * takes longer than all of these. */
static void put_sinks(FILE *to, bool sums)
{
    static const char *const events[] = {"csv]\n",
                                         "a.csv",
                                         "chrome]\n",
                                         "a.json",
                                         "text]\nplugin = stdout\nsyntax = elixir\n",
                                         "a.txt",
                                         "lines]\nplugin = stdout\nformat = json\n",
                                         "a.lines",
                                         "html]\n",
                                         "a.html",
                                         "record]\n",
                                         "a.btf"};
    static const char *const added[] = {"summary]\n", "a.sum",    "sqlite]\n",   "a.sqlite",
                                        "folded]\n",  "a.folded", "perfetto]\n", "a.pftrace",
                                        "top]\n",     "a.top"};
    const char *const *sinks = sums ? added : events;
    size_t n = sums ? sizeof added / sizeof *added : sizeof events / sizeof *events;
    for (size_t i = 0; i < n; i += 2)
        fprintf(to, "[sink:%spath = %s/%s\n", sinks[i], folder, sinks[i + 1]);
}

/* `pids`: which processes are asked for; NULL: all. `others`: files that are played with it. */
static struct tap_config *configure(struct tap_error *err, bool window, const char *pids,
                                    unsigned others, bool piped, bool sums)
{
    char *text = NULL;
    size_t len = 0;
    struct tap_config *config = NULL;
    FILE *to = open_memstream(&text, &len);
    HOLD(to);
    fprintf(to, "[session]\nplugin_path = %s/plugins\n", TAP_BUILD);
    if (pids)
        fprintf(to, "[filter:pids]\npids = %s\n", pids);
    fprintf(to, "[transport:file]\npath = %s%s\n%s", piped ? "" : folder, piped ? "-" : "/in.btf",
            window ? "from = 2s\nto = 60s\n" : "");
    for (unsigned i = 0; i < others; i++)
        fprintf(to, "with = %s/%s.btf\n", folder, i ? "third" : "other");
    put_sinks(to, sums);
    HOLD(fclose(to) == 0);
    tap_config_parse("fuzz.ini", text, len, NULL, NULL, 0, &config, err);
    free(text);
    if (!config)
        tap_error_print(err, stderr);
    HOLD(config);
    return config;
}

static void hold_sums(const struct tap_session *session)
{
    struct tap_node_stats nodes[64];
    struct tap_sink_stats sinks[8];
    size_t node_count = tap_session_nodes(session, nodes, 64);
    size_t count = tap_session_sinks(session, sinks, 8);
    uint64_t produced = 0;
    for (size_t i = 0; i < node_count && i < 64; i++) {
        HOLD(nodes[i].produced == nodes[i].received + nodes[i].lost);
        produced += nodes[i].produced;
    }
    for (size_t i = 0; i < count && node_count <= 64; i++)
        HOLD(sinks[i].written + sinks[i].filtered + sinks[i].lost == produced);
}

/* A thousand times, and some, as the script of a page: a byte may be an event's whole payload, and
 * an event a row with names in it. */
static void hold_sizes(size_t size)
{
    for (size_t i = 0; i < OUTPUTS; i++) {
        char path[128];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", folder, outputs[i]);
        if (stat(path, &st) == 0)
            HOLD((size_t)st.st_size <= (128u << 10) + 1000 * size);
    }
}

/* One line of a.lines, or all of a.json, whose lines end where an event does. */
static void hold_object(const char *text, size_t len)
{
    struct tap_json_check c = {0};
    enum tap_json_verdict verdict = TAP_JSON_MORE;
    size_t at = 0;
    for (; at < len && verdict == TAP_JSON_MORE; at++)
        if (text[at] != '\n' || at == 0 || !strchr("[,}", text[at - 1]))
            verdict = tap_json_check_next(&c, text[at]);
    HOLD(verdict == TAP_JSON_END);
    while (at < len && (text[at] == '\n' || text[at] == '\r'))
        at++;
    HOLD(at == len);
}

/* Each row has as many cells as the first. */
static void hold_rows(const char *text, size_t len)
{
    size_t cells = 1, first = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        quoted ^= text[i] == '"';
        cells += !quoted && text[i] == ',';
        if (quoted || text[i] != '\n')
            continue;
        first = first ? first : cells;
        HOLD(cells == first);
        cells = 1;
    }
    HOLD(!quoted && cells == 1);
}

static char *read_output(const char *name, size_t *len)
{
    char path[128], *text = NULL;
    size_t cap = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    *len = 0;
    while (f && !feof(f)) {
        if (*len == cap)
            HOLD(text = realloc(text, cap = cap ? 2 * cap : 65536));
        *len += fread(text + *len, 1, cap - *len, f);
    }
    if (f)
        fclose(f);
    return text;
}

static void hold_loadable(void)
{
    size_t len, from = 0;
    char *text = read_output("a.json", &len);
    if (text)
        hold_object(text, len);
    free(text);
    text = read_output("a.csv", &len);
    hold_rows(text, len);
    free(text);
    text = read_output("a.lines", &len);
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\n') {
            hold_object(text + from, i - from);
            from = i + 1;
        }
    HOLD(from == len);
    free(text);
}

/* The recording may claim blocks of 65 MiB, packed and not; the sanitizers keep what was freed. */
static void hold_memory(void)
{
    struct rusage u;
    HOLD(getrusage(RUSAGE_SELF, &u) == 0 && u.ru_maxrss < 1 << 20);
}

static void write_file(const char *name, const uint8_t *data, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    HOLD(f && fwrite(data, 1, size, f) == size && fclose(f) == 0);
}

/* One that is whole, of the same node. */
static size_t write_other(uint64_t chance)
{
    struct tap_buf b = {0};
    HOLD(chance & 16 ? fuzz_port(&b, &chance, 1) : fuzz_recording(&b, &chance, 3));
    size_t size = b.len;
    write_file("other.btf", b.data, size);
    tap_buf_free(&b);
    return size;
}

/* What ttb writes beside a trace, damaged in places. */
static void write_names(uint64_t chance)
{
    struct tap_buf all = {0};
    for (unsigned i = 0; i < 20; i++) {
        struct tap_buf b = {0};
        tap_write_version(&b);
        tap_write_tuple(&b, 2), tap_write_atom(&b, i % 7 == 3 ? "$size" : "pid");
        if (i % 7 == 3) {
            tap_write_i64(&b, (int64_t)(fuzz_random(&chance) % 40));
        } else {
            tap_write_tuple(&b, 2), fuzz_pid(&b, "n@h", i);
            if (i % 2)
                tap_write_atom(&b, "called");
            else
                tap_write_tuple(&b, 3), tap_write_atom(&b, "m"), tap_write_atom(&b, "f"),
                    tap_write_i64(&b, i);
        }
        tap_write_u8(&all, (unsigned)b.len & 255);
        tap_buf_put(&all, b.data, b.len);
        tap_buf_free(&b);
    }
    HOLD(!all.oom);
    for (unsigned n = (unsigned)(fuzz_random(&chance) % 5); n > 0; n--)
        all.data[fuzz_random(&chance) % all.len] ^= (uint8_t)(1 << fuzz_random(&chance) % 8);
    write_file("in.btf.ti", all.data, fuzz_random(&chance) % 3 ? all.len : all.len / 2);
    tap_buf_free(&all);
}

/* The input once more, with other damage. */
static size_t write_twin(const uint8_t *data, size_t size, uint64_t chance)
{
    struct tap_buf b = {0};
    tap_buf_put(&b, data, size - (chance & 64 ? size / 4 : 0));
    for (unsigned n = (unsigned)(fuzz_random(&chance) % 4); n > 0 && b.len; n--)
        b.data[fuzz_random(&chance) % b.len] ^= (uint8_t)(1 << fuzz_random(&chance) % 8);
    size_t len = b.len;
    write_file("other.btf", b.data, len);
    tap_buf_free(&b);
    return len;
}

/* Pieces of what a port wrote, as of a wrapped set: one is whole, the other begins anywhere. */
static size_t write_pieces(const uint8_t *data, size_t size, uint64_t chance)
{
    struct tap_buf b = {0};
    HOLD(fuzz_port(&b, &chance, 2));
    size_t len = b.len, from = size ? fuzz_random(&chance) % size : 0;
    write_file("other.btf", b.data, len);
    write_file("third.btf", data + from, size - from);
    tap_buf_free(&b);
    return len + size - from;
}

/* As standard input, all that a pipe holds. */
static void write_pipe(const uint8_t *data, size_t size)
{
    int ends[2];
    HOLD(pipe(ends) == 0);
    fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    HOLD(write(ends[1], data, size) >= 0 || errno == EAGAIN);
    HOLD(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    close(ends[0]);
    close(ends[1]);
}

static void write_input(const uint8_t *data, size_t size, bool sums, bool piped)
{
    uint8_t *copy = malloc(size + 1);
    HOLD(copy);
    if (size)
        memcpy(copy, data, size);
    if (sums)
        fuzz_set_sums(copy, size);
    if (piped)
        write_pipe(copy, size);
    else
        write_file("in.btf", copy, size);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t chance = tap_checksum(data, size);
    make_folder();
    unsigned way = chance % 8, others = way == 7 ? 2 : way >= 5;
    bool piped = way == 2 && chance & 64;
    write_input(data, size, chance & 128, piped);
    struct tap_error *err = tap_error_new();
    const char *pids = way == 3 ? "<0.9.0>" : way == 4 ? "<0.0.0>, <0.2.0>" : NULL; /* 3: none */
    size_t more = way == 5   ? write_other(chance)
                  : way == 6 ? write_twin(data, size, chance)
                  : way == 7 ? write_pieces(data, size, chance)
                             : 0;
    if (chance & 32)
        write_names(chance);
    struct tap_config *config =
        configure(err, way == 2, pids, others, piped, (chance & 0x700) == 0);
    struct tap_session *session = tap_session_new_logged(config, err, quiet, NULL);
    if (session && tap_session_start(session) == TAP_OK) {
        while (!tap_session_poll(session, 1000))
            ;
        tap_session_finish(session);
        hold_sums(session);
        hold_sizes(size + more);
        hold_loadable();
        hold_memory();
    } else if (session) {
        tap_session_finish(session);
    }
    for (size_t i = 1; i < INPUTS; i++)
        remove_file(inputs[i]);
    if (session)
        tap_session_free(session);
    tap_config_free(config);
    tap_error_free(err);
    return 0;
}

bool fuzz_seed(unsigned number, struct tap_buf *b)
{
    uint64_t state = number + 177;
    for (int i = 0; i < 20; i++)
        fuzz_random(&state);
    return number < 15   ? fuzz_recording(b, &state, number)
           : number < 45 ? fuzz_blocks(b, &state, number)
           : number < 60 ? fuzz_port(b, &state, number)
                         : false;
}
