/* csv_cells.h: how text becomes a cell that every reader takes for the same text.
 *
 * Three dangers. Commas, quotes and line ends need quotes (RFC 4180). Readers guess the type of a
 * column from what they see first, so nothing in a text column may look like a number, a truth
 * value or a null: bare numbers are written ((42)), for in one pair of parentheses they are
 * negative where accountants work, and such words 'null', which is also how Erlang writes the same
 * atom. And spreadsheets run cells that begin with = + - @ as formulas: no printed term begins so
 * once negative numbers stand in parentheses, and names that do are written as quoted atoms, '+'.
 *
 * And DuckDB guesses from the first 20,480 rows what the quotes are: where it has seen none there
 * are none for it, and the first quoted cell behind them is an error. So a cell of the first row is
 * always quoted.
 */
#ifndef TAP_SINKS_COMMON_CSV_CELLS_H
#define TAP_SINKS_COMMON_CSV_CELLS_H

#include "sinks/common/writer.h"

/* A name as it stands in a cell, CSV quotes included. */
struct tap_csv_cell {
    const char *text; /* NULL: not made yet */
    uint32_t len;
    bool owned; /* else it is the host's */
};

/* Cells of names, by name id. */
struct tap_csv_atoms {
    struct tap_csv_cell *at;
    uint32_t count;
};

/* The slow half of tap_csv_atom. Without memory: the empty cell. */
const struct tap_csv_cell *tap_csv_atom_make(struct tap_csv_atoms *, const struct tap_host *,
                                             uint32_t id);
void tap_csv_atoms_free(struct tap_csv_atoms *);

static inline const struct tap_csv_cell *tap_csv_atom(struct tap_csv_atoms *names,
                                                      const struct tap_host *host, uint32_t id)
{
    if (__builtin_expect(id < names->count && names->at[id].text != NULL, 1))
        return &names->at[id];
    return tap_csv_atom_make(names, host, id);
}

/* Begins a cell whose text is about to be written: an opening quote, for it may be needed. Returns
 * what tap_csv_cell_close wants. */
static inline size_t tap_csv_cell_open(struct tap_writer *w)
{
    size_t at = tap_writer_here(w);
    *tap_writer_reserve(w, 1) = '"';
    w->p++;
    return at;
}
/* Keeps a printed term from being taken for a number, a truth value or a null, or, beside flags,
 * for one of those. Call when the cell holds exactly one term. */
void tap_csv_cell_guard(struct tap_writer *, size_t at, bool beside_flags);
/* Ends the cell: quoted when its text needs it, else bare. */
void tap_csv_cell_close(struct tap_writer *, size_t at);
/* Quotes what was written since `at` (tap_writer_here), unless it is quoted. */
void tap_csv_cell_quote(struct tap_writer *, size_t at);

#endif
