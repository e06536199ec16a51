#include "market/gcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"

enum { SETTLE_MS = 20 * 60 * 1000 };

const char *gcp_keep(struct arena *a, struct str s)
{
    const char *p = arena_dup(a, s);

    return p ? p : "";
}

static void keep_person(struct arena *a, struct market_person *p)
{
    p->tenant = gcp_keep(a, str_of(p->tenant));
    p->object = gcp_keep(a, str_of(p->object));
    p->email = gcp_keep(a, str_of(p->email));
}

void gcp_known(struct gcp_job *j, const struct market_purchase *known)
{
    const char **texts[] = {&j->p.purchase, &j->p.license,      &j->p.agreement, &j->p.account,
                            &j->p.customer, &j->p.product_code, &j->p.offer,     &j->p.status,
                            &j->p.plan,     &j->p.term,         &j->p.usage_id,  &j->p.pending_plan,
                            &j->p.change_id};

    j->p = *known;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        *texts[i] = gcp_keep(j->a, str_of(*texts[i]));
    keep_person(j->a, &j->p.beneficiary);
    keep_person(j->a, &j->p.purchaser);
    j->p.entitlements = NULL;
    j->p.nentitlements = 0;
    j->p.known_entitlements = false;
}

/* --- jobs -------------------------------------------------------------------------------- */

static void begin(struct market_job *job)
{
    struct gcp_job *j = (struct gcp_job *)(void *)job;

    j->first(j);
}

struct gcp_job *gcp_job_new(struct market *mk, size_t room, gcp_step *first, gcp_end *end,
                            void *arg)
{
    struct gcp *m = gcp_of(mk);
    struct arena *a;
    struct gcp_job *j = market_job_new(&m->jobs, sizeof(*j), room, &a);

    if (!j)
        return NULL;
    j->a = a;
    j->m = m;
    j->first = first;
    j->end = end;
    j->arg = arg;
    j->side_code = j->page = "";
    j->p = market_purchase_none;
    return j;
}

void gcp_job_end(struct gcp_job *j, enum market_class cls, const char *code,
                 uint64_t retry_after_ms)
{
    market_job_leave(&j->m->jobs, &j->job);
    j->end(j, cls, code, retry_after_ms);
    market_job_free(j, &j->a);
}

/* --- the channel ------------------------------------------------------------------------- */

static void drop(struct gcp *m)
{
    oauth_close(&m->oauth);
    gcp_creds_close(&m->creds);
    gcp_certs_close(m);
}

static void on_closed(uv_handle_t *handle)
{
    struct gcp *m = handle->data;

    if (--m->open_timers)
        return;
    arena_free(&m->a);
    free(m);
}

static int open_parts(struct gcp *m, const char **err)
{
    const struct cfg_gcp *cfg = &m->cfg->gcp;
    struct str base = gcp_base(cfg->procurement_endpoint);
    struct oauth_source source;
    struct buf id;
    int rc = -ENOMEM;

    *err = "no memory";
    buf_init(&id, 1024);
    enc_pct(&id, str_of(cfg->provider_id));
    if (buf_err(&id) == 0)
        m->provider = arena_fmt(m->a, "%.*s/v1/providers/%s", STR_FMT(base), buf_cstr(&id));
    buf_free(&id);
    if (m->provider)
        rc = gcp_creds_open(cfg, &m->creds, &source);
    if (rc == 0)
        rc = oauth_open(m->loop, m->http, &source, &m->oauth);
    return rc;
}

static int gcp_open(uv_loop_t *loop, struct http *http, const struct cfg_market *cfg,
                    struct market **out, const char **err)
{
    struct gcp *m = calloc(1, sizeof(*m));
    int rc = -ENOMEM;

    *out = NULL;
    *err = "no memory";
    if (!m)
        return rc;
    m->loop = loop;
    m->http = http;
    m->cfg = cfg;
    m->certs.code = "";
    m->a = arena_new(4096, 64 * 1024);
    if (m->a)
        rc = open_parts(m, err);
    if (rc) {
        drop(m);
        arena_free(&m->a);
        free(m);
        return rc;
    }
    market_jobs_open(&m->jobs, loop, begin);
    uv_timer_init(loop, &m->pause);
    m->pause.data = m;
    m->open_timers = 2;
    *out = (struct market *)(void *)m;
    *err = "";
    return 0;
}

static void gcp_close(struct market *mk)
{
    struct gcp *m = gcp_of(mk);
    struct gcp_job *j;

    m->closing = true;
    while ((j = market_job_first(&m->jobs))) {
        if (!j->job.begun || j->on_certs || j->paused)
            gcp_job_end(j, MARKET_RETRY, "Canceled", 0);
        else
            gcp_call_cancel(j);
    }
    drop(m);
    market_jobs_close(&m->jobs, m, on_closed);
    uv_close((uv_handle_t *)&m->pause, on_closed);
}

static int gcp_parse(struct market *mk, struct str body, struct arena *a, struct market_event *out,
                     const char **why)
{
    return gcp_event_parse(gcp_of(mk)->cfg, body, a, out, why);
}

/* With automatic approval nothing waits for us but the sign-up. From an approval to the activation
 * it takes up to twenty minutes. */
static const struct market_caps *gcp_caps(const struct cfg_market *cfg)
{
    static const struct market_caps asks = {.hold = true,
                                            .signup = true,
                                            .progress = true,
                                            .refuse_change = true,
                                            .settle_ms = SETTLE_MS};
    static const struct market_caps automatic = {.signup = true, .settle_ms = SETTLE_MS};

    return cfg->gcp.automatic_approval ? &automatic : &asks;
}

static void gcp_mended(struct market *mk)
{
    oauth_renew(gcp_of(mk)->oauth);
}

const struct market_ops market_gcp = {
    .channel = "gcp",
    .open = gcp_open,
    .close = gcp_close,
    .resolve = gcp_resolve,
    .refresh = gcp_refresh,
    .poll = gcp_poll,
    .ack = gcp_ack,
    .mended = gcp_mended,
    .parse = gcp_parse,
    .caps = gcp_caps,
    .tell = gcp_tell,
    .list = gcp_list,
    .keys = gcp_keys,
};
