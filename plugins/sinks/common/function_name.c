/* function_name.c: functions' names, as the core puts them together (tap_function_text). */
#include "sinks/common/payload_atom.h"
#include "sinks/common/process_name.h"
#include "sinks/common/writer.h"

static char *put_escaped(char *p, const char *text, size_t len)
{
    for (size_t k = 0; k < len; k++) {
        if (text[k] == '"' || text[k] == '\\')
            *p++ = '\\';
        *p++ = text[k];
    }
    return p;
}

/* The name of an atom is UTF-8, and has no control character that is not escaped already. An atom
 * is small: so are some of them. */
static void put_pieces(struct tap_writer *w, const struct tap_name_piece *pieces, size_t n,
                       bool json)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += pieces[i].len;
    if (len == 0)
        return;
    char *p = tap_writer_reserve(w, 2 * len);
    for (size_t i = 0; i < n; i++)
        p = json ? put_escaped(p, pieces[i].text, pieces[i].len)
                 : tap_text_copy(p, pieces[i].text, pieces[i].len);
    w->p = p;
}

struct tap_function_text tap_function_begin(struct tap_writer *w, uint32_t module,
                                            uint32_t function, enum tap_print_syntax syntax,
                                            bool json)
{
    struct tap_function_text text =
        tap_function_text(tap_name_get(w->host, module), tap_name_get(w->host, function), syntax);
    put_pieces(w, text.before, sizeof text.before / sizeof *text.before, json);
    return text;
}

void tap_function_end(struct tap_writer *w, const struct tap_function_text *text, bool json)
{
    put_pieces(w, text->behind, sizeof text->behind / sizeof *text->behind, json);
}

bool tap_function_begin_terms(struct tap_writer *w, struct tap_cursor *c,
                              const struct tap_print *print, struct tap_function_text *text)
{
    struct tap_cursor at = *c;
    uint32_t module = tap_sink_atom(w->host, &at), function = tap_sink_atom(w->host, &at);
    if (!module || !function)
        return false;
    *c = at;
    *text = tap_function_begin(w, module, function, print->syntax, print->json);
    return true;
}

void tap_function_put_as(struct tap_writer *w, uint32_t module, uint32_t function, int32_t arity,
                         enum tap_print_syntax syntax, bool json)
{
    struct tap_function_text text = tap_function_begin(w, module, function, syntax, json);
    w->p = tap_text_i64(tap_text_lit(tap_writer_reserve(w, 24), "/"), arity);
    tap_function_end(w, &text, json);
}

void tap_function_put(struct tap_writer *w, uint32_t module, uint32_t function, int32_t arity)
{
    enum tap_print_syntax syntax = tap_function_syntax(tap_name_get(w->host, module));
    tap_function_put_as(w, module, function, arity, syntax, false);
}
