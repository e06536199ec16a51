#include <errno.h>
#include <stdlib.h>

#include "sandbox/sb_az_hook.h"
#include "sandbox/sb_az_set.h"
#include "sandbox/sb_az_state.h"

static int64_t num(const cJSON *o, const char *key)
{
    int64_t v = 0;

    return json_int(o, key, &v) ? 0 : v;
}

static bool text(const cJSON *o, const char *key, char *dst, size_t cap)
{
    return str_copy(json_str(o, key), dst, cap) == 0;
}

/* Takes the item or frees it. */
static int keep(struct sb_vec *v, void *item, bool good)
{
    int rc = good ? sb_vec_add(v, item) : -EINVAL;

    if (rc)
        free(item);
    return rc;
}

static bool read_sub(const struct sb_az *az, const cJSON *o, struct sb_az_sub *sub)
{
    sub->product = sb_az_product(az, json_str(o, "product"));
    sub->plan = sub->product ? sb_az_plan(sub->product, json_str(o, "plan")) : NULL;
    sub->purchaser = sb_az_person(json_str(o, "purchaser"));
    sub->beneficiary = sb_az_person(json_str(o, "beneficiary"));
    sub->status = SB_AZ_STATES;
    for (int i = 0; i < SB_AZ_STATES; i++) {
        if (str_is(json_str(o, "status"), sb_az_status((enum sb_az_status)i)))
            sub->status = (enum sb_az_status)i;
    }
    sub->quantity = num(o, "quantity");
    sub->trial = json_bool(o, "trial", false);
    sub->test = json_bool(o, "test", false);
    sub->reseller = json_bool(o, "read_only", false);
    sub->auto_renew = json_bool(o, "auto_renew", true);
    sub->activate_fails = json_bool(o, "activate_fails", false);
    sub->has_term = json_bool(o, "has_term", false);
    sub->activates = num(o, "activate_calls");
    sub->activated = num(o, "activated");
    sub->created_ms = num(o, "created_ms");
    sub->start_ms = num(o, "start_ms");
    sub->end_ms = num(o, "end_ms");
    sub->suspended_ms = num(o, "suspended_ms");
    sub->ended_ms = num(o, "ended_ms");
    sub->settle_ms = num(o, "settle_ms");
    sub->not_before = num(o, "not_before");
    return sub->plan && sub->purchaser && sub->beneficiary && sub->status != SB_AZ_STATES &&
           text(o, "id", sub->id, sizeof(sub->id)) &&
           text(o, "name", sub->name, sizeof(sub->name)) &&
           text(o, "private_offer", sub->private_offer, sizeof(sub->private_offer));
}

static bool read_op(const struct sb_az *az, const cJSON *o, struct sb_az_op *op)
{
    op->sub = sb_az_sub(az, json_str(o, "purchase"));
    op->plan = op->sub ? sb_az_plan(op->sub->product, json_str(o, "plan")) : NULL;
    op->state = SB_AZ_OPSTATES;
    for (int i = 0; i < SB_AZ_OPSTATES; i++) {
        if (str_is(json_str(o, "status"), sb_az_opstate((enum sb_az_opstate)i)))
            op->state = (enum sb_az_opstate)i;
    }
    op->quantity = num(o, "quantity");
    op->partner = str_is(json_str(o, "source"), "Partner");
    op->revert = json_bool(o, "revert", false);
    op->minimal = json_bool(o, "minimal", false);
    op->posted = json_bool(o, "posted", false);
    op->sent = (unsigned)num(o, "deliveries");
    op->answered = (unsigned)num(o, "answered");
    op->failed = (unsigned)num(o, "failed");
    op->last = (unsigned)num(o, "last_status");
    op->settled = (unsigned)num(o, "settled");
    op->created_ms = num(o, "created_ms");
    op->begin_ms = num(o, "begin_ms");
    op->accept_ms = num(o, "accept_ms");
    return op->plan && op->state != SB_AZ_OPSTATES && text(o, "id", op->id, sizeof(op->id)) &&
           text(o, "action", op->action, sizeof(op->action)) &&
           text(o, "by", op->by, sizeof(op->by)) &&
           text(o, "activity", op->activity, sizeof(op->activity)) &&
           text(o, "body", op->body, sizeof(op->body));
}

static int load_subs(struct sb_az *az, const cJSON *list)
{
    const cJSON *o;
    int rc = 0;

    cJSON_ArrayForEach(o, list)
    {
        struct sb_az_sub *sub = calloc(1, sizeof(*sub));
        if (!sub)
            return -ENOMEM;
        rc = keep(&az->subs, sub, read_sub(az, o, sub));
        if (rc)
            break;
    }
    return rc;
}

static int load_ops(struct sb_az *az, const cJSON *list)
{
    const cJSON *o;
    int rc = 0;

    cJSON_ArrayForEach(o, list)
    {
        struct sb_az_op *op = calloc(1, sizeof(*op));
        if (!op)
            return -ENOMEM;
        rc = keep(&az->ops, op, read_op(az, o, op));
        if (rc)
            break;
    }
    return rc;
}

static int load_tokens(struct sb_az *az, const cJSON *list)
{
    const cJSON *o;
    int rc = 0;

    cJSON_ArrayForEach(o, list)
    {
        struct sb_az_token *t = calloc(1, sizeof(*t));
        if (!t)
            return -ENOMEM;
        t->sub = sb_az_sub(az, json_str(o, "purchase"));
        t->expires_ms = num(o, "expires_ms");
        rc = keep(&az->tokens, t, t->sub && text(o, "value", t->value, sizeof(t->value)));
        if (rc)
            break;
    }
    return rc;
}

int sb_az_state_load(struct sb *s, const cJSON *doc)
{
    const cJSON *o = json_obj(doc, "azure");
    const char *why;
    int rc;

    if (!s->az || !o)
        return 0;
    rc = sb_az_set(&s->az->set, json_obj(o, "settings"), &why);
    if (rc == 0)
        rc = load_subs(s->az, json_arr(o, "subscriptions"));
    if (rc == 0)
        rc = load_ops(s->az, json_arr(o, "operations"));
    if (rc == 0)
        rc = load_tokens(s->az, json_arr(o, "tokens"));
    if (rc == 0 && !text(o, "service_oid", s->az->service_oid, sizeof(s->az->service_oid)))
        rc = -EINVAL;
    if (rc == 0) {
        pthread_mutex_lock(&s->mu); /* senders start here */
        sb_az_hook_resume(s);
        sb_az_tick(s);
        pthread_mutex_unlock(&s->mu);
    }
    return rc;
}
