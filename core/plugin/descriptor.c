/* descriptor.c: refuses a descriptor that would crash us later.
 *
 * A plugin may come from another version, another compiler or another word size. Fields are read
 * only after what guards them was found right: struct_size first, then the version, then the word
 * size, then the rest.
 */
#include "plugin/descriptor.h"

#include <stdio.h>
#include <string.h>

#include "beamtap/filter.h"
#include "beamtap/sink.h"
#include "beamtap/transport.h"

/* A struct that ends before its last field of version 1.0. */
#define SHORT(p, last) (!(p) || !TAP_HAS(p, last))

static bool validate_sink(const struct tap_sink_ops *o)
{
    return !SHORT(o, destroy) && o->create && o->start && o->consume && o->flush && o->stop &&
           o->destroy;
}
static bool validate_filter(const struct tap_filter_ops *o)
{
    return !SHORT(o, destroy) && o->create && o->filter && o->destroy; /* plan may be missing */
}
static bool validate_transport(const struct tap_transport_ops *o)
{
    return !SHORT(o, destroy) && o->create && o->start && o->run && o->stop && o->destroy;
}

static bool validate_ops(const struct tap_plugin *p)
{
    switch ((enum tap_plugin_kind)p->kind) {
    case TAP_PLUGIN_SINK: return validate_sink(p->ops);
    case TAP_PLUGIN_FILTER: return validate_filter(p->ops);
    case TAP_PLUGIN_TRANSPORT: return validate_transport(p->ops);
    }
    return false;
}

static size_t field_size(enum tap_option_type type)
{
    switch (type) {
    case TAP_OPT_STRING:
    case TAP_OPT_PATH: return sizeof(char *);
    case TAP_OPT_BOOL: return sizeof(bool);
    case TAP_OPT_INT:
    case TAP_OPT_SIZE:
    case TAP_OPT_DURATION: return sizeof(int64_t);
    case TAP_OPT_CHOICE: return sizeof(int);
    case TAP_OPT_LIST:
    case TAP_OPT_LINES: return sizeof(struct tap_text_list);
    }
    return SIZE_MAX;
}

const struct tap_option *tap_plugin_option(const struct tap_plugin *p, size_t i)
{
    return (const struct tap_option *)(const void *)((const char *)p->options + i * p->option_size);
}

/* As the keys of a section are written: a letter, then letters, digits and _. */
static bool is_key(const char *name)
{
    static const char *const letters = "abcdefghijklmnopqrstuvwxyz_0123456789";
    return name[0] >= 'a' && name[0] <= 'z' && strspn(name, letters) == strlen(name);
}

static bool stands_before(const struct tap_plugin *p, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(tap_plugin_option(p, k)->name, tap_plugin_option(p, i)->name) == 0)
            return true;
    return false;
}

/* Each row must stay inside the settings struct, and no name may be there twice, or be one that the
 * core gives to every section. */
static const char *validate_options(const struct tap_plugin *p)
{
    static const char *const taken[] = {"plugin", "queue", "on_full", "filters"};
    size_t taken_count = p->kind == TAP_PLUGIN_SINK ? 4 : 1;
    for (size_t i = 0; i < p->option_count; i++) {
        const struct tap_option *o = tap_plugin_option(p, i);
        size_t size = field_size(o->type);
        if (!o->name || !*o->name)
            return "(a row without a name)";
        if (!is_key(o->name) || stands_before(p, i) || o->min > o->max || size > p->settings_size ||
            o->offset > p->settings_size - size ||
            (o->type == TAP_OPT_CHOICE && (!o->choices || !o->choices[0])))
            return o->name;
        for (size_t t = 0; t < taken_count; t++)
            if (strcmp(o->name, taken[t]) == 0)
                return o->name;
    }
    return NULL;
}

bool tap_plugin_validate(const struct tap_plugin *p, enum tap_plugin_kind kind, const char *name,
                         char *why, size_t cap)
{
    const char *option;
    if (!p)
        snprintf(why, cap, "gives no descriptor");
    else if (!TAP_HAS(p, word_size))
        snprintf(why, cap, "has a descriptor that is too short (%u bytes; plugin ABI %d has %zu)",
                 p->struct_size, TAP_ABI_MAJOR, sizeof *p);
    else if (p->abi_major != TAP_ABI_MAJOR)
        snprintf(why, cap, "is built for plugin ABI %u (this beamtap has %d)", p->abi_major,
                 TAP_ABI_MAJOR);
    else if (p->word_size != sizeof(void *))
        snprintf(why, cap, "is built for a machine word of %u bytes (this beamtap has %zu)",
                 p->word_size, sizeof(void *));
    else if (!TAP_HAS(p, ops))
        snprintf(why, cap, "has a descriptor that is too short (%u bytes; plugin ABI %d has %zu)",
                 p->struct_size, TAP_ABI_MAJOR, sizeof *p);
    else if (p->kind != kind)
        snprintf(why, cap, "says that it is not a %s but a %s",
                 kind == TAP_PLUGIN_SINK     ? "sink"
                 : kind == TAP_PLUGIN_FILTER ? "filter"
                                             : "transport",
                 p->kind == TAP_PLUGIN_SINK        ? "sink"
                 : p->kind == TAP_PLUGIN_FILTER    ? "filter"
                 : p->kind == TAP_PLUGIN_TRANSPORT ? "transport"
                                                   : "thing unknown to this beamtap");
    else if (!p->name || strcmp(p->name, name) != 0)
        snprintf(why, cap, "says that its name is '%s', not '%s'", p->name ? p->name : "", name);
    else if (!validate_ops(p))
        snprintf(why, cap, "has a table of operations that is too short or lacks one");
    else if (p->option_count > 0 && !p->options)
        snprintf(why, cap, "has no option table");
    else if (p->option_count > 0 && !TAP_REACHES(p->option_size, struct tap_option, flags))
        snprintf(why, cap, "has an option table whose rows are too short (%u bytes)",
                 p->option_size);
    else if ((option = validate_options(p)))
        snprintf(why, cap, "has a broken option table (at '%s')", option);
    else
        return true;
    return false;
}
