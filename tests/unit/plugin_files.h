/* plugin_files.h: a folder of its own for a test, and tiny plugins compiled into it. */
#ifndef TAP_PLUGIN_FILES_H
#define TAP_PLUGIN_FILES_H

#include <dirent.h>
#include <stdarg.h>

#include "unit.h"

static char files_folder[256];

static void files_remove(void)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s", files_folder);
    if (files_folder[0] && system(command) != 0)
        puts("# a test's folder could not be removed");
}

/* The test's folder; made at the first call, gone when the test ends. It is the only plugin folder
 * besides those of the executable. */
static const char *files_here(void)
{
    if (!files_folder[0]) {
        snprintf(files_folder, sizeof files_folder, "/tmp/beamtap-unit-XXXXXX");
        if (!mkdtemp(files_folder))
            abort();
        atexit(files_remove);
        setenv("BEAMTAP_PLUGIN_PATH", files_folder, 1);
    }
    return files_folder;
}

static const char *files_path(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", files_here(), name);
    return path;
}

static void files_write(const char *name, const char *text)
{
    FILE *out = fopen(files_path(name), "w");
    if (!out || fputs(text, out) < 0 || fclose(out) != 0)
        abort();
}

/* Compiles `code` into the plugin file `name`; `flags` go to the compiler too. False when that
 * failed. */
static bool files_compile(const char *name, const char *code, const char *flags)
{
    char command[2048];
    files_write("plugin.c", code);
    snprintf(command, sizeof command,
             "cc -shared -fPIC -fvisibility=hidden -I%s/core/include %s -o %s/%s %s/plugin.c",
             TAP_SOURCE, flags, files_here(), name, files_here());
    return system(command) == 0;
}

/* A plugin that can be used: a sink or filter of this name with a few options. FIX spoils its
 * descriptor q. */
#define FILES_PLUGIN                                                                              \
    "#include <beamtap/filter.h>\n"                                                               \
    "#include <beamtap/sink.h>\n"                                                                 \
    "#include <beamtap/transport.h>\n"                                                            \
    "struct settings { const char *path; struct tap_text_list lines, names; int64_t size, wait; " \
    "int mode; "                                                                                  \
    "bool yes; };\n"                                                                              \
    "static const char *const modes[] = {\"fast\", \"careful\", NULL};\n"                         \
    "#define AT(f) .offset = offsetof(struct settings, f)\n"                                      \
    "static const struct tap_option options[] = {\n"                                              \
    "  {.name = \"path\", .type = TAP_OPT_PATH, AT(path), .flags = TAP_OPT_REQUIRED, .help = "    \
    "\"where\"},\n"                                                                               \
    "  {.name = \"line\", .type = TAP_OPT_LINES, AT(lines)},\n"                                   \
    "  {.name = \"names\", .type = TAP_OPT_LIST, AT(names)},\n"                                   \
    "  {.name = \"size\", .type = TAP_OPT_SIZE, .def = \"4k\", .flags = TAP_OPT_BYTES, .max = 1 " \
    "<< 20, "                                                                                     \
    "AT(size)},\n"                                                                                \
    "  {.name = \"wait\", .type = TAP_OPT_DURATION, .def = \"1s\", AT(wait)},\n"                  \
    "  {.name = \"mode\", .type = TAP_OPT_CHOICE, .def = \"careful\", .choices = modes, "         \
    "AT(mode)},\n"                                                                                \
    "  {.name = \"yes\", .type = TAP_OPT_BOOL, .def = \"no\", AT(yes)}};\n"                       \
    "static enum tap_status create(const struct tap_host *h, const void *s, void **self)\n"       \
    "{ (void)h; *self = (void *)s; return TAP_OK; }\n"                                            \
    "static enum tap_status ok(void *self) { (void)self; return TAP_OK; }\n"                      \
    "static enum tap_status consume(void *s, const struct tap_batch *b, const uint32_t *e, "      \
    "size_t n)\n"                                                                                 \
    "{ (void)s; (void)b; (void)e; (void)n; return TAP_OK; }\n"                                    \
    "static void judge(void *s, const struct tap_batch *b, uint8_t *k) { (void)s; (void)b; "      \
    "(void)k; }\n"                                                                                \
    "static void destroy(void *self) { (void)self; }\n"                                           \
    "static struct tap_sink_ops sink = {sizeof sink, create, ok, consume, ok, ok, destroy};\n"    \
    "static struct tap_filter_ops filter = {sizeof filter, create, NULL, judge, destroy};\n"      \
    "static struct tap_transport_ops transport = {sizeof transport, create, ok, ok, ok, "         \
    "destroy};\n"                                                                                 \
    "static struct tap_option table[8];\n"                                                        \
    "static struct tap_plugin q = {TAP_PLUGIN_HEADER, .kind = KIND, .name = NAME, .version = "    \
    "\"1\",\n"                                                                                    \
    "  .summary = \"for tests\", .license = \"none\", .options = table, .option_count = COUNT,\n" \
    "  .settings_size = sizeof(struct settings), .ops = OPS};\n"                                  \
    "TAP_EXPORT const struct tap_plugin *beamtap_plugin_v1(void)\n"                               \
    "{ memcpy(table, options, sizeof options); FIX; return &q; }\n"

#define FILES_SINK "'-DKIND=TAP_PLUGIN_SINK' '-DOPS=&sink' -DCOUNT=7 "
#define FILES_FILTER "'-DKIND=TAP_PLUGIN_FILTER' '-DOPS=&filter' -DCOUNT=0 "
#define FILES_TRANSPORT "'-DKIND=TAP_PLUGIN_TRANSPORT' '-DOPS=&transport' -DCOUNT=0 "

/* beamtap_KIND_NAME.so, right in all but what `fix` (a C statement; "" for none) spoils. */
static inline bool files_plugin(const char *kind, const char *name, const char *fix)
{
    char flags[1024], file[128];
    const char *what = kind[0] == 's'   ? FILES_SINK
                       : kind[0] == 'f' ? FILES_FILTER
                                        : FILES_TRANSPORT;
    snprintf(flags, sizeof flags, "%s '-DNAME=\"%s\"' '-DFIX=%s'", what, name, fix);
    snprintf(file, sizeof file, "beamtap_%s_%s.so", kind, name);
    return files_compile(file, FILES_PLUGIN, flags);
}

#endif
