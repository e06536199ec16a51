/* Reads a purchase again. The entitlements decide; the agreement API answers side questions (end,
 * status, trial), and where permissions for it are missing the refresh goes on without. */
#include <string.h>

#include "market/aws.h"

enum { BODY_MAX = 4096, TERMS_PAGES = 10 };

static void link_license(struct aws_job *j);
static void entitlements(struct aws_job *j);
static void agreement(struct aws_job *j);
static void terms(struct aws_job *j);

static void done(struct aws_job *j)
{
    aws_job_end(j, MARKET_OK, j->side_code, 0);
}

/* true: the refresh has ended. Only passing trouble is worth asking everything again. */
static bool side_failed(struct aws_job *j, const struct aws_answer *a)
{
    if (a->cls == MARKET_RETRY) {
        aws_job_end(j, a->cls, a->code, a->retry_after_ms);
        return true;
    }
    if (a->cls != MARKET_OK)
        j->side_code = a->code;
    return false;
}

static void ask(struct aws_job *j, const struct aws_op *op, const char *page, aws_answer_cb *cb)
{
    struct buf body;
    struct jsonw w;

    buf_init(&body, BODY_MAX);
    jsonw_init(&w, &body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "agreementId", str_of(j->p.agreement));
    jsonw_kvs_opt(&w, "nextToken", str_of(page));
    jsonw_obj_end(&w);
    aws_call(j, op, &body, cb);
    buf_free(&body);
}

static unsigned licenses(const struct aws_answer *a, const char *status, struct str *found)
{
    unsigned n = 0;
    const cJSON *e;

    cJSON_ArrayForEach(e, json_arr(a->json, "agreementEntitlements"))
    {
        if (str_is(json_str(e, "status"), status) && json_str(e, "licenseArn").n) {
            *found = json_str(e, "licenseArn");
            n++;
        }
    }
    return n;
}

/* A lost "License Updated" leaves an agreement without its licence; one alone must be it. After the
 * end of the agreement it is named still. */
static void on_licenses(struct aws_job *j, const struct aws_answer *a)
{
    struct str found = {NULL, 0};
    unsigned n;

    if (side_failed(j, a))
        return;
    n = licenses(a, "PROVISIONED", &found);
    if (n == 0)
        n = licenses(a, "DEPROVISIONED", &found);
    if (n == 1 && str_text(found)) {
        j->p.license = aws_keep(j->a, found);
        j->p.purchase = aws_license_id(j->a, found);
    }
    entitlements(j);
}

static void link_license(struct aws_job *j)
{
    bool concurrent = j->m->cfg->mode == CFG_CONCURRENT;

    if (concurrent && !*j->p.license && *j->p.agreement)
        ask(j, &aws_get_agreement_entitlements, "", on_licenses);
    else
        entitlements(j);
}

static void entitlements(struct aws_job *j)
{
    bool named = j->m->cfg->mode == CFG_CONCURRENT ? *j->p.license : *j->p.customer;

    j->after_entitlements = agreement;
    if (j->m->cfg->contract && named)
        aws_entitle(j);
    else
        agreement(j);
}

static bool is_end(struct str status)
{
    static const char *const ends[] = {"CANCELLED", "EXPIRED", "TERMINATED", "ARCHIVED"};

    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (str_is(status, ends[i]))
            return true;
    return false;
}

static void on_agreement(struct aws_job *j, const struct aws_answer *a)
{
    bool asked_before = *j->p.status;
    struct str status, offer;
    int64_t ms;

    if (side_failed(j, a))
        return;
    if (!a->json) {
        done(j);
        return;
    }
    status = json_str(a->json, "status");
    offer = json_str(json_obj(a->json, "proposalSummary"), "offerId");
    if (str_text(status))
        j->p.status = aws_keep(j->a, status);
    if (offer.n && str_text(offer))
        j->p.offer = aws_keep(j->a, offer);
    if (json_epoch_ms(a->json, "startTime", &ms) == 0)
        j->p.starts_ms = ms;
    /* No end: pay as you go. Entitlements only give the least end, so they win when later. */
    if (json_epoch_ms(a->json, "endTime", &ms) == 0 && ms > j->p.ends_ms)
        j->p.ends_ms = ms;
    if (!j->p.known_entitlements && is_end(status))
        j->p.granted = false;
    if (asked_before)
        done(j);
    else
        terms(j);
}

static void agreement(struct aws_job *j)
{
    if (*j->p.agreement && j->m->cfg->mode == CFG_CONCURRENT)
        ask(j, &aws_describe_agreement, "", on_agreement);
    else
        done(j);
}

/* "25", also where it is the number 25; "" for what cannot be kept. */
static const char *count(struct aws_job *j, const cJSON *obj, const char *key)
{
    const cJSON *v = json_get(obj, key);
    const char *text = cJSON_IsNumber(v) ? arena_fmt(j->a, "%.0f", cJSON_GetNumberValue(v)) : NULL;

    return text ? text : aws_keep(j->a, json_str(obj, key));
}

/* What a contract was bought of: dimensions of the buyer's choice, or the offer's grants. */
static void take_term(struct aws_job *j, const cJSON *list, const char *value)
{
    const cJSON *d;

    cJSON_ArrayForEach(d, list)
    {
        struct str key = json_str(d, "dimensionKey");

        if (j->p.nterms == AWS_TERMS || key.n == 0 || !str_text(key))
            continue;
        j->terms[j->p.nterms++] =
            (struct market_entitlement){aws_keep(j->a, key), count(j, d, value), 0};
    }
}

static void on_terms(struct aws_job *j, const struct aws_answer *a)
{
    const cJSON *t;
    struct str next;

    if (side_failed(j, a))
        return;
    cJSON_ArrayForEach(t, json_arr(a->json, "acceptedTerms"))
    {
        if (json_obj(t, "freeTrialPricingTerm"))
            j->p.trial = true;
        take_term(j,
                  json_arr(json_obj(json_obj(t, "configurableUpfrontPricingTerm"), "configuration"),
                           "dimensions"),
                  "dimensionValue");
        take_term(j, json_arr(json_obj(t, "fixedUpfrontPricingTerm"), "grants"), "maxQuantity");
    }
    next = json_str(a->json, "nextToken");
    if (next.n == 0 || ++j->pages >= TERMS_PAGES)
        done(j);
    else
        ask(j, &aws_get_terms, aws_keep(j->a, next), on_terms);
}

static void terms(struct aws_job *j)
{
    j->pages = 0;
    ask(j, &aws_get_terms, "", on_terms);
}

static const char *copy(struct aws_job *j, const char *s)
{
    return aws_keep(j->a, str_of(s));
}

void aws_refresh(struct market *m, const struct market_purchase *known, market_result_cb *cb,
                 void *arg)
{
    struct aws_job *j = aws_job_new(aws_of(m), 16 * 1024, link_license, aws_result_end, arg);

    if (!j) {
        cb(arg, &(struct market_result){MARKET_RETRY, "NoMemory", 0, *known});
        return;
    }
    j->cb.result = cb;
    j->p = *known;
    j->p.purchase = copy(j, known->purchase);
    j->p.license = copy(j, known->license);
    j->p.agreement = copy(j, known->agreement);
    j->p.account = copy(j, known->account);
    j->p.customer = copy(j, known->customer);
    j->p.product_code = copy(j, known->product_code);
    j->p.offer = copy(j, known->offer);
    j->p.status = copy(j, known->status);
    j->p.terms = j->terms;
    j->p.nterms = 0;
    j->p.entitlements = NULL;
    j->p.nentitlements = 0;
    j->p.known_entitlements = false;
}
