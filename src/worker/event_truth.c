/*
 * event_truth: an event of a channel that has its own record of each purchase (azure, gcp).
 *
 * The event only says where to look: the channel is asked and what it answers is written. While the
 * answer does not show yet what the event announced, it is asked again, for a minute. An
 * account's end is handed to the refresh task of each of its orders.
 */
#include "base/clock.h"
#include "base/log.h"
#include "worker/event.h"
#include "worker/truth.h"

enum {
    LOOK_AGAIN_MS = 2000,
    ERASE_LAG_MS = 20000,
    LAG_MIN_MS = 1000,
    LAG_MAX_MS = 60000,
    ACCOUNT_ORDERS = 1000
};

static void look_again(struct truth *x, int64_t ms)
{
    truth_later(x->t, x->shard, x->order, ms, x->erase ? "erase" : "", truth_later_done);
}

/* What the channel must show when the event is the newest one. */
static bool shown(const struct truth *x, const struct market_event *ev)
{
    enum market_standing s = x->p.standing;

    switch (ev->kind) {
    case EVENT_ENDED:
    case EVENT_FAILED:
    case EVENT_ERASE:
        return s == STANDING_ENDED;
    case EVENT_SUSPENDED:
        return s == STANDING_SUSPENDED || s == STANDING_ENDED;
    case EVENT_REINSTATED:
        return s == STANDING_ACTIVE || s == STANDING_ENDED;
    case EVENT_CHANGE_ASKED:
        return ev->plan[0] == '\0' || str_is(str_of(x->p.plan), ev->plan);
    default:
        return true;
    }
}

static struct truth *truth_of(struct task *t)
{
    struct event_work *e = t->state;
    const struct cfg_market *m = /* a hint: the channel's answer decides */
        standing_market(t->snap->cfg, e->cfg->channel, e->product_code);
    struct truth *x = truth_new(t, e->channel, m ? str_of(m->name) : e->product, e->purchase);

    if (x) {
        x->account = e->account;
        x->change_id = e->ev.change_id;
        x->reinstated = e->ev.kind == EVENT_REINSTATED && e->ev.change_id[0];
        x->ended = e->ev.kind == EVENT_ENDED || e->ev.kind == EVENT_ERASE;
        x->erase = e->ev.kind == EVENT_ERASE;
        x->event = &e->ev;
        x->user = e;
    }
    return x;
}

/* A channel may be slow to show what it told us of; an old event is never shown. */
static void wait_for_it(struct truth *x)
{
    struct event_work *e = x->user;
    int64_t age = (x->now.exists ? x->now.now : clock_wall_ms()) - e->stored_ms;

    if (age > LAG_MAX_MS)
        task_done(x->t);
    else
        task_wait(x->t, (uint64_t)(age / 2 < LAG_MIN_MS ? LAG_MIN_MS : age / 2));
}

static void done(struct truth *x)
{
    bool late = x->end == TRUTH_WRITTEN && x->now.exists && !x->now.ended && !shown(x, x->event);

    /* Told of before it can be read: nobody may come to ask for it again. */
    bool early = x->end == TRUTH_ABSENT && x->unknown && x->event->kind == EVENT_PURCHASED;
    bool incomplete =
        x->end == TRUTH_WRITTEN && !x->now.ended && standing_lacks_usage(x->cfg, &x->p);

    if (x->end == TRUTH_WRITTEN && (x->awaits || x->stale || incomplete))
        look_again(x, LOOK_AGAIN_MS);
    else if (late && x->erase)
        look_again(x, ERASE_LAG_MS);
    else if (late || early)
        wait_for_it(x);
    else
        task_done(x->t);
}

struct account {
    struct event_work *e;
    size_t listing; /* index into the configuration */
    struct str *orders;
    size_t n, at;
};

static void next_listing(struct task *t);

static void next_order(struct task *t, int rc, const struct store_rows *rows)
{
    struct account *acc = t->state;
    struct str order;
    unsigned shard;

    (void)rows;
    if (rc) {
        task_retry(t, "RETRY", "cannot queue the refresh", 0);
        return;
    }
    if (acc->at == acc->n) {
        acc->listing++;
        next_listing(t);
        return;
    }
    order = acc->orders[acc->at++];
    if (id_shard(order, store_shards(t->w->store), &shard)) {
        next_order(t, 0, NULL);
        return;
    }
    truth_later(t, shard, order, 0, "erase", next_order);
}

static void account_orders(struct task *t, int rc, const struct store_rows *rows)
{
    struct account *acc = t->state;

    if (rc) {
        task_retry(t, "RETRY", "cannot read the account's orders", 0);
        return;
    }
    acc->n = rows->n < ACCOUNT_ORDERS ? rows->n : ACCOUNT_ORDERS;
    acc->at = 0;
    acc->orders = arena_alloc(t->arena, acc->n * sizeof(*acc->orders) + 1);
    if (!acc->orders) {
        task_retry(t, "RETRY", "task memory is used up", 0);
        return;
    }
    for (size_t i = 0; i < acc->n; i++)
        acc->orders[i] = arena_str(t->arena, store_row_get(&rows->row[i], "order"));
    next_order(t, 0, NULL);
}

static void next_listing(struct task *t)
{
    struct account *acc = t->state;
    const struct config *c = t->snap->cfg;
    struct str args[3] = {acc->e->channel, STR(""), acc->e->account};

    while (acc->listing < c->nmarkets && !(str_is(args[0], c->markets[acc->listing].channel) &&
                                           c->markets[acc->listing].product_code[0]))
        acc->listing++;
    if (acc->listing == c->nmarkets) {
        task_done(t);
        return;
    }
    args[1] = str_of(c->markets[acc->listing].product_code);
    task_store(t, id_shard_of(args[0], args[2], store_shards(t->w->store)), STORE_ACCOUNT_GET, args,
               3, account_orders);
}

/* The account itself is gone: each of its orders is asked for, and erased once it has ended. */
static void erase_account(struct task *t)
{
    struct account *acc = arena_alloc(t->arena, sizeof(*acc));

    if (!acc) {
        task_retry(t, "RETRY", "task memory is used up", 0);
        return;
    }
    acc->e = t->state;
    t->state = acc;
    next_listing(t);
}

void event_truth(struct task *t)
{
    struct event_work *e = t->state;
    struct truth *x;

    if (e->ev.kind == EVENT_ACCOUNT) {
        task_done(t);
    } else if (e->purchase.n == 0 && e->ev.kind == EVENT_ERASE && e->account.n) {
        LOG(LOG_WARN, "event.account_gone", FS("event", t->subject));
        erase_account(t);
    } else if (e->purchase.n == 0) {
        LOG(LOG_INFO, "event.no_purchase", FS("event", t->subject), F("type", e->ev.type));
        task_done(t);
    } else if ((x = truth_of(t)) != NULL) {
        x->done = done;
        truth_find(x, truth_ask);
    }
}
