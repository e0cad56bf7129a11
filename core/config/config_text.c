/* config_text.c: see config_text.h. */
#include "config/config_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/option_value.h"

static void print_table(const struct tap_option *options, size_t n, const void *settings, FILE *out)
{
    for (size_t i = 0; i < n; i++)
        tap_option_value_print(&options[i], settings, out);
}

bool tap_config_text(struct tap_config *c)
{
    size_t len = 0;
    char *text = NULL;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return false;
    fputs("[session]\n", out);
    print_table(tap_session_options, tap_session_option_count, &c->session, out);
    for (size_t i = 0; i < c->instance_count; i++) {
        const struct tap_instance *in = &c->instances[i];
        const struct tap_plugin *p = in->loaded->plugin;
        if (in->trigger)
            continue;
        fprintf(out, "\n[%s]\n", in->section);
        if (strcmp(p->name, in->name) != 0)
            fprintf(out, "plugin = %s\n", p->name);
        print_table(in->loaded->options, p->option_count, in->settings, out);
        if (in->kind == TAP_PLUGIN_SINK)
            print_table(tap_sink_options, tap_sink_option_count, &in->sink, out);
    }
    bool ok = !ferror(out);
    ok &= fclose(out) == 0;
    c->text = ok ? tap_mempool_strdup(c->pool, text, len) : NULL;
    free(text);
    return c->text != NULL;
}
