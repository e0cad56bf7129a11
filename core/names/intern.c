/* intern.c: every atom of a run once, by a small number, with the forms that sinks write made in
 * advance.
 *
 * Names lie in chunks of 4,096 that never move, their characters in blocks that never move: a
 * reader needs no lock for an id it was given. Finding a name by its characters is a hash table
 * under a mutex. The decoder meets the same few hundred atoms again and again, and has a cache of
 * its own in front of this (atom_cache.h).
 */
#include "names/intern.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "term/fast_path.h"
#include "term/print.h"
#include "base/utf8.h"

#define DEFAULT_NAMES (1u << 20)
#define BLOCK (64u << 10)
#define NAME_BYTES 256u /* of all forms of a name, on the average at the most: 256 MiB in all */

/* id 0: free. */
struct slot {
    uint32_t hash, id;
};

struct block {
    struct block *next;
    char data[];
};

struct tap_intern {
    uint64_t secret[2];
    pthread_mutex_t lock; /* guards all below */
    struct tap_name **chunks;
    struct tap_names names;
    uint32_t count, max;
    struct slot *table; /* open addressing, at most half full */
    uint32_t table_size;
    struct block *blocks;
    char *room;
    size_t room_left;
    size_t bytes;     /* of all forms of all names */
    atomic_bool full; /* a name was turned away: also read without the lock */
};

/* All bytes count. Names come from nodes: which of them share a place nobody there can tell. */
static uint64_t hash_text(const uint64_t secret[2], const char *text, size_t n)
{
    const uint8_t *p = (const uint8_t *)text;
    uint64_t h = secret[0] ^ n, last = 0;
    for (; n >= 8; n -= 8, p += 8)
        h = tap_fold64(h ^ tap_word64(p), secret[1]);
    memcpy(&last, p, n);
    return tap_fold64(h ^ last, secret[1]);
}

/* ---- Names (under the lock) */

static const struct tap_name *name_at(const struct tap_intern *in, uint32_t id)
{
    return &in->chunks[id / TAP_NAME_CHUNK][id % TAP_NAME_CHUNK];
}

/* Memory for the characters of a name, as long as the table lives. */
static char *keep(struct tap_intern *in, size_t n)
{
    if (n > (size_t)in->max * NAME_BYTES - in->bytes)
        return NULL;
    if (n > in->room_left) {
        size_t size = n > BLOCK / 4 ? n : BLOCK;
        struct block *b = malloc(sizeof *b + size);
        if (!b)
            return NULL;
        b->next = in->blocks;
        in->blocks = b;
        /* a large one has a block of its own; the rest of the current one is still good */
        if (size == n) {
            in->bytes += n;
            return b->data;
        }
        in->room = b->data;
        in->room_left = size;
    }
    char *p = in->room;
    in->room += n;
    in->room_left -= n;
    in->bytes += n;
    return p;
}

/* Which printer makes a form. */
enum form { FORM_ATOM, FORM_JSON, FORM_ELIXIR, FORM_REMOTE };

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* The name of a fun, as the compiler makes it: -day/1-fun-0-, -OUTER/ARITY-WHAT-NUMBER-, where no
 * dash and no slash stands in the last three, and the arity is a plain word (what Elixir takes for
 * one, Exception.format_mfa, is a little more). The length of the outer function's name; SIZE_MAX:
 * it is none. */
static size_t outer_len(const char *text, size_t len, const char **arity, size_t *arity_len)
{
    if (len < 4 || text[0] != '-' || text[len - 1] != '-')
        return SIZE_MAX;
    const char *slash = memrchr(text, '/', len), *from = slash ? slash + 1 : text + 1;
    size_t dashes = 0;
    for (const char *p = from; p < text + len; p++)
        dashes += *p == '-';
    if (dashes != 3)
        return SIZE_MAX;
    *arity = from;
    *arity_len = (size_t)((const char *)memchr(from, '-', (size_t)(text + len - from)) - from);
    for (size_t i = 0; i < *arity_len; i++)
        if (!is_plain(from[i])) /* whatever a node calls so: it is copied as it is */
            return SIZE_MAX;
    return slash ? (size_t)(slash - text - 1) : 0;
}

/* add; of a fun day/1 */
static size_t print_remote(char *dst, size_t cap, const char *text, size_t len)
{
    const char *arity = NULL;
    size_t arity_len = 0, outer = outer_len(text, len, &arity, &arity_len);
    if (outer == SIZE_MAX)
        return tap_atom_print_remote(dst, cap, text, len);
    size_t n = tap_atom_print_remote(dst, cap, text + 1, outer), need = n + 1 + arity_len;
    if (need <= cap) {
        dst[n] = '/';
        memcpy(dst + n + 1, arity, arity_len);
    }
    return need;
}

static size_t print_form(char *dst, size_t cap, const char *text, uint32_t len, enum form form)
{
    if (form == FORM_REMOTE)
        return print_remote(dst, cap, text, len);
    return form == FORM_JSON
               ? tap_json_escape(dst, cap, text, len)
               : tap_atom_print(dst, cap, text, len,
                                form == FORM_ATOM ? TAP_PRINT_ERLANG : TAP_PRINT_ELIXIR);
}

/* Many names are the same in several forms: those share their characters. */
static bool make_form(struct tap_intern *in, const struct tap_name *name, enum form form,
                      const char **out, uint32_t *out_len)
{
    char small[256];
    size_t n = print_form(small, sizeof small, name->text, name->len, form);
    *out_len = (uint32_t)n;
    if (n == name->len && n <= sizeof small && memcmp(small, name->text, n) == 0) {
        *out = name->text;
        return true;
    }
    char *p = keep(in, n + 1);
    if (!p)
        return false;
    print_form(p, n, name->text, name->len, form);
    p[n] = 0;
    *out = p;
    return true;
}

/* Small letters, digits and underscores stand for themselves in all forms, but for a colon in front
 * in Elixir; not its three atoms that have none. */
static bool is_simple(const char *text, size_t len)
{
    static const char *const bare[] = {"nil", "true", "false"};
    if (!tap_atom_is_bare(text, len, false))
        return false;
    for (size_t i = 0; i < sizeof bare / sizeof bare[0]; i++)
        if (strlen(bare[i]) == len && memcmp(bare[i], text, len) == 0)
            return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] == '@' || (text[i] >= 'A' && text[i] <= 'Z'))
            return false;
    return true;
}

static bool fill_name(struct tap_intern *in, struct tap_name *name, uint32_t id, const char *text,
                      size_t len)
{
    char *copy = keep(in, len + 2), *colon = copy;
    if (!copy)
        return false;
    *copy++ = ':';
    memcpy(copy, text, len);
    copy[len] = 0;
    uint32_t n = (uint32_t)len;
    struct tap_name made = {.id = id, .len = n, .text = copy};
    if (id == 0) { /* no name: no quotes either */
        made.atom = made.json = made.elixir = made.remote = copy;
    } else if (is_simple(text, len)) {
        made.atom = made.json = made.remote = copy;
        made.elixir = colon;
        made.atom_len = made.json_len = made.remote_len = n;
        made.elixir_len = n + 1;
    } else if (!make_form(in, &made, FORM_ATOM, &made.atom, &made.atom_len) ||
               !make_form(in, &made, FORM_JSON, &made.json, &made.json_len) ||
               !make_form(in, &made, FORM_ELIXIR, &made.elixir, &made.elixir_len) ||
               !make_form(in, &made, FORM_REMOTE, &made.remote, &made.remote_len)) {
        return false;
    }
    made.is_fun = outer_len(text, len, &(const char *){NULL}, &(size_t){0}) != SIZE_MAX;
    *name = made;
    return true;
}

static bool grow_table(struct tap_intern *in)
{
    uint32_t size = in->table_size ? 2 * in->table_size : 1024;
    struct slot *table = calloc(size, sizeof *table);
    if (!table)
        return false;
    for (uint32_t i = 0; i < in->table_size; i++) {
        if (!in->table[i].id)
            continue;
        uint32_t at = in->table[i].hash & (size - 1);
        while (table[at].id)
            at = (at + 1) & (size - 1);
        table[at] = in->table[i];
    }
    free(in->table);
    in->table = table;
    in->table_size = size;
    return true;
}

static uint32_t add_name(struct tap_intern *in, struct slot *slot, uint32_t hash, const char *text,
                         size_t len)
{
    uint32_t id = in->count;
    if (id >= in->max)
        return 0;
    struct tap_name **chunk = &in->chunks[id / TAP_NAME_CHUNK];
    if (!*chunk && !(*chunk = calloc(TAP_NAME_CHUNK, sizeof **chunk)))
        return 0;
    if (!fill_name(in, &(*chunk)[id % TAP_NAME_CHUNK], id, text, len))
        return 0;
    in->count++;
    *slot = (struct slot){hash, id};
    return id;
}

/* `text` is valid UTF-8, not empty. */
static uint32_t find_or_add(struct tap_intern *in, const char *text, size_t len)
{
    uint32_t hash = (uint32_t)hash_text(in->secret, text, len), id = 0;
    pthread_mutex_lock(&in->lock);
    if (2 * (uint64_t)in->count < in->table_size || grow_table(in)) {
        uint32_t at = hash & (in->table_size - 1);
        for (;; at = (at + 1) & (in->table_size - 1)) {
            struct slot *slot = &in->table[at];
            if (!slot->id) {
                id = add_name(in, slot, hash, text, len);
                break;
            }
            if (slot->hash != hash)
                continue;
            const struct tap_name *n = name_at(in, slot->id);
            if (n->len == len && memcmp(n->text, text, len) == 0) {
                id = n->id;
                break;
            }
        }
    }
    if (!id)
        atomic_store_explicit(&in->full, true, memory_order_relaxed);
    pthread_mutex_unlock(&in->lock);
    return id;
}

/* ---- The public functions */

struct tap_intern *tap_intern_new(uint32_t max_names)
{
    struct tap_intern *in = calloc(1, sizeof *in);
    if (!in)
        return NULL;
    in->max = max_names ? max_names : DEFAULT_NAMES;
    for (size_t i = 0; i < sizeof in->secret / sizeof in->secret[0]; i++)
        in->secret[i] = tap_hash_secret(&in->secret[i]);
    pthread_mutex_init(&in->lock, NULL);
    in->chunks = calloc(in->max / TAP_NAME_CHUNK + 1, sizeof(struct tap_name *));
    if (!in->chunks || !grow_table(in) ||
        !(in->chunks[0] = calloc(TAP_NAME_CHUNK, sizeof(struct tap_name))) ||
        !fill_name(in, &in->chunks[0][0], 0, "", 0)) {
        tap_intern_free(in);
        return NULL;
    }
    in->count = 1;
    in->names = (struct tap_names){.struct_size = sizeof in->names,
                                   .name_size = sizeof(struct tap_name),
                                   .chunks = (const struct tap_name *const *)in->chunks};
    return in;
}

void tap_intern_free(struct tap_intern *in)
{
    if (!in)
        return;
    for (uint32_t i = 0; in->chunks && i <= in->max / TAP_NAME_CHUNK; i++)
        free(in->chunks[i]);
    free(in->chunks);
    while (in->blocks) {
        struct block *b = in->blocks;
        in->blocks = b->next;
        free(b);
    }
    free(in->table);
    pthread_mutex_destroy(&in->lock);
    free(in);
}

bool tap_intern_is_full(const struct tap_intern *in)
{
    return atomic_load_explicit(&in->full, memory_order_relaxed);
}

const struct tap_names *tap_intern_names(const struct tap_intern *in)
{
    return &in->names;
}

/* As UTF-8: latin1 is converted, what is not a character becomes U+FFFD. */
static uint32_t intern_converted(struct tap_intern *in, const char *text, size_t len, bool latin1)
{
    char small[1024], *dst = small;
    size_t n = 0;
    if (len == 0)
        return 0;
    if (len > sizeof small / 3 && !(dst = malloc(3 * len)))
        return 0;
    const uint8_t *p = (const uint8_t *)text, *end = p + len;
    do {
        uint32_t cp;
        p += tap_utf8_take(p, end, latin1, &cp);
        n += tap_utf8_encode(dst + n, cp);
    } while (p < end);
    uint32_t id = find_or_add(in, dst, n);
    if (dst != small)
        free(dst);
    return id;
}

static bool is_utf8(const char *text, size_t len)
{
    const uint8_t *p = (const uint8_t *)text, *end = p + len;
    while (p < end) {
        uint32_t cp;
        unsigned n = tap_utf8_decode(p, end, &cp);
        if (n == 0)
            return false;
        p += n;
    }
    return true;
}

uint32_t tap_intern_name(struct tap_intern *in, const char *text, size_t len)
{
    if (len == 0 || len > UINT32_MAX / 4)
        return 0;
    return is_utf8(text, len) ? find_or_add(in, text, len) : intern_converted(in, text, len, false);
}

uint32_t tap_intern_latin1(struct tap_intern *in, const char *text, size_t len)
{
    return intern_converted(in, text, len, true);
}
