#include "sandbox/sb_az_op.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/sb_az_hook.h"
#include "sandbox/sb_az_sub.h"

static bool is(const char *action, const char *name)
{
    return !strcmp(action, name);
}

static bool is_change(const char *action)
{
    return is(action, "ChangePlan") || is(action, "ChangeQuantity");
}

static const char *check_change(const struct sb_az_sub *sub, const struct sb_az_ask *ask)
{
    bool seats = sub->plan->seats;

    if (ask->revert)
        return NULL;
    if (is(ask->action, "ChangePlan"))
        return !ask->plan               ? "there is no such plan"
               : ask->plan == sub->plan ? "that is the plan already"
                                        : NULL;
    if (!seats)
        return "the plan is not per seat";
    if (ask->quantity < sub->plan->min_seats || ask->quantity > sub->plan->max_seats)
        return "the number of seats is out of range";
    return ask->quantity == sub->quantity ? "that is the quantity already" : NULL;
}

/* What state each action needs; others happen in any. */
static const char *check_state(const struct sb_az_sub *sub, const char *action)
{
    static const struct {
        const char *action;
        unsigned states;
    } rules[] = {
        {"ChangePlan", 1u << SB_AZ_SUBSCRIBED},
        {"ChangeQuantity", 1u << SB_AZ_SUBSCRIBED},
        {"Renew", 1u << SB_AZ_SUBSCRIBED},
        {"Suspend", 1u << SB_AZ_SUBSCRIBED},
        {"Reinstate", 1u << SB_AZ_SUSPENDED},
        {"Unsubscribe", 1u << SB_AZ_PENDING | 1u << SB_AZ_SUBSCRIBED | 1u << SB_AZ_SUSPENDED},
    };

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (is(action, rules[i].action) && !(rules[i].states & 1u << sub->status))
            return "the state of the subscription does not allow it";
    }
    return NULL;
}

void sb_az_apply(struct sb *s, struct sb_az_op *op)
{
    struct sb_az_sub *sub = op->sub;
    int64_t now = sb_core_now(s);

    if (is(op->action, "ChangePlan")) {
        sub->plan = op->plan;
        sub->quantity = !op->plan->seats ? 0 : sub->quantity ? sub->quantity : op->plan->min_seats;
    } else if (is(op->action, "ChangeQuantity")) {
        sub->quantity = op->quantity;
    } else if (is(op->action, "Renew")) {
        sb_az_renew(s, sub);
    } else if (is(op->action, "Suspend")) {
        sub->status = SB_AZ_SUSPENDED;
        sub->suspended_ms = now;
    } else if (is(op->action, "Reinstate")) {
        sub->status = SB_AZ_SUBSCRIBED;
        sub->suspended_ms = 0;
    } else if (is(op->action, "Unsubscribe")) {
        sub->status = SB_AZ_GONE;
        sub->settle_ms = 0;
        sub->ended_ms = now;
    }
    s->dirty = true;
    sb_ledger_add(&s->ledger, now, op->action, sub->id, "effect", op->id);
}

/* The current values once more, as an event of their own. */
static void send_revert(struct sb *s, const struct sb_az_op *op)
{
    struct sb_az_ask ask = {
        .action = op->action, .plan = op->sub->plan, .quantity = op->sub->quantity, .revert = true};
    const char *why;

    sb_az_ask(s, op->sub, &ask, NULL, &why);
}

void sb_az_settle(struct sb *s, struct sb_az_op *op, bool good, const char *by)
{
    op->state = good ? SB_AZ_SUCCEEDED : SB_AZ_FAILED;
    op->accept_ms = 0;
    snprintf(op->by, sizeof(op->by), "%s", by);
    s->dirty = true;
    sb_ledger_add(&s->ledger, sb_core_now(s), "Operation", op->sub->id,
                  good ? "accepted" : "rejected", by);
    if (good && !op->revert)
        sb_az_apply(s, op);
    if (!good && is_change(op->action) && !op->revert && s->az->set.revert)
        send_revert(s, op);
}

static void cancel_pending(struct sb *s, const struct sb_az_sub *sub)
{
    struct sb_az_op *old = sb_az_pending(s->az, sub);

    if (!old)
        return;
    old->state = SB_AZ_CONFLICT;
    old->accept_ms = 0;
    old->begin_ms = 0;
    snprintf(old->by, sizeof(old->by), "event");
}

static struct sb_az_op *make(struct sb *s, struct sb_az_sub *sub, const struct sb_az_ask *ask)
{
    struct sb_az_op *op = calloc(1, sizeof(*op));

    if (!op)
        return NULL;
    sb_id_uuid(op->id);
    if (ask->partner || is(ask->action, "Unsubscribe"))
        snprintf(op->activity, sizeof(op->activity), "%s", op->id);
    else
        sb_id_uuid(op->activity);
    snprintf(op->action, sizeof(op->action), "%s", ask->action);
    op->sub = sub;
    op->plan = ask->plan ? ask->plan : sub->plan;
    op->quantity = ask->quantity ? ask->quantity : sub->quantity;
    op->partner = ask->partner;
    op->minimal = ask->minimal || s->az->set.minimal;
    op->revert = ask->revert;
    op->created_ms = sb_core_now(s);
    if (sb_vec_add(&s->az->ops, op)) {
        free(op);
        return NULL;
    }
    return op;
}

int sb_az_ask(struct sb *s, struct sb_az_sub *sub, const struct sb_az_ask *ask,
              struct sb_az_op **out, const char **why)
{
    bool waits = is_change(ask->action) || is(ask->action, "Reinstate");
    struct sb_az_op *op;

    *why = check_state(sub, ask->action);
    if (*why)
        return -EPERM;
    *why = is_change(ask->action) ? check_change(sub, ask) : NULL;
    if (*why)
        return -EINVAL;
    *why = "another operation is pending";
    if ((waits || ask->partner) && sb_az_pending(s->az, sub))
        return -EEXIST;
    if (is(ask->action, "Unsubscribe"))
        cancel_pending(s, sub);
    *why = "too many operations";
    op = make(s, sub, ask);
    if (!op)
        return -ENOBUFS;
    if (out)
        *out = op;
    s->dirty = true;
    if (ask->partner) {
        op->begin_ms = op->created_ms + s->az->set.change_ms;
        sb_az_tick(s);
        return 0;
    }
    op->state = waits ? SB_AZ_IN_PROGRESS : SB_AZ_SUCCEEDED;
    if (!waits)
        sb_az_apply(s, op);
    return sb_az_hook_first(s, op);
}

void sb_az_op_write(const struct sb *s, struct jsonw *w, const struct sb_az_op *op)
{
    const char *pad = s->az->set.padded ? " " : "";
    char offer[80], status[32];

    sb_az_offer(op->sub, offer);
    snprintf(status, sizeof(status), "%s%s%s", pad, sb_az_opstate(op->state), pad);
    jsonw_obj(w);
    jsonw_kvs(w, "id", str_of(op->id));
    jsonw_kvs(w, "activityId", str_of(op->activity));
    jsonw_kvs(w, "publisherId", str_of(op->sub->product->publisher));
    jsonw_kvs(w, "offerId", str_of(offer));
    jsonw_kvs(w, "planId", str_of(op->plan->id));
    sb_az_quantity_write(s, w, op->plan->seats, op->quantity);
    jsonw_kvs(w, "operationRequestSource", str_of(op->partner ? "Partner" : "Azure"));
    jsonw_kvs(w, "subscriptionId", str_of(op->sub->id));
    sb_az_time_write(s, w, "timeStamp", op->created_ms, true);
    jsonw_kvs(w, "action", str_of(op->action));
    jsonw_kvs(w, "status", str_of(status));
    if (op->state == SB_AZ_FAILED) {
        jsonw_kvs(w, "errorStatusCode", STR("400"));
        jsonw_kvs(w, "errorMessage", str_of(op->by));
    }
    jsonw_obj_end(w);
}
