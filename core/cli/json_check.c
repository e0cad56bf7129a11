/* json_check.c: a pushdown automaton for JSON; see json_check.h. */
#include "cli/json_check.h"

enum {
    VALUE = 0,
    ARRAY,  /* behind [ */
    OBJECT, /* behind { */
    KEY,    /* behind a comma in an object */
    COLON,  /* behind a member's name */
    BEHIND, /* behind a value */
    STRING,
    ESCAPE,
    HEX,
    UTF8,
    WORD, /* true, false, null */
    MINUS,
    ZERO,
    DIGITS,
    POINT,
    FRACTION,
    EXPONENT,
    SIGN,
    POWER
};

void tap_json_check_inside(struct tap_json_check *j)
{
    *j = (struct tap_json_check){.depth = 1, .state = BEHIND};
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum tap_json_verdict go(struct tap_json_check *j, unsigned state)
{
    j->state = state;
    return TAP_JSON_MORE;
}

static enum tap_json_verdict read_string_begin(struct tap_json_check *j, bool key)
{
    j->key = key;
    return go(j, STRING);
}

static enum tap_json_verdict read_open(struct tap_json_check *j, bool array)
{
    if (j->depth == 63)
        return TAP_JSON_BAD;
    j->arrays = j->arrays << 1 | array;
    j->depth++;
    return go(j, array ? ARRAY : OBJECT);
}

static enum tap_json_verdict read_close(struct tap_json_check *j, bool array)
{
    if ((j->arrays & 1) != array)
        return TAP_JSON_BAD;
    j->arrays >>= 1;
    go(j, BEHIND);
    return --j->depth ? TAP_JSON_MORE : TAP_JSON_END;
}

static enum tap_json_verdict read_word(struct tap_json_check *j, const char *rest)
{
    j->rest = rest;
    return go(j, WORD);
}

static enum tap_json_verdict read_value(struct tap_json_check *j, char c)
{
    switch (c) {
    case '{': return read_open(j, false);
    case '[': return j->depth ? read_open(j, true) : TAP_JSON_BAD;
    case '"': return read_string_begin(j, false);
    case 't': return read_word(j, "rue");
    case 'f': return read_word(j, "alse");
    case 'n': return read_word(j, "ull");
    case '-': return go(j, MINUS);
    case '0': return go(j, ZERO);
    default: return is_digit(c) ? go(j, DIGITS) : TAP_JSON_BAD;
    }
}

static enum tap_json_verdict read_behind(struct tap_json_check *j, char c)
{
    if (c == ',')
        return go(j, j->arrays & 1 ? VALUE : KEY);
    return c == ']' || c == '}' ? read_close(j, c == ']') : TAP_JSON_BAD;
}

/* The first byte of a character beyond ASCII: how many follow, and what the next one may be. */
static enum tap_json_verdict read_utf8(struct tap_json_check *j, unsigned char c)
{
    if (c < 0xc2 || c > 0xf4)
        return TAP_JSON_BAD;
    j->more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    j->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    j->high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    return go(j, UTF8);
}

static enum tap_json_verdict read_string(struct tap_json_check *j, char c)
{
    if ((unsigned char)c < 0x20)
        return TAP_JSON_BAD;
    if (c == '"')
        return go(j, j->key ? COLON : BEHIND);
    if (c == '\\')
        return go(j, ESCAPE);
    return (unsigned char)c < 0x80 ? TAP_JSON_MORE : read_utf8(j, (unsigned char)c);
}

static enum tap_json_verdict read_escape(struct tap_json_check *j, char c)
{
    j->more = 4;
    if (c == 'u')
        return go(j, HEX);
    bool known = c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' || c == 'n' ||
                 c == 'r' || c == 't';
    return known ? go(j, STRING) : TAP_JSON_BAD;
}

static enum tap_json_verdict read_hex(struct tap_json_check *j, char c)
{
    if (!is_digit(c) && !((c | 32) >= 'a' && (c | 32) <= 'f'))
        return TAP_JSON_BAD;
    return --j->more ? TAP_JSON_MORE : go(j, STRING);
}

static enum tap_json_verdict read_utf8_rest(struct tap_json_check *j, unsigned char c)
{
    if (c < j->low || c > j->high)
        return TAP_JSON_BAD;
    j->low = 0x80;
    j->high = 0xbf;
    return --j->more ? TAP_JSON_MORE : go(j, STRING);
}

/* What may follow here within a number; everything else is behind it, where one may end. */
static enum tap_json_verdict read_number(struct tap_json_check *j, char c)
{
    unsigned s = j->state;
    if (is_digit(c)) {
        if (s == MINUS)
            return go(j, c == '0' ? ZERO : DIGITS);
        if (s == POINT || s == EXPONENT || s == SIGN)
            return go(j, s == POINT ? FRACTION : POWER);
        return s == ZERO ? TAP_JSON_BAD : TAP_JSON_MORE;
    }
    if (c == '.' && (s == ZERO || s == DIGITS))
        return go(j, POINT);
    if ((c | 32) == 'e' && (s == ZERO || s == DIGITS || s == FRACTION))
        return go(j, EXPONENT);
    if ((c == '+' || c == '-') && s == EXPONENT)
        return go(j, SIGN);
    bool whole = s == ZERO || s == DIGITS || s == FRACTION || s == POWER;
    return whole ? read_behind(j, c) : TAP_JSON_BAD;
}

enum tap_json_verdict tap_json_check_next(struct tap_json_check *j, char c)
{
    switch (j->state) {
    case VALUE: return read_value(j, c);
    case ARRAY: return c == ']' ? read_close(j, true) : read_value(j, c);
    case OBJECT:
        return c == '}'   ? read_close(j, false)
               : c == '"' ? read_string_begin(j, true)
                          : TAP_JSON_BAD;
    case KEY: return c == '"' ? read_string_begin(j, true) : TAP_JSON_BAD;
    case COLON: return c == ':' ? go(j, VALUE) : TAP_JSON_BAD;
    case BEHIND: return read_behind(j, c);
    case STRING: return read_string(j, c);
    case ESCAPE: return read_escape(j, c);
    case HEX: return read_hex(j, c);
    case UTF8: return read_utf8_rest(j, (unsigned char)c);
    case WORD:
        if (c != *j->rest)
            return TAP_JSON_BAD;
        return *++j->rest ? TAP_JSON_MORE : go(j, BEHIND);
    default: return read_number(j, c);
    }
}
