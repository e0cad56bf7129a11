/* fuzz_term.c: the printer and the interning of atoms against any bytes.
 *
 * The first byte chooses how to print, the rest is the term. With clang:
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -DTAP_LIBFUZZER -Icore
 *     -Icore/include \
 *         tests/fuzz/fuzz_term.c core/term/*.c core/names/*.c -lm -lpthread
 * Without TAP_LIBFUZZER there is a main that takes files, for a corpus or a crash with any
 * compiler.
 *
 * Held besides being within bounds: the length is the same however little room there is, what is
 * written is a prefix of the whole, it is UTF-8, a limit is kept, and tap_skip agrees on what is a
 * whole term.
 */
#include <stdio.h>
#include <stdlib.h>

#include "names/atom_cache.h"
#include "term/print.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLD(x)                                     \
    do {                                            \
        if (!(x)) {                                 \
            fprintf(stderr, "fuzz_term: %s\n", #x); \
            abort();                                \
        }                                           \
    } while (0)

static void hold_utf8(const char *s, size_t n)
{
    const uint8_t *p = (const uint8_t *)s, *end = p + n;
    while (p < end) {
        uint32_t cp;
        unsigned k = tap_utf8_decode(p, end, &cp);
        HOLD(k > 0);
        p += k;
    }
}

static void print_all_ways(const struct tap_names *names, const uint8_t *term, size_t len,
                           const struct tap_print *p)
{
    size_t n = tap_term_print(names, NULL, 0, term, len, p);
    char *whole = malloc(n + 1), *part = malloc(n / 2 + 1);
    HOLD(whole && part);
    HOLD(tap_term_print(names, whole, n, term, len, p) == n);
    hold_utf8(whole, n);
    HOLD(tap_term_print(names, part, n / 2, term, len, p) == n);
    HOLD(memcmp(whole, part, n / 2) == 0);
    HOLD(!p->limit || n <= p->limit + 3);
    struct tap_cursor c = tap_cursor(term, len);
    tap_read_version(&c);
    bool is_bad = n >= 5 && memmem(whole, n, "#Bad<", 5);
    if (!p->limit && !tap_skip(&c))
        HOLD(is_bad);
    free(part);
    free(whole);
}

static void intern_all(struct tap_intern *in, struct tap_atom_cache *cache, const uint8_t *data,
                       size_t size)
{
    const struct tap_names *names = tap_intern_names(in);
    for (size_t i = 0; i < size; i++) {
        struct tap_cursor a = tap_cursor(data + i, size - i), b = a;
        uint32_t id = tap_intern_atom(cache, &a), again = tap_intern_atom(cache, &b);
        HOLD(id == again && a.bad == b.bad && a.p == b.p);
        if (!id)
            continue;
        const struct tap_name *n = &names->chunks[id / TAP_NAME_CHUNK][id % TAP_NAME_CHUNK];
        HOLD(n->id == id && tap_intern_name(in, n->text, n->len) == id);
        hold_utf8(n->text, n->len);
        hold_utf8(n->atom, n->atom_len);
        hold_utf8(n->json, n->json_len);
        hold_utf8(n->elixir, n->elixir_len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct tap_intern *in = tap_intern_new(1000);
    struct tap_atom_cache *cache = tap_atom_cache_new(in);
    HOLD(in);
    struct tap_print p = {.syntax = data[0] & 1 ? TAP_PRINT_ELIXIR : TAP_PRINT_ERLANG,
                          .json = data[0] & 2,
                          .printable_unicode = data[0] & 4,
                          .limit = data[0] >> 3,
                          .node_name = tap_intern_name(in, "a@b", 3)};
    print_all_ways(tap_intern_names(in), data + 1, size - 1, &p);
    intern_all(in, cache, data + 1, size - 1);
    tap_atom_cache_free(cache);
    tap_intern_free(in);
    return 0;
}

#ifndef TAP_LIBFUZZER
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        if (!f) {
            perror(argv[i]);
            return 1;
        }
        size_t cap = 1 << 20, n = 0, got;
        uint8_t *data = malloc(cap);
        while (data && (got = fread(data + n, 1, cap - n, f)) > 0)
            if ((n += got) == cap)
                data = realloc(data, cap *= 2);
        fclose(f);
        if (!data)
            return 1;
        LLVMFuzzerTestOneInput(data, n);
        free(data);
    }
    return 0;
}
#endif
