/* sqlite.h: the sqlite sink's parts, from the ground up:
 *
 *     schema.c     tables, indexes and views
 *     store.c      the database: opened, its statements, transactions, its end
 *     names.c      nodes, functions and processes, each a row of its own, by their ids
 *     rows.c       an event as rows
 *     plugin.c     the plugin: options, life
 *
 * What the tables are for is in README.md.
 */
#ifndef TAP_SINKS_SQLITE_SQLITE_H
#define TAP_SINKS_SQLITE_SQLITE_H

#include <sqlite3.h>

#include "sinks/common/kit.h"
#include "sinks/common/map.h"
#include "sinks/common/server_calls.h"

extern const char db_schema[];

enum db_statement {
    DB_BEGIN,
    DB_COMMIT,
    DB_RUN,
    DB_NODE,
    DB_KIND,
    DB_FUNCTION_FIND,
    DB_FUNCTION,
    DB_PROCESS_FIND,
    DB_PROCESS,
    DB_PROCESS_STARTED,
    DB_PROCESS_ENDED,
    DB_PROCESS_NAME,
    DB_PROCESS_PARENT,
    DB_EVENT,
    DB_CALL,
    DB_SEND,
    DB_RECEIVE,
    DB_GEN_CALL,
    DB_LOSS,
    DB_STATEMENTS
};

struct db_settings {
    const char *path;
    int64_t max_message;
};

struct db {
    const struct tap_host *host;
    const struct db_settings *settings;
    struct tap_file_claim claim;
    sqlite3 *sqlite; /* NULL: not open */
    sqlite3_stmt *statements[DB_STATEMENTS];
    char *journal;  /* what SQLite calls its journal; NULL: not opened */
    int journal_fd; /* locked; -1: none */
    bool made;      /* it was not there at the start */
    bool begun;     /* what was in the file is gone */
    void *head;     /* an empty database with all tables, as bytes; NULL: it is in the file */
    sqlite3_int64 head_len;
    bool open;        /* a transaction is */
    int patience;     /* ms that SQLite waits where others have the file */
    uint64_t waiting; /* events in it */
    uint64_t in_it;   /* statements since it was last tried to end it */
    int64_t next_event, next_alone;
    struct tap_sink_nodes nodes;
    struct tap_map node_at, function_at, process_at;
    struct tap_process_table *names;
    struct tap_call_stacks *stacks;
    struct tap_server_calls gen;
    /* the event at work, for what is told of calls that it ends */
    const struct tap_event *event;
    uint32_t process;
};

/* A text in the claim's buffer, which may move while there is more to come. */
struct db_text {
    size_t at, len;
    bool none;
};

/* ---- store.c: false, when there was a failure, which was told */

/* Makes the empty database in memory. No I/O. */
bool db_prepare(struct db *);
/* SQLite has the file, in which nothing is changed yet, and its journal's name is ours. */
bool db_open(struct db *);
/* The empty database is in the file; once. */
bool db_begin(struct db *);
/* In a transaction from here on. */
bool db_open_transaction(struct db *);
/* What was written is in the file, and reported. `last`: there is no later try. */
bool db_commit(struct db *, bool last);
/* Closes, with what is in the file by now. */
void db_close(struct db *);
void db_free(struct db *);

/* Binds the parameters of a statement, from 1 on. */
static inline void db_number(struct db *d, enum db_statement s, int at, int64_t v)
{
    sqlite3_bind_int64(d->statements[s], at, v);
}
/* NULL in the place of 0. */
static inline void db_id(struct db *d, enum db_statement s, int at, int64_t id)
{
    if (id)
        sqlite3_bind_int64(d->statements[s], at, id);
    else
        sqlite3_bind_null(d->statements[s], at);
}
static inline void db_bytes(struct db *d, enum db_statement s, int at, const char *text, size_t len)
{
    sqlite3_bind_text(d->statements[s], at, text, (int)len, SQLITE_STATIC);
}
/* The claim's buffer stays where it is until the statement has run. */
static inline void db_text(struct db *d, enum db_statement s, int at, struct db_text t)
{
    if (t.none)
        sqlite3_bind_null(d->statements[s], at);
    else
        db_bytes(d, s, at, tap_writer_begun(&d->claim.w) + t.at, t.len);
}
bool db_run(struct db *, enum db_statement);
/* The number that a statement finds; 0: none. */
int64_t db_find(struct db *, enum db_statement);

/* ---- names.c: ids of rows, which are made where there are none; 0: a failure */

bool db_node(struct db *, uint32_t index);
uint32_t db_function(struct db *, uint32_t module, uint32_t function, int32_t arity);
/* `again`: if it has ended, its pid lives again as another one. */
uint32_t db_process(struct db *, const struct tap_pid *, uint32_t node, bool again);
/* What an event tells of processes: births, ends, names. */
bool db_learn(struct db *, const struct tap_batch *, const struct tap_event *);

/* ---- rows.c */

bool db_event(struct db *, const struct tap_batch *, const struct tap_event *);
bool db_rows_start(struct db *);
/* What is open still, once there is no more to come. */
bool db_rows_end(struct db *);

/* Makes a text in the claim's buffer: db_text_begin, what is put there, db_text_end. */
static inline size_t db_text_begin(const struct db *d)
{
    return tap_writer_here(&d->claim.w);
}
static inline struct db_text db_text_end(const struct db *d, size_t at)
{
    return (struct db_text){at, tap_writer_here(&d->claim.w) - at, false};
}
/* Forgets the texts since db_text_begin gave `at`. */
static inline void db_text_drop(struct db *d, size_t at)
{
    d->claim.w.p = tap_writer_begun(&d->claim.w) + at;
}
static inline struct tap_print db_print(struct db *d, uint32_t node, size_t limit)
{
    struct tap_print print =
        tap_sink_print(tap_sink_nodes_get(&d->nodes, d->host, node), TAP_PRINT_ERLANG);
    print.limit = limit;
    return print;
}

#endif
