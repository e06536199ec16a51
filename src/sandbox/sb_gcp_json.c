#include <stdio.h>

#include "sandbox/sb_gcp.h"

void sb_gcp_kv_time(struct jsonw *w, const char *key, int64_t ms)
{
    char text[SB_GCP_TIME];

    if (ms == 0)
        return;
    sb_gcp_time(ms, text);
    jsonw_kvs(w, key, str_of(text));
}

static void kv_name(struct jsonw *w, const char *key, const char *provider, const char *coll,
                    const char *id)
{
    char name[256];

    snprintf(name, sizeof(name), "providers/%s/%s/%s", provider, coll, id);
    jsonw_kvs(w, key, str_of(name));
}

void sb_gcp_write_account(struct jsonw *w, const struct sb_gcp_account *a, bool full)
{
    jsonw_obj(w);
    kv_name(w, "name", a->provider, "accounts", a->id);
    jsonw_kvs(w, "provider", str_of(a->provider));
    jsonw_kvs(w, "state", STR("ACCOUNT_ACTIVE"));
    jsonw_key(w, "approvals");
    jsonw_arr(w);
    jsonw_obj(w);
    jsonw_kvs(w, "name", STR("signup"));
    jsonw_kvs(w, "state", str_of(sb_gcp_approval_name(a->approval)));
    jsonw_kvs_opt(w, "reason", str_of(a->reason));
    sb_gcp_kv_time(w, "updateTime", a->approval_updated);
    jsonw_obj_end(w);
    jsonw_arr_end(w);
    sb_gcp_kv_time(w, "createTime", a->created);
    sb_gcp_kv_time(w, "updateTime", a->updated);
    if (full)
        jsonw_kvs_opt(w, "resellerParentBillingAccount", str_of(a->reseller));
    jsonw_obj_end(w);
}

/* Which of the offer's times are shown in which state: the fields' texts in the discovery
 * document. */
static void write_offer(struct jsonw *w, const struct sb_gcp_ent *e)
{
    bool waits = e->state == SB_GCP_REQUESTED;
    bool soon = (waits && e->approved) || e->state == SB_GCP_PLAN_PENDING;

    jsonw_kvs_opt(w, "offer", str_of(e->offer));
    jsonw_kvs_opt(w, "offerDuration", str_of(e->duration));
    if (e->end && (!waits || e->approved || !e->duration[0]))
        sb_gcp_kv_time(w, "offerEndTime", e->end);
    if (soon && (e->offer[0] || e->pending_offer[0])) {
        sb_gcp_kv_time(w, "newOfferStartTime", waits ? e->start : e->cycle_end);
        if (!e->duration[0])
            sb_gcp_kv_time(w, "newOfferEndTime", e->end);
    }
    jsonw_kvs_opt(w, "newPendingOffer", str_of(e->pending_offer));
    jsonw_kvs_opt(w, "newPendingOfferDuration", str_of(e->pending_duration));
}

static void write_consumers(struct jsonw *w, const struct sb_gcp_ent *e)
{
    char project[80];

    if (!e->activated || !e->product->usage)
        return;
    snprintf(project, sizeof(project), "projects/%s", e->usage_id + sizeof("project_number:") - 1);
    jsonw_key(w, "consumers");
    jsonw_arr(w);
    jsonw_obj(w);
    jsonw_kvs(w, "project", str_of(project));
    jsonw_obj_end(w);
    jsonw_arr_end(w);
}

void sb_gcp_write_ent(const struct sb *s, struct jsonw *w, const struct sb_gcp_ent *e)
{
    bool shown =
        e->product->usage && e->activated && e->activated + e->usage_late_ms <= sb_core_now(s);

    jsonw_obj(w);
    kv_name(w, "name", e->product->provider, "entitlements", e->id);
    kv_name(w, "account", e->product->provider, "accounts", e->account->id);
    jsonw_kvs(w, "provider", str_of(e->product->provider));
    jsonw_kvs(w, "product", str_of(e->offer[0] ? e->offer : e->product->product_name));
    jsonw_kvs(w, "productExternalName", str_of(e->product->product_name));
    jsonw_kvs(w, "plan", str_of(e->plan));
    jsonw_kvs_opt(w, "newPendingPlan", str_of(e->pending_plan));
    write_offer(w, e);
    jsonw_kvs(w, "orderId", str_of(e->order_id));
    jsonw_kvs(w, "state", str_of(sb_gcp_state_name(e->state)));
    sb_gcp_kv_time(w, "createTime", e->created);
    sb_gcp_kv_time(w, "updateTime", e->updated);
    if (e->state == SB_GCP_ENDING)
        sb_gcp_kv_time(w, "subscriptionEndTime", e->next_ms);
    if (shown)
        jsonw_kvs(w, "usageReportingId", str_of(e->usage_id));
    write_consumers(w, e);
    jsonw_kvs_opt(w, "messageToUser", str_of(e->message));
    jsonw_kvs_opt(w, "cancellationReason", str_of(e->cancel_reason));
    jsonw_key(w, "entitlementBenefitIds");
    jsonw_arr(w);
    jsonw_str(w, str_of(e->benefit));
    jsonw_arr_end(w);
    jsonw_obj_end(w);
}
