/* headers.c: the headers that a user gives: tokens, mostly. So they do not stand in the
 * configuration, which is in recordings and reports, but in a file that only he reads, or in the
 * environment, as cookies do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sinks/otlp/http.h"

#define VARIABLE "OTEL_EXPORTER_OTLP_HEADERS"
#define MOST 65536u /* bytes of all */

/* A name of RFC 9110, a colon, and a value without control characters. What is wrong; NULL:
 * nothing. */
static const char *wrong_with(const char *line)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    size_t n = 0;
    while (line[n] && (strchr(others, line[n]) || (line[n] >= '0' && line[n] <= '9') ||
                       ((line[n] | 32) >= 'a' && (line[n] | 32) <= 'z')))
        n++;
    if (!n || line[n] != ':')
        return "is not 'Name: value'";
    for (const char *c = line + n; *c; c++)
        if ((unsigned char)*c < 0x20 && *c != '\t')
            return "has a control character in its value";
    size_t rest = strspn(line + n + 1, " \t");
    return line[n + 1 + rest] ? NULL : "has no value";
}

bool otlp_header_add(struct curl_slist **list, const char *line)
{
    struct curl_slist *more = curl_slist_append(*list, line);
    if (more)
        *list = more;
    return more;
}

/* ---- The file */

static enum tap_status add_lines(const struct tap_host *host, const char *file, char *text,
                                 struct curl_slist **list)
{
    char *rest = text, *line;
    for (unsigned number = 1; (line = strsep(&rest, "\n")); number++) {
        size_t len = strlen(line);
        if (len && line[len - 1] == '\r')
            line[--len] = 0;
        if (!line[strspn(line, " \t")] || *line == '#')
            continue;
        const char *wrong = wrong_with(line);
        if (wrong)
            return TAP_FAIL(host, TAP_ERROR, "headers_file %s: line %u %s", file, number, wrong);
        if (!otlp_header_add(list, line))
            return TAP_FAIL(host, TAP_ERROR, "out of memory");
    }
    return TAP_OK;
}

/* Of nobody else, as a cookie's. */
static const char *file_wrong(int fd)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return strerror(errno);
    if (!S_ISREG(st.st_mode))
        return "it is no file";
    if (st.st_mode & 077)
        return "others than its owner may read or write it: chmod 600";
    return st.st_size > (off_t)MOST ? "it is too long" : NULL;
}

/* All of it, with a NUL behind it; NULL: `*wrong`. */
static char *file_text(int fd, const char **wrong)
{
    char *text = malloc(MOST + 1);
    ssize_t n = text ? read(fd, text, MOST) : -1;
    if (n < 0) {
        *wrong = strerror(errno);
        free(text);
        return NULL;
    }
    text[n] = 0;
    if (strlen(text) < (size_t)n)
        *wrong = "it is no text";
    return text;
}

static enum tap_status read_file(const struct tap_host *host, const char *file,
                                 struct curl_slist **list)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    const char *wrong = file_wrong(fd);
    char *text = wrong ? NULL : file_text(fd, &wrong);
    enum tap_status status = wrong ? TAP_FAIL(host, TAP_ERROR, "headers_file %s: %s", file, wrong)
                                   : add_lines(host, file, text, list);
    if (text)
        explicit_bzero(text, MOST);
    free(text);
    if (fd >= 0)
        close(fd);
    return status;
}

/* ---- The environment: name=value,name=value; values are percent-encoded, as in a W3C Baggage */

static int hex(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

static void decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        int high = *from == '%' ? hex(from[1]) : -1, low = high >= 0 ? hex(from[2]) : -1;
        *to++ = low >= 0 ? (char)(high << 4 | low) : *from;
        from += low >= 0 ? 2 : 0;
    }
    *to = 0;
}

static char *trimmed(char *text)
{
    text += strspn(text, " \t");
    for (size_t n = strlen(text); n && (text[n - 1] == ' ' || text[n - 1] == '\t'); n--)
        text[n - 1] = 0;
    return text;
}

static enum tap_status add_pair(const struct tap_host *host, char *pair, unsigned number,
                                struct curl_slist **list)
{
    char *value = strchr(pair, '='), *line = NULL;
    if (!*trimmed(pair))
        return TAP_OK;
    if (value) {
        *value++ = 0;
        decode(value);
        if (asprintf(&line, "%s: %s", trimmed(pair), trimmed(value)) < 0)
            return TAP_FAIL(host, TAP_ERROR, "out of memory");
    }
    const char *wrong = line ? wrong_with(line) : "is not 'name=value'";
    enum tap_status status = TAP_OK;
    if (wrong)
        status = TAP_FAIL(host, TAP_ERROR, VARIABLE ": entry %u %s", number, wrong);
    else if (!otlp_header_add(list, line))
        status = TAP_FAIL(host, TAP_ERROR, "out of memory");
    if (line)
        explicit_bzero(line, strlen(line));
    free(line);
    return status;
}

static enum tap_status read_variable(const struct tap_host *host, struct curl_slist **list)
{
    const char *given = getenv(VARIABLE);
    if (!given || !*given)
        return TAP_OK;
    char *text = strdup(given), *rest = text, *pair;
    enum tap_status status = text ? TAP_OK : TAP_FAIL(host, TAP_ERROR, "out of memory");
    for (unsigned number = 1; status == TAP_OK && (pair = strsep(&rest, ",")); number++)
        status = add_pair(host, pair, number, list);
    if (text)
        explicit_bzero(text, strlen(given));
    free(text);
    return status;
}

enum tap_status otlp_headers_read(const struct tap_host *host, const char *file,
                                  struct curl_slist **list)
{
    if (file && read_file(host, file, list) != TAP_OK)
        return TAP_ERROR;
    return read_variable(host, list);
}
