/* cli_order: which order an operator means, and walking through all of them. */
#ifndef LM_CLI_ORDER_H
#define LM_CLI_ORDER_H

#include "base/id.h"
#include "cli/cli_store.h"

/* Letters after the dash that a shortened id needs at least. */
enum { CLI_PREFIX_LEAST = 8 };

/* A whole id costs nothing; a beginning is looked for in its shard and must fit one order only.
 * CLI_OK with out and *shard set, or the code to leave with, told. */
enum cli_exit cli_order_id(struct cli *c, const char *text, char out[ID_ORDER], unsigned *shard);

/* Called for each order of a shard, newest first; false ends the walk. */
typedef bool cli_order_fn(void *arg, const struct store_row *row);
/* 0 or a store error. */
int cli_order_walk(struct cli *c, unsigned shard, cli_order_fn *fn, void *arg);
/* The state words of a row are in quadrant, contract or fulfilment. */
const char *cli_order_quadrant(const struct store_row *row, const char *prefix);

#endif
