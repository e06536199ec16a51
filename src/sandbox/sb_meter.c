#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sandbox/sb_fault.h"
#include "sandbox/sb_ops.h"
#include "sandbox/sb_usage.h"

#define BATCH_MAX   25
#define REQUEST_MAX 1000000 /* "each request must be less than 1 MB in size" */
#define PER_SECOND  10      /* quota per account and region, developer guide */

/* The purchase that a legacy record means: of this account the live one, else the last one. */
static struct sb_purchase *legacy_purchase(const struct sb *s, const struct sb_product *product,
                                           struct str customer, struct str account)
{
    struct sb_purchase *best = NULL;

    for (size_t i = 0; i < s->purchases.n; i++) {
        struct sb_purchase *p = s->purchases.p[i];
        bool same = customer.n ? str_is(customer, p->customer) : str_is(account, p->account);
        if (p->product == product && same && (!best || best->status != SB_ACTIVE))
            best = p;
    }
    return best;
}

static int find_legacy(struct sb_call *c, const struct sb_product *product, struct sb_usage *u)
{
    struct str customer = json_str(u->json, "CustomerIdentifier");
    struct str account = json_str(u->json, "CustomerAWSAccountId");

    if (product->mode == SB_MODE_CONCURRENT && customer.n)
        return sb_call_fail(c, "InvalidCustomerIdentifierException",
                            "CustomerIdentifier is not supported for this product");
    if (product->mode == SB_MODE_CONCURRENT)
        return sb_call_fail(c, "InvalidLicenseException", "this product is metered by LicenseArn");
    if (customer.n == 0 && account.n == 0)
        return sb_call_fail(c, "InvalidCustomerIdentifierException", "who used it?");
    u->purchase = legacy_purchase(c->s, product, customer, account);
    if (!u->purchase && customer.n)
        return sb_call_fail(c, "InvalidCustomerIdentifierException",
                            "the CustomerIdentifier does not exist");
    return 0;
}

static int find_license(struct sb_call *c, struct sb_usage *u)
{
    struct str account = json_str(u->json, "CustomerAWSAccountId");

    if (json_str(u->json, "CustomerIdentifier").n || account.n == 0)
        return sb_call_fail(c, "InvalidCustomerIdentifierException",
                            "with LicenseArn the buyer is named by CustomerAWSAccountId");
    u->purchase = sb_purchase_by_license(c->s, json_str(u->json, "LicenseArn"));
    if (!u->purchase || !str_is(account, u->purchase->account))
        return sb_call_fail(c, "InvalidLicenseException",
                            "the LicenseArn is unknown or of another customer");
    return 0;
}

/* Whom the record concerns and whether the listing knows the dimension. */
static int place(struct sb_call *c, struct sb_usage *u, const struct sb_product **product)
{
    struct str code = json_str(c->in, "ProductCode");
    bool licensed = json_str(u->json, "LicenseArn").n > 0;

    if (code.n && licensed)
        return sb_call_fail(c, "InvalidProductCodeException",
                            "ProductCode and LicenseArn exclude each other");
    if (code.n) {
        *product = sb_product_by_code(c->s, code);
        if (!*product)
            return sb_call_fail(c, "InvalidProductCodeException", "unknown ProductCode");
        if (find_legacy(c, *product, u))
            return -1;
    } else {
        if (find_license(c, u))
            return -1;
        if (*product && *product != u->purchase->product)
            return sb_call_fail(c, "InvalidLicenseException", "one request is for one product");
        *product = u->purchase->product;
    }
    if (!sb_product_has_dim(*product, u->dimension))
        return sb_call_fail(c, "InvalidUsageDimensionException",
                            "the product has no usage dimension \"%.*s\"", STR_FMT(u->dimension));
    return 0;
}

/* Active, or ended less than an hour ago; and not for a time before it began. */
static bool subscribed(const struct sb *s, const struct sb_usage *u)
{
    const struct sb_purchase *p = u->purchase;
    int64_t now = sb_core_now(s), hour = u->at_ms - u->at_ms % SB_HOUR_MS;

    if (!p || now < p->provisioned_ms || hour + SB_HOUR_MS <= p->start_ms)
        return false;
    return p->ended_ms == 0 || now < p->ended_ms + SB_HOUR_MS;
}

static struct sb_record *find_record(const struct sb_call *c, const struct sb_usage *u)
{
    int64_t hour = u->at_ms - u->at_ms % SB_HOUR_MS;

    for (size_t i = 0; i < c->s->records.n; i++) {
        struct sb_record *r = c->s->records.p[i];
        if (r->purchase == u->purchase && r->hour_ms == hour &&
            str_is(u->dimension, r->dimension) && str_is(c->auth.region, r->region))
            return r;
    }
    return NULL;
}

static struct sb_record *add_record(struct sb_call *c, const struct sb_usage *u)
{
    struct sb_record *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    sb_id_uuid(r->id);
    r->purchase = u->purchase;
    str_copy(u->dimension, r->dimension, sizeof(r->dimension));
    str_copy(c->auth.region, r->region, sizeof(r->region));
    r->hour_ms = u->at_ms - u->at_ms % SB_HOUR_MS;
    r->quantity = u->quantity;
    r->accepted_ms = sb_core_now(c->s);
    snprintf(r->allocations, sizeof(r->allocations), "%s", u->allocations);
    if (sb_vec_add(&c->s->records, r)) {
        free(r);
        return NULL;
    }
    c->s->dirty = true;
    return r;
}

/* The first write of a key wins; the same again is fine, another quantity is refused. */
static const char *bill(struct sb_call *c, const struct sb_usage *u, const struct sb_record **out)
{
    struct sb_record *r;

    *out = NULL;
    if (!subscribed(c->s, u))
        return "CustomerNotSubscribed";
    r = find_record(c, u);
    if (r && (r->quantity != u->quantity || strcmp(r->allocations, u->allocations) != 0)) {
        r->conflicts++;
        return "DuplicateRecord";
    }
    if (!r)
        r = add_record(c, u);
    if (!r)
        return NULL;
    r->sent++;
    *out = r;
    return "Success";
}

static void write_echo(struct jsonw *w, const cJSON *rec)
{
    char *text = cJSON_PrintUnformatted(rec);

    jsonw_raw(w, text ? str_of(text) : STR("{}"));
    free(text);
}

static void write_result(struct sb_call *c, const struct sb_usage *u, bool *skipped)
{
    const struct sb_record *r = NULL;
    char detail[400];

    *skipped = sb_fault_take(c->s, c->op->name, SB_FAULT_UNPROCESSED, NULL);
    const char *status = *skipped ? NULL : bill(c, u, &r);
    *skipped = status == NULL;
    snprintf(detail, sizeof(detail), "%.*s hour=%lld quantity=%lld", STR_FMT(u->dimension),
             (long long)(u->at_ms / SB_HOUR_MS), (long long)u->quantity);
    sb_ledger_add(&c->s->ledger, sb_core_now(c->s), "meter", u->purchase ? u->purchase->id : "",
                  status ? status : "Unprocessed", detail);
    if (!status)
        return;
    jsonw_obj(&c->w);
    jsonw_key(&c->w, "UsageRecord");
    write_echo(&c->w, u->json);
    if (r)
        jsonw_kvs(&c->w, "MeteringRecordId", str_of(r->id));
    jsonw_kvs(&c->w, "Status", str_of(status));
    jsonw_obj_end(&c->w);
}

static int check_request(struct sb_call *c, const cJSON *list, struct sb_usage *u)
{
    int64_t second = (int64_t)(clock_mono_ms() / 1000);
    const struct sb_product *product = NULL;
    const cJSON *rec;
    size_t n = 0;

    if (c->s->meter_rate.second != second)
        c->s->meter_rate.used = 0;
    c->s->meter_rate.second = second;
    if (c->s->meter_rate.used++ >= PER_SECOND)
        return sb_call_fail(c, "ThrottlingException", "Rate exceeded");
    if (c->req->body.n >= REQUEST_MAX)
        return sb_call_fail(c, "RequestEntityTooLargeException", "the request is 1 MB or more");
    if (!list || cJSON_GetArraySize(list) > BATCH_MAX)
        return sb_call_fail(c, "ValidationException",
                            "Value at 'usageRecords' failed to satisfy constraint: Member must "
                            "have length less than or equal to 25");
    cJSON_ArrayForEach(rec, list)
    {
        if (sb_usage_check(c, rec, &u[n]) || place(c, &u[n], &product))
            return -1;
        n++;
    }
    return 0;
}

int sb_meter_batch(struct sb_call *c)
{
    const cJSON *list = json_arr(c->in, "UsageRecords");
    struct sb_usage u[BATCH_MAX] = {0};
    bool skipped[BATCH_MAX] = {false};

    if (check_request(c, list, u))
        return -1;
    size_t n = (size_t)cJSON_GetArraySize(list);
    jsonw_obj(&c->w);
    jsonw_key(&c->w, "Results");
    jsonw_arr(&c->w);
    for (size_t i = 0; i < n; i++)
        write_result(c, &u[i], &skipped[i]);
    jsonw_arr_end(&c->w);
    jsonw_key(&c->w, "UnprocessedRecords");
    jsonw_arr(&c->w);
    for (size_t i = 0; i < n; i++) {
        if (skipped[i])
            write_echo(&c->w, u[i].json);
    }
    jsonw_arr_end(&c->w);
    jsonw_obj_end(&c->w);
    snprintf(c->detail, sizeof(c->detail), "%zu records", n);
    return 0;
}
