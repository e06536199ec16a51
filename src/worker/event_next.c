/*
 * event_next: a renewal or replacement that was agreed upon and begins later. Its licence comes
 * when it begins, so there is no purchase that could be written; but its terms are known, and the
 * order that it will continue: the page says what will change, and when. Once per event of the
 * agreement; what it says goes when the new purchase takes over (event_apply.c), or when the
 * agreement ends before.
 */
#include <errno.h>

#include "base/clock.h"
#include "fulfil/plan.h"
#include "worker/event.h"
#include "worker/purchase.h"

static void written(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc && rc != -ENOENT && rc != -EPERM)
        task_retry(t, "RETRY", "cannot write what comes next", 0);
    else
        task_done(t);
}

void event_next_none(struct args *a)
{
    static const char *const fields[] = {"next_plan", "next_quantity", "next_at", "next_agreement"};

    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        args_kv(a, fields[i], STR(""));
}

static void begin(struct args *a, struct task *t)
{
    struct event_work *e = t->state;

    args_init(a, t);
    args_add(a, e->order);
    args_int(a, e->order_at > e->ev.time_ms ? e->order_at : e->ev.time_ms);
}

void event_next_clear(struct task *t)
{
    struct event_work *e = t->state;
    struct args a;

    begin(&a, t);
    event_next_none(&a);
    task_store(t, e->shard, STORE_ORDER_UPSERT, a.v, a.n, written);
}

static void answered(void *arg, const struct market_result *r)
{
    struct task *t = arg;
    struct event_work *e = t->state;
    const struct market_purchase *p = &r->purchase;
    const struct cfg_plan *plan;
    uint64_t quantity = 0;
    struct args a;

    if (!task_release(t))
        return;
    if (r->cls == MARKET_RETRY || r->cls == MARKET_CONFIG) {
        task_retry(t, market_class_name(r->cls), r->code, r->retry_after_ms);
        return;
    }
    plan = r->cls == MARKET_OK && p->nterms
               ? plan_of_entitlements(e->cfg, p->terms, p->nterms, &quantity)
               : NULL;
    if (!plan || !str_is(str_of(p->status), "ACTIVE") || p->starts_ms <= clock_wall_ms()) {
        task_done(t);
        return;
    }
    begin(&a, t);
    args_kv(&a, "next_plan", str_of(plan->name));
    args_kvi(&a, "next_quantity", (int64_t)quantity);
    args_kvi(&a, "next_at", p->starts_ms);
    args_kv(&a, "next_agreement", e->agreement);
    task_store(t, e->shard, STORE_ORDER_UPSERT, a.v, a.n, written);
}

static void ask(struct task *t)
{
    struct event_work *e = t->state;
    struct market_purchase known = market_purchase_none;

    known.agreement = arena_dup(t->arena, e->agreement);
    known.account = arena_dup(t->arena, e->account);
    known.product_code = e->cfg->product_code;
    if (!known.agreement || !known.account) {
        task_retry(t, "RETRY", "task memory is used up", 0);
        return;
    }
    task_hold(t);
    e->ops->refresh(e->market, &known, answered, t);
}

static void loaded(struct task *t, int rc, const struct store_rows *rows)
{
    struct event_work *e = t->state;
    bool over = e->ev.kind == EVENT_ENDED || e->ev.kind == EVENT_FAILED;

    if (rc && rc != -ENOENT) {
        task_retry(t, "RETRY", "cannot read the order", 0);
        return;
    }
    if (rc || !str_is(store_get(rows, "o.contract"), "ACTIVE")) {
        task_done(t);
        return;
    }
    event_product(t, store_get(rows, "o.product"));
    e->order_at = store_row_int(&rows->row[0], "o.at", 0);
    if (!over) {
        ask(t);
    } else if (str_eq(store_get(rows, "o.next_agreement"), e->agreement)) {
        event_next_clear(t);
    } else {
        task_done(t);
    }
}

static void found(struct task *t, int rc, const struct store_rows *rows)
{
    struct event_work *e = t->state;

    if (rc) {
        task_retry(t, "RETRY", "cannot find the previous order", 0);
        return;
    }
    e->order = arena_str(t->arena, store_get(rows, "order"));
    if (id_shard(e->order, store_shards(t->w->store), &e->shard))
        task_dead(t, "STUCK", "the order index names no order");
    else if (str_is(store_get(rows, "remote"), "1") && e->hops++ < EVENT_HOPS)
        task_store(t, e->shard, STORE_ORDER_FIND, &e->order, 1, found);
    else
        task_store(t, e->shard, STORE_ORDER_GET, &e->order, 1, loaded);
}

static void previous(struct task *t, int rc, const struct store_rows *rows)
{
    if (rc)
        task_retry(t, "RETRY", "cannot read the previous agreement", 0);
    else if (!event_find_previous(t, rows, found))
        task_done(t);
}

void event_next(struct task *t)
{
    struct event_work *e = t->state;
    bool continues = str_is(e->intent, "RENEW") || str_is(e->intent, "REPLACE");
    struct str args[] = {e->channel, e->previous, STR("0")};

    if (!continues || e->previous.n == 0 || e->agreement.n == 0 || !e->ops->refresh)
        task_done(t);
    else
        task_store(t, id_shard_of(e->channel, e->previous, store_shards(t->w->store)),
                   STORE_AGREEMENT, args, 3, previous);
}
