#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sandbox/sb_fault.h"
#include "sandbox/sb_id.h"
#include "sandbox/sb_ops.h"
#include "sandbox/sb_purchase.h"

#define PAGE_MAX 25

static const char *const filter_keys[] = {"CUSTOMER_IDENTIFIER", "CUSTOMER_AWS_ACCOUNT_ID",
                                          "DIMENSION", "LICENSE_ARN"};

/* NULL when the filter is fine. */
static const char *check_filter(const cJSON *filter)
{
    const cJSON *item, *value;

    if (!cJSON_IsObject(filter))
        return "the filter is not a map";
    if (cJSON_GetObjectItemCaseSensitive(filter, "CUSTOMER_IDENTIFIER") &&
        cJSON_GetObjectItemCaseSensitive(filter, "CUSTOMER_AWS_ACCOUNT_ID"))
        return "CUSTOMER_IDENTIFIER and CUSTOMER_AWS_ACCOUNT_ID exclude each other";
    cJSON_ArrayForEach(item, filter)
    {
        bool known = false;
        for (size_t i = 0; i < sizeof(filter_keys) / sizeof(filter_keys[0]); i++)
            known = known || !strcmp(item->string, filter_keys[i]);
        if (!known)
            return "the filter has an unknown key";
        if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) == 0)
            return "a filter value is a list that is not empty";
        cJSON_ArrayForEach(value, item)
        {
            if (!cJSON_IsString(value))
                return "a filter value is a text";
        }
    }
    return NULL;
}

/* Values of one key are OR-ed. */
static bool one_of(const cJSON *filter, const char *key, const char *have)
{
    const cJSON *value, *list = json_arr(filter, key);

    if (!list)
        return true;
    cJSON_ArrayForEach(value, list)
    {
        if (have[0] && !strcmp(value->valuestring, have))
            return true;
    }
    return false;
}

static bool matches(const struct sb *s, const struct sb_purchase *p,
                    const struct sb_product *product, const cJSON *filter)
{
    const char *arn = p->product->mode == SB_MODE_CONCURRENT ? p->license_arn : "";

    return p->product == product && sb_product_entitles(product) && sb_purchase_entitled(s, p) &&
           one_of(filter, "CUSTOMER_IDENTIFIER", p->customer) &&
           one_of(filter, "CUSTOMER_AWS_ACCOUNT_ID", p->account) &&
           one_of(filter, "DIMENSION", p->plan->dimension) && one_of(filter, "LICENSE_ARN", arn);
}

static void write_entitlement(struct jsonw *w, const struct sb_purchase *p)
{
    jsonw_obj(w);
    jsonw_kvs(w, "ProductCode", str_of(p->product->code));
    jsonw_kvs(w, "Dimension", str_of(p->plan->dimension));
    jsonw_kvs_opt(w, "CustomerIdentifier", str_of(p->customer));
    jsonw_kvs(w, "CustomerAWSAccountId", str_of(p->account));
    if (p->product->mode == SB_MODE_CONCURRENT)
        jsonw_kvs(w, "LicenseArn", str_of(p->license_arn));
    jsonw_key(w, "Value");
    jsonw_obj(w);
    if (!strcmp(p->plan->unit, "Boolean"))
        jsonw_kvb(w, "BooleanValue", true);
    else
        jsonw_kvi(w, "IntegerValue", p->quantity);
    jsonw_obj_end(w);
    if (p->end_ms)
        jsonw_kvi(w, "ExpirationDate", p->end_ms / 1000);
    jsonw_obj_end(w);
}

/* "<product>.<place in the list>.<something new>": SDKs stop at a token that they have seen. */
static int read_page(const struct sb_call *c, const struct sb_product *product, uint64_t *from)
{
    struct str unique, rest, token = json_str(c->in, "NextToken");

    *from = 0;
    if (token.n == 0)
        return json_get(c->in, "NextToken") ? -EINVAL : 0;
    if (!str_is(str_cut(token, '.', &rest), product->name))
        return -EINVAL;
    struct str place = str_cut(rest, '.', &unique);
    return unique.n == 8 ? str_u64(place, 1000000, from) : -EINVAL;
}

static void next_page(struct sb_call *c, const struct sb_product *product, size_t at)
{
    char head[100], token[128];

    snprintf(head, sizeof(head), "%s.%zu.", product->name, at);
    sb_id_hex(head, 8, token, sizeof(token));
    jsonw_kvs(&c->w, "NextToken", str_of(token));
}

int sb_entitle_get(struct sb_call *c)
{
    const struct sb_product *product = sb_product_by_code(c->s, json_str(c->in, "ProductCode"));
    const cJSON *filter = json_get(c->in, "Filter");
    int64_t max, shown = 0;
    uint64_t from;
    size_t i;

    if (!product)
        return sb_call_fail(c, "InvalidParameterException", "unknown ProductCode");
    const char *bad = filter ? check_filter(filter) : NULL;
    if (bad)
        return sb_call_fail(c, "InvalidParameterException", "%s", bad);
    if (sb_call_int(c, "MaxResults", PAGE_MAX, &max) || max < 1 || max > PAGE_MAX)
        return sb_call_fail(c, "InvalidParameterException", "MaxResults is 1 to 25");
    if (read_page(c, product, &from))
        return sb_call_fail(c, "InvalidParameterException", "NextToken is invalid");
    bool empty = sb_fault_take(c->s, c->op->name, SB_FAULT_EMPTY_PAGE, NULL);
    jsonw_obj(&c->w);
    jsonw_key(&c->w, "Entitlements");
    jsonw_arr(&c->w);
    for (i = (size_t)from; !empty && i < c->s->purchases.n && shown < max; i++) {
        const struct sb_purchase *p = c->s->purchases.p[i];
        if (!matches(c->s, p, product, filter))
            continue;
        write_entitlement(&c->w, p);
        sb_call_about(c, shown++ == 0 ? p->id : "");
    }
    jsonw_arr_end(&c->w);
    if (empty || (shown == max && i < c->s->purchases.n))
        next_page(c, product, i);
    jsonw_obj_end(&c->w);
    snprintf(c->detail, sizeof(c->detail), "%lld rows%s", (long long)shown,
             empty ? ", empty page" : "");
    return 0;
}
