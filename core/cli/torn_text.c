/* torn_text.c: timelines and JSON lines. An event begins at the start of a line, and is one JSON
 * object on that line. So whatever a torn write left behind, a piece of an event, zeros, the rest
 * of an older footer, what garbage unpacks to, is no event, and all that is one was written whole.
 */
#include <stdlib.h>
#include <string.h>

#include "base/event_names.h"
#include "beamtap/event.h"
#include "cli/json_check.h"
#include "cli/torn_file.h"

const char tap_torn_timeline_header[] = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n";

/* ---- What only our sinks write */

/* A text that is read from the front: each takes what it names, or leaves everything. */
struct text {
    const char *p, *end;
};

static bool take(struct text *t, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(t->end - t->p) < n || memcmp(t->p, word, n) != 0)
        return false;
    t->p += n;
    return true;
}

static bool take_digits(struct text *t)
{
    const char *from = t->p;
    while (t->p < t->end && *t->p >= '0' && *t->p <= '9')
        t->p++;
    return t->p > from;
}

/* The rest of a JSON string, and the quote at its end. */
static bool take_string(struct text *t)
{
    for (; t->p < t->end && *t->p != '"'; t->p++)
        t->p += *t->p == '\\';
    return t->p < t->end && *t->p++ == '"';
}

/* {"ph":"X","pid":1,"tid":2,"ts":3.456, */
static bool is_slice(const char *line, size_t len)
{
    struct text t = {line, line + len};
    if (!take(&t, "{\"ph\":\"") || t.p == t.end)
        return false;
    t.p++;
    if (!take(&t, "\",\"pid\":") || !take_digits(&t) || !take(&t, ",\"tid\":") ||
        !take_digits(&t) || !take(&t, ",\"ts\":"))
        return false;
    take(&t, "-");
    if (!take_digits(&t) || !take(&t, "."))
        return false;
    const char *decimals = t.p;
    return take_digits(&t) && t.p - decimals == 3 && take(&t, ",");
}

static bool take_kind(struct text *t)
{
    for (unsigned k = 0; k < TAP_KIND_COUNT; k++) {
        struct text after = *t;
        if (tap_kind_has_row(k) && take(&after, tap_kind_name(k)) && take(&after, "\"")) {
            *t = after;
            return true;
        }
    }
    return false;
}

/* {"ts":"1700000000000000000","seq":0,"node":"shop@web1","event":"function_call" */
static bool is_line(const char *line, size_t len)
{
    struct text t = {line, line + len};
    if (!take(&t, "{\"ts\":\""))
        return false;
    take(&t, "-");
    if (!take_digits(&t) || !take(&t, "\""))
        return false;
    if (take(&t, ",\"seq\":") && !take_digits(&t))
        return false;
    if (take(&t, ",\"node\":\"") && !take_string(&t))
        return false;
    return take(&t, ",\"event\":\"") && take_kind(&t);
}

/* Does the first line, or the second where that is damaged, begin as one of ours? */
bool tap_torn_begins_lines(const char *head, size_t len)
{
    const char *next = memchr(head, '\n', len);
    if (is_line(head, len))
        return true;
    return next && is_line(next + 1, len - (size_t)(next + 1 - head));
}

bool tap_torn_begins_array(const char *head, size_t len)
{
    return len > 1 && head[0] == '[' && is_slice(head + 1, len - 1);
}

/* ---- A line */

/* How long the object is that begins here; 0: there is no whole one. */
static size_t object_length(const char *line, size_t len)
{
    struct tap_json_check json = {0};
    for (size_t i = 0; i < len; i++) {
        enum tap_json_verdict verdict = tap_json_check_next(&json, line[i]);
        if (verdict == TAP_JSON_END)
            return i + 1;
        if (verdict == TAP_JSON_BAD)
            return 0;
    }
    return 0;
}

/* The object of a timeline goes on behind its events: ],"otherData":{...}} */
static bool is_rest(const char *line, size_t len)
{
    struct tap_json_check json;
    size_t i = 1;
    if (len < 3 || line[1] != ',')
        return false;
    tap_json_check_inside(&json);
    for (; i < len; i++) {
        enum tap_json_verdict verdict = tap_json_check_next(&json, line[i]);
        if (verdict != TAP_JSON_MORE)
            return verdict == TAP_JSON_END && i + 1 == len;
    }
    return false;
}

static bool is_tail(const struct tap_torn_file *m, const char *line, size_t len)
{
    if (len == 0 || line[0] != ']')
        return false;
    if (m->format == TAP_TORN_ARRAY)
        return len == 1;
    return m->format == TAP_TORN_TIMELINE && ((len == 2 && line[1] == '}') || is_rest(line, len));
}

static void take_tail(struct tap_torn_file *m, const char *line, size_t len)
{
    m->untidy |= m->tail != NULL || m->comma;
    free(m->tail);
    m->tail = strndup(line, len);
    m->failed |= !m->tail;
    m->comma = false;
    tap_torn_healed(m, 0);
}

static void take_event(struct tap_torn_file *m, size_t at, size_t len)
{
    bool lines = m->format == TAP_TORN_LINES;
    tap_torn_healed(m, at);
    /* behind the end, or behind an event without a comma */
    m->untidy |= m->tail != NULL || (!lines && m->events && !m->comma);
    if (!lines && m->events == 0)
        m->format == TAP_TORN_ARRAY
            ? tap_torn_put(m, "[", 1)
            : tap_torn_put(m, tap_torn_timeline_header, strlen(tap_torn_timeline_header));
    tap_torn_keep(m, m->buf + at, len);
    m->events++;
    m->comma = false;
}

/* The events of a line: one, or more where what parts them was damaged. False: from *at on there is
 * something else. */
static bool take_events(struct tap_torn_file *m, size_t *at, size_t n)
{
    const char *line = m->buf;
    bool lines = m->format == TAP_TORN_LINES;
    for (;;) {
        size_t len = *at < n && line[*at] == '{' ? object_length(line + *at, n - *at) : 0;
        bool ours = len && (lines ? is_line(line + *at, len) : is_slice(line + *at, len));
        m->foreign += len && !ours;
        if (!ours)
            return false;
        take_event(m, *at, len);
        *at += len;
        if (!lines && *at < n && line[*at] == ',') {
            m->comma = true;
            ++*at;
        }
        if (*at == n)
            return true;
        /* The byte between two events is another one. */
        if (n - *at < 2 || line[*at + 1] != '{')
            return false;
        tap_torn_hurt(m, *at);
        m->comma |= !lines;
        ++*at;
    }
}

enum tap_torn_verdict tap_torn_line(struct tap_torn_file *m, bool last, size_t *len)
{
    const char *end = memchr(m->buf + m->seen, '\n', m->len - m->seen);
    if (!end && !last) {
        m->seen = m->len;
        return TAP_TORN_MORE;
    }
    size_t n = end ? (size_t)(end - m->buf) : m->len, at = 0;
    bool lines = m->format == TAP_TORN_LINES;
    *len = n + (end != NULL);
    if (m->offset == 0 && m->format == TAP_TORN_TIMELINE)
        return TAP_TORN_TAKE; /* the header, which tells the format */
    if (m->offset == 0 && m->format == TAP_TORN_ARRAY)
        at = 1;
    if (is_tail(m, m->buf, n)) {
        take_tail(m, m->buf, n);
        m->open = false;
        return TAP_TORN_TAKE;
    }
    if (n == at || (!lines && n == 1 && m->buf[0] == ',')) {
        m->untidy |= lines || m->events > 0; /* an empty timeline has such a line */
        m->comma |= n == 1 && m->buf[0] == ',';
        return TAP_TORN_TAKE;
    }
    m->open = !end;
    if (take_events(m, &at, n))
        return TAP_TORN_TAKE;
    tap_torn_hurt(m, at);
    return TAP_TORN_TAKE;
}
