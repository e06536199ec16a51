#include "cli/cli_config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "cli/cli_text.h"

#ifndef LASTMILE_CONFIG_PATH
#define LASTMILE_CONFIG_PATH "/etc/lastmile/lastmile.yaml"
#endif

enum { ERRORS_MAX = 256 << 10 };

const char *cli_config_path(const struct cli *c)
{
    const char *env = getenv("LASTMILE_CONFIG");

    if (cli_given(&c->args, CLI_F_CONFIG))
        return c->args.value[CLI_F_CONFIG];
    return env && *env ? env : LASTMILE_CONFIG_PATH;
}

void cli_config_tell(const struct buf *errors)
{
    struct str rest = str_trim(buf_view(errors));

    while (rest.n) {
        struct str line = str_cut(rest, '\n', &rest);
        struct buf b;

        buf_init(&b, 65536);
        cli_text_safe(&b, line);
        fprintf(stderr, "%s\n", buf_cstr(&b));
        buf_free(&b);
    }
}

enum cli_exit cli_config_open(struct cli *c)
{
    const char *path = cli_config_path(c);
    struct buf errors;
    char text[64];
    int rc;

    if (c->cfg)
        return CLI_OK;
    buf_init(&errors, ERRORS_MAX);
    rc = config_load(path, &c->cfg, &errors);
    cli_config_tell(&errors);
    if (rc && errors.len == 0)
        cli_say("%s: %s", path, log_errno(rc, text));
    buf_free(&errors);
    return rc ? CLI_FAILED : CLI_OK;
}
