/* arena.c: what all stages of reading a text lean on: memory that goes away as a whole, and
 * mistakes. */
#include <stdio.h>
#include <stdarg.h>

#include "syntax/syntax.h"

struct tap_syn_chunk {
    struct tap_syn_chunk *next;
    size_t used, size;
    max_align_t data[];
};

void *tap_syn_alloc(struct tap_syn_arena *a, size_t size)
{
    const size_t align = sizeof(max_align_t);
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + align - 1) / align * align;
    if (!a->chunks || a->chunks->size - a->chunks->used < size) {
        size_t room = size > 4096 ? size : 4096;
        struct tap_syn_chunk *c = calloc(1, sizeof *c + room);
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

void tap_syn_arena_free(struct tap_syn_arena *a)
{
    while (a->chunks) {
        struct tap_syn_chunk *next = a->chunks->next;
        free(a->chunks);
        a->chunks = next;
    }
}

bool tap_syn_fail(struct tap_syn_source *s, size_t offset, const char *format, ...)
{
    if (s->failed)
        return false;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    s->failed = true;
    s->fail(s->arg, s->where, offset, text);
    return false;
}

bool tap_syn_fail_oom(struct tap_syn_source *s)
{
    return tap_syn_fail(s, 0, "out of memory");
}
