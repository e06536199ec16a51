#include "sandbox/sb_gcp_event.h"

#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "sandbox/sb_fault.h"
#include "sandbox/sb_gcp_push.h"

#define DATA_MAX 16384

static const char *const names[SB_GCP_EVENTS] = {
    [SB_GCP_EV_ACCOUNT_ACTIVE] = "ACCOUNT_ACTIVE",
    [SB_GCP_EV_ACCOUNT_DELETED] = "ACCOUNT_DELETED",
    [SB_GCP_EV_CREATION_REQUESTED] = "ENTITLEMENT_CREATION_REQUESTED",
    [SB_GCP_EV_OFFER_ACCEPTED] = "ENTITLEMENT_OFFER_ACCEPTED",
    [SB_GCP_EV_ACTIVE] = "ENTITLEMENT_ACTIVE",
    [SB_GCP_EV_PLAN_CHANGE_REQUESTED] = "ENTITLEMENT_PLAN_CHANGE_REQUESTED",
    [SB_GCP_EV_PLAN_CHANGED] = "ENTITLEMENT_PLAN_CHANGED",
    [SB_GCP_EV_PLAN_CHANGE_CANCELLED] = "ENTITLEMENT_PLAN_CHANGE_CANCELLED",
    [SB_GCP_EV_PENDING_CANCELLATION] = "ENTITLEMENT_PENDING_CANCELLATION",
    [SB_GCP_EV_CANCELLATION_REVERTED] = "ENTITLEMENT_CANCELLATION_REVERTED",
    [SB_GCP_EV_CANCELLING] = "ENTITLEMENT_CANCELLING",
    [SB_GCP_EV_CANCELLED] = "ENTITLEMENT_CANCELLED",
    [SB_GCP_EV_RENEWED] = "ENTITLEMENT_RENEWED",
    [SB_GCP_EV_OFFER_ENDED] = "ENTITLEMENT_OFFER_ENDED",
    [SB_GCP_EV_DELETED] = "ENTITLEMENT_DELETED",
};

void sb_gcp_event_id(const char *prefix, char out[80])
{
    char uuid[SB_ID_UUID];

    sb_id_uuid(uuid);
    snprintf(out, 80, "%s-%s", prefix, uuid);
}

/* Begins the document; type NULL: a notification without eventType. */
static void begin(const struct sb *s, struct jsonw *w, const char *type, const char *event_id,
                  const char *provider)
{
    jsonw_obj(w);
    jsonw_kvs(w, "eventId", str_of(event_id));
    if (type)
        jsonw_kvs(w, "eventType", str_of(type));
    if (!s->gcp->set.sparse)
        jsonw_kvs(w, "providerId", str_of(provider));
}

static void put_account(struct sb *s, const struct sb_gcp_account *a, const char *type,
                        const char *event_id)
{
    struct jsonw w;
    struct buf b;

    buf_init(&b, DATA_MAX);
    jsonw_init(&w, &b);
    begin(s, &w, type, event_id, a->provider);
    jsonw_key(&w, "account");
    jsonw_obj(&w);
    jsonw_kvs(&w, "id", str_of(a->id));
    if (!s->gcp->set.sparse)
        sb_gcp_kv_time(&w, "updateTime", a->updated);
    jsonw_obj_end(&w);
    jsonw_obj_end(&w);
    if (buf_err(&b) == 0)
        sb_gcp_event_put(s, a->provider, NULL, buf_view(&b), a->handle, type ? type : "ACCOUNT");
    buf_free(&b);
}

void sb_gcp_event_account(struct sb *s, const struct sb_gcp_account *a, enum sb_gcp_event type,
                          const char *event_id)
{
    int how = type == SB_GCP_EV_ACCOUNT_ACTIVE ? s->gcp->set.account_event : SB_GCP_ACCT_TYPED;
    char id[80];

    sb_gcp_event_id(names[type], id);
    if (how == SB_GCP_ACCT_UNTYPED || how == SB_GCP_ACCT_BOTH)
        put_account(s, a, NULL, event_id ? event_id : id);
    if (how == SB_GCP_ACCT_TYPED || how == SB_GCP_ACCT_BOTH)
        put_account(s, a, names[type], event_id ? event_id : id);
}

static void write_new(const struct sb *s, struct jsonw *w, const struct sb_gcp_ent *e,
                      enum sb_gcp_event type)
{
    bool change = type == SB_GCP_EV_PLAN_CHANGE_REQUESTED;
    bool old = s->gcp->set.style == SB_GCP_STYLE_OLD;
    const char *plan = e->pending_plan[0] ? e->pending_plan : e->plan;
    const char *offer = e->pending_offer[0] ? e->pending_offer : e->offer;
    const char *lasts = e->pending_offer[0] ? e->pending_duration : e->duration;

    jsonw_kvs(w, change && !old ? "newPendingPlan" : "newPlan", str_of(plan));
    jsonw_kvs_opt(w, "newProduct", str_of(offer));
    jsonw_kvs_opt(w, change && !old ? "newPendingOffer" : "newOffer", str_of(offer));
    jsonw_kvs_opt(w, old ? "newOfferDuration" : "newPendingOfferDuration", str_of(lasts));
    if (type != SB_GCP_EV_OFFER_ACCEPTED || !offer[0])
        return;
    sb_gcp_kv_time(w, "newOfferStartTime", e->start);
    if (e->end && !lasts[0])
        sb_gcp_kv_time(w, "newOfferEndTime", e->end);
    else
        jsonw_kvs(w, "newOfferEndTime", STR(""));
}

void sb_gcp_event_ent(struct sb *s, const struct sb_gcp_ent *e, enum sb_gcp_event type,
                      const char *event_id)
{
    bool fresh = type == SB_GCP_EV_CREATION_REQUESTED || type == SB_GCP_EV_OFFER_ACCEPTED;
    struct jsonw w;
    struct buf b;
    char id[80];

    sb_gcp_event_id(names[type], id);
    buf_init(&b, DATA_MAX);
    jsonw_init(&w, &b);
    begin(s, &w, names[type], event_id ? event_id : id, e->product->provider);
    jsonw_key(&w, "entitlement");
    jsonw_obj(&w);
    jsonw_kvs(&w, "id", str_of(e->id));
    if (!s->gcp->set.sparse)
        sb_gcp_kv_time(&w, "updateTime", e->updated);
    if (fresh || type == SB_GCP_EV_PLAN_CHANGE_REQUESTED)
        write_new(s, &w, e, type);
    if (fresh && !s->gcp->set.sparse) {
        jsonw_kvs(&w, "orderId", str_of(e->order_id));
        jsonw_key(&w, "entitlementBenefitIds");
        jsonw_arr(&w);
        jsonw_str(&w, str_of(e->benefit));
        jsonw_arr_end(&w);
    }
    jsonw_obj_end(&w);
    jsonw_obj_end(&w);
    if (buf_err(&b) == 0)
        sb_gcp_event_put(s, e->product->provider, NULL, buf_view(&b), e->handle, names[type]);
    buf_free(&b);
}

/* A message that was held back to come after its successor. */
static void release_held(struct sb_gcp_sub *q, int64_t now)
{
    for (size_t i = 0; i < q->queue.msgs.n; i++) {
        struct sb_queue_msg *m = q->queue.msgs.p[i];
        if (!m->held)
            continue;
        m->held = false;
        m->due_ms = now;
        sb_queue_last(&q->queue, m);
    }
}

static size_t put(struct sb *s, struct sb_gcp_sub *q, const struct sb_queue_put *msg)
{
    struct sb_queue_put m = *msg;
    struct sb_fault f;
    size_t copies = 1;

    if (sb_fault_event(s, m.label, SB_FAULT_DROP, NULL)) {
        sb_ledger_add(&s->ledger, m.now_ms, "gcp.event", m.purchase, "dropped", m.label);
        return 0;
    }
    if (sb_fault_event(s, m.label, SB_FAULT_DELAY, &f))
        m.due_ms += (int64_t)f.ms;
    if (sb_fault_event(s, m.label, SB_FAULT_DUPLICATE, &f))
        copies += f.n;
    bool hold = sb_fault_event(s, m.label, SB_FAULT_REORDER, &f);
    for (size_t i = 0; i < copies; i++) {
        struct sb_queue_msg *stored = sb_queue_put(&q->queue, &m);
        if (!stored)
            return i;
        sb_id_digits("1", 16, stored->id, sizeof(stored->id));
        if (s->gcp->set.shuffle)
            stored->order = rand_below(1u << 20);
        if (hold) {
            stored->held = true;
            stored->due_ms += (int64_t)f.ms;
        }
        sb_ledger_add(&s->ledger, m.now_ms, "gcp.event", m.purchase, hold ? "held" : "queued",
                      m.label);
    }
    if (!hold)
        release_held(q, m.now_ms);
    return copies;
}

size_t sb_gcp_event_put(struct sb *s, const char *provider, struct sb_gcp_sub *sub, struct str data,
                        const char *handle, const char *label)
{
    int64_t now = sb_core_now(s);
    struct sb_queue_put m = {data, handle, label, now, now};
    size_t n = 0;

    for (size_t i = 0; i < s->gcp->subs.n; i++) {
        struct sb_gcp_sub *q = s->gcp->subs.p[i];
        if (sub ? q == sub : !strcmp(q->provider, provider))
            n += put(s, q, &m);
    }
    s->dirty = true;
    sb_core_announce(s);
    sb_gcp_push_pump(s);
    return n;
}
