#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "sandbox/sb_az_api.h"
#include "sandbox/sb_az_sub.h"

static const char bad[] = "BadArgument";

void sb_az_resolve(struct sb_az_call *c)
{
    struct str value = sb_req_header(c->req, "x-ms-marketplace-token");
    const struct sb_az_token *t = sb_az_token(c->az, value);
    char offer[80];

    if (value.n == 0) {
        sb_az_fail(c, 400, SB_AZ_E_FLAT, bad, "The x-ms-marketplace-token header is missing.");
        return;
    }
    if (!t) {
        sb_az_fail(c, 400, SB_AZ_E_FLAT, "InvalidValue",
                   "Failed to decrypt token with either primary or secondary secret.");
        return;
    }
    if (t->expires_ms <= sb_core_now(c->s)) {
        sb_az_fail(c, 400, SB_AZ_E_FLAT, bad, "The x-ms-marketplace-token is expired.");
        return;
    }
    c->sub = sb_az_sub(c->az, str_of(t->sub->id));
    sb_az_offer(t->sub, offer);
    jsonw_obj(&c->w);
    jsonw_kvs(&c->w, "id", str_of(t->sub->id));
    jsonw_kvs(&c->w, "subscriptionName", str_of(t->sub->name));
    jsonw_kvs(&c->w, "offerId", str_of(offer));
    jsonw_kvs(&c->w, "planId", str_of(t->sub->plan->id));
    sb_az_quantity_write(c->s, &c->w, t->sub->plan->seats, t->sub->quantity);
    jsonw_key(&c->w, "subscription");
    sb_az_sub_write(c->s, &c->w, t->sub);
    jsonw_obj_end(&c->w);
}

void sb_az_get(struct sb_az_call *c)
{
    sb_az_sub_write(c->s, &c->w, c->sub);
}

/* The body is optional; what it says must be what was bought. */
static const char *check_activation(const struct sb_az_call *c)
{
    struct str plan = json_str(c->in, "planId");
    const cJSON *q = c->in ? json_get(c->in, "quantity") : NULL;
    int64_t quantity = 0;
    char text[24] = "";

    if (plan.n > 0 && !str_is(plan, c->sub->plan->id))
        return "The plan is not the purchased one.";
    if (!q || cJSON_IsNull(q) || (cJSON_IsString(q) && !q->valuestring[0]))
        return NULL;
    if (cJSON_IsString(q))
        str_copy(str_of(q->valuestring), text, sizeof(text));
    if (text[0] ? str_i64(str_of(text), &quantity) : json_int(c->in, "quantity", &quantity))
        return "The quantity is not a number.";
    return quantity == c->sub->quantity ? NULL : "The quantity is not the purchased one.";
}

void sb_az_activate(struct sb_az_call *c)
{
    struct sb_az_sub *sub = c->sub;
    int64_t now = sb_core_now(c->s);
    const char *why = check_activation(c);

    if (sub->status == SB_AZ_GONE) {
        sb_az_fail(c, 404, SB_AZ_E_INNER, "EntityNotFound", "The subscription is unsubscribed.");
    } else if (sub->status == SB_AZ_SUSPENDED ||
               (sub->status == SB_AZ_SUBSCRIBED && c->az->set.strict_activate)) {
        sb_az_fail(c, 400, SB_AZ_E_FLAT, bad, "The subscription is in state %s.",
                   sb_az_status(sub->status));
    } else if (why) {
        sb_az_fail(c, 400, SB_AZ_E_FLAT, bad, "%s", why);
    } else {
        sub->activates++;
        if (sub->status == SB_AZ_PENDING && !sub->settle_ms)
            sub->settle_ms = now + c->az->set.settle_ms > sub->not_before
                                 ? now + c->az->set.settle_ms
                                 : sub->not_before;
        c->s->dirty = true;
        sb_az_tick(c->s);
    }
}

/* Opaque to the caller, with characters that need escapes, as the recorded ones. */
static void next_link(struct sb_az_call *c, size_t at)
{
    char token[96], link[512];
    struct buf b;

    snprintf(token, sizeof(token), "[{\"token\":null,\"range\":{\"min\":\"%zX\",\"max\":\"FF\"}}]",
             at);
    buf_init(&b, 400);
    for (const char *p = token; *p; p++) {
        bool plain =
            (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        if (plain)
            buf_ch(&b, *p);
        else
            buf_fmt(&b, "%%%02x", (unsigned)(unsigned char)*p);
    }
    snprintf(link, sizeof(link),
             SB_AZ_FOREIGN "/saas/subscriptions/?continuationToken=%s&api-version=" SB_AZ_VERSION,
             buf_cstr(&b));
    buf_free(&b);
    jsonw_kvs(&c->w, "@nextLink", str_of(link));
}

/* 0 with *at, or -1. */
static int continued(const struct sb_az_call *c, size_t *at)
{
    static const char head[] = "[{\"token\":null,\"range\":{\"min\":\"";
    uint64_t v = 0;
    char token[128];
    int rc = sb_req_field(c->req->query, "continuationToken", token, sizeof(token));

    *at = 0;
    if (rc || !token[0])
        return rc && rc != -ENOENT ? -1 : 0;
    if (!str_starts(str_of(token), STR("[{\"token\":null,\"range\":{\"min\":\"")))
        return -1;
    for (const char *p = token + sizeof(head) - 1; *p && *p != '"'; p++) {
        const char *digits = "0123456789ABCDEF", *d = strchr(digits, *p);
        if (!d)
            return -1;
        v = v * 16 + (uint64_t)(d - digits);
        if (v > c->az->subs.n)
            return -1;
    }
    *at = (size_t)v;
    return 0;
}

void sb_az_list(struct sb_az_call *c)
{
    size_t at, end;

    if (continued(c, &at)) {
        sb_az_fail(c, 400, SB_AZ_E_FLAT, bad, "The continuation token is not valid.");
        return;
    }
    if (c->az->subs.n == 0 && c->az->set.sparse)
        return;
    end = at + (size_t)c->az->set.page_size;
    jsonw_obj(&c->w);
    jsonw_key(&c->w, "subscriptions");
    jsonw_arr(&c->w);
    for (; at < end && at < c->az->subs.n; at++)
        sb_az_sub_write(c->s, &c->w, c->az->subs.p[at]);
    jsonw_arr_end(&c->w);
    if (at < c->az->subs.n)
        next_link(c, at);
    jsonw_obj_end(&c->w);
}

static void write_billing(struct sb_az_call *c, const struct sb_az_plan *p)
{
    struct jsonw *w = &c->w;

    jsonw_key(w, "planComponents");
    jsonw_obj(w);
    jsonw_key(w, "recurrentBillingTerms");
    jsonw_arr(w);
    jsonw_obj(w);
    jsonw_kvs(w, "currency", STR("USD"));
    jsonw_key(w, "price");
    jsonw_raw(w, STR("0.0"));
    jsonw_kvs(w, "termUnit", str_of(p->term));
    jsonw_kvs(w, "termDescription", str_of(p->price));
    jsonw_key(w, "meteredQuantityIncluded");
    jsonw_arr(w);
    jsonw_arr_end(w);
    jsonw_obj_end(w);
    jsonw_arr_end(w);
    jsonw_key(w, "meteringDimensions");
    jsonw_arr(w);
    jsonw_arr_end(w);
    jsonw_obj_end(w);
}

static void write_plan(struct sb_az_call *c, const struct sb_az_plan *p, bool filtered)
{
    struct jsonw *w = &c->w;

    jsonw_obj(w);
    jsonw_kvs(w, "planId", str_of(p->id));
    jsonw_kvs(w, "displayName", str_of(p->title));
    jsonw_kvb(w, "isPrivate", p->hidden);
    jsonw_kvs(w, "description", str_of(p->title));
    if (p->seats) {
        jsonw_kvi(w, "minQuantity", p->min_seats);
        jsonw_kvi(w, "maxQuantity", p->max_seats);
    }
    jsonw_kvb(w, "hasFreeTrials", p->trial_days > 0);
    jsonw_kvb(w, "isPricePerSeat", p->seats);
    jsonw_kvb(w, "isStopSell", false);
    jsonw_kvs(w, "market", STR("US"));
    write_billing(c, p);
    if (filtered && p == c->sub->plan && c->sub->private_offer[0]) {
        jsonw_key(w, "sourceOffers");
        jsonw_arr(w);
        jsonw_obj(w);
        jsonw_kvs(w, "externalId", str_of(c->sub->private_offer));
        jsonw_obj_end(w);
        jsonw_arr_end(w);
    }
    jsonw_obj_end(w);
}

void sb_az_plans(struct sb_az_call *c)
{
    const struct sb_az_product *p = c->sub->product;
    char want[64];
    bool filtered = sb_req_field(c->req->query, "planId", want, sizeof(want)) == 0 && want[0];

    if (c->sub->status == SB_AZ_GONE) {
        sb_az_fail(c, 403, SB_AZ_E_TEXT, "Forbidden", "The subscription is unsubscribed.");
        return;
    }
    jsonw_obj(&c->w);
    jsonw_key(&c->w, "plans");
    jsonw_arr(&c->w);
    for (size_t i = 0; i < p->nplans; i++) {
        if (!filtered || !strcmp(p->plans[i].id, want))
            write_plan(c, &p->plans[i], filtered);
    }
    jsonw_arr_end(&c->w);
    jsonw_obj_end(&c->w);
}
