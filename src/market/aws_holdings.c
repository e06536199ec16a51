/*
 * What one account holds of this product: SearchAgreements by acceptor and product, where the
 * listing has an id; then GetEntitlements by account, where pricing has entitlements. The second
 * also knows what a channel partner sold, whose agreements are not ours to read.
 *
 * Source: AWS Marketplace Agreement API, SearchAgreements (AcceptorAccountId + ResourceIdentifier);
 * Entitlement Service API, GetEntitlements (filter CUSTOMER_AWS_ACCOUNT_ID).
 */
#include <string.h>

#include "base/clock.h"
#include "market/aws.h"

enum { BODY_MAX = 16 * 1024, ROOM = 1 << 20, MAX = 200, PAGE_AGREEMENTS = 50, PAGE_LICENSES = 25 };

static void search(struct aws_job *j);
static void ask_licenses(struct aws_job *j);

static void holdings_end(struct aws_job *j, enum market_class cls, const char *code,
                         uint64_t retry_after_ms)
{
    struct market_page p = {cls, code, retry_after_ms, NULL, 0, ""};

    if (cls == MARKET_OK) {
        p.purchases = j->list;
        p.n = j->nlist;
    }
    j->cb.page(j->arg, &p);
}

/* False: the job has ended. An answer that repeats its token, or never ends, is no answer. */
static bool next_page(struct aws_job *j, struct str next)
{
    if (!str_text(next) || str_eq(next, j->token) || ++j->pages >= AWS_PAGES) {
        aws_job_end(j, MARKET_RETRY, "EndlessPages", 0);
        return false;
    }
    j->token = arena_str(j->a, next);
    return true;
}

static bool room(struct aws_job *j)
{
    if (j->nlist < MAX)
        return true;
    aws_job_end(j, MARKET_RETRY, "TooManyHoldings", 0);
    return false;
}

/* --- licences ------------------------------------------------------------------------------- */

static bool listed(const struct aws_job *j, const char *purchase)
{
    for (size_t i = 0; i < j->nlist; i++)
        if (!*j->list[i].agreement && strcmp(j->list[i].purchase, purchase) == 0)
            return true;
    return false;
}

/* The filter was the service's to apply. */
static bool is_his(const struct aws_job *j, const cJSON *e)
{
    struct str code = json_str(e, "ProductCode"), account = json_str(e, "CustomerAWSAccountId");

    return (code.n == 0 || str_is(code, j->m->cfg->product_code)) &&
           (account.n == 0 || str_is(account, j->p.account));
}

static void take_license(struct aws_job *j, const cJSON *e)
{
    struct str license = json_str(e, "LicenseArn");
    struct market_purchase *p = &j->list[j->nlist];

    *p = market_purchase_none;
    p->purchase = aws_license_id(j->a, license);
    if (!*p->purchase || !is_his(j, e) || listed(j, p->purchase))
        return;
    p->license = str_text(license) ? aws_keep(j->a, license) : "";
    p->account = j->p.account;
    p->product_code = j->m->cfg->product_code;
    p->read_ms = j->p.read_ms;
    p->granted = true;
    j->nlist++;
}

static void on_licenses(struct aws_job *j, const struct aws_answer *a)
{
    struct str next = json_str(a->json, "NextToken");
    const cJSON *e;

    if (a->cls != MARKET_OK) {
        aws_job_end(j, a->cls, a->code, a->retry_after_ms);
        return;
    }
    cJSON_ArrayForEach(e, json_arr(a->json, "Entitlements"))
    {
        if (!room(j))
            return;
        take_license(j, e);
    }
    if (next.n == 0)
        aws_job_end(j, MARKET_OK, j->side_code, 0);
    else if (next_page(j, next))
        ask_licenses(j);
}

static void ask_licenses(struct aws_job *j)
{
    struct buf body;
    struct jsonw w;

    buf_init(&body, BODY_MAX);
    jsonw_init(&w, &body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "ProductCode", str_of(j->m->cfg->product_code));
    jsonw_key(&w, "Filter");
    jsonw_obj(&w);
    jsonw_key(&w, "CUSTOMER_AWS_ACCOUNT_ID");
    jsonw_arr(&w);
    jsonw_str(&w, str_of(j->p.account));
    jsonw_arr_end(&w);
    jsonw_obj_end(&w);
    jsonw_kvi(&w, "MaxResults", PAGE_LICENSES);
    jsonw_kvs_opt(&w, "NextToken", j->token);
    jsonw_obj_end(&w);
    aws_call(j, &aws_get_entitlements, &body, on_licenses);
    buf_free(&body);
}

static void licenses(struct aws_job *j)
{
    j->token = STR("");
    j->pages = 0;
    if (j->m->cfg->contract)
        ask_licenses(j);
    else
        aws_job_end(j, MARKET_OK, j->side_code, 0);
}

/* --- agreements ----------------------------------------------------------------------------- */

static void on_agreements(struct aws_job *j, const struct aws_answer *a)
{
    struct str next = json_str(a->json, "nextToken");
    const cJSON *e;

    if (a->cls == MARKET_RETRY) {
        aws_job_end(j, a->cls, a->code, a->retry_after_ms);
        return;
    }
    if (a->cls != MARKET_OK) {
        j->side_code = a->code;
        j->nlist = 0;
        licenses(j);
        return;
    }
    cJSON_ArrayForEach(e, json_arr(a->json, "agreementViewSummaries"))
    {
        if (!room(j))
            return;
        if (aws_summary(j, e, &j->list[j->nlist]) &&
            strcmp(j->list[j->nlist].account, j->p.account) == 0)
            j->nlist++;
    }
    if (next.n == 0)
        licenses(j);
    else if (next_page(j, next))
        search(j);
}

static void search(struct aws_job *j)
{
    aws_search(j, "AcceptorAccountId", j->p.account, PAGE_AGREEMENTS, on_agreements);
}

static void begin(struct aws_job *j)
{
    const struct cfg_market *cfg = j->m->cfg;

    j->list = arena_alloc(j->a, MAX * sizeof(*j->list));
    if (!j->list)
        aws_job_end(j, MARKET_RETRY, "NoMemory", 0);
    else if (cfg->mode != CFG_CONCURRENT || !*j->p.account)
        aws_job_end(j, MARKET_CONFIG, "NoList", 0);
    else if (*cfg->product_id)
        search(j);
    else
        licenses(j);
}

void aws_holdings(struct market *m, const struct market_purchase *known, market_page_cb *cb,
                  void *arg)
{
    struct aws_job *j = aws_job_new(aws_of(m), ROOM, begin, holdings_end, arg);

    if (!j) {
        cb(arg, &(struct market_page){MARKET_RETRY, "NoMemory", 0, NULL, 0, ""});
        return;
    }
    j->cb.page = cb;
    j->p = market_purchase_none;
    j->p.read_ms = clock_wall_ms();
    j->p.account = aws_keep(j->a, str_of(known->account));
    j->token = STR("");
}
