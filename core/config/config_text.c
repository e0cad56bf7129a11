/* config_text.c: see config_text.h. */
#include "config/config_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/ini_file.h"
#include "config/option_value.h"

#define CONFIG_SIZE_MAX (16u << 20) /* bytes: no configuration is larger, but a wrong file may be */

/* ---- Out */

/* One setting. What the file's reader would cut is shown, but not as a setting. */
static bool print_option(const struct tap_option *o, const void *settings, FILE *out)
{
    size_t len = 0;
    char *text = NULL;
    FILE *line = open_memstream(&text, &len);
    if (!line)
        return false;
    tap_option_value_print(o, settings, line);
    bool ok = !ferror(line);
    ok &= fclose(line) == 0;
    bool said = !ok || o->type == TAP_OPT_LINES || tap_ini_whole(text);
    if (ok && said)
        fputs(text, out);
    else if (ok)
        fprintf(out, "; %.*s (--set alone can say it: in a file ' ;' begins a comment)\n",
                (int)strcspn(text, "\n"), text);
    free(text);
    return ok;
}

static bool print_table(const struct tap_option *options, size_t n, const void *settings, FILE *out)
{
    bool ok = true;
    for (size_t i = 0; i < n; i++)
        ok &= print_option(&options[i], settings, out);
    return ok;
}

bool tap_config_text(struct tap_config *c)
{
    size_t len = 0;
    char *text = NULL;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return false;
    fputs("[session]\n", out);
    bool ok = print_table(tap_session_options, tap_session_option_count, &c->session, out);
    for (size_t i = 0; i < c->instance_count; i++) {
        const struct tap_instance *in = &c->instances[i];
        const struct tap_plugin *p = in->loaded->plugin;
        if (in->trigger)
            continue;
        fprintf(out, "\n[%s]\n", in->section);
        if (strcmp(p->name, in->name) != 0)
            fprintf(out, "plugin = %s\n", p->name);
        ok &= print_table(in->loaded->options, p->option_count, in->settings, out);
        if (in->kind == TAP_PLUGIN_SINK)
            ok &= print_table(tap_sink_options, tap_sink_option_count, &in->sink, out);
    }
    ok &= !ferror(out);
    ok &= fclose(out) == 0;
    c->text = ok ? tap_mempool_strdup(c->pool, text, len) : NULL;
    free(text);
    return c->text != NULL;
}

/* ---- In */

char *tap_config_read(const char *path, size_t *len)
{
    struct stat st;
    char *text = NULL;
    size_t cap = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    int failure = fstat(fd, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? EISDIR : 0;
    *len = 0;
    for (ssize_t n = 1; !failure && n > 0;) {
        if (cap - *len < 4096) {
            cap = cap ? cap * 2 : 16384;
            char *more = realloc(text, cap);
            if (!more) {
                failure = ENOMEM;
                break;
            }
            text = more;
        }
        n = read(fd, text + *len, cap - *len);
        if (n < 0 && errno != EINTR)
            failure = errno;
        else if (n > 0 && (*len += (size_t)n) > CONFIG_SIZE_MAX)
            failure = EFBIG;
        else if (n < 0)
            n = 1; /* a signal: again */
    }
    close(fd);
    if (failure) {
        free(text);
        text = NULL;
        errno = failure;
    }
    return text;
}
