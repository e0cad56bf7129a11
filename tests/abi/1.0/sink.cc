// sink.cc: a complete sink by the headers of ABI 1.0 in C++, from C++11 on: how often each function
// was called.
#include <beamtap/sink.h>

#include <cstdio>
#include <map>
#include <new>
#include <string>

namespace
{

struct settings {
    const char *path;
    bool totals;
};

struct counts {
    const tap_host *host;
    const settings *set;
    std::map<std::string, unsigned> calls;
};

tap_status counts_create(const tap_host *host, const void *set, void **self)
{
    counts *c = new (std::nothrow) counts{host, static_cast<const settings *>(set), {}};
    *self = c;
    return c ? TAP_OK : TAP_FAIL(host, TAP_ERROR, "out of memory");
}

tap_status counts_nothing(void *)
{
    return TAP_OK;
}

tap_status counts_consume(void *self, const tap_batch *batch, const uint32_t *select, size_t n)
{
    counts *c = static_cast<counts *>(self);
    uint64_t events = 0;
    for (size_t i = 0; i < n; i++) {
        const tap_event *e = tap_batch_event(batch, select[i]);
        if (e->kind != TAP_FUNCTION_CALL)
            continue;
        struct tap_cursor arguments = tap_cursor(batch->arena + e->payload.off, e->payload.len);
        uint32_t of = 0;
        tap_read_list(&arguments, &of);
        tap_print print = TAP_SIZED(tap_print);
        char pid[256];
        size_t m = c->host->pid_print(c->host, pid, sizeof pid, &e->pid, &print);
        c->calls[std::string(pid, m) + " " + tap_name_get(c->host, e->function)->text + "/" +
                 std::to_string(of)]++;
        events++;
    }
    c->host->sink->written(c->host, events, 0);
    return TAP_OK;
}

tap_status counts_stop(void *self)
{
    counts *c = static_cast<counts *>(self);
    std::FILE *out = std::fopen(c->set->path, "w");
    if (!out)
        return TAP_FAIL(c->host, TAP_ERROR, "%s cannot be written", c->set->path);
    for (const auto &one : c->calls)
        std::fprintf(out, "%s %u\n", one.first.c_str(), one.second);
    std::fclose(out);
    return TAP_OK;
}

void counts_destroy(void *self)
{
    delete static_cast<counts *>(self);
}

const tap_option options[] = {
    {"path", TAP_OPT_PATH, nullptr, 0, 0, nullptr, "the file to write", offsetof(settings, path),
     TAP_OPT_REQUIRED},
    {"totals", TAP_OPT_BOOL, "yes", 0, 0, nullptr, "at the end", offsetof(settings, totals), 0},
};
const tap_sink_ops ops = {sizeof(tap_sink_ops), counts_create, counts_nothing, counts_consume,
                          counts_nothing,       counts_stop,   counts_destroy};
const tap_plugin plugin = {TAP_PLUGIN_HEADER,
                           TAP_PLUGIN_SINK,
                           TAP_PLUGIN_NO_RAW,
                           "abi_cc",
                           "1.0",
                           "calls by function",
                           "Apache-2.0",
                           options,
                           sizeof options / sizeof options[0],
                           sizeof(settings),
                           &ops, nullptr};

} // namespace

const tap_plugin *beamtap_plugin_v1()
{
    return &plugin;
}
