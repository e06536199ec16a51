#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "sandbox/sb_az_state.h"
#include "sandbox/sb_gcp_state.h"
#include "sandbox/sb_session.h"
#include "sandbox/sb_state.h"
#include "sandbox/sb_token.h"
#include "sandbox/sb_usage.h"

#define STATE_MAX (256u << 20)

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

static bool read_purchase(const struct sb *s, const cJSON *o, struct sb_purchase *p)
{
    p->product = sb_product_by_name(s, json_str(o, "product"));
    p->plan = p->product ? sb_product_plan(p->product, json_str(o, "plan")) : NULL;
    if (!p->plan)
        return false;
    p->status = SB_STATUSES;
    for (int st = 0; st < SB_STATUSES; st++) {
        if (str_is(json_str(o, "status"), sb_purchase_status((enum sb_status)st)))
            p->status = (enum sb_status)st;
    }
    p->quantity = num(o, "quantity");
    p->trial = json_bool(o, "trial", false);
    p->advisory = json_bool(o, "advisory", false);
    p->cppo = json_bool(o, "cppo", false);
    p->auto_renew = json_bool(o, "auto_renew", false);
    p->accepted_ms = num(o, "accepted_ms");
    p->start_ms = num(o, "start_ms");
    p->provisioned_ms = num(o, "provisioned_ms");
    p->end_ms = num(o, "end_ms");
    p->ended_ms = num(o, "ended_ms");
    return p->status != SB_STATUSES && text(o, "id", p->id, sizeof(p->id)) &&
           text(o, "agreement_id", p->agreement, sizeof(p->agreement)) &&
           text(o, "previous_agreement_id", p->previous, sizeof(p->previous)) &&
           text(o, "license_id", p->license, sizeof(p->license)) &&
           text(o, "license_arn", p->license_arn, sizeof(p->license_arn)) &&
           text(o, "account_id", p->account, sizeof(p->account)) &&
           text(o, "customer_identifier", p->customer, sizeof(p->customer)) &&
           text(o, "offer_id", p->offer, sizeof(p->offer));
}

static int load_purchases(struct sb *s, const cJSON *list)
{
    const cJSON *o;
    int rc = 0;

    cJSON_ArrayForEach(o, list)
    {
        struct sb_purchase *p = calloc(1, sizeof(*p));
        if (!p)
            return -ENOMEM;
        rc = keep(&s->purchases, p, read_purchase(s, o, p));
        if (rc)
            break;
    }
    return rc;
}

static int load_tokens(struct sb *s, const cJSON *list)
{
    const cJSON *o;
    int rc = 0;

    cJSON_ArrayForEach(o, list)
    {
        struct sb_token *t = calloc(1, sizeof(*t));
        if (!t)
            return -ENOMEM;
        t->purchase = sb_purchase_find(s, json_str(o, "purchase"));
        t->expires_ms = num(o, "expires_ms");
        rc = keep(&s->tokens, t, t->purchase && text(o, "value", t->value, sizeof(t->value)));
        if (rc)
            break;
    }
    return rc;
}

static int load_records(struct sb *s, const cJSON *list)
{
    const cJSON *o;
    int rc = 0;

    cJSON_ArrayForEach(o, list)
    {
        struct sb_record *r = calloc(1, sizeof(*r));
        if (!r)
            return -ENOMEM;
        r->purchase = sb_purchase_find(s, json_str(o, "purchase"));
        r->hour_ms = num(o, "hour_ms");
        r->quantity = num(o, "quantity");
        r->accepted_ms = num(o, "accepted_ms");
        r->sent = (unsigned)num(o, "sent");
        r->conflicts = (unsigned)num(o, "conflicts");
        rc = keep(&s->records, r,
                  r->purchase && text(o, "id", r->id, sizeof(r->id)) &&
                      text(o, "dimension", r->dimension, sizeof(r->dimension)) &&
                      text(o, "region", r->region, sizeof(r->region)) &&
                      text(o, "allocations", r->allocations, sizeof(r->allocations)));
        if (rc)
            break;
    }
    return rc;
}

static int load_sessions(struct sb *s, const cJSON *list)
{
    const cJSON *o;
    int rc = 0;

    cJSON_ArrayForEach(o, list)
    {
        struct sb_session *n = calloc(1, sizeof(*n));
        if (!n)
            return -ENOMEM;
        n->expires_ms = num(o, "expires_ms");
        rc = keep(&s->sessions, n,
                  text(o, "key", n->key, sizeof(n->key)) &&
                      text(o, "secret", n->secret, sizeof(n->secret)) &&
                      text(o, "token", n->token, sizeof(n->token)) &&
                      text(o, "arn", n->arn, sizeof(n->arn)));
        if (rc)
            break;
    }
    return rc;
}

/* A restart forgets who held a message: at least once, as ever. */
static int load_queue(struct sb *s, const cJSON *list)
{
    char purchase[16], label[96];
    const cJSON *o;

    cJSON_ArrayForEach(o, list)
    {
        if (!text(o, "purchase", purchase, sizeof(purchase)) ||
            !text(o, "label", label, sizeof(label)))
            return -EINVAL;
        const struct sb_queue_put m = {json_str(o, "body"), purchase, label, num(o, "sent_ms"),
                                       num(o, "due_ms")};
        struct sb_queue_msg *e = sb_queue_put(&s->queue, &m);
        if (!e)
            return -ENOBUFS;
        e->receives = (unsigned)num(o, "receives");
        if (!text(o, "id", e->id, sizeof(e->id)))
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
        rc = load_purchases(s, json_arr(doc, "purchases"));
    if (rc == 0)
        rc = load_tokens(s, json_arr(doc, "tokens"));
    if (rc == 0)
        rc = load_records(s, json_arr(doc, "records"));
    if (rc == 0)
        rc = load_sessions(s, json_arr(doc, "sessions"));
    if (rc == 0)
        rc = load_queue(s, json_arr(json_obj(doc, "queue"), "messages"));
    if (rc == 0)
        rc = sb_gcp_state_load(s, json_obj(doc, "gcp"));
    if (rc == 0 && num(doc, "next_purchase") > 0)
        s->next_purchase = (unsigned)num(doc, "next_purchase");
    if (rc == 0 && s->offset_ms == 0)
        s->offset_ms = num(doc, "offset_ms");
    if (rc == 0)
        rc = sb_az_state_load(s, doc);
out:
    cJSON_Delete(doc);
    buf_free(&b);
    return rc;
}
