/* out.h: where the printers write, and the pieces they share.
 *
 * A tap_out is snprintf's contract as an object: bytes go straight to the caller's memory while
 * there is room and are only counted after that. The same one comparison also guards the `limit`:
 * what would cross it is not written, and from then on nothing is (`done`), so that output ends at
 * a whole character, escape or number. Texts are escaped for JSON on the way when that is asked
 * for.
 */
#ifndef TAP_TERM_OUT_H
#define TAP_TERM_OUT_H

#include <string.h>

#include "beamtap/plugin.h"
#include "beamtap/term.h"
#include "base/utf8.h"

struct tap_out {
    char *p, *end; /* room that needs no further thought */
    char *dst;
    size_t cap, limit; /* limit: SIZE_MAX for none */
    size_t over;       /* bytes that did not fit in cap */
    bool done;         /* the limit was reached: nothing more is written */
    bool json, elixir, unicode;
    bool maybe; /* OTP 27 and later: that atom has quotes, and else */
};

/* How an Elixir atom stands: :foo, the foo: of a keyword, the foo of Mod.foo/1. */
enum tap_atom_form { TAP_ATOM_LITERAL, TAP_ATOM_KEY, TAP_ATOM_CALL };

/* `print` NULL: Erlang syntax, no limit, no JSON. */
void tap_out_init(struct tap_out *, char *dst, size_t cap, const struct tap_print *print);
/* Writes "..." where the limit cut; gives the length needed. */
size_t tap_out_finish(struct tap_out *);
/* Bytes that the limit still lets be written. */
size_t tap_out_left(const struct tap_out *);
void tap_out_put_slow(struct tap_out *, const char *s, size_t n);
void tap_out_run_slow(struct tap_out *, const char *s, size_t n);
/* An ASCII unit that may hold quotes and backslashes (at most 16 bytes): never cut, JSON-escaped as
 * needed. */
void tap_out_escape(struct tap_out *, const char *s, size_t n);
/* A text as it stands, nothing quoted: latin1 or UTF-8 in, UTF-8 out. */
void tap_out_text(struct tap_out *, const char *text, size_t n, bool latin1);

/* The name of a node, in the middle of a pid: one may be called anything, and what is printed has
 * no quotes there in which it could be escaped. As the node itself is called (tap_one_line), with
 * no control characters: they are blanks and question marks. */
void tap_out_node(struct tap_out *, const char *name, size_t n, bool latin1);

/* Writes n bytes that are one unit: all or, at the limit, none. Needs no JSON escaping. */
static inline void tap_out_put(struct tap_out *o, const char *s, size_t n)
{
    if (__builtin_expect((size_t)(o->end - o->p) >= n && n > 0, 1)) {
        memcpy(o->p, s, n);
        o->p += n;
    } else {
        tap_out_put_slow(o, s, n);
    }
}
static inline void tap_out_char(struct tap_out *o, char c)
{
    if (__builtin_expect(o->p < o->end, 1))
        *o->p++ = c;
    else
        tap_out_put_slow(o, &c, 1);
}
/* Writes valid UTF-8 that may be cut at the limit between any two characters. Needs no JSON
 * escaping. */
static inline void tap_out_run(struct tap_out *o, const char *s, size_t n)
{
    if (__builtin_expect((size_t)(o->end - o->p) >= n && n > 0, 1)) {
        memcpy(o->p, s, n);
        o->p += n;
    } else {
        tap_out_run_slow(o, s, n);
    }
}
#define tap_out_lit(o, s) tap_out_put((o), (s), sizeof(s) - 1)

/* A character that is not ASCII, or is plain. */
static inline void tap_out_cp(struct tap_out *o, uint32_t cp)
{
    char b[4];
    unsigned n = tap_utf8_encode(b, cp);
    tap_out_put(o, b, n);
}

/* ---- Numbers (bignum.c, float.c) */

void tap_out_u64_slow(struct tap_out *, uint64_t v);
static inline void tap_out_u64(struct tap_out *o, uint64_t v)
{
    if (v < 10)
        tap_out_char(o, (char)('0' + v));
    else
        tap_out_u64_slow(o, v);
}
void tap_out_i64(struct tap_out *, int64_t v);
/* An integer of n bytes, least significant first. Memory for about nine times n while it works;
 * quadratic up to a few thousand digits, then n^1.6, where n is no more than the limit lets be
 * written. "..." for one of more than 512 KiB, but where the limit lets only few digits be written.
 * False: out of memory, or such a one whose first digits cannot be told; no digit written. */
bool tap_out_bignum(struct tap_out *, const uint8_t *bytes, size_t n, bool negative);
/* A finite number as float_to_list(F, [short]) writes it, or as Elixir's inspect does. */
void tap_out_double(struct tap_out *, double v);
/* The number in the 31 characters of a FLOAT_EXT; false when there is none. */
bool tap_float_parse(const uint8_t *text, double *v);

/* ---- Atoms (atom.c) and texts (text.c) */

void tap_out_atom(struct tap_out *, const char *text, size_t n, bool latin1, enum tap_atom_form);
/* An atom as the VM's C code quotes it, which is in `fun m:f/1` and differs from ~tp. */
void tap_out_vm_atom(struct tap_out *, const char *text, size_t n, bool latin1);
/* Is this the name of an Elixir alias (Elixir.Foo.Bar)? */
bool tap_atom_is_alias(const char *text, size_t n);

/* A character inside quotes of this kind, escaped as the syntax wants it. */
void tap_out_quoted_cp(struct tap_out *, uint32_t cp, char quote);
/* A text between quotes. */
void tap_out_quoted(struct tap_out *, const uint8_t *text, size_t n, bool latin1, char quote);
/* A binary: <<"abc">>, <<"é"/utf8>>, <<1,2,3>>; in Elixir "abc", <<1, 2, 3>>. last_bits: of the
 * last byte, 8 for a binary. */
void tap_out_binary(struct tap_out *, const uint8_t *p, size_t n, unsigned last_bits);
/* Do strings hold this character in the node (Erlang) or may charlists (Elixir)? */
bool tap_is_printable(const struct tap_out *, uint32_t cp);
/* All of these bytes, as a list of characters? */
bool tap_bytes_printable(const struct tap_out *, const uint8_t *p, size_t n);

/* ---- Pids, ports, references and funs (identifiers.c) */

/* What prints with its node's name, and what without: the node the terms come from. */
struct tap_home {
    const char *name; /* UTF-8 */
    size_t len;
};
/* The name of this id; without such a name, an empty one. */
static inline const struct tap_name *tap_out_name(const struct tap_names *names, uint32_t id)
{
    static const struct tap_name none = {.text = ""};
    if (!names || !names->chunks || !names->chunks[id / TAP_NAME_CHUNK])
        return &none;
    const struct tap_name *name = &names->chunks[id / TAP_NAME_CHUNK][id % TAP_NAME_CHUNK];
    return name->text ? name : &none;
}
struct tap_home tap_home_of(const struct tap_names *names, const struct tap_print *print);
/* Prints the pid, port, reference or fun at the cursor and goes past it; false (cursor failed) when
 * it is none. */
bool tap_out_ident(struct tap_out *, struct tap_cursor *, const struct tap_home *);

/* ---- Elixir (elixir_dates.c, elixir_shapes.c) */

/* For each LIST and MAP of a term that has elements, in the order in which they begin: what Elixir
 * makes of it. */
enum {
    TAP_SHAPE_PLAIN = 0,
    TAP_SHAPE_KEYWORD = 1,
    TAP_SHAPE_STRUCT = 2 /* + offset of the module's name */
};
/* Beside the kind, of maps: it is as the struct MapSet is; its keys would be a keyword list. */
#define TAP_SHAPE_SET (UINT64_C(1) << 63)
#define TAP_SHAPE_PAIRS (UINT64_C(1) << 62)
#define TAP_SHAPE_KIND (TAP_SHAPE_PAIRS - 1)
struct tap_shapes {
    uint64_t *items; /* NULL: none, or no memory (all plain) */
    size_t n, cap;
};
/* One pass over the term, in linear time and memory; free items. */
void tap_shapes_find(struct tap_shapes *, const uint8_t *term, size_t len);

#endif
