#include "market/aws.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *aws_keep(struct arena *a, struct str s)
{
    const char *p = arena_dup(a, s);

    return p ? p : "";
}

/* --- jobs -------------------------------------------------------------------------------- */

static void begin(struct market_job *job)
{
    struct aws_job *j = (struct aws_job *)(void *)job;

    j->first(j);
}

struct aws_job *aws_job_new(struct aws *m, size_t room, aws_step *first, aws_end *end, void *arg)
{
    struct arena *a;
    struct aws_job *j = market_job_new(&m->jobs, sizeof(*j), room, &a);

    if (!j)
        return NULL;
    j->a = a;
    j->m = m;
    j->first = first;
    j->end = end;
    j->arg = arg;
    j->side_code = "";
    return j;
}

void aws_job_end(struct aws_job *j, enum market_class cls, const char *code,
                 uint64_t retry_after_ms)
{
    market_job_leave(&j->m->jobs, &j->job);
    j->end(j, cls, code, retry_after_ms);
    market_job_free(j, &j->a);
}

/* --- the channel ------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct aws *m = handle->data;

    arena_free(&m->a);
    free(m);
}

static int open_parts(struct aws *m, const char **err)
{
    const struct cfg_market *cfg = m->cfg;
    struct aws_creds_config cc = {.loop = m->loop,
                                  .http = m->http,
                                  .credentials_file = cfg->credentials_file,
                                  .profile = cfg->profile,
                                  .role_arn = cfg->role_arn,
                                  .external_id = cfg->external_id,
                                  .region = cfg->region,
                                  .sts_endpoint = cfg->sts_endpoint};
    int rc = aws_places(m);

    *err = "an endpoint or the queue is not a URL";
    if (rc == 0) {
        *err = "sns_cert_file cannot be read or holds no certificate";
        rc = sns_trust_open(cfg->sns_cert_file, &m->trust);
    }
    if (rc == 0) {
        *err = "no memory";
        rc = aws_creds_open(&cc, &m->creds);
    }
    return rc;
}

static int aws_open(uv_loop_t *loop, struct http *http, const struct cfg_market *cfg,
                    struct market **out, const char **err)
{
    struct aws *m = calloc(1, sizeof(*m));
    int rc = -ENOMEM;

    *out = NULL;
    *err = "no memory";
    if (!m)
        return rc;
    m->loop = loop;
    m->http = http;
    m->cfg = cfg;
    m->a = arena_new(4096, 64 * 1024);
    if (m->a)
        rc = open_parts(m, err);
    if (rc) {
        sns_trust_close(&m->trust);
        arena_free(&m->a);
        free(m);
        return rc;
    }
    market_jobs_open(&m->jobs, loop, begin);
    *out = (struct market *)(void *)m;
    *err = "";
    return 0;
}

static void aws_close(struct market *mk)
{
    struct aws *m = aws_of(mk);
    struct aws_job *j;

    m->closing = true;
    while ((j = market_job_first(&m->jobs))) {
        if (!j->job.begun)
            aws_job_end(j, MARKET_RETRY, "Canceled", 0);
        else
            aws_call_cancel(j);
    }
    aws_creds_close(&m->creds);
    sns_trust_close(&m->trust);
    market_jobs_close(&m->jobs, m, on_closed);
}

static int aws_parse(struct market *mk, struct str body, struct arena *a, struct market_event *out,
                     const char **why)
{
    struct aws *m = aws_of(mk);

    return aws_event_parse(m->cfg, m->trust, body, a, out, why);
}

static void aws_mended(struct market *mk)
{
    aws_creds_renew(aws_of(mk)->creds);
}

const struct market_ops market_aws = {
    .channel = "aws",
    .open = aws_open,
    .close = aws_close,
    .resolve = aws_resolve,
    .refresh = aws_refresh,
    .poll = aws_poll,
    .ack = aws_ack,
    .parse = aws_parse,
    .mended = aws_mended,
    .list = aws_list,
    .holdings = aws_holdings,
};
