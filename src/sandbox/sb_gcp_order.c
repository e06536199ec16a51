#include "sandbox/sb_gcp_order.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/sb_gcp_move.h"

#define OFFER_MS (365 * (int64_t)SB_DAY_MS) /* how long an offer with a duration runs here */

struct sb_gcp_account *sb_gcp_order_account(struct sb *s, const char *provider, bool test)
{
    struct sb_gcp_account *a = calloc(1, sizeof(*a));

    if (!a || sb_vec_add(&s->gcp->accounts, a)) {
        free(a);
        return NULL;
    }
    snprintf(a->handle, sizeof(a->handle), "ga%u", s->gcp->next_account++);
    sb_id_uuid(a->id);
    snprintf(a->provider, sizeof(a->provider), "%s", provider);
    sb_id_digits("1", 20, a->user, sizeof(a->user));
    sb_id_hex("billingAccounts/", 18, a->reseller, sizeof(a->reseller));
    a->test = test;
    a->created = a->updated = sb_core_now(s);
    return a;
}

/* The one order of a product that an account may have, if multiple orders are not allowed. */
static bool has_live(const struct sb *s, const struct sb_gcp_buy *b)
{
    for (size_t i = 0; b->account && i < s->gcp->ents.n; i++) {
        const struct sb_gcp_ent *e = s->gcp->ents.p[i];
        if (e->account == b->account && e->product == b->product && sb_gcp_order_lives(e))
            return true;
    }
    return false;
}

static int check(const struct sb *s, const struct sb_gcp_buy *b, const char **why)
{
    *why = "the times are out of range";
    if (b->start_in_ms < 0 || b->end_in_ms < 0 || b->settle_ms < -1 || b->usage_late_ms < 0)
        return -EINVAL;
    *why = "only a private offer starts or ends at a date";
    if (!b->offer && (b->start_in_ms || b->end_in_ms || b->duration.n))
        return -EINVAL;
    *why = "an offer has a duration or an end date";
    if (b->duration.n && (b->end_in_ms || b->duration.p[0] != 'P' || b->duration.n > 15))
        return -EINVAL;
    *why = "the account is deleted or of another provider";
    if (b->account &&
        (b->account->deleted || strcmp(b->account->provider, b->product->provider) != 0))
        return -EPERM;
    *why = "the account has an order of this product, and it allows only one";
    if (!b->product->multiple && has_live(s, b))
        return -EEXIST;
    return 0;
}

static void fill_offer(const struct sb *s, const struct sb_gcp_buy *b, struct sb_gcp_ent *e)
{
    char id[SB_ID_UUID];

    sb_id_uuid(id);
    snprintf(e->offer, sizeof(e->offer), "projects/528000000000/services/%.150s/privateOffers/%s",
             b->product->product_name, id);
    e->start = sb_core_now(s) + b->start_in_ms;
    e->end = e->start + (b->end_in_ms ? b->end_in_ms : OFFER_MS);
    str_copy(b->duration.n || b->end_in_ms ? b->duration : STR("P1Y"), e->duration,
             sizeof(e->duration));
}

static struct sb_gcp_ent *new_ent(struct sb *s, const struct sb_gcp_buy *b,
                                  struct sb_gcp_account *a)
{
    struct sb_gcp_ent *e = calloc(1, sizeof(*e));

    if (!e || sb_vec_add(&s->gcp->ents, e)) {
        free(e);
        return NULL;
    }
    snprintf(e->handle, sizeof(e->handle), "g%u", s->gcp->next_ent++);
    sb_id_uuid(e->id);
    memcpy(e->order_id, e->id, sizeof(e->order_id));
    sb_id_uuid(e->benefit);
    sb_id_digits("project_number:6", 11, e->usage_id, sizeof(e->usage_id));
    e->account = a;
    e->product = b->product;
    memcpy(e->plan, b->plan->plan, sizeof(e->plan));
    e->automatic = b->automatic < 0 ? b->product->automatic : b->automatic > 0;
    e->settle_ms = b->settle_ms < 0 ? s->gcp->set.settle_ms : b->settle_ms;
    e->usage_late_ms = b->usage_late_ms;
    e->created = e->updated = sb_core_now(s);
    if (b->offer)
        fill_offer(s, b, e);
    return e;
}

/* Activation comes so much later, but not before the offer starts. */
static void activate_later(struct sb *s, struct sb_gcp_ent *e)
{
    int64_t at = sb_core_now(s) + e->settle_ms;

    e->approved = true;
    e->next = SB_GCP_NEXT_ACTIVE;
    e->next_ms = e->start > at ? e->start : at;
    e->message[0] = '\0';
    sb_gcp_order_touch(s, e);
    sb_core_announce(s);
}

int sb_gcp_order_buy(struct sb *s, const struct sb_gcp_buy *b, struct sb_gcp_ent **out,
                     const char **why)
{
    struct sb_gcp_account *a = b->account;
    struct sb_gcp_ent *e;
    int rc = check(s, b, why);

    if (rc)
        return rc;
    *why = "there is no room for more";
    if (!a)
        a = sb_gcp_order_account(s, b->product->provider, b->test);
    e = a ? new_ent(s, b, a) : NULL;
    if (!e)
        return -ENOBUFS;
    sb_gcp_event_id("CREATE_ENTITLEMENT", e->event_id);
    if (!b->account)
        sb_gcp_event_account(s, a, SB_GCP_EV_ACCOUNT_ACTIVE, e->event_id);
    if (!e->automatic)
        sb_gcp_event_ent(s, e, SB_GCP_EV_CREATION_REQUESTED, e->event_id);
    if (e->automatic || b->offer)
        sb_gcp_event_ent(s, e, SB_GCP_EV_OFFER_ACCEPTED, e->event_id);
    if (e->automatic)
        activate_later(s, e);
    sb_ledger_add(&s->ledger, sb_core_now(s), "gcp.buy", e->handle, "ok", e->id);
    s->dirty = true;
    *out = e;
    return 0;
}

int sb_gcp_order_approve(struct sb *s, struct sb_gcp_ent *e)
{
    if (e->state != SB_GCP_REQUESTED || e->automatic || e->account->approval != SB_GCP_APPROVED)
        return -EPERM;
    if (!e->approved)
        activate_later(s, e);
    return 0;
}

int sb_gcp_order_reject(struct sb *s, struct sb_gcp_ent *e, const char *reason)
{
    if (e->state != SB_GCP_REQUESTED || e->approved)
        return -EPERM;
    sb_gcp_move_cancel(s, e, reason, NULL);
    if (s->gcp->set.reject_removes)
        sb_gcp_move_purge(s, e);
    return 0;
}

int sb_gcp_order_approve_plan(struct sb *s, struct sb_gcp_ent *e)
{
    if (e->state != SB_GCP_PLAN_APPROVAL)
        return -EPERM;
    if (e->at_cycle_end)
        sb_gcp_move(s, e, SB_GCP_PLAN_PENDING, SB_GCP_NEXT_PLAN, e->cycle_end);
    else
        sb_gcp_move_plan(s, e);
    return 0;
}

int sb_gcp_order_reject_plan(struct sb *s, struct sb_gcp_ent *e)
{
    if (e->state != SB_GCP_PLAN_APPROVAL)
        return -EPERM;
    sb_gcp_move_unplan(s, e);
    sb_gcp_event_ent(s, e, SB_GCP_EV_PLAN_CHANGE_CANCELLED, e->event_id);
    return 0;
}

void sb_gcp_order_approval(struct sb *s, struct sb_gcp_account *a, enum sb_gcp_approval to,
                           struct str reason)
{
    int64_t now = sb_core_now(s);

    a->approval = (int)to;
    a->updated = now > a->updated ? now : a->updated + 1;
    a->approval_updated = a->updated;
    while (str_copy(str_sub(reason, 0, sizeof(a->reason) - 1), a->reason, sizeof(a->reason)) == 0 &&
           !str_utf8(str_of(a->reason)) && reason.n > 0)
        reason = str_sub(reason, 0, strlen(a->reason) - 1); /* not within a character */
    s->dirty = true;
}

static void end_all(struct sb *s, const struct sb_gcp_account *a, const char *reason)
{
    for (size_t i = 0; i < s->gcp->ents.n; i++) {
        struct sb_gcp_ent *e = s->gcp->ents.p[i];
        if (e->account == a && sb_gcp_order_lives(e))
            sb_gcp_move_cancel(s, e, reason, NULL);
    }
}

void sb_gcp_order_reset(struct sb *s, struct sb_gcp_account *a)
{
    end_all(s, a, "unknown");
    sb_gcp_order_approval(s, a, SB_GCP_PENDING, STR(""));
}

void sb_gcp_order_delete_account(struct sb *s, struct sb_gcp_account *a)
{
    end_all(s, a, "account-closed");
    for (size_t i = 0; i < s->gcp->ents.n; i++) {
        struct sb_gcp_ent *e = s->gcp->ents.p[i];
        if (e->account == a && !e->deleted)
            sb_gcp_move_purge(s, e);
    }
    a->deleted = true;
    a->updated = sb_core_now(s);
    sb_gcp_event_account(s, a, SB_GCP_EV_ACCOUNT_DELETED, NULL);
}
