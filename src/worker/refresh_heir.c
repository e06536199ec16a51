/*
 * refresh_heir: the purchase of a live order has run out (succession.h says what that means).
 *
 * An end is believed when it was read twice, one walk of the reconciler (at most an hour) apart: a
 * new licence may take a while to show. A licence that goes on with the order takes the way of a
 * linked renewal: alias, merge, one write.
 */
#include <errno.h>

#include "base/crash.h"
#include "base/log.h"
#include "worker/purchase.h"
#include "worker/refresh.h"
#include "worker/succession.h"

enum { BELIEVED_MAX_MS = 3600 * 1000 };

struct heir {
    struct refresh *r;
    struct succession s;
    char natural[ID_ORDER];
    unsigned shard; /* of natural */
};

static int64_t believed_ms(const struct task *t)
{
    uint64_t every = t->snap->cfg->worker.reconcile_ms;

    return every < BELIEVED_MAX_MS ? (int64_t)every : BELIEVED_MAX_MS;
}

static void note_doubt(struct task *t, struct str since, task_cont *next)
{
    const struct refresh *r = t->state;
    struct args a;

    args_init(&a, t);
    args_add(&a, t->subject);
    args_int(&a, r->at);
    args_kv(&a, "gone_since", since);
    task_store(t, t->shard, STORE_ORDER_UPSERT, a.v, a.n, next);
}

static void doubted(struct task *t, int rc, const struct store_rows *rows)
{
    if (rc)
        refresh_written(t, rc, rows);
    else
        task_wait(t, (uint64_t)believed_ms(t));
}

/* --- nothing of the account serves it -----------------------------------------------------------
 */

static void gone(struct task *t, const char *status)
{
    const struct refresh *r = t->state;
    int64_t left = r->gone_since + believed_ms(t) - r->now;

    if (r->gone_since && left <= 0)
        refresh_end(t, status[0] ? status : "EXPIRED");
    else if (r->gone_since)
        task_wait(t, (uint64_t)left);
    else
        note_doubt(t, str_of(arena_fmt(t->arena, "%lld", (long long)r->now)), doubted);
}

/* --- another licence serves it ------------------------------------------------------------------
 */

static struct heir *heir_of(struct task *t)
{
    return t->state;
}

static void heir_read(void *arg, const struct market_result *res)
{
    struct task *t = arg;
    struct heir *h = heir_of(t);
    struct market_purchase p;
    struct args a = {.t = t};

    if (!task_release(t))
        return;
    t->state = h->r;
    if (res->cls == MARKET_RETRY || res->cls == MARKET_CONFIG) {
        truth_failed(t, h->r->cfg, res->cls, res->code, res->retry_after_ms);
    } else if (res->cls != MARKET_OK || !res->purchase.granted) {
        refresh_rest(t); /* it has run out in the meantime */
    } else if (!purchase_copy(t, &res->purchase, &p)) {
        task_retry(t, "RETRY", "no memory for the purchase", 0);
    } else {
        LOG(LOG_WARN, "refresh.continued", FS("order", t->subject));
        purchase_args(&a, h->r->cfg, t->subject, &p, true, h->r->at);
        if (p.agreement[0] == '\0') /* the old one's would speak for it */
            args_kv(&a, "agreement", STR(""));
        args_kv(&a, "gone_since", STR(""));
        args_kv(&a, "supersede", STR("1"));
        crash_point("refresh.before_order");
        task_store(t, t->shard, STORE_ORDER_UPSERT, a.v, a.n, refresh_written);
    }
}

static void told(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    t->state = heir_of(t)->r;
    if (rc)
        task_retry(t, "RETRY", "cannot queue the alert", 0);
    else
        refresh_rest(t);
}

static void unknown(struct task *t)
{
    const struct heir *h = heir_of(t);
    const char *what =
        arena_fmt(t->arena, "%.*s, one of %zu orders", STR_FMT(t->subject), h->s.others + 1);

    LOG(LOG_WARN, "refresh.unlinked", FS("order", t->subject), FI("licences", h->s.heirs),
        FI("others", h->s.others));
    alarm_once(t, h->r->cfg, "alert-unlinked", arena_dup(t->arena, t->subject), what ? what : "",
               told);
}

static void merged(struct task *t, int rc, const struct store_rows *rows)
{
    struct heir *h = heir_of(t);
    struct market_purchase known = market_purchase_none;

    (void)rows;
    if (rc == -EPERM || rc == -EEXIST) {
        unknown(t);
        return;
    }
    if (rc && rc != -ENOENT) {
        task_retry(t, "RETRY", "cannot merge the order of the licence", 0);
        return;
    }
    known.purchase = h->s.heir.purchase;
    known.license = h->s.heir.license;
    known.agreement = h->s.heir.agreement;
    known.account = h->r->known.account;
    known.product_code = h->r->known.product_code;
    task_hold(t);
    h->r->ops->refresh(h->r->market, &known, heir_read, t);
}

static void aliased(struct task *t, int rc, const struct store_rows *rows)
{
    struct heir *h = heir_of(t);
    struct str args[] = {str_of(h->natural), t->subject};

    (void)rows;
    if (rc == -EPERM || rc == -EEXIST)
        unknown(t);
    else if (rc)
        task_retry(t, "RETRY", "cannot write the alias", 0);
    else
        task_store(t, h->shard, STORE_ORDER_MERGE, args, 2, merged);
}

static void continues(struct task *t)
{
    struct heir *h = heir_of(t);
    struct str args[] = {str_of(h->natural), t->subject};

    h->shard = purchase_order(t->w, h->r->channel, str_of(h->s.heir.purchase), h->natural);
    if (str_eq(args[0] = str_of(h->natural), t->subject))
        merged(t, 0, NULL);
    else
        task_store(t, h->shard, STORE_ORDER_ALIAS, args, 2, aliased);
}

/* --- which of them? -----------------------------------------------------------------------------
 */

static void judged(struct succession *s)
{
    struct task *t = s->t;
    struct heir *h = s->user;

    t->state = s->end == SUCCESSION_CONTINUES || s->end == SUCCESSION_UNKNOWN ? (void *)h : h->r;
    if (s->end == SUCCESSION_CONTINUES)
        continues(t);
    else if (s->end == SUCCESSION_UNKNOWN)
        unknown(t);
    else if (s->end == SUCCESSION_ENDED)
        gone(t, s->status);
    else if (h->r->gone_since)
        note_doubt(t, STR(""), refresh_written);
    else
        refresh_rest(t);
}

void refresh_heir(struct task *t, const char *status)
{
    struct heir *h = arena_alloc(t->arena, sizeof(*h));
    struct refresh *r = t->state;

    r->known.status = arena_dup(t->arena, str_of(status));
    if (!h || !r->known.status) {
        task_retry(t, "RETRY", "task memory is used up", 0);
        return;
    }
    h->r = r;
    h->s = (struct succession){.t = t,
                               .order = t->subject,
                               .channel = r->channel,
                               .product = r->product,
                               .market = r->market,
                               .ops = r->ops,
                               .cfg = r->cfg,
                               .known = &r->known,
                               .user = h,
                               .done = judged};
    succession_ask(&h->s);
}
