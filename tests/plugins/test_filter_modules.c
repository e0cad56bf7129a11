/* filter:modules: what names mean, what is claimed, what passes. */
#include "filters/modules/plugin.c"

#include "fake_host.h"

static void *modules(const char *const *names)
{
    static struct tap_text items[16];
    static struct tap_modules_settings settings;
    settings.modules = fake_list(items, names);
    return fake_create(&settings);
}
#define MODULES(...) modules((const char *const[]){__VA_ARGS__, NULL})

static void claims_modules(void)
{
    static const struct {
        const char *written, *claimed;
        bool named;
    } cases[] = {{"shop_cart", "shop_cart", true},
                 {"shop_*", "shop_*", false},
                 {"?ets", "?ets", false},
                 {"Shop.Cart", "Elixir.Shop.Cart", true},
                 {"Shop", "Elixir.Shop", true},
                 {"Shop.*", "Elixir.Shop.*", false},
                 {"Elixir.Shop.*", "Elixir.Shop.*", false},
                 {"'Elixir.Shop.Cart'", "Elixir.Shop.Cart", true},
                 {"'hello world'", "hello world", true},
                 {"'it\\'s'", "it's", true},
                 {"*", "*", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *m = MODULES(cases[i].written);
        CU_ASSERT_FATAL(m != NULL && fake.claim_count == 1);
        CU_ASSERT_STRING_EQUAL(fake.claims[0].module, cases[i].claimed);
        CU_ASSERT(fake.claims[0].function == NULL && fake.claims[0].arity == -1 &&
                  fake.claims[0].spec == NULL);
        CU_ASSERT(fake.claims[0].flags == (TAP_PLAN_EXACT | (cases[i].named ? TAP_PLAN_NAMED : 0)));
        modules_destroy(m);
    }
}

static void refuses_what_is_no_name(void)
{
    static const struct {
        const char *written, *message;
    } cases[] = {{"shop cart", "4: this character"},
                 {"'shop", "5: the closing"},
                 {"'a'b", "3: nothing may"},
                 {"''", "0: the name is empty"},
                 {"shop:add/2", "4: modules are named here; a function goes"},
                 {"shop_\xFF", "5: this byte is not UTF-8"},
                 {"sh\xC3p", "2: this byte"},
                 {"'a\xED\xA0\x80'", "2: this byte"}, /* half of a pair of UTF-16 */
                 {"'a\\\xFF'", "3: this byte"},
                 {"9lives", "0: a name that"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT(MODULES(cases[i].written) == NULL);
        CU_ASSERT(strncmp(fake.messages[0], cases[i].message, strlen(cases[i].message)) == 0);
        if (strncmp(fake.messages[0], cases[i].message, strlen(cases[i].message)) != 0)
            printf("# %s: %s\n", cases[i].written, fake.messages[0]);
    }
    CU_ASSERT(MODULES("a b", "fine", "c d") == NULL);
    CU_ASSERT(fake.message_count == 2); /* every mistake in one pass */
}

/* Characters are counted, whatever bytes they take. */
static void a_name_has_255_characters(void)
{
    static const char *const units[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\\'"};
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++)
        for (unsigned n = 255; n <= 256; n++) {
            char text[1100] = "'", *p = text + 1;
            for (unsigned i = 0; i < n; i++)
                p = stpcpy(p, units[u]);
            strcpy(p, "'");
            void *m = MODULES(text);
            CU_ASSERT((m != NULL) == (n == 255));
            char said[64];
            size_t at = 1 + 255 * strlen(units[u]) + (units[u][0] == '\\');
            snprintf(said, sizeof said, "%zu: a name has at most 255 characters", at);
            if (n > 255)
                CU_ASSERT_STRING_EQUAL(fake.messages[0], said);
            modules_destroy(m);
        }
    char alias[260] = "S";
    memset(alias + 1, 'a', 248); /* with Elixir. in front 256 */
    CU_ASSERT(MODULES(alias) == NULL);
    alias[248] = 0;
    void *m = MODULES(alias);
    CU_ASSERT_PTR_NOT_NULL(m);
    modules_destroy(m);
}

static void judges_calls_by_module(void)
{
    static const unsigned judged[] = {TAP_FUNCTION_CALL, TAP_FUNCTION_RETURN,
                                      TAP_FUNCTION_EXCEPTION, TAP_FUNCTION_COUNTERS};
    void *m = MODULES("shop_*", "Shop.Cart", "lists");
    for (int round = 0; round < 2; round++) { /* the second time from memory */
        static const char *const names[] = {
            "shop_cart",          "shop",  "shop_", "Elixir.Shop.Cart",
            "Elixir.Shop.Cart.X", "lists", "list",  "xshop_y"};
        for (size_t k = 0; k < 4; k++) {
            for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
                batch_add(judged[k], 1)->module = fake_name(names[i]);
            CU_ASSERT_STRING_EQUAL(fake_filter(m), "+-++-+--");
        }
    }
    for (unsigned kind = 0; kind < TAP_KIND_COUNT; kind++)
        if (kind > TAP_FUNCTION_EXCEPTION && kind != TAP_FUNCTION_COUNTERS)
            batch_add(kind, 1)->module = fake_name("other");
    CU_ASSERT(strchr(fake_filter(m), '-') == NULL);
    modules_destroy(m);
}

/* Globs against the plainest matcher there is. */
static bool slow_glob(const char *g, const char *t)
{
    if (*g == '*')
        return slow_glob(g + 1, t) || (*t && slow_glob(g, t + 1));
    return *g == 0 ? *t == 0 : *t && (*g == '?' || *g == *t) && slow_glob(g + 1, t + 1);
}
static void globs_match_as_defined(void)
{
    unsigned seed = 1, wrong = 0;
    for (int i = 0; i < 200000; i++) {
        char glob[8] = "", text[8] = "";
        for (int k = 0, n = rand_r(&seed) % 7; k < n; k++)
            glob[k] = "ab*?"[rand_r(&seed) % 4];
        for (int k = 0, n = rand_r(&seed) % 7; k < n; k++)
            text[k] = "ab"[rand_r(&seed) % 2];
        wrong += slow_glob(glob, text) != tap_glob_matches(glob, text);
    }
    CU_ASSERT(wrong == 0);
    CU_ASSERT(tap_glob_matches("a?b", "a\xC3\xA9"
                                      "b"));
    CU_ASSERT(!tap_glob_matches("a??b", "a\xC3\xA9"
                                        "b"));
}

UNIT_TESTS("filter_modules", UNIT_TEST(claims_modules), UNIT_TEST(refuses_what_is_no_name),
           UNIT_TEST(a_name_has_255_characters), UNIT_TEST(judges_calls_by_module),
           UNIT_TEST(globs_match_as_defined))
