/* A subscription as Resolve, Get, List and the webhook show it, and an operation upon it. */
#include <errno.h>

#include "base/json.h"
#include "market/azure.h"

static const struct {
    const char *status;
    enum market_standing standing;
} standings[] = {
    {"NotStarted", STANDING_HELD},    {"PendingFulfillmentStart", STANDING_HELD},
    {"Subscribed", STANDING_ACTIVE},  {"Suspended", STANDING_SUSPENDED},
    {"Unsubscribed", STANDING_ENDED},
};

/* A word of tomorrow changes nothing that we know. */
static void standing(struct market_purchase *p)
{
    for (size_t i = 0; i < sizeof(standings) / sizeof(*standings); i++)
        if (str_ieq(str_of(p->status), str_of(standings[i].status))) {
            p->standing = standings[i].standing;
            p->granted = p->standing == STANDING_ACTIVE;
            p->unattended = p->standing == STANDING_ACTIVE;
        }
}

static void person(const cJSON *sub, const char *key, struct arena *a, struct market_person *out)
{
    const cJSON *o = json_obj(sub, key);

    out->tenant = azure_id(a, json_str(o, "tenantId"));
    out->object = azure_id(a, json_str(o, "objectId"));
    out->email = azure_text(a, o, "emailId");
}

static void term(const cJSON *sub, struct arena *a, struct market_purchase *p)
{
    const cJSON *o = json_obj(sub, "term");

    p->starts_ms = azure_time(o, "startDate");
    p->ends_ms = azure_term_end(o);
    p->term = azure_text(a, o, "termUnit");
}

static bool read_only(const cJSON *sub)
{
    const cJSON *list = json_arr(sub, "allowedCustomerOperations"), *v;

    if (!list)
        return false;
    cJSON_ArrayForEach(v, list)
    {
        struct str word = str_trim(cJSON_IsString(v) ? str_of(v->valuestring) : STR(""));

        if (str_ieq(word, STR("Update")) || str_ieq(word, STR("Delete")))
            return false;
    }
    return true;
}

static bool says(const cJSON *sub, const char *key, const char *no)
{
    struct str s = str_trim(json_str(sub, key));

    return s.n && !str_ieq(s, str_of(no));
}

int azure_subscription(const struct cfg_market *cfg, const cJSON *sub, struct arena *a,
                       struct market_purchase *p)
{
    struct str offer = str_trim(json_str(sub, "offerId"));
    const char *id = azure_id(a, json_str(sub, "id"));
    const char *code = arena_dup(a, azure_offer(offer));

    if (!*id)
        return -EBADMSG;
    p->purchase = id;
    p->bought_ms = azure_time(sub, "created");
    p->product_code = code && str_text(offer) ? code : "";
    if (azure_is_offer(cfg, offer))
        p->product_code = cfg->product_code;
    p->offer = azure_text(a, sub, "offerId");
    p->plan = azure_text(a, sub, "planId");
    p->quantity = azure_quantity(sub);
    p->status = azure_text(a, sub, "saasSubscriptionStatus");
    standing(p);
    person(sub, "beneficiary", a, &p->beneficiary);
    person(sub, "purchaser", a, &p->purchaser);
    p->account = *p->beneficiary.tenant ? p->beneficiary.tenant : p->purchaser.tenant;
    term(sub, a, p);
    p->trial = json_bool(sub, "isFreeTrial", false);
    p->no_renewal = !json_bool(sub, "autoRenew", true);
    p->test = json_bool(sub, "isTest", false) || str_ends(offer, STR("-preview")) ||
              says(sub, "sandboxType", "None") || says(sub, "sessionMode", "None");
    p->read_only = read_only(sub);
    p->pending_plan = p->change_id = "";
    p->pending_quantity = 0;
    return 0;
}

bool azure_waits(const cJSON *operation)
{
    struct str status = str_trim(json_str(operation, "status"));
    struct str source = str_trim(json_str(operation, "operationRequestSource"));

    if (source.n == 0)
        source = str_trim(json_str(operation, "operationRequestedSource"));
    return !str_ieq(source, STR("Partner")) &&
           (str_ieq(status, STR("InProgress")) || str_ieq(status, STR("NotStarted")));
}

bool azure_failed(const cJSON *operation, const struct market_purchase *p)
{
    struct str id = str_trim(json_str(operation, "id"));
    struct str of = str_trim(json_str(operation, "subscriptionId"));
    struct str status = str_trim(json_str(operation, "status"));

    return id.n && str_ieq(id, str_of(p->change_id)) && str_ieq(of, str_of(p->purchase)) &&
           (str_ieq(status, STR("Failed")) || str_ieq(status, STR("Conflict")));
}

bool azure_pending(const cJSON *operation, struct arena *a, struct market_purchase *p)
{
    struct str action = str_trim(json_str(operation, "action"));
    const char *id = azure_id(a, json_str(operation, "id"));
    const char *of = azure_id(a, json_str(operation, "subscriptionId"));
    const char *plan = azure_text(a, operation, "planId");
    uint64_t quantity = azure_quantity(operation);

    if (!*id || !azure_same(of, p->purchase) || !azure_waits(operation))
        return false;
    if (str_ieq(action, STR("ChangePlan")) && *plan)
        p->pending_plan = plan;
    else if (str_ieq(action, STR("ChangeQuantity")) && quantity)
        p->pending_quantity = quantity;
    else
        return false;
    p->change_id = id;
    return true;
}
