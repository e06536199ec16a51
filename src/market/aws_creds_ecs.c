/* Source 4: the credential endpoint of ECS tasks and EKS pod identity. */
#include <errno.h>
#include <string.h>

#include "market/aws_creds_int.h"

enum { ECS_MS = 2000, ECS_TRIES = 3 };

static void ask(struct aws_creds *c);

static void on_answer(void *arg, const struct http_reply *r)
{
    struct aws_creds *c = arg;

    if (r->rc == 0 && r->status == 200)
        creds_found_json(c, r->body);
    else if (r->rc == 0 && r->status < 500 && r->status != 429)
        creds_failed(c, -EACCES, "the container credential endpoint refuses");
    else if (r->rc != -EACCES && ++c->tries < ECS_TRIES)
        ask(c);
    else
        creds_failed(c, r->rc == -EACCES ? -EACCES : -EAGAIN,
                     r->rc == -EACCES ? "the container credential address is not an allowed one"
                                      : "the container credential endpoint does not answer");
}

static void ask(struct aws_creds *c)
{
    const char *rel = c->env[ENV_ECS_RELATIVE], *token = c->env[ENV_ECS_TOKEN];
    const char *url =
        *rel ? arena_fmt(c->fetch, "http://169.254.170.2%s", rel) : c->env[ENV_ECS_FULL];
    const char *headers[2] = {NULL, NULL};

    if (*c->env[ENV_ECS_TOKEN_FILE]) {
        token = creds_token_file(c, c->env[ENV_ECS_TOKEN_FILE]);
        if (!token)
            return;
    }
    if (*token)
        headers[0] = arena_fmt(c->fetch, "Authorization: %s", token);

    /* Plain http reaches only loopback and the metadata addresses: the outbound guard sees to it.
     */
    struct http_request rq = {.method = "GET",
                              .url = url ? url : "",
                              .headers = headers,
                              .connect_ms = ECS_MS,
                              .timeout_ms = ECS_MS,
                              .reply_max = CREDS_REPLY_MAX,
                              .allow = HTTP_LOOPBACK | HTTP_METADATA};

    creds_http(c, &rq, on_answer);
}

bool creds_from_ecs(struct aws_creds *c)
{
    if (!*c->env[ENV_ECS_RELATIVE] && !*c->env[ENV_ECS_FULL])
        return false;
    ask(c);
    return true;
}
