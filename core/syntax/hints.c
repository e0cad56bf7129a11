/* hints.c: what people write who have Elixir, or a page of a manual, in mind: said with the right
 * form, instead of what a parser would stumble over.
 */
#include "syntax/chars.h"

enum { SHOWN = 80 }; /* bytes of a name that are repeated */

/* The end of a word with dots in it: Shop.Item, basic.publish. */
static size_t dotted_end(const char *t, size_t at)
{
    while (tap_syn_char_is_word(t + at) ||
           (t[at] == '.' && t[at + 1] != '.' && tap_syn_char_is_word(t + at + 1)))
        at += tap_syn_char_len(t + at);
    return at;
}

bool tap_syn_hint_map(struct tap_syn_source *s, size_t offset)
{
    const char *t = s->where->text;
    size_t from = offset + 1, end = dotted_end(t, from);
    if (t[end] != '{' || end - from > SHOWN)
        return false;
    if (end == from)
        tap_syn_fail(s, offset,
                     "%%{ would begin a comment here: a map is written #{Key := Value} in a "
                     "pattern, and #{Key => Value} elsewhere");
    else
        tap_syn_fail(s, offset,
                     "%%%.*s{ would begin a comment here: a struct is written "
                     "#{'__struct__' := %.*s}, with its other keys behind",
                     (int)(end - from), t + from, (int)(end - from), t + from);
    return true;
}

bool tap_syn_hint_character(struct tap_syn_source *s, size_t offset)
{
    const char *blank = tap_syn_odd_blank(s->where->text + offset);
    uint32_t c = 0;
    if (blank) {
        tap_syn_fail(s, offset, "this is %s: write an ordinary blank", blank);
        return true;
    }
    if (tap_syn_char_decode(s->where->text + offset, &c) && c >= 0x2018 && c <= 0x201F) {
        tap_syn_fail(s, offset, "this is a typographic quote: write %c", c < 0x201C ? '\'' : '"');
        return true;
    }
    return false;
}

bool tap_syn_hint_token(const struct tap_syn_lexer *l)
{
    const struct tap_syn_token *t = &l->token;
    const char *text = l->source->where->text;
    if (t->type == TAP_SYN_WORD && strcmp(t->text, "fun") == 0) {
        tap_syn_fail(l->source, t->off,
                     "a fun cannot be written here: match it with a variable F, and test it with "
                     "is_function(F)");
        return true;
    }
    if (t->type == TAP_SYN_WORD || !tap_syn_is(l, ":"))
        return false;
    size_t end = dotted_end(text, t->end);
    if (end == t->end || end - t->end > SHOWN ||
        (t->off > 0 && tap_syn_char_is_word(text + t->off - 1)))
        return false;
    tap_syn_fail(l->source, t->off, "an atom is written %.*s here, without the colon",
                 (int)(end - t->end), text + t->end);
    return true;
}

bool tap_syn_hint_atom(const struct tap_syn_lexer *l, size_t off)
{
    const struct tap_syn_token *t = &l->token;
    const char *text = l->source->where->text;
    size_t end = dotted_end(text, off);
    if (tap_syn_is(l, ".") && end > t->end && end - off <= SHOWN) {
        tap_syn_fail(l->source, off, "an atom with a dot in it needs single quotes: '%.*s'",
                     (int)(end - off), text + off);
        return true;
    }
    if (tap_syn_is(l, ":") && strchr(" \t\n", text[t->end]) && t->off == end &&
        end - off <= SHOWN) {
        tap_syn_fail(l->source, off,
                     "'%.*s:' is not a key here: a list has {%.*s, Value}, and a map %.*s := Value",
                     (int)(end - off), text + off, (int)(end - off), text + off, (int)(end - off),
                     text + off);
        return true;
    }
    return false;
}
