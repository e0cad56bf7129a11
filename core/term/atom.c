/* atom.c: atoms, in the three ways they are quoted.
 *
 * Erlang (io_lib:write_atom): bare when it begins with a small letter (latin1 ones too) and goes on
 * with letters, digits, _ and @, and is no reserved word. The VM's C code has a rule of its own,
 * seen only in `fun m:f/1` (what is not ASCII there, ~tp shows as its UTF-8 bytes taken for latin1:
 * here the characters print as themselves). Elixir (Macro.inspect_atom): aliases without their
 * Elixir., identifiers and operators after a colon, all else in double quotes. The common atom is
 * lower-case ASCII: one table look-up a byte and a copy.
 *
 * OTP 27 also quotes 'maybe' and 'else', which are reserved there (tap_print.has_maybe). Of the
 * test's 31,000 terms (test_term_print) that is all that differs on 27. Names of modules and
 * functions have one form for all nodes, that of OTP 25. Identifiers of other scripts than latin
 * are always quoted in Elixir syntax (Elixir leaves :日本 bare, but only after judging which
 * scripts may mix): what is printed is still the same atom.
 */
#include "term/out.h"
#include "term/fast_path.h"
#include "term/print.h"

enum { LOWER = 1, UPPER = 2, DIGIT = 4, MORE = 8 /* _ */, AT = 16, NAME = 31 };

static const uint8_t class_of[256] = {
    ['a' ... 'z'] = LOWER, ['A' ... 'Z'] = UPPER, ['0' ... '9'] = DIGIT, ['_'] = MORE, ['@'] = AT};

/* ß to ÿ without ÷; À to Þ without ×: erl_scan's letters. */
static bool latin1_lower(uint32_t c)
{
    return (c >= 0xDF && c <= 0xFF && c != 0xF7) || (c >= 'a' && c <= 'z');
}
static bool latin1_name(uint32_t c)
{
    return c < 0x80 ? class_of[c] != 0 : c >= 0xC0 && c <= 0xFF && c != 0xD7 && c != 0xF7;
}

static inline uint64_t four(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
}

/* The letters of a text of at most eight bytes as one number, the first one lowest. */
static inline uint64_t word_of(const char *s, size_t n)
{
    const uint8_t *p = (const uint8_t *)s;
    if (n >= 4)
        return four(p) | four(p + n - 4) << 8 * (n - 4);
    return (uint64_t)p[0] | (uint64_t)p[n / 2] << 8 * (n / 2) | (uint64_t)p[n - 1] << 8 * (n - 1);
}

/* erl_scan:reserved_word/1, by a hash that gives each of them a place of its own. `maybe`: of OTP
 * 27 and later. */
static inline bool is_reserved_word(uint64_t word, bool maybe)
{
#define WORD(a, b, c, d, e, f, g)                                                                 \
    ((uint64_t)a | (uint64_t)b << 8 | (uint64_t)c << 16 | (uint64_t)d << 24 | (uint64_t)e << 32 | \
     (uint64_t)f << 40 | (uint64_t)g << 48)
#define MAYBE WORD('m', 'a', 'y', 'b', 'e', 0, 0)
#define ELSE WORD('e', 'l', 's', 'e', 0, 0, 0)
    static const uint64_t words[64] = {
        [4] = WORD('f', 'u', 'n', 0, 0, 0, 0),
        [6] = WORD('l', 'e', 't', 0, 0, 0, 0),
        [7] = WORD('b', 's', 'r', 0, 0, 0, 0),
        [9] = WORD('b', 'o', 'r', 0, 0, 0, 0),
        [10] = WORD('b', 'e', 'g', 'i', 'n', 0, 0),
        [11] = WORD('x', 'o', 'r', 0, 0, 0, 0),
        [15] = WORD('a', 'n', 'd', 'a', 'l', 's', 'o'),
        [17] = WORD('r', 'e', 'c', 'e', 'i', 'v', 'e'),
        [18] = WORD('c', 'a', 's', 'e', 0, 0, 0),
        [19] = WORD('w', 'h', 'e', 'n', 0, 0, 0),
        [21] = WORD('o', 'r', 'e', 'l', 's', 'e', 0),
        [22] = WORD('b', 'a', 'n', 'd', 0, 0, 0),
        [23] = WORD('b', 's', 'l', 0, 0, 0, 0),
        [24] = WORD('c', 'a', 't', 'c', 'h', 0, 0),
        [26] = WORD('d', 'i', 'v', 0, 0, 0, 0),
        [29] = ELSE,
        [32] = WORD('a', 'n', 'd', 0, 0, 0, 0),
        [35] = WORD('b', 'n', 'o', 't', 0, 0, 0),
        [37] = WORD('t', 'r', 'y', 0, 0, 0, 0),
        [38] = WORD('b', 'x', 'o', 'r', 0, 0, 0),
        [40] = WORD('c', 'o', 'n', 'd', 0, 0, 0),
        [47] = WORD('a', 'f', 't', 'e', 'r', 0, 0),
        [49] = WORD('n', 'o', 't', 0, 0, 0, 0),
        [51] = WORD('i', 'f', 0, 0, 0, 0, 0),
        [57] = MAYBE,
        [58] = WORD('r', 'e', 'm', 0, 0, 0, 0),
        [59] = WORD('o', 'r', 0, 0, 0, 0, 0),
        [62] = WORD('e', 'n', 'd', 0, 0, 0, 0),
        [63] = WORD('o', 'f', 0, 0, 0, 0, 0),
    };
    return words[word * UINT64_C(0x5D7EA07245CC258D) >> 58] == word &&
           (maybe || (word != MAYBE && word != ELSE));
#undef ELSE
#undef MAYBE
#undef WORD
}

/* Are all n of its bytes, at most eight, small letters? */
static inline bool is_lower_word(uint64_t word, size_t n)
{
    const uint64_t high = UINT64_C(0x8080808080808080), ones = UINT64_C(0x0101010101010101);
    uint64_t v = n < 8 ? word | (ones * 'a') << 8 * n : word; /* filled up with what is one */
    return ((v + ones * (0x80 - 'a')) & ~(v + ones * (0x7f - 'z')) & ~v & high) == high;
}

bool tap_atom_is_bare(const char *s, size_t n, bool maybe)
{
    const uint8_t *p = (const uint8_t *)s;
    size_t i = 1;
    if (n == 0)
        return false;
    if (n <= 8) {
        uint64_t word = word_of(s, n);
        if (is_lower_word(word, n))
            return !is_reserved_word(word, maybe);
    }
    if (!(class_of[p[0]] & LOWER)) /* only small letters make a reserved word */
        return false;
    while (i < n && class_of[p[i]])
        i++;
    return i == n;
}

/* A name of letters as the parsers know it, when not plain ASCII. */
static bool is_latin1_name(const uint8_t *p, const uint8_t *end, bool latin1)
{
    uint32_t cp;
    if (p == end)
        return false;
    p += tap_utf8_take(p, end, latin1, &cp);
    if (!latin1_lower(cp))
        return false;
    while (p < end) {
        p += tap_utf8_take(p, end, latin1, &cp);
        if (!latin1_name(cp))
            return false;
    }
    return true;
}

/* ---- Elixir */

#define MICRO 0xB5u /* taken, but as the Greek letter: identifiers with it are quoted */

static bool in_ranges(uint32_t cp)
{
    /* Latin letters that String.Tokenizer takes in identifiers (UAX 31 without what UTS 39
     * restricts), all in NFC. */
    static const uint16_t ranges[][2] = {
        {0xC0, 0xD6},   {0xD8, 0xF6},     {0xF8, 0x131},    {0x134, 0x13E},  {0x141, 0x148},
        {0x14A, 0x17E}, {0x18F, 0x18F},   {0x1A0, 0x1A1},   {0x1AF, 0x1B0},  {0x1CD, 0x1DC},
        {0x1DE, 0x1E3}, {0x1E6, 0x1F0},   {0x1F4, 0x1F5},   {0x1F8, 0x21B},  {0x21E, 0x21F},
        {0x226, 0x233}, {0x1E00, 0x1E99}, {0x1E9E, 0x1E9E}, {0x1EA0, 0x1EF9}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (cp >= ranges[i][0] && cp <= ranges[i][1])
            return true;
    return false;
}
/* Lu among those letters: with few exceptions capitals are the even ones of a pair. */
static bool latin_capital(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= 'A' && cp <= 'Z';
    if (cp <= 0xFF)
        return cp >= 0xC0 && cp <= 0xDE;
    if ((cp >= 0x139 && cp <= 0x148) || (cp >= 0x179 && cp <= 0x17E) ||
        (cp >= 0x1CD && cp <= 0x1DC))
        return (cp & 1) && cp != 0x149;
    if (cp == 0x138 || cp == 0x17F || cp == 0x1F0 || (cp >= 0x1E95 && cp <= 0x1E9D))
        return false;
    if (cp == 0x18F || cp == 0x1AF)
        return true;
    if (cp == 0x131 || cp == 0x1B0 || cp == 0x1A1)
        return false;
    return !(cp & 1);
}

enum elixir_class { ALIAS, IDENTIFIER, OPERATOR, QUOTED_OPERATOR, NOT_CALLABLE, OTHER };

static bool one_of(const char *list, const char *s, size_t n)
{
    /* `list`: words each between spaces */
    for (const char *p = list; *p; p++) {
        const char *q = strchr(p, ' ');
        if ((size_t)(q - p) == n && memcmp(p, s, n) == 0)
            return true;
        p = q;
    }
    return false;
}

/* What the tokenizer says of it: letters, digits, _ and @, one ? or ! at the end. */
static enum elixir_class identifier_class(const uint8_t *p, const uint8_t *end, bool latin1)
{
    uint32_t cp;
    if (p == end)
        return OTHER;
    p += tap_utf8_take(p, end, latin1, &cp);
    bool letter =
        cp < 0x80 ? (class_of[cp] & (LOWER | UPPER | MORE)) != 0 : in_ranges(cp) || cp == MICRO;
    if (!letter)
        return OTHER;
    enum elixir_class class = latin_capital(cp) ? NOT_CALLABLE : IDENTIFIER;
    bool normalized = cp == MICRO;
    while (p < end) {
        unsigned n = tap_utf8_take(p, end, latin1, &cp);
        if ((cp == '?' || cp == '!') && p + n == end)
            break;
        if (cp == '@')
            class = NOT_CALLABLE;
        else if (cp < 0x80 ? !class_of[cp] : !in_ranges(cp) && cp != MICRO && cp != 0xB7)
            return OTHER;
        normalized |= cp == MICRO;
        p += n;
    }
    return normalized && class == IDENTIFIER ? OTHER : class;
}

bool tap_atom_is_alias(const char *s, size_t n)
{
    if (n < 6 || memcmp(s, "Elixir", 6) != 0)
        return false;
    size_t i = 6;
    while (i < n) {
        if (i + 1 >= n || s[i] != '.' || !(class_of[(uint8_t)s[i + 1]] & UPPER))
            return false;
        for (i += 2; i < n && class_of[(uint8_t)s[i]] & ~AT; i++)
            continue;
    }
    return true;
}

static enum elixir_class elixir_class_of(const char *s, size_t n, bool latin1)
{
    const uint8_t *p = (const uint8_t *)s;
    if (n > 0 && class_of[p[0]] & LOWER && n <= 4 && one_of("not when or and in ", s, n))
        return OPERATOR;
    if (n > 0 && n <= 4 && !(class_of[p[0]] & ~AT)) {
        if (one_of("% %{} {} <<>> ... .. . ..// -> ", s, n))
            return NOT_CALLABLE;
        if (one_of(":: ^^^ ~~~ <|> ", s, n))
            return QUOTED_OPERATOR;
        if (one_of("& ! ^ + - @ <- \\\\ | = || ||| && &&& == != =~ === !== < <= >= > |> <<< >>> <~ "
                   "~> <<~ ~>> <~> ++ -- <> +++ --- * / ** ",
                   s, n))
            return OPERATOR;
    }
    if (tap_atom_is_alias(s, n))
        return ALIAS;
    return identifier_class(p, p + n, latin1);
}

static void elixir_quoted(struct tap_out *o, const char *s, size_t n, bool latin1)
{
    tap_out_quoted(o, (const uint8_t *)s, n, latin1, '"');
}

static void elixir_atom(struct tap_out *o, const char *s, size_t n, bool latin1,
                        enum tap_atom_form form)
{
    enum elixir_class class = elixir_class_of(s, n, latin1);
    bool bare;
    switch (form) {
    case TAP_ATOM_LITERAL:
        if (class == ALIAS) {
            bool whole =
                n <= 7 || (n >= 13 && memcmp(s + 7, "Elixir", 6) == 0 && (n == 13 || s[13] == '.'));
            tap_out_run(o, s + (whole ? 0 : 7), n - (whole ? 0 : 7));
            return;
        }
        bare = class != QUOTED_OPERATOR && class != OTHER;
        if (!((n == 3 && memcmp(s, "nil", 3) == 0) || (n == 4 && memcmp(s, "true", 4) == 0) ||
              (n == 5 && memcmp(s, "false", 5) == 0)))
            tap_out_char(o, ':');
        break;
    case TAP_ATOM_KEY: bare = class != QUOTED_OPERATOR && class != OTHER && class != ALIAS; break;
    default: bare = class == IDENTIFIER || class == OPERATOR || class == QUOTED_OPERATOR; break;
    }
    if (bare)
        tap_out_text(o, s, n, latin1);
    else
        elixir_quoted(o, s, n, latin1);
    if (form == TAP_ATOM_KEY)
        tap_out_char(o, ':');
}

/* ---- Erlang */

void tap_out_atom(struct tap_out *o, const char *s, size_t n, bool latin1, enum tap_atom_form form)
{
    if (__builtin_expect(o->elixir, 0)) {
        elixir_atom(o, s, n, latin1, form);
        return;
    }
    const uint8_t *p = (const uint8_t *)s;
    if (__builtin_expect(n > 0 && class_of[p[0]] & LOWER, 1)) {
        size_t i = 1;
        while (i < n && class_of[p[i]])
            i++;
        if (i == n && (n > 8 || !is_reserved_word(word_of(s, n), o->maybe))) {
            tap_out_run(o, s, n);
            return;
        }
        if (i == n) {
            tap_out_quoted(o, p, n, latin1, '\'');
            return;
        }
    }
    if (is_latin1_name(p, p + n, latin1))
        tap_out_text(o, s, n, latin1);
    else
        tap_out_quoted(o, p, n, latin1, '\'');
}

void tap_out_vm_atom(struct tap_out *o, const char *s, size_t n, bool latin1)
{
    const uint8_t *p = (const uint8_t *)s, *end = p + n;
    if (!memchr(s, '@', n) && is_latin1_name(p, end, latin1)) { /* it knows no reserved words */
        tap_out_text(o, s, n, latin1);
        return;
    }
    tap_out_char(o, '\'');
    while (p < end && !o->done) {
        uint32_t cp;
        p += tap_utf8_take(p, end, latin1, &cp);
        static const char letter[] = "btnvfr"; /* 8 to 13 */
        if (cp == '\'' || cp == '\\') {
            tap_out_escape(o, (char[]){'\\', (char)cp}, 2);
        } else if (cp >= 8 && cp <= 13) {
            tap_out_escape(o, (char[]){'\\', letter[cp - 8]}, 2);
        } else if (cp < 0x20 || (cp >= 0x80 && cp < 0xA0)) {
            tap_out_escape(o,
                           (char[]){'\\', (char)('0' + (cp >> 6)), (char)('0' + (cp >> 3 & 7)),
                                    (char)('0' + (cp & 7))},
                           4);
        } else {
            char b[4];
            tap_out_text(o, b, tap_utf8_encode(b, cp), false);
        }
    }
    tap_out_char(o, '\'');
}

static size_t print_atom(char *dst, size_t cap, const char *text, size_t len,
                         enum tap_print_syntax syntax, enum tap_atom_form form)
{
    struct tap_out o;
    tap_out_init(&o, dst, cap, NULL);
    o.elixir = syntax == TAP_PRINT_ELIXIR;
    tap_out_atom(&o, text, len, false, form);
    return tap_out_finish(&o);
}

size_t tap_atom_print(char *dst, size_t cap, const char *text, size_t len,
                      enum tap_print_syntax syntax)
{
    return print_atom(dst, cap, text, len, syntax, TAP_ATOM_LITERAL);
}

size_t tap_atom_print_remote(char *dst, size_t cap, const char *text, size_t len)
{
    return print_atom(dst, cap, text, len, TAP_PRINT_ELIXIR, TAP_ATOM_CALL);
}
