/* torn_csv.c: tables. A row is as many cells as the header line names, each of its kind; it ends at
 * a line end that is not between quotes. A quote that was damaged would turn all that follows
 * inside out: so a row that does not come out even is given up at its first line end, and the next
 * line is tried.
 */
#include <string.h>

#include "base/event_names.h"
#include "base/utf8.h"
#include "beamtap/event.h"
#include "cli/torn_file.h"
#include "files/csv_columns.h"

static unsigned column_of(const char *name, size_t n)
{
    unsigned c = 0;
    while (c < TAP_CSV_COLUMNS &&
           (strlen(tap_csv_names[c]) != n || memcmp(tap_csv_names[c], name, n) != 0))
        c++;
    return c;
}

static bool has_column(const struct tap_torn_file *m, unsigned column)
{
    return memchr(m->columns, (int)column, m->column_count) != NULL;
}

/* Names of ours, each at most once, and one at least by which a row can be known. */
bool tap_torn_columns(struct tap_torn_file *m, const char *head, size_t len)
{
    const char *end = memchr(head, '\n', len < 256 ? len : 256);
    m->column_count = 0;
    for (const char *p = head; end && p <= end;) {
        size_t n = 0;
        while (p[n] != ',' && p[n] != '\n')
            n++;
        unsigned c = column_of(p, n);
        if (c == TAP_CSV_COLUMNS || has_column(m, c) || m->column_count == TAP_TORN_COLUMNS)
            return false;
        m->columns[m->column_count++] = (uint8_t)c;
        p += n + 1;
    }
    return end && (has_column(m, TAP_CSV_TS) || has_column(m, TAP_CSV_EVENT));
}

/* ---- Cells */

static bool is_number(const char *text, size_t n)
{
    size_t i = n && text[0] == '-';
    if (i == n || n > 20)
        return false;
    while (i < n && text[i] >= '0' && text[i] <= '9')
        i++;
    return i == n;
}

static bool is_kind(const char *text, size_t n)
{
    for (unsigned k = 0; k < TAP_KIND_COUNT; k++)
        if (tap_kind_has_row(k) && strlen(tap_kind_name(k)) == n &&
            memcmp(tap_kind_name(k), text, n) == 0)
            return true;
    return false;
}

static bool is_text(const char *text, size_t n)
{
    const uint8_t *p = (const uint8_t *)text, *end = p + n;
    while (p < end) {
        uint32_t c;
        unsigned len = tap_utf8_decode(p, end, &c);
        if (len == 0 || c == 0)
            return false;
        p += len;
    }
    return true;
}

/* The cell at `at`, without its quotes where it has some, and where it ends: at a comma or a line
 * end. */
struct cell {
    const char *text;
    size_t len, end;
};

static enum tap_torn_verdict read_cell(const char *buf, size_t len, size_t at, bool times_first,
                                       struct cell *cell)
{
    size_t i = at;
    if (i == len)
        return TAP_TORN_MORE;
    if (buf[i] != '"') {
        while (i < len && buf[i] != ',' && buf[i] != '\n' && buf[i] != '"')
            i++;
        *cell = (struct cell){buf + at, i - at, i};
        return i == len ? TAP_TORN_MORE : buf[i] == '"' ? TAP_TORN_BAD : TAP_TORN_TAKE;
    }
    for (i++; i < len; i++) {
        if (buf[i] == '\n' && times_first) {
            /* Does a row begin here? Then a quote is missing before. */
            size_t digits = 0;
            while (i + 1 + digits < len && buf[i + 1 + digits] >= '0' && buf[i + 1 + digits] <= '9')
                digits++;
            if (digits > 14 && i + 1 + digits < len && buf[i + 1 + digits] == ',')
                return TAP_TORN_BAD;
        }
        if (buf[i] != '"')
            continue;
        if (i + 1 == len)
            return TAP_TORN_MORE;
        if (buf[i + 1] == '"') {
            i++;
            continue;
        }
        *cell = (struct cell){buf + at + 1, i - at - 1, i + 1};
        return buf[i + 1] == ',' || buf[i + 1] == '\n' ? TAP_TORN_TAKE : TAP_TORN_BAD;
    }
    return TAP_TORN_MORE;
}

static bool cell_fits(unsigned column, const struct cell *cell)
{
    if (column == TAP_CSV_TS || column == TAP_CSV_ARITY)
        return is_number(cell->text, cell->len);
    if (column == TAP_CSV_EVENT)
        return is_kind(cell->text, cell->len);
    if (column == TAP_CSV_FLOW)
        return cell->len == 0 || is_number(cell->text, cell->len);
    return is_text(cell->text, cell->len);
}

/* A row is read from its beginning each time: so not before there is twice as much of it. */
static enum tap_torn_verdict wait_for_more(struct tap_torn_file *m)
{
    m->wanted = m->len < TAP_TORN_RECORD / 2 ? 2 * m->len : TAP_TORN_RECORD;
    return TAP_TORN_MORE;
}

enum tap_torn_verdict tap_torn_row(struct tap_torn_file *m, bool last, size_t *len)
{
    size_t at = 0;
    bool fits = true;
    if (m->len < m->wanted && !last)
        return TAP_TORN_MORE;
    if (m->offset == 0) {
        const char *end = memchr(m->buf, '\n', m->len);
        if (!end)
            return last ? TAP_TORN_BAD : TAP_TORN_MORE;
        *len = (size_t)(end - m->buf) + 1;
        if (!tap_torn_columns(m, m->buf, *len))
            return TAP_TORN_BAD;
        tap_torn_put(m, m->buf, *len);
        return TAP_TORN_TAKE;
    }
    for (unsigned c = 0; c < m->column_count; c++) {
        struct cell cell;
        enum tap_torn_verdict verdict =
            read_cell(m->buf, m->len, at, m->columns[0] == TAP_CSV_TS, &cell);
        if (verdict != TAP_TORN_TAKE)
            return verdict == TAP_TORN_MORE ? wait_for_more(m) : verdict;
        if ((m->buf[cell.end] == '\n') != (c + 1 == m->column_count))
            return TAP_TORN_BAD;
        fits = fits && cell_fits(m->columns[c], &cell);
        at = cell.end + 1;
    }
    *len = at;
    m->foreign += !fits;
    if (!fits)
        return TAP_TORN_BAD;
    tap_torn_healed(m, 0);
    tap_torn_keep(m, m->buf, at);
    m->events++;
    return TAP_TORN_TAKE;
}
