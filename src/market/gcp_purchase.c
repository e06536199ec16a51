/* An entitlement of the Procurement API as a purchase. Fields are read defensively: absent is
 * empty, and names have changed over time. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "market/gcp.h"

enum { FIELD_MAX = 1024 };

static const struct gcp_state states[] = {
    {"ENTITLEMENT_ACTIVATION_REQUESTED", STANDING_HELD, false, false},
    {"ENTITLEMENT_ACTIVE", STANDING_ACTIVE, true, false},
    {"ENTITLEMENT_PENDING_CANCELLATION", STANDING_ACTIVE, true, false},
    {"ENTITLEMENT_PENDING_PLAN_CHANGE", STANDING_ACTIVE, true, false},
    {"ENTITLEMENT_PENDING_PLAN_CHANGE_APPROVAL", STANDING_ACTIVE, true, true},
    {"ENTITLEMENT_CANCELLED", STANDING_ENDED, false, false},
    {"ENTITLEMENT_SUSPENDED", STANDING_SUSPENDED, false, false},
};

const struct gcp_state *gcp_state_of(const cJSON *entitlement)
{
    struct str state = json_str(entitlement, "state");

    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
        if (str_is(state, states[i].name))
            return &states[i];
    return NULL;
}

bool gcp_id_ok(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!letter && !(c >= '0' && c <= '9') && !(c && strchr("-._~", c)))
            return false;
    }
    return s.n > 0 && s.n <= GCP_ID_MAX && !str_is(s, ".") && !str_is(s, "..");
}

bool gcp_begun(const struct market_purchase *p)
{
    return p->standing == STANDING_ACTIVE || p->standing == STANDING_SUSPENDED;
}

struct str gcp_last(struct str name)
{
    ptrdiff_t at = str_rchr(name, '/');

    return at < 0 ? name : str_from(name, (size_t)at + 1);
}

struct str gcp_service(struct str name)
{
    struct str part;

    if (str_chr(name, '/') < 0)
        return name;
    do {
        part = str_cut(name, '/', &name);
        if (str_is(part, "services"))
            return str_cut(name, '/', &name);
    } while (name.n);
    return str_make(NULL, 0);
}

struct str gcp_product(const cJSON *e)
{
    static const char *const keys[] = {"productExternalName", "product", "offer"};
    struct str s = {NULL, 0};

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys) && s.n == 0; i++)
        s = gcp_service(json_str(e, keys[i]));
    return s;
}

bool gcp_is_ours(const struct cfg_market *cfg, const cJSON *e)
{
    return !*cfg->gcp.product_name || str_is(gcp_product(e), cfg->gcp.product_name);
}

int64_t gcp_time(const cJSON *obj, const char *key)
{
    int64_t ms;

    return clock_parse_iso(json_str(obj, key), &ms) ? 0 : ms;
}

/* "" for what is absent, too long or not plain text. */
static const char *text(struct arena *a, const cJSON *obj, const char *key)
{
    struct str s = json_str(obj, key);

    return s.n <= FIELD_MAX && str_text(s) ? gcp_keep(a, s) : "";
}

/* A list-price plan with a commitment names its term: "pro-P1Y". */
static const char *term_of(const char *plan)
{
    const char *at = strstr(plan, "-P");

    for (; at && at[2] && strspn(at + 2, "0123456789YMWD") != strlen(at + 2);)
        at = strstr(at + 1, "-P");
    return at && at[2] >= '0' && at[2] <= '9' ? at + 1 : "";
}

static void take_times(const cJSON *e, struct market_purchase *p)
{
    int64_t end = gcp_time(e, "subscriptionEndTime");

    p->bought_ms = gcp_time(e, "createTime");
    p->changed_ms = gcp_time(e, "updateTime");
    p->starts_ms = gcp_time(e, "newOfferStartTime");
    p->ends_ms = end ? end : gcp_time(e, "offerEndTime");
    if (p->standing == STANDING_ENDED && p->ends_ms == 0)
        p->ends_ms = gcp_time(e, "updateTime");
    /* Of a plan change: begins with the change, not with the purchase. */
    if (p->standing == STANDING_ACTIVE)
        p->starts_ms = 0;
}

static void take_change(const struct gcp_state *s, const cJSON *e, struct arena *a,
                        struct market_purchase *p)
{
    bool accepted = str_is(str_of(s->name), "ENTITLEMENT_PENDING_PLAN_CHANGE");

    if (s->change_asked || accepted)
        p->pending_plan = text(a, e, "newPendingPlan");
    if (accepted)
        p->pending_at_ms = gcp_time(e, "newOfferStartTime");
    if (s->change_asked)
        p->change_id = p->pending_plan;
}

int gcp_purchase_read(const struct cfg_market *cfg, const cJSON *e, struct arena *a,
                      struct market_purchase *out)
{
    const struct gcp_state *s = gcp_state_of(e);
    struct market_purchase *p = out;
    struct str id = gcp_last(json_str(e, "name")), account = gcp_last(json_str(e, "account"));

    *p = market_purchase_none;
    p->purchase = gcp_id_ok(id) ? gcp_keep(a, id) : "";
    if (!*p->purchase)
        return -EBADMSG;
    if (!s)
        return -ENOTSUP;
    p->standing = s->standing;
    p->granted = s->in_service;
    p->account = gcp_id_ok(account) ? gcp_keep(a, account) : "";
    p->product_code = gcp_keep(a, str_of(cfg->product_code));
    p->status = s->name;
    p->plan = text(a, e, "plan");
    p->term = text(a, e, "offerDuration");
    if (!*p->term)
        p->term = term_of(p->plan);
    p->usage_id = text(a, e, "usageReportingId");
    p->offer = text(a, e, "offer");
    p->no_renewal = str_is(str_of(s->name), "ENTITLEMENT_PENDING_CANCELLATION");
    p->test = str_starts(str_of(cfg->gcp.provider_id), STR("DEMO-"));
    take_times(e, p);
    take_change(s, e, a, p);
    /* An offer's start is told only once it has been approved. */
    if (s->standing == STANDING_HELD && (cfg->gcp.automatic_approval || p->starts_ms))
        p->standing = STANDING_SCHEDULED;
    return 0;
}
