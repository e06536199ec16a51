/*
 * event_link: RENEW and REPLACE bring a new agreement and a new licence for a tenant that lives.
 *
 * The new purchase's natural order id gets an alias to the old order; an order that was already
 * made for the new purchase (its licence event came first) is merged, as long as it has no tenant
 * of its own; when that order had gone on with a later purchase already, this one is what the old
 * order goes on with. Found by the previous agreement; without one, by the buyer's account and
 * product when exactly one other order runs, or none does and exactly one is left. Otherwise
 * nothing is guessed, and the seller is told once: a human decides.
 */
#include <errno.h>

#include "base/crash.h"
#include "base/log.h"
#include "worker/event.h"
#include "worker/purchase.h"
#include "worker/truth.h"

static void find_by_account(struct task *t);
static void next_other(struct task *t);

static void merged(struct task *t, int rc, const struct store_rows *rows)
{
    struct event_work *e = t->state;

    (void)rows;
    /* -EEXIST: merged before, into an order that has led on since then. */
    if (rc && rc != -ENOENT && rc != -EEXIST) {
        LOG(LOG_ERROR, "event.merge", FS("order", str_of(e->natural)), FS("into", e->order));
        task_retry(t, "CONFIG", "both orders have a tenant: a human must decide", 600000);
        return;
    }
    e->linked = true;
    event_apply(t);
}

/* Events that say nothing which outlives the agreement that they are of. */
static bool is_passing(enum market_event_kind kind)
{
    return kind == EVENT_PURCHASED || kind == EVENT_RENEWED || kind == EVENT_REPLACED ||
           kind == EVENT_ENTITLEMENT_CHANGED || kind == EVENT_SUPERSEDED;
}

/* From here on the event is one of the later purchase: look at it. */
static void carry(struct task *t, const struct store_rows *rows)
{
    struct event_work *e = t->state;

    e->purchase = arena_str(t->arena, store_get(rows, "o.purchase"));
    e->license = arena_str(t->arena, store_get(rows, "o.license"));
    e->agreement = arena_str(t->arena, store_get(rows, "o.agreement"));
    e->status = STR("");
    e->ev.kind = EVENT_ENTITLEMENT_CHANGED;
    e->ev.reason = e->ev.offer = "";
    e->ev.starts_ms = e->ev.ends_ms = 0;
    e->ev.trial = e->ev.grants = false;
}

static void own_order(struct task *t, int rc, const struct store_rows *rows)
{
    struct event_work *e = t->state;
    struct str args[] = {str_of(e->natural), e->order}, later = store_get(rows, "o.purchase");

    if (rc && rc != -ENOENT) {
        task_retry(t, "RETRY", "cannot read the order to be merged", 0);
        return;
    }
    if (rc == 0 && later.n && !str_eq(later, e->purchase) &&
        (store_get(rows, "o.merged").n == 0 || is_passing(e->ev.kind)))
        carry(t, rows);
    task_store(t, e->natural_shard, STORE_ORDER_MERGE, args, 2, merged);
}

static void merge(struct task *t)
{
    struct event_work *e = t->state;
    struct str natural = str_of(e->natural);

    task_store(t, e->natural_shard, STORE_ORDER_GET, &natural, 1, own_order);
}

static void aliased(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc) {
        task_retry(t, "RETRY", "cannot write the alias", 0);
        return;
    }
    crash_point("event.aliased");
    merge(t);
}

static void link_to(struct task *t, struct str order)
{
    struct event_work *e = t->state;
    struct str args[] = {str_of(e->natural), order};

    if (id_shard(order, store_shards(t->w->store), &e->shard)) {
        task_dead(t, "STUCK", "the order index names no order");
        return;
    }
    e->order = arena_str(t->arena, order);
    e->exists = true;
    task_store(t, e->natural_shard, STORE_ORDER_ALIAS, args, 2, aliased);
}

static void previous_order(struct task *t, int rc, const struct store_rows *rows)
{
    struct event_work *e = t->state;
    struct str elsewhere;

    if (rc) {
        task_retry(t, "RETRY", "cannot find the previous order", 0);
    } else if (str_is(store_get(rows, "remote"), "1") && e->hops++ < EVENT_HOPS) {
        elsewhere = arena_str(t->arena, store_get(rows, "order"));
        task_store(t, (unsigned)store_row_int(&rows->row[0], "shard", 0), STORE_ORDER_FIND,
                   &elsewhere, 1, previous_order);
    } else if (!str_is(store_get(rows, "exists"), "1")) {
        find_by_account(t);
    } else {
        link_to(t, store_get(rows, "order"));
    }
}

bool event_find_previous(struct task *t, const struct store_rows *rows, task_cont *found)
{
    const struct event_work *e = t->state;
    struct str purchase = store_get(rows, "purchase"), natural;
    char order[ID_ORDER];
    unsigned shard;

    if (purchase.n == 0)
        return false;
    shard = purchase_order(t->w, e->channel, purchase, order);
    natural = str_of(order);
    task_store(t, shard, STORE_ORDER_FIND, &natural, 1, found);
    return true;
}

static void previous_agreement(struct task *t, int rc, const struct store_rows *rows)
{
    if (rc)
        task_retry(t, "RETRY", "cannot read the previous agreement", 0);
    else if (!event_find_previous(t, rows, previous_order))
        find_by_account(t);
}

static void told(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot queue the alert", 0);
    else
        event_apply(t);
}

static void unlinked(struct task *t, size_t candidates)
{
    struct event_work *e = t->state;
    const char *what = arena_fmt(t->arena, "%s (%.*s), one of %zu orders", e->natural,
                                 STR_FMT(e->intent), candidates);

    LOG(LOG_WARN, "event.unlinked", FS("order", str_of(e->natural)), FS("intent", e->intent),
        FI("candidates", candidates));
    if (candidates < 2)
        event_apply(t);
    else if (what)
        alarm_once(t, e->cfg, "alert-unlinked", e->natural, what, told);
    else
        task_retry(t, "RETRY", "task memory is used up", 0);
}

/* What ended by itself is not what was renewed or replaced, unless nothing else is left that could
 * be: its end may have been a mistake of the order in which events came. */
static void choose(struct task *t)
{
    const struct event_work *e = t->state;

    if (e->others.nrunning == 1)
        link_to(t, e->others.running);
    else if (e->others.nrunning == 0 && e->others.nover == 1)
        link_to(t, e->others.over);
    else
        unlinked(t, e->others.nrunning + e->others.nover);
}

static void other_order(struct task *t, int rc, const struct store_rows *rows)
{
    struct event_work *e = t->state;
    struct str contract = store_get(rows, "o.contract"), id = e->others.order[e->others.at++];

    if (rc && rc != -ENOENT) {
        task_retry(t, "RETRY", "cannot read an order of the account", 0);
        return;
    }
    if (rc == 0 && store_get(rows, "o.merged").n == 0 &&
        !str_is(store_get(rows, "o.fulfilment"), "CLOSED")) {
        if (str_is(contract, "CANCELLED") || str_is(contract, "EXPIRED")) {
            e->others.over = id;
            e->others.nover++;
        } else {
            e->others.running = id;
            e->others.nrunning++;
        }
    }
    next_other(t);
}

static void next_other(struct task *t)
{
    struct event_work *e = t->state;
    unsigned shard = 0;

    while (e->others.at < e->others.n &&
           id_shard(e->others.order[e->others.at], store_shards(t->w->store), &shard))
        e->others.at++;
    if (e->others.at == e->others.n)
        choose(t);
    else
        task_store(t, shard, STORE_ORDER_GET, &e->others.order[e->others.at], 1, other_order);
}

static void account_orders(struct task *t, int rc, const struct store_rows *rows)
{
    struct event_work *e = t->state;

    if (rc) {
        task_retry(t, "RETRY", "cannot read the account's orders", 0);
        return;
    }
    e->others.order = arena_alloc(t->arena, rows->n * sizeof(*e->others.order) + 1);
    if (!e->others.order) {
        task_retry(t, "RETRY", "task memory is used up", 0);
        return;
    }
    for (size_t i = 0; i < rows->n; i++) {
        struct str o = store_row_get(&rows->row[i], "order");

        if (o.n && !str_is(o, e->natural))
            e->others.order[e->others.n++] = arena_str(t->arena, o);
    }
    next_other(t);
}

static void find_by_account(struct task *t)
{
    struct event_work *e = t->state;
    struct str args[] = {e->channel, e->product_code, e->account};

    task_store(t, id_shard_of(e->channel, e->account, store_shards(t->w->store)), STORE_ACCOUNT_GET,
               args, 3, account_orders);
}

void event_link(struct task *t)
{
    struct event_work *e = t->state;
    bool continues = str_is(e->intent, "RENEW") || str_is(e->intent, "REPLACE");
    struct str args[] = {e->channel, e->previous, STR("0")};

    if (!str_is(e->order, e->natural)) {
        /* Whoever wrote the alias may have died before he merged. */
        merge(t);
    } else if (!continues) {
        event_apply(t);
    } else if (e->previous.n) {
        task_store(t, id_shard_of(e->channel, e->previous, store_shards(t->w->store)),
                   STORE_AGREEMENT, args, 3, previous_agreement);
    } else {
        find_by_account(t);
    }
}
