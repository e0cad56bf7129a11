/* sink.hpp: a sink in C++, installed as <beamtap/sink.hpp>: a class, whose exceptions become the
 * failures that the core tells of. No exception may leave a plugin: the core is C.
 *
 *     struct settings {
 *         const char *path;
 *     };
 *     class calls {
 *       public:
 *         calls(const tap_host *host, const settings &set);    // create: no I/O
 *         void start();                                        // opens the output
 *         bool event(const tap_batch &, const tap_event &);    // of any kind
 *         std::uint64_t flush();   // bytes, when all that was taken is in the file now
 *         std::uint64_t stop();    // the same, and the end; also after an error
 *     };
 *     static const tap_option options[] = {...};
 *     BEAMTAP_SINK(calls, settings, options, "calls", "1.0", "what it writes", "Apache-2.0")
 *
 * `event` says whether the event waits for the next flush or stop, which write it: those that were
 * taken are reported as written when flush or stop has come back, and are lost where it throws
 * instead. A std::exception fails the sink with its what(); from the constructor with
 * beamtap::invalid it is the configuration that is wrong (exit code 2).
 */
#ifndef BEAMTAP_SINK_HPP
#define BEAMTAP_SINK_HPP

#include <cstdint>
#include <exception>
#include <new>
#include <stdexcept>

#include <beamtap/sink.h>

namespace beamtap {

/* The configuration is wrong: for constructors. */
class invalid : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

template <class Sink, class Settings> class sink_of {
    const tap_host *host;
    Sink sink;
    std::uint64_t waiting = 0;

    sink_of(const tap_host *h, const Settings &settings) : host(h), sink(h, settings)
    {
    }

    /* What `work` throws is told, and nothing leaves. */
    template <class Work> static tap_status guarded(const tap_host *h, Work work) noexcept
    {
        try {
            work();
            return TAP_OK;
        } catch (const invalid &why) {
            return TAP_FAIL(h, TAP_INVALID, "%s", why.what());
        } catch (const std::bad_alloc &) {
            return TAP_FAIL(h, TAP_ERROR, "out of memory");
        } catch (const std::exception &why) {
            return TAP_FAIL(h, TAP_ERROR, "%s", why.what());
        } catch (...) {
            return TAP_FAIL(h, TAP_ERROR, "it threw something that is no std::exception");
        }
    }

    static sink_of *of(void *self)
    {
        return static_cast<sink_of *>(self);
    }

    /* What waited is written once `work` has come back with its bytes. Where that throws nobody
     * knows how much of it is: it is lost, and no later stop tells of it. */
    template <class Work> tap_status write(Work work)
    {
        std::uint64_t events = waiting;
        waiting = 0;
        return guarded(host, [&] {
            std::uint64_t bytes = work();
            if (events || bytes)
                host->sink->written(host, events, bytes);
        });
    }

    static tap_status create(const tap_host *h, const void *settings, void **self)
    {
        return guarded(
            h, [&] { *self = new sink_of(h, *static_cast<const Settings *>(settings)); });
    }
    static tap_status start(void *self)
    {
        return guarded(of(self)->host, [&] { of(self)->sink.start(); });
    }
    static tap_status consume(void *self, const tap_batch *batch, const std::uint32_t *select,
                              std::size_t n)
    {
        sink_of *s = of(self);
        return guarded(s->host, [&] {
            for (std::size_t i = 0; i < n; i++) {
                const tap_event *e = tap_batch_event(batch, select[i]);
                bool takes = s->sink.event(*batch, *e);
                s->waiting += takes && !tap_kind_is_control(e->kind);
            }
        });
    }
    static tap_status flush(void *self)
    {
        return of(self)->write([&] { return of(self)->sink.flush(); });
    }
    static tap_status stop(void *self)
    {
        return of(self)->write([&] { return of(self)->sink.stop(); });
    }
    static void destroy(void *self)
    {
        delete of(self);
    }

  public:
    static tap_sink_ops ops()
    {
        tap_sink_ops table = TAP_SIZED(tap_sink_ops);
        table.create = create;
        table.start = start;
        table.consume = consume;
        table.flush = flush;
        table.stop = stop;
        table.destroy = destroy;
        return table;
    }
};

} // namespace beamtap

#define BEAMTAP_SINK(SINK, SETTINGS, OPTIONS, NAME, VERSION, SUMMARY, LICENSE)                    \
    const tap_plugin *beamtap_plugin_v1(void)                                                     \
    {                                                                                             \
        static const tap_sink_ops ops = beamtap::sink_of<SINK, SETTINGS>::ops();                  \
        static const tap_plugin plugin = {TAP_PLUGIN_HEADER,                                      \
                                          TAP_PLUGIN_SINK,                                        \
                                          TAP_PLUGIN_NO_RAW,                                      \
                                          NAME,                                                   \
                                          VERSION,                                                \
                                          SUMMARY,                                                \
                                          LICENSE,                                                \
                                          OPTIONS,                                                \
                                          sizeof OPTIONS / sizeof *OPTIONS,                       \
                                          sizeof(SETTINGS),                                       \
                                          &ops,                                                   \
                                          nullptr};                                               \
        return &plugin;                                                                           \
    }

#endif
