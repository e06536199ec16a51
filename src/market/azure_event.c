/* Body of the webhook. A hint only: what to do is read from the API. Old bodies have six members,
 * new ones may have more, and actions may come that nobody knows yet. */
#include <errno.h>

#include "base/json.h"
#include "market/azure.h"

enum { BODY_MAX = 256 * 1024 };

static const struct {
    const char *action;
    enum market_event_kind kind;
    bool answered; /* the operation may wait for our PATCH */
} actions[] = {
    {"Subscribe", EVENT_PURCHASED, false},        {"ChangePlan", EVENT_CHANGE_ASKED, true},
    {"ChangeQuantity", EVENT_CHANGE_ASKED, true}, {"Renew", EVENT_RENEWED, false},
    {"Suspend", EVENT_SUSPENDED, false},          {"Reinstate", EVENT_REINSTATED, true},
    {"Unsubscribe", EVENT_ENDED, false},
};

static void classify(const cJSON *j, struct market_event *out, const char *id)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
        if (!str_ieq(str_of(out->type), str_of(actions[i].action)))
            continue;
        out->kind = actions[i].kind;
        /* Settled, or asked for by ourselves: the subscription shows it. A body that tells
         * neither (the minimal one) is asked about. */
        if (actions[i].answered &&
            (azure_waits(j) ||
             (!json_get(j, "status") && !str_ieq(str_of(out->reason), STR("Partner")))))
            out->change_id = id;
        else if (out->kind == EVENT_CHANGE_ASKED)
            out->kind = EVENT_ENTITLEMENT_CHANGED;
    }
}

static void details(const struct cfg_market *cfg, const cJSON *j, struct arena *a,
                    struct market_event *out)
{
    const cJSON *sub = json_obj(j, "subscription"), *term = json_obj(sub, "term");
    struct str offer = str_trim(json_str(j, "offerId"));
    const char *code;

    if (offer.n == 0)
        offer = str_trim(json_str(sub, "offerId"));
    code = str_text(offer) ? arena_dup(a, azure_offer(offer)) : NULL;
    out->product_code = azure_is_offer(cfg, offer) ? cfg->product_code : code ? code : "";
    out->plan = azure_text(a, j, "planId");
    if (!*out->plan)
        out->plan = azure_text(a, sub, "planId");
    out->account = azure_id(a, json_str(json_obj(sub, "beneficiary"), "tenantId"));
    out->trial = json_bool(sub, "isFreeTrial", false);
    out->starts_ms = azure_time(term, "startDate");
    out->ends_ms = azure_term_end(term);
    out->time_ms = azure_time(j, "timeStamp");
    out->reason = azure_text(a, j, "operationRequestSource");
    if (!*out->reason)
        out->reason = azure_text(a, j, "operationRequestedSource");
}

static int read_event(const struct cfg_market *cfg, const cJSON *j, struct arena *a,
                      struct market_event *out, const char **why)
{
    const char *id = azure_id(a, json_str(j, "id"));
    const char *key;

    out->type = azure_text(a, j, "action");
    out->purchase = azure_id(a, json_str(j, "subscriptionId"));
    if (!*out->purchase)
        out->purchase = azure_id(a, json_str(json_obj(j, "subscription"), "id"));
    if (!*out->type || !*out->purchase) {
        *why = "no action or no subscription id";
        return -EBADMSG;
    }
    details(cfg, j, a, out);
    classify(j, out, id);
    /* Microsoft repeats one operation up to 500 times; its id serves several actions. */
    key = *id ? arena_fmt(a, "%s/%s", id, out->type)
              : arena_fmt(a, "%s/%s/%lld", out->purchase, out->type, (long long)out->time_ms);
    if (!key) {
        *why = "no memory";
        return -EBADMSG;
    }
    out->dedupe = key;
    *why = "";
    return 0;
}

int azure_event_parse(const struct cfg_market *cfg, struct str body, struct arena *a,
                      struct market_event *out, const char **why)
{
    cJSON *j = NULL;
    int rc = -EBADMSG;

    *out = market_event_none;
    *why = "not a JSON object";
    if (str_starts(body, STR("\xef\xbb\xbf")))
        body = str_from(body, 3);
    if (json_parse(body, BODY_MAX, &j) == 0 && cJSON_IsObject(j))
        rc = read_event(cfg, j, a, out, why);
    if (rc)
        *out = market_event_none;
    cJSON_Delete(j);
    return rc;
}
