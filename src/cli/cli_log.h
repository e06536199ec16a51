/* cli_log: an order's history, read page by page. */
#ifndef LM_CLI_LOG_H
#define LM_CLI_LOG_H

#include "cli/cli_col.h"
#include "cli/cli_store.h"

enum { CLI_LOG_ID = 48 };

struct cli_log {
    struct cli_rows page; /* what row points into */
    const struct store_row *row;
    size_t n;
};

/* Up to max entries after the id ("" = from the first). 0 or a store error. */
int cli_log_read(struct cli *c, unsigned shard, const char *order, const char *after, size_t max,
                 struct cli_log *out);
/* The last max entries; max is at most a page. */
int cli_log_tail(struct cli *c, unsigned shard, const char *order, size_t max, struct cli_log *out);
void cli_log_free(struct cli_log *l);
void cli_log_table(const struct cli_log *l, size_t width, bool color, bool personal,
                   struct buf *out);
/* One line without a heading, for following. */
void cli_log_line(const struct store_row *row, bool personal, struct buf *out);
void cli_log_json(struct jsonw *w, const struct store_row *row, bool personal);

#endif
