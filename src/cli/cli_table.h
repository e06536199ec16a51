/*
 * cli_table: aligned columns for people. Cut with an ellipsis only where the output is a terminal
 * of known width, and then only columns that may shrink, the widest first; what goes into a pipe
 * or a file is never cut.
 */
#ifndef LM_CLI_TABLE_H
#define LM_CLI_TABLE_H

#include "base/arena.h"
#include "cli/cli_col.h"

enum { CLI_TABLE_COLS = 16 };

struct cli_table {
    struct arena *a;
    const struct cli_col *cols[CLI_TABLE_COLS]; /* those with a title */
    size_t ncols;
    struct str *cells; /* rows x ncols */
    size_t nrows, cap;
};

/* 0 or -ENOMEM. cols must outlive the table. */
int cli_table_init(struct cli_table *t, const struct cli_col *cols, size_t n);
void cli_table_free(struct cli_table *t);
/* A row whose fields the columns name. 0 or -ENOMEM. */
int cli_table_add(struct cli_table *t, const struct store_row *row, bool personal);
/* width 0: do not cut. */
void cli_table_print(const struct cli_table *t, size_t width, bool color, struct buf *out);
/* SGR sequence for a word that says how things are ("READY", "FAILED", "fail"); "" for none. */
const char *cli_table_color(struct str word);

#endif
