/* Names: ids, forms, the cache in front, many threads, and a table that is full. */
#include "beamtap/term_write.h"
#include "names/atom_cache.h"
#include "term/print.h"
#include "unit.h"

#include <pthread.h>
#include <time.h>

static const struct tap_name *get(struct tap_intern *in, uint32_t id)
{
    return &tap_intern_names(in)->chunks[id / TAP_NAME_CHUNK][id % TAP_NAME_CHUNK];
}
static uint32_t put(struct tap_intern *in, const char *s)
{
    return tap_intern_name(in, s, strlen(s));
}
static uint32_t atom(struct tap_atom_cache *cache, const void *bytes, size_t n)
{
    /* of exactly that size, so that a sanitizer sees what reads over it */
    uint8_t *copy = malloc(n);
    memcpy(copy, bytes, n);
    struct tap_cursor c = tap_cursor(copy, n);
    uint32_t id = tap_intern_atom(cache, &c);
    CU_ASSERT(c.bad ? id == 0 : c.p == copy + n);
    free(copy);
    return id;
}

/* More atoms than there are places at first, short and long, each with others behind it: an id is
 * always that name's. */
static void a_hundred_thousand_atoms_keep_their_ids(void)
{
    struct tap_intern *in = tap_intern_new(0);
    struct tap_atom_cache *cache = tap_atom_cache_new(in);
    const unsigned count = 100000;
    uint32_t *ids = calloc(2 * count, sizeof *ids);
    for (unsigned round = 0; round < 3; round++) {
        unsigned wrong = 0;
        for (unsigned i = 0; i < 2 * count; i++) {
            char text[64];
            struct tap_buf b = {0};
            snprintf(text, sizeof text, i % 2 ? "Elixir.Shop.Module.Of.Many%06u.End" : "f_%u",
                     i / 2);
            if (i % 6 < 3)
                tap_write_atom(&b, text);
            else { /* as older nodes write it */
                tap_write_u8(&b, TAP_EXT_ATOM), tap_write_u8(&b, 0),
                    tap_write_u8(&b, (unsigned)strlen(text));
                tap_buf_put(&b, text, strlen(text));
            }
            size_t len = b.len;
            tap_buf_put(&b, "what comes behind it", 20);
            struct tap_cursor c = tap_cursor(b.data, b.len);
            uint32_t id = tap_intern_atom(cache, &c);
            wrong += c.p != b.data + len || !id || (round && ids[i] != id) ||
                     strcmp(get(in, id)->text, text) != 0;
            ids[i] = id;
            tap_buf_free(&b);
        }
        CU_ASSERT_EQUAL(wrong, 0);
    }
    free(ids);
    tap_atom_cache_free(cache);
    tap_intern_free(in);
}

/* In latin1 these bytes are two characters, in UTF-8 one: both encodings of an atom may be there,
 * short and long. */
static void latin1_and_utf8_are_told_apart(void)
{
    struct tap_intern *in = tap_intern_new(0);
    struct tap_atom_cache *cache = tap_atom_cache_new(in);
    const char *const texts[] = {"\xC3\xA9", "caf\xC3\xA9@n",
                                 "a_name_that_is_long_enough_\xC3\xA9"};
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            struct tap_buf utf8 = {0}, latin1 = {0};
            tap_write_atom(&utf8, texts[i]);
            tap_write_u8(&latin1, TAP_EXT_SMALL_ATOM),
                tap_write_u8(&latin1, (unsigned)strlen(texts[i]));
            tap_buf_put(&latin1, texts[i], strlen(texts[i]));
            tap_buf_put(&utf8, "what comes behind", 17),
                tap_buf_put(&latin1, "what comes behind", 17);
            struct tap_cursor u = tap_cursor(utf8.data, utf8.len),
                              l = tap_cursor(latin1.data, latin1.len);
            uint32_t one = tap_intern_atom(cache, &u), two = tap_intern_atom(cache, &l);
            CU_ASSERT(one && two && one != two);
            CU_ASSERT_STRING_EQUAL(get(in, one)->text, texts[i]);
            CU_ASSERT(strstr(get(in, two)->text, "\xC3\x83\xC2\xA9") != NULL);
            tap_buf_free(&utf8), tap_buf_free(&latin1);
        }
    tap_atom_cache_free(cache);
    tap_intern_free(in);
}

/* The cache compares two words: names that differ by what is not there, or in one byte anywhere,
 * are different. */
static void near_names_are_told_apart(void)
{
    struct tap_intern *in = tap_intern_new(0);
    struct tap_atom_cache *cache = tap_atom_cache_new(in);
    char text[40];
    for (unsigned len = 1; len < 30; len++)
        for (unsigned at = 0; at < len; at++)
            for (char with = 'a'; with < 'c'; with++) {
                struct tap_buf b = {0};
                memset(text, 'a', sizeof text);
                text[at] = with, text[len] = 0;
                tap_write_atom(&b, text);
                tap_buf_put(&b, "aaaaaaaaaaaaaaaaaaaa", 20);
                for (int twice = 0; twice < 2; twice++) {
                    struct tap_cursor c = tap_cursor(b.data, b.len);
                    CU_ASSERT_STRING_EQUAL(get(in, tap_intern_atom(cache, &c))->text, text);
                }
                tap_buf_free(&b);
            }
    tap_atom_cache_free(cache);
    tap_intern_free(in);
}

static void names_have_ids_and_forms(void)
{
    struct tap_intern *in = tap_intern_new(0);
    struct tap_atom_cache *cache = tap_atom_cache_new(in);
    uint32_t cart = put(in, "Elixir.Shop.Cart"), words = put(in, "hello \"w\""), ok = put(in, "ok");
    CU_ASSERT(cart && words && ok && cart != words && words != ok);
    CU_ASSERT_EQUAL(put(in, "Elixir.Shop.Cart"), cart);
    CU_ASSERT_EQUAL(put(in, ""), 0);
    const struct tap_name *n = get(in, cart);
    CU_ASSERT_EQUAL(n->id, cart);
    CU_ASSERT_STRING_EQUAL(n->text, "Elixir.Shop.Cart");
    CU_ASSERT_STRING_EQUAL(n->atom, "'Elixir.Shop.Cart'");
    CU_ASSERT_STRING_EQUAL(n->json, "Elixir.Shop.Cart");
    CU_ASSERT_STRING_EQUAL(n->elixir, "Shop.Cart");
    n = get(in, words);
    CU_ASSERT_STRING_EQUAL(n->text, "hello \"w\"");
    CU_ASSERT_STRING_EQUAL(n->atom, "'hello \"w\"'");
    CU_ASSERT_STRING_EQUAL(n->json, "hello \\\"w\\\"");
    CU_ASSERT_STRING_EQUAL(n->elixir, ":\"hello \\\"w\\\"\"");
    CU_ASSERT(n->len == strlen(n->text) && n->atom_len == strlen(n->atom) &&
              n->json_len == strlen(n->json) && n->elixir_len == strlen(n->elixir));
    CU_ASSERT_STRING_EQUAL(get(in, ok)->atom, "ok");
    CU_ASSERT_STRING_EQUAL(get(in, 0)->atom, "");
    CU_ASSERT_STRING_EQUAL(get(in, 0)->elixir, "");
    uint32_t bad = put(in, "a\xFF");
    CU_ASSERT_STRING_EQUAL(get(in, bad)->text, "a\xEF\xBF\xBD");
    CU_ASSERT_EQUAL(put(in, "a\xEF\xBF\xBD"), bad);
    tap_atom_cache_free(cache);
    tap_intern_free(in);
}

static void atoms_are_names(void)
{
    struct tap_intern *in = tap_intern_new(0);
    struct tap_atom_cache *cache = tap_atom_cache_new(in);
    uint32_t ok = put(in, "ok"), e = put(in, "\xC3\xA9");
    for (int twice = 0; twice < 2; twice++) { /* missing the cache, and from it */
        CU_ASSERT_EQUAL(atom(cache, "w\2ok", 4), ok);
        CU_ASSERT_EQUAL(atom(cache, "s\2ok", 4), ok);
        CU_ASSERT_EQUAL(atom(cache, "v\0\2ok", 5), ok);
        CU_ASSERT_EQUAL(atom(cache, "d\0\2ok", 5), ok);
        CU_ASSERT_EQUAL(atom(cache, "s\1\xE9", 3), e);
        CU_ASSERT_EQUAL(atom(cache, "w\2\xC3\xA9", 4), e);
        CU_ASSERT_NOT_EQUAL(atom(cache, "s\2\xC3\xA9", 4), e);
        CU_ASSERT_EQUAL(atom(cache, "w\0", 2), 0);
        CU_ASSERT_EQUAL(atom(cache, "w\3ok", 4), 0);
        CU_ASSERT_EQUAL(atom(cache, "a\1", 2), 0);
        CU_ASSERT_EQUAL(atom(cache, "w", 1), 0);
    }
    /* every length, each name differing from the next in one place only: none is taken for
     * another */
    for (size_t len = 1; len <= 255; len++) {
        uint8_t b[257] = {119, (uint8_t)len};
        memset(b + 2, 'a', len);
        uint32_t plain = atom(cache, b, len + 2);
        CU_ASSERT(plain && get(in, plain)->len == len);
        for (size_t at = 0; at < len; at += 1 + len / 16) {
            b[2 + at] = 'b';
            uint32_t other = atom(cache, b, len + 2);
            CU_ASSERT(other != plain && memcmp(get(in, other)->text, b + 2, len) == 0);
            CU_ASSERT_EQUAL(atom(cache, b, len + 2), other);
            CU_ASSERT_EQUAL(tap_intern_name(in, (char *)b + 2, len), other);
            b[2 + at] = 'a';
            CU_ASSERT_EQUAL(atom(cache, b, len + 2), plain);
        }
    }
    tap_atom_cache_free(cache);
    tap_intern_free(in);
}

static void names_never_move(void)
{
    struct tap_intern *in = tap_intern_new(0);
    struct tap_atom_cache *cache = tap_atom_cache_new(in);
    uint32_t first = put(in, "first");
    const struct tap_name *name = get(in, first);
    const char *text = name->text;
    char b[32];
    for (int i = 0; i < 300000; i++) {
        snprintf(b, sizeof b, "name %d", i);
        CU_ASSERT_EQUAL(put(in, b), first + 1 + (uint32_t)i); /* dense */
    }
    CU_ASSERT(get(in, first) == name && name->text == text && strcmp(text, "first") == 0);
    for (int i = 0; i < 300000; i += 7) {
        snprintf(b, sizeof b, "name %d", i);
        CU_ASSERT_EQUAL(put(in, b), first + 1 + (uint32_t)i);
        CU_ASSERT_STRING_EQUAL(get(in, first + 1 + (uint32_t)i)->text, b);
    }
    tap_atom_cache_free(cache);
    tap_intern_free(in);
}

static void a_full_table_gives_none(void)
{
    struct tap_intern *in = tap_intern_new(3); /* the empty name is one of them */
    struct tap_atom_cache *cache = tap_atom_cache_new(in);
    uint32_t a = put(in, "a"), b = atom(cache, "w\1b", 3);
    CU_ASSERT(a && b && !tap_intern_is_full(in));
    CU_ASSERT_EQUAL(put(in, "c"), 0);
    CU_ASSERT(tap_intern_is_full(in));
    CU_ASSERT_EQUAL(atom(cache, "w\1c", 3), 0);
    CU_ASSERT_EQUAL(put(in, "a"), a);
    CU_ASSERT_EQUAL(atom(cache, "w\1b", 3), b);
    tap_atom_cache_free(cache);
    tap_intern_free(in);
}

/* An atom of so many times the same character. */
static uint32_t repeated(struct tap_atom_cache *cache, unsigned tag, const char *character,
                         unsigned times)
{
    struct tap_buf b = {0};
    size_t n = strlen(character) * times;
    tap_write_u8(&b, tag);
    if (tag == TAP_EXT_ATOM || tag == TAP_EXT_ATOM_UTF8)
        tap_write_u8(&b, (unsigned)(n >> 8));
    tap_write_u8(&b, (unsigned)(n & 255));
    for (unsigned i = 0; i < times; i++)
        tap_buf_put(&b, character, strlen(character));
    uint32_t id = atom(cache, b.data, b.len);
    tap_buf_free(&b);
    return id;
}

/* 255 characters are an atom's, however many bytes they have; one more is no atom's. Whoever prints
 * a name counts on that. */
static void an_atom_has_255_characters(void)
{
    const char *const utf8[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xFF"};
    struct tap_intern *in = tap_intern_new(0);
    struct tap_atom_cache *cache = tap_atom_cache_new(in);
    for (size_t i = 0; i < sizeof utf8 / sizeof utf8[0]; i++) {
        uint32_t most = repeated(cache, TAP_EXT_ATOM_UTF8, utf8[i], 255);
        CU_ASSERT(most && get(in, most)->len <= 1020);
        CU_ASSERT_EQUAL(repeated(cache, TAP_EXT_ATOM_UTF8, utf8[i], 256), 0);
        CU_ASSERT_EQUAL(repeated(cache, TAP_EXT_ATOM_UTF8, utf8[i], 65535 / 4), 0);
        CU_ASSERT_EQUAL(repeated(cache, TAP_EXT_ATOM_UTF8, utf8[i], 255), most);
    }
    for (int twice = 0; twice < 2; twice++) {
        uint32_t latin1 = repeated(cache, TAP_EXT_ATOM, "\xE9", 255);
        CU_ASSERT_EQUAL(latin1, repeated(cache, TAP_EXT_ATOM_UTF8, "\xC3\xA9", 255));
        CU_ASSERT_EQUAL(latin1, repeated(cache, TAP_EXT_SMALL_ATOM, "\xE9", 255));
        CU_ASSERT_EQUAL(repeated(cache, TAP_EXT_ATOM, "\xE9", 256), 0);
        CU_ASSERT_EQUAL(repeated(cache, TAP_EXT_ATOM, "a", 65535), 0);
    }
    CU_ASSERT_FALSE(tap_intern_is_full(in)); /* it is the message that is not good */
    CU_ASSERT(tap_intern_name(in, "/a/path/that/is/no/atom", 23) != 0);
    tap_atom_cache_free(cache);
    tap_intern_free(in);
}

/* An atom may have 255 characters, each of which has six in JSON: there is a bound on all of them,
 * and what was there before stays. */
static void long_names_take_bounded_memory(void)
{
    static uint8_t text[2 + UINT8_MAX] = {TAP_EXT_SMALL_ATOM_UTF8, 0xff};
    struct tap_intern *in = tap_intern_new(20000); /* 5 MB */
    struct tap_atom_cache *cache = tap_atom_cache_new(in);
    uint32_t first = put(in, "first"), known = 0;
    memset(text + 2, 1, UINT8_MAX);
    for (unsigned i = 0; i < 10000; i++) {
        text[2] = (uint8_t)('a' + i % 26);
        text[3] = (uint8_t)('a' + i / 26 % 26);
        text[4] = (uint8_t)('a' + i / 26 / 26);
        known += atom(cache, text, sizeof text) != 0;
    }
    CU_ASSERT(known > 1000 && known < 4000); /* of 1,500 bytes each, and more */
    CU_ASSERT(tap_intern_is_full(in));
    CU_ASSERT_EQUAL(put(in, "first"), first);
    tap_atom_cache_free(cache);
    tap_intern_free(in);
}

/* ---- Threads: one decodes atoms and hands ids over, others intern and read */

struct shared {
    struct tap_intern *in;
    struct tap_atom_cache *cache;
    pthread_mutex_t lock;
    uint32_t ids[20000];
    unsigned n;
    bool finished, wrong;
};

static void *decode(void *arg)
{
    struct shared *s = arg;
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t b[32] = {119};
        b[1] = (uint8_t)snprintf((char *)b + 2, sizeof b - 2, "name %u", i / 2);
        struct tap_cursor c = tap_cursor(b, b[1] + 2u);
        uint32_t id = tap_intern_atom(s->cache, &c);
        pthread_mutex_lock(&s->lock);
        s->ids[s->n++] = id;
        pthread_mutex_unlock(&s->lock);
    }
    pthread_mutex_lock(&s->lock);
    s->finished = true;
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void *read_names(void *arg)
{
    struct shared *s = arg;
    unsigned seen = 0;
    for (bool end = false; !end;) {
        pthread_mutex_lock(&s->lock);
        unsigned n = s->n;
        end = s->finished;
        pthread_mutex_unlock(&s->lock);
        for (; seen < n; seen++) {
            char want[32];
            snprintf(want, sizeof want, "'name %u'", seen / 2);
            const struct tap_name *name = get(s->in, s->ids[seen]);
            bool same = strcmp(name->atom, want) == 0;
            same = same && tap_intern_name(s->in, name->text, name->len) == name->id;
            if (!same) {
                pthread_mutex_lock(&s->lock);
                s->wrong = true;
                pthread_mutex_unlock(&s->lock);
            }
        }
        put(s->in, "of another thread");
    }
    return NULL;
}

static void threads_share_it(void)
{
    static struct shared s = {.lock = PTHREAD_MUTEX_INITIALIZER};
    s.in = tap_intern_new(0);
    s.cache = tap_atom_cache_new(s.in);
    pthread_t t[3];
    pthread_create(&t[0], NULL, decode, &s);
    pthread_create(&t[1], NULL, read_names, &s);
    pthread_create(&t[2], NULL, read_names, &s);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    CU_ASSERT_EQUAL(s.n, 20000);
    CU_ASSERT_FALSE(s.wrong);
    tap_atom_cache_free(s.cache);
    tap_intern_free(s.in);
}

/* What differs in their last characters only is spread all the same, and a thousand take no more
 * room than they need. */
static void numbered_names_are_spread(void)
{
    struct tap_intern *in = tap_intern_new(0);
    struct tap_atom_cache *cache = tap_atom_cache_new(in);
    unsigned full = 0;
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t b[32] = {119};
        b[1] = (uint8_t)snprintf((char *)b + 2, sizeof b - 2, "add_%06u", i % 1000);
        struct tap_cursor c = tap_cursor(b, sizeof b);
        CU_ASSERT_NOT_EQUAL(tap_intern_atom(cache, &c), 0);
    }
    for (uint32_t i = 0; i < cache->count; i++)
        full += cache->buckets[i].id[TAP_ATOM_WAYS - 1] != 0;
    CU_ASSERT_EQUAL(cache->used, 1000);
    CU_ASSERT(cache->count <= 1024);
    CU_ASSERT(full < cache->count / 8);
    tap_atom_cache_free(cache);
    tap_intern_free(in);
}

/* More than there are places for: each has its id all the same, again and again. */
static void more_names_than_places(void)
{
    struct tap_intern *in = tap_intern_new(0);
    struct tap_atom_cache *cache = tap_atom_cache_new(in);
    static uint32_t ids[300000];
    unsigned wrong = 0;
    for (unsigned i = 0; i < 900000; i++) {
        uint8_t b[32] = {119};
        unsigned n = i % 300000;
        b[1] = (uint8_t)snprintf((char *)b + 2, sizeof b - 2, "add_%06u", n);
        struct tap_cursor c = tap_cursor(b, sizeof b);
        uint32_t id = tap_intern_atom(cache, &c);
        if (i < 300000)
            ids[n] = id;
        wrong += !id || id != ids[n] || c.p != b + 12;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    tap_atom_cache_free(cache);
    tap_intern_free(in);
}

#define PAIRS 15
/* 32,768 names of 15 times 16 characters. Where `chosen` they differ in bits that a mixing by a
 * known product leaves where they were: the first half of sixteen characters makes the difference,
 * the second takes it away again. Else they differ in two characters that do not. */
static double intern_many(bool chosen)
{
    struct tap_intern *in = tap_intern_new(0);
    char text[16 * PAIRS];
    double begun = cpu_seconds();
    for (uint32_t i = 0; i < 1u << PAIRS; i++) {
        memset(text, 'a', sizeof text);
        for (unsigned k = 0; k < PAIRS; k++) {
            char *pair = text + 16 * k;
            if (i >> k & 1)
                pair[4] ^= 4, pair[8] ^= chosen ? 4 : 2, pair[12] ^= chosen ? 4 : 0;
        }
        CU_ASSERT_EQUAL(tap_intern_name(in, text, sizeof text), i + 1);
    }
    tap_intern_free(in);
    return cpu_seconds() - begun;
}

/* A node says what its functions are called: it cannot choose names that all want one place. */
static void chosen_names_cost_no_more_than_others(void)
{
    double others = intern_many(false);
    CU_ASSERT(intern_many(true) < 10 * others + 0.1);
}

static void tells_its_speed(void)
{
    struct tap_intern *in = tap_intern_new(0);
    struct tap_atom_cache *cache = tap_atom_cache_new(in);
    static uint8_t bytes[300 * 16];
    size_t n = 0;
    uint32_t first = 0;
    for (int i = 0; i < 300; i++) {
        int k = snprintf((char *)bytes + n + 2, 14, "fun_%d", i);
        bytes[n] = 119;
        bytes[n + 1] = (uint8_t)k;
        n += (size_t)k + 2;
    }
    struct timespec a, b;
    uint64_t sum = 0;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int round = 0; round < 10000; round++) {
        struct tap_cursor c = tap_cursor(bytes, n);
        while (c.p < c.end)
            sum += tap_intern_atom(cache, &c);
        first = round == 0 ? (uint32_t)sum : first;
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    CU_ASSERT_EQUAL(sum, 10000 * (uint64_t)first);
    printf("# atom from the cache: %.1f ns\n",
           ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / 3e6);
    tap_atom_cache_free(cache);
    tap_intern_free(in);
}

UNIT_TESTS("intern", UNIT_TEST(a_hundred_thousand_atoms_keep_their_ids),
           UNIT_TEST(near_names_are_told_apart), UNIT_TEST(latin1_and_utf8_are_told_apart),
           UNIT_TEST(names_have_ids_and_forms), UNIT_TEST(atoms_are_names),
           UNIT_TEST(names_never_move), UNIT_TEST(a_full_table_gives_none),
           UNIT_TEST(an_atom_has_255_characters), UNIT_TEST(long_names_take_bounded_memory),
           UNIT_TEST(threads_share_it), UNIT_TEST(numbered_names_are_spread),
           UNIT_TEST(more_names_than_places), UNIT_TEST(chosen_names_cost_no_more_than_others),
           UNIT_TEST(tells_its_speed))
