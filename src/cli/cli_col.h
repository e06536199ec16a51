/*
 * cli_col: one field of a record and how it is shown. The same tables make the tables for people
 * and the JSON for programs, so the two cannot drift apart.
 */
#ifndef LM_CLI_COL_H
#define LM_CLI_COL_H

#include "base/json.h"
#include "store/store.h"

enum cli_kind {
    CLI_TEXT,
    CLI_STATE,   /* text, coloured on a terminal */
    CLI_INT,     /* JSON number; absent: null */
    CLI_BOOL,    /* "1" is true */
    CLI_TIME,    /* ms since the epoch -> RFC 3339 UTC; 0 or absent: null */
    CLI_AGE,     /* CLI_TIME in JSON, "5m" for people */
    CLI_EMAIL,   /* masked unless personal */
    CLI_ACCOUNT, /* masked unless personal */
    CLI_RAW,     /* holds JSON; null when it does not parse */
    CLI_PRIVATE  /* CLI_RAW, but null unless personal */
};

struct cli_col {
    const char *key;   /* in JSON; NULL: not there */
    const char *title; /* for people; NULL: not there */
    const char *field; /* in the row */
    enum cli_kind kind;
    bool shrink; /* may be cut where the terminal is narrow */
};

/* What people read, control characters made visible. Nothing is appended for an absent value. */
void cli_col_text(struct buf *b, const struct cli_col *col, struct str value, bool personal);
/* What programs read: key and value. */
void cli_col_json(struct jsonw *w, const struct cli_col *col, struct str value, bool personal);
/* All columns with a key, from one row. */
void cli_col_row_json(struct jsonw *w, const struct cli_col *cols, size_t n,
                      const struct store_row *row, bool personal);
/* "5s", "12m", "3h", "8d" */
void cli_col_age(struct buf *b, int64_t ms);

#endif
