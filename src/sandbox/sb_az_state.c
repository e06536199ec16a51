#include "sandbox/sb_az_state.h"

#include "sandbox/sb_az_set.h"
#include "sandbox/sb_json.h"

void sb_az_state_sub(const struct sb *s, struct jsonw *w, const struct sb_az_sub *sub)
{
    char offer[80];

    (void)s;
    sb_az_offer(sub, offer);
    jsonw_kvs(w, "id", str_of(sub->id));
    jsonw_kvs(w, "product", str_of(sub->product->name));
    jsonw_kvs(w, "name", str_of(sub->name));
    jsonw_kvs(w, "offer_id", str_of(offer));
    jsonw_kvs(w, "plan", str_of(sub->plan->id));
    jsonw_kvi(w, "quantity", sub->quantity);
    jsonw_kvs(w, "status", str_of(sb_az_status(sub->status)));
    jsonw_kvs(w, "purchaser", str_of(sub->purchaser->name));
    jsonw_kvs(w, "beneficiary", str_of(sub->beneficiary->name));
    jsonw_kvb(w, "trial", sub->trial);
    jsonw_kvb(w, "test", sub->test);
    jsonw_kvb(w, "read_only", sub->reseller);
    jsonw_kvb(w, "auto_renew", sub->auto_renew);
    jsonw_kvs_opt(w, "private_offer", str_of(sub->private_offer));
    jsonw_kvi(w, "activate_calls", sub->activates);
    jsonw_kvi(w, "activated", sub->activated);
    sb_json_time(w, "created", sub->created_ms);
    sb_json_time(w, "start", sub->start_ms);
    sb_json_time(w, "end", sub->end_ms);
    sb_json_time(w, "ended", sub->ended_ms);
}

static void write_subs(const struct sb *s, struct jsonw *w, bool secrets)
{
    jsonw_key(w, "subscriptions");
    jsonw_arr(w);
    for (size_t i = 0; i < s->az->subs.n; i++) {
        const struct sb_az_sub *sub = s->az->subs.p[i];
        jsonw_obj(w);
        sb_az_state_sub(s, w, sub);
        if (secrets) {
            jsonw_kvb(w, "activate_fails", sub->activate_fails);
            jsonw_kvb(w, "has_term", sub->has_term);
            jsonw_kvi(w, "created_ms", sub->created_ms);
            jsonw_kvi(w, "start_ms", sub->start_ms);
            jsonw_kvi(w, "end_ms", sub->end_ms);
            jsonw_kvi(w, "suspended_ms", sub->suspended_ms);
            jsonw_kvi(w, "ended_ms", sub->ended_ms);
            jsonw_kvi(w, "settle_ms", sub->settle_ms);
            jsonw_kvi(w, "not_before", sub->not_before);
        }
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
}

static void write_op(struct jsonw *w, const struct sb_az_op *op, bool secrets)
{
    jsonw_kvs(w, "id", str_of(op->id));
    jsonw_kvs(w, "purchase", str_of(op->sub->id));
    jsonw_kvs(w, "action", str_of(op->action));
    jsonw_kvs(w, "plan", str_of(op->plan->id));
    jsonw_kvi(w, "quantity", op->quantity);
    jsonw_kvs(w, "source", op->partner ? STR("Partner") : STR("Azure"));
    jsonw_kvs(w, "status", str_of(sb_az_opstate(op->state)));
    jsonw_kvs(w, "by", str_of(op->by));
    jsonw_kvb(w, "revert", op->revert);
    jsonw_kvb(w, "delivered", op->answered > 0);
    jsonw_kvi(w, "deliveries", op->sent);
    jsonw_kvi(w, "answered", op->answered);
    jsonw_kvi(w, "failed", op->failed);
    jsonw_kvi(w, "last_status", op->last);
    jsonw_kvi(w, "settled", op->settled);
    sb_json_time(w, "created", op->created_ms);
    if (!secrets)
        return;
    jsonw_kvs(w, "activity", str_of(op->activity));
    jsonw_kvb(w, "minimal", op->minimal);
    jsonw_kvb(w, "posted", op->posted);
    jsonw_kvi(w, "created_ms", op->created_ms);
    jsonw_kvi(w, "begin_ms", op->begin_ms);
    jsonw_kvi(w, "accept_ms", op->accept_ms);
    jsonw_kvs(w, "body", str_of(op->body));
}

static void write_ops(const struct sb *s, struct jsonw *w, bool secrets)
{
    jsonw_key(w, "operations");
    jsonw_arr(w);
    for (size_t i = 0; i < s->az->ops.n; i++) {
        jsonw_obj(w);
        write_op(w, s->az->ops.p[i], secrets);
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
}

static void write_tokens(const struct sb *s, struct jsonw *w, bool secrets)
{
    jsonw_key(w, "tokens");
    jsonw_arr(w);
    for (size_t i = 0; i < s->az->tokens.n; i++) {
        const struct sb_az_token *t = s->az->tokens.p[i];
        jsonw_obj(w);
        jsonw_kvs(w, "purchase", str_of(t->sub->id));
        jsonw_kvb(w, "valid", t->expires_ms > sb_core_now(s));
        if (secrets) {
            jsonw_kvs(w, "value", str_of(t->value));
            jsonw_kvi(w, "expires_ms", t->expires_ms);
        }
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
}

void sb_az_state_write(const struct sb *s, struct jsonw *w, bool secrets)
{
    if (!s->az)
        return;
    jsonw_key(w, "azure");
    jsonw_obj(w);
    jsonw_key(w, "settings");
    sb_az_set_write(w, &s->az->set);
    write_subs(s, w, secrets);
    write_ops(s, w, secrets);
    write_tokens(s, w, secrets);
    if (secrets)
        jsonw_kvs(w, "service_oid", str_of(s->az->service_oid));
    jsonw_obj_end(w);
}
