/*
 * refresh: asks the channel for the truth about one order, because an event may be late or lost.
 *
 * Queued with a registration whose purchase is not granted yet, and for every live order at the
 * resync after `worker.refresh`. What is read is written as of the newest fact that the order knew
 * when it was read: an event that comes in between wins. An ended contract is never opened again
 * here (entitlements may outlive an end for a while); that is for events to tell.
 *
 * An order that no list of the channel has (legacy listings, those without product_id, sales of
 * channel partners) stays queued: it is asked for at the reconciler's pace. One whose purchase has
 * run out is refresh_heir.c's.
 */
#include <errno.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/rand.h"
#include "worker/kinds.h"
#include "worker/purchase.h"
#include "worker/refresh.h"
#include "worker/standing.h"

enum { ASK_MIN_MS = 3000, ASK_MAX_MS = 3600 * 1000 };

void refresh_rest(struct task *t)
{
    const struct refresh *s = t->state;
    uint64_t every = t->snap->cfg->worker.reconcile_ms;

    if (s->unlisted)
        task_wait(t, every - every / 4 + rand_below(every / 2 + 1));
    else
        task_done(t);
}

static void ended(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc && rc != -ENOENT && rc != -EPERM)
        task_retry(t, "RETRY", "cannot write the order", 0);
    else
        task_done(t);
}

void refresh_written(struct task *t, int rc, const struct store_rows *rows)
{
    if (rc)
        ended(t, rc, rows);
    else
        refresh_rest(t);
}

/* Without a word of the agreement only older contract listings may be judged by entitlements. What
 * never began has ended by the agreement's word only: the rest may still be on its way. */
static bool has_ended(const struct refresh *s, const struct market_result *r)
{
    const struct market_purchase *p = &r->purchase;

    if (r->cls == MARKET_OK && purchase_over(p->status))
        return true;
    if (s->pending)
        return false;
    if (r->cls == MARKET_GONE)
        return true;
    return s->cfg->mode == CFG_LEGACY && s->cfg->contract && !s->cfg->metered &&
           p->known_entitlements && !p->granted;
}

/* Usage pricing has no entitlements: there the agreement alone says that it runs. */
static bool is_granted(const struct market_result *r)
{
    const struct market_purchase *p = &r->purchase;

    return r->cls == MARKET_OK &&
           (p->granted || (!p->known_entitlements && str_is(str_of(p->status), "ACTIVE")));
}

void refresh_end(struct task *t, const char *status)
{
    struct refresh *s = t->state;
    int64_t now = clock_wall_ms();
    struct args a;

    LOG(LOG_WARN, "refresh.ended", FS("order", t->subject), F("status", status));
    args_init(&a, t);
    args_add(&a, t->subject);
    args_int(&a, s->at);
    args_kv(&a, "contract", str_is(str_of(status), "EXPIRED") ? STR("EXPIRED") : STR("CANCELLED"));
    args_kvi(&a, "at_ended", now);
    args_kvi(&a, "delete_at", now + (int64_t)purchase_grace_ms(s->cfg, s->plan));
    args_kv(&a, "reason", str_of(status));
    crash_point("refresh.before_order");
    task_store(t, t->shard, STORE_ORDER_UPSERT, a.v, a.n, ended);
}

/* A buyer waits: soon at first, then as often as a quarter of the time that he has waited. */
static void ask_later(struct task *t)
{
    struct refresh *s = t->state;
    int64_t ms = s->waiting_ms / 4;

    task_wait(t, (uint64_t)(ms < ASK_MIN_MS ? ASK_MIN_MS : ms > ASK_MAX_MS ? ASK_MAX_MS : ms));
}

/* It may go on as something else, and only what else its account has can tell. */
static bool has_run_out(const struct refresh *s, const struct market_result *r)
{
    const struct market_purchase *p = &r->purchase;

    if (r->cls != MARKET_OK || s->cfg->mode != CFG_CONCURRENT || p->granted ||
        !s->known.account[0] || !s->ops->holdings)
        return false;
    return purchase_superseded(str_of(p->status)) ||
           (p->status[0] == '\0' && p->known_entitlements && !s->cfg->metered && !s->pending);
}

/* No walk meets it, and there is something to be read. */
static bool is_unlisted(const struct cfg_market *m, const struct market_result *r)
{
    const struct market_purchase *p = &r->purchase;

    return r->cls == MARKET_OK && (p->known_entitlements || p->status[0]) &&
           (!standing_listed(m) || p->status[0] == '\0');
}

static void refreshed(void *arg, const struct market_result *r)
{
    struct task *t = arg;
    struct refresh *s = t->state;
    struct market_purchase p;
    struct args a = {.t = t};

    if (!task_release(t))
        return;
    crash_point("refresh.after_market");
    s->unlisted = is_unlisted(s->cfg, r);
    if (r->cls == MARKET_RETRY || r->cls == MARKET_CONFIG) {
        truth_failed(t, s->cfg, r->cls, r->code, r->retry_after_ms);
    } else if (has_ended(s, r)) {
        refresh_end(t, r->cls == MARKET_GONE ? "EXPIRED" : r->purchase.status);
    } else if (has_run_out(s, r)) {
        refresh_heir(t, r->purchase.status);
    } else if (is_granted(r)) {
        if (!purchase_copy(t, &r->purchase, &p)) {
            task_retry(t, "RETRY", "no memory for the purchase", 0);
            return;
        }
        purchase_args(&a, s->cfg, t->subject, &p, true, s->at);
        if (s->gone_since)
            args_kv(&a, "gone_since", STR(""));
        crash_point("refresh.before_order");
        task_store(t, t->shard, STORE_ORDER_UPSERT, a.v, a.n, refresh_written);
    } else if (s->pending && r->cls == MARKET_OK) {
        ask_later(t);
    } else {
        refresh_rest(t);
    }
}

static const char *kept(struct task *t, const struct store_rows *rows, const char *key)
{
    const char *s = arena_dup(t->arena, store_get(rows, key));

    return s ? s : "";
}

static void take(struct task *t, const struct store_rows *rows)
{
    struct refresh *s = t->state;
    const struct store_row *r = &rows->row[0];

    s->known = market_purchase_none;
    s->known.purchase = kept(t, rows, "o.purchase");
    s->known.license = kept(t, rows, "o.license");
    s->known.agreement = kept(t, rows, "o.agreement");
    s->known.account = kept(t, rows, "o.account");
    s->known.customer = kept(t, rows, "o.customer");
    s->known.product_code = kept(t, rows, "o.product_code");
    s->known.offer = kept(t, rows, "o.offer");
    s->plan = arena_str(t->arena, store_get(rows, "o.plan"));
    s->channel = arena_str(t->arena, store_get(rows, "o.channel"));
    s->product = arena_str(t->arena, store_get(rows, "o.product"));
    s->at = store_row_int(r, "o.at", 0);
    s->gone_since = store_row_int(r, "o.gone_since", 0);
    s->now = store_row_int(r, "now", 0);
    s->waiting_ms = s->now - store_row_int(r, "o.at_registered", 0);
    s->market = snapshot_market(t->snap, store_get(rows, "o.channel"), store_get(rows, "o.product"),
                                &s->ops, &s->cfg);
}

static void loaded(struct task *t, int rc, const struct store_rows *rows)
{
    struct refresh *s = arena_alloc(t->arena, sizeof(*s));
    struct str contract = store_get(rows, "o.contract");
    bool registered = str_is(store_get(rows, "o.registered"), "1");

    if (rc && rc != -ENOENT) {
        task_retry(t, "RETRY", "cannot read the order", 0);
        return;
    }
    if (rc == 0 && standing_channel(config_market(t->snap->cfg, store_get(rows, "o.channel"),
                                                  store_get(rows, "o.product")))) {
        refresh_truth(t, rows);
        return;
    }
    if (rc || !registered || !s || !(str_is(contract, "PENDING") || str_is(contract, "ACTIVE"))) {
        task_done(t);
        return;
    }
    t->state = s;
    s->pending = str_is(contract, "PENDING");
    take(t, rows);
    if (!s->market || !s->ops->refresh) {
        task_done(t);
        return;
    }
    crash_point("refresh.before_market");
    task_hold(t);
    s->ops->refresh(s->market, &s->known, refreshed, t);
}

void refresh_run(struct task *t)
{
    task_store(t, t->shard, STORE_ORDER_GET, &t->subject, 1, loaded);
}
