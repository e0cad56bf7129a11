/* text.c: strings, charlists and binaries: when they print as text, and how text is escaped.
 *
 * Erlang's rule (io_lib_pretty with ~tp): a list is a string when every element is printable, in
 * the latin1 range or with +pc unicode in all of Unicode. A binary that is UTF-8 is text when all
 * its characters are printable in that range (marked /utf8 unless it is ASCII), one that is not
 * UTF-8 when all its bytes are printable latin1. (OTP 29 differs for the last: in the latin1 range
 * it prints numbers when a character beyond latin1 comes before the first byte that is not UTF-8,
 * as in <<79,220,187,223>>.) Elixir's rule: a binary is text when it is printable UTF-8 whatever
 * the node's range, a list when it is printable ASCII (single quotes, as Elixir writes charlists up
 * to 1.14; 1.15 and later write ~c"...").
 */
#include "syntax/digits.h"
#include "term/out.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Bit 1: plain inside any quotes. Bit 2: printable in Erlang. Bit 4: in an Elixir charlist. */
enum { PLAIN = 1, PRINTABLE = 2, CHARLIST = 4 };
static const uint8_t ascii[128] = {
    [' '] = PLAIN | PRINTABLE | CHARLIST,
    ['!'] = PLAIN | PRINTABLE | CHARLIST,
    ['"'] = PRINTABLE | CHARLIST,
    ['#'] = PRINTABLE | CHARLIST, /* \#{ in Elixir */
    ['$' ... '&'] = PLAIN | PRINTABLE | CHARLIST,
    ['\''] = PRINTABLE | CHARLIST,
    ['(' ... '['] = PLAIN | PRINTABLE | CHARLIST,
    ['\\'] = PRINTABLE | CHARLIST,
    [']' ... '~'] = PLAIN | PRINTABLE | CHARLIST,
    [7] = CHARLIST,
    [8 ... 13] = PRINTABLE | CHARLIST,
    [27] = PRINTABLE | CHARLIST,
};

/* ---- Long texts, 16 bytes at a time: how many bytes at the beginning are surely as asked. The
 * last of them are for the tables. */

#ifdef __SSE2__
static __m128i bytes_at(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}
static __m128i are(__m128i v, char c)
{
    return _mm_cmpeq_epi8(v, _mm_set1_epi8(c));
}
/* Neither between space and ~ (signed: 0x80 and up are below). */
static __m128i odd(__m128i v)
{
    return _mm_or_si128(_mm_cmplt_epi8(v, _mm_set1_epi8(' ')), are(v, 127));
}
#endif

/* From space to ~; `plain`: and PLAIN. */
static inline size_t text_run(const uint8_t *p, size_t n, bool plain)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; i + 16 <= n; i += 16) {
        __m128i v = bytes_at(p + i), hit = odd(v);
        if (plain)
            hit = _mm_or_si128(hit, _mm_or_si128(_mm_or_si128(are(v, '"'), are(v, '\'')),
                                                 _mm_or_si128(are(v, '#'), are(v, '\\'))));
        unsigned hits = (unsigned)_mm_movemask_epi8(hit);
        if (hits)
            return i + (size_t)__builtin_ctz(hits);
    }
#else
    (void)p, (void)n, (void)plain;
#endif
    return i;
}

/* ---- What is printable */

static bool unicode_printable(uint32_t cp)
{
    return (cp >= 0xA0 && cp < 0xD800) || (cp > 0xDFFF && cp < 0xFFFE) ||
           (cp > 0xFFFF && cp <= 0x10FFFF);
}

bool tap_is_printable(const struct tap_out *o, uint32_t cp)
{
    if (cp < 0x80)
        return (ascii[cp] & (o->elixir ? CHARLIST : PRINTABLE)) != 0;
    if (o->elixir)
        return false;
    return o->unicode ? unicode_printable(cp) : cp >= 0xA0 && cp <= 0xFF;
}

bool tap_bytes_printable(const struct tap_out *o, const uint8_t *p, size_t n)
{
    for (size_t i = text_run(p, n, false); i < n; i++)
        if (!tap_is_printable(o, p[i]))
            return false;
    return true;
}

static void hex_escape(struct tap_out *o, uint32_t cp, unsigned digits)
{
    char b[12] = "\\x";
    size_t n = 2;
    if (digits > 2)
        b[n++] = '{';
    while (digits-- > 0)
        b[n++] = "0123456789ABCDEF"[cp >> 4 * digits & 15];
    if (n > 4)
        b[n++] = '}';
    tap_out_escape(o, b, n);
}

static void elixir_cp(struct tap_out *o, uint32_t cp)
{
    if (cp == 0)
        tap_out_escape(o, "\\0", 2);
    else if (cp == 0xFEFF)
        tap_out_escape(o, "\\uFEFF", 6);
    else if (unicode_printable(cp) || (cp >= 0x20 && cp < 0x7F))
        tap_out_cp(o, cp);
    else if (cp < 0x100)
        hex_escape(o, cp, 2);
    else
        hex_escape(o, cp, cp < 0x10000 ? 4 : 6);
}

void tap_out_quoted_cp(struct tap_out *o, uint32_t cp, char quote)
{
    static const char letters[32] = {
        [8] = 'b', [9] = 't', [10] = 'n', [11] = 'v', [12] = 'f', [13] = 'r', [27] = 'e'};
    char letter = cp < 32 ? letters[cp] : cp == 127 ? 'd' : 0;
    if (o->elixir && cp == 7)
        letter = 'a';
    if (cp == (uint8_t)quote || cp == '\\')
        letter = (char)cp;
    if (letter)
        tap_out_escape(o, (char[]){'\\', letter}, 2);
    else if (cp == '"') /* the other kind of quotes: bare, but JSON minds */
        tap_out_escape(o, "\"", 1);
    else if (o->elixir)
        elixir_cp(o, cp);
    else if (cp < 0x20 || (cp >= 0x80 && cp < 0xA0))
        tap_out_escape(o,
                       (char[]){'\\', (char)('0' + (cp >> 6)), (char)('0' + (cp >> 3 & 7)),
                                (char)('0' + (cp & 7))},
                       4);
    else
        tap_out_cp(o, cp);
}

static void quoted_body(struct tap_out *o, const uint8_t *p, size_t n, bool latin1, char quote)
{
    const uint8_t *end = p + n;
    while (p < end && !o->done) {
        const uint8_t *q = p;
        if (*q < 0x80 && ascii[*q] & PLAIN)
            q += text_run(q, (size_t)(end - q), true);
        while (q < end && *q < 0x80 && ascii[*q] & PLAIN)
            q++;
        if (q > p) {
            tap_out_run(o, (const char *)p, (size_t)(q - p));
            p = q;
            continue;
        }
        uint32_t cp;
        p += tap_utf8_take(p, end, latin1, &cp);
        if (o->elixir && cp == '#' && p < end && *p == '{') {
            tap_out_escape(o, "\\#{", 3);
            p++;
        } else {
            tap_out_quoted_cp(o, cp, quote);
        }
    }
}

void tap_out_quoted(struct tap_out *o, const uint8_t *p, size_t n, bool latin1, char quote)
{
    tap_out_escape(o, &quote, 1);
    quoted_body(o, p, n, latin1, quote);
    tap_out_escape(o, &quote, 1);
}

/* What a binary is, as text. */
enum { NO_TEXT, ASCII_TEXT, UTF8_TEXT, LATIN1_TEXT };

static int erlang_text(const struct tap_out *o, const uint8_t *p, size_t n)
{
    const uint8_t *start = p, *end = p + n;
    bool all_ascii = true, printable = true;
    while (p < end) {
        uint32_t cp;
        if (*p < 0x80) {
            p += text_run(p, (size_t)(end - p), false);
            const uint8_t *stop = end - p < 16 ? end : p + 1;
            while (p < stop && *p < 0x80 && ascii[*p] & PRINTABLE)
                p++;
            if (p < stop && *p < 0x80)
                return NO_TEXT; /* in UTF-8 and in latin1 */
            continue;
        }
        all_ascii = false;
        unsigned k = tap_utf8_decode(p, end, &cp);
        if (k == 0) {
            for (p = start; p < end; p++)
                if (*p < 0x80 ? !(ascii[*p] & PRINTABLE) : *p < 0xA0)
                    return NO_TEXT;
            return LATIN1_TEXT;
        }
        printable = printable && tap_is_printable(o, cp);
        p += k;
    }
    return all_ascii ? ASCII_TEXT : printable ? UTF8_TEXT : NO_TEXT;
}

static int elixir_text(const uint8_t *p, size_t n)
{
    const uint8_t *end = p + n;
    while (p < end) {
        uint32_t cp;
        if (*p < 0x80 && (p += text_run(p, (size_t)(end - p), false)) == end)
            break;
        unsigned k = tap_utf8_decode(p, end, &cp);
        if (k == 0 || (cp < 0x80 ? !(ascii[cp] & CHARLIST) && cp != 127 : !unicode_printable(cp)))
            return NO_TEXT;
        p += k;
    }
    return UTF8_TEXT;
}

static char *byte_digits(char *p, unsigned v)
{
    if (v >= 100) {
        *p++ = (char)('0' + v / 100);
        v %= 100;
    } else if (v < 10) {
        *p = (char)('0' + v);
        return p + 1;
    }
    tap_digit_pair(p, v);
    return p + 2;
}

/* Of n bytes as many as there surely is room for, each with a comma behind it. */
static size_t numbers_with_room(struct tap_out *o, const uint8_t *bytes, size_t n)
{
    size_t room = (size_t)(o->end - o->p) / 5, i;
    char *p = o->p;
    for (i = 0; i < n && i < room; i++) {
        p = byte_digits(p, bytes[i]);
        *p++ = ',';
        if (o->elixir)
            *p++ = ' ';
    }
    o->p = p;
    return i;
}

static void binary_numbers(struct tap_out *o, const uint8_t *p, size_t n, unsigned last_bits)
{
    tap_out_lit(o, "<<");
    for (size_t i = n > 0 ? numbers_with_room(o, p, n - 1) : 0; i < n && !o->done; i++) {
        if (i + 1 < n) {
            tap_out_u64(o, p[i]);
            tap_out_put(o, ", ", o->elixir ? 2 : 1);
            continue;
        }
        tap_out_u64(o, p[i] >> (8 - last_bits));
        if (last_bits == 8)
            break;
        if (o->elixir)
            tap_out_lit(o, "::size(");
        else
            tap_out_char(o, ':');
        tap_out_u64(o, last_bits);
        if (o->elixir)
            tap_out_char(o, ')');
    }
    tap_out_lit(o, ">>");
}

void tap_out_binary(struct tap_out *o, const uint8_t *p, size_t n, unsigned last_bits)
{
    int text = last_bits != 8 ? NO_TEXT
               : o->elixir    ? elixir_text(p, n)
               : n == 0       ? NO_TEXT
                              : erlang_text(o, p, n);
    if (text == NO_TEXT) {
        binary_numbers(o, p, n, last_bits);
        return;
    }
    if (o->elixir) {
        tap_out_quoted(o, p, n, false, '"');
        return;
    }
    tap_out_lit(o, "<<");
    tap_out_quoted(o, p, n, text == LATIN1_TEXT, '"');
    if (text == UTF8_TEXT)
        tap_out_lit(o, "/utf8>>");
    else
        tap_out_lit(o, ">>");
}
