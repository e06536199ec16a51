/* Notifications of older listings: {"action":...} in a signed SNS envelope, or bare where the
 * subscription uses raw delivery. Seller guide: "Amazon SNS notifications for SaaS products". */
#include <errno.h>
#include <string.h>

#include "market/aws.h"

enum { NOTE_MAX = 256 * 1024, ID_MAX = 255 };

static const struct {
    const char *action;
    enum market_event_kind kind;
    const char *reason;
    bool grants;
} actions[] = {
    {"subscribe-success", EVENT_PURCHASED, "SUBSCRIBED", true},
    {"subscribe-fail", EVENT_FAILED, "SUBSCRIBE_FAILED", false},
    {"unsubscribe-pending", EVENT_ENDING, "UNSUBSCRIBE_PENDING", false},
    {"unsubscribe-success", EVENT_ENDED, "UNSUBSCRIBED", false},
    {"entitlement-updated", EVENT_ENTITLEMENT_CHANGED, "ENTITLEMENT_UPDATED", false},
};

static const char *id(struct arena *a, const cJSON *j, const char *key)
{
    struct str s = json_str(j, key);

    return s.n <= ID_MAX && str_text(s) && str_chr(s, ' ') < 0 ? aws_keep(a, s) : "";
}

/* "isFreeTrialTermPresent":"true" is a string; a boolean would mean the same. */
static bool flag(const cJSON *j, const char *key)
{
    return str_is(json_str(j, key), "true") || json_bool(j, key, false);
}

int aws_event_bare(const struct cfg_market *cfg, const cJSON *j, struct arena *a,
                   struct market_event *e, const char **why)
{
    struct str action = json_str(j, "action");
    const char *key;

    if (action.n == 0 || !str_text(action) || action.n > ID_MAX)
        return -EBADMSG;
    e->type = aws_keep(a, action);
    e->customer = id(a, j, "customer-identifier");
    e->product_code = id(a, j, "product-code");
    e->offer = id(a, j, "offer-identifier");
    e->trial = flag(j, "isFreeTrialTermPresent");
    *why = "no customer or product code";
    if (!*e->customer || !*e->product_code)
        return -EBADMSG;
    if (cfg->mode == CFG_LEGACY) {
        key = arena_fmt(a, "%s/%s", e->product_code, e->customer);
        e->purchase = key ? key : "";
    }
    for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
        if (!str_is(action, actions[i].action))
            continue;
        e->kind = actions[i].kind;
        e->reason = actions[i].reason;
        e->grants = actions[i].grants;
    }
    return 0;
}

int aws_event_envelope(const struct cfg_market *cfg, struct sns_trust *trust, const cJSON *j,
                       struct arena *a, struct market_event *e, const char **why)
{
    struct sns_message m;
    cJSON *inner;
    int rc;

    *why = "not a complete SNS envelope";
    if (sns_parse(j, a, &m))
        return -EBADMSG;
    /* The topic first: strangers must not make us fetch certificates. */
    *why = "the topic is not one of sns_topics";
    if (!trust || !sns_topic_ok(&m, cfg->sns_topics))
        return -EKEYREJECTED;
    rc = sns_verify(trust, &m, why);
    if (rc)
        return rc;
    e->dedupe = m.message_id;
    e->type = m.type;
    e->time_ms = m.time_ms;
    if (strcmp(m.type, "Notification") != 0)
        return 0;
    *why = "the envelope's Message is not a listing's notification";
    if (json_parse(str_of(m.message), NOTE_MAX, &inner))
        return -EBADMSG;
    rc = aws_event_bare(cfg, inner, a, e, why);
    cJSON_Delete(inner);
    return rc;
}
