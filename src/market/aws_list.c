/*
 * The publisher's own agreements about this product. SearchAgreements as proposer, one status after
 * the other: what was superseded first, so that whoever compares knows of it before the successor
 * shows; then what is active; then what has ended. An active agreement's licence is asked for, and
 * with contract pricing its entitlements. Agreements that a channel partner sold are the partner's
 * and not in this list.
 *
 * Source: AWS Marketplace Agreement API, SearchAgreements (supported combinations of filters, one
 * value per filter, pages of at most 50).
 */
#include <string.h>

#include "base/clock.h"
#include "market/aws.h"

enum {
    BODY_MAX = 16 * 1024,
    ROOM = 4 << 20,
    PAGE = 50,
    PAGE_ASKED = 20, /* an active agreement costs up to two more calls */
    ID_MAX = 255
};

static const char *const statuses[] = {"RENEWED",    "REPLACED", "ACTIVE",  "CANCELLED",
                                       "TERMINATED", "EXPIRED",  "ARCHIVED"};

enum { STATUSES = sizeof(statuses) / sizeof(*statuses) };

static void each(struct aws_job *j);

static void list_end(struct aws_job *j, enum market_class cls, const char *code,
                     uint64_t retry_after_ms)
{
    struct market_page p = {.cls = cls, .code = code, .retry_after_ms = retry_after_ms};

    p.next = "";
    if (cls == MARKET_OK) {
        p.purchases = j->list;
        p.n = j->nlist;
        p.next = j->next;
    }
    j->cb.page(j->arg, &p);
}

/* --- what one active agreement is of -------------------------------------------------------- */

static void entitled(struct aws_job *j)
{
    struct market_purchase *p = &j->list[j->at];

    p->entitlements = j->p.entitlements;
    p->nentitlements = j->p.nentitlements;
    p->known_entitlements = true;
    p->granted = j->p.granted;
    if (j->p.ends_ms > p->ends_ms)
        p->ends_ms = j->p.ends_ms;
    j->at++;
    each(j);
}

/* The licence is known, or that there is none yet. */
static void named(struct aws_job *j)
{
    struct market_purchase *p = &j->list[j->at];

    p->purchase = aws_license_id(j->a, str_of(p->license));
    if (*p->purchase && j->m->cfg->contract) {
        j->p = *p;
        j->after_entitlements = entitled;
        aws_entitle(j);
        return;
    }
    p->granted = *p->purchase && p->starts_ms <= clock_wall_ms() + j->m->skew_ms;
    j->at++;
    each(j);
}

/* Several licences, or none that was handed out: then it has no name yet. */
static void on_licenses(struct aws_job *j, const struct aws_answer *a)
{
    struct market_purchase *p = &j->list[j->at];
    struct str found = {NULL, 0};
    unsigned n = 0;
    const cJSON *e;

    if (a->cls == MARKET_RETRY) {
        aws_job_end(j, a->cls, a->code, a->retry_after_ms);
        return;
    }
    if (a->cls != MARKET_OK) {
        j->side_code = a->code;
        named(j);
        return;
    }
    cJSON_ArrayForEach(e, json_arr(a->json, "agreementEntitlements"))
    {
        if (str_is(json_str(e, "status"), "PROVISIONED") && json_str(e, "licenseArn").n) {
            found = json_str(e, "licenseArn");
            n++;
        }
    }
    p->license = n == 1 && str_text(found) ? aws_keep(j->a, found) : "";
    named(j);
}

static void ask_license(struct aws_job *j)
{
    struct buf body;
    struct jsonw w;

    buf_init(&body, BODY_MAX);
    jsonw_init(&w, &body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "agreementId", str_of(j->list[j->at].agreement));
    jsonw_obj_end(&w);
    aws_call(j, &aws_get_agreement_entitlements, &body, on_licenses);
    buf_free(&body);
}

static void each(struct aws_job *j)
{
    while (j->at < j->nlist && !str_is(str_of(j->list[j->at].status), "ACTIVE"))
        j->at++;
    if (j->at == j->nlist)
        aws_job_end(j, MARKET_OK, j->side_code, 0);
    else if (*j->side_code)
        named(j); /* refused a moment ago: what the list itself tells must do */
    else
        ask_license(j);
}

/* --- a page of the list --------------------------------------------------------------------- */

static const char *text(struct aws_job *j, const cJSON *obj, const char *key)
{
    struct str s = json_str(obj, key);

    return s.n <= ID_MAX && str_text(s) ? aws_keep(j->a, s) : "";
}

/* The filter was the service's to apply; another product's agreement must not become ours. */
static bool is_ours(const struct aws_job *j, const cJSON *proposal)
{
    const cJSON *resources = json_arr(proposal, "resources"), *r;

    cJSON_ArrayForEach(r, resources)
    {
        if (str_is(json_str(r, "id"), j->m->cfg->product_id))
            return true;
    }
    return cJSON_GetArraySize(resources) == 0;
}

/* Where an agreement has one licence its summary may name it. */
static const char *own_license(struct aws_job *j, const cJSON *summary)
{
    const cJSON *list = json_arr(summary, "entitlements");

    return cJSON_GetArraySize(list) == 1 ? text(j, cJSON_GetArrayItem(list, 0), "licenseArn") : "";
}

bool aws_summary(struct aws_job *j, const cJSON *summary, struct market_purchase *p)
{
    const cJSON *proposal = json_obj(summary, "proposalSummary");

    *p = market_purchase_none;
    p->read_ms = j->p.read_ms;
    p->agreement = text(j, summary, "agreementId");
    p->status = text(j, summary, "status");
    p->account = text(j, json_obj(summary, "acceptor"), "accountId");
    p->offer = text(j, proposal, "offerId");
    p->license = own_license(j, summary);
    p->product_code = j->m->cfg->product_code;
    if (json_epoch_ms(summary, "acceptanceTime", &p->bought_ms))
        p->bought_ms = 0;
    if (json_epoch_ms(summary, "startTime", &p->starts_ms))
        p->starts_ms = 0;
    if (json_epoch_ms(summary, "endTime", &p->ends_ms)) /* null: pay as you go */
        p->ends_ms = 0;
    return *p->agreement && *p->status && is_ours(j, proposal);
}

/* "2:token": which status, and the service's word for its next page. NULL without memory. */
static const char *page_word(struct aws_job *j, unsigned status, struct str token)
{
    if (status >= STATUSES)
        return "";
    return arena_fmt(j->a, "%u:%.*s", status, STR_FMT(token));
}

static void on_page(struct aws_job *j, const struct aws_answer *a)
{
    const cJSON *list = json_arr(a->json, "agreementViewSummaries"), *e;
    struct str next = json_str(a->json, "nextToken");
    size_t n = (size_t)cJSON_GetArraySize(list);

    if (a->cls != MARKET_OK) {
        aws_job_end(j, a->cls, a->code, a->retry_after_ms);
        return;
    }
    if (next.n && (!str_text(next) || str_eq(next, j->token))) {
        aws_job_end(j, MARKET_RETRY, "EndlessPages", 0);
        return;
    }
    j->list = arena_alloc(j->a, (n + 1) * sizeof(*j->list));
    j->next = page_word(j, next.n ? j->status : j->status + 1, next);
    if (!j->list || !j->next) {
        aws_job_end(j, MARKET_RETRY, "NoMemory", 0);
        return;
    }
    cJSON_ArrayForEach(e, list)
    {
        j->nlist += aws_summary(j, e, &j->list[j->nlist]);
    }
    each(j);
}

static void filter(struct jsonw *w, const char *name, const char *value)
{
    jsonw_obj(w);
    jsonw_kvs(w, "name", str_of(name));
    jsonw_key(w, "values");
    jsonw_arr(w);
    jsonw_str(w, str_of(value));
    jsonw_arr_end(w);
    jsonw_obj_end(w);
}

void aws_search(struct aws_job *j, const char *name, const char *value, unsigned max,
                aws_answer_cb *cb)
{
    struct buf body;
    struct jsonw w;

    buf_init(&body, BODY_MAX);
    jsonw_init(&w, &body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "catalog", STR("AWSMarketplace"));
    jsonw_key(&w, "filters");
    jsonw_arr(&w);
    filter(&w, "PartyType", "Proposer");
    filter(&w, "AgreementType", "PurchaseAgreement");
    filter(&w, "ResourceIdentifier", j->m->cfg->product_id);
    filter(&w, name, value);
    jsonw_arr_end(&w);
    jsonw_kvi(&w, "maxResults", max);
    jsonw_kvs_opt(&w, "nextToken", j->token);
    jsonw_obj_end(&w);
    aws_call(j, &aws_search_agreements, &body, cb);
    buf_free(&body);
}

static void search(struct aws_job *j)
{
    const char *status = statuses[j->status];

    aws_search(j, "Status", status, strcmp(status, "ACTIVE") == 0 ? PAGE_ASKED : PAGE, on_page);
}

static void begin(struct aws_job *j)
{
    struct str number = str_cut(j->token, ':', &j->token);
    uint64_t status = 0;

    /* Legacy listings have no agreements that name a customer identifier. */
    if (j->m->cfg->mode != CFG_CONCURRENT || !*j->m->cfg->product_id) {
        aws_job_end(j, MARKET_CONFIG, "NoList", 0);
        return;
    }
    if (number.n && str_u64(number, STATUSES - 1, &status)) {
        aws_job_end(j, MARKET_INVALID, "NoSuchPage", 0);
        return;
    }
    j->status = (unsigned)status;
    search(j);
}

void aws_list(struct market *m, const char *page, market_page_cb *cb, void *arg)
{
    struct aws_job *j = aws_job_new(aws_of(m), ROOM, begin, list_end, arg);

    if (!j) {
        cb(arg, &(struct market_page){MARKET_RETRY, "NoMemory", 0, NULL, 0, ""});
        return;
    }
    j->cb.page = cb;
    j->p = market_purchase_none;
    j->p.read_ms = clock_wall_ms();
    j->token = arena_str(j->a, str_of(page));
}
