/* trial_describe.c: what a plugin says of itself. What would crash the core is refused when it is
 * loaded (plugin/descriptor.c); here is what users would stumble over: a default that is none, a
 * range that means nothing, an option without a word of help.
 */
#include "cli/trial.h"

#include <string.h>

static void text_is_there(struct tap_trial *t, const char *what, const char *text)
{
    if (!text || !*text)
        tap_trial_finds(t, "its descriptor has no %s", what);
    else if (strchr(text, '\n'))
        tap_trial_finds(t, "its %s is more than one line", what);
}

/* ---- Options */

static bool is_number(const struct tap_option *o)
{
    return o->type == TAP_OPT_INT || o->type == TAP_OPT_SIZE || o->type == TAP_OPT_DURATION;
}

static size_t field_size(enum tap_option_type type)
{
    switch (type) {
    case TAP_OPT_BOOL: return sizeof(bool);
    case TAP_OPT_CHOICE: return sizeof(int);
    case TAP_OPT_LIST:
    case TAP_OPT_LINES: return sizeof(struct tap_text_list);
    default: return sizeof(int64_t);
    }
}

static void judge_help(struct tap_trial *t, const struct tap_option *o)
{
    size_t n = o->help ? strlen(o->help) : 0;
    if (!n)
        tap_trial_finds(t, "option '%s' has no help", o->name);
    else if (strchr(o->help, '\n'))
        tap_trial_finds(t, "the help of option '%s' is more than one line", o->name);
    else if (o->help[n - 1] == '.')
        tap_trial_finds(t, "the help of option '%s' ends with a full stop", o->name);
}

static void judge_choices(struct tap_trial *t, const struct tap_option *o)
{
    if (o->type != TAP_OPT_CHOICE) {
        if (o->choices)
            tap_trial_finds(t, "option '%s' has choices and is no TAP_OPT_CHOICE", o->name);
        return;
    }
    for (size_t i = 0; o->choices[i]; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(o->choices[i], o->choices[k]) == 0)
                tap_trial_finds(t, "option '%s' has the choice '%s' twice", o->name, o->choices[i]);
}

/* As the core fills it where the user says nothing. */
static void judge_default(struct tap_trial *t, const struct tap_option *o)
{
    if (o->flags & TAP_OPT_REQUIRED) {
        if (o->def)
            tap_trial_finds(t, "option '%s' is required and has a default", o->name);
        return;
    }
    if (!o->def && o->type == TAP_OPT_CHOICE)
        tap_trial_finds(t, "option '%s' is a choice without a default", o->name);
    struct tap_mempool *pool = tap_mempool_new();
    size_t before = tap_error_count(t->err), size = t->loaded->plugin->settings_size;
    void *settings = pool ? tap_mempool_alloc(pool, size) : NULL;
    if (settings &&
        tap_options_fill(o, 1, NULL, 0, NULL, settings, pool, t->section, NULL, t->err) != TAP_OK)
        tap_trial_finds(t, "the default '%s' of option '%s' is not one that it takes: %s", o->def,
                        o->name, tap_error_get(t->err, before)->message);
    tap_mempool_free(pool);
}

static void judge_field(struct tap_trial *t, size_t i)
{
    const struct tap_option *o = &t->loaded->options[i];
    size_t size = field_size(o->type), align = size > sizeof(void *) ? sizeof(void *) : size;
    if (o->offset % align)
        tap_trial_finds(t, "the field of option '%s' is at offset %zu, where no %s can be", o->name,
                        o->offset, "field of its type");
    for (size_t k = 0; k < i; k++) {
        const struct tap_option *other = &t->loaded->options[k];
        if (o->offset < other->offset + field_size(other->type) && other->offset < o->offset + size)
            tap_trial_finds(t, "the options '%s' and '%s' fill the same field", other->name,
                            o->name);
    }
}

static void judge_option(struct tap_trial *t, size_t i)
{
    const struct tap_option *o = &t->loaded->options[i];
    judge_help(t, o);
    judge_choices(t, o);
    judge_default(t, o);
    judge_field(t, i);
    if (!is_number(o) && (o->min || o->max))
        tap_trial_finds(t, "option '%s' has a range and is no number", o->name);
    if (o->flags & TAP_OPT_BYTES && o->type != TAP_OPT_SIZE)
        tap_trial_finds(t, "option '%s' has TAP_OPT_BYTES and is no TAP_OPT_SIZE", o->name);
}

/* ---- */

static void judge_endings(struct tap_trial *t)
{
    const struct tap_plugin *p = t->loaded->plugin;
    const char *const *e = TAP_HAS(p, endings) ? p->endings : NULL;
    bool path = false;
    for (size_t i = 0; i < p->option_count; i++)
        path |= strcmp(t->loaded->options[i].name, "path") == 0;
    if (e && *e && !(path && p->kind == TAP_PLUGIN_SINK))
        tap_trial_finds(t, "it has endings of files, and is no sink with an option 'path'");
    for (; e && *e; e++)
        if (**e == '.' || **e == '\0')
            tap_trial_finds(t, "the ending '%s' begins with a dot", *e);
}

static void describe(struct tap_trial *t)
{
    const struct tap_plugin *p = t->loaded->plugin;
    text_is_there(t, "version", p->version);
    text_is_there(t, "line of summary", p->summary);
    text_is_there(t, "license", p->license);
    for (size_t i = 0; i < p->option_count; i++)
        judge_option(t, i);
    judge_endings(t);
}

const struct tap_trial_case tap_describe_case = {"what it says of itself", describe};
