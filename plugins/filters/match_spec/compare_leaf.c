/* compare_leaf.c: the order of terms that hold no others: numbers, atoms, bits, and what names
 * processes, ports and references. */
#include <math.h>

#include "filters/match_spec/value.h"

static enum ms_order order(bool less, bool greater)
{
    return less ? MS_LESS : greater ? MS_GREATER : MS_SAME;
}

static enum ms_order turned(enum ms_order o)
{
    return o == MS_LESS ? MS_GREATER : o == MS_GREATER ? MS_LESS : o;
}

/* ---- Numbers */

static enum ms_order compare_big(const struct ms_value *a, const struct ms_value *b)
{
    enum ms_order by = MS_SAME;
    if (a->negative != b->negative)
        return a->negative ? MS_LESS : MS_GREATER;
    if (a->length != b->length)
        by = a->length < b->length ? MS_LESS : MS_GREATER;
    for (uint32_t i = a->length; by == MS_SAME && i-- > 0;)
        by = order(a->p[i]<b->p[i], a->p[i]> b->p[i]);
    return a->negative ? turned(by) : by;
}

/* Byte i, from the lowest, of a float's magnitude, which is whole and has 53 bits from `low` up. */
static unsigned float_byte(uint64_t mantissa, int low, uint32_t i)
{
    int shift = (int)i * 8 - low;
    if (shift <= -64 || shift >= 64)
        return 0;
    return (unsigned)(shift >= 0 ? mantissa >> shift : mantissa << -shift) & 255;
}

/* A big with a float, exactly: neither is made the other. */
static enum ms_order compare_big_float(const struct ms_value *big, double f)
{
    int exponent;
    double part = frexp(fabs(f), &exponent); /* below 2^exponent */
    uint64_t mantissa = (uint64_t)ldexp(part, 53);
    enum ms_order by = MS_SAME;
    if ((f < 0) != big->negative || exponent <= 127)
        return big->negative ? MS_LESS : MS_GREATER;
    uint32_t bytes = ((uint32_t)exponent + 7) / 8;
    if (big->length != bytes)
        by = big->length < bytes ? MS_LESS : MS_GREATER;
    for (uint32_t i = bytes; by == MS_SAME && i-- > 0;) {
        unsigned byte = float_byte(mantissa, exponent - 53, i);
        by = order(big->p[i]<byte, big->p[i]> byte);
    }
    return big->negative ? turned(by) : by;
}

static enum ms_order compare_integer_float(__int128 i, double f)
{
    if (fabs(f) >= 0x1p127)
        return f > 0 ? MS_LESS : MS_GREATER;
    __int128 whole = (__int128)f;
    double rest = f - (double)whole; /* exact: they differ in what is behind the point alone */
    if (i != whole)
        return i < whole ? MS_LESS : MS_GREATER;
    return order(rest > 0, rest < 0);
}

static enum ms_order compare_mixed(const struct ms_value *a, double f)
{
    return a->type == MS_BIG ? compare_big_float(a, f) : compare_integer_float(a->integer, f);
}

enum ms_order ms_compare_numbers(const struct ms_context *c, const struct ms_value *a,
                                 const struct ms_value *b, bool exact)
{
    bool float_a = a->type == MS_FLOAT, float_b = b->type == MS_FLOAT;
    if (exact && float_a != float_b) /* integers stand before floats */
        return float_b ? MS_LESS : MS_GREATER;
    if (float_a && float_b) {
        bool zeros = exact && c->release >= 27 && a->number == 0 && b->number == 0;
        if (zeros && signbit(a->number) != signbit(b->number))
            return signbit(a->number) ? MS_LESS : MS_GREATER;
        return order(a->number<b->number, a->number> b->number);
    }
    if (float_b)
        return compare_mixed(a, b->number);
    if (float_a)
        return turned(compare_mixed(b, a->number));
    if (a->type == MS_BIG && b->type == MS_BIG)
        return compare_big(a, b);
    if (a->type == MS_BIG)
        return a->negative ? MS_LESS : MS_GREATER;
    if (b->type == MS_BIG)
        return b->negative ? MS_GREATER : MS_LESS;
    return order(a->integer<b->integer, a->integer> b->integer);
}

/* ---- Atoms */

/* Byte i of the name in UTF-8; *at, which begins with 0, keeps the place. -1: it ends. */
static int utf8_byte(const struct ms_value *v, uint32_t *at, bool *second)
{
    if (*at >= v->length)
        return -1;
    uint8_t byte = v->p[*at];
    if (!v->latin1 || byte < 0x80) {
        ++*at;
        return byte;
    }
    if (!*second) {
        *second = true;
        return 0xC0 | byte >> 6;
    }
    *second = false;
    ++*at;
    return 0x80 | (byte & 0x3F);
}

/* The VM's order is that of the bytes in UTF-8, which is that of the characters. */
enum ms_order ms_compare_atoms(const struct ms_value *a, const struct ms_value *b)
{
    uint32_t at = 0, bt = 0;
    bool second_a = false, second_b = false;
    if (a->latin1 == b->latin1 && a->length == b->length && memcmp(a->p, b->p, a->length) == 0)
        return MS_SAME;
    for (;;) {
        int x = utf8_byte(a, &at, &second_a), y = utf8_byte(b, &bt, &second_b);
        if (x != y || x < 0)
            return order(x<y, x> y);
    }
}

uint64_t ms_hash_atom(const struct ms_value *v)
{
    uint32_t at = 0;
    bool second = false;
    uint64_t h = 0;
    for (int byte; (byte = utf8_byte(v, &at, &second)) >= 0;)
        h = (h ^ (unsigned)byte) * 0x100000001B3u;
    return h;
}

/* ---- Bits */

enum ms_order ms_compare_bits(const struct ms_value *a, const struct ms_value *b)
{
    uint64_t common = a->bits < b->bits ? a->bits : b->bits;
    size_t whole = (size_t)(common / 8);
    int by = whole ? memcmp(a->p, b->p, whole) : 0;
    if (by == 0 && common % 8) {
        unsigned shift = 8 - (unsigned)(common % 8), x = a->p[whole] >> shift,
                 y = b->p[whole] >> shift;
        by = (int)x - (int)y;
    }
    return by ? order(by<0, by> 0) : order(a->bits<b->bits, a->bits> b->bits);
}

/* ---- Pids, ports, references */

struct identifier {
    struct ms_value node;
    uint32_t creation, count, words[8]; /* lowest first */
};

static bool read_reference(struct tap_cursor *c, int tag, uint32_t count, struct identifier *id)
{
    size_t creation = tag == TAP_EXT_NEWER_REFERENCE ? 4 : 1;
    if (count < 1 || count > 8 || tap_left(c) < creation + count * 4)
        return false;
    id->creation = creation == 4 ? tap_get_u32(c->p) : c->p[0] & 3u;
    for (uint32_t i = 0; i < count; i++)
        id->words[i] = tap_get_u32(c->p + creation + i * 4);
    id->count = count;
    return true;
}

/* So many bytes of a number, and then the creation. */
static bool read_number(struct tap_cursor *c, size_t number, size_t creation, struct identifier *id)
{
    if (tap_left(c) < number + creation)
        return false;
    id->count = (uint32_t)(number / 4);
    for (uint32_t i = 0; i < id->count; i++)
        id->words[i] = tap_get_u32(c->p + i * 4);
    id->creation = creation == 4 ? tap_get_u32(c->p + number) : c->p[number] & 3u;
    return true;
}

static bool read_identifier(const struct ms_value *v, struct identifier *id)
{
    struct tap_cursor c = tap_cursor(v->p, (size_t)(v->end - v->p));
    int tag = tap_peek(&c);
    uint32_t count = 0;
    *id = (struct identifier){0};
    if (tag == TAP_EXT_NEW_REFERENCE || tag == TAP_EXT_NEWER_REFERENCE) {
        if (tap_left(&c) < 3)
            return false;
        count = (uint32_t)c.p[1] << 8 | c.p[2];
        c.p += 2;
    }
    if (!tag)
        return false;
    c.p++;
    id->node = ms_value_read(&c);
    if (id->node.type != MS_ATOM || !tap_skip(&c))
        return false;
    switch (tag) {
    case TAP_EXT_NEW_REFERENCE:
    case TAP_EXT_NEWER_REFERENCE: return read_reference(&c, tag, count, id);
    case TAP_EXT_REFERENCE:
    case TAP_EXT_PORT: return read_number(&c, 4, 1, id);
    case TAP_EXT_NEW_PORT: return read_number(&c, 4, 4, id);
    case TAP_EXT_V4_PORT: return read_number(&c, 8, 4, id);
    case TAP_EXT_PID: return read_number(&c, 8, 1, id);
    case TAP_EXT_NEW_PID: return read_number(&c, 8, 4, id);
    default: return false;
    }
}

/* Ports of four and of eight bytes; a reference's higher words may be left out where they are 0. */
static bool same_words(const struct identifier *a, const struct identifier *b, bool port)
{
    uint32_t most = a->count > b->count ? a->count : b->count;
    for (uint32_t i = 0; i < most; i++) {
        uint32_t x = port           ? i < a->count ? a->words[a->count - 1 - i] : 0
                     : i < a->count ? a->words[i]
                                    : 0;
        uint32_t y = port           ? i < b->count ? b->words[b->count - 1 - i] : 0
                     : i < b->count ? b->words[i]
                                    : 0;
        if (x != y)
            return false;
    }
    return true;
}

/* Which of two comes first depends on how the release at hand keeps them; whether they are one does
 * not. */
enum ms_order ms_compare_identifiers(const struct ms_value *a, const struct ms_value *b)
{
    struct identifier x, y;
    if (!read_identifier(a, &x) || !read_identifier(b, &y))
        return MS_NOBODY_KNOWS;
    return ms_compare_atoms(&x.node, &y.node) == MS_SAME && x.creation == y.creation &&
                   same_words(&x, &y, a->type == MS_PORT)
               ? MS_SAME
               : MS_DIFFERENT;
}

/* The words' sum: leading and trailing ones of 0 may be left out. */
bool ms_hash_identifier(const struct ms_value *v, uint64_t *hash)
{
    struct identifier id;
    if (!read_identifier(v, &id))
        return false;
    uint64_t sum = ms_hash_atom(&id.node) + id.creation;
    for (uint32_t i = 0; i < id.count; i++)
        sum += id.words[i];
    *hash = (*hash ^ sum) * 0x9E3779B97F4A7C15u;
    return true;
}

struct ms_value ms_value_node(const struct ms_value *v)
{
    struct identifier id;
    return read_identifier(v, &id) ? id.node : ms_value_unknown();
}
