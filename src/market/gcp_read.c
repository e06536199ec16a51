/* The two records that everything is decided by: the account and the entitlement. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "market/gcp.h"

const char *gcp_entitlement_url(struct gcp_job *j, const char *verb)
{
    return arena_fmt(j->a, "%s/entitlements/%s%s", j->m->provider, j->p.purchase, verb);
}

const char *gcp_account_url(struct gcp_job *j, const char *verb)
{
    return arena_fmt(j->a, "%s/accounts/%s%s", j->m->provider, j->p.account, verb);
}

static uint64_t hash_of(const char *account)
{
    uint8_t h[HASH_LEN];
    uint64_t v;

    hash_sha256(str_of(account), h);
    memcpy(&v, h, sizeof(v));
    return v;
}

bool gcp_approved_has(const struct gcp *m, const char *account)
{
    uint64_t h = hash_of(account);

    for (unsigned i = 0; i < m->napproved && i < GCP_APPROVED; i++)
        if (m->approved[i] == h)
            return true;
    return false;
}

void gcp_approved_add(struct gcp *m, const char *account)
{
    if (*account && !gcp_approved_has(m, account))
        m->approved[m->napproved++ % GCP_APPROVED] = hash_of(account);
}

void gcp_approved_drop(struct gcp *m, const char *account)
{
    uint64_t h = hash_of(account);

    for (unsigned i = 0; i < m->napproved && i < GCP_APPROVED; i++)
        if (m->approved[i] == h)
            m->approved[i] = 0;
}

/* "active" of an account says nothing: the approval named signup does. */
enum gcp_signup gcp_signup_of(const cJSON *account)
{
    const cJSON *e;

    cJSON_ArrayForEach(e, json_arr(account, "approvals"))
    {
        struct str state = json_str(e, "state");

        if (!str_is(json_str(e, "name"), "signup"))
            continue;
        if (str_is(state, "APPROVED"))
            return SIGNUP_APPROVED;
        return str_is(state, "REJECTED") ? SIGNUP_REJECTED : SIGNUP_PENDING;
    }
    return SIGNUP_PENDING;
}

static void on_account(struct gcp_job *j, const struct gcp_answer *a)
{
    if (a->cls == MARKET_GONE) {
        j->signup = SIGNUP_UNREAD;
        j->side_code = "AccountNotFound";
    } else if (a->cls != MARKET_OK) {
        gcp_job_end(j, a->cls, a->code, a->retry_after_ms);
        return;
    } else {
        j->signup = gcp_signup_of(a->json);
        if (j->signup == SIGNUP_APPROVED)
            gcp_approved_add(j->m, j->p.account);
        else
            gcp_approved_drop(j->m, j->p.account);
    }
    j->p.signup_wanted = j->signup == SIGNUP_PENDING;
    j->p.unattended = j->signup == SIGNUP_APPROVED;
    j->after(j);
}

void gcp_account(struct gcp_job *j)
{
    gcp_call(j, &gcp_get, gcp_account_url(j, "?view=ACCOUNT_VIEW_FULL"), NULL, on_account);
}

/* Whose it is, so that another listing of the same provider can be asked. */
static void other_product(struct gcp_job *j, const cJSON *e)
{
    struct str name = gcp_product(e);
    bool known = name.n && name.n <= GCP_ID_MAX && str_text(name);

    j->p = market_purchase_none;
    j->p.product_code = known ? gcp_keep(j->a, name) : "";
    /* One that names no product may be ours: nothing to approve, nothing to drop. */
    gcp_job_end(j, known ? MARKET_PRODUCT : MARKET_CONFIG, known ? "OtherProduct" : "NoProduct", 0);
}

static void on_entitlement(struct gcp_job *j, const struct gcp_answer *a)
{
    struct market_purchase p;
    int rc;

    if (a->cls != MARKET_OK) {
        gcp_job_end(j, a->cls, a->code, a->retry_after_ms);
        return;
    }
    rc = gcp_purchase_read(j->m->cfg, a->json, j->a, &p);
    if (rc == -EBADMSG || strcmp(p.purchase, j->p.purchase) != 0) {
        gcp_job_end(j, MARKET_RETRY, "MalformedReply", 0);
    } else if (!gcp_is_ours(j->m->cfg, a->json)) {
        other_product(j, a->json);
    } else if (rc) {
        gcp_job_end(j, MARKET_CONFIG, "UnknownState", 0);
    } else {
        if (!*p.account)
            p.account = j->p.account;
        p.purchaser = j->p.purchaser;
        p.beneficiary = j->p.beneficiary;
        p.read_ms = j->p.read_ms;
        j->p = p;
        j->state = gcp_state_of(a->json);
        j->after(j);
    }
}

void gcp_entitlement(struct gcp_job *j)
{
    j->p.read_ms = clock_wall_ms();
    if (gcp_id_ok(str_of(j->p.purchase)))
        gcp_call(j, &gcp_get, gcp_entitlement_url(j, ""), NULL, on_entitlement);
    else
        gcp_job_end(j, MARKET_CONFIG, "NoPurchase", 0);
}

void gcp_result_end(struct gcp_job *j, enum market_class cls, const char *code,
                    uint64_t retry_after_ms)
{
    struct market_result r = {.cls = cls, .code = code, .retry_after_ms = retry_after_ms};

    r.purchase = cls == MARKET_OK ? j->p : market_purchase_none;
    if (cls == MARKET_PRODUCT)
        r.purchase.product_code = j->p.product_code;
    j->cb.result(j->arg, &r);
}
