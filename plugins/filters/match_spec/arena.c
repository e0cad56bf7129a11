/* arena.c: what all stages of filter:match_spec lean on: memory that goes away as a whole, and mistakes. */
#include <stdio.h>

#include "syntax.h"

struct ms_chunk {
    struct ms_chunk *next;
    size_t used, size;
    max_align_t data[];
};

void *tap_ms_alloc(struct ms_arena *a, size_t size)
{
    const size_t align = sizeof(max_align_t);
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + align - 1) / align * align;
    if (!a->chunks || a->chunks->size - a->chunks->used < size) {
        size_t room = size > 4096 ? size : 4096;
        struct ms_chunk *c = calloc(1, sizeof *c + room);
        if (!c)
            return NULL;
        c->size = room;
        c->next = a->chunks;
        a->chunks = c;
    }
    void *p = (char *)a->chunks->data + a->chunks->used;
    a->chunks->used += size;
    return p;
}

void tap_ms_arena_free(struct ms_arena *a)
{
    while (a->chunks) {
        struct ms_chunk *next = a->chunks->next;
        free(a->chunks);
        a->chunks = next;
    }
}

bool tap_ms_fail(struct ms_source *s, size_t offset, const char *format, ...)
{
    if (s->failed)
        return false;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    s->failed = true;
    s->host->fail_at(s->host, s->where, offset, "%s", text);
    return false;
}

bool tap_ms_fail_oom(struct ms_source *s)
{
    return tap_ms_fail(s, 0, "out of memory");
}

static size_t min3(size_t a, size_t b, size_t c)
{
    a = a < b ? a : b;
    return a < c ? a : c;
}

/* Edit distance of two short words (Levenshtein, two rows). */
static size_t distance(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    size_t n = strlen(a), m = strlen(b), row[LONGEST + 1];
    if (n > LONGEST || m > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t above = row[j];
            row[j] = min3(row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[m];
}

const char *tap_ms_nearest(const char *word, const char *const *candidates)
{
    const char *best = NULL;
    size_t least = strlen(word) / 3 + 2; /* further away it would be a guess */
    for (; *candidates; candidates++) {
        size_t d = distance(word, *candidates);
        if (d < least)
            least = d, best = *candidates;
    }
    return best;
}
