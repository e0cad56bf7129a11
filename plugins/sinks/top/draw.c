/* draw.c: the screen's lines: what is going on, the views, one of their tables, the keys. Windows
 * may be as small as they like: what does not fit is left out, the numbers before the names.
 */
#include <stdarg.h>
#include <wchar.h>
#include <wctype.h>

#include "sinks/top/screen.h"

#define ABOVE 3       /* lines above the rows: what goes on, views, titles */
#define BELOW 1       /* the keys */
#define NAME_LEAST 24 /* columns that a name has where numbers can be left out for it */
#define WIDEST 512    /* characters of a line */

enum { RED = 1, CYAN, YELLOW };

/* Terminals move by control characters, and a name may have any. */
static wchar_t harmless(wchar_t c, int *width)
{
    *width = wcwidth(c);
    if (*width >= 0 && iswprint((wint_t)c))
        return c;
    *width = 1;
    return L'?';
}

/* Writes what fits into columns x..end; the column behind it. */
static int put(const struct top_screen *s, int y, int x, int end, const char *text, size_t len)
{
    wchar_t wide[WIDEST];
    size_t n = 0;
    mbstate_t state = {0};
    int at = x;
    for (size_t i = 0; i < len && n < WIDEST;) {
        wchar_t c = (unsigned char)text[i];
        size_t took = s->locale ? mbrtowc(&c, text + i, len - i, &state) : 1;
        int width;
        if (took == 0 || took > len || (!s->locale && c > 126)) {
            memset(&state, 0, sizeof state);
            c = L'?';
            took = 1;
            while (!s->locale && i + took < len && ((unsigned char)text[i + took] & 0xc0) == 0x80)
                took++;
        }
        c = harmless(c, &width);
        if (at + width > end)
            break;
        at += width;
        wide[n++] = c;
        i += took;
    }
    if (n && y >= 0 && y < LINES)
        mvaddnwstr(y, x, wide, (int)n);
    return at;
}

static int say(const struct top_screen *s, int y, int x, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static int say(const struct top_screen *s, int y, int x, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    return put(s, y, x, COLS, text, len);
}

uint32_t top_page(void)
{
    return LINES > ABOVE + BELOW ? (uint32_t)(LINES - ABOVE - BELOW) : 1;
}

/* ---- Above and below */

static void draw_status(const struct top_screen *s)
{
    const struct top_frame *f = &s->frame;
    const struct tap_node *node = s->top->host->node(s->top->host, 0);
    char rate[TOP_CELL], events[TOP_CELL], lost[TOP_CELL], gap[TOP_CELL];
    int64_t seconds = (top_now() - s->began) / TOP_SECOND;
    uint32_t nodes = 1;
    while (s->top->host->node(s->top->host, nodes))
        nodes++;
    top_cell_print(rate, f->rate, TOP_RATE);
    top_cell_print(events, f->events, TOP_COUNT);
    top_cell_print(lost, f->lost, TOP_COUNT);
    top_cell_print(gap, (uint64_t)f->gap, TOP_TIME);
    attron(A_BOLD);
    int x = say(s, 0, 0, "%s", node ? node->name : "beamtap top");
    if (nodes > 1)
        x = say(s, 0, x, " and %u more", nodes - 1);
    attroff(A_BOLD);
    x = say(s, 0, x, "  %s events/s  %s events  ", rate, events);
    attr_t warn = f->lost ? A_BOLD | (attr_t)COLOR_PAIR(RED) : A_NORMAL;
    attron(warn);
    x = say(s, 0, x, "%s lost", lost);
    attroff(warn);
    if (f->gap)
        x = say(s, 0, x, "  %s without tracing", gap);
    x = say(s, 0, x, "  %lld:%02lld", (long long)(seconds / 60), (long long)(seconds % 60));
    if (s->paused) {
        attron(A_BOLD | COLOR_PAIR(YELLOW));
        say(s, 0, x, "  PAUSED");
        attroff(A_BOLD | COLOR_PAIR(YELLOW));
    }
}

static void draw_views(const struct top_screen *s)
{
    bool narrow = COLS < 56;
    int x = 0;
    for (unsigned v = 0; v < TOP_VIEWS; v++) {
        attr_t attr = v == s->view ? A_REVERSE | A_BOLD : A_NORMAL;
        attron(attr);
        if (narrow && v != s->view)
            x = say(s, 1, x, " %u ", v + 1);
        else
            x = say(s, 1, x, " %u %s ", v + 1, top_tables[v].name);
        attroff(attr);
    }
    if (s->filter[0] && !s->editing)
        say(s, 1, x, "  filter: %s", s->filter);
}

static void draw_keys(const struct top_screen *s, uint32_t shown, uint32_t n)
{
    int y = LINES - 1;
    if (y <= ABOVE - 1)
        return;
    if (s->editing) {
        attron(A_BOLD);
        int x = say(s, y, 0, "filter: %s", s->filter);
        attroff(A_BOLD);
        attron(A_REVERSE);
        x = say(s, y, x, " ");
        attroff(A_REVERSE);
        say(s, y, x, "  Enter keeps it, Esc takes it away");
        return;
    }
    attron(COLOR_PAIR(CYAN));
    int x = say(s, y, 0, "q quit  1-4 view  < > sort  r reverse  p %s  / filter  arrows scroll",
                s->paused ? "go on" : "pause");
    attroff(COLOR_PAIR(CYAN));
    char text[64];
    int len = n ? snprintf(text, sizeof text, "%u-%u of %u", s->first[s->view] + 1,
                           s->first[s->view] + shown, n)
                : 0;
    if (len > 0 && x + len + 2 <= COLS)
        say(s, y, COLS - len, "%s", text);
}

/* ---- The table */

/* Which numbers are shown: as many as leave room for the name, and that which it is sorted by. */
static unsigned columns_shown(const struct top_screen *s)
{
    unsigned mask = 1u << s->column[s->view], n = 1;
    int least = COLS / 2 < NAME_LEAST ? COLS / 2 : NAME_LEAST;
    for (unsigned c = 0; c < top_tables[s->view].columns; c++) {
        if (mask & 1u << c)
            continue;
        if ((int)(n + 1) * TOP_CELL_WIDTH + least > COLS)
            break;
        mask |= 1u << c;
        n++;
    }
    return mask;
}

static void draw_titles(const struct top_screen *s, unsigned mask)
{
    const struct top_table *table = &top_tables[s->view];
    int x = 0;
    for (unsigned c = 0; c < table->columns; c++) {
        if (!(mask & 1u << c))
            continue;
        attr_t attr = A_BOLD | (c == s->column[s->view] ? A_UNDERLINE : A_NORMAL);
        char title[TOP_CELL];
        snprintf(title, sizeof title, "%s%s", table->column[c].title,
                 c != s->column[s->view] ? ""
                 : s->reverse[s->view]   ? "^"
                                         : "v");
        int len = (int)strlen(title);
        attron(attr);
        say(s, 2, x + TOP_CELL_WIDTH - 1 - len, "%s", title);
        attroff(attr);
        x += TOP_CELL_WIDTH;
    }
    attron(A_BOLD);
    say(s, 2, x, "%s", table->rows);
    attroff(A_BOLD);
}

static void draw_row(const struct top_screen *s, int y, const struct top_row *r, unsigned mask)
{
    const struct top_table *table = &top_tables[s->view];
    char cell[TOP_CELL];
    size_t len;
    int x = 0;
    bool waits = s->view == TOP_CALLS && r->cell[0];
    attr_t attr = waits ? (attr_t)COLOR_PAIR(YELLOW) : A_NORMAL;
    attron(attr);
    for (unsigned c = 0; c < table->columns; c++) {
        if (!(mask & 1u << c))
            continue;
        top_cell_print(cell, r->cell[c], table->column[c].unit);
        say(s, y, x, "%*s", TOP_CELL_WIDTH - 1, cell);
        x += TOP_CELL_WIDTH;
    }
    const char *name = top_row_name(s->top, &s->frame, s->view, r, &len);
    put(s, y, x, COLS, name, len);
    attroff(attr);
}

/* Moves the rows whose names have the filter's text to the front; how many they are. */
static uint32_t filtered(const struct top_screen *s, struct top_row *rows, uint32_t n)
{
    uint32_t kept = 0;
    size_t len, filter = strlen(s->filter);
    for (uint32_t i = 0; i < n && filter; i++) {
        const char *name = top_row_name(s->top, &s->frame, s->view, &rows[i], &len);
        if (!memmem(name, len, s->filter, filter))
            continue;
        struct top_row row = rows[kept];
        rows[kept++] = rows[i];
        rows[i] = row;
    }
    return filter ? kept : n;
}

static const char *why_empty(const struct top_screen *s)
{
    uint32_t events = s->top->host->run_info->events;
    if (s->frame.count[s->view])
        return "nothing has this in its name (/ changes the filter)";
    if (events & TAP_KIND_BIT(TAP_FUNCTION_COUNTERS))
        return s->view == TOP_FUNCTIONS
                   ? "nothing is counted yet: session.interval says how often that is read"
                   : "no events are traced: what the VM counts stands in the functions";
    if (s->view == TOP_FUNCTIONS && !(events & TAP_KIND_BIT(TAP_FUNCTION_CALL)))
        return "no calls are traced: name functions, such as 'shop_*'";
    if (s->view != TOP_FUNCTIONS && s->view != TOP_PROCESSES &&
        !(events & TAP_KIND_BIT(TAP_MESSAGE_SEND)))
        return "no messages are traced: session.events names what is";
    return "nothing yet";
}

void top_draw(struct top_screen *s)
{
    struct top_row *rows = s->frame.rows[s->view];
    erase();
    uint32_t n = filtered(s, rows, s->frame.count[s->view]), page = top_page();
    top_rows_sort(rows, n, s->column[s->view], s->reverse[s->view]);
    if (s->first[s->view] + page > n)
        s->first[s->view] = n > page ? n - page : 0;
    uint32_t first = s->first[s->view], shown = n - first < page ? n - first : page;
    draw_status(s);
    draw_views(s);
    unsigned mask = columns_shown(s);
    draw_titles(s, mask);
    for (uint32_t i = 0; i < shown; i++)
        draw_row(s, ABOVE + (int)i, &rows[first + i], mask);
    if (!n)
        say(s, ABOVE, 0, "%s", why_empty(s));
    draw_keys(s, shown, n);
    refresh();
}
