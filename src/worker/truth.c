#include "worker/truth.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/rand.h"
#include "worker/purchase.h"

enum { HOPS = 16, GONE_BELIEVED_MS = 3600 * 1000, CONFIG_MIN_MS = 5000, CONFIG_MAX_MS = 300000 };

struct truth *truth_new(struct task *t, struct str channel, struct str product, struct str purchase)
{
    struct truth *x = arena_alloc(t->arena, sizeof(*x));

    if (!x) {
        task_retry(t, "RETRY", "task memory is used up", 0);
        return NULL;
    }
    x->t = t;
    x->channel = arena_dup(t->arena, channel);
    x->product = arena_str(t->arena, product);
    x->purchase = arena_str(t->arena, purchase);
    x->change_id = "";
    x->p = market_purchase_none;
    x->now.known = market_purchase_none;
    return x;
}

void truth_failed(struct task *t, const struct cfg_market *m, enum market_class cls,
                  const char *code, uint64_t retry_after_ms)
{
    if (cls == MARKET_CONFIG) {
        alarm_raise(t->w, m, "alert-credentials", "", code);
        if (retry_after_ms == 0)
            retry_after_ms =
                CONFIG_MIN_MS + rand_backoff_ms((unsigned)t->tries, CONFIG_MIN_MS, CONFIG_MAX_MS);
    }
    task_retry(t, market_class_name(cls), code, retry_after_ms);
}

/* One call of the chain: the store's continuation only knows the task. */
struct step {
    struct truth *x;
    void (*next)(struct truth *x);
    unsigned hops;
};

static struct step *step_new(struct truth *x, void (*next)(struct truth *x))
{
    struct step *s = arena_alloc(x->t->arena, sizeof(*s));

    if (!s) {
        task_retry(x->t, "RETRY", "task memory is used up", 0);
        return NULL;
    }
    *s = (struct step){x, next, 0};
    x->t->state = s;
    return s;
}

static void found(struct task *t, int rc, const struct store_rows *rows)
{
    struct step *s = t->state;
    struct truth *x = s->x;

    if (rc) {
        task_retry(t, "RETRY", "cannot find the order", 0);
        return;
    }
    x->order = arena_str(t->arena, store_get(rows, "order"));
    if (id_shard(x->order, store_shards(t->w->store), &x->shard))
        task_dead(t, "STUCK", "the order index names no order");
    else if (str_is(store_get(rows, "remote"), "1") && s->hops++ < HOPS)
        task_store(t, x->shard, STORE_ORDER_FIND, &x->order, 1, found);
    else
        s->next(x);
}

void truth_find(struct truth *x, void (*next)(struct truth *x))
{
    char natural[ID_ORDER];
    unsigned shard = purchase_order(x->t->w, str_of(x->channel), x->purchase, natural);
    struct str arg = str_of(natural);

    if (step_new(x, next))
        task_store(x->t, shard, STORE_ORDER_FIND, &arg, 1, found);
}

static void loaded(struct task *t, int rc, const struct store_rows *rows)
{
    struct step *s = t->state;
    struct truth *x = s->x;

    if (rc && rc != -ENOENT) {
        task_retry(t, "RETRY", "cannot read the order", 0);
        return;
    }
    order_now_read(t, rc ? NULL : rows, &x->now);
    if (x->now.exists && config_market(t->snap->cfg, str_of(x->channel), x->now.product))
        x->product = x->now.product; /* else it was renamed: the caller's guess */
    x->market = snapshot_market(t->snap, str_of(x->channel), x->product, &x->ops, &x->cfg);
    if (x->market)
        s->next(x);
    else
        task_retry(t, "CONFIG", "the order's product is not configured", 60000);
}

void truth_load(struct truth *x, void (*next)(struct truth *x))
{
    if (step_new(x, next))
        task_store(x->t, x->shard, STORE_ORDER_GET, &x->order, 1, loaded);
}

static void finish(struct truth *x, enum truth_end end)
{
    x->end = end;
    x->done(x);
}

static void answered_change(void *arg, enum market_class cls, const char *code,
                            uint64_t retry_after_ms)
{
    struct truth *x = arg;
    struct task *t = x->t;

    if (!task_release(t))
        return;
    crash_point("truth.after_answer");
    if (cls == MARKET_RETRY || cls == MARKET_CONFIG) {
        truth_failed(t, x->cfg, cls, code, retry_after_ms);
        return;
    }
    LOG(cls == MARKET_OK ? LOG_INFO : LOG_WARN, "change.answered", FS("order", x->order),
        F("answer", x->answer == ANSWER_REFUSE ? "refuse" : "accept"), F("plan", x->p.pending_plan),
        F("class", market_class_name(cls)), F("code", code));
    if (cls != MARKET_OK || x->answer == ANSWER_REFUSE) {
        /* Refused by us, or vanished: what was read of it is no longer so. */
        x->p.pending_plan = x->p.change_id = "";
        x->p.pending_quantity = 0;
    } else if (x->p.pending_plan[0] || x->p.pending_quantity) {
        x->awaits = true;
    } else {
        x->p.change_id = ""; /* a Reinstate: its effect is waited for like that of any event */
    }
    truth_write(x);
}

/* The 10 s of a webhook run: nothing that takes time stands before this. */
static void answer_change(struct truth *x)
{
    const struct market_caps *caps = market_caps_of(x->ops, x->cfg);
    struct market_purchase known = x->p;

    x->answer = change_decide(x->cfg, caps, &x->p);
    if (x->answer == ANSWER_NONE && x->reinstated && x->p.standing != STANDING_ENDED &&
        x->change_id[0]) {
        known.change_id = x->change_id;
        x->answer = ANSWER_ACCEPT;
    }
    if (!x->ops->tell || x->answer == ANSWER_NONE || x->answer == ANSWER_HOLD) {
        if (x->answer == ANSWER_HOLD)
            LOG(LOG_ERROR, "change.unknown_plan", FS("order", x->order),
                F("plan", x->p.pending_plan));
        truth_write(x);
        return;
    }
    crash_point("truth.before_answer");
    task_hold(x->t);
    x->ops->tell(x->market,
                 x->answer == ANSWER_REFUSE ? MARKET_REJECT_CHANGE : MARKET_ACCEPT_CHANGE, &known,
                 x->answer == ANSWER_REFUSE ? STR("This change of plan is not offered.") : STR(""),
                 answered_change, x);
}

/* A purchase that the channel does not know. A running one is not ended by a single such answer: a
 * wrong address answers so, too. */
static void gone(struct truth *x)
{
    struct str pending = STR("PENDING");

    x->unknown = true;
    if (!x->now.exists) {
        finish(x, TRUTH_ABSENT);
        return;
    }
    x->p = x->now.known;
    x->p.read_ms = x->asked_ms;
    x->p.status = "";
    if (x->now.ended || x->ended || str_eq(x->now.contract, pending) ||
        (x->now.gone_since && x->asked_ms - x->now.gone_since >= GONE_BELIEVED_MS)) {
        x->p.standing = STANDING_ENDED;
    } else {
        LOG(LOG_WARN, "truth.unknown_purchase", FS("order", x->order));
        x->awaits = true;
    }
    truth_write(x);
}

static void ask(struct truth *x);

/* Which listing is it really? An account of a seller has many, and events do not always say. */
static bool choose_listing(struct truth *x, const char *product_code)
{
    const struct cfg_market *real;

    if (product_code[0] == '\0' && x->now.exists)
        return true;
    real = standing_market(x->t->snap->cfg, x->channel, str_of(product_code));
    if (real && real != x->cfg) {
        x->market =
            snapshot_market(x->t->snap, str_of(x->channel), str_of(real->name), &x->ops, &x->cfg);
        x->product = str_of(real->name);
    }
    return real != NULL;
}

static void foreign(struct truth *x, const char *product_code)
{
    LOG(LOG_INFO, "truth.other_product", F("channel", x->channel), F("product_code", product_code));
    finish(x, TRUTH_FOREIGN);
}

static void refreshed(void *arg, const struct market_result *r)
{
    struct truth *x = arg;
    struct task *t = x->t;

    if (!task_release(t))
        return;
    crash_point("truth.after_market");
    if (r->cls == MARKET_RETRY || r->cls == MARKET_CONFIG) {
        truth_failed(t, x->cfg, r->cls, r->code, r->retry_after_ms);
    } else if (r->cls == MARKET_GONE) {
        gone(x);
    } else if (r->cls == MARKET_PRODUCT && !x->switched && r->purchase.product_code[0] &&
               choose_listing(x, r->purchase.product_code)) {
        x->switched = true;
        ask(x);
    } else if (r->cls != MARKET_OK) {
        foreign(x, r->cls == MARKET_PRODUCT ? r->purchase.product_code : "");
    } else if (!purchase_copy(t, &r->purchase, &x->p)) {
        task_retry(t, "RETRY", "no memory for the purchase", 0);
    } else if (!choose_listing(x, x->p.product_code)) {
        foreign(x, x->p.product_code);
    } else if (!x->now.exists && x->p.standing == STANDING_ENDED) {
        finish(x, TRUTH_ABSENT);
    } else {
        answer_change(x);
    }
}

static void ask(struct truth *x)
{
    struct market_purchase known = x->now.known;

    if (known.purchase[0] == '\0') {
        known.purchase = arena_dup(x->t->arena, x->purchase);
        known.account = arena_dup(x->t->arena, x->account);
        known.product_code = x->cfg->product_code;
    }
    if (x->change_id[0])
        known.change_id = x->change_id;
    x->asked_ms = clock_wall_ms();
    crash_point("truth.before_market");
    task_hold(x->t);
    x->ops->refresh(x->market, &known, refreshed, x);
}

void truth_ask(struct truth *x)
{
    truth_load(x, ask);
}
