/* syntax.h: Erlang text -> tokens -> a tree of nodes -> external terms.
 *
 * Needs nothing of the core: the library reads arguments with it, and filter:match_spec carries it
 * inside, since a plugin links against nothing of beamtap. Everything is allocated from one arena
 * of the caller's. Each token and node keeps its offset in the configured text, so that whoever
 * finds something wrong with it can point there.
 */
#ifndef TAP_SYNTAX_SYNTAX_H
#define TAP_SYNTAX_SYNTAX_H

#include "beamtap/plugin.h"
#include "beamtap/term_write.h"

#define TAP_SYN_MAX_DEPTH 100 /* of nesting: everything that recurses over nodes is bounded by it */

/* ---- Memory */
struct tap_syn_chunk;
struct tap_syn_arena {
    struct tap_syn_chunk *chunks;
};
/* zeroed, aligned; NULL when out of memory */
void *tap_syn_alloc(struct tap_syn_arena *, size_t size);
void tap_syn_arena_free(struct tap_syn_arena *);

/* ---- One text being read */
struct tap_syn_source {
    struct tap_syn_arena *arena;
    const struct tap_text *where; /* where->text is what is read */
    bool failed;                  /* a mistake was reported: only the first of each text is */
    /* stands for the name of a node whose pids, ports and references may be written; NULL: none */
    const char *home;
    /* Takes the mistake: one sentence about the place `offset` bytes into `where`. */
    void (*fail)(void *arg, const struct tap_text *where, size_t offset, const char *sentence);
    void *arg;
};
/* Reports a mistake at an offset, once a text. Always false. */
bool tap_syn_fail(struct tap_syn_source *, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool tap_syn_fail_oom(struct tap_syn_source *);

/* ---- Tokens */
enum tap_syn_token_type {
    TAP_SYN_END,
    TAP_SYN_ATOM,   /* text */
    TAP_SYN_VAR,    /* text */
    TAP_SYN_INT,    /* digits, digit_count */
    TAP_SYN_FLOAT,  /* number */
    TAP_SYN_STRING, /* chars, char_count */
    TAP_SYN_SIGN,   /* text: punctuation or an operator */
    TAP_SYN_WORD    /* text: a reserved word that is no operator */
};
struct tap_syn_token {
    enum tap_syn_token_type type;
    size_t off, end;
    const char *text; /* UTF-8, NUL-terminated */
    size_t text_len;
    const uint8_t *digits; /* magnitude, least significant byte first, no leading zeros */
    size_t digit_count;
    const uint32_t *chars;
    size_t char_count;
    double number;
};
struct tap_syn_lexer {
    struct tap_syn_source *source;
    size_t pos;
    struct tap_syn_token token; /* the one to look at */
};
/* Begins at `pos`; the first token is ready. */
bool tap_syn_lexer_begin(struct tap_syn_lexer *, struct tap_syn_source *, size_t pos);
/* Reads the next token into lexer->token. False: a mistake, reported. */
bool tap_syn_next(struct tap_syn_lexer *);
/* Is the token this sign? */
static inline bool tap_syn_is(const struct tap_syn_lexer *l, const char *sign)
{
    return l->token.type == TAP_SYN_SIGN && strcmp(l->token.text, sign) == 0;
}
/* Past the sign, or a mistake: "expected ..., found ...". */
bool tap_syn_expect(struct tap_syn_lexer *, const char *sign, const char *what);
/* Reports that something else than `what` stands here. Always false. */
bool tap_syn_unexpected(struct tap_syn_lexer *, const char *what);
/* An atom as it must be written: in single quotes where it needs them. NULL: out of memory. */
const char *tap_syn_quoted(struct tap_syn_arena *, const char *atom);

/* hints.c: what was meant by text that is no Erlang, or means something else there. Each gives true
 * when it has reported a mistake. */
/* At a %: a map or a struct of Elixir, which would be a comment. */
bool tap_syn_hint_map(struct tap_syn_source *, size_t offset);
/* At a character that begins no token. */
bool tap_syn_hint_character(struct tap_syn_source *, size_t offset);
/* At a token that cannot stand where it does: fun, :atom. */
bool tap_syn_hint_token(const struct tap_syn_lexer *);
/* Behind an atom: the lexer stands on what follows it. a.b, a: 1 */
bool tap_syn_hint_atom(const struct tap_syn_lexer *, size_t atom_offset);

/* ---- Nodes */
enum tap_syn_node_type {
    TAP_SYN_N_INT,
    TAP_SYN_N_FLOAT,
    TAP_SYN_N_ATOM,
    TAP_SYN_N_STRING, /* a list of characters */
    TAP_SYN_N_BINARY, /* text, text_len: bytes */
    TAP_SYN_N_VAR,
    TAP_SYN_N_LIST,  /* items; tail, or NULL for a proper list; no items: [] */
    TAP_SYN_N_TUPLE, /* items */
    TAP_SYN_N_MAP,   /* items: key, value, key, value, ...; exact: written with := */
    /* a binary by its parts: each of its items is a binary, or a variable of so many `bytes`; tail:
     * the variable that has the rest, or NULL */
    TAP_SYN_N_SEGMENTS,
    TAP_SYN_N_IDENTITY, /* of the node: `identity` with its numbers, chars, as they are printed */
    TAP_SYN_N_EXPORT,   /* items: module, function, arity */
    TAP_SYN_N_CALL,     /* text(items) */
    TAP_SYN_N_OP        /* items[0] text items[1], or text items[0] */
};
struct tap_syn_node {
    enum tap_syn_node_type type;
    unsigned depth; /* 1 for a leaf */
    size_t off;
    const char *text;
    size_t text_len;
    const uint8_t *digits;
    size_t digit_count;
    bool negative, exact;
    size_t bytes;
    unsigned bits; /* of a binary's last byte; 0: all of them */
    int identity;  /* the tag that it has as an external term */
    const uint32_t *chars;
    size_t char_count;
    double number;
    struct tap_syn_node **items;
    size_t count;
    struct tap_syn_node *tail;
};
struct tap_syn_node *tap_syn_node(struct tap_syn_source *, enum tap_syn_node_type,
                                  size_t off); /* NULL: reported */
struct tap_syn_node *tap_syn_atom(struct tap_syn_source *, const char *text,
                                  size_t off); /* `text` must stay */
/* A list, tuple, call or operation of these items (copied). NULL: out of memory or too deep,
 * reported. */
struct tap_syn_node *tap_syn_compound(struct tap_syn_source *, enum tap_syn_node_type, size_t off,
                                      struct tap_syn_node *const *items, size_t count,
                                      struct tap_syn_node *tail);
/* Parses one expression, term or pattern: they share a syntax, what may stand where is checked
 * later. NULL: reported. */
struct tap_syn_node *tap_syn_parse(struct tap_syn_lexer *);
/* Parses expressions separated by commas up to the closing sign, and past it. False: reported. */
bool tap_syn_parse_list(struct tap_syn_lexer *, const char *closing, struct tap_syn_node ***items,
                        size_t *count);

/* Parses one Elixir value; *at: where it begins, and then where it stops. NULL: reported. More of
 * Elixir is in syntax/elixir.h. */
struct tap_syn_node *tap_syn_parse_elixir(struct tap_syn_source *, size_t *at);

/* Writes a term (no version byte). False: it cannot be written, reported. */
bool tap_syn_encode(struct tap_syn_source *, struct tap_buf *, const struct tap_syn_node *);

#endif
