#include <errno.h>

#include "base/file.h"
#include "sandbox/sb_az_state.h"
#include "sandbox/sb_gcp_state.h"
#include "sandbox/sb_json.h"
#include "sandbox/sb_session.h"
#include "sandbox/sb_state.h"
#include "sandbox/sb_token.h"
#include "sandbox/sb_usage.h"

#define STATE_MAX (256u << 20)

static bool read_purchase(void *from, const cJSON *o, void *item)
{
    const struct sb *s = from;
    struct sb_purchase *p = item;

    p->product = sb_product_by_name(s, json_str(o, "product"));
    p->plan = p->product ? sb_product_plan(p->product, json_str(o, "plan")) : NULL;
    if (!p->plan)
        return false;
    p->status = SB_STATUSES;
    for (int st = 0; st < SB_STATUSES; st++) {
        if (str_is(json_str(o, "status"), sb_purchase_status((enum sb_status)st)))
            p->status = (enum sb_status)st;
    }
    p->quantity = sb_json_num(o, "quantity");
    p->trial = json_bool(o, "trial", false);
    p->advisory = json_bool(o, "advisory", false);
    p->cppo = json_bool(o, "cppo", false);
    p->auto_renew = json_bool(o, "auto_renew", false);
    p->accepted_ms = sb_json_num(o, "accepted_ms");
    p->start_ms = sb_json_num(o, "start_ms");
    p->provisioned_ms = sb_json_num(o, "provisioned_ms");
    p->end_ms = sb_json_num(o, "end_ms");
    p->ended_ms = sb_json_num(o, "ended_ms");
    return p->status != SB_STATUSES && sb_json_text(o, "id", p->id, sizeof(p->id)) &&
           sb_json_text(o, "agreement_id", p->agreement, sizeof(p->agreement)) &&
           sb_json_text(o, "previous_agreement_id", p->previous, sizeof(p->previous)) &&
           sb_json_text(o, "license_id", p->license, sizeof(p->license)) &&
           sb_json_text(o, "license_arn", p->license_arn, sizeof(p->license_arn)) &&
           sb_json_text(o, "account_id", p->account, sizeof(p->account)) &&
           sb_json_text(o, "customer_identifier", p->customer, sizeof(p->customer)) &&
           sb_json_text(o, "offer_id", p->offer, sizeof(p->offer));
}

static bool read_token(void *from, const cJSON *o, void *item)
{
    struct sb_token *t = item;

    t->purchase = sb_purchase_find(from, json_str(o, "purchase"));
    t->expires_ms = sb_json_num(o, "expires_ms");
    return t->purchase && sb_json_text(o, "value", t->value, sizeof(t->value));
}

static bool read_record(void *from, const cJSON *o, void *item)
{
    struct sb_record *r = item;

    r->purchase = sb_purchase_find(from, json_str(o, "purchase"));
    r->hour_ms = sb_json_num(o, "hour_ms");
    r->quantity = sb_json_num(o, "quantity");
    r->accepted_ms = sb_json_num(o, "accepted_ms");
    r->sent = (unsigned)sb_json_num(o, "sent");
    r->conflicts = (unsigned)sb_json_num(o, "conflicts");
    return r->purchase && sb_json_text(o, "id", r->id, sizeof(r->id)) &&
           sb_json_text(o, "dimension", r->dimension, sizeof(r->dimension)) &&
           sb_json_text(o, "region", r->region, sizeof(r->region)) &&
           sb_json_text(o, "allocations", r->allocations, sizeof(r->allocations));
}

static bool read_session(void *from, const cJSON *o, void *item)
{
    struct sb_session *n = item;

    (void)from;
    n->expires_ms = sb_json_num(o, "expires_ms");
    return sb_json_text(o, "key", n->key, sizeof(n->key)) &&
           sb_json_text(o, "secret", n->secret, sizeof(n->secret)) &&
           sb_json_text(o, "token", n->token, sizeof(n->token)) &&
           sb_json_text(o, "arn", n->arn, sizeof(n->arn));
}

static int load_lists(struct sb *s, const cJSON *doc)
{
    int rc = sb_json_load(&s->purchases, json_arr(doc, "purchases"), sizeof(struct sb_purchase),
                          read_purchase, s);

    if (rc == 0)
        rc = sb_json_load(&s->tokens, json_arr(doc, "tokens"), sizeof(struct sb_token), read_token,
                          s);
    if (rc == 0)
        rc = sb_json_load(&s->records, json_arr(doc, "records"), sizeof(struct sb_record),
                          read_record, s);
    if (rc == 0)
        rc = sb_json_load(&s->sessions, json_arr(doc, "sessions"), sizeof(struct sb_session),
                          read_session, s);
    return rc;
}

/* A restart forgets who held a message: at least once, as ever. */
static int load_queue(struct sb *s, const cJSON *list)
{
    char purchase[16], label[96];
    const cJSON *o;

    cJSON_ArrayForEach(o, list)
    {
        if (!sb_json_text(o, "purchase", purchase, sizeof(purchase)) ||
            !sb_json_text(o, "label", label, sizeof(label)))
            return -EINVAL;
        const struct sb_queue_put m = {json_str(o, "body"), purchase, label,
                                       sb_json_num(o, "sent_ms"), sb_json_num(o, "due_ms")};
        struct sb_queue_msg *e = sb_queue_put(&s->queue, &m);
        if (!e)
            return -ENOBUFS;
        e->receives = (unsigned)sb_json_num(o, "receives");
        if (!sb_json_text(o, "id", e->id, sizeof(e->id)))
            return -EINVAL;
    }
    return 0;
}

int sb_state_load(struct sb *s)
{
    cJSON *doc = NULL;
    struct buf b;
    int rc;

    buf_init(&b, STATE_MAX);
    rc = file_read(s->conf.state_path, &b);
    if (rc == -ENOENT) {
        rc = 0;
        goto out;
    }
    if (rc == 0)
        rc = json_parse(buf_view(&b), STATE_MAX, &doc);
    if (rc == 0)
        rc = load_lists(s, doc);
    if (rc == 0)
        rc = load_queue(s, json_arr(json_obj(doc, "queue"), "messages"));
    if (rc == 0)
        rc = sb_gcp_state_load(s, json_obj(doc, "gcp"));
    if (rc == 0 && sb_json_num(doc, "next_purchase") > 0)
        s->next_purchase = (unsigned)sb_json_num(doc, "next_purchase");
    if (rc == 0 && s->offset_ms == 0)
        s->offset_ms = sb_json_num(doc, "offset_ms");
    if (rc == 0)
        rc = sb_az_state_load(s, doc);
out:
    cJSON_Delete(doc);
    buf_free(&b);
    return rc;
}
