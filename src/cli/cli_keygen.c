/* keygen: the pair of keys that seals purchase tokens between front and market role. */
#include <errno.h>
#include <unistd.h>

#include "base/log.h"
#include "base/seal.h"
#include "cli/cli.h"

static enum cli_exit refuse_existing(const char *path)
{
    if (access(path, F_OK) == 0)
        return cli_fail(CLI_CONFLICT, "%s is there already; tokens sealed to it would be lost",
                        path);
    return CLI_OK;
}

enum cli_exit cli_keygen(struct cli *c)
{
    const char *secret = c->args.value[CLI_F_SECRET], *public = c->args.value[CLI_F_PUBLIC];
    enum cli_exit code;
    char text[64];
    int rc;

    if (!secret || !public)
        return cli_fail(CLI_USAGE, "usage: lastmile keygen --secret FILE --public FILE");
    code = refuse_existing(secret);
    if (code == CLI_OK)
        code = refuse_existing(public);
    if (code)
        return code;
    rc = seal_keygen(secret, public);
    if (rc)
        return cli_fail(CLI_FAILED, "cannot write the keys: %s", log_errno(rc, text));
    cli_say("wrote %s (keep it with the market role, mode 0600) and %s (for the front)", secret,
            public);
    return CLI_OK;
}
