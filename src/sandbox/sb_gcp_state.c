#include "sandbox/sb_gcp_state.h"

#include "base/clock.h"
#include "sandbox/sb_gcp_key.h"

static const char *const orders[] = {"strings", "objects", "google", "absent", NULL};
static const char *const account_events[] = {"typed", "untyped", "both", "none", NULL};
static const char *const styles[] = {"current", "old", NULL};
static const char *const agains[] = {"ok", "precondition", "conflict", NULL};
static const char *const approvals[] = {"PENDING", "APPROVED", "REJECTED", NULL};
static const char *const states[] = {"REQUESTED", "ACTIVE",    "PLAN_APPROVAL", "PLAN_PENDING",
                                     "ENDING",    "CANCELLED", "SUSPENDED",     NULL};
static const char *const nexts[] = {"none",      "active", "plan", "cancelled",
                                    "offer-end", "purge",  NULL};

const struct sb_gcp_field sb_gcp_set_fields[] = {
    SB_GCP_FENUM(sb_gcp_set, orders, orders),
    SB_GCP_FENUM(sb_gcp_set, account_event, account_events),
    SB_GCP_FENUM(sb_gcp_set, style, styles),
    SB_GCP_FENUM(sb_gcp_set, approve_again, agains),
    SB_GCP_FBOOL(sb_gcp_set, sparse),
    SB_GCP_FBOOL(sb_gcp_set, shuffle),
    SB_GCP_FBOOL(sb_gcp_set, reject_removes),
    SB_GCP_FBOOL(sb_gcp_set, linked_procurement),
    SB_GCP_FBOOL(sb_gcp_set, linked_pubsub),
    SB_GCP_FINT(sb_gcp_set, settle_ms),
    SB_GCP_FINT(sb_gcp_set, pull_hold_ms),
    SB_GCP_FINT(sb_gcp_set, push_retry_ms),
    SB_GCP_FINT(sb_gcp_set, token_life_s),
    SB_GCP_FINT(sb_gcp_set, auth_skew_ms),
    SB_GCP_FINT(sb_gcp_set, certs_age_s),
    SB_GCP_FINT(sb_gcp_set, cycle_ms),
    {0},
};

const struct sb_gcp_field sb_gcp_account_fields[] = {
    SB_GCP_FTEXT(sb_gcp_account, handle),
    SB_GCP_FTEXT(sb_gcp_account, id),
    SB_GCP_FTEXT(sb_gcp_account, provider),
    SB_GCP_FTEXT(sb_gcp_account, user),
    SB_GCP_FTEXT(sb_gcp_account, reseller),
    SB_GCP_FENUM(sb_gcp_account, approval, approvals),
    SB_GCP_FTEXT(sb_gcp_account, reason),
    SB_GCP_FBOOL(sb_gcp_account, test),
    SB_GCP_FBOOL(sb_gcp_account, deleted),
    SB_GCP_FINT(sb_gcp_account, created),
    SB_GCP_FINT(sb_gcp_account, updated),
    SB_GCP_FINT(sb_gcp_account, approval_updated),
    {0},
};

const struct sb_gcp_field sb_gcp_ent_fields[] = {
    SB_GCP_FTEXT(sb_gcp_ent, handle),        SB_GCP_FTEXT(sb_gcp_ent, id),
    SB_GCP_FTEXT(sb_gcp_ent, plan),          SB_GCP_FTEXT(sb_gcp_ent, pending_plan),
    SB_GCP_FTEXT(sb_gcp_ent, offer),         SB_GCP_FTEXT(sb_gcp_ent, pending_offer),
    SB_GCP_FTEXT(sb_gcp_ent, duration),      SB_GCP_FTEXT(sb_gcp_ent, pending_duration),
    SB_GCP_FTEXT(sb_gcp_ent, order_id),      SB_GCP_FTEXT(sb_gcp_ent, benefit),
    SB_GCP_FTEXT(sb_gcp_ent, usage_id),      SB_GCP_FTEXT(sb_gcp_ent, message),
    SB_GCP_FTEXT(sb_gcp_ent, cancel_reason), SB_GCP_FTEXT(sb_gcp_ent, event_id),
    SB_GCP_FENUM(sb_gcp_ent, state, states), SB_GCP_FENUM(sb_gcp_ent, next, nexts),
    SB_GCP_FBOOL(sb_gcp_ent, approved),      SB_GCP_FBOOL(sb_gcp_ent, automatic),
    SB_GCP_FBOOL(sb_gcp_ent, at_cycle_end),  SB_GCP_FBOOL(sb_gcp_ent, deleted),
    SB_GCP_FINT(sb_gcp_ent, next_ms),        SB_GCP_FINT(sb_gcp_ent, settle_ms),
    SB_GCP_FINT(sb_gcp_ent, start),          SB_GCP_FINT(sb_gcp_ent, end),
    SB_GCP_FINT(sb_gcp_ent, cycle_end),      SB_GCP_FINT(sb_gcp_ent, activated),
    SB_GCP_FINT(sb_gcp_ent, usage_late_ms),  SB_GCP_FINT(sb_gcp_ent, created),
    SB_GCP_FINT(sb_gcp_ent, updated),        {0},
};

const struct sb_gcp_field sb_gcp_sub_fields[] = {
    SB_GCP_FTEXT(sb_gcp_sub, name),         SB_GCP_FTEXT(sb_gcp_sub, provider),
    SB_GCP_FTEXT(sb_gcp_sub, push_url),     SB_GCP_FTEXT(sb_gcp_sub, push_audience),
    SB_GCP_FTEXT(sb_gcp_sub, push_account), SB_GCP_FINT(sb_gcp_sub, ack_s),
    SB_GCP_FBOOL(sb_gcp_sub, dead_letter),  {0},
};

const struct sb_gcp_field sb_gcp_bearer_fields[] = {
    SB_GCP_FTEXT(sb_gcp_bearer, token),
    SB_GCP_FTEXT(sb_gcp_bearer, email),
    SB_GCP_FTEXT(sb_gcp_bearer, scope),
    SB_GCP_FINT(sb_gcp_bearer, expires_ms),
    {0},
};

void sb_gcp_state_account(const struct sb_gcp_account *a, struct jsonw *w)
{
    sb_gcp_fields_write(w, sb_gcp_account_fields, a);
}

void sb_gcp_state_ent(const struct sb_gcp_ent *e, struct jsonw *w)
{
    sb_gcp_fields_write(w, sb_gcp_ent_fields, e);
    jsonw_kvs(w, "account", str_of(e->account->id));
    jsonw_kvs(w, "product", str_of(e->product->name));
}

static void write_queue(const struct sb *s, struct jsonw *w, const struct sb_gcp_sub *q,
                        bool secrets)
{
    size_t visible, in_flight, delayed;

    sb_queue_count(&q->queue, sb_core_now(s), clock_mono_ms(), &visible, &in_flight, &delayed);
    jsonw_kvi(w, "visible", (int64_t)visible);
    jsonw_kvi(w, "in_flight", (int64_t)in_flight);
    jsonw_kvi(w, "delayed", (int64_t)delayed);
    jsonw_key(w, "messages");
    jsonw_arr(w);
    for (size_t i = 0; i < q->queue.msgs.n; i++) {
        const struct sb_queue_msg *m = q->queue.msgs.p[i];
        jsonw_obj(w);
        jsonw_kvs(w, "id", str_of(m->id));
        jsonw_kvs(w, "purchase", str_of(m->purchase));
        jsonw_kvs(w, "label", str_of(m->label));
        jsonw_kvi(w, "receives", m->receives);
        jsonw_kvi(w, "sent_ms", m->sent_ms);
        jsonw_kvi(w, "due_ms", m->due_ms);
        if (secrets)
            jsonw_kvs(w, "body", m->body);
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
}

static void write_secrets(const struct sb_gcp *g, struct jsonw *w)
{
    jsonw_key(w, "bearers");
    jsonw_arr(w);
    for (size_t i = 0; i < g->bearers.n; i++) {
        jsonw_obj(w);
        sb_gcp_fields_write(w, sb_gcp_bearer_fields, g->bearers.p[i]);
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
    if (!g->keys || !g->keys->pem)
        return;
    jsonw_kvs(w, "key", str_of(g->keys->pem));
    jsonw_kvs(w, "kid", str_of(g->keys->kid));
    jsonw_kvs(w, "subject", str_of(g->keys->subject));
}

void sb_gcp_state_write(const struct sb *s, struct jsonw *w, bool secrets)
{
    const struct sb_gcp *g = s->gcp;

    jsonw_obj(w);
    jsonw_key(w, "accounts");
    jsonw_arr(w);
    for (size_t i = 0; i < g->accounts.n; i++) {
        jsonw_obj(w);
        sb_gcp_state_account(g->accounts.p[i], w);
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
    jsonw_key(w, "orders");
    jsonw_arr(w);
    for (size_t i = 0; i < g->ents.n; i++) {
        jsonw_obj(w);
        sb_gcp_state_ent(g->ents.p[i], w);
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
    jsonw_key(w, "subscriptions");
    jsonw_arr(w);
    for (size_t i = 0; i < g->subs.n; i++) {
        jsonw_obj(w);
        sb_gcp_fields_write(w, sb_gcp_sub_fields, g->subs.p[i]);
        write_queue(s, w, g->subs.p[i], secrets);
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
    jsonw_key(w, "settings");
    jsonw_obj(w);
    sb_gcp_fields_write(w, sb_gcp_set_fields, &g->set);
    jsonw_obj_end(w);
    if (secrets)
        write_secrets(g, w);
    jsonw_obj_end(w);
}
