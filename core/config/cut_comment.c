/* cut_comment.c: tells text that was cut off as a comment and does not look like one.
 *
 * Comments are words with blanks between them. What has the signs of names (shop@web2,
 * message_send, out.csv, <0.1.0>) and no blanks but behind commas goes on with a list or a path; of
 * a list, whose items may be any words, so do single words without such signs. What has the arrow
 * of a trace line, or stands behind a `when`, goes on with a guard. Such a line is refused: whoever
 * means a comment can give it a line of its own, or a second word.
 */
#include "config/cut_comment.h"

#include <string.h>

#include "syntax/chars.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Names that commas or semicolons separate, at least one of which is no plain word; or, `plain`,
 * words of any kind that end as no sentence does. */
static bool looks_like_items(const char *text, size_t len, bool plain)
{
    bool signs = plain && len > 0 && tap_syn_char_is_word(text) && !strchr(".:!?", text[len - 1]);
    char before = ','; /* the last one that is no blank */
    for (size_t i = 0; i < len; i++) {
        bool separator = text[i] == ',' || text[i] == ';';
        if (is_blank(text[i]))
            continue;
        if (i > 0 && is_blank(text[i - 1]) && !separator && before != ',' && before != ';')
            return false;
        before = text[i];
        /* A full stop or a colon at the end of a word belongs to a sentence. */
        bool last = i + 1 == len || is_blank(text[i + 1]);
        signs |=
            strchr("@_*<'/\"", text[i]) || (separator && !last) || (strchr(".:", text[i]) && !last);
    }
    return signs;
}

static bool has_word(const char *text, size_t len, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= len; i++)
        if (memcmp(text + i, word, n) == 0 && (i == 0 || is_blank(text[i - 1])) &&
            (i + n == len || is_blank(text[i + n])))
            return true;
    return false;
}

/* Of one line: what is left of it, and what was cut off behind the ;. */
static bool is_comment(const struct tap_option *option, const char *kept, size_t kept_len,
                       const char *cut, size_t cut_len)
{
    bool names = option->type == TAP_OPT_LIST || option->type == TAP_OPT_PATH ||
                 option->type == TAP_OPT_STRING;
    if (has_word(kept, kept_len, "when") || has_word(cut, cut_len, "->"))
        return false;
    return !names || !looks_like_items(cut, cut_len, option->type == TAP_OPT_LIST);
}

bool tap_cut_is_comment(const struct tap_option *option, const struct tap_setting *s,
                        const char *section, struct tap_error *err)
{
    const char *kept = s->value.text, *all = s->uncut;
    for (int line = 0; all; line++) {
        size_t kept_len = strcspn(kept, "\n"), all_len = strcspn(all, "\n");
        size_t from = kept_len;
        while (from < all_len && (is_blank(all[from]) || all[from] == ';'))
            from++;
        /* A whole line that is a comment is nothing that was cut off. */
        if (kept_len && from < all_len &&
            !is_comment(option, kept, kept_len, all + from, all_len - from)) {
            struct tap_text at = s->value;
            at.line += line;
            at.column = 0;
            tap_error_add_at(err, section, &at,
                             "';' begins a comment here, but '%.*s' looks like more of '%s'%s; a "
                             "comment can have a line of its own",
                             (int)(all_len - from > 60 ? 60 : all_len - from), all + from,
                             option->name,
                             option->type == TAP_OPT_LIST ? " (items are separated by ',')" : "");
            return false;
        }
        all = all[all_len] ? all + all_len + 1 : NULL;
        kept += kept_len + (kept[kept_len] == '\n');
    }
    return true;
}
