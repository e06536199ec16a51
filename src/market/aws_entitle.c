/* GetEntitlements to the last page. An empty page may still carry NextToken: only its absence
 * means the end, and only then an empty list means "not entitled". */
#include <stdio.h>
#include <string.h>

#include "market/aws.h"

enum { BODY_MAX = 16 * 1024, PAGE = 25 };

static void next_page(struct aws_job *j);

/* Value holds exactly one of IntegerValue, DoubleValue, BooleanValue, StringValue. */
static const char *value_text(struct aws_job *j, const cJSON *v)
{
    const cJSON *n;
    int64_t i;

    if (json_int(v, "IntegerValue", &i) == 0)
        return arena_fmt(j->a, "%lld", (long long)i);
    n = json_get(v, "DoubleValue");
    if (cJSON_IsNumber(n))
        return arena_fmt(j->a, "%.15g", n->valuedouble);
    if (cJSON_IsBool(json_get(v, "BooleanValue")))
        return json_bool(v, "BooleanValue", false) ? "true" : "false";
    return aws_keep(j->a, json_str(v, "StringValue"));
}

/* The filter was the service's to apply; a licence next to ours must not become ours. */
static bool is_ours(const struct aws_job *j, const cJSON *e)
{
    struct str license = json_str(e, "LicenseArn"), customer = json_str(e, "CustomerIdentifier");
    struct str code = json_str(e, "ProductCode");

    if (code.n && !str_is(code, j->m->cfg->product_code))
        return false;
    if (j->m->cfg->mode == CFG_CONCURRENT)
        return aws_license_same(license, str_of(j->p.license));
    return customer.n == 0 || str_is(customer, j->p.customer);
}

static bool add(struct aws_job *j, const cJSON *e)
{
    struct market_entitlement *out;
    const char *value;

    if (!is_ours(j, e))
        return true;
    value = value_text(j, json_obj(e, "Value"));
    if (j->p.nentitlements == AWS_ENTITLEMENTS || !value)
        return false;
    out = &j->ents[j->p.nentitlements++];
    *out = (struct market_entitlement){aws_keep(j->a, json_str(e, "Dimension")), value, 0};
    if (json_epoch_ms(e, "ExpirationDate", &out->expires_ms))
        out->expires_ms = 0;
    if (out->expires_ms > j->p.ends_ms)
        j->p.ends_ms = out->expires_ms;
    return true;
}

static void finished(struct aws_job *j)
{
    j->p.entitlements = j->ents;
    j->p.known_entitlements = true;
    j->p.granted = j->p.nentitlements > 0;
    j->after_entitlements(j);
}

static void on_page(struct aws_job *j, const struct aws_answer *a)
{
    const cJSON *list, *e;
    struct str next;
    bool repeated;

    if (a->cls != MARKET_OK) {
        aws_job_end(j, a->cls, a->code, a->retry_after_ms);
        return;
    }
    list = json_arr(a->json, "Entitlements");
    next = json_str(a->json, "NextToken");
    cJSON_ArrayForEach(e, list)
    {
        if (!add(j, e)) {
            aws_job_end(j, MARKET_RETRY, "TooManyEntitlements", 0);
            return;
        }
    }
    if (next.n == 0) {
        finished(j);
        return;
    }
    repeated = str_is(next, j->page);
    j->page = aws_keep(j->a, next);
    if (repeated || !*j->page || ++j->pages >= AWS_PAGES)
        aws_job_end(j, MARKET_RETRY, "EndlessPages", 0);
    else
        next_page(j);
}

static void filter(struct aws_job *j, struct jsonw *w)
{
    const char *key = "CUSTOMER_IDENTIFIER", *value = j->p.customer;

    if (j->m->cfg->mode == CFG_CONCURRENT) {
        /* Some events carry a form of the ARN that the API would refuse; then by account. */
        bool arn = str_starts(str_of(j->p.license), STR("arn:"));

        key = arn ? "LICENSE_ARN" : "CUSTOMER_AWS_ACCOUNT_ID";
        value = arn ? j->p.license : j->p.account;
    }
    if (!*value)
        return;
    jsonw_key(w, "Filter");
    jsonw_obj(w);
    jsonw_key(w, key);
    jsonw_arr(w);
    jsonw_str(w, str_of(value));
    jsonw_arr_end(w);
    jsonw_obj_end(w);
}

static void next_page(struct aws_job *j)
{
    struct buf body;
    struct jsonw w;

    buf_init(&body, BODY_MAX);
    jsonw_init(&w, &body);
    jsonw_obj(&w);
    jsonw_kvs(&w, "ProductCode", str_of(j->m->cfg->product_code));
    filter(j, &w);
    jsonw_kvi(&w, "MaxResults", PAGE);
    jsonw_kvs_opt(&w, "NextToken", str_of(j->page));
    jsonw_obj_end(&w);
    aws_call(j, &aws_get_entitlements, &body, on_page);
    buf_free(&body);
}

void aws_entitle(struct aws_job *j)
{
    j->page = "";
    j->pages = 0;
    j->p.nentitlements = 0;
    j->p.ends_ms = 0;
    j->ents = arena_alloc(j->a, AWS_ENTITLEMENTS * sizeof(*j->ents));
    if (j->ents)
        next_page(j);
    else
        aws_job_end(j, MARKET_RETRY, "NoMemory", 0);
}
