/*
 * Certificates of Google's sign-up tokens: fetched from one fixed address, kept as long as the
 * answer says, fetched again for an unknown key at most once a minute however many tokens name
 * one. While the address is in trouble the last good ones serve.
 */
#include <string.h>

#include "base/clock.h"
#include "market/gcp.h"

enum {
    FRESH_MIN_MS = 60 * 1000,
    FRESH_MAX_MS = 24 * 3600 * 1000,
    FRESH_DEFAULT_MS = 3600 * 1000,
    AGAIN_MS = 60 * 1000, /* between two fetches */
    AGAIN_COLD_MS = 5 * 1000,
    CLOCKS_MS = 5000
};

static void settle(struct gcp_job *j);

static uint64_t fresh_ms(uint64_t max_age_ms)
{
    if (max_age_ms == 0)
        return FRESH_DEFAULT_MS;
    if (max_age_ms < FRESH_MIN_MS)
        return FRESH_MIN_MS;
    return max_age_ms > FRESH_MAX_MS ? FRESH_MAX_MS : max_age_ms;
}

static struct gcp_job *parked(struct gcp *m)
{
    struct gcp_job *j;

    for (j = market_job_first(&m->jobs); j; j = market_job_next(&j->job)) {
        if (j->on_certs)
            return j;
    }
    return NULL;
}

static void fetch_end(struct gcp_job *f, enum market_class cls, const char *code,
                      uint64_t retry_after_ms)
{
    struct gcp *m = f->m;
    struct gcp_certs *c = &m->certs;
    uint64_t again = cls == MARKET_OK || c->set ? AGAIN_MS : AGAIN_COLD_MS;
    struct gcp_job *j;

    (void)code;
    c->fetching = false;
    c->next_fetch = clock_mono_ms() + (retry_after_ms > again ? retry_after_ms : again);
    if (c->next_fetch > clock_mono_ms() + AGAIN_MS)
        c->next_fetch = clock_mono_ms() + AGAIN_MS;
    /* No new fetch begins here, so every parked job goes on or ends. When closing, close() ends
     * them. */
    while (!m->closing && (j = parked(m)))
        settle(j);
}

static void on_certs(struct gcp_job *f, const struct gcp_answer *a)
{
    struct gcp_certs *c = &f->m->certs;
    struct jwk_set *set;

    if (a->cls == MARKET_OK && jwk_set_parse(a->text, &set) == 0) {
        jwk_set_free(&c->set);
        c->set = set;
        c->asked_ms = f->p.read_ms;
        c->fresh_until = clock_mono_ms() + fresh_ms(a->max_age_ms);
        gcp_job_end(f, MARKET_OK, "", 0);
    } else {
        gcp_job_end(f, MARKET_RETRY, "", a->retry_after_ms);
    }
}

static void fetch_begin(struct gcp_job *f)
{
    struct str base = gcp_base(f->m->cfg->gcp.certs_endpoint);

    f->p.read_ms = clock_wall_ms();
    gcp_call(f, &gcp_public,
             arena_fmt(f->a,
                       "%.*s/robot/v1/metadata/x509/"
                       "cloud-commerce-partner@system.gserviceaccount.com",
                       STR_FMT(base)),
             NULL, on_certs);
}

static void go(struct gcp_job *j)
{
    gcp_step *next = j->on_certs;

    j->on_certs = NULL;
    next(j);
}

static void settle(struct gcp_job *j)
{
    struct gcp_certs *c = &j->m->certs;
    uint64_t now = clock_mono_ms(), wait = c->next_fetch > now ? c->next_fetch - now : 1;

    if (c->set && jwk_set_has(c->set, str_of(j->kid))) {
        go(j);
        return;
    }
    j->on_certs = NULL;
    if (!c->set)
        gcp_job_end(j, MARKET_RETRY, "KeysUnavailable", wait);
    /* Signed after our set was served: the key may be newer than the set. Asked for again once.
     * `iat` counts whole seconds, of a clock that may be behind ours. */
    else if (j->iat * 1000 + CLOCKS_MS > c->asked_ms)
        gcp_job_end(j, MARKET_RETRY, "KeyNotYetKnown", wait);
    else
        gcp_job_end(j, MARKET_INVALID, "unknown key", 0);
}

void gcp_certs_want(struct gcp_job *j, gcp_step *next)
{
    struct gcp_certs *c = &j->m->certs;
    uint64_t now = clock_mono_ms();
    bool has = c->set && jwk_set_has(c->set, str_of(j->kid));
    struct gcp_job *f;

    j->on_certs = next;
    if ((has && now < c->fresh_until) || (!c->fetching && now < c->next_fetch)) {
        settle(j);
        return;
    }
    if (c->fetching)
        return;
    f = gcp_job_new((struct market *)(void *)j->m, GCP_JSON_MAX, fetch_begin, fetch_end, NULL);
    if (f)
        c->fetching = true;
    else
        settle(j);
}

void gcp_certs_close(struct gcp *m)
{
    jwk_set_free(&m->certs.set);
}

/* --- keys of push messages --------------------------------------------------------------- */

static void keys_end(struct gcp_job *j, enum market_class cls, const char *code,
                     uint64_t retry_after_ms)
{
    (void)retry_after_ms;
    j->cb.keys(j->arg, cls, code, cls == MARKET_OK ? j->text : str_make(NULL, 0),
               cls == MARKET_OK ? j->ttl_ms : 0);
}

static void on_keys(struct gcp_job *j, const struct gcp_answer *a)
{
    struct jwk_set *set = NULL;

    if (a->cls != MARKET_OK) {
        gcp_job_end(j, a->cls == MARKET_GONE ? MARKET_CONFIG : a->cls, a->code, a->retry_after_ms);
        return;
    }
    j->text = arena_str(j->a, a->text);
    j->ttl_ms = fresh_ms(a->max_age_ms);
    if (j->text.n != a->text.n || jwk_set_parse(j->text, &set))
        gcp_job_end(j, MARKET_RETRY, "MalformedReply", 0);
    else
        gcp_job_end(j, MARKET_OK, "", 0);
    jwk_set_free(&set);
}

static void keys_begin(struct gcp_job *j)
{
    struct str base = gcp_base(j->m->cfg->gcp.certs_endpoint);

    gcp_call(j, &gcp_public, arena_fmt(j->a, "%.*s/oauth2/v3/certs", STR_FMT(base)), NULL, on_keys);
}

void gcp_keys(struct market *m, market_keys_cb *cb, void *arg)
{
    struct gcp_job *j = gcp_job_new(m, JWK_TEXT_MAX, keys_begin, keys_end, arg);

    if (j)
        j->cb.keys = cb;
    else
        cb(arg, MARKET_RETRY, "NoMemory", str_make(NULL, 0), 0);
}
