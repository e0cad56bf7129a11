/* calls.cpp: a sink in C++, with the kit's sink.hpp: a line for each call. THROWS names where it
 * throws instead. */
#include <beamtap/sink.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#ifndef THROWS
#define THROWS "nowhere"
#endif

namespace {

struct settings {
    const char *path;
};

void maybe(const std::string &where)
{
    if (where == THROWS)
        throw std::runtime_error("thrown in " + where);
    if (where + " odd" == THROWS)
        throw 42;
    if (where + " invalid" == THROWS)
        throw beamtap::invalid("thrown as invalid");
}

class calls {
  public:
    calls(const tap_host *h, const settings &s) : host(h), path(s.path)
    {
        maybe("create");
    }
    ~calls()
    {
        if (fd >= 0)
            close(fd);
    }
    void start()
    {
        maybe("start");
        fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
            throw std::system_error(errno, std::generic_category(), path);
    }
    bool event(const tap_batch &, const tap_event &e)
    {
        maybe("event");
        if (e.kind == TAP_FUNCTION_CALL)
            text += std::string(tap_name_get(host, e.function)->atom) + "\n";
        return true;
    }
    std::uint64_t flush()
    {
        maybe("flush");
        return put();
    }
    std::uint64_t stop()
    {
        maybe("stop");
        return put();
    }

  private:
    std::uint64_t put()
    {
        std::string now;
        now.swap(text);
        for (std::size_t done = 0; fd >= 0 && done < now.size();) {
            ssize_t took = write(fd, now.data() + done, now.size() - done);
            if (took < 0)
                throw std::system_error(errno, std::generic_category(), path);
            done += static_cast<std::size_t>(took);
        }
        return now.size();
    }

    const tap_host *host;
    std::string path, text;
    int fd = -1;
};

const tap_option options[] = {{"path", TAP_OPT_PATH, nullptr, 0, 0, nullptr,
                               "the file to write, which must not be there yet",
                               offsetof(settings, path), TAP_OPT_REQUIRED}};

} // namespace

BEAMTAP_SINK(calls, settings, options, "calls", "1.0", "a line for each call", "Apache-2.0")
