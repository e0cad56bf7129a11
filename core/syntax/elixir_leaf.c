/* elixir_leaf.c: Elixir's literals that have nothing inside: texts, atoms, aliases and numbers. */
#include <math.h>

#include "syntax/chars.h"
#include "syntax/elixir.h"
#include "syntax/number.h"

void *tap_syn_elixir_fail(struct tap_syn_elixir *e, size_t off, const char *what)
{
    tap_syn_fail(e->source, off, "%s", what);
    return NULL;
}

struct tap_syn_node *tap_syn_elixir_leaf(struct tap_syn_elixir *e, enum tap_syn_node_type type,
                                         size_t off, const char *prefix, const char *text,
                                         size_t len)
{
    size_t p = strlen(prefix);
    struct tap_syn_node *n = tap_syn_node(e->source, type, off);
    char *copy = n ? tap_syn_alloc(e->source->arena, p + len + 1) : NULL;
    if (!copy) {
        tap_syn_fail_oom(e->source);
        return NULL;
    }
    memcpy(copy, prefix, p);
    memcpy(copy + p, text, len);
    n->text = copy;
    n->text_len = p + len;
    if (type == TAP_SYN_N_ATOM && (tap_syn_char_count(copy) > 255 || strlen(copy) != n->text_len))
        return tap_syn_elixir_fail(e, off, "an atom has at most 255 characters, none of them NUL");
    return n;
}

/* \u00e9, \u{1F600}, \x41: the reader stands on the backslash. */
static bool read_hex_escape(struct tap_syn_elixir *e, uint32_t *c)
{
    const char *t = e->text + e->pos;
    bool braces = t[2] == '{';
    size_t digits = 0, most = braces ? 6 : t[1] == 'u' ? 4 : 2;
    const char *p = t + 2 + braces;
    for (*c = 0; digits < most && tap_syn_char_hex(p[digits]) >= 0; digits++)
        *c = *c * 16 + (uint32_t)tap_syn_char_hex(p[digits]);
    if (digits == 0 || (!braces && digits < most) || (braces && p[digits] != '}') ||
        *c > 0x10FFFF || (*c >= 0xD800 && *c <= 0xDFFF))
        return false;
    e->pos += 2 + digits + 2 * braces;
    return true;
}

/* One character of a text, or behind a ?, escapes resolved, and past it. False: said why. */
static bool read_character(struct tap_syn_elixir *e, uint32_t *c)
{
    const char *t = e->text + e->pos;
    bool escape = t[0] == '\\', read;
    if (escape && (t[1] == 'u' || t[1] == 'x')) {
        read = read_hex_escape(e, c);
    } else {
        size_t n = !escape                               ? tap_syn_char_decode(t, c)
                   : t[1] == 'a'                         ? (*c = 7, 2)
                   : t[1] == '0'                         ? (*c = 0, 2)
                   : t[1] && !strchr("123456789^", t[1]) ? tap_syn_char_escape(t, c)
                                                         : 0;
        e->pos += n;
        read = n;
    }
    if (!read)
        tap_syn_elixir_fail(e, e->pos,
                            escape ? "this escape sequence is incomplete or not a character"
                                   : "this byte is not UTF-8");
    return read;
}

/* The characters up to the closing quote, escapes resolved; the reader stands behind the opening
 * one. */
static bool read_quoted(struct tap_syn_elixir *e, char quote, struct tap_buf *bytes)
{
    size_t from = e->pos;
    const char *t = e->text;
    while (t[e->pos] != quote) {
        uint32_t c;
        char utf8[4];
        if (!t[e->pos])
            return tap_syn_elixir_fail(e, from - 1, "the closing quote is missing");
        if (t[e->pos] == '#' && t[e->pos + 1] == '{')
            return tap_syn_elixir_fail(e, e->pos, "interpolation cannot be used here");
        if (!read_character(e, &c))
            return false;
        tap_buf_put(bytes, utf8, tap_syn_char_encode(utf8, c));
    }
    e->pos++;
    return !bytes->oom || tap_syn_fail_oom(e->source);
}

struct tap_syn_node *tap_syn_elixir_quoted(struct tap_syn_elixir *e, enum tap_syn_node_type type,
                                           size_t off)
{
    struct tap_buf bytes = {0};
    struct tap_syn_node *n = NULL;
    char quote = e->text[e->pos++];
    if (!read_quoted(e, quote, &bytes)) {
        tap_buf_free(&bytes);
        return NULL;
    }
    n = tap_syn_elixir_leaf(e, type, off, "", bytes.data ? (const char *)bytes.data : "",
                            bytes.len);
    tap_buf_free(&bytes);
    if (n && type == TAP_SYN_N_STRING) {
        uint32_t *chars = tap_syn_alloc(e->source->arena, (n->text_len + 1) * sizeof *chars);
        if (!chars) {
            tap_syn_fail_oom(e->source);
            return NULL;
        }
        for (size_t i = 0; i < n->text_len;)
            i += tap_syn_char_decode(n->text + i, &chars[n->char_count++]) ?: 1;
        n->chars = chars;
    }
    return n;
}

bool tap_syn_elixir_is_word(const char *t)
{
    /* no letters: signs, blanks, arrows, boxes, what is private, and what has no width */
    static const uint32_t others[][2] = {
        {0x80, 0xA9},     {0xAB, 0xB4},     {0xB6, 0xB6},     {0xB8, 0xB9},      {0xBB, 0xBF},
        {0xD7, 0xD7},     {0xF7, 0xF7},     {0x2000, 0x2BFF}, {0x3000, 0x3004},  {0x3008, 0x3020},
        {0xE000, 0xF8FF}, {0xFE00, 0xFE6F}, {0xFEFF, 0xFF20}, {0x1F000, 0x1FAFF}};
    uint32_t c;
    if ((unsigned char)*t < 0x80)
        return tap_syn_char_is_word(t);
    if (!tap_syn_char_decode(t, &c))
        return false;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (c >= others[i][0] && c <= others[i][1])
            return false;
    return true;
}

size_t tap_syn_elixir_word_end(const struct tap_syn_elixir *e, size_t at)
{
    while (tap_syn_elixir_is_word(e->text + at))
        at += tap_syn_char_len(e->text + at);
    return at;
}

/* Shop, Shop.Cart */
struct tap_syn_node *tap_syn_elixir_alias(struct tap_syn_elixir *e)
{
    size_t off = e->pos, end = tap_syn_elixir_word_end(e, off);
    while (e->text[end] == '.' && e->text[end + 1] >= 'A' && e->text[end + 1] <= 'Z')
        end = tap_syn_elixir_word_end(e, end + 1);
    e->pos = end;
    bool spelled_out = strncmp(e->text + off, "Elixir.", 7) == 0 ||
                       (end - off == 6 && strncmp(e->text + off, "Elixir", 6) == 0);
    return tap_syn_elixir_leaf(e, TAP_SYN_N_ATOM, off, spelled_out ? "" : "Elixir.", e->text + off,
                               end - off);
}

/* :name, :name?, :Name.Of, :"any text" */
struct tap_syn_node *tap_syn_elixir_atom(struct tap_syn_elixir *e)
{
    size_t off = e->pos++;
    if (e->text[e->pos] == '"' || e->text[e->pos] == '\'')
        return tap_syn_elixir_quoted(e, TAP_SYN_N_ATOM, off);
    size_t end = tap_syn_elixir_word_end(e, e->pos);
    if (end == e->pos)
        end += tap_syn_elixir_operator(e->text + e->pos);
    else
        end += e->text[end] == '?' || e->text[end] == '!';
    if (end == e->pos || (e->text[e->pos] >= '0' && e->text[e->pos] <= '9'))
        return tap_syn_elixir_fail(
            e, off,
            "this is not an atom: other characters than letters need quotes, :\"like this\"");
    size_t from = e->pos;
    e->pos = end;
    return tap_syn_elixir_leaf(e, TAP_SYN_N_ATOM, off, "", e->text + from, end - from);
}

size_t tap_syn_elixir_operator(const char *text)
{
    static const char *const operators[] = {
        "<<>>", "..//", "%{}", "===", "!==", "&&&", "|||", "<<<", ">>>", "<<~",  "~>>",
        "<~>",  "<|>",  "+++", "---", "...", "^^^", "~~~", "{}",  "%",   "&&",   "||",
        "==",   "!=",   "=~",  "<=",  ">=",  "<-",  "<~",  "~>",  "|>",  "\\\\", "++",
        "--",   "<>",   "**",  "->",  "..",  "::",  "&",   "!",   "^",   "+",    "-",
        "@",    "|",    "=",   "<",   ">",   "*",   "/",   "."};
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (strncmp(text, operators[i], strlen(operators[i])) == 0)
            return strlen(operators[i]);
    return 0;
}

/* The digits of a number, least significant byte first, as a SMALL_BIG has them. NULL: said why. */
static const uint8_t *read_digits(struct tap_syn_elixir *e, unsigned base, size_t off, size_t *used)
{
    enum { LONGEST = 255 }; /* bytes: what a SMALL_BIG holds */
    const char *t = e->text;
    size_t from = e->pos;
    uint8_t *bytes = tap_syn_alloc(e->source->arena, LONGEST);
    if (!bytes) {
        tap_syn_fail_oom(e->source);
        return NULL;
    }
    for (;; e->pos++) {
        int digit = tap_syn_char_hex(t[e->pos]);
        if (t[e->pos] == '_' && e->pos > from && tap_syn_char_hex(t[e->pos + 1]) >= 0)
            continue;
        if (digit < 0 || digit >= (int)base)
            break;
        unsigned carry = (unsigned)digit;
        for (size_t i = 0; i < *used; i++) {
            carry += bytes[i] * base;
            bytes[i] = (uint8_t)carry;
            carry >>= 8;
        }
        if (carry && *used == LONGEST)
            return tap_syn_elixir_fail(e, off, "this number is too large");
        if (carry)
            bytes[(*used)++] = (uint8_t)carry;
    }
    return e->pos == from ? tap_syn_elixir_fail(e, off, "a digit is missing here") : bytes;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A number with a decimal point, from its first digit on. */
static struct tap_syn_node *read_float(struct tap_syn_elixir *e)
{
    const char *t = e->text;
    char digits[400], *end;
    size_t n = 0, off = e->pos;
    while (n < sizeof digits - 1 &&
           (is_digit(t[e->pos]) || t[e->pos] == '.' || t[e->pos] == '_' || t[e->pos] == 'e' ||
            t[e->pos] == 'E' ||
            ((t[e->pos] == '-' || t[e->pos] == '+') && (t[e->pos - 1] | 32) == 'e')))
        if (t[e->pos++] != '_')
            digits[n++] = t[e->pos - 1];
    digits[n] = 0;
    struct tap_syn_node *node = tap_syn_node(e->source, TAP_SYN_N_FLOAT, off);
    if (!node)
        return NULL;
    node->number = tap_number_parse(digits, &end);
    return *end || !isfinite(node->number) ? tap_syn_elixir_fail(e, off, "this is not a number")
                                           : node;
}

/* Numbers are written as in Erlang but for the base, which stands in front: 0xff, 0o17, 0b11; and
 * ?a is a character. */
struct tap_syn_node *tap_syn_elixir_number(struct tap_syn_elixir *e)
{
    const char *t = e->text;
    size_t off = e->pos, used = 0;
    unsigned base = 10;
    if (t[off] == '0' && (t[off + 1] == 'x' || t[off + 1] == 'o' || t[off + 1] == 'b')) {
        base = t[off + 1] == 'x' ? 16 : t[off + 1] == 'o' ? 8 : 2;
        e->pos += 2;
    }
    const uint8_t *bytes = read_digits(e, base, off, &used);
    if (!bytes)
        return NULL;
    if (base == 10 && t[e->pos] == '.' && is_digit(t[e->pos + 1])) {
        e->pos = off;
        return read_float(e);
    }
    if (tap_syn_char_is_word(t + e->pos))
        return tap_syn_elixir_fail(e, off, "this is not a number");
    struct tap_syn_node *n = tap_syn_node(e->source, TAP_SYN_N_INT, off);
    if (n) {
        n->digits = bytes;
        n->digit_count = used;
    }
    return n;
}

struct tap_syn_node *tap_syn_elixir_character(struct tap_syn_elixir *e)
{
    size_t off = e->pos++;
    uint32_t c;
    if (!e->text[e->pos])
        return tap_syn_elixir_fail(e, off, "? needs a character");
    if (!read_character(e, &c))
        return NULL;
    struct tap_syn_node *node = tap_syn_node(e->source, TAP_SYN_N_INT, off);
    uint8_t *bytes = node ? tap_syn_alloc(e->source->arena, 4) : NULL;
    if (!bytes) {
        tap_syn_fail_oom(e->source);
        return NULL;
    }
    for (; c; c >>= 8)
        bytes[node->digit_count++] = (uint8_t)c;
    node->digits = bytes;
    return node;
}
