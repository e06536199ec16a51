#include "worker/event.h"

#include <errno.h>

#include "base/log.h"
#include "worker/event_json.h"
#include "worker/kinds.h"
#include "worker/purchase.h"
#include "worker/standing.h"

static void found(struct task *t, int rc, const struct store_rows *rows)
{
    struct event_work *e = t->state;

    if (rc) {
        task_retry(t, "RETRY", "cannot find the order", 0);
        return;
    }
    e->order = arena_str(t->arena, store_get(rows, "order"));
    e->exists = str_is(store_get(rows, "exists"), "1");
    if (id_shard(e->order, store_shards(t->w->store), &e->shard))
        task_dead(t, "STUCK", "the order index names no order");
    else if (str_is(store_get(rows, "remote"), "1") && e->hops++ < EVENT_HOPS)
        task_store(t, e->shard, STORE_ORDER_FIND, &e->order, 1, found);
    else
        event_link(t);
}

static void find_order(struct task *t)
{
    struct event_work *e = t->state;
    struct str natural;

    if (e->purchase.n == 0) {
        /* The licence comes with another event; the agreement's record keeps what this one told. */
        event_next(t);
        return;
    }
    e->natural_shard = purchase_order(t->w, e->channel, e->purchase, e->natural);
    natural = str_of(e->natural);
    task_store(t, e->natural_shard, STORE_ORDER_FIND, &natural, 1, found);
}

static struct str keep(struct task *t, const struct store_rows *rows, const char *key)
{
    return arena_str(t->arena, store_get(rows, key));
}

void event_product(struct task *t, struct str product)
{
    struct event_work *e = t->state;
    const struct market_ops *ops;
    const struct cfg_market *cfg;
    struct market *m;

    if (e->ev.product_code[0] || e->ev.product_id[0] || !product.n || str_eq(product, e->product))
        return;
    m = snapshot_market(t->snap, e->channel, product, &ops, &cfg);
    if (!m)
        return;
    e->product = arena_str(t->arena, product);
    e->product_code = str_of(cfg->product_code);
    e->market = m;
    e->ops = ops;
    e->cfg = cfg;
}

static void merged(struct task *t, int rc, const struct store_rows *rows)
{
    struct event_work *e = t->state;
    const struct cfg_market *known;

    if (rc) {
        task_retry(t, "RETRY", "cannot merge the agreement", 0);
        return;
    }
    e->intent = keep(t, rows, "intent");
    e->status = keep(t, rows, "status");
    e->previous = keep(t, rows, "previous");
    e->account = keep(t, rows, "account");
    e->product_code = keep(t, rows, "product_code");
    known = config_market_by_code(t->snap->cfg, e->product_code);
    if (known)
        event_product(t, str_of(known->name));
    e->license = keep(t, rows, "license");
    e->purchase = keep(t, rows, "purchase");
    find_order(t);
}

/* What each kind of event says about its agreement. */
static const struct {
    enum market_event_kind kind;
    const char *intent, *status; /* NULL: says nothing; "": the event's own reason */
} agreement_facts[] = {
    {EVENT_PURCHASED, "NEW", "ACTIVE"},    {EVENT_RENEWED, "RENEW", "ACTIVE"},
    {EVENT_REPLACED, "REPLACE", "ACTIVE"}, {EVENT_ENDED, NULL, ""},
    {EVENT_SUPERSEDED, NULL, ""},
};

static void merge_agreement(struct task *t)
{
    struct event_work *e = t->state;
    const struct market_event *ev = &e->ev;
    struct args a;

    args_init(&a, t);
    args_add(&a, e->channel);
    args_cstr(&a, ev->agreement);
    args_int(&a, ev->time_ms);
    args_kv_opt(&a, "license", ev->license);
    args_kv_opt(&a, "purchase", ev->purchase);
    args_kv_opt(&a, "previous", ev->previous_agreement);
    args_kv_opt(&a, "account", ev->account);
    args_kv_opt(&a, "offer", ev->offer);
    args_kv_opt(&a, "product_code", ev->product_code);
    if (ev->starts_ms)
        args_kvi(&a, "starts", ev->starts_ms);
    if (ev->ends_ms)
        args_kvi(&a, "ends", ev->ends_ms);
    for (size_t i = 0; i < sizeof(agreement_facts) / sizeof(*agreement_facts); i++)
        if (agreement_facts[i].kind == ev->kind) {
            const char *status = agreement_facts[i].status;

            args_kv_opt(&a, "intent", agreement_facts[i].intent);
            args_kv_opt(&a, "status", status && status[0] ? status : ev->reason);
        }
    task_store(t, id_shard_of(e->channel, str_of(ev->agreement), store_shards(t->w->store)),
               STORE_AGREEMENT, a.v, a.n, merged);
}

/* What the front took in is stored as it came: parsed here, by the channel that speaks it. */
static bool understand(struct task *t, const struct store_rows *rows)
{
    struct event_work *e = t->state;
    struct str json = store_get(rows, "json"), raw;
    const char *why = "";
    int rc;

    if (json.n) {
        rc = event_json_read(json, t->arena, &e->ev);
    } else if (!e->market || !e->ops->parse) {
        task_retry(t, "CONFIG", "the event's product is not configured", 60000);
        return false;
    } else {
        raw = arena_str(t->arena, store_get(rows, "raw"));
        rc = e->ops->parse(e->market, raw, t->arena, &e->ev, &why);
    }
    if (rc == -EAGAIN || rc == -ENOMEM)
        task_retry(t, "RETRY", why[0] ? why : "the event cannot be read now", 0);
    else if (rc)
        task_dead(t, "INVALID", why[0] ? why : "stored event cannot be read");
    return rc == 0;
}

static void begin(struct task *t)
{
    struct event_work *e = t->state;

    e->agreement = str_of(e->ev.agreement);
    e->account = str_of(e->ev.account);
    e->product_code = str_of(e->ev.product_code);
    e->license = str_of(e->ev.license);
    e->purchase = str_of(e->ev.purchase);
    if (!e->market && e->ev.kind != EVENT_IGNORED)
        task_retry(t, "CONFIG", "the event's product is not configured", 60000);
    else if (e->market && standing_channel(e->cfg))
        event_truth(t);
    else if (e->ev.kind == EVENT_IGNORED)
        task_done(t);
    else if (e->agreement.n)
        merge_agreement(t);
    else
        find_order(t);
}

static void loaded(struct task *t, int rc, const struct store_rows *rows)
{
    struct event_work *e = arena_alloc(t->arena, sizeof(*e));

    if (rc == -ENOENT) {
        task_done(t);
        return;
    }
    if (rc || !e) {
        task_retry(t, "RETRY", "cannot load the event", 0);
        return;
    }
    t->state = e;
    e->channel = keep(t, rows, "channel");
    e->product = keep(t, rows, "product");
    e->stored_ms = store_row_int(&rows->row[0], "stored", 0);
    e->market = snapshot_market(t->snap, e->channel, e->product, &e->ops, &e->cfg);
    if (understand(t, rows))
        begin(t);
}

void event_run(struct task *t)
{
    task_store(t, t->shard, STORE_EVENT_GET, &t->subject, 1, loaded);
}
