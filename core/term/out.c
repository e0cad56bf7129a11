/* out.c: the part of the writer that is not the hot path: the end of the memory, the limit,
 * JSON. */
#include "term/out.h"
#include "term/print.h"

static void set_room(struct tap_out *o)
{
    size_t room = o->cap < o->limit ? o->cap : o->limit;
    o->end = room ? o->dst + room : o->dst;
    if (o->p >= o->end || o->over)
        o->end = o->p;
}

void tap_out_init(struct tap_out *o, char *dst, size_t cap, const struct tap_print *print)
{
    o->p = o->dst = dst;
    o->cap = dst ? cap : 0;
    o->limit = print && print->limit ? print->limit : SIZE_MAX;
    o->over = 0;
    o->done = false;
    o->json = print && print->json;
    o->elixir = print && print->syntax == TAP_PRINT_ELIXIR;
    o->unicode = print && print->printable_unicode;
    o->maybe = print && print->has_maybe;
    set_room(o);
}

static size_t out_total(const struct tap_out *o)
{
    return (size_t)(o->p - o->dst) + o->over;
}

size_t tap_out_left(const struct tap_out *o)
{
    return o->limit - out_total(o);
}

size_t tap_out_finish(struct tap_out *o)
{
    if (o->done) {
        o->done = false;
        o->limit = SIZE_MAX;
        set_room(o);
        tap_out_lit(o, "...");
    }
    return out_total(o);
}

void tap_out_put_slow(struct tap_out *o, const char *s, size_t n)
{
    if (o->done || n == 0)
        return;
    if (n > o->limit - out_total(o)) {
        o->done = true;
        o->end = o->p;
        return;
    }
    size_t room = o->over ? 0 : o->cap - (size_t)(o->p - o->dst);
    size_t fits = n < room ? n : room;
    if (fits) {
        memcpy(o->p, s, fits);
        o->p += fits;
    }
    o->over += n - fits;
    if (o->over)
        o->end = o->p;
}

void tap_out_run_slow(struct tap_out *o, const char *s, size_t n)
{
    if (o->done)
        return;
    size_t may = o->limit - out_total(o);
    if (n <= may) {
        tap_out_put_slow(o, s, n);
        return;
    }
    while (may > 0 && ((uint8_t)s[may] & 0xC0) == 0x80)
        may--;
    tap_out_put_slow(o, s, may);
    o->done = true;
    o->end = o->p;
}

void tap_out_escape(struct tap_out *o, const char *s, size_t n)
{
    if (!o->json) {
        tap_out_put(o, s, n);
        return;
    }
    char b[32];
    size_t k = 0;
    for (size_t i = 0; i < n && k + 2 <= sizeof b; i++) {
        if (s[i] == '\\' || s[i] == '"')
            b[k++] = '\\';
        b[k++] = s[i];
    }
    tap_out_put(o, b, k);
}

/* What a JSON string may not hold as it stands. */
static void json_control(struct tap_out *o, uint32_t c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letter[] = "btn\0fr"; /* 8 to 13 */
    char b[6] = {'\\', 'u', '0', '0', hex[c >> 4 & 15], hex[c & 15]};
    if (c >= 8 && c <= 13 && letter[c - 8]) {
        b[1] = letter[c - 8];
        tap_out_put(o, b, 2);
    } else {
        tap_out_put(o, b, 6);
    }
}

void tap_out_text(struct tap_out *o, const char *text, size_t n, bool latin1)
{
    const uint8_t *p = (const uint8_t *)text, *end = p + n;
    while (p < end && !o->done) {
        const uint8_t *q = p;
        while (q < end && *q >= 0x20 && *q < 0x80 && *q != '"' && *q != '\\')
            q++;
        if (q > p) {
            tap_out_run(o, (const char *)p, (size_t)(q - p));
            p = q;
            continue;
        }
        uint32_t cp;
        p += tap_utf8_take(p, end, latin1, &cp);
        if (o->json && (cp == '"' || cp == '\\'))
            tap_out_put(o, (char[]){'\\', (char)cp}, 2);
        else if (o->json && cp < 0x20)
            json_control(o, cp);
        else
            tap_out_cp(o, cp);
    }
}

void tap_out_node(struct tap_out *o, const char *name, size_t n, bool latin1)
{
    const uint8_t *p = (const uint8_t *)name, *end = p + n;
    while (p < end && !o->done) {
        const uint8_t *q = p;
        uint32_t cp = 0;
        unsigned k = 0;
        for (; q < end; q += k) {
            k = tap_utf8_take(q, end, latin1, &cp);
            if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
                break;
        }
        tap_out_text(o, (const char *)p, (size_t)(q - p), latin1);
        if (q < end)
            tap_out_char(o, cp == '\n' || cp == '\t' || cp == '\r' ? ' ' : '?');
        p = q < end ? q + k : q;
    }
}

size_t tap_json_escape(char *dst, size_t cap, const char *text, size_t len)
{
    struct tap_out o;
    tap_out_init(&o, dst, cap, NULL);
    o.json = true;
    tap_out_text(&o, text, len, false);
    return tap_out_finish(&o);
}
