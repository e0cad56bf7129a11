/* triggers.c: what a line of start_on or stop_on waits for. Patterns and processes are
 * what filters judge: here only the word before them is read, and each line gets such a filter of
 * its own (config.c), which judges for it alone.
 */
#include "config/triggers.h"

#include <stdio.h>
#include <string.h>

#include "beamtap/event.h"
#include "config/option_value.h"
#include "config/pattern_kind.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Does the line begin with this word? Then what is behind it. */
static bool word(const char *text, const char *name, const char **rest)
{
    size_t n = strlen(name);
    if (strncmp(text, name, n) != 0 || (text[n] && !is_blank(text[n]) && text[n] != '>'))
        return false;
    for (text += n; is_blank(*text); text++)
        ;
    *rest = text;
    return true;
}

static const struct {
    const char *name;
    unsigned kind;
} words[] = {[TAP_TRIGGER_EXCEPTION] = {"exception", TAP_FUNCTION_EXCEPTION},
             [TAP_TRIGGER_EXIT] = {"exit", TAP_PROCESS_EXIT},
             [TAP_TRIGGER_CRASH] = {"crash", TAP_PROCESS_EXIT},
             [TAP_TRIGGER_MAILBOX] = {"mailbox", TAP_MAILBOX}};

enum tap_trigger_what tap_trigger_read(const char *line, unsigned *kind, const char **rest)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].name && word(line, words[i].name, rest)) {
            *kind = words[i].kind;
            return (enum tap_trigger_what)i;
        }
    *rest = line;
    *kind = tap_pattern_kind(line);
    return TAP_TRIGGER_PATTERN;
}

/* The text from here on, at its own place. */
static struct tap_text behind(const struct tap_text *line, const char *rest)
{
    struct tap_text t = *line;
    t.text = rest;
    for (const char *p = line->text; p < rest; p++) {
        if (*p == '\n') {
            t.line += t.line > 0;
            t.column = 1;
        } else if (((unsigned char)*p & 0xc0) != 0x80 && t.column > 0) {
            t.column++;
        }
    }
    return t;
}

static void read_mailbox(struct tap_trigger *t, const char *rest, const char *key,
                         struct tap_error *err)
{
    if (*rest == '>')
        for (rest++; is_blank(*rest); rest++)
            ;
    else
        rest = "";
    if (!tap_parse_size(rest, false, &t->limit))
        tap_error_add_at(err, "session", &t->where,
                         "%s = %s: a mailbox is waited for as mailbox > 1000", key, t->text);
}

static void read_line(struct tap_trigger *t, const struct tap_text *line, const char *key,
                      struct tap_error *err)
{
    const char *rest;
    t->where = *line;
    t->instance = SIZE_MAX;
    t->what = tap_trigger_read(line->text, &t->kind, &rest);
    if (t->what == TAP_TRIGGER_EXCEPTION && *rest && tap_pattern_kind(rest) != TAP_FUNCTION_CALL)
        tap_error_add_at(err, "session", line,
                         "%s = %s: functions have exceptions, messages have none", key, t->text);
    if (t->kind == TAP_PROCESS_EXIT && *rest && rest[strcspn(rest, ",")])
        tap_error_add_at(err, "session", line, "%s = %s: one process a line", key, t->text);
    if (t->what == TAP_TRIGGER_MAILBOX) {
        read_mailbox(t, rest, key, err);
        rest = "";
    }
    t->rest = behind(line, rest);
}

/* On one line, for people. */
static const char *one_line(struct tap_mempool *pool, const char *text)
{
    char *copy = tap_mempool_strdup(pool, text, strlen(text));
    for (char *p = copy; p && *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    return copy;
}

/* The exception of a call is kept where its line asks for it. */
static bool ask_for_exceptions(struct tap_trigger *t, struct tap_mempool *pool)
{
    static const char asked[] = " -> exception";
    size_t n = strlen(t->rest.text);
    if (t->what != TAP_TRIGGER_EXCEPTION || !n || strstr(t->rest.text, "->"))
        return true;
    char *text = tap_mempool_alloc(pool, n + sizeof asked);
    if (!text)
        return false;
    memcpy(text, t->rest.text, n);
    memcpy(text + n, asked, sizeof asked);
    t->rest.text = text;
    return true;
}

bool tap_config_triggers(struct tap_config *c, struct tap_error *err)
{
    const struct tap_session_settings *s = &c->session;
    size_t n = s->start_on.count + s->stop_on.count;
    c->triggers = tap_mempool_alloc(c->pool, (n + 1) * sizeof *c->triggers);
    if (!c->triggers)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct tap_trigger *t = &c->triggers[c->trigger_count++];
        bool stop = t->stop = i >= s->start_on.count;
        const struct tap_text *line =
            stop ? &s->stop_on.items[i - s->start_on.count] : &s->start_on.items[i];
        if (!(t->text = one_line(c->pool, line->text)))
            return false;
        read_line(t, line, stop ? "stop_on" : "start_on", err);
        if (!ask_for_exceptions(t, c->pool))
            return false;
    }
    if (s->keep && !n)
        TAP_ERR(err, TAP_INVALID, "session",
                "keep says how much from before start_on or stop_on is written, and there is "
                "neither");
    if (s->follow && s->keep && !s->start_on.count && n)
        TAP_ERR(err, TAP_INVALID, "session",
                "follow = message: stop_on with keep alone writes what came before it, and a chain "
                "is what comes behind its first message: give a start_on");
    if (s->follow && s->order != TAP_ORDER_TIME)
        TAP_ERR(err, TAP_INVALID, "session", "follow = message needs order = time");
    return true;
}

const struct tap_trigger_judge *tap_trigger_judge(const struct tap_trigger *t)
{
    bool process = t->what == TAP_TRIGGER_EXIT || t->what == TAP_TRIGGER_CRASH;
    return !*t->rest.text ? NULL : process ? &tap_trigger_processes : &tap_trigger_patterns;
}

void tap_trigger_name(const struct tap_trigger *t, char *dst, size_t cap)
{
    snprintf(dst, cap, "%s: %s", t->stop ? "stop_on" : "start_on", t->text);
}
