#include "sandbox/sb_product.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "sandbox/sb_gcp.h"

static const char *const pricing_names[] = {
    [SB_PRICING_CONTRACT] = "contract",
    [SB_PRICING_USAGE] = "usage",
    [SB_PRICING_CONSUMPTION] = "contract-with-consumption",
};
static const char *const mode_names[] = {
    [SB_MODE_CONCURRENT] = "concurrent",
    [SB_MODE_LEGACY] = "legacy",
};

static int pick(const char *const *names, size_t n, struct str s)
{
    for (size_t i = 0; i < n; i++) {
        if (str_is(s, names[i]))
            return (int)i;
    }
    return -1;
}

/* Text member into a field; an absent optional one stays "". */
static bool text(const cJSON *o, const char *key, bool required, char *dst, size_t cap)
{
    struct str v = json_str(o, key);

    return str_copy(v, dst, cap) == 0 && (v.n > 0 || !required);
}

static const char *read_plan(const cJSON *o, struct sb_plan *plan)
{
    if (!text(o, "dimension", true, plan->dimension, sizeof(plan->dimension)))
        return "a plan needs a dimension";
    if (!text(o, "title", false, plan->title, sizeof(plan->title)) ||
        !text(o, "price", false, plan->price, sizeof(plan->price)) ||
        !text(o, "unit", false, plan->unit, sizeof(plan->unit)))
        return "a plan's title, price or unit is too long";
    if (!plan->title[0])
        str_copy(str_sub(json_str(o, "dimension"), 0, sizeof(plan->title) - 1), plan->title,
                 sizeof(plan->title));
    plan->quantity = 1;
    int rc = json_int(o, "quantity", &plan->quantity);
    if ((rc && rc != -ENOENT) || plan->quantity < 0)
        return "a plan's quantity is not a number";
    return NULL;
}

static const char *read_plans(const cJSON *o, struct sb_product *p)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, json_arr(o, "plans"))
    {
        if (p->nplans == SB_PLANS_MAX)
            return "too many plans";
        const char *bad = read_plan(item, &p->plans[p->nplans++]);
        if (bad)
            return bad;
    }
    if (p->nplans == 0 && p->pricing != SB_PRICING_USAGE)
        return "a contract needs at least one plan";
    if (p->nplans == 0) {
        struct sb_plan *plan = &p->plans[p->nplans++];
        snprintf(plan->title, sizeof(plan->title), "Pay as you go");
        snprintf(plan->dimension, sizeof(plan->dimension), "usage");
    }
    cJSON_ArrayForEach(item, json_arr(o, "usage_dimensions"))
    {
        if (p->ndims == SB_DIMS_MAX)
            return "more than 24 usage dimensions";
        if (!cJSON_IsString(item) ||
            str_copy(str_of(item->valuestring), p->dims[p->ndims++], SB_DIM))
            return "a usage dimension is not a short text";
    }
    return NULL;
}

/* It becomes part of HTML ids and of page tokens. */
static bool plain_name(const char *name)
{
    for (; *name; name++) {
        if (!(*name >= 'a' && *name <= 'z') && !(*name >= '0' && *name <= '9') && *name != '-')
            return false;
    }
    return true;
}

static const char *read_product(const cJSON *o, struct sb_product *p)
{
    struct str mode = json_str(o, "mode");
    int m = mode.n ? pick(mode_names, 2, mode) : SB_MODE_CONCURRENT;
    int k = pick(pricing_names, 3, json_str(o, "pricing"));

    if (!text(o, "name", true, p->name, sizeof(p->name)) || !plain_name(p->name))
        return "a product needs a name of at most 63 small letters, digits and hyphens";
    if (!text(o, "title", true, p->title, sizeof(p->title)) ||
        !text(o, "product_code", true, p->code, sizeof(p->code)) ||
        !text(o, "product_id", true, p->id, sizeof(p->id)) ||
        !text(o, "landing_url", true, p->landing, sizeof(p->landing)))
        return "title, product_code, product_id and landing_url are required";
    if (!str_starts(str_of(p->landing), STR("http://")) &&
        !str_starts(str_of(p->landing), STR("https://")))
        return "landing_url is not an http address";
    if (m < 0)
        return "mode is concurrent or legacy";
    if (k < 0)
        return "pricing is contract, usage or contract-with-consumption";
    p->mode = (enum sb_mode)m;
    p->pricing = (enum sb_pricing)k;
    p->trial_days = 14;
    int rc = json_int(o, "trial_days", &p->trial_days);
    if ((rc && rc != -ENOENT) || p->trial_days < 0 || p->trial_days > 90)
        return "trial_days is 0 to 90";
    p->auto_renew = str_is(json_str(o, "renewal"), "automatic");
    return read_plans(o, p);
}

static int add_product(struct sb *s, const cJSON *o, char why[256])
{
    struct sb_product *p = calloc(1, sizeof(*p));
    const char *bad;

    if (!p)
        return -ENOMEM;
    bad = read_product(o, p);
    if (!bad && (sb_product_by_name(s, str_of(p->name)) || sb_product_by_code(s, str_of(p->code))))
        bad = "name and product_code must be unique";
    if (!bad && sb_vec_add(&s->products, p))
        bad = "too many products";
    if (!bad)
        return 0;
    snprintf(why, 256, "product \"%s\": %s", p->name, bad);
    free(p);
    return -EINVAL;
}

int sb_product_parse(struct sb *s, struct str json, char why[256])
{
    cJSON *doc = NULL;
    const cJSON *o;
    int rc = json_parse(json, 1u << 20, &doc);

    snprintf(why, 256, "not an array of products");
    if (rc == 0 && !cJSON_IsArray(doc))
        rc = -EINVAL;
    if (rc)
        goto out;
    cJSON_ArrayForEach(o, doc)
    {
        struct str channel = json_str(o, "channel");
        if (str_is(channel, "gcp"))
            rc = sb_gcp_product_add(s, o, why);
        else if (channel.n == 0 || str_is(channel, "aws"))
            rc = add_product(s, o, why);
        if (rc)
            goto out;
    }
out:
    cJSON_Delete(doc);
    return rc;
}

int sb_product_load(struct sb *s, const char *path, char why[256])
{
    struct buf b;
    int rc;

    buf_init(&b, 1u << 20);
    snprintf(why, 256, "cannot be read");
    rc = file_read(path, &b);
    if (rc == 0)
        rc = sb_product_parse(s, buf_view(&b), why);
    buf_free(&b);
    return rc;
}

const struct sb_product *sb_product_by_name(const struct sb *s, struct str name)
{
    for (size_t i = 0; i < s->products.n; i++) {
        const struct sb_product *p = s->products.p[i];
        if (str_is(name, p->name))
            return p;
    }
    return NULL;
}

const struct sb_product *sb_product_by_code(const struct sb *s, struct str code)
{
    for (size_t i = 0; i < s->products.n; i++) {
        const struct sb_product *p = s->products.p[i];
        if (str_is(code, p->code))
            return p;
    }
    return NULL;
}

const struct sb_plan *sb_product_plan(const struct sb_product *p, struct str plan)
{
    if (plan.n == 0)
        return &p->plans[0];
    for (size_t i = 0; i < p->nplans; i++) {
        if (str_is(plan, p->plans[i].dimension))
            return &p->plans[i];
    }
    for (size_t i = 0; i < p->nplans; i++) {
        if (str_is(plan, p->plans[i].title))
            return &p->plans[i];
    }
    return NULL;
}

bool sb_product_has_dim(const struct sb_product *p, struct str dimension)
{
    for (size_t i = 0; i < p->ndims; i++) {
        if (str_is(dimension, p->dims[i]))
            return true;
    }
    return false;
}

bool sb_product_entitles(const struct sb_product *p)
{
    return p->pricing != SB_PRICING_USAGE;
}

bool sb_product_meters(const struct sb_product *p)
{
    return p->pricing != SB_PRICING_CONTRACT;
}

const char *sb_product_pricing(const struct sb_product *p)
{
    return pricing_names[p->pricing];
}
