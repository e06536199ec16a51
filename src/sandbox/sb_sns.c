#include "sandbox/sb_sns.h"

#include <errno.h>
#include <stdio.h>

#include "base/json.h"
#include "sandbox/sb_snskey.h"

#define TOPIC_OWNER  "287250355862"
#define ENVELOPE_MAX 16384

static void notify(struct sb *s, const struct sb_purchase *p, bool entitlement, const char *action,
                   int64_t after_ms)
{
    char topic[400];
    struct buf msg, env;
    struct jsonw w;
    bool offer = !entitlement && str_starts(str_of(action), STR("subscribe"));

    buf_init(&msg, 4096);
    buf_init(&env, ENVELOPE_MAX);
    jsonw_init(&w, &msg);
    jsonw_obj(&w);
    jsonw_kvs(&w, "action", str_of(action));
    jsonw_kvs(&w, "customer-identifier", str_of(p->customer));
    jsonw_kvs(&w, "product-code", str_of(p->product->code));
    if (offer)
        jsonw_kvs(&w, "offer-identifier", str_of(p->offer));
    if (!entitlement)
        jsonw_kvs(&w, "isFreeTrialTermPresent", str_of(p->trial ? "true" : "false"));
    jsonw_obj_end(&w);
    snprintf(topic, sizeof(topic),
             "arn:aws:sns:us-east-1:" TOPIC_OWNER ":aws-mp-%s-notification-%s",
             entitlement ? "entitlement" : "subscription", p->product->code);
    int rc = buf_err(&msg);
    if (rc == 0)
        rc = sb_snskey_wrap(s, str_of(topic), buf_view(&msg), sb_core_now(s) + after_ms, &env);
    if (rc == 0)
        rc = sb_event_put(s, buf_view(&env), p->id, action, after_ms);
    if (rc)
        sb_ledger_add(&s->ledger, sb_core_now(s), "event", p->id, "failed", action);
    buf_free(&msg);
    buf_free(&env);
}

/* Which notification an occurrence makes: subscription topic for metered listings, entitlement
 * topic for contracts, both for contracts with consumption. */
void sb_sns_send(struct sb *s, const struct sb_purchase *p, enum sb_event kind,
                 const struct sb_event_opt *opt)
{
    bool meters = sb_product_meters(p->product), entitles = sb_product_entitles(p->product);

    switch (kind) {
    case SB_EVENT_CREATED:
        if (meters || opt->fail)
            notify(s, p, false, opt->fail ? "subscribe-fail" : "subscribe-success", opt->after_ms);
        break;
    case SB_EVENT_LICENSE_UPDATED:
    case SB_EVENT_DEPROVISIONED:
        if (entitles)
            notify(s, p, true, "entitlement-updated", opt->after_ms);
        break;
    case SB_EVENT_ENDED:
        if (!meters)
            break;
        notify(s, p, false, "unsubscribe-pending", 0);
        notify(s, p, false, "unsubscribe-success", SB_HOUR_MS);
        break;
    case SB_EVENT_AMENDED:
    case SB_EVENT_ADVISORY_ISSUED:
    case SB_EVENT_ADVISORY_RESOLVED:
    case SB_EVENTS:
        break;
    }
}
