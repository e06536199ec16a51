/* cli_config: which configuration file, and its complaints on stderr. */
#ifndef LM_CLI_CONFIG_H
#define LM_CLI_CONFIG_H

#include "cli/cli.h"

/* --config, else $LASTMILE_CONFIG, else the installed place. */
const char *cli_config_path(const struct cli *c);
/* Loads it into c->cfg. CLI_OK, or CLI_FAILED with every complaint told. */
enum cli_exit cli_config_open(struct cli *c);
/* Complaints, one a line, to stderr. */
void cli_config_tell(const struct buf *errors);

#endif
