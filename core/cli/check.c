/* check.c: `beamtap check FILE.ini`: every mistake, or what would be traced and written.
 *
 * It goes as far as a run goes without touching anything: the instances are created and check their
 * settings, and the plan is joined. No node is asked and no file is made.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "config/option_value.h"
#include "library/defaults.h"
#include "plan/plan.h"
#include "session/session.h"
#include "syntax/number.h"

static void print_settings(const struct tap_option *options, size_t n, const void *settings)
{
    for (size_t i = 0; i < n; i++)
        tap_option_value_print(&options[i], settings, stdout);
}

static void print_instance(const struct tap_instance *in)
{
    const struct tap_plugin *p = in->loaded->plugin;
    printf("\n[%s]  %s %s, %s\n", in->section, p->name, p->version ? p->version : "",
           in->loaded->path);
    print_settings(in->loaded->options, p->option_count, in->settings);
    if (in->kind == TAP_PLUGIN_SINK)
        print_settings(tap_sink_options, tap_sink_option_count, &in->sink);
}

static unsigned transport_flags(const struct tap_config *config)
{
    for (size_t i = 0; i < config->instance_count; i++)
        if (config->instances[i].kind == TAP_PLUGIN_TRANSPORT)
            return config->instances[i].loaded->plugin->flags;
    return 0;
}

/* What the run waits for. */
static void print_window(const struct tap_config *config)
{
    const struct tap_session_settings *s = &config->session;
    for (size_t i = 0; i < config->trigger_count; i++)
        printf("%-16s%s\n", config->triggers[i].stop ? "stop_on" : "start_on",
               config->triggers[i].text);
    if (config->trigger_count && s->keep)
        printf("%-16s%s s before it\n", "keep", tap_number_print(s->keep, 1000000000, 3).text);
    if (s->follow == TAP_FOLLOW_MESSAGE)
        printf("%-16sone chain of messages\n", "follow");
}

int tap_cli_check(int argc, char **argv)
{
    const char *words[argc], *sets[argc];
    struct tap_cli_args args = {.words = words, .sets = sets};
    static const struct tap_cli_flag flags[] = {{NULL, NULL}};
    if (!tap_cli_read(argc, argv, flags, 1, 1, &args))
        return 2;
    struct tap_error *err = tap_error_new();
    if (!err) {
        fputs("beamtap: out of memory\n", stderr);
        return 1;
    }
    struct tap_config *config = NULL;
    struct tap_session *session = NULL;
    tap_config_load(words[0], tap_defaults.transport, sets, args.set_count, &config, err);
    if (config)
        session = tap_session_new(config, err);
    if (session) {
        tap_plan_print(tap_session_plan(session), transport_flags(config), stdout);
        print_window(config);
        for (size_t i = 0; i < config->instance_count; i++)
            if (!config->instances[i].trigger)
                print_instance(&config->instances[i]);
    }
    tap_error_print(err, stderr);
    int code = session ? 0 : (int)tap_error_status(err);
    tap_session_free(session);
    tap_config_free(config);
    tap_error_free(err);
    return tap_cli_flush(code);
}
