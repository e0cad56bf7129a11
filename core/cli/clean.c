/* clean.c: `beamtap clean NODE`: takes away what a dead run left in a node, and says what it was.
 *
 * A run whose guardians live is left alone: its lease ends it, and it may be someone's who works.
 * What other tools have set is never touched.
 */
#include "cli/query.h"
#include "cli/cli.h"

struct finding {
    const char *key, *one, *several;
};
static const struct finding findings[] = {
    {"function_texts", "the trace pattern of", "the trace patterns of"},
    {"messages", "the pattern on", "the patterns on"},
    {"on_load", "the pattern on", "the patterns on"},
    {"sessions", "the trace session", "the trace sessions"},
    {"modules", "the module", "the modules"},
};

static int print_findings(const cJSON *answer)
{
    int lines = 0;
    for (size_t i = 0; i < sizeof findings / sizeof findings[0]; i++) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(answer, findings[i].key);
        int n = cJSON_GetArraySize(list);
        if (n == 0)
            continue;
        lines++;
        printf("  removed: %s ", n == 1 ? findings[i].one : findings[i].several);
        tap_query_list(list, 10, stdout);
        putchar('\n');
    }
    const cJSON *relays = cJSON_GetObjectItemCaseSensitive(answer, "relays");
    if (cJSON_IsNumber(relays) && relays->valueint > 0) {
        lines++;
        printf("  removed: %d process%s with the flags that it had set\n", relays->valueint,
               relays->valueint == 1 ? "" : "es");
    }
    return lines;
}

static void print_answer(const cJSON *answer)
{
    printf("%s:\n", answer->string);
    const cJSON *living = cJSON_GetObjectItemCaseSensitive(answer, "living");
    if (print_findings(answer) == 0)
        puts("  nothing was left by a dead run");
    tap_query_stays(answer);
    if (cJSON_GetArraySize(living) == 0)
        return;
    fputs("  left alone, for it is alive and ends with its lease: run ", stdout);
    tap_query_list(living, 10, stdout);
    putchar('\n');
}

int tap_cli_clean(int argc, char **argv)
{
    const char *words[argc], *sets[argc];
    struct tap_cli_args args = {.words = words, .sets = sets};
    bool json = false;
    const struct tap_cli_flag flags[] = {{"--json", &json}, {NULL, NULL}};
    if (!tap_cli_read(argc, argv, flags, 1, 1, &args))
        return 2;
    struct tap_error *err = tap_error_new();
    cJSON *answers = cJSON_CreateObject();
    if (!err || !answers) {
        fputs("beamtap: out of memory\n", stderr);
        return 1;
    }
    int code = tap_query_ask(words[0], sets, args.set_count, "clean", answers, err);
    const cJSON *answer;
    if (json) {
        char *text = cJSON_Print(answers);
        puts(text ? text : "{}");
        cJSON_free(text);
    } else {
        cJSON_ArrayForEach(answer, answers) print_answer(answer);
    }
    tap_error_print(err, stderr);
    cJSON_Delete(answers);
    tap_error_free(err);
    return tap_cli_flush(code);
}
