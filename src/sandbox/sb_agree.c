#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "sandbox/sb_ops.h"
#include "sandbox/sb_purchase.h"

#define PAGE_MAX 50

/* Agreements of legacy listings exist too; only their licences are not told. Those that a channel
 * partner sold are between him and the buyer. */
static const struct sb_purchase *wanted(struct sb_call *c)
{
    struct str id = json_str(c->in, "agreementId");

    for (size_t i = 0; id.n && i < c->s->purchases.n; i++) {
        const struct sb_purchase *p = c->s->purchases.p[i];
        if (str_is(id, p->agreement)) {
            sb_call_about(c, p->id);
            if (!p->cppo)
                return p;
            sb_call_fail(c, "AccessDeniedException", "not a party of this agreement");
            return NULL;
        }
    }
    if (id.n == 0)
        sb_call_fail(c, "ValidationException", "agreementId is required");
    else
        sb_call_fail(c, "ResourceNotFoundException", "there is no such agreement");
    return NULL;
}

static void kv_in(struct jsonw *w, const char *outer, const char *key, const char *value)
{
    jsonw_key(w, outer);
    jsonw_obj(w);
    jsonw_kvs(w, key, str_of(value));
    jsonw_obj_end(w);
}

static void write_resource(struct jsonw *w, const struct sb_purchase *p)
{
    jsonw_obj(w);
    jsonw_kvs(w, "id", str_of(p->product->id));
    jsonw_kvs(w, "type", STR("SaaSProduct"));
    jsonw_obj_end(w);
}

/* The members that DescribeAgreement and SearchAgreements share. */
static void write_summary(struct sb *s, struct jsonw *w, const struct sb_purchase *p)
{
    jsonw_kvs(w, "agreementId", str_of(p->agreement));
    kv_in(w, "acceptor", "accountId", p->account);
    kv_in(w, "proposer", "accountId", s->conf.seller);
    sb_call_epoch(w, "startTime", p->start_ms);
    if (p->end_ms) {
        sb_call_epoch(w, "endTime", p->end_ms);
    } else {
        jsonw_key(w, "endTime");
        jsonw_null(w);
    }
    sb_call_epoch(w, "acceptanceTime", p->accepted_ms);
    jsonw_kvs(w, "agreementType", STR("PurchaseAgreement"));
    jsonw_key(w, "proposalSummary");
    jsonw_obj(w);
    jsonw_key(w, "resources");
    jsonw_arr(w);
    write_resource(w, p);
    jsonw_arr_end(w);
    jsonw_kvs(w, "offerId", str_of(p->offer));
    jsonw_obj_end(w);
    jsonw_kvs(w, "status", str_of(sb_purchase_status(p->status)));
}

int sb_agree_describe(struct sb_call *c)
{
    const struct sb_purchase *p = wanted(c);

    if (!p)
        return -1;
    jsonw_obj(&c->w);
    write_summary(c->s, &c->w, p);
    jsonw_key(&c->w, "estimatedCharges");
    jsonw_obj(&c->w);
    jsonw_kvs(&c->w, "currencyCode", STR("USD"));
    jsonw_kvs(&c->w, "agreementValue", STR("0"));
    jsonw_obj_end(&c->w);
    jsonw_obj_end(&c->w);
    return 0;
}

static void open_term(struct jsonw *w, const char *member, const char *type)
{
    jsonw_obj(w);
    jsonw_key(w, member);
    jsonw_obj(w);
    jsonw_kvs(w, "type", str_of(type));
}

static void close_term(struct jsonw *w)
{
    jsonw_obj_end(w);
    jsonw_obj_end(w);
}

static void write_contract(struct jsonw *w, const struct sb_purchase *p)
{
    open_term(w, "configurableUpfrontPricingTerm", "ConfigurableUpfrontPricingTerm");
    jsonw_kvs(w, "currencyCode", STR("USD"));
    jsonw_key(w, "configuration");
    jsonw_obj(w);
    jsonw_kvs(w, "selectorValue", STR("P12M"));
    jsonw_key(w, "dimensions");
    jsonw_arr(w);
    jsonw_obj(w);
    jsonw_kvs(w, "dimensionKey", str_of(p->plan->dimension));
    jsonw_kvi(w, "dimensionValue", p->quantity);
    jsonw_obj_end(w);
    jsonw_arr_end(w);
    jsonw_obj_end(w);
    close_term(w);
}

static void write_terms(struct jsonw *w, const struct sb_purchase *p)
{
    char duration[24];

    if (sb_product_entitles(p->product))
        write_contract(w, p);
    if (sb_product_meters(p->product)) {
        open_term(w, "usageBasedPricingTerm", "UsageBasedPricingTerm");
        jsonw_kvs(w, "currencyCode", STR("USD"));
        close_term(w);
    }
    if (p->trial) {
        open_term(w, "freeTrialPricingTerm", "FreeTrialPricingTerm");
        snprintf(duration, sizeof(duration), "P%lldD", (long long)p->product->trial_days);
        jsonw_kvs(w, "duration", str_of(duration));
        close_term(w);
    }
    if (p->end_ms) {
        open_term(w, "renewalTerm", "RenewalTerm");
        jsonw_key(w, "configuration");
        jsonw_obj(w);
        jsonw_kvb(w, "enableAutoRenew", p->auto_renew);
        jsonw_obj_end(w);
        close_term(w);
        open_term(w, "validityTerm", "ValidityTerm");
        sb_call_epoch(w, "agreementStartDate", p->start_ms);
        sb_call_epoch(w, "agreementEndDate", p->end_ms);
        close_term(w);
    }
}

int sb_agree_terms(struct sb_call *c)
{
    const struct sb_purchase *p = wanted(c);

    if (!p)
        return -1;
    jsonw_obj(&c->w);
    jsonw_key(&c->w, "acceptedTerms");
    jsonw_arr(&c->w);
    write_terms(&c->w, p);
    jsonw_arr_end(&c->w);
    jsonw_obj_end(&c->w);
    return 0;
}

int sb_agree_entitlements(struct sb_call *c)
{
    const struct sb_purchase *p = wanted(c);

    if (!p)
        return -1;
    bool ended = p->status != SB_ACTIVE, later = sb_core_now(c->s) < p->start_ms;
    bool pending = !ended && !later && !sb_purchase_entitled(c->s, p);
    jsonw_obj(&c->w);
    jsonw_key(&c->w, "agreementEntitlements");
    jsonw_arr(&c->w);
    jsonw_obj(&c->w);
    jsonw_key(&c->w, "resource");
    write_resource(&c->w, p);
    jsonw_kvs(&c->w, "status",
              str_of(ended     ? "DEPROVISIONED"
                     : later   ? "SCHEDULED"
                     : pending ? "PENDING"
                               : "PROVISIONED"));
    jsonw_kvs_opt(&c->w, "statusReasonCode",
                  str_of(ended     ? "AGREEMENT_INACTIVE"
                         : later   ? "FUTURE_START_DATE"
                         : pending ? "PROVISIONING_IN_PROGRESS"
                                   : ""));
    if (!pending && !later && p->product->mode == SB_MODE_CONCURRENT)
        jsonw_kvs(&c->w, "licenseArn", str_of(p->license_arn));
    jsonw_obj_end(&c->w);
    jsonw_arr_end(&c->w);
    jsonw_obj_end(&c->w);
    return 0;
}

/* One filter of SearchAgreements. Those that always hold here (party, type, catalog) match. */
static bool filter_holds(const struct sb_purchase *p, const cJSON *filter)
{
    const struct {
        const char *name, *have;
    } known[] = {
        {"AcceptorAccountId", p->account},         {"AgreementId", p->agreement},
        {"ResourceIdentifier", p->product->id},    {"OfferId", p->offer},
        {"Status", sb_purchase_status(p->status)},
    };
    struct str name = json_str(filter, "name");
    const cJSON *value;

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (!str_is(name, known[i].name))
            continue;
        cJSON_ArrayForEach(value, json_arr(filter, "values"))
        {
            if (str_is(str_of(cJSON_GetStringValue(value)), known[i].have))
                return true;
        }
        return false;
    }
    return true;
}

static bool all_hold(const struct sb_purchase *p, const cJSON *filters)
{
    const cJSON *f;

    if (p->cppo)
        return false;
    cJSON_ArrayForEach(f, filters)
    {
        if (!filter_holds(p, f))
            return false;
    }
    return true;
}

int sb_agree_search(struct sb_call *c)
{
    const cJSON *filters = json_arr(c->in, "filters");
    struct str token = json_str(c->in, "nextToken");
    int64_t max, shown = 0;
    uint64_t i = 0;
    char next[24];

    if (sb_call_int(c, "maxResults", PAGE_MAX, &max) || max < 1 || max > PAGE_MAX ||
        (token.n && str_u64(token, 1000000, &i)))
        return sb_call_fail(c, "ValidationException", "maxResults or nextToken is invalid");
    jsonw_obj(&c->w);
    jsonw_key(&c->w, "agreementViewSummaries");
    jsonw_arr(&c->w);
    for (; i < c->s->purchases.n && shown < max; i++) {
        const struct sb_purchase *p = c->s->purchases.p[i];
        if (!all_hold(p, filters))
            continue;
        jsonw_obj(&c->w);
        write_summary(c->s, &c->w, p);
        jsonw_obj_end(&c->w);
        shown++;
    }
    jsonw_arr_end(&c->w);
    snprintf(next, sizeof(next), "%llu", (unsigned long long)i);
    if (i < c->s->purchases.n)
        jsonw_kvs(&c->w, "nextToken", str_of(next));
    jsonw_obj_end(&c->w);
    return 0;
}
