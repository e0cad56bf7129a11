/* erlang_lexer.c: Erlang's tokens, from UTF-8 text that nobody has checked.
 *
 * Beside Erlang: `Shop.Cart` is one token, the atom 'Elixir.Shop.Cart' (in Erlang a variable is
 * never followed by a dot and a capital letter). Not here: triple-quoted strings, sigils, macros.
 */
#include <math.h>

#include "syntax/chars.h"
#include "syntax/number.h"

static const char *const operator_words[] = {"and", "andalso", "band", "bnot", "bor", "bsl",
                                             "bsr", "bxor",    "div",  "not",  "or",  "orelse",
                                             "rem", "when",    "xor",  NULL};
static const char *const reserved_words[] = {"after",   "begin", "case", "catch", "cond",
                                             "end",     "fun",   "if",   "let",   "of",
                                             "receive", "try",   NULL};
/* Longest first where one begins another. */
static const char *const signs[] = {"=:=", "=/=", "<<", ">>", "=<", ">=", "==", "/=", "->",
                                    "=>",  ":=",  "++", "--", "||", "(",  ")",  "[",  "]",
                                    "{",   "}",   ",",  ";",  "|",  "#",  "+",  "-",  "*",
                                    "/",   "<",   ">",  "=",  ":",  ".",  "!",  "?",  NULL};

static bool is_one_of(const char *const *words, const char *text, size_t len)
{
    for (; *words; words++)
        if (strlen(*words) == len && memcmp(*words, text, len) == 0)
            return true;
    return false;
}

const char *tap_syn_quoted(struct tap_syn_arena *a, const char *atom)
{
    size_t len = strlen(atom), n = 0, word = 0;
    while (word < len && tap_syn_char_is_word(atom + word))
        word += tap_syn_char_len(atom + word);
    bool digit = *atom >= '0' && *atom <= '9';
    if (len > 0 && word == len && !digit && *atom != '_' && *atom != '@' &&
        !tap_syn_char_is_upper(atom) && !is_one_of(operator_words, atom, len) &&
        !is_one_of(reserved_words, atom, len))
        return atom;
    char *quoted = tap_syn_alloc(a, 2 * len + 3);
    if (!quoted)
        return NULL;
    quoted[n++] = '\'';
    for (; *atom; atom++) {
        if (*atom == '\'' || *atom == '\\')
            quoted[n++] = '\\';
        quoted[n++] = *atom;
    }
    quoted[n] = '\'';
    return quoted;
}

static const char *text_of(const struct tap_syn_lexer *l)
{
    return l->source->where->text;
}

/* Copies text[from..to) as the token's text. */
static bool take_text(struct tap_syn_lexer *l, const char *prefix, size_t from, size_t to)
{
    size_t p = strlen(prefix), n = to - from;
    char *copy = tap_syn_alloc(l->source->arena, p + n + 1);
    if (!copy)
        return tap_syn_fail_oom(l->source);
    memcpy(copy, prefix, p);
    memcpy(copy + p, text_of(l) + from, n);
    l->token.text = copy;
    l->token.text_len = p + n;
    return true;
}

static bool skip_blank(struct tap_syn_lexer *l)
{
    const char *t = text_of(l);
    for (;;) {
        unsigned char c = (unsigned char)t[l->pos];
        if (c == '%') {
            if (tap_syn_hint_map(l->source, l->pos))
                return false;
            while (t[l->pos] && t[l->pos] != '\n')
                l->pos++;
        } else if (c == ' ' || (c >= '\t' && c <= '\r'))
            l->pos++;
        else
            return true;
    }
}

static bool lex_word(struct tap_syn_lexer *l)
{
    const char *t = text_of(l);
    size_t from = l->pos;
    while (tap_syn_char_is_word(t + l->pos))
        l->pos += tap_syn_char_len(t + l->pos);
    bool variable = t[from] == '_' || tap_syn_char_is_upper(t + from);
    if (variable && t[from] != '_' && t[l->pos] == '.' && t[l->pos + 1] >= 'A' &&
        t[l->pos + 1] <= 'Z') {
        while (t[l->pos] == '.' && t[l->pos + 1] >= 'A' && t[l->pos + 1] <= 'Z')
            for (l->pos++; tap_syn_char_is_word(t + l->pos);)
                l->pos += tap_syn_char_len(t + l->pos);
        l->token.type = TAP_SYN_ATOM;
        bool spelled_out = strncmp(t + from, "Elixir.", 7) == 0;
        if (!take_text(l, spelled_out ? "" : "Elixir.", from, l->pos))
            return false;
    } else {
        l->token.type = variable                                             ? TAP_SYN_VAR
                        : is_one_of(operator_words, t + from, l->pos - from) ? TAP_SYN_SIGN
                        : is_one_of(reserved_words, t + from, l->pos - from) ? TAP_SYN_WORD
                                                                             : TAP_SYN_ATOM;
        if (!take_text(l, "", from, l->pos))
            return false;
    }
    if (l->token.type == TAP_SYN_ATOM && tap_syn_char_count(l->token.text) > 255)
        return tap_syn_fail(l->source, from, "an atom has at most 255 characters");
    return true;
}

/* One character of a quoted text, escapes resolved; the lexer stands on it. */
static bool lex_char(struct tap_syn_lexer *l, uint32_t *c)
{
    const char *t = text_of(l);
    size_t at = l->pos;
    if (t[at] != '\\') {
        size_t n = tap_syn_char_decode(t + at, c);
        if (!n)
            return tap_syn_fail(l->source, at, "this byte is not UTF-8");
        l->pos += n;
        return true;
    }
    size_t n = tap_syn_char_escape(t + at, c);
    if (!n)
        return tap_syn_fail(l->source, at, "this escape sequence is incomplete or not a character");
    l->pos += n;
    return true;
}

/* 'atom' or "string", the lexer stands on the quote. */
static bool lex_quoted(struct tap_syn_lexer *l)
{
    const char *t = text_of(l);
    size_t from = l->pos++, n = 0;
    char quote = t[from];
    size_t cap = 1; /* each character takes a byte at least */
    for (size_t i = l->pos; t[i] && t[i] != quote; i++, cap++)
        if (t[i] == '\\' && t[i + 1])
            i++;
    uint32_t *chars = tap_syn_alloc(l->source->arena, cap * sizeof *chars);
    if (!chars)
        return tap_syn_fail_oom(l->source);
    while (t[l->pos] != quote) {
        if (!t[l->pos])
            return tap_syn_fail(l->source, from, "the closing %s quote is missing",
                                quote == '"' ? "double" : "single");
        if (!lex_char(l, &chars[n++]))
            return false;
    }
    l->pos++;
    if (quote == '"') {
        l->token.type = TAP_SYN_STRING;
        l->token.chars = chars;
        l->token.char_count = n;
        return true;
    }
    if (n > 255)
        return tap_syn_fail(l->source, from, "an atom has at most 255 characters");
    char *text = tap_syn_alloc(l->source->arena, n * 4 + 1);
    if (!text)
        return tap_syn_fail_oom(l->source);
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (chars[i] == 0) /* it is legal Erlang, but names here end at the first NUL */
            return tap_syn_fail(l->source, from, "an atom with a NUL cannot be written here");
        len += tap_syn_char_encode(text + len, chars[i]);
    }
    l->token.type = TAP_SYN_ATOM;
    l->token.text = text;
    l->token.text_len = len;
    return true;
}

static int digit_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'z' ? c - 'a' + 10
           : c >= 'A' && c <= 'Z' ? c - 'A' + 10
                                  : 99;
}

/* Digits of a base, an underscore may stand between two. False: reported. */
static bool lex_digits(struct tap_syn_lexer *l, unsigned base)
{
    enum { LONGEST = 255 }; /* bytes: what a SMALL_BIG holds */
    const char *t = text_of(l);
    size_t from = l->pos, used = 0;
    uint8_t *bytes = tap_syn_alloc(l->source->arena, LONGEST);
    if (!bytes)
        return tap_syn_fail_oom(l->source);
    while (digit_value(t[l->pos]) < (int)base ||
           (t[l->pos] == '_' && l->pos > from && digit_value(t[l->pos + 1]) < (int)base)) {
        if (t[l->pos++] == '_')
            continue;
        unsigned carry = (unsigned)digit_value(t[l->pos - 1]);
        for (size_t i = 0; i < used; i++) {
            carry += bytes[i] * base;
            bytes[i] = (uint8_t)carry;
            carry >>= 8;
        }
        if (carry && used == LONGEST)
            return tap_syn_fail(l->source, from, "this number is too large");
        if (carry)
            bytes[used++] = (uint8_t)carry;
    }
    if (l->pos == from)
        return tap_syn_fail(l->source, from, "a digit of base %u is missing here", base);
    l->token.type = TAP_SYN_INT;
    l->token.digits = bytes;
    l->token.digit_count = used;
    return true;
}

static bool lex_float(struct tap_syn_lexer *l, size_t from)
{
    const char *t = text_of(l);
    size_t n = 0;
    for (l->pos++;
         (t[l->pos] >= '0' && t[l->pos] <= '9') || (t[l->pos] == '_' && t[l->pos - 1] != '_' &&
                                                    t[l->pos + 1] >= '0' && t[l->pos + 1] <= '9');)
        l->pos++;
    if (t[l->pos] == 'e' || t[l->pos] == 'E') {
        size_t e = l->pos + 1 + (t[l->pos + 1] == '+' || t[l->pos + 1] == '-');
        if (t[e] < '0' || t[e] > '9')
            return tap_syn_fail(l->source, l->pos, "the exponent has no digits");
        while (t[e] >= '0' && t[e] <= '9')
            e++;
        l->pos = e;
    }
    char *copy = tap_syn_alloc(l->source->arena, l->pos - from + 1);
    if (!copy)
        return tap_syn_fail_oom(l->source);
    for (size_t i = from; i < l->pos; i++)
        if (t[i] != '_')
            copy[n++] = t[i];
    l->token.type = TAP_SYN_FLOAT;
    l->token.number = tap_number_parse(copy, NULL);
    if (isinf(l->token.number))
        return tap_syn_fail(l->source, from, "this float is too large");
    return true;
}

static bool lex_number(struct tap_syn_lexer *l)
{
    const char *t = text_of(l);
    size_t from = l->pos;
    if (!lex_digits(l, 10))
        return false;
    if (t[l->pos] == '.' && t[l->pos + 1] >= '0' && t[l->pos + 1] <= '9')
        return lex_float(l, from);
    if (t[l->pos] == '#') {
        unsigned base = l->token.digit_count == 1 ? l->token.digits[0] : 0;
        if (base < 2 || base > 36)
            return tap_syn_fail(l->source, from, "the base of a number is 2 to 36");
        l->pos++;
        if (!lex_digits(l, base))
            return false;
    }
    if (tap_syn_char_is_word(t + l->pos))
        return tap_syn_fail(l->source, l->pos, "a number ends with something that is not a digit");
    return true;
}

/* $c */
static bool lex_dollar(struct tap_syn_lexer *l)
{
    uint32_t c;
    size_t from = l->pos++;
    if (!text_of(l)[l->pos])
        return tap_syn_fail(l->source, from, "a character is missing after $");
    if (!lex_char(l, &c))
        return false;
    uint8_t *bytes = tap_syn_alloc(l->source->arena, 4);
    if (!bytes)
        return tap_syn_fail_oom(l->source);
    l->token.type = TAP_SYN_INT;
    l->token.digits = bytes;
    for (; c; c >>= 8)
        bytes[l->token.digit_count++] = (uint8_t)c;
    return true;
}

bool tap_syn_next(struct tap_syn_lexer *l)
{
    bool ok = skip_blank(l);
    const char *t = text_of(l);
    char c = t[l->pos];
    l->token = (struct tap_syn_token){.type = TAP_SYN_END, .off = l->pos, .end = l->pos};
    if (!ok)
        return false;
    if (c == 0)
        return true;
    if (c == '\'' || c == '"') {
        ok = lex_quoted(l);
    } else if (c == '$') {
        ok = lex_dollar(l);
    } else if (c >= '0' && c <= '9') {
        ok = lex_number(l);
    } else if (c != '@' && tap_syn_char_is_word(t + l->pos)) {
        ok = lex_word(l);
    } else {
        const char *const *sign = signs;
        while (*sign && strncmp(*sign, t + l->pos, strlen(*sign)) != 0)
            sign++;
        if (!*sign)
            return !tap_syn_hint_character(l->source, l->pos) &&
                   tap_syn_fail(l->source, l->pos, "this character means nothing here");
        l->token.type = TAP_SYN_SIGN;
        l->token.text = *sign;
        l->token.text_len = strlen(*sign);
        l->pos += l->token.text_len;
    }
    l->token.end = l->pos;
    return ok;
}

bool tap_syn_lexer_begin(struct tap_syn_lexer *l, struct tap_syn_source *s, size_t pos)
{
    *l = (struct tap_syn_lexer){.source = s, .pos = pos};
    return tap_syn_next(l);
}

bool tap_syn_unexpected(struct tap_syn_lexer *l, const char *what)
{
    const struct tap_syn_token *t = &l->token;
    size_t len = t->end - t->off;
    if (t->type == TAP_SYN_END)
        return tap_syn_fail(l->source, t->off, "expected %s, but the text ends here", what);
    if (tap_syn_hint_token(l))
        return false;
    if (t->type == TAP_SYN_WORD)
        return tap_syn_fail(
            l->source, t->off,
            "expected %s; '%s' is a reserved word: as an atom it needs single quotes", what,
            t->text);
    return tap_syn_fail(l->source, t->off, "expected %s, found %.*s", what,
                        (int)(len < 60 ? len : 60), text_of(l) + t->off);
}

bool tap_syn_expect(struct tap_syn_lexer *l, const char *sign, const char *what)
{
    return tap_syn_is(l, sign) ? tap_syn_next(l) : tap_syn_unexpected(l, what);
}
