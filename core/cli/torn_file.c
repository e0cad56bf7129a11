/* torn_file.c: one small machine that reads files as sinks write them: an event begins at the start
 * of a line, and is one JSON object on that line. So whatever a torn write left behind, a piece of
 * an event, zeros, the rest of an older footer, what garbage unpacks to, is no event, and all that
 * is one was written whole.
 */
#include "cli/torn_file.h"

#include <string.h>

static const char header[] = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n";
#define HEADER_LEN (sizeof header - 1)

enum { HEAD = 0, START, EVENT, AFTER, CLOSE, TAIL, OTHER, END };

/* A table begins with the names of its columns, which may be cut off. */
static bool begins_table(const char *head, size_t len)
{
    static const char *const columns[] = {"ts",       "node",  "event", "pid",     "module",
                                          "function", "arity", "peer",  "message", "metadata"};
    for (size_t at = 0; at < len;) {
        size_t n = 0, i = 0;
        while (at + n < len && head[at + n] != ',' && head[at + n] != '\n')
            n++;
        bool cut = at + n == len;
        while (i < sizeof columns / sizeof *columns &&
               (strncmp(columns[i], head + at, n) != 0 || (!cut && columns[i][n])))
            i++;
        if (i == sizeof columns / sizeof *columns)
            return false;
        at += n + 1;
        if (!cut && head[at - 1] == '\n')
            return true;
    }
    return len > 0;
}

enum tap_torn_file_format tap_torn_file_guess(const char *head, size_t len)
{
    if (len && memcmp(head, header, len < HEADER_LEN ? len : HEADER_LEN) == 0)
        return TAP_MEND_TIMELINE;
    if (len && head[0] == '[')
        return TAP_MEND_ARRAY;
    if (len && head[0] == '{')
        return TAP_MEND_LINES;
    return begins_table(head, len) ? TAP_MEND_CSV : TAP_MEND_UNKNOWN;
}

/* A byte inside an object: true when it closes the outermost bracket. */
static bool read_object(struct tap_torn_file *m, char c)
{
    enum tap_json_verdict verdict = tap_json_check_next(&m->json, c);
    m->broken = verdict == TAP_JSON_BAD;
    return verdict == TAP_JSON_END;
}

static void read_start(struct tap_torn_file *m, char c)
{
    if (c == '{') {
        m->state = EVENT;
        m->json = (struct tap_json_check){0};
        read_object(m, c);
    } else if (c == ']' && m->events == 0 && m->format != TAP_MEND_LINES) {
        m->state = TAIL;
    } else if (c != '\n') { /* the one behind a comma; another is no harm */
        m->broken = true;
    }
}

/* Behind an event, or behind the comma that follows it. */
static void read_after(struct tap_torn_file *m, char c)
{
    bool lines = m->format == TAP_MEND_LINES;
    if (c == '\n' && lines) {
        m->whole = m->at + 1;
        m->line_open = false;
        m->state = START;
    } else if (c == ',' && !lines) {
        m->state = START;
    } else if (c == '\n' && !lines) {
        m->state = CLOSE;
    } else {
        m->broken = true;
    }
}

static void read_other(struct tap_torn_file *m, char c)
{
    m->state = OTHER;
    tap_json_check_inside(&m->json);
    read_object(m, c);
}

/* Behind the bracket that closes the events. */
static void read_tail(struct tap_torn_file *m, char c)
{
    if (m->format == TAP_MEND_ARRAY ? c == '\n' : c == '}')
        m->state = END;
    else if (m->format == TAP_MEND_TIMELINE && c == ',') /* the outermost object goes on */
        read_other(m, c);
    else
        m->broken = true;
}

static void read_json(struct tap_torn_file *m, char c)
{
    switch (m->state) {
    case HEAD:
        if (m->format == TAP_MEND_LINES) {
            m->state = START;
            read_start(m, c);
        } else if (m->format == TAP_MEND_ARRAY || c == header[m->at]) {
            bool last = m->format == TAP_MEND_ARRAY || m->at + 1 == HEADER_LEN;
            m->state = last ? START : HEAD;
            m->whole = last ? m->at + 1 : 0;
        } else {
            m->broken = true;
        }
        break;
    case START: read_start(m, c); break;
    case EVENT:
        if (!read_object(m, c))
            break;
        m->state = AFTER;
        m->events++;
        m->whole = m->at + 1;
        m->line_open = true;
        break;
    case AFTER: read_after(m, c); break;
    case CLOSE:
        if (c == ']')
            m->state = TAIL;
        else
            m->broken = true;
        break;
    case TAIL: read_tail(m, c); break;
    case OTHER:
        if (read_object(m, c))
            m->state = END;
        break;
    default: m->broken = c != '\n'; break;
    }
}

/* Rows end at a line end that is not between quotes. The first one holds the names. */
static void read_csv(struct tap_torn_file *m, char c)
{
    if (c == '"')
        m->in_text = !m->in_text;
    else if (c == '\n' && !m->in_text) {
        m->events += m->whole > 0;
        m->whole = m->at + 1;
    } else if (c == 0) {
        m->broken = true;
    }
}

void tap_torn_file_read(struct tap_torn_file *m, const char *text, size_t len)
{
    for (size_t i = 0; i < len && !m->broken; i++) {
        if (m->format == TAP_MEND_CSV)
            read_csv(m, text[i]);
        else
            read_json(m, text[i]);
        if (!m->broken)
            m->at++;
    }
}

bool tap_torn_file_is_whole(const struct tap_torn_file *m)
{
    if (m->broken)
        return false;
    if (m->format == TAP_MEND_CSV || m->format == TAP_MEND_LINES)
        return m->whole == m->at && !m->line_open;
    return m->state == END;
}

const char *tap_torn_file_footer(const struct tap_torn_file *m)
{
    if (m->format == TAP_MEND_ARRAY)
        return m->whole ? "\n]\n" : "[\n]\n";
    if (m->format == TAP_MEND_TIMELINE)
        return m->whole ? "\n]}\n" : "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n\n]}\n";
    return m->format == TAP_MEND_LINES && m->line_open ? "\n" : "";
}
