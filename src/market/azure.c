#include "market/azure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS 60000ULL
#define DAY_MS    (24 * 60 * MINUTE_MS)

/* --- jobs -------------------------------------------------------------------------------- */

static void begin(struct market_job *job)
{
    struct azure_job *j = (struct azure_job *)(void *)job;

    j->first(j);
}

struct azure_job *azure_job_new(struct azure *m, size_t room, azure_step *first, azure_end *end,
                                void *arg)
{
    struct arena *a;
    struct azure_job *j = m->closing ? NULL : market_job_new(&m->jobs, sizeof(*j), room, &a);

    if (!j)
        return NULL;
    j->a = a;
    j->m = m;
    j->first = first;
    j->end = end;
    j->arg = arg;
    j->side_code = j->refused = "";
    j->p = market_purchase_none;
    return j;
}

void azure_job_end(struct azure_job *j, enum market_class cls, const char *code,
                   uint64_t retry_after_ms)
{
    market_job_leave(&j->m->jobs, &j->job);
    j->end(j, cls, code, retry_after_ms);
    buf_free(&j->keys);
    market_job_free(j, &j->a);
}

/* --- the channel ------------------------------------------------------------------------- */

static const char *base_of(struct arena *a, const char *url)
{
    return arena_dup(a, str_rtrim(str_of(url), '/'));
}

static int open_parts(struct azure *m, const char **err)
{
    const struct cfg_azure *cfg = &m->cfg->azure;
    bool v1 = cfg->token_version == CFG_TOKEN_V1;
    struct oauth_source source = {.make = azure_creds_make, .steps = 1, .arg = &m->creds};
    struct buf host;
    int rc;

    *err = "no memory";
    m->api = base_of(m->a, cfg->api_endpoint);
    m->login = base_of(m->a, cfg->login_endpoint);
    if (!m->api || !m->login)
        return -ENOMEM;
    m->creds.cfg = cfg;
    m->creds.url =
        arena_fmt(m->a, "%s/%s/oauth2/%stoken", m->login, cfg->tenant_id, v1 ? "" : "v2.0/");
    if (!m->creds.url)
        return -ENOMEM;
    *err = "azure.tenant_id or azure.client_id is missing, or an endpoint is not a URL";
    buf_init(&host, 300);
    rc = http_url_host(m->api, &host);
    buf_reset(&host);
    if (rc == 0)
        rc = http_url_host(m->creds.url, &host);
    buf_free(&host);
    if (rc == 0 && (!*cfg->tenant_id || !*cfg->client_id))
        rc = -EINVAL;
    return rc ? rc : oauth_open(m->loop, m->http, &source, &m->oauth);
}

static int azure_open(uv_loop_t *loop, struct http *http, const struct cfg_market *cfg,
                      struct market **out, const char **err)
{
    struct azure *m = calloc(1, sizeof(*m));
    int rc = -ENOMEM;

    *out = NULL;
    *err = "no memory";
    if (!m)
        return rc;
    m->loop = loop;
    m->http = http;
    m->cfg = cfg;
    m->a = arena_new(2048, 64 * 1024);
    if (m->a)
        rc = open_parts(m, err);
    if (rc) {
        arena_free(&m->a);
        free(m);
        return rc;
    }
    market_jobs_open(&m->jobs, loop, begin);
    *out = (struct market *)(void *)m;
    *err = "";
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct azure *m = handle->data;

    jwk_set_free(&m->sign_in_keys);
    arena_free(&m->a);
    free(m);
}

static void azure_close(struct market *mk)
{
    struct azure *m = azure_of(mk);
    struct azure_job *j;

    m->closing = true;
    while ((j = market_job_first(&m->jobs))) {
        if (!j->job.begun)
            azure_job_end(j, MARKET_RETRY, "Canceled", 0);
        else
            azure_call_cancel(j);
    }
    oauth_close(&m->oauth);
    market_jobs_close(&m->jobs, m, on_closed);
}

static int azure_parse(struct market *mk, struct str body, struct arena *a,
                       struct market_event *out, const char **why)
{
    return azure_event_parse(azure_of(mk)->cfg, body, a, out, why);
}

/* Usage outside Subscribed is refused (ResourceNotActive). An activation or a change may be
 * "received" for minutes before it shows. */
#define CAPS                                                                                       \
    .hold = true, .refuse_change = true, .cancel = true, .change = true, .usage_hard = true,       \
    .hold_ms = 30 * DAY_MS, .settle_ms = 10 * MINUTE_MS

static const struct market_caps *azure_caps(const struct cfg_market *cfg)
{
    static const struct market_caps plain = {CAPS}, signing = {CAPS, .sign_in = true};

    return *cfg->azure.sign_in_client_id ? &signing : &plain;
}

static void azure_mended(struct market *mk)
{
    oauth_renew(azure_of(mk)->oauth);
}

const struct market_ops market_azure = {
    .channel = "azure",
    .open = azure_open,
    .close = azure_close,
    .resolve = azure_resolve,
    .refresh = azure_refresh,
    .mended = azure_mended,
    .parse = azure_parse,
    .caps = azure_caps,
    .tell = azure_tell,
    .list = azure_list,
    .plans = azure_plans,
    .keys = azure_keys,
    .sign_in = azure_sign_in,
    .may_claim = azure_may_claim,
};
