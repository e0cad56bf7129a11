/* nodes.c: `beamtap nodes NODE`: the cluster as that node sees it: releases, and who is tracing
 * already.
 *
 * The node is asked first, then those that it sees. Hidden nodes are listed and, unless it is
 * wished, not asked: most of them are tools (another beamtap, a remote shell), and a C node cannot
 * answer.
 */
#include <string.h>

#include "cli/query.h"
#include "cli/cli.h"

#define SHOWN 5

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "";
}

static bool is_set(const cJSON *object, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static int number_of(const cJSON *object, const char *key)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(n) ? n->valueint : 0;
}

/* Separates what is said of a node. */
static void next(int *said)
{
    fputs((*said)++ ? "; " : "", stdout);
}

static void print_list(const cJSON *list, const char *what, int *said)
{
    if (cJSON_GetArraySize(list) == 0)
        return;
    next(said);
    fputs(what, stdout);
    tap_query_list(list, SHOWN, stdout);
}

static void print_tracing(const cJSON *info)
{
    static const struct {
        const char *key, *text;
    } shared[] = {{"sends", "send"}, {"receives", "receive"}, {"on_load", "modules to come"}};
    int said = 0;
    print_list(cJSON_GetObjectItemCaseSensitive(info, "run_texts"), "beamtap run ", &said);
    print_list(cJSON_GetObjectItemCaseSensitive(info, "tracer_texts"), "traced by ", &said);
    print_list(cJSON_GetObjectItemCaseSensitive(info, "sessions"), "trace session ", &said);
    if (is_set(info, "new"))
        next(&said), fputs("new processes are traced", stdout);
    if (number_of(info, "patterns"))
        next(&said), printf("patterns of others on %d functions", number_of(info, "patterns"));
    if (number_of(info, "beamtap_patterns"))
        next(&said),
            printf("patterns of beamtap on %d functions", number_of(info, "beamtap_patterns"));
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++)
        if (is_set(info, shared[i].key))
            next(&said), printf("a pattern on %s", shared[i].text);
    puts(said ? "" : "nobody traces");
}

/* One line a node; NULL info: it was asked and did not answer, or was not asked. */
static void print_node(const char *name, const cJSON *info, const char *why)
{
    printf("%-32s ", name);
    if (info) {
        printf("OTP %-4s ", text_of(info, "release"));
        print_tracing(info);
        tap_query_stays(info);
    } else {
        printf("OTP ?    %s\n", why);
    }
}

/* Adds the names of a list to "a,b,c", without the first node's own. */
static void add_names(const cJSON *list, const char *own, char *names, size_t cap)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const char *name = cJSON_GetStringValue(item);
        size_t len = strlen(names);
        if (name && strcmp(name, own) != 0 && len + strlen(name) + 2 < cap)
            snprintf(names + len, cap - len, "%s%s", len ? "," : "", name);
    }
}

static void print_seen(const cJSON *list, const cJSON *answers, bool asked)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const char *name = cJSON_GetStringValue(item);
        if (name)
            print_node(name, cJSON_GetObjectItemCaseSensitive(answers, name),
                       asked ? "did not answer" : "hidden, and not asked (--hidden asks)");
    }
}

static int nodes_ask(const char *seed, const struct tap_cli_args *args, bool hidden, cJSON *answers,
                     struct tap_error *err)
{
    char names[65536] = "";
    int code = tap_query_ask(seed, args->sets, args->set_count, "info", answers, err);
    const cJSON *first = answers->child;
    if (!first)
        return code;
    add_names(cJSON_GetObjectItemCaseSensitive(first, "visible"), seed, names, sizeof names);
    if (hidden)
        add_names(cJSON_GetObjectItemCaseSensitive(first, "hidden"), seed, names, sizeof names);
    if (names[0])
        code = tap_query_ask(names, args->sets, args->set_count, "info", answers, err);
    return code;
}

static void nodes_print(const cJSON *answers, bool hidden)
{
    const cJSON *first = answers->child;
    if (!first)
        return;
    print_node(first->string, first, "");
    print_seen(cJSON_GetObjectItemCaseSensitive(first, "visible"), answers, true);
    print_seen(cJSON_GetObjectItemCaseSensitive(first, "hidden"), answers, hidden);
}

int tap_cli_nodes(int argc, char **argv)
{
    const char *words[argc], *sets[argc];
    struct tap_cli_args args = {.words = words, .sets = sets};
    bool json = false, hidden = false;
    const struct tap_cli_flag flags[] = {{"--json", &json}, {"--hidden", &hidden}, {NULL, NULL}};
    if (!tap_cli_read(argc, argv, flags, 1, 1, &args))
        return 2;
    if (strchr(words[0], ',')) {
        fputs("beamtap nodes: give the name of one node; it knows the others\n", stderr);
        return 2;
    }
    struct tap_error *err = tap_error_new();
    cJSON *answers = cJSON_CreateObject();
    if (!err || !answers) {
        fputs("beamtap: out of memory\n", stderr);
        return 1;
    }
    int code = nodes_ask(words[0], &args, hidden, answers, err);
    if (json) {
        char *text = cJSON_Print(answers);
        puts(text ? text : "{}");
        cJSON_free(text);
    } else {
        nodes_print(answers, hidden);
    }
    tap_error_print(err, stderr);
    cJSON_Delete(answers);
    tap_error_free(err);
    return tap_cli_flush(code);
}
