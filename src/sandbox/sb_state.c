#include "sandbox/sb_state.h"

#include <errno.h>

#include "base/clock.h"
#include "base/file.h"
#include "sandbox/sb_aws.h"
#include "sandbox/sb_az_state.h"
#include "sandbox/sb_fault.h"
#include "sandbox/sb_gcp_state.h"
#include "sandbox/sb_json.h"
#include "sandbox/sb_session.h"
#include "sandbox/sb_token.h"
#include "sandbox/sb_usage.h"

void sb_state_purchase(const struct sb *s, struct jsonw *w, const struct sb_purchase *p)
{
    jsonw_kvs(w, "id", str_of(p->id));
    jsonw_kvs(w, "product", str_of(p->product->name));
    jsonw_kvs(w, "plan", str_of(p->plan->dimension));
    jsonw_kvi(w, "quantity", p->quantity);
    jsonw_kvs(w, "status", str_of(sb_purchase_status(p->status)));
    jsonw_kvb(w, "entitled", sb_purchase_entitled(s, p));
    jsonw_kvs(w, "account_id", str_of(p->account));
    jsonw_kvs_opt(w, "customer_identifier", str_of(p->customer));
    jsonw_kvs(w, "agreement_id", str_of(p->agreement));
    jsonw_kvs_opt(w, "previous_agreement_id", str_of(p->previous));
    jsonw_kvs(w, "license_id", str_of(p->license));
    jsonw_kvs(w, "license_arn", str_of(p->license_arn));
    jsonw_kvs(w, "offer_id", str_of(p->offer));
    jsonw_kvs(w, "product_code", str_of(p->product->code));
    jsonw_kvb(w, "trial", p->trial);
    jsonw_kvb(w, "advisory", p->advisory);
    jsonw_kvb(w, "cppo", p->cppo);
    sb_json_time(w, "accepted", p->accepted_ms);
    sb_json_time(w, "start", p->start_ms);
    sb_json_time(w, "provisioned", p->provisioned_ms);
    sb_json_time(w, "end", p->end_ms);
    sb_json_time(w, "ended", p->ended_ms);
}

static void write_purchases(const struct sb *s, struct jsonw *w, bool secrets)
{
    jsonw_key(w, "purchases");
    jsonw_arr(w);
    for (size_t i = 0; i < s->purchases.n; i++) {
        const struct sb_purchase *p = s->purchases.p[i];
        jsonw_obj(w);
        sb_state_purchase(s, w, p);
        if (secrets) {
            jsonw_kvb(w, "auto_renew", p->auto_renew);
            jsonw_kvi(w, "accepted_ms", p->accepted_ms);
            jsonw_kvi(w, "start_ms", p->start_ms);
            jsonw_kvi(w, "provisioned_ms", p->provisioned_ms);
            jsonw_kvi(w, "end_ms", p->end_ms);
            jsonw_kvi(w, "ended_ms", p->ended_ms);
        }
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
}

static void write_records(const struct sb *s, struct jsonw *w, bool secrets)
{
    jsonw_key(w, "records");
    jsonw_arr(w);
    for (size_t i = 0; i < s->records.n; i++) {
        const struct sb_record *r = s->records.p[i];
        jsonw_obj(w);
        jsonw_kvs(w, "id", str_of(r->id));
        jsonw_kvs(w, "purchase", str_of(r->purchase->id));
        jsonw_kvs(w, "dimension", str_of(r->dimension));
        sb_json_time(w, "hour", r->hour_ms);
        jsonw_kvi(w, "quantity", r->quantity);
        jsonw_kvs(w, "region", str_of(r->region));
        sb_json_time(w, "accepted", r->accepted_ms);
        jsonw_kvi(w, "sent", r->sent);
        jsonw_kvi(w, "conflicts", r->conflicts);
        if (secrets) {
            jsonw_kvs(w, "allocations", str_of(r->allocations));
            jsonw_kvi(w, "hour_ms", r->hour_ms);
            jsonw_kvi(w, "accepted_ms", r->accepted_ms);
        }
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
}

static void write_tokens(const struct sb *s, struct jsonw *w, bool secrets)
{
    jsonw_key(w, "tokens");
    jsonw_arr(w);
    for (size_t i = 0; i < s->tokens.n; i++) {
        const struct sb_token *t = s->tokens.p[i];
        jsonw_obj(w);
        jsonw_kvs(w, "purchase", str_of(t->purchase->id));
        sb_json_time(w, "expires", t->expires_ms);
        jsonw_kvb(w, "valid", t->expires_ms > sb_core_now(s));
        if (secrets) {
            jsonw_kvs(w, "value", str_of(t->value));
            jsonw_kvi(w, "expires_ms", t->expires_ms);
        }
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
}

static void write_queue(const struct sb *s, struct jsonw *w, bool secrets)
{
    size_t visible, in_flight, delayed;

    sb_queue_count(&s->queue, sb_core_now(s), clock_mono_ms(), &visible, &in_flight, &delayed);
    jsonw_key(w, "queue");
    jsonw_obj(w);
    jsonw_kvi(w, "visible", (int64_t)visible);
    jsonw_kvi(w, "in_flight", (int64_t)in_flight);
    jsonw_kvi(w, "delayed", (int64_t)delayed);
    jsonw_key(w, "messages");
    jsonw_arr(w);
    for (size_t i = 0; i < s->queue.msgs.n; i++) {
        const struct sb_queue_msg *m = s->queue.msgs.p[i];
        jsonw_obj(w);
        jsonw_kvs(w, "id", str_of(m->id));
        jsonw_kvs(w, "purchase", str_of(m->purchase));
        jsonw_kvs(w, "label", str_of(m->label));
        jsonw_kvi(w, "receives", m->receives);
        sb_json_time(w, "due", m->due_ms);
        if (secrets) {
            jsonw_kvi(w, "sent_ms", m->sent_ms);
            jsonw_kvi(w, "due_ms", m->due_ms);
            jsonw_kvs(w, "body", m->body);
        }
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
    jsonw_obj_end(w);
}

static void write_sessions(const struct sb *s, struct jsonw *w)
{
    jsonw_key(w, "sessions");
    jsonw_arr(w);
    for (size_t i = 0; i < s->sessions.n; i++) {
        const struct sb_session *n = s->sessions.p[i];
        jsonw_obj(w);
        jsonw_kvs(w, "key", str_of(n->key));
        jsonw_kvs(w, "secret", str_of(n->secret));
        jsonw_kvs(w, "token", str_of(n->token));
        jsonw_kvs(w, "arn", str_of(n->arn));
        jsonw_kvi(w, "expires_ms", n->expires_ms);
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
}

static void write_products(const struct sb *s, struct jsonw *w)
{
    jsonw_key(w, "products");
    jsonw_arr(w);
    for (size_t i = 0; i < s->products.n; i++) {
        const struct sb_product *p = s->products.p[i];
        jsonw_obj(w);
        jsonw_kvs(w, "name", str_of(p->name));
        jsonw_kvs(w, "product_code", str_of(p->code));
        jsonw_kvs(w, "mode", str_of(p->mode == SB_MODE_LEGACY ? "legacy" : "concurrent"));
        jsonw_kvs(w, "pricing", str_of(sb_product_pricing(p)));
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
}

static void write_calls(const struct sb *s, struct jsonw *w)
{
    jsonw_key(w, "calls");
    jsonw_obj(w);
    for (size_t i = 0; i < s->calls.n; i++) {
        const struct sb_calls *k = s->calls.p[i];
        jsonw_key(w, k->op);
        jsonw_obj(w);
        jsonw_kvi(w, "ok", k->ok);
        jsonw_kvi(w, "failed", k->failed);
        jsonw_obj_end(w);
    }
    jsonw_obj_end(w);
}

void sb_state_write(const struct sb *s, struct jsonw *w, bool secrets)
{
    jsonw_obj(w);
    sb_json_time(w, "now", sb_core_now(s));
    jsonw_kvi(w, "offset_ms", s->offset_ms);
    jsonw_kvi(w, "next_purchase", s->next_purchase);
    if (secrets)
        write_sessions(s, w);
    else
        write_products(s, w);
    write_purchases(s, w, secrets);
    write_tokens(s, w, secrets);
    write_records(s, w, secrets);
    write_queue(s, w, secrets);
    sb_az_state_write(s, w, secrets);
    jsonw_key(w, "gcp");
    sb_gcp_state_write(s, w, secrets);
    if (!secrets) {
        write_calls(s, w);
        jsonw_key(w, "faults");
        sb_fault_write(s, w);
    }
    jsonw_obj_end(w);
}

int sb_state_save(struct sb *s)
{
    struct jsonw w;
    struct buf b;
    int rc;

    if (!s->dirty || !s->conf.state_path)
        return 0;
    buf_init(&b, 256u << 20);
    jsonw_init(&w, &b);
    sb_state_write(s, &w, true);
    rc = buf_err(&b);
    if (rc == 0)
        rc = file_write_atomic(s->conf.state_path, buf_view(&b), 0600);
    if (rc == 0)
        s->dirty = false;
    buf_free(&b);
    return rc;
}
