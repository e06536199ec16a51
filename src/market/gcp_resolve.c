/* The sign-up token becomes a purchase: token, account, then the account's entitlements. A token
 * names the account only; which order the buyer comes from is chosen by its `orders`, else the
 * newest of our product that waits, else the newest that runs. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "market/gcp.h"

enum { RANK_ENDED = 1, RANK_RUNS, RANK_WAITS, RANK_NAMED = 10 };

static void list(struct gcp_job *j);

static void fail(struct gcp_job *j, const struct gcp_answer *a)
{
    gcp_job_end(j, a->cls, a->code, a->retry_after_ms);
}

static bool named(const struct gcp_job *j, const cJSON *e)
{
    struct str id = gcp_last(json_str(e, "name")), order = gcp_last(json_str(e, "orderId"));

    for (size_t i = 0; i < j->norders; i++)
        if (str_is(id, j->orders[i]) || str_is(order, j->orders[i]))
            return true;
    return false;
}

static int rank_of(const struct gcp_job *j, const cJSON *e, const struct market_purchase *p)
{
    int rank = RANK_RUNS;

    if (p->standing == STANDING_ENDED)
        rank = RANK_ENDED;
    else if (p->standing == STANDING_HELD || p->standing == STANDING_SCHEDULED)
        rank = RANK_WAITS;
    return named(j, e) ? rank + RANK_NAMED : rank;
}

static void consider(struct gcp_job *j, const cJSON *e)
{
    struct market_purchase p;
    int64_t created = gcp_time(e, "createTime");
    int rank;

    if (!str_is(gcp_last(json_str(e, "account")), j->p.account))
        return;
    if (!gcp_is_ours(j->m->cfg, e)) {
        j->others = true;
        return;
    }
    if (gcp_purchase_read(j->m->cfg, e, j->a, &p))
        return;
    rank = rank_of(j, e, &p);
    if (rank < j->rank || (rank == j->rank && created <= j->created_ms))
        return;
    p.account = j->p.account;
    p.purchaser = j->p.purchaser;
    p.read_ms = j->p.read_ms;
    p.signup_wanted = j->p.signup_wanted;
    p.unattended = j->p.unattended;
    j->p = p;
    j->rank = rank;
    j->created_ms = created;
}

/* Just bought: it is there soon, or the token's end ends the attempts. */
static void not_yet(struct gcp_job *j, const char *code)
{
    gcp_job_end(j, j->late ? MARKET_EXPIRED : MARKET_RETRY, code, 0);
}

static void chosen(struct gcp_job *j)
{
    if (j->rank == 0 && j->others)
        gcp_job_end(j, MARKET_PRODUCT, "OtherProduct", 0);
    else if (j->rank == 0)
        /* The buyer may be faster than the list. */
        not_yet(j, "NoOrderYet");
    else if (j->p.standing == STANDING_ENDED)
        gcp_job_end(j, MARKET_GONE, "Cancelled", 0);
    else
        gcp_job_end(j, MARKET_OK, "", 0);
}

static void on_list(struct gcp_job *j, const struct gcp_answer *a)
{
    struct str next;
    const cJSON *e;

    if (a->cls != MARKET_OK) {
        if (a->cls == MARKET_GONE)
            gcp_job_end(j, MARKET_CONFIG, a->code, 0);
        else
            fail(j, a);
        return;
    }
    cJSON_ArrayForEach(e, json_arr(a->json, "entitlements"))
    {
        consider(j, e);
    }
    next = json_str(a->json, "nextPageToken");
    if (next.n == 0 || ++j->pages >= GCP_PAGES) {
        chosen(j);
        return;
    }
    j->page = gcp_keep(j->a, next);
    list(j);
}

static void list(struct gcp_job *j)
{
    struct buf url;

    buf_init(&url, 16 * 1024);
    buf_fmt(&url, "%s/entitlements?filter=", j->m->provider);
    buf_cat(&url, "account%3D");
    enc_pct(&url, str_of(j->p.account));
    buf_cat(&url, "&pageSize=200");
    if (*j->page) {
        buf_cat(&url, "&pageToken=");
        enc_pct(&url, str_of(j->page));
    }
    gcp_call(j, &gcp_get, buf_err(&url) ? NULL : arena_dup(j->a, buf_view(&url)), NULL, on_list);
    buf_free(&url);
}

static void account_read(struct gcp_job *j)
{
    if (j->signup == SIGNUP_UNREAD)
        not_yet(j, "AccountNotFound");
    else
        list(j);
}

static void verify(struct gcp_job *j)
{
    const char *code;
    enum market_class cls = gcp_token_verify(j, &code);

    if (cls != MARKET_OK) {
        gcp_job_end(j, cls, code, 0);
        return;
    }
    j->p.read_ms = clock_wall_ms();
    j->after = account_read;
    gcp_account(j);
}

static void begin(struct gcp_job *j)
{
    const char *why;

    if (gcp_token_begin(j, &why))
        gcp_job_end(j, MARKET_INVALID, why, 0);
    else
        gcp_certs_want(j, verify);
}

void gcp_resolve(struct market *m, struct str token, int64_t arrived_ms, market_result_cb *cb,
                 void *arg)
{
    struct gcp_job *j = gcp_job_new(m, token.n + GCP_JSON_MAX, begin, gcp_result_end, arg);

    if (!j) {
        cb(arg, &(struct market_result){MARKET_RETRY, "NoMemory", 0, market_purchase_none});
        return;
    }
    j->cb.result = cb;
    j->arrived_ms = arrived_ms;
    /* What is too long is refused by its length. */
    j->text = arena_str(j->a, str_sub(token, 0, JWT_MAX + 1));
}
