#include <errno.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "worker/event.h"
#include "worker/purchase.h"
#include "worker/truth.h"

static void written(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc == -ENOENT)
        task_done(t);
    else if (rc)
        task_retry(t, "RETRY", "cannot write the order", 0);
    else
        task_done(t);
}

static void indexed(struct task *t, int rc, const struct store_rows *rows)
{
    written(t, rc, rows);
}

/* A purchase that never landed here is found by its account when it is renewed. */
static void index_account(struct task *t, int rc, const struct store_rows *rows)
{
    struct event_work *e = t->state;
    struct str args[] = {e->channel, e->product_code, e->account, e->order};

    if (rc || e->account.n == 0 || e->product_code.n == 0) {
        written(t, rc, rows);
        return;
    }
    task_store(t, id_shard_of(e->channel, e->account, store_shards(t->w->store)), STORE_ACCOUNT_ADD,
               args, 4, indexed);
}

static void end_contract(struct task *t, struct str plan, const char *contract)
{
    struct event_work *e = t->state;
    struct args a;

    args_init(&a, t);
    args_add(&a, e->order);
    args_int(&a, e->ev.time_ms);
    args_kv(&a, "contract", str_of(contract));
    args_kvi(&a, "at_ended", e->ev.time_ms);
    args_kvi(&a, "delete_at", e->ev.time_ms + (int64_t)purchase_grace_ms(e->cfg, plan));
    args_kv(&a, "reason", str_of(e->ev.reason));
    crash_point("event.before_order");
    task_store(t, e->shard, STORE_ORDER_UPSERT, a.v, a.n, written);
}

static struct str plan_of(struct task *t)
{
    return t->data; /* the order's plan, kept there by current() */
}

static void refreshed_end(struct task *t, const struct market_result *r)
{
    struct event_work *e = t->state;

    if (r->cls == MARKET_OK && purchase_superseded(str_of(r->purchase.status))) {
        task_done(t);
        return;
    }
    if (r->cls == MARKET_OK && r->purchase.known_entitlements && r->purchase.granted &&
        e->ev.reason[0] == '\0') {
        task_done(t);
        return;
    }
    end_contract(t, plan_of(t), str_is(str_of(e->ev.reason), "EXPIRED") ? "EXPIRED" : "CANCELLED");
}

/* The event comes after the end of its agreement, which may have found no order to end. */
static void add_end(struct args *a, const struct market_purchase *p)
{
    struct event_work *e = a->t->state;
    int64_t now = clock_wall_ms();

    if (e->ended && !e->linked)
        return; /* since then at_ended and delete_at run */
    args_kv(a, "contract",
            str_is(str_of(p->status), "EXPIRED") ? STR("EXPIRED") : STR("CANCELLED"));
    args_kvi(a, "at_ended", now);
    args_kvi(a, "delete_at", now + (int64_t)purchase_grace_ms(e->cfg, plan_of(a->t)));
    args_kv(a, "reason", str_of(p->status));
}

static void refreshed_grant(struct task *t, const struct market_result *r)
{
    struct event_work *e = t->state;
    struct market_purchase p;
    struct args a = {.t = t};
    bool empty = r->purchase.known_entitlements && r->purchase.nentitlements == 0, over;

    if (e->moved && (r->cls == MARKET_GONE || purchase_superseded(str_of(r->purchase.status)))) {
        task_done(t); /* the successor was here first, and its event has not told us of the end */
        return;
    }
    if (r->cls == MARKET_GONE || (empty && e->cfg->mode == CFG_LEGACY && e->cfg->contract &&
                                  !e->cfg->metered && e->exists)) {
        end_contract(t, plan_of(t), "EXPIRED");
        return;
    }
    if (!purchase_copy(t, &r->purchase, &p)) {
        task_retry(t, "RETRY", "no memory for the purchase", 0);
        return;
    }
    if (p.purchase[0] == '\0')
        p.purchase = arena_dup(t->arena, e->purchase);
    if (p.starts_ms == 0)
        p.starts_ms = e->ev.starts_ms;
    if (p.ends_ms == 0)
        p.ends_ms = e->ev.ends_ms;
    p.trial = p.trial || e->ev.trial;
    over = r->cls == MARKET_OK && purchase_over(p.status);
    p.granted = p.granted && !over; /* entitlements outlive the end for a while */
    /* Contract pricing is confirmed by its entitlement, usage pricing by an event that grants. */
    purchase_args(&a, e->cfg, e->order, &p, !over && !e->cfg->contract && e->ev.grants,
                  e->ev.time_ms);
    if (over)
        add_end(&a, &p);
    if (e->linked)
        args_kv(&a, "supersede", STR("1"));
    if (e->begins)
        event_next_none(&a);
    crash_point("event.before_order");
    task_store(t, e->shard, STORE_ORDER_UPSERT, a.v, a.n, index_account);
}

static void refreshed(void *arg, const struct market_result *r)
{
    struct task *t = arg;
    struct event_work *e = t->state;
    bool end = e->ev.kind == EVENT_ENDED || e->ev.kind == EVENT_FAILED;

    if (!task_release(t))
        return;
    if (r->cls == MARKET_RETRY || r->cls == MARKET_CONFIG)
        truth_failed(t, e->cfg, r->cls, r->code, r->retry_after_ms);
    else if (end)
        refreshed_end(t, r);
    else
        refreshed_grant(t, r);
}

static void ask(struct task *t)
{
    struct event_work *e = t->state;
    struct market_purchase known = market_purchase_none;

    known.purchase = arena_dup(t->arena, e->purchase);
    known.license = arena_dup(t->arena, e->license);
    known.agreement = arena_dup(t->arena, e->agreement);
    known.account = arena_dup(t->arena, e->account);
    known.customer = e->ev.customer;
    known.product_code = arena_dup(t->arena, e->product_code);
    known.offer = e->ev.offer;
    known.change_id = e->ev.change_id;
    crash_point("event.before_market");
    task_hold(t);
    e->ops->refresh(e->market, &known, refreshed, t);
}

/* The buyer's account is under review at the marketplace: a human of the seller should look. */
static void alert_seller(struct task *t, int rc, const struct store_rows *rows)
{
    struct event_work *e = t->state;
    struct str args[] = {str_of(arena_fmt(t->arena, "mail:%.*s:alert-advisory", STR_FMT(e->order))),
                         STR("mail"),
                         STR("notify"),
                         e->order,
                         STR("0"),
                         STR("alert-advisory")};

    if (rc)
        written(t, rc, rows);
    else
        task_store(t, e->shard, STORE_TASK_ADD, args, 6, written);
}

static void flag_advisory(struct task *t, bool on)
{
    struct event_work *e = t->state;
    struct args a;

    args_init(&a, t);
    args_add(&a, e->order);
    args_int(&a, e->ev.time_ms);
    args_kv(&a, "advisory", on ? STR("1") : STR("0"));
    task_store(t, e->shard, STORE_ORDER_UPSERT, a.v, a.n, on ? alert_seller : written);
}

/* What the order goes on with may have been told to be this one's successor. */
static void successor(struct task *t, int rc, const struct store_rows *rows)
{
    struct event_work *e = t->state;

    if (rc)
        task_retry(t, "RETRY", "cannot read the agreement of the order", 0);
    else if (str_eq(store_get(rows, "previous"), e->agreement))
        task_done(t);
    else
        ask(t);
}

/* A late or replayed event of an agreement that was renewed must not take the order back. */
static void take_part(struct task *t, struct str agreement)
{
    struct event_work *e = t->state;
    struct str args[] = {e->channel, agreement, STR("0")};

    if (!e->moved)
        ask(t);
    else if (purchase_superseded(e->status))
        task_done(t);
    else if (e->agreement.n == 0 || agreement.n == 0)
        ask(t);
    else
        task_store(t, id_shard_of(args[0], args[1], store_shards(t->w->store)), STORE_AGREEMENT,
                   args, 3, successor);
}

static void current(struct task *t, int rc, const struct store_rows *rows)
{
    struct event_work *e = t->state;
    struct str purchase = store_get(rows, "o.purchase");

    if (rc && rc != -ENOENT) {
        task_retry(t, "RETRY", "cannot read the order", 0);
        return;
    }
    t->data = arena_str(t->arena, store_get(rows, "o.plan"));
    if (rc == 0)
        event_product(t, store_get(rows, "o.product"));
    e->ended = rc == 0 && (str_is(store_get(rows, "o.contract"), "CANCELLED") ||
                           str_is(store_get(rows, "o.contract"), "EXPIRED"));
    e->order_at = rc ? 0 : store_row_int(&rows->row[0], "o.at", 0);
    e->begins = e->agreement.n && str_eq(store_get(rows, "o.next_agreement"), e->agreement);
    e->moved = purchase.n && !str_eq(purchase, e->purchase);
    if (e->license.n == 0 && rc == 0)
        e->license = arena_str(t->arena, store_get(rows, "o.license"));
    switch (e->ev.kind) {
    case EVENT_ENDED:
    case EVENT_FAILED:
        /* The old half of a renewal ends after the new one took over: not our contract any more. */
        if (rc == 0 && e->moved && e->begins)
            event_next_clear(t);
        else if (rc == -ENOENT || purchase_superseded(e->status) || e->moved)
            task_done(t);
        else
            ask(t);
        break;
    case EVENT_ADVISORY:
    case EVENT_ADVISORY_RESOLVED:
        if (rc == -ENOENT)
            task_done(t);
        else
            flag_advisory(t, e->ev.kind == EVENT_ADVISORY);
        break;
    case EVENT_ENDING:
    case EVENT_SUPERSEDED:
    case EVENT_IGNORED:
        task_done(t);
        break;
    default:
        take_part(t, arena_str(t->arena, store_get(rows, "o.agreement")));
    }
}

void event_apply(struct task *t)
{
    struct event_work *e = t->state;

    task_store(t, e->shard, STORE_ORDER_GET, &e->order, 1, current);
}
