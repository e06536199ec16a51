/* cli_wait: after an operator's verb, until the order is where the verb leads. */
#ifndef LM_CLI_WAIT_H
#define LM_CLI_WAIT_H

#include "cli/cli_store.h"

/* CLI_OK when there, CLI_FAILED when it ended elsewhere, CLI_TIMED_OUT, CLI_INTERRUPTED. */
enum cli_exit cli_wait(struct cli *c, unsigned shard, const char *id, const char *verb);

#endif
