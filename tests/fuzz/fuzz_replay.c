/* fuzz_replay.c: a recording through every sink.
 *
 * The input is a recording, or what a trace port wrote; some are played together with a whole one.
 * Held besides that the run ends: the sums of each sink, that no sink writes many times what the
 * recording has, and a bound on memory. Of every other input the checksums are set right first; of
 * some a stretch of time is played.
 *
 *     fuzz_replay --inputs 10000     takes minutes
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "session/session.h"
#include "recordings.h"

static const char *const outputs[] = {"a.csv", "a.json", "a.txt", "a.lines",
                                      "a.sum", "a.btf",  "a.html"};
#define OUTPUTS (sizeof outputs / sizeof *outputs)

static char folder[64];

static void remove_folder(void)
{
    char path[128];
    for (size_t i = 0; i < OUTPUTS; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, outputs[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/in.btf", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/other.btf", folder);
    unlink(path);
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

static struct tap_config *configure(struct tap_error *err, bool window, bool other)
{
    char text[2000];
    struct tap_config *config = NULL;
    int n = snprintf(text, sizeof text,
                     "[session]\nplugin_path = %s/plugins\n"
                     "[transport:file]\npath = %s/in.btf\n%s%s%s%s"
                     "[sink:csv]\npath = %s/a.csv\n"
                     "[sink:chrome]\npath = %s/a.json\n"
                     "[sink:text]\nplugin = stdout\npath = %s/a.txt\nsyntax = elixir\n"
                     "[sink:lines]\nplugin = stdout\npath = %s/a.lines\nformat = json\n"
                     "[sink:summary]\npath = %s/a.sum\n"
                     "[sink:html]\npath = %s/a.html\n"
                     "[sink:record]\npath = %s/a.btf\n",
                     TAP_BUILD, folder, window ? "from = 2s\nto = 60s\n" : "",
                     other ? "with = " : "", other ? folder : "", other ? "/other.btf\n" : "",
                     folder, folder, folder, folder, folder, folder, folder);
    tap_config_parse("fuzz.ini", text, (size_t)n, NULL, NULL, 0, &config, err);
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

static void write_input(const uint8_t *data, size_t size, bool sums)
{
    uint8_t *copy = malloc(size + 1);
    HOLD(copy);
    if (size)
        memcpy(copy, data, size);
    if (sums)
        fuzz_set_sums(copy, size);
    write_file("in.btf", copy, size);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t chance = tap_checksum(data, size);
    make_folder();
    write_input(data, size, chance & 1);
    struct tap_error *err = tap_error_new();
    bool other = chance % 8 == 5;
    size_t more = other ? write_other(chance) : 0;
    struct tap_config *config = configure(err, chance % 8 == 2, other);
    struct tap_session *session = tap_session_new_logged(config, err, quiet, NULL);
    if (session && tap_session_start(session) == TAP_OK) {
        while (!tap_session_poll(session, 1000))
            ;
        tap_session_finish(session);
        hold_sums(session);
        hold_sizes(size + more);
        hold_memory();
    } else if (session) {
        tap_session_finish(session);
    }
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
