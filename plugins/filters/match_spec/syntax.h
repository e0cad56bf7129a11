/* syntax.h: Erlang text -> tokens -> a tree of nodes, for filter:match_spec.
 *
 * Everything is allocated from one arena that lives as long as the filter. Each token and node keeps its offset in the
 * configured text, so that whoever finds something wrong with it can point there.
 */
#ifndef TAP_MS_SYNTAX_H
#define TAP_MS_SYNTAX_H

#include "beamtap/plugin.h"

#define MS_MAX_DEPTH 100 /* of nesting: everything that recurses over nodes is bounded by it */

/* ---- Memory */
struct ms_chunk;
struct ms_arena {
    struct ms_chunk *chunks;
};
void *tap_ms_alloc(struct ms_arena *, size_t size); /* zeroed, aligned; NULL when out of memory */
void tap_ms_arena_free(struct ms_arena *);

/* ---- One text being read */
struct ms_source {
    const struct tap_host *host;
    struct ms_arena *arena;
    const struct tap_text *where; /* where->text is what is read */
    bool failed;                  /* a mistake was reported: only the first of each text is */
};
/* Reports a mistake at an offset, once a text. Always false. */
bool tap_ms_fail(struct ms_source *, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool tap_ms_fail_oom(struct ms_source *);
/* The candidate nearest to `word`, when near enough to suggest; else NULL. `candidates` ends with NULL. */
const char *tap_ms_nearest(const char *word, const char *const *candidates);

/* ---- Tokens */
enum ms_token_type {
    MS_END,
    MS_ATOM,   /* text */
    MS_VAR,    /* text */
    MS_INT,    /* digits, digit_count */
    MS_FLOAT,  /* number */
    MS_STRING, /* chars, char_count */
    MS_SIGN,   /* text: punctuation or an operator */
    MS_WORD    /* text: a reserved word that is no operator */
};
struct ms_token {
    enum ms_token_type type;
    size_t off, end;
    const char *text; /* UTF-8, NUL-terminated */
    size_t text_len;
    const uint8_t *digits; /* magnitude, least significant byte first, no leading zeros */
    size_t digit_count;
    const uint32_t *chars;
    size_t char_count;
    double number;
};
struct ms_lexer {
    struct ms_source *source;
    size_t pos;
    struct ms_token token; /* the one to look at */
};
/* Begins at `pos`; the first token is ready. */
bool tap_ms_lexer_begin(struct ms_lexer *, struct ms_source *, size_t pos);
/* Reads the next token into lexer->token. False: a mistake, reported. */
bool tap_ms_next(struct ms_lexer *);
bool tap_ms_is(const struct ms_lexer *, const char *sign); /* is the token this sign? */
/* Past the sign, or a mistake: "expected ..., found ...". */
bool tap_ms_expect(struct ms_lexer *, const char *sign, const char *what);
/* Reports that something else than `what` stands here. Always false. */
bool tap_ms_unexpected(struct ms_lexer *, const char *what);

/* ---- Nodes */
enum ms_node_type {
    MS_N_INT,
    MS_N_FLOAT,
    MS_N_ATOM,
    MS_N_STRING, /* a list of characters */
    MS_N_BINARY, /* text, text_len: bytes */
    MS_N_VAR,
    MS_N_LIST,  /* items; tail, or NULL for a proper list; no items: [] */
    MS_N_TUPLE, /* items */
    MS_N_MAP,   /* items: key, value, key, value, ...; exact: written with := */
    MS_N_CALL,  /* text(items) */
    MS_N_OP     /* items[0] text items[1], or text items[0] */
};
struct ms_node {
    enum ms_node_type type;
    unsigned depth; /* 1 for a leaf */
    size_t off;
    const char *text;
    size_t text_len;
    const uint8_t *digits;
    size_t digit_count;
    bool negative, exact;
    const uint32_t *chars;
    size_t char_count;
    double number;
    struct ms_node **items;
    size_t count;
    struct ms_node *tail;
};
struct ms_node *tap_ms_node(struct ms_source *, enum ms_node_type, size_t off); /* NULL: reported */
struct ms_node *tap_ms_atom(struct ms_source *, const char *text, size_t off);  /* `text` must stay */
/* A list, tuple, call or operation of these items (copied). NULL: out of memory or too deep, reported. */
struct ms_node *tap_ms_compound(struct ms_source *, enum ms_node_type, size_t off,
                                struct ms_node *const *items, size_t count, struct ms_node *tail);
/* Parses one expression, term or pattern: they share a syntax, what may stand where is judged later. NULL: reported. */
struct ms_node *tap_ms_parse(struct ms_lexer *);
/* Parses expressions separated by commas up to the closing sign, and past it. False: reported. */
bool tap_ms_parse_list(struct ms_lexer *, const char *closing, struct ms_node ***items, size_t *count);

#endif
