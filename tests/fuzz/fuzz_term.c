/* fuzz_term.c: the printer and the interning of atoms against any bytes.
 *
 * The first byte chooses how to print, the rest is the term. Held besides being within bounds: the
 * length is the same however little room there is, what is written is a prefix of the whole, it is
 * UTF-8, a limit is kept, and tap_skip agrees on what is a whole term.
 */
#include "base/utf8.h"
#include "names/atom_cache.h"
#include "term/print.h"
#include "terms.h"

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

bool fuzz_seed(unsigned number, struct tap_buf *b)
{
    uint64_t state = number + 1;
    for (int i = 0; i < 20; i++)
        fuzz_random(&state);
    tap_write_u8(b, number & 7);
    fuzz_term(b, &state, 1 + number % 6);
    return number < 400 && !b->oom;
}
