#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sandbox/sb_az_api.h"
#include "sandbox/sb_az_op.h"

static void accepted(struct sb_az_call *c, const struct sb_az_op *op)
{
    char at[512];

    c->resp->status = 202;
    snprintf(at, sizeof(at),
             SB_AZ_FOREIGN "/saas/subscriptions/%s/operations/%s?api-version=" SB_AZ_VERSION,
             c->sub->id, op->id);
    sb_resp_header(c->resp, "Operation-Location", at);
    sb_resp_header(c->resp, "Operation-Id", op->id);
    sb_resp_header(c->resp, "Retry-After", "10");
    snprintf(c->detail, sizeof(c->detail), "%s %s", op->action, op->id);
}

/* 0 or 1: exactly one of planId and quantity is there and of its type. */
static int read_change(const struct sb_az_call *c, struct sb_az_ask *ask)
{
    const cJSON *plan = c->in ? json_get(c->in, "planId") : NULL;
    const cJSON *quantity = c->in ? json_get(c->in, "quantity") : NULL;

    if (!plan == !quantity)
        return 1;
    if (plan) {
        ask->action = "ChangePlan";
        if (!cJSON_IsString(plan) || !plan->valuestring[0])
            return 1;
        ask->plan = sb_az_plan(c->sub->product, str_of(plan->valuestring));
        return 0;
    }
    ask->action = "ChangeQuantity";
    return json_int(c->in, "quantity", &ask->quantity) != 0;
}

void sb_az_update(struct sb_az_call *c)
{
    struct sb_az_ask ask = {.partner = true};
    struct sb_az_op *op;
    const char *why;

    if (read_change(c, &ask))
        sb_az_fail(c, 400, SB_AZ_E_FLAT, "BadArgument", "Either planId or quantity is required.");
    else if (c->sub->reseller)
        sb_az_fail(c, 400, SB_AZ_E_FLAT, "BadArgument", "Update is not an allowed operation.");
    else if (sb_az_ask(c->s, c->sub, &ask, &op, &why))
        sb_az_fail(c, 400, SB_AZ_E_FLAT, "BadArgument", "%s", why);
    else
        accepted(c, op);
}

void sb_az_delete(struct sb_az_call *c)
{
    struct sb_az_ask ask = {.action = "Unsubscribe", .partner = true};
    struct sb_az_op *op;
    const char *why;
    int rc;

    if (c->sub->status == SB_AZ_GONE)
        return;
    if (c->sub->reseller) {
        sb_az_fail(c, 400, SB_AZ_E_FLAT, "BadArgument", "Delete is not an allowed operation.");
        return;
    }
    rc = sb_az_ask(c->s, c->sub, &ask, &op, &why);
    if (rc)
        sb_az_fail(c, rc == -EEXIST ? 409 : 400, SB_AZ_E_INNER,
                   rc == -EEXIST ? "Conflict" : "BadArgument", "%s", why);
    else
        accepted(c, op);
}

/* Only what waits for the publisher. */
void sb_az_operations(struct sb_az_call *c)
{
    const struct sb_az_op *op = sb_az_pending(c->az, c->sub);
    bool shown = op && op->state == SB_AZ_IN_PROGRESS && !op->partner;

    jsonw_obj(&c->w);
    if (shown || !c->az->set.sparse) {
        jsonw_key(&c->w, "operations");
        jsonw_arr(&c->w);
        if (shown)
            sb_az_op_write(c->s, &c->w, op);
        jsonw_arr_end(&c->w);
    }
    jsonw_obj_end(&c->w);
}

/* The documents name operations for these alone; of the others only the webhook tells. */
static bool documented(const struct sb_az_op *op)
{
    static const char *const all[] = {"Unsubscribe", "ChangePlan", "ChangeQuantity", "Reinstate"};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (!strcmp(op->action, all[i]))
            return true;
    }
    return false;
}

static struct sb_az_op *find(struct sb_az_call *c)
{
    struct sb_az_op *op = sb_az_op(c->az, c->op);

    if (op && op->sub == c->sub && (c->az->set.every_operation || documented(op)))
        return op;
    if (c->az->set.unknown_operation == 400)
        sb_az_fail(c, 400, SB_AZ_E_FLAT, "BadArgument", "The operation is unknown.");
    else
        sb_az_fail(c, 404, SB_AZ_E_INNER, "EntityNotFound", "The operation is unknown.");
    return NULL;
}

void sb_az_operation(struct sb_az_call *c)
{
    const struct sb_az_op *op = find(c);

    if (op)
        sb_az_op_write(c->s, &c->w, op);
}

/* PATCH {"status":"Success"|"Failure"}. Any other word is answered 200 and changes nothing, and a
 * publisher's own operation gets a 500: both as seen of the service. */
void sb_az_settle_call(struct sb_az_call *c)
{
    struct str status = json_str(c->in, "status");
    bool good = str_is(status, "Success");
    struct sb_az_op *op = find(c);

    if (!op)
        return;
    if (op->partner) {
        sb_az_fail(c, 500, SB_AZ_E_INNER, "UnexpectedError", "An unexpected error occurred.");
    } else if (status.n == 0) {
        sb_az_fail(c, 400, SB_AZ_E_FLAT, "BadArgument", "status is required.");
    } else if (op->state != SB_AZ_IN_PROGRESS) {
        sb_az_fail(c, 409, SB_AZ_E_INNER, "Conflict", "A newer update is already fulfilled.");
    } else if (!good && !str_is(status, "Failure")) {
        snprintf(c->detail, sizeof(c->detail), "meaningless status %.60s", status.p);
    } else {
        op->settled++;
        snprintf(c->detail, sizeof(c->detail), "%s %s", op->action, op->id);
        sb_az_settle(c->s, op, good, "publisher");
    }
}
