/* Sources 1 and 2: the environment and web identity. */
#include <errno.h>

#include "market/aws_creds_int.h"

bool creds_from_env(struct aws_creds *c)
{
    if (!*c->env[ENV_KEY] || !*c->env[ENV_SECRET])
        return false;
    creds_found(c, str_of(c->env[ENV_KEY]), str_of(c->env[ENV_SECRET]), str_of(c->env[ENV_TOKEN]),
                0);
    return true;
}

bool creds_from_web(struct aws_creds *c)
{
    struct creds_role role = {c->env[ENV_WEB_ROLE], "", c->env[ENV_WEB_SESSION]};

    if (!*c->env[ENV_WEB_FILE])
        return false;
    if (!*role.arn)
        creds_failed(c, -EACCES, "AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN");
    else
        creds_assume_web(c, c->env[ENV_WEB_FILE], &role);
    return true;
}
