/* torn_keep.c: what a format does with a record: it keeps it, or notes where damage begins and
 * ends. */
#include "cli/torn_file.h"

void tap_torn_put(struct tap_torn_file *m, const char *text, size_t len)
{
    if (m->keep && len && !m->failed && !m->keep(m->arg, text, len))
        m->failed = true;
}

void tap_torn_keep(struct tap_torn_file *m, const char *text, size_t len)
{
    bool json = m->format == TAP_TORN_TIMELINE || m->format == TAP_TORN_ARRAY;
    if (json && m->events)
        tap_torn_put(m, ",\n", 2);
    tap_torn_put(m, text, len);
    if (m->format == TAP_TORN_LINES)
        tap_torn_put(m, "\n", 1);
}

void tap_torn_hurt(struct tap_torn_file *m, size_t at)
{
    if (!m->hurt) {
        m->hurt = true;
        m->hurt_line = m->line;
        m->hurt_offset = m->offset + at;
    }
}

void tap_torn_healed(struct tap_torn_file *m, size_t at)
{
    if (!m->hurt)
        return;
    m->hurt = false;
    m->damaged++;
    if (m->skip)
        m->skip(m->arg, m->hurt_line, m->hurt_offset, m->offset + at - m->hurt_offset);
}
