/* text.c: numbers for people, and the tables as text, where the path is a file. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "sinks/top/top.h"

/* Rounded to `digits` behind the point. By whole arithmetic: with %f, 1.5 would be 1,5 in a program
 * of another locale. */
static void decimal(char dst[TOP_CELL], uint64_t value, uint64_t unit, int digits, const char *name)
{
    uint64_t scale = digits == 2 ? 100 : digits == 1 ? 10 : 1, step = unit / scale;
    uint64_t n = value / step + (step > 1 && value % step >= step / 2);
    if (digits)
        snprintf(dst, TOP_CELL, "%" PRIu64 ".%0*" PRIu64 "%s", n / scale, digits, n % scale, name);
    else
        snprintf(dst, TOP_CELL, "%" PRIu64 "%s", n, name);
}

/* At most nine columns wide, whatever it is. */
static void print_count(char dst[TOP_CELL], uint64_t n)
{
    static const char *const names[] = {"k", "M", "G", "T", "P", "E"};
    uint64_t unit = 1000;
    unsigned i = 0;
    if (n < 1000000) {
        decimal(dst, n, 1, 0, "");
        return;
    }
    for (; i < 5 && n / unit >= 1000; i++)
        unit *= 1000;
    decimal(dst, n, unit, n / unit >= 100 ? 1 : 2, names[i]);
}

static void print_time(char dst[TOP_CELL], uint64_t ns)
{
    if (ns < 10000000)
        decimal(dst, ns, 1000, 1, "us");
    else if (ns < UINT64_C(10000000000))
        decimal(dst, ns, 1000000, 1, "ms");
    else if (ns < UINT64_C(100000000000000))
        decimal(dst, ns, 1000000000, 1, "s");
    else
        decimal(dst, ns, UINT64_C(3600000000000), 0, "h");
}

void top_cell_print(char dst[TOP_CELL], uint64_t value, enum top_unit unit)
{
    if (value == TOP_UNKNOWN)
        snprintf(dst, TOP_CELL, "-");
    else if (unit == TOP_TIME)
        print_time(dst, value);
    else if (unit == TOP_STATE)
        snprintf(dst, TOP_CELL, value ? "waits" : "done");
    else if (unit == TOP_RATE && value < 10000)
        decimal(dst, value, 1000, 1, "");
    else
        print_count(dst, unit == TOP_RATE ? value / 1000 + (value % 1000 >= 500) : value);
}

/* ---- In a file */

static void put(struct top *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct top *t, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0)
        tap_writer_put(&t->w, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static void put_row(struct top *t, const struct top_frame *f, enum top_view v,
                    const struct top_row *r)
{
    char cell[TOP_CELL];
    size_t len;
    for (unsigned c = 0; c < top_tables[v].columns; c++) {
        top_cell_print(cell, r->cell[c], top_tables[v].column[c].unit);
        put(t, "%*s ", TOP_CELL_WIDTH - 1, cell);
    }
    const char *name = top_row_name(t, f, v, r, &len);
    tap_writer_put(&t->w, name, len);
    put(t, "\n");
}

bool top_text_write(struct top *t)
{
    struct top_frame f = {0};
    char events[TOP_CELL], rate[TOP_CELL], lost[TOP_CELL];
    if (!top_frame_take(t, &f, t->last - t->first))
        return false;
    top_cell_print(events, f.events, TOP_COUNT);
    top_cell_print(rate, f.rate, TOP_RATE);
    top_cell_print(lost, f.lost, TOP_COUNT);
    put(t, "%s events, %s/s, %s lost\n", events, rate, lost);
    for (unsigned v = 0; v < TOP_VIEWS; v++) {
        const struct top_table *table = &top_tables[v];
        uint32_t shown = f.count[v] < t->settings->rows ? f.count[v] : (uint32_t)t->settings->rows;
        if (!shown)
            continue;
        put(t, "\n");
        for (unsigned c = 0; c < table->columns; c++)
            put(t, "%*s ", TOP_CELL_WIDTH - 1, table->column[c].title);
        put(t, "%s\n", table->rows);
        /* a profile that was read once has calls and no rate */
        unsigned column = v == TOP_FUNCTIONS && t->counted.count ? 1 : table->sorted;
        top_rows_sort(f.rows[v], f.count[v], column, false);
        for (uint32_t i = 0; i < shown; i++)
            put_row(t, &f, (enum top_view)v, &f.rows[v][i]);
    }
    top_frame_free(&f);
    tap_writer_end_many(&t->w, t->events);
    return true;
}
