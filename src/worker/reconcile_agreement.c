/*
 * AWS has no record of a purchase that could be written as it is: agreements and licences have to
 * be joined, renewals linked. So what a walk finds is put into the store as the event that should
 * have told it, and takes the way of every event; where the order only has to be read again, its
 * refresh task is asked for. Facts are dated by the agreement's acceptance, so that whatever event
 * still comes knows better, and an ended order is never opened.
 *
 * An agreement whose licence is not there yet (or is not told to us) has no order that could be
 * found, and one that was accepted a moment ago has its events on the way: the next walk looks. The
 * licence of one that has ended is asked for once where its account has orders here.
 */
#include <string.h>

#include "base/log.h"
#include "fulfil/plan.h"
#include "worker/purchase.h"
#include "worker/reconcile.h"

enum { SETTLE_MS = 5 * 60 * 1000, HEIR_MS = 2000 };

static bool is_superseded(const char *status)
{
    return purchase_superseded(str_of(status));
}

/* Its events are on their way; and a renewal that came while the walk was under way would be seen
 * without what it continues. */
static bool is_young(const struct task *t, const struct agreement_work *k)
{
    uint64_t every = t->snap->cfg->worker.reconcile_ms;

    return k->p->bought_ms + (int64_t)(every < SETTLE_MS ? every : SETTLE_MS) > k->r->started;
}

static bool is_active(const struct agreement_work *k)
{
    return str_is(str_of(k->p->status), "ACTIVE");
}

void reconcile_agreement_next(struct task *t)
{
    struct agreement_work *k = t->state;

    t->state = k->r;
    reconcile_next(t);
}

static void counted(struct agreement_work *k, bool created, const char *what)
{
    k->r->created += created;
    k->r->repaired += !created;
    LOG(LOG_WARN, "reconcile.repaired", FS("order", k->x->order), F("status", k->p->status),
        F("what", what), FI("created", created));
}

/* --- active: is there an order, and does it say the same? ----------------------------------- */

static void tell_active(struct task *t, const char *what)
{
    struct agreement_work *k = t->state;
    struct market_event e = reconcile_event_of(k, EVENT_ENTITLEMENT_CHANGED);

    e.reason = "LICENSE_UPDATED";
    e.grants = k->p->granted;
    counted(k, !k->x->now.exists, what);
    reconcile_store_event(t, &e);
}

/* "Created" of a renewal was lost: its order is the one whose agreement was superseded. */
static void tell_renewed(struct task *t)
{
    struct agreement_work *k = t->state;
    bool renewed = str_is(k->ended, "RENEWED");
    struct market_event e = reconcile_event_of(k, renewed ? EVENT_RENEWED : EVENT_REPLACED);

    e.reason = renewed ? "RENEW" : "REPLACE";
    e.previous_agreement = arena_dup(t->arena, k->previous);
    e.grants = k->p->granted;
    if (!e.previous_agreement) {
        task_retry(t, "RETRY", "no memory for what was found", 0);
        return;
    }
    counted(k, false, e.reason);
    reconcile_store_event(t, &e);
}

static bool other_plan(const struct agreement_work *k)
{
    uint64_t quantity = 0;
    const struct cfg_plan *plan =
        plan_named_by(k->r->cfg, k->p->entitlements, k->p->nentitlements, &quantity);

    return plan && (!str_is(k->x->now.plan, plan->name) || quantity != k->x->now.quantity);
}

static bool is_elsewhere(const struct agreement_work *k)
{
    const struct order_now *now = &k->x->now;

    return now->exists && strcmp(now->known.purchase, k->p->purchase) != 0;
}

/* What is missing in an order that is there; NULL: nothing. */
static const char *difference(const struct agreement_work *k)
{
    const struct order_now *now = &k->x->now;

    if (now->ended || is_elsewhere(k))
        return NULL; /* never opened again; or it goes on with another purchase */
    if (k->purchase.n == 0 || now->known.agreement[0] == '\0')
        return "agreement";
    if (str_is(now->contract, "PENDING"))
        return k->p->granted ? "granted" : NULL;
    return other_plan(k) ? "plan" : NULL;
}

/* Said at every walk, mailed once. */
static void unlinked(struct task *t)
{
    const struct agreement_work *k = t->state;
    const char *what = arena_fmt(t->arena, "%s, one of %zu orders", k->natural, k->candidates);

    LOG(LOG_WARN, "reconcile.unlinked", FS("order", k->x->order), FI("candidates", k->candidates));
    if (what)
        alarm_raise(t->w, k->r->cfg, "alert-unlinked", k->natural, what);
}

static void compare_active(struct task *t)
{
    struct agreement_work *k = t->state;
    const char *what = k->x->now.exists ? difference(k) : "order";

    if (k->candidates > 1)
        unlinked(t);
    if (k->candidates == 1) {
        tell_renewed(t);
    } else if (!what) {
        reconcile_agreement_next(t);
    } else if (k->x->now.registered && strcmp(what, "agreement") != 0) {
        counted(k, false, what);
        t->state = k->r;
        reconcile_ask_refresh(k->x, 0);
    } else {
        tell_active(t, what);
    }
}

/* Nobody said that it is new, or what it continues was not known here when somebody said so; and it
 * has no environment of its own. */
static bool may_continue(const struct agreement_work *k)
{
    const struct order_now *now = &k->x->now;

    return !str_is(k->intent, "NEW") && k->p->account[0] && str_is(k->x->order, k->natural) &&
           (!now->exists || (!now->registered && !now->ended));
}

/* --- ended ---------------------------------------------------------------------------------- */

static void compare_ended(struct task *t)
{
    struct agreement_work *k = t->state;
    const struct order_now *now = &k->x->now;
    struct market_event e;

    if (!now->exists || now->ended || is_elsewhere(k) ||
        strcmp(now->known.agreement, k->p->agreement) != 0) {
        reconcile_agreement_next(t);
        return;
    }
    if (is_superseded(k->p->status)) {
        /* What came after it may have ended before a walk saw it. Mostly it shows in this one. */
        t->state = k->r;
        if (now->registered)
            reconcile_ask_refresh(k->x, HEIR_MS);
        else
            reconcile_next(t);
        return;
    }
    counted(k, false, "end");
    if (now->registered && str_is(now->contract, "ACTIVE")) {
        t->state = k->r;
        reconcile_ask_refresh(k->x, 0);
        return;
    }
    e = reconcile_event_of(k, EVENT_ENDED); /* a refresh leaves alone what nobody is served by */
    e.time_ms = k->p->read_ms > e.time_ms ? k->p->read_ms : e.time_ms;
    reconcile_store_event(t, &e);
}

static void named(struct task *t, int rc, const struct store_rows *rows)
{
    struct agreement_work *k = t->state;

    (void)rows;
    if (rc) {
        task_retry(t, "RETRY", "cannot write the agreement to its order", 0);
        return;
    }
    k->x->now.known.agreement = k->p->agreement;
    if (is_superseded(k->p->status))
        counted(k, false, "agreement");
    compare_ended(t);
}

/* A landing names no agreement. Without it the order could neither end nor be continued. */
static void name_agreement(struct task *t)
{
    struct agreement_work *k = t->state;
    struct args a;

    args_init(&a, t);
    args_add(&a, k->x->order);
    args_int(&a, 0); /* only fills what is empty */
    args_kv(&a, "agreement", str_of(k->p->agreement));
    task_store(t, k->x->shard, STORE_ORDER_UPSERT, a.v, a.n, named);
}

/* --- the order of a chain still says what was renewed or replaced --------------------------- */

static void overtaken(struct task *t, int rc, const struct store_rows *rows)
{
    const char *status = arena_dup(t->arena, store_get(rows, "status"));

    if (rc || !status)
        task_retry(t, "RETRY", "cannot read the agreement of the order", 0);
    else if (is_superseded(status))
        tell_active(t, "purchase");
    else
        reconcile_agreement_next(t);
}

/* Its purchase leads to an order that has not come there, or that is further already. */
static void compare_chain(struct task *t)
{
    struct agreement_work *k = t->state;
    struct str args[] = {k->r->channel, str_of(k->x->now.known.agreement), STR("0")};

    if (k->x->now.ended || is_superseded(k->p->status) || args[1].n == 0)
        reconcile_agreement_next(t);
    else
        task_store(t, id_shard_of(args[0], args[1], store_shards(t->w->store)), STORE_AGREEMENT,
                   args, 3, overtaken);
}

/* --- the order of an agreement -------------------------------------------------------------- */

static void order_read(struct truth *x)
{
    struct agreement_work *k = x->user;

    x->t->state = k;
    if (x->cfg != k->r->cfg) {
        LOG(LOG_WARN, "reconcile.other_product", FS("order", x->order));
        reconcile_agreement_next(x->t);
    } else if (is_elsewhere(k) && !str_is(x->order, k->natural)) {
        compare_chain(x->t);
    } else if (!is_active(k) && x->now.exists && !x->now.ended && !is_elsewhere(k) &&
               x->now.known.agreement[0] == '\0') {
        name_agreement(x->t);
    } else if (!is_active(k)) {
        compare_ended(x->t);
    } else if (may_continue(k)) {
        reconcile_renewal(x->t, compare_active);
    } else {
        compare_active(x->t);
    }
}

static void order_found(struct truth *x)
{
    truth_load(x, order_read);
}

void reconcile_agreement_order(struct task *t)
{
    struct agreement_work *k = t->state;
    struct market_purchase *p = &k->r->p[k->r->at];

    if (p->purchase[0] == '\0')
        p->purchase = arena_dup(t->arena, k->purchase);
    if (!p->purchase || p->purchase[0] == '\0' || (is_active(k) && is_young(t, k))) {
        reconcile_agreement_next(t);
        return;
    }
    k->x = truth_new(t, k->r->channel, k->r->product, str_of(p->purchase));
    if (!k->x)
        return;
    k->x->user = k;
    (void)purchase_order(t->w, k->r->channel, k->x->purchase, k->natural);
    truth_find(k->x, order_found);
}
