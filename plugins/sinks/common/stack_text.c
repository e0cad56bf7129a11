/* stack_text.c: see stack_text.h. */
#include "sinks/common/process_name.h"
#include "sinks/common/stack_text.h"

static void put_text(struct tap_writer *w, const char *text)
{
    tap_writer_put(w, text, strlen(text));
}

/* A file's name, of which each byte is a character: it ends no line and no string. */
static void put_file(struct tap_writer *w, const struct tap_frame_text *f, bool json)
{
    for (uint32_t i = 0; i < f->file_len; i++) {
        unsigned char c = (unsigned char)f->file[i];
        char *p = tap_writer_reserve(w, 2);
        if (json && (c == '"' || c == '\\'))
            *p++ = '\\';
        if (c >= 0xa0)
            *p++ = (char)(0xc0 | c >> 6), c = 0x80 | (c & 0x3f);
        else if (c < 0x20 || c >= 0x7f)
            c = '?';
        *p++ = (char)c;
        w->p = p;
    }
}

static void put_frame(struct tap_writer *w, const struct tap_frame_text *f,
                      const struct tap_print *print)
{
    struct tap_cursor c = tap_cursor(f->module, f->module_len + f->function_len);
    struct tap_function_text text = {0};
    if (!tap_function_begin_terms(w, &c, print, &text))
        put_text(w, "?");
    put_text(w, "/");
    w->p = tap_text_i64(tap_writer_reserve(w, 24), f->arity);
    tap_function_end(w, &text, print->json);
    if (!f->file)
        return;
    put_text(w, " (");
    put_file(w, f, print->json);
    if (f->line) {
        put_text(w, ":");
        w->p = tap_text_i64(tap_writer_reserve(w, 24), f->line);
    }
    put_text(w, ")");
}

unsigned tap_stack_put(struct tap_writer *w, const struct tap_batch *batch,
                       const struct tap_event *e, const char *first, const char *before,
                       const char *after, const struct tap_print *print, uint64_t *size)
{
    struct tap_span stack = tap_event_stack(e);
    struct tap_cursor c = tap_stack_begin(batch->arena + stack.off, stack.len, size);
    struct tap_frame_text f;
    unsigned n = 0;
    for (; stack.len && tap_stack_next(&c, &f); n++) {
        put_text(w, n ? before : first);
        put_frame(w, &f, print);
        put_text(w, after);
    }
    return n;
}
