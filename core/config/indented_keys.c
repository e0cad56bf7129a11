/* indented_keys.c: see indented_keys.h. */
#include "config/indented_keys.h"

#include <string.h>

/* The length of the key that stands here with its =; 0: none does, or the = begins an operator of a
 * guard. */
static size_t key_len(const char *text)
{
    static const char *const operators[] = {"==", "=:=", "=/=", "=<", "=>", "=~"};
    size_t len = strcspn(text, " \t=\n"), equals = len + strspn(text + len, " \t");
    if (text[equals] != '=')
        return 0;
    if (strncmp(text + equals, "=~/", 3) == 0) /* somebody's home folder */
        return len;
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (strncmp(text + equals, operators[i], strlen(operators[i])) == 0)
            return 0;
    return len;
}

void tap_indented_keys(const struct tap_ini_section *s, const struct tap_option *const *tables,
                       const size_t *counts, size_t n, struct tap_error *err)
{
    for (size_t i = 0; i < s->count; i++) {
        const char *text = s->settings[i].value.text;
        int line = s->settings[i].value.line;
        while ((text = strchr(text, '\n'))) {
            text += 1 + strspn(text + 1, " \t");
            line++;
            size_t len = key_len(text);
            for (size_t t = 0; len && t < n; t++)
                for (size_t o = 0; o < counts[t]; o++)
                    if (strncmp(tables[t][o].name, text, len) == 0 && !tables[t][o].name[len]) {
                        struct tap_text at = {"", s->settings[i].value.file, line, 0};
                        tap_error_add_at(
                            err, s->name, &at,
                            "'%s' is indented, so it continues '%s': begin it in the first column",
                            tables[t][o].name, s->settings[i].key);
                    }
        }
    }
}
