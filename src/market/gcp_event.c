/* Notifications of the partner's topic, made canonical. "Manage entitlements", "Manage user
 * accounts", automatic approval; Pub/Sub push envelope. They are hints: the entitlement decides. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "market/gcp.h"

/* PART_MAX: of a dedupe key, as the front's hooks have it, which store the same events. */
enum { EVENT_MAX = 1 << 20, FIELD_MAX = 1024, PART_MAX = 190 };

static const struct {
    const char *name;
    enum market_event_kind kind;
} types[] = {
    {"ACCOUNT_CREATION_REQUESTED", EVENT_ACCOUNT}, /* deprecated */
    {"ACCOUNT_ACTIVE", EVENT_ACCOUNT},
    {"ACCOUNT_DELETED", EVENT_ERASE},
    {"ENTITLEMENT_CREATION_REQUESTED", EVENT_PURCHASED},
    {"ENTITLEMENT_OFFER_ACCEPTED", EVENT_PURCHASED},
    {"ENTITLEMENT_ACTIVE", EVENT_PURCHASED},
    {"ENTITLEMENT_PLAN_CHANGE_REQUESTED", EVENT_CHANGE_ASKED},
    {"ENTITLEMENT_PLAN_CHANGED", EVENT_ENTITLEMENT_CHANGED},
    {"ENTITLEMENT_PLAN_CHANGE_CANCELLED", EVENT_ENTITLEMENT_CHANGED},
    {"ENTITLEMENT_PENDING_CANCELLATION", EVENT_ENDING},
    {"ENTITLEMENT_CANCELLATION_REVERTED", EVENT_ENTITLEMENT_CHANGED},
    {"ENTITLEMENT_CANCELLING", EVENT_ENDING},
    {"ENTITLEMENT_CANCELLED", EVENT_ENDED},
    {"ENTITLEMENT_RENEWED", EVENT_ENTITLEMENT_CHANGED},
    {"ENTITLEMENT_OFFER_ENDED", EVENT_ENTITLEMENT_CHANGED},
    {"ENTITLEMENT_DELETED", EVENT_ERASE},
    {"ENTITLEMENT_SUSPENDED", EVENT_SUSPENDED}, /* not documented */
};

/* "" for what is absent, too long or not plain text. */
static const char *text(struct arena *a, const cJSON *obj, const char *key)
{
    struct str s = json_str(obj, key);

    return s.n <= FIELD_MAX && str_text(s) ? gcp_keep(a, s) : "";
}

static const char *either(const char *a, const char *b)
{
    return *a ? a : b;
}

static const char *id(struct arena *a, struct str name)
{
    struct str last = gcp_last(name);

    return gcp_id_ok(last) ? gcp_keep(a, last) : "";
}

/* Without a type: an account event has been seen so; of an entitlement, look at it. */
static enum market_event_kind kind_of(const struct market_event *e, const cJSON *entitlement)
{
    if (!*e->type)
        return entitlement ? EVENT_ENTITLEMENT_CHANGED : EVENT_ACCOUNT;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (strcmp(e->type, types[i].name) == 0)
            return types[i].kind;
    return EVENT_IGNORED;
}

/* "DEMO-acme" is the test integration of "acme". */
static struct str without_demo(struct str provider)
{
    bool demo = str_ieq(str_sub(provider, 0, 5), STR("demo-"));

    return demo ? str_from(provider, 5) : provider;
}

static void take_entitlement(const cJSON *o, struct arena *a, struct market_event *e)
{
    struct str product = gcp_service(json_str(o, "newProduct"));

    if (product.n == 0)
        product = gcp_product(o);
    e->purchase = id(a, json_str(o, "id"));
    e->plan = either(text(a, o, "newPendingPlan"), text(a, o, "newPlan"));
    e->offer = either(text(a, o, "newOffer"), text(a, o, "newPendingOffer"));
    e->product_code = product.n <= GCP_ID_MAX && str_text(product) ? gcp_keep(a, product) : "";
    e->starts_ms = gcp_time(o, "newOfferStartTime");
    e->ends_ms = gcp_time(o, "newOfferEndTime");
    e->time_ms = gcp_time(o, "updateTime");
    if (e->kind == EVENT_CHANGE_ASKED)
        e->change_id = e->plan;
}

static int take(const struct cfg_market *cfg, const cJSON *j, struct arena *a,
                struct market_event *e, const char **why)
{
    const cJSON *o = json_obj(j, "entitlement"), *account = json_obj(j, "account");
    struct str provider = json_str(j, "providerId");
    const char *event_id = text(a, j, "eventId");

    e->type = e->reason = text(a, j, "eventType");
    e->kind = kind_of(e, o);
    /* One purchase sends several types under one eventId. */
    if (*event_id && strlen(e->type) <= PART_MAX && strlen(event_id) <= PART_MAX)
        e->dedupe = arena_fmt(a, "%s\n%s", e->type, event_id);
    *why = "no memory";
    if (!e->dedupe)
        return -EBADMSG;
    if (o)
        take_entitlement(o, a, e);
    e->account = id(a, json_str(account, "id"));
    if (!*e->account)
        e->account = id(a, json_str(o, "account"));
    if (account && e->time_ms == 0)
        e->time_ms = gcp_time(account, "updateTime");
    if (provider.n && !str_eq(without_demo(provider), without_demo(str_of(cfg->gcp.provider_id))))
        e->kind = EVENT_IGNORED;
    *why = "no entitlement id";
    if (e->kind != EVENT_IGNORED && e->kind != EVENT_ACCOUNT && !*e->purchase &&
        (o || !*e->account))
        return -EBADMSG;
    return 0;
}

/* {"message":{"data","messageId"},"subscription"}: the notification is inside. */
static int unwrap(const cJSON *envelope, struct arena *a, cJSON **inner, const char **message_id)
{
    const cJSON *m = json_obj(envelope, "message");
    struct str data = json_str(m, "data");
    char *raw = data.n ? arena_alloc(a, data.n) : NULL;
    ssize_t n = raw ? enc_b64_dec(data, raw, data.n) : -1;

    *message_id = either(text(a, m, "messageId"), text(a, m, "message_id"));
    return n > 0 ? json_parse(str_make(raw, (size_t)n), EVENT_MAX, inner) : -EBADMSG;
}

static bool is_notification(const cJSON *j)
{
    return cJSON_IsObject(j) &&
           (json_obj(j, "entitlement") || json_obj(j, "account") || json_str(j, "eventType").n);
}

int gcp_event_parse(const struct cfg_market *cfg, struct str body, struct arena *a,
                    struct market_event *out, const char **why)
{
    cJSON *j = NULL, *inner = NULL;
    const char *message_id = "";
    int rc = -EBADMSG;

    *out = market_event_none;
    *why = "not JSON";
    if (json_parse(body, EVENT_MAX, &j))
        return -EBADMSG;
    *why = "a push without readable data";
    if (json_obj(j, "message") && unwrap(j, a, &inner, &message_id))
        goto out;
    *why = "not a notification";
    if (!is_notification(inner ? inner : j))
        goto out;
    rc = take(cfg, inner ? inner : j, a, out, why);
    if (rc == 0 && !*out->dedupe)
        out->dedupe = message_id;
    if (rc == 0)
        *why = "";
out:
    cJSON_Delete(inner);
    cJSON_Delete(j);
    return rc;
}
