/*
 * cli_store: the store's calls, one after the other: start one, run the loop until it answers.
 *
 * Ctrl-C and --timeout end every wait; then rc is -EINTR or -ETIMEDOUT and the call's own answer,
 * when it comes, is dropped. Rows are copies; free them.
 */
#ifndef LM_CLI_STORE_H
#define LM_CLI_STORE_H

#include "base/arena.h"
#include "cli/cli.h"

struct cli_rows {
    struct arena *a;
    struct store_rows r;
};

/* Loop, signals, configuration, connection. CLI_OK or the code to leave with, told. */
enum cli_exit cli_store_open(struct cli *c);
void cli_store_close(struct cli *c);
int cli_store_call(struct cli *c, unsigned shard, enum store_script script, const struct str *args,
                   size_t nargs, struct cli_rows *out);
int cli_store_info(struct cli *c, struct cli_rows *out);
void cli_rows_free(struct cli_rows *r);
/* 0, or -EINTR, -ETIMEDOUT. */
int cli_store_sleep(struct cli *c, uint64_t ms);
/* Says what went wrong while doing what ("reading the order") and returns the exit code. */
enum cli_exit cli_store_fail(const struct cli *c, int rc, const char *what);

#endif
