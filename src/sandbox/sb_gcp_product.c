#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sandbox/sb_gcp.h"

#define ACK_S 10 /* Pub/Sub's default acknowledgement deadline */

static bool text(const cJSON *o, const char *key, bool required, char *dst, size_t cap)
{
    struct str v = json_str(o, key);

    return str_copy(v, dst, cap) == 0 && (v.n > 0 || !required);
}

static const char *read_plans(const cJSON *o, struct sb_gcp_product *p)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, json_arr(o, "plans"))
    {
        if (p->nplans == SB_GCP_PLANS)
            return "too many plans";
        struct sb_gcp_plan *plan = &p->plans[p->nplans++];
        if (!text(item, "plan", true, plan->plan, sizeof(plan->plan)) ||
            !text(item, "title", false, plan->title, sizeof(plan->title)) ||
            !text(item, "price", false, plan->price, sizeof(plan->price)))
            return "a plan needs a plan id of at most 63 characters, and short texts";
        if (!plan->title[0])
            str_copy(str_of(plan->plan), plan->title, sizeof(plan->title));
    }
    return p->nplans ? NULL : "at least one plan is required";
}

static bool plain_name(const char *name)
{
    for (; *name; name++) {
        if (!(*name >= 'a' && *name <= 'z') && !(*name >= '0' && *name <= '9') && *name != '-')
            return false;
    }
    return true;
}

static bool is_http(const char *url)
{
    return str_starts(str_of(url), STR("http://")) || str_starts(str_of(url), STR("https://"));
}

/* "S" alone becomes projects/{provider}/subscriptions/S; absent: the product's name. */
static bool read_subscription(const cJSON *o, struct sb_gcp_product *p)
{
    struct str v = json_str(o, "subscription");

    if (str_starts(v, STR("projects/")))
        return str_copy(v, p->subscription, sizeof(p->subscription)) == 0;
    if (v.n == 0)
        v = str_of(p->name);
    return snprintf(p->subscription, sizeof(p->subscription), "projects/%s/subscriptions/%.*s",
                    p->provider, STR_FMT(v)) < (int)sizeof(p->subscription);
}

static const char *read_product(const cJSON *o, struct sb_gcp_product *p)
{
    if (!text(o, "name", true, p->name, sizeof(p->name)) || !plain_name(p->name))
        return "a product needs a name of at most 63 small letters, digits and hyphens";
    if (!text(o, "title", true, p->title, sizeof(p->title)) ||
        !text(o, "product_name", true, p->product_name, sizeof(p->product_name)) ||
        !text(o, "provider_id", true, p->provider, sizeof(p->provider)) ||
        !text(o, "audience", true, p->audience, sizeof(p->audience)) ||
        !text(o, "signup_url", true, p->signup, sizeof(p->signup)))
        return "title, product_name, provider_id, audience and signup_url are required";
    if (!text(o, "login_url", false, p->login, sizeof(p->login)) || !is_http(p->signup) ||
        (p->login[0] && !is_http(p->login)))
        return "signup_url or login_url is not an http address";
    if (!read_subscription(o, p))
        return "the subscription's name is too long";
    p->automatic = json_bool(o, "automatic_approval", false);
    p->multiple = json_bool(o, "multiple_orders", false);
    p->sso = json_bool(o, "sso", false);
    p->usage = json_bool(o, "usage", true);
    return read_plans(o, p);
}

/* Products may share a subscription: then the last push address of them counts. */
static const char *add_subscription(struct sb *s, const cJSON *o, const struct sb_gcp_product *p)
{
    struct sb_gcp_sub *q = sb_gcp_sub(s, str_of(p->subscription));

    if (!q) {
        q = calloc(1, sizeof(*q));
        if (!q)
            return "no memory";
        snprintf(q->name, sizeof(q->name), "%s", p->subscription);
        snprintf(q->provider, sizeof(q->provider), "%s", p->provider);
        q->ack_s = ACK_S;
        sb_queue_init(&q->queue);
        if (sb_vec_add(&s->gcp->subs, q)) {
            free(q);
            return "too many subscriptions";
        }
    }
    if (json_str(o, "push_url").n == 0)
        return NULL;
    if (!text(o, "push_url", true, q->push_url, sizeof(q->push_url)) || !is_http(q->push_url) ||
        !text(o, "push_audience", false, q->push_audience, sizeof(q->push_audience)) ||
        !text(o, "push_account", false, q->push_account, sizeof(q->push_account)))
        return "push_url is not an http address, or push_audience or push_account is too long";
    if (!q->push_account[0])
        snprintf(q->push_account, sizeof(q->push_account), "%s", SB_GCP_EMAIL);
    return NULL;
}

int sb_gcp_product_add(struct sb *s, const cJSON *o, char why[256])
{
    struct sb_gcp_product *p = calloc(1, sizeof(*p));
    const char *bad;

    if (!p)
        return -ENOMEM;
    bad = read_product(o, p);
    if (!bad && sb_gcp_product(s, str_of(p->name)))
        bad = "the name must be unique";
    if (!bad)
        bad = add_subscription(s, o, p);
    if (!bad && sb_vec_add(&s->gcp->products, p))
        bad = "too many products";
    if (!bad)
        return 0;
    snprintf(why, 256, "product \"%s\": %s", p->name, bad);
    free(p);
    return -EINVAL;
}
