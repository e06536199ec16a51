#include <errno.h>

#include "sandbox/sb_az_hook.h"
#include "sandbox/sb_az_set.h"
#include "sandbox/sb_az_state.h"
#include "sandbox/sb_json.h"

static bool read_sub(void *from, const cJSON *o, void *item)
{
    const struct sb_az *az = from;
    struct sb_az_sub *sub = item;

    sub->product = sb_az_product(az, json_str(o, "product"));
    sub->plan = sub->product ? sb_az_plan(sub->product, json_str(o, "plan")) : NULL;
    sub->purchaser = sb_az_person(json_str(o, "purchaser"));
    sub->beneficiary = sb_az_person(json_str(o, "beneficiary"));
    sub->status = SB_AZ_STATES;
    for (int i = 0; i < SB_AZ_STATES; i++) {
        if (str_is(json_str(o, "status"), sb_az_status((enum sb_az_status)i)))
            sub->status = (enum sb_az_status)i;
    }
    sub->quantity = sb_json_num(o, "quantity");
    sub->trial = json_bool(o, "trial", false);
    sub->test = json_bool(o, "test", false);
    sub->reseller = json_bool(o, "read_only", false);
    sub->auto_renew = json_bool(o, "auto_renew", true);
    sub->activate_fails = json_bool(o, "activate_fails", false);
    sub->has_term = json_bool(o, "has_term", false);
    sub->activates = sb_json_num(o, "activate_calls");
    sub->activated = sb_json_num(o, "activated");
    sub->created_ms = sb_json_num(o, "created_ms");
    sub->start_ms = sb_json_num(o, "start_ms");
    sub->end_ms = sb_json_num(o, "end_ms");
    sub->suspended_ms = sb_json_num(o, "suspended_ms");
    sub->ended_ms = sb_json_num(o, "ended_ms");
    sub->settle_ms = sb_json_num(o, "settle_ms");
    sub->not_before = sb_json_num(o, "not_before");
    return sub->plan && sub->purchaser && sub->beneficiary && sub->status != SB_AZ_STATES &&
           sb_json_text(o, "id", sub->id, sizeof(sub->id)) &&
           sb_json_text(o, "name", sub->name, sizeof(sub->name)) &&
           sb_json_text(o, "private_offer", sub->private_offer, sizeof(sub->private_offer));
}

static bool read_op(void *from, const cJSON *o, void *item)
{
    const struct sb_az *az = from;
    struct sb_az_op *op = item;

    op->sub = sb_az_sub(az, json_str(o, "purchase"));
    op->plan = op->sub ? sb_az_plan(op->sub->product, json_str(o, "plan")) : NULL;
    op->state = SB_AZ_OPSTATES;
    for (int i = 0; i < SB_AZ_OPSTATES; i++) {
        if (str_is(json_str(o, "status"), sb_az_opstate((enum sb_az_opstate)i)))
            op->state = (enum sb_az_opstate)i;
    }
    op->quantity = sb_json_num(o, "quantity");
    op->partner = str_is(json_str(o, "source"), "Partner");
    op->revert = json_bool(o, "revert", false);
    op->minimal = json_bool(o, "minimal", false);
    op->posted = json_bool(o, "posted", false);
    op->sent = (unsigned)sb_json_num(o, "deliveries");
    op->answered = (unsigned)sb_json_num(o, "answered");
    op->failed = (unsigned)sb_json_num(o, "failed");
    op->last = (unsigned)sb_json_num(o, "last_status");
    op->settled = (unsigned)sb_json_num(o, "settled");
    op->created_ms = sb_json_num(o, "created_ms");
    op->begin_ms = sb_json_num(o, "begin_ms");
    op->accept_ms = sb_json_num(o, "accept_ms");
    return op->plan && op->state != SB_AZ_OPSTATES &&
           sb_json_text(o, "id", op->id, sizeof(op->id)) &&
           sb_json_text(o, "action", op->action, sizeof(op->action)) &&
           sb_json_text(o, "by", op->by, sizeof(op->by)) &&
           sb_json_text(o, "activity", op->activity, sizeof(op->activity)) &&
           sb_json_text(o, "body", op->body, sizeof(op->body));
}

static bool read_token(void *from, const cJSON *o, void *item)
{
    struct sb_az_token *t = item;

    t->sub = sb_az_sub(from, json_str(o, "purchase"));
    t->expires_ms = sb_json_num(o, "expires_ms");
    return t->sub && sb_json_text(o, "value", t->value, sizeof(t->value));
}

static int load_lists(struct sb_az *az, const cJSON *o)
{
    int rc = sb_json_load(&az->subs, json_arr(o, "subscriptions"), sizeof(struct sb_az_sub),
                          read_sub, az);

    if (rc == 0)
        rc =
            sb_json_load(&az->ops, json_arr(o, "operations"), sizeof(struct sb_az_op), read_op, az);
    if (rc == 0)
        rc = sb_json_load(&az->tokens, json_arr(o, "tokens"), sizeof(struct sb_az_token),
                          read_token, az);
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
        rc = load_lists(s->az, o);
    if (rc == 0 && !sb_json_text(o, "service_oid", s->az->service_oid, sizeof(s->az->service_oid)))
        rc = -EINVAL;
    if (rc == 0) {
        pthread_mutex_lock(&s->mu); /* senders start here */
        sb_az_hook_resume(s);
        sb_az_tick(s);
        pthread_mutex_unlock(&s->mu);
    }
    return rc;
}
