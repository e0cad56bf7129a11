/* test_registry.c: plugins are found in the right folder, loaded once, and refused with one clear
 * sentence. */
#include "plugin/registry.h"

#include <signal.h>
#include <sys/stat.h>

#include "plugin/operation.h"
#include "plugin_files.h"

static const struct tap_text where = {"", "t.ini", 6, 0};

/* Asks for a plugin in the test's folder; what was said when it is refused, "" when it was
 * given. */
static const char *ask(enum tap_plugin_kind kind, const char *name)
{
    static char said[2048];
    struct tap_error *err = tap_error_new();
    struct tap_registry *r = tap_registry_new(files_here());
    const struct tap_loaded *l = tap_registry_get(r, kind, name, "sink:x", &where, err);
    snprintf(said, sizeof said, "%s", l ? "" : tap_error_get(err, 0)->message);
    CU_ASSERT_EQUAL(tap_error_count(err), l ? 0 : 1);
    CU_ASSERT_EQUAL(tap_error_status(err), l ? TAP_OK : TAP_INVALID);
    tap_registry_free(r);
    tap_error_free(err);
    return said;
}

/* The loader knows a file again by its path: each that is to be refused has a name of its own. */
static char odd[32], odd_file[64];
static void next_odd(void)
{
    static int n;
    snprintf(odd, sizeof odd, "odd%d", ++n);
    snprintf(odd_file, sizeof odd_file, "beamtap_sink_%s.so", odd);
}

/* Asks for the odd sink, which cannot be used: the sentence begins with the place and the file, and
 * holds `words`. */
static void refused(const char *words)
{
    char begin[1024];
    const char *said = ask(TAP_PLUGIN_SINK, odd);
    snprintf(begin, sizeof begin, "t.ini:6: [sink:x] %s/%s ", files_here(), odd_file);
    bool right = strncmp(said, begin, strlen(begin)) == 0 && strstr(said, words);
    if (!right)
        printf("# wanted '%s...%s', got '%s'\n", begin, words, said);
    CU_ASSERT_TRUE(right);
    next_odd();
}

static void loads_a_good_plugin(void)
{
    CU_ASSERT_TRUE_FATAL(files_plugin("sink", "good", ""));
    struct tap_error *err = tap_error_new();
    struct tap_registry *r = tap_registry_new(files_here());
    const struct tap_loaded *l =
        tap_registry_get(r, TAP_PLUGIN_SINK, "good", "sink:good", &where, err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(l);
    CU_ASSERT_STRING_EQUAL(l->plugin->name, "good");
    CU_ASSERT_STRING_EQUAL(l->path, files_path("beamtap_sink_good.so"));
    CU_ASSERT_PTR_EQUAL(tap_registry_get(r, TAP_PLUGIN_SINK, "good", "sink:b", &where, err), l);
    tap_registry_free(r);
    tap_error_free(err);
}

#define SHOWN "__attribute__((visibility(\"default\"))) "

static void refuses_files_that_are_no_plugins(void)
{
    next_odd();
    files_write(odd_file, "no shared object");
    refused("cannot be loaded: ");
    CU_ASSERT_TRUE(files_compile(odd_file, "int nothing;", ""));
    refused("is not a beamtap plugin: it has no symbol beamtap_plugin_v1");
    CU_ASSERT_TRUE(files_compile(odd_file, SHOWN "int beamtap_plugin_v2;", ""));
    refused("is built for plugin ABI 2 (this beamtap has 1: no symbol beamtap_plugin_v1)");
    CU_ASSERT_TRUE(
        files_compile(odd_file, "int missing(void);\n" SHOWN "int (*p)(void) = missing;", ""));
    refused("cannot be loaded: undefined symbol: missing");
    char flags[600];
    snprintf(flags, sizeof flags, "-Wl,--no-as-needed -L%s -lgone", files_here());
    CU_ASSERT_TRUE(files_compile("libgone.so", SHOWN "int gone;", ""));
    CU_ASSERT_TRUE(files_compile(odd_file, "int nothing;", flags));
    unlink(files_path("libgone.so"));
    refused("cannot be loaded: libgone.so: cannot open shared object file");
    mkdir(files_path(odd_file), 0700);
    refused("is not a file");
}

static void refuses_wrong_descriptors(void)
{
    next_odd();
    static const struct {
        const char *fix, *words;
    } cases[] = {
        {"q.abi_major = 9", "is built for plugin ABI 9 (this beamtap has 1)"},
        {"q.word_size = 4", "is built for a machine word of 4 bytes"},
        {"q.struct_size = 8", "has a descriptor that is too short (8 bytes"},
        {"q.struct_size = offsetof(struct tap_plugin, ops)", "has a descriptor that is too short"},
        {"q.kind = TAP_PLUGIN_FILTER", "says that it is not a sink but a filter"},
        {"q.kind = 77", "says that it is not a sink but a thing unknown"},
        {"q.name = \"even\"", "says that its name is \"even\", not \"odd"},
        {"q.name = NULL", "says that its name is"},
        {"q.ops = NULL", "has a table of operations that is too short or lacks one"},
        {"sink.struct_size = offsetof(struct tap_sink_ops, stop)", "has a table of operations"},
        {"sink.consume = NULL", "has a table of operations"},
        {"q.options = NULL", "has no option table"},
        {"q.option_size = offsetof(struct tap_option, flags)",
         "has an option table whose rows are too short"},
        {"table[3].offset = sizeof(struct settings) - 4",
         "has a broken option table (at \"size\")"},
        {"table[1].type = 99", "has a broken option table (at \"line\")"},
        {"table[5].choices = NULL", "has a broken option table (at \"mode\")"},
        {"table[2].name = \"queue\"", "has a broken option table (at \"queue\")"},
        {"table[2].name = \"line\"", "has a broken option table (at \"line\")"},
        {"table[2].name = \"Big Names\"", "has a broken option table (at \"Big Names\")"},
        {"table[3].min = 9, table[3].max = 3", "has a broken option table (at \"size\")"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char words[256];
        snprintf(words, sizeof words, "%s", cases[i].words);
        for (char *p = words; *p; p++)
            if (*p == '"')
                *p = '\'';
        CU_ASSERT_TRUE_FATAL(files_plugin("sink", odd, cases[i].fix));
        refused(words);
    }
}

static void accepts_a_later_minor_version(void)
{
    CU_ASSERT_TRUE_FATAL(
        files_plugin("sink", "late", "q.struct_size += 8, q.abi_minor = 7, sink.struct_size += 8"));
    CU_ASSERT_STRING_EQUAL(ask(TAP_PLUGIN_SINK, "late"), "");
    CU_ASSERT_TRUE_FATAL(
        files_plugin("sink", "rows",
                     "static struct { struct tap_option row; void *more; } rows[7];"
                     "for (int i = 0; i < 7; i++) rows[i].row = options[i];"
                     "q.options = &rows[0].row, q.option_size = sizeof rows[0]"));
    struct tap_error *err = tap_error_new();
    struct tap_registry *r = tap_registry_new(files_here());
    const struct tap_loaded *l = tap_registry_get(r, TAP_PLUGIN_SINK, "rows", NULL, NULL, err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(l);
    CU_ASSERT_STRING_EQUAL(l->options[0].name, "path");
    CU_ASSERT_STRING_EQUAL(l->options[6].name, "yes");
    tap_registry_free(r);
    tap_error_free(err);
    CU_ASSERT_TRUE_FATAL(files_plugin("filter", "noplan", "filter.plan = NULL"));
    CU_ASSERT_STRING_EQUAL(ask(TAP_PLUGIN_FILTER, "noplan"), "");
    CU_ASSERT_TRUE_FATAL(files_plugin("transport", "wire", ""));
    CU_ASSERT_STRING_EQUAL(ask(TAP_PLUGIN_TRANSPORT, "wire"), "");
}

static void suggests_what_is_there(void)
{
    files_write("beamtap_sink_csv.so", "x");
    files_write("beamtap_sink_chrome.so", "x");
    files_write("beamtap_filter_csw.so", "x");
    files_write("libother.so", "x");
    CU_ASSERT_STRING_EQUAL(ask(TAP_PLUGIN_SINK, "csw"),
                           "t.ini:6: [sink:x] there is no sink plugin 'csw' (did you mean 'csv'?)");
    CU_ASSERT_PTR_NOT_NULL(
        strstr(ask(TAP_PLUGIN_SINK, "parquet"), "there is no sink plugin 'parquet' (there are: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(ask(TAP_PLUGIN_SINK, "../x"), "there is no sink plugin '../x'"));
    const char *said = ask(TAP_PLUGIN_TRANSPORT, "dist");
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "no such file in "));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, files_here()));
}

static void the_first_folder_decides(void)
{
    char path[1024];
    files_here();
    mkdir(files_path("a"), 0700);
    CU_ASSERT_TRUE_FATAL(files_plugin("sink", "twice", ""));
    files_write("a/beamtap_sink_twice.so", "broken");
    snprintf(path, sizeof path, "/nonexistent::%s/a:%s", files_here(), files_here());
    struct tap_error *err = tap_error_new();
    struct tap_registry *r = tap_registry_new(path);
    CU_ASSERT_PTR_NULL(tap_registry_get(r, TAP_PLUGIN_SINK, "twice", NULL, NULL, err));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(tap_error_get(err, 0)->message, "/a/beamtap_sink_twice.so cannot be loaded"));
    tap_registry_free(r);
    r = tap_registry_new(NULL); /* the environment's folder */
    CU_ASSERT_PTR_NOT_NULL(tap_registry_get(r, TAP_PLUGIN_SINK, "twice", NULL, NULL, err));
    tap_registry_free(r);
    tap_error_free(err);
}

/* A user's own plugins stand before the machine's, and behind what the environment names. */
static void home_has_a_folder_too(void)
{
    char home[512], file[600];
    snprintf(home, sizeof home, "%s/home", files_here());
    snprintf(file, sizeof file, "%s/.local/lib/beamtap/plugins-v1", home);
    for (char *slash = file; (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        mkdir(file, 0700);
        *slash = '/';
    }
    mkdir(file, 0700);
    CU_ASSERT_TRUE_FATAL(files_plugin("sink", "homely", "") && files_plugin("sink", "both", ""));
    snprintf(file + strlen(file), 64, "/beamtap_sink_homely.so");
    CU_ASSERT_EQUAL(rename(files_path("beamtap_sink_homely.so"), file), 0);
    snprintf(strrchr(file, '/'), 64, "/beamtap_sink_both.so");
    CU_ASSERT_EQUAL(link(files_path("beamtap_sink_both.so"), file), 0);
    char *before = getenv("HOME") ? strdup(getenv("HOME")) : NULL;
    setenv("HOME", home, 1);
    struct tap_registry *r = tap_registry_new(NULL);
    setenv("HOME", "", 1); /* then it is what the user database says, never a folder called ~ */
    struct tap_registry *none = tap_registry_new(NULL);
    before ? setenv("HOME", before, 1) : unsetenv("HOME");
    free(before);
    const char *path = tap_registry_file(r, TAP_PLUGIN_SINK, "homely", 6), *folder;
    CU_ASSERT_TRUE(path && strncmp(path, home, strlen(home)) == 0);
    CU_ASSERT_STRING_EQUAL(tap_registry_file(r, TAP_PLUGIN_SINK, "both", 4),
                           files_path("beamtap_sink_both.so"));
    bool local = false;
    for (size_t i = 0; (folder = tap_registry_folder(none, i)); i++) {
        CU_ASSERT_NOT_EQUAL(folder[0], '~');
        local |= strcmp(folder, "/usr/local/lib/beamtap/plugins-v1") == 0;
    }
    CU_ASSERT_TRUE(local);
    CU_ASSERT_PTR_NULL(tap_registry_file(none, TAP_PLUGIN_SINK, "homely", 6));
    tap_registry_free(r);
    tap_registry_free(none);
}

static void lists_all_but_the_broken(void)
{
    files_write("beamtap_sink_broken.so", "x");
    CU_ASSERT_TRUE_FATAL(files_plugin("sink", "b", "") && files_plugin("sink", "a", "") &&
                         files_plugin("filter", "z", ""));
    struct tap_error *err = tap_error_new();
    struct tap_registry *r = tap_registry_new(files_here());
    const struct tap_loaded **list;
    size_t n = tap_registry_list(r, &list, err), at = 0;
    static const char *const order[] = {"z", "a", "b"};
    for (size_t i = 0; i < n; i++)
        if (at < 3 && strncmp(list[i]->path, files_here(), strlen(files_here())) == 0) {
            CU_ASSERT_STRING_EQUAL(list[i]->plugin->name, order[at]);
            at++;
        }
    CU_ASSERT_EQUAL(at, 3);
    CU_ASSERT_EQUAL(tap_error_count(err), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(tap_error_get(err, 0)->message, "beamtap_sink_broken.so"));
    tap_registry_free(r);
    tap_error_free(err);
}

/* The program's signals are for the program; a fault of the thread's own is not. */
static void look_at_mask(void *arg)
{
    pthread_sigmask(SIG_SETMASK, NULL, arg);
}
static void a_guarded_call_takes_no_signal_of_others(void)
{
    static const int others[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGCHLD, SIGALRM, SIGPIPE};
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    struct tap_operation operation = {"create", "sink:a", "a.so", NULL};
    sigset_t there, before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    CU_ASSERT_EQUAL(tap_operation_guard(operation, look_at_mask, &there), TAP_GUARDED_DONE);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        CU_ASSERT(sigismember(&there, others[i]) &&
                  sigismember(&before, others[i]) == sigismember(&after, others[i]));
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        CU_ASSERT_FALSE(sigismember(&there, own[i]));
}

UNIT_TESTS("registry", UNIT_TEST(a_guarded_call_takes_no_signal_of_others),
           UNIT_TEST(loads_a_good_plugin), UNIT_TEST(refuses_files_that_are_no_plugins),
           UNIT_TEST(refuses_wrong_descriptors), UNIT_TEST(accepts_a_later_minor_version),
           UNIT_TEST(suggests_what_is_there), UNIT_TEST(the_first_folder_decides),
           UNIT_TEST(home_has_a_folder_too), UNIT_TEST(lists_all_but_the_broken))
