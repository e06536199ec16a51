/*
 * resolve: the token that a buyer's browser brought becomes an order.
 *
 *   registration (sealed token) -> ResolveCustomer -> order's shard: upsert -> registration:
 * resolved
 *
 * Crash argument: each arrow is an idempotent script or a read; the order id derives from the
 * purchase, so a second run finds the same order. The token is dropped by the last script only.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "worker/kinds.h"
#include "worker/purchase.h"

enum { TOKEN_MAX = 16384, GIVE_UP_MS = 5 * 3600 * 1000 };

struct resolve {
    struct str channel, product;
    struct market *market;
    const struct market_ops *ops;
    const struct cfg_market *cfg;
    struct market_purchase purchase;
    char order[ID_ORDER];
    struct str found;
    unsigned shard;
    int64_t created_ms;
};

static const struct {
    enum market_class cls;
    const char *code;
} refusals[] = {
    {MARKET_EXPIRED, "token_expired"},
    {MARKET_INVALID, "token_invalid"},
    {MARKET_PRODUCT, "product_unknown"},
    {MARKET_GONE, "purchase_ended"},
};

static void after_refusal(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc && rc != -ENOENT)
        task_retry(t, "RETRY", "cannot record the refusal", 0);
    else
        task_done(t);
}

static void refuse(struct task *t, const char *code)
{
    struct str args[] = {t->id, t->token, t->subject, str_of(code), STR("1")};

    task_store(t, t->shard, STORE_REG_REFUSED, args, 5, after_refusal);
}

static void after_delay_note(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rc;
    (void)rows;
    task_retry(t, "RETRY", t->state ? "marketplace not available" : "", 0);
}

/* The buyer may go on: the page offers the form although the purchase is not known yet. */
static void delay(struct task *t, const struct market_result *r)
{
    struct str args[] = {t->id, t->token, t->subject, STR("delayed"), STR("0")};
    struct resolve *s = t->state;

    LOG(r->cls == MARKET_CONFIG ? LOG_ERROR : LOG_WARN, "resolve.delayed",
        FS("channel", s->channel), F("class", market_class_name(r->cls)), F("code", r->code),
        FI("tries", t->tries));
    if (clock_wall_ms() - s->created_ms > GIVE_UP_MS)
        refuse(t, "token_expired");
    else if (t->tries == 0)
        task_store(t, t->shard, STORE_REG_REFUSED, args, 5, after_delay_note);
    else
        task_retry(t, market_class_name(r->cls), r->code, r->retry_after_ms);
}

static void finished(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot record the resolved registration", 0);
    else
        task_done(t);
}

static void write_registration(struct task *t, int rc, const struct store_rows *rows)
{
    struct resolve *s = t->state;
    uint64_t quantity;
    const struct cfg_plan *plan = purchase_plan(s->cfg, &s->purchase, &quantity);
    char mask[16];
    struct args a;

    (void)rows;
    if (rc) {
        task_retry(t, "RETRY", "cannot index the account", 0);
        return;
    }
    args_init(&a, t);
    args_add(&a, t->id);
    args_add(&a, t->token);
    args_add(&a, t->subject);
    args_add(&a, s->found);
    args_int(&a, s->shard);
    args_kv(&a, "plan", str_of(plan ? plan->name : ""));
    args_kv(&a, "plan_title", str_of(plan ? plan->title : ""));
    args_kvi(&a, "quantity", (int64_t)quantity);
    args_kvi(&a, "starts", s->purchase.starts_ms);
    args_kvi(&a, "ends", s->purchase.ends_ms);
    args_kv(&a, "trial", s->purchase.trial ? STR("1") : STR("0"));
    args_kv(&a, "account_masked", str_of(log_mask(str_of(s->purchase.account), mask)));
    args_kv(&a, "confirmed", s->purchase.granted ? STR("1") : STR("0"));
    crash_point("resolve.before_registration");
    task_store(t, t->shard, STORE_REG_RESOLVED, a.v, a.n, finished);
}

static void index_account(struct task *t, int rc, const struct store_rows *rows)
{
    struct resolve *s = t->state;
    struct str args[] = {s->channel, str_of(s->purchase.product_code), str_of(s->purchase.account),
                         s->found};

    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot write the order", 0);
    else
        task_store(t,
                   id_shard_of(s->channel, str_of(s->purchase.account), store_shards(t->w->store)),
                   STORE_ACCOUNT_ADD, args, 4, write_registration);
}

static void write_order(struct task *t, int rc, const struct store_rows *rows)
{
    struct resolve *s = t->state;
    struct args a = {.t = t};

    if (rc) {
        task_retry(t, "RETRY", "cannot find the order", 0);
        return;
    }
    s->found = arena_str(t->arena, store_get(rows, "order"));
    if (id_shard(s->found, store_shards(t->w->store), &s->shard)) {
        task_dead(t, "STUCK", "the order index names no order");
        return;
    }
    /* Time 0: a landing fills and lifts, but an event always knows better. */
    purchase_args(&a, s->cfg, s->found, &s->purchase, false, 0);
    crash_point("resolve.before_order");
    task_store(t, s->shard, STORE_ORDER_UPSERT, a.v, a.n, index_account);
}

static void resolved(void *arg, const struct market_result *r)
{
    struct task *t = arg;
    struct resolve *s = t->state;
    struct str natural;
    unsigned shard;

    if (!task_release(t))
        return;
    crash_point("resolve.after_market");
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
        if (r->cls == refusals[i].cls) {
            LOG(LOG_INFO, "resolve.refused", F("code", refusals[i].code), F("api", r->code));
            refuse(t, refusals[i].code);
            return;
        }
    if (r->cls != MARKET_OK) {
        delay(t, r);
        return;
    }
    if (!purchase_copy(t, &r->purchase, &s->purchase)) {
        task_retry(t, "RETRY", "no memory for the purchase", 0);
        return;
    }
    shard = purchase_order(t->w, s->channel, str_of(s->purchase.purchase), s->order);
    natural = str_of(s->order);
    task_store(t, shard, STORE_ORDER_FIND, &natural, 1, write_order);
}

static void ask(struct task *t, struct str sealed)
{
    struct resolve *s = t->state;
    struct buf token;
    int rc;

    buf_init(&token, TOKEN_MAX);
    rc = seal_open(&t->w->seal, sealed, &token);
    if (rc) {
        LOG(LOG_ERROR, "resolve.unseal", FS("task", t->id), FI("rc", rc));
        refuse(t, "token_invalid");
    } else {
        crash_point("resolve.before_market");
        task_hold(t);
        s->ops->resolve(s->market, buf_view(&token), resolved, t);
    }
    if (token.p)
        sodium_memzero(token.p, token.cap);
    buf_free(&token);
}

static void loaded(struct task *t, int rc, const struct store_rows *rows)
{
    struct resolve *s = arena_alloc(t->arena, sizeof(*s));
    struct str state = store_get(rows, "state");

    if (rc == -ENOENT || (rc == 0 && store_get(rows, "token").n == 0) || str_is(state, "refused")) {
        task_done(t);
        return;
    }
    if (rc || !s) {
        task_retry(t, "RETRY", "cannot load the registration", 0);
        return;
    }
    t->state = s;
    s->channel = arena_str(t->arena, store_get(rows, "channel"));
    s->product = arena_str(t->arena, store_get(rows, "product"));
    s->created_ms = store_row_int(&rows->row[0], "created", 0);
    s->market = snapshot_market(t->snap, s->channel, s->product, &s->ops, &s->cfg);
    if (!s->market)
        refuse(t, "product_unknown");
    else
        ask(t, store_get(rows, "token"));
}

void resolve_run(struct task *t)
{
    struct str args[] = {t->id, t->token, t->subject};

    task_store(t, t->shard, STORE_REG_LOAD, args, 3, loaded);
}
