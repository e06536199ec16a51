#include <stdio.h>
#include <string.h>

#include "sandbox/sb_gcp_list.h"
#include "sandbox/sb_gcp_order.h"

#define LIST_DEFAULT 200
#define ENTITLEMENT                                                                                \
    "name:s account:s provider:s product:s productExternalName:s quoteExternalName:s plan:s "      \
    "newPendingPlan:s offer:s newPendingOffer:s offerDuration:s newPendingOfferDuration:s "        \
    "newOfferStartTime:s newOfferEndTime:s offerEndTime:s orderId:s state:s createTime:s "         \
    "updateTime:s subscriptionEndTime:s usageReportingId:s consumers:a messageToUser:s "           \
    "cancellationReason:s entitlementBenefitIds:a inputProperties:o"

static struct sb_gcp_ent *find(struct sb_gcp_call *c)
{
    struct sb_gcp_ent *e = sb_gcp_ent(c->s, c->id);

    if (!e || e->deleted || !str_is(c->owner, e->product->provider) || !str_is(c->id, e->id)) {
        sb_gcp_fail(c, "NOT_FOUND", "Requested entity was not found.");
        return NULL;
    }
    sb_gcp_about(c, e->handle, sb_gcp_state_name(e->state));
    return e;
}

static int precondition(struct sb_gcp_call *c)
{
    return sb_gcp_fail(c, "FAILED_PRECONDITION", "Precondition check failed.");
}

static int done(struct sb_gcp_call *c, int rc)
{
    if (rc)
        return precondition(c);
    jsonw_obj(&c->w);
    jsonw_obj_end(&c->w);
    return 0;
}

static int get(struct sb_gcp_call *c)
{
    const struct sb_gcp_ent *e = find(c);

    if (e)
        sb_gcp_write_ent(c->s, &c->w, e);
    return e ? 0 : -1;
}

static int list(struct sb_gcp_call *c)
{
    const struct sb_vec *all = &c->s->gcp->ents;
    static const struct sb_gcp_product nothing;
    static struct sb_gcp_account nobody;
    const struct sb_gcp_ent probe = {
        .product = &nothing, .account = &nobody, .usage_id = "project_number:"};
    size_t size, from, n = 0;
    char filter[2048];

    if (sb_gcp_list_page(c, LIST_DEFAULT, all->n, &size, &from) ||
        sb_gcp_query(c, "filter", filter, sizeof(filter)))
        return -1;
    if (sb_gcp_list_match(str_of(filter), &probe) < 0)
        return sb_gcp_fail(c, "INVALID_ARGUMENT", "Invalid filter: %.200s", filter);
    snprintf(c->detail, sizeof(c->detail), "%.250s", filter);
    jsonw_obj(&c->w);
    jsonw_key(&c->w, "entitlements");
    jsonw_arr(&c->w);
    for (; from > 0 && n < size; from--) {
        const struct sb_gcp_ent *e = all->p[from - 1];
        if (e->deleted || !str_is(c->owner, e->product->provider) ||
            sb_gcp_list_match(str_of(filter), e) != 1)
            continue;
        sb_gcp_write_ent(c->s, &c->w, e);
        n++;
    }
    jsonw_arr_end(&c->w);
    if (from > 0)
        sb_gcp_list_next(c, from);
    jsonw_obj_end(&c->w);
    return 0;
}

static int approve(struct sb_gcp_call *c)
{
    struct sb_gcp_ent *e = find(c);

    if (!e)
        return -1;
    if (e->approved && !e->automatic && c->s->gcp->set.approve_again == SB_GCP_AGAIN_CONFLICT)
        return sb_gcp_fail(c, "ABORTED", "The entitlement is being changed.");
    if (e->approved && c->s->gcp->set.approve_again == SB_GCP_AGAIN_PRECONDITION)
        return precondition(c);
    return done(c, sb_gcp_order_approve(c->s, e));
}

static int reject(struct sb_gcp_call *c)
{
    struct sb_gcp_ent *e = find(c);

    return e ? done(c, sb_gcp_order_reject(c->s, e, "unknown")) : -1;
}

/* The plan that the seller means must be the one that is pending. */
static struct sb_gcp_ent *pending(struct sb_gcp_call *c)
{
    struct str plan = json_str(c->in, "pendingPlanName");
    struct sb_gcp_ent *e = find(c);

    if (e && plan.n == 0) {
        sb_gcp_fail(c, "INVALID_ARGUMENT", "pending_plan_name is required.");
        return NULL;
    }
    if (e && !str_is(plan, e->pending_plan)) {
        precondition(c);
        return NULL;
    }
    return e;
}

static int approve_plan(struct sb_gcp_call *c)
{
    struct sb_gcp_ent *e = pending(c);

    return e ? done(c, sb_gcp_order_approve_plan(c->s, e)) : -1;
}

static int reject_plan(struct sb_gcp_call *c)
{
    struct sb_gcp_ent *e = pending(c);

    return e ? done(c, sb_gcp_order_reject_plan(c->s, e)) : -1;
}

static int patch(struct sb_gcp_call *c)
{
    struct str message = json_str(c->in, "messageToUser");
    struct sb_gcp_ent *e = find(c);
    char mask[256];

    if (!e || sb_gcp_query(c, "updateMask", mask, sizeof(mask)))
        return -1;
    if (strcmp(mask, "messageToUser") != 0 && strcmp(mask, "message_to_user") != 0)
        return sb_gcp_fail(c, "INVALID_ARGUMENT", "Only message_to_user can be updated.");
    if ((e->state != SB_GCP_REQUESTED && e->state != SB_GCP_PLAN_APPROVAL) || e->approved)
        return precondition(c);
    if (str_copy(message, e->message, sizeof(e->message)))
        return sb_gcp_fail(c, "INVALID_ARGUMENT", "message_to_user is too long.");
    sb_gcp_order_touch(c->s, e);
    sb_gcp_write_ent(c->s, &c->w, e);
    return 0;
}

static int suspend(struct sb_gcp_call *c)
{
    if (!find(c))
        return -1;
    return sb_gcp_fail(c, "UNIMPLEMENTED",
                       "Operation is not implemented, or supported, or "
                       "enabled.");
}

const struct sb_gcp_op sb_gcp_ent_ops[] = {
    {"entitlements.get", "GET", "", true, "", "", get},
    {"entitlements.list", "GET", "", false, "", "filter pageSize pageToken", list},
    {"entitlements.approve", "POST", "approve", true, "entitlementMigrated:s properties:o", "",
     approve},
    {"entitlements.reject", "POST", "reject", true, "reason:s", "", reject},
    {"entitlements.approvePlanChange", "POST", "approvePlanChange", true, "pendingPlanName:s", "",
     approve_plan},
    {"entitlements.rejectPlanChange", "POST", "rejectPlanChange", true,
     "pendingPlanName:s reason:s", "", reject_plan},
    {"entitlements.patch", "PATCH", "", true, ENTITLEMENT, "updateMask", patch},
    {"entitlements.suspend", "POST", "suspend", true, "reason:s", "", suspend},
    {0},
};
