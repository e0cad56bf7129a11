/* store.c: the database as such.
 *
 * An empty one with all tables is made in memory and written as the first bytes of the file, at
 * once; from then on SQLite has it, and writes in transactions of many events. What is in the file
 * is always whole: a transaction that failed, or whose process was killed, is taken back, with the
 * journal that SQLite keeps beside it (PATH-journal, gone after a run that ended). No event counts
 * as written before its transaction is in the file.
 *
 * The journal is made here, and SQLite is told to keep it: in a folder that others can write it
 * would open what somebody laid there. Its name is ours from the start on: what is no journal under
 * it is refused, and an old one, which is of what was in the file before, goes before anything is
 * written.
 */
#include "sinks/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DB_BUSY 1000       /* ms that others may take to let go, each time */
#define DB_TRIES 8         /* so often at the end */
#define DB_STEP 5          /* ms between two looks */
#define DB_HELD (64 << 20) /* bytes that wait in memory while somebody reads */

static const char *const texts[DB_STATEMENTS] = {
    [DB_BEGIN] = "begin immediate", /* later on nothing is waited for but its end */
    [DB_COMMIT] = "commit",
    [DB_RUN] = "insert into run values (?1, ?2)",
    [DB_NODE] = "insert into nodes values (?1, ?2, ?3) on conflict do update set name = ?2, "
                "release = ?3",
    [DB_KIND] = "insert into kinds values (?1, ?2)",
    [DB_FUNCTION_FIND] = "select id from functions where module = ?1 and function = ?2 and "
                         "arity = ?3",
    [DB_FUNCTION] = "insert into functions (module, function, arity, name) values (?1, ?2, ?3, ?4)",
    /* that it has ended is its number's sign */
    [DB_PROCESS_FIND] = "select iif(ended is null, id, -id) from processes where node = ?1 and "
                        "pid = ?2 order by id desc limit 1",
    [DB_PROCESS] = "insert into processes (node, pid) values (?1, ?2)",
    [DB_PROCESS_STARTED] = "update processes set started = ?2 where id = ?1",
    [DB_PROCESS_ENDED] = "update processes set ended = ?2, reason = ?3 where id = ?1",
    [DB_PROCESS_NAME] = "update processes set name = ?2 where id = ?1",
    [DB_PROCESS_PARENT] = "update processes set parent = ?2 where id = ?1",
    [DB_EVENT] = "insert into events values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [DB_CALL] = "insert into calls values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [DB_SEND] = "insert into messages (id, sender, sent, send) values (?1, ?2, ?3, ?4) "
                "on conflict do update set sender = ?2, sent = ?3, send = ?4, "
                "latency = max(received - ?3, 0)",
    [DB_RECEIVE] = "insert into messages (id, receiver, received, receive) values (?1, ?2, ?3, ?4) "
                   "on conflict do update set receiver = ?2, received = ?3, receive = ?4, "
                   "latency = max(?3 - sent, 0)",
    [DB_GEN_CALL] = "insert into gen_calls (client, server, request, sent, taken, replied, done, "
                    "duration, waiting, handling) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [DB_LOSS] = "insert into losses values (?1, ?2, ?3, ?4, ?5, ?6)"};

static bool failed(struct db *d, const char *why)
{
    tap_writer_fail(&d->claim.w, "cannot write", why);
    return false;
}

static bool sqlite_failed(struct db *d, sqlite3 *sqlite)
{
    if (!sqlite || sqlite3_errcode(sqlite) == SQLITE_NOMEM)
        return failed(d, "out of memory");
    if (sqlite3_errcode(sqlite) == SQLITE_BUSY)
        return failed(d, "another program holds it, and does not let go");
    int code = sqlite3_errcode(sqlite) == SQLITE_IOERR ? sqlite3_system_errno(sqlite) : 0;
    if (code) /* a limit of the file's size, say */
        return tap_writer_fail_code(&d->claim.w, "cannot write", code), false;
    return failed(d, sqlite3_errmsg(sqlite));
}

/* ---- Its beginning */

bool db_prepare(struct db *d)
{
    sqlite3 *memory = NULL;
    unsigned char *bytes = NULL;
    bool good = sqlite3_open(":memory:", &memory) == SQLITE_OK &&
                sqlite3_exec(memory, db_schema, NULL, NULL, NULL) == SQLITE_OK &&
                (bytes = sqlite3_serialize(memory, "main", &d->head_len, 0)) != NULL;
    if (!good)
        sqlite_failed(d, memory);
    d->head = bytes;
    sqlite3_close(memory);
    return good;
}

/* SQLite has words of its own (:memory:, file:...), which a name with a folder is never one of. */
static bool open_file(struct db *d)
{
    const char *path = d->settings->path;
    char *plain = NULL;
    if (asprintf(&plain, "%s%s", *path == '/' ? "" : "./", path) < 0)
        return failed(d, "out of memory");
    bool good = sqlite3_open_v2(plain, &d->sqlite, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK;
    free(plain);
    if (!good)
        return sqlite_failed(d, d->sqlite);
    const char *name = sqlite3_db_filename(d->sqlite, "main");
    if (!name || !tap_file_claim_is(&d->claim, name))
        return failed(d, "another file stands under its name now");
    d->journal = strdup(sqlite3_filename_journal(name));
    return d->journal || failed(d, "out of memory");
}

/* What a journal is that SQLite has kept, or has been killed over: empty, its head zeroed, or its
 * mark first in it. */
static bool is_journal(int fd)
{
    static const unsigned char mark[] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7}, zero[28];
    unsigned char head[sizeof zero];
    ssize_t n = pread(fd, head, sizeof head, 0);
    return n >= 0 && (memcmp(head, zero, (size_t)n) == 0 ||
                      (n >= (ssize_t)sizeof mark && memcmp(head, mark, sizeof mark) == 0));
}

static int new_journal(const struct db *d)
{
    return open(d->journal, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* The journal's name is an output as the file's is: it is locked, so that no other sink has it. */
static bool lock_journal(struct db *d)
{
    d->journal_fd = new_journal(d);
    d->made = d->journal_fd >= 0;
    if (!d->made && errno == EEXIST)
        d->journal_fd = open(d->journal, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    if (d->journal_fd < 0 && errno != ELOOP)
        return failed(d, "its journal (PATH-journal) cannot be made");
    if (d->journal_fd < 0 || fstat(d->journal_fd, &st) < 0 || !S_ISREG(st.st_mode))
        return failed(d, "what stands under the name of its journal (PATH-journal) is no file");
    if (flock(d->journal_fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        return failed(d, "another sink or another run is writing what stands under the name of its "
                         "journal (PATH-journal)");
    if (!d->made && !is_journal(d->journal_fd))
        return failed(d, "what stands under the name of its journal (PATH-journal) is no journal: "
                         "move it away, or write elsewhere");
    return true;
}

bool db_open(struct db *d)
{
    return open_file(d) && lock_journal(d);
}

/* The one that was locked, if it is there still; 0: another one is. */
static bool unlink_journal(const struct db *d)
{
    struct stat ours, there;
    if (d->journal_fd < 0 || fstat(d->journal_fd, &ours) < 0)
        return false;
    if (lstat(d->journal, &there) < 0)
        return errno == ENOENT;
    if (ours.st_dev != there.st_dev || ours.st_ino != there.st_ino)
        return false;
    return unlink(d->journal) == 0;
}

/* A new one, in a new file: what has the old one open does not see it. */
static bool make_journal(struct db *d)
{
    close(d->journal_fd);
    d->journal_fd = new_journal(d);
    if (d->journal_fd < 0)
        return failed(d, "its journal (PATH-journal) cannot be made");
    flock(d->journal_fd, LOCK_EX | LOCK_NB);
    return true;
}

static bool say_run(struct db *d)
{
    const struct tap_run_info *run = d->host->run_info;
    char started[24];
    *tap_text_i64(started, run->started) = '\0';
    const char *const pairs[][2] = {{"run", run->run},
                                    {"beamtap", run->version},
                                    {"started", started},
                                    {"configuration", run->config}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        db_bytes(d, DB_RUN, 1, pairs[i][0], strlen(pairs[i][0]));
        db_bytes(d, DB_RUN, 2, pairs[i][1], strlen(pairs[i][1]));
        if (!db_run(d, DB_RUN))
            return false;
    }
    for (unsigned i = 0; i < TAP_KIND_COUNT; i++) {
        const char *name = d->host->kind_name(i);
        if (!tap_kind_has_row(i) || strcmp(name, "?") == 0)
            continue;
        db_number(d, DB_KIND, 1, i);
        db_bytes(d, DB_KIND, 2, name, strlen(name));
        if (!db_run(d, DB_KIND))
            return false;
    }
    return true;
}

/* Somebody reads, or writes: SQLite asks whether to wait. Within a transaction it asks for each
 * page that it would like to write early, and keeps it in memory if not. */
static int busy(void *self, int times)
{
    const struct db *d = self;
    if (times * DB_STEP >= d->patience)
        return 0;
    nanosleep(&(struct timespec){.tv_nsec = DB_STEP * 1000000}, NULL);
    return 1;
}

bool db_begin(struct db *d)
{
    static const char how[] = "pragma journal_mode = persist; pragma synchronous = off; "
                              "pragma temp_store = memory; pragma cache_size = -1000;";
    if (d->begun)
        return true;
    /* first of all: it would be written over what stands in the file from here on */
    if (!unlink_journal(d))
        return failed(d, "its journal (PATH-journal) cannot be made");
    d->begun = true;
    if (tap_file_claim_begin(&d->claim, d->head, (size_t)d->head_len) != TAP_OK)
        return false;
    sqlite3_free(d->head);
    d->head = NULL;
    sqlite3_busy_handler(d->sqlite, busy, d);
    d->patience = DB_BUSY;
    if (!make_journal(d))
        return false;
    if (sqlite3_exec(d->sqlite, how, NULL, NULL, NULL) != SQLITE_OK)
        return sqlite_failed(d, d->sqlite);
    for (int i = 0; i < DB_STATEMENTS; i++)
        if (sqlite3_prepare_v3(d->sqlite, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &d->statements[i], NULL) != SQLITE_OK)
            return sqlite_failed(d, d->sqlite);
    return db_open_transaction(d) && say_run(d);
}

/* ---- Statements */

bool db_run(struct db *d, enum db_statement s)
{
    int code = sqlite3_step(d->statements[s]);
    sqlite3_reset(d->statements[s]);
    d->in_it++;
    return code == SQLITE_DONE || sqlite_failed(d, d->sqlite);
}

int64_t db_find(struct db *d, enum db_statement s)
{
    int code = sqlite3_step(d->statements[s]);
    int64_t found = code == SQLITE_ROW ? sqlite3_column_int64(d->statements[s], 0) : 0;
    sqlite3_reset(d->statements[s]);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        sqlite_failed(d, d->sqlite);
    return found;
}

/* ---- Transactions */

bool db_open_transaction(struct db *d)
{
    if (!d->open && !d->claim.w.failed) {
        d->patience = DB_BUSY;
        d->open = db_run(d, DB_BEGIN);
        d->patience = 0;
    }
    return !d->claim.w.failed;
}

/* Is there to be another try, now? While there is room, whoever reads may go on: what comes waits
 * in memory. When there is none he holds up the sink, until he lets go or the run is to end. */
static bool tries_again(const struct db *d, bool last, int tries)
{
    int held = 0, most;
    if (last)
        return tries < DB_TRIES;
    sqlite3_db_status(d->sqlite, SQLITE_DBSTATUS_CACHE_USED, &held, &most, 0);
    return held >= DB_HELD && !tap_sink_is_to_end(d->host);
}

bool db_commit(struct db *d, bool last)
{
    int code, tries = 0;
    if (!d->open || d->claim.w.failed)
        return !d->claim.w.failed;
    d->patience = last ? DB_BUSY : DB_BUSY / 10;
    do {
        code = sqlite3_step(d->statements[DB_COMMIT]);
        sqlite3_reset(d->statements[DB_COMMIT]);
    } while (code == SQLITE_BUSY && tries_again(d, last, ++tries));
    d->patience = 0;
    if (code == SQLITE_BUSY && !last) { /* somebody reads: it stays open, and is tried later */
        d->in_it = 0;
        return true;
    }
    if (code != SQLITE_DONE)
        return sqlite_failed(d, d->sqlite);
    d->open = false;
    tap_file_claim_written(&d->claim, d->waiting);
    d->waiting = d->in_it = 0;
    return true;
}

/* ---- Its end */

/* The journal of what is whole is not needed. Whether it is, only a read tells: SQLite takes back
 * of itself what a full disk cuts short, is in no transaction then, and may have left the file's
 * mending to the next who reads. */
void db_close(struct db *d)
{
    bool whole = !d->begun && d->made;
    for (int i = 0; i < DB_STATEMENTS; i++) {
        sqlite3_finalize(d->statements[i]);
        d->statements[i] = NULL;
    }
    if (d->sqlite && d->begun) {
        d->patience = DB_BUSY;
        if (!sqlite3_get_autocommit(d->sqlite))
            sqlite3_exec(d->sqlite, "rollback", NULL, NULL, NULL);
        whole = sqlite3_get_autocommit(d->sqlite) &&
                sqlite3_exec(d->sqlite, "select 1 from run limit 1", NULL, NULL, NULL) == SQLITE_OK;
    }
    sqlite3_close(d->sqlite);
    d->sqlite = NULL;
    if (d->journal && whole)
        unlink_journal(d);
    if (d->journal_fd >= 0)
        close(d->journal_fd);
    d->journal_fd = -1;
    free(d->journal);
    d->journal = NULL;
}

void db_free(struct db *d)
{
    db_close(d);
    sqlite3_free(d->head);
    tap_file_claim_free(&d->claim);
    tap_sink_nodes_free(&d->nodes);
    tap_map_free(&d->node_at);
    tap_map_free(&d->function_at);
    tap_map_free(&d->process_at);
    tap_process_table_free(d->names);
    tap_call_stacks_free(d->stacks);
    tap_server_calls_free(&d->gen);
    free(d);
}
