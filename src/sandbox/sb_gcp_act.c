#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sandbox/sb_gcp_move.h"

static bool in_service(const struct sb_gcp_ent *e)
{
    return e->state == SB_GCP_ACTIVE || e->state == SB_GCP_ENDING ||
           e->state == SB_GCP_PLAN_PENDING || e->state == SB_GCP_PLAN_APPROVAL;
}

static int change_plan(struct sb *s, struct sb_gcp_ent *e, const cJSON *in, const char **why)
{
    const struct sb_gcp_plan *plan = sb_gcp_plan(e->product, json_str(in, "plan"));
    struct str lasts = json_str(in, "duration");
    char id[SB_ID_UUID];

    *why = "only an active order changes its plan";
    if (e->state != SB_GCP_ACTIVE)
        return -EPERM;
    *why = "the product has no such plan, or the order has it already";
    if (!plan || (!strcmp(plan->plan, e->plan) && !json_bool(in, "offer", false)))
        return -EINVAL;
    *why = "the duration is too long";
    if (str_copy(lasts, e->pending_duration, sizeof(e->pending_duration)))
        return -EINVAL;
    memcpy(e->pending_plan, plan->plan, sizeof(e->pending_plan));
    if (json_bool(in, "offer", false)) {
        sb_id_uuid(id);
        snprintf(e->pending_offer, sizeof(e->pending_offer),
                 "projects/528000000000/services/%.150s/privateOffers/%s", e->product->product_name,
                 id);
    }
    e->at_cycle_end = str_is(json_str(in, "when"), "cycle-end");
    sb_gcp_event_id("CHANGE_PLAN", e->event_id);
    sb_gcp_move(s, e, SB_GCP_PLAN_APPROVAL, SB_GCP_NEXT_NONE, 0);
    if (!e->automatic) {
        sb_gcp_event_ent(s, e, SB_GCP_EV_PLAN_CHANGE_REQUESTED, e->event_id);
        return 0;
    }
    sb_gcp_event_ent(s, e, SB_GCP_EV_OFFER_ACCEPTED, e->event_id);
    return sb_gcp_order_approve_plan(s, e);
}

static int cancel_change(struct sb *s, struct sb_gcp_ent *e, const cJSON *in, const char **why)
{
    (void)in;
    *why = "no plan change is pending";
    if (e->state != SB_GCP_PLAN_APPROVAL && e->state != SB_GCP_PLAN_PENDING)
        return -EPERM;
    sb_gcp_move_unplan(s, e);
    sb_gcp_event_ent(s, e, SB_GCP_EV_PLAN_CHANGE_CANCELLED, e->event_id);
    return 0;
}

/* At the end of the cycle, or at once: then by way of CANCELLING. */
static int cancel(struct sb *s, struct sb_gcp_ent *e, const cJSON *in, const char **why)
{
    struct str reason = json_str(in, "reason");
    char text[32];

    *why = "the order is not in service, or is being cancelled already";
    if (!in_service(e) || e->state == SB_GCP_ENDING)
        return -EPERM;
    *why = "the reason is too long";
    if (str_copy(reason.n ? reason : STR("user-cancelled"), text, sizeof(text)))
        return -EINVAL;
    sb_gcp_event_id("CANCEL_ENTITLEMENT", e->event_id);
    if (!str_is(json_str(in, "when"), "now")) {
        e->pending_plan[0] = e->pending_offer[0] = e->pending_duration[0] = '\0';
        sb_gcp_move(s, e, SB_GCP_ENDING, SB_GCP_NEXT_CANCELLED, e->cycle_end);
        sb_gcp_event_ent(s, e, SB_GCP_EV_PENDING_CANCELLATION, e->event_id);
        return 0;
    }
    sb_gcp_event_ent(s, e, SB_GCP_EV_CANCELLING, e->event_id);
    sb_gcp_move_cancel(s, e, text, e->event_id);
    return 0;
}

static int revert(struct sb *s, struct sb_gcp_ent *e, const cJSON *in, const char **why)
{
    (void)in;
    *why = "no cancellation is pending";
    if (e->state != SB_GCP_ENDING)
        return -EPERM;
    sb_gcp_move_service(s, e);
    sb_gcp_event_ent(s, e, SB_GCP_EV_CANCELLATION_REVERTED, NULL);
    return 0;
}

static int renew(struct sb *s, struct sb_gcp_ent *e, const cJSON *in, const char **why)
{
    (void)in;
    *why = "only an active order is renewed";
    if (e->state != SB_GCP_ACTIVE)
        return -EPERM;
    e->cycle_end += s->gcp->set.cycle_ms;
    if (e->end)
        e->end += e->end - e->start;
    sb_gcp_move_service(s, e);
    sb_gcp_event_ent(s, e, SB_GCP_EV_RENEWED, NULL);
    return 0;
}

static int offer_ended(struct sb *s, struct sb_gcp_ent *e, const cJSON *in, const char **why)
{
    *why = "the order is not in service, or has no private offer";
    if (!in_service(e) || !e->offer[0])
        return -EPERM;
    e->end = sb_core_now(s);
    sb_gcp_move(s, e, SB_GCP_ACTIVE, SB_GCP_NEXT_NONE, 0);
    sb_gcp_event_ent(s, e, SB_GCP_EV_OFFER_ENDED, NULL);
    if (!str_is(json_str(in, "then"), "continue"))
        sb_gcp_move_cancel(s, e, "expired", NULL);
    return 0;
}

static int abandon(struct sb *s, struct sb_gcp_ent *e, const cJSON *in, const char **why)
{
    (void)in;
    *why = "the order is active already, or over";
    if (e->state != SB_GCP_REQUESTED)
        return -EPERM;
    sb_gcp_move_cancel(s, e, "user-aborted", NULL);
    return 0;
}

static int suspend(struct sb *s, struct sb_gcp_ent *e, const cJSON *in, const char **why)
{
    (void)in;
    *why = "only an active order is suspended";
    if (e->state != SB_GCP_ACTIVE)
        return -EPERM;
    sb_gcp_move(s, e, SB_GCP_SUSPENDED, SB_GCP_NEXT_NONE, 0);
    return 0;
}

static int resume(struct sb *s, struct sb_gcp_ent *e, const cJSON *in, const char **why)
{
    (void)in;
    *why = "the order is not suspended";
    if (e->state != SB_GCP_SUSPENDED)
        return -EPERM;
    sb_gcp_move_service(s, e);
    return 0;
}

static int settle(struct sb *s, struct sb_gcp_ent *e, const cJSON *in, const char **why)
{
    (void)in;
    *why = "nothing is due";
    if (e->next == SB_GCP_NEXT_NONE)
        return -EPERM;
    e->next_ms = sb_core_now(s);
    sb_gcp_order_tick(s);
    return 0;
}

static int purge(struct sb *s, struct sb_gcp_ent *e, const cJSON *in, const char **why)
{
    (void)in;
    *why = "the record is deleted already";
    if (e->deleted)
        return -EPERM;
    if (e->state != SB_GCP_CANCELLED)
        sb_gcp_move_cancel(s, e, "unknown", NULL);
    sb_gcp_move_purge(s, e);
    return 0;
}

static const struct {
    const char *name;
    int (*fn)(struct sb *s, struct sb_gcp_ent *e, const cJSON *in, const char **why);
} acts[] = {
    {"change-plan", change_plan},
    {"cancel-plan-change", cancel_change},
    {"cancel", cancel},
    {"revert-cancel", revert},
    {"renew", renew},
    {"offer-ended", offer_ended},
    {"abandon", abandon},
    {"suspend", suspend},
    {"resume", resume},
    {"settle", settle},
    {"delete", purge},
};

int sb_gcp_order_act(struct sb *s, struct sb_gcp_ent *e, struct str action, const cJSON *in,
                     const char **why)
{
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (!str_is(action, acts[i].name))
            continue;
        int rc = acts[i].fn(s, e, in, why);
        sb_ledger_add(&s->ledger, sb_core_now(s), acts[i].name, e->handle, rc ? "refused" : "ok",
                      e->id);
        return rc;
    }
    *why = "there is no such action";
    return -ENOENT;
}

static void due(struct sb *s, struct sb_gcp_ent *e)
{
    switch (e->next) {
    case SB_GCP_NEXT_ACTIVE:
        sb_gcp_move_active(s, e);
        break;
    case SB_GCP_NEXT_PLAN:
        sb_gcp_move_plan(s, e);
        break;
    case SB_GCP_NEXT_CANCELLED:
        sb_gcp_move_cancel(s, e, "user-cancelled", e->event_id);
        break;
    case SB_GCP_NEXT_OFFER_END:
        sb_gcp_event_ent(s, e, SB_GCP_EV_OFFER_ENDED, NULL);
        sb_gcp_move_cancel(s, e, "expired", NULL);
        break;
    case SB_GCP_NEXT_PURGE:
        sb_gcp_move_purge(s, e);
        break;
    default:
        break;
    }
}

void sb_gcp_order_tick(struct sb *s)
{
    int64_t now = sb_core_now(s);

    for (size_t i = 0; i < s->gcp->ents.n; i++) {
        struct sb_gcp_ent *e = s->gcp->ents.p[i];
        /* What a leap of the clock has passed comes in order, one after another. */
        for (int n = 0; n < SB_GCP_NEXTS && e->next != SB_GCP_NEXT_NONE && e->next_ms <= now; n++)
            due(s, e);
    }
}

int64_t sb_gcp_order_next_ms(const struct sb *s)
{
    int64_t now = sb_core_now(s), next = -1;

    for (size_t i = 0; i < s->gcp->ents.n; i++) {
        const struct sb_gcp_ent *e = s->gcp->ents.p[i];
        int64_t wait = e->next_ms > now ? e->next_ms - now : 0;
        if (e->next != SB_GCP_NEXT_NONE && (next < 0 || wait < next))
            next = wait;
    }
    return next;
}
