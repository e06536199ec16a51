/*
 * resolve: the token that a buyer's browser brought becomes an order.
 *
 *   registration (sealed token) -> ResolveCustomer -> order's shard: upsert -> registration:
 * resolved
 *
 * Where the channel wants the buyer to sign in (azure), that comes first, and only a person who may
 * claim the purchase gets it (sign_in.c). Where the channel has its own record of a purchase, that
 * is what is written (truth.c).
 *
 * Crash argument: each arrow is an idempotent script or a read; the order id derives from the
 * purchase, so a second run finds the same order. The token is dropped by the last script only. The
 * answer of a sign-in works once: who it was is durable before anything else.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "worker/kinds.h"
#include "worker/resolve.h"

/* How long a token can be of use: aws 4 hours and some, azure 24. */
enum { TOKEN_MAX = 16384, GIVE_UP_MS = 5 * 3600 * 1000, AZURE_GIVE_UP_MS = 24 * 3600 * 1000 };

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

void resolve_refuse(struct task *t, const char *code)
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

void resolve_delay(struct task *t, const struct market_result *r)
{
    struct str args[] = {t->id, t->token, t->subject, STR("delayed"), STR("0")};
    struct resolve *s = t->state;
    bool azure = str_is(s->channel, "azure");

    LOG(r->cls == MARKET_CONFIG ? LOG_ERROR : LOG_WARN, "resolve.delayed",
        FS("channel", s->channel), F("class", market_class_name(r->cls)), F("code", r->code),
        FI("tries", t->tries));
    if (clock_wall_ms() - s->created_ms > (azure ? AZURE_GIVE_UP_MS : GIVE_UP_MS))
        resolve_refuse(t, "token_expired");
    else if (t->tries == 0)
        task_store(t, t->shard, STORE_REG_REFUSED, args, 5, after_delay_note);
    else
        truth_failed(t, s->cfg, r->cls, r->code, r->retry_after_ms);
}

static void finished(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot record the resolved registration", 0);
    else
        task_done(t);
}

void resolve_known(struct task *t)
{
    struct resolve *s = t->state;
    bool own = standing_channel(s->cfg);
    uint64_t quantity = s->purchase.quantity ? s->purchase.quantity : 1;
    const struct cfg_plan *plan = own ? standing_plan(s->cfg, str_of(s->purchase.plan))
                                      : purchase_plan(s->cfg, &s->purchase, &quantity);
    char mask[16];
    struct args a;

    args_init(&a, t);
    args_add(&a, t->id);
    args_add(&a, t->token);
    args_add(&a, t->subject);
    args_add(&a, s->found);
    args_int(&a, s->shard);
    args_kv(&a, "plan", str_of(plan ? plan->name : ""));
    args_kv(&a, "plan_title", str_of(plan ? plan->title : ""));
    args_kvi(&a, "quantity", (int64_t)quantity);
    args_kv(&a, "term", str_of(s->purchase.term));
    args_kvi(&a, "starts", s->purchase.starts_ms);
    args_kvi(&a, "ends", s->purchase.ends_ms);
    args_kv(&a, "trial", s->purchase.trial ? STR("1") : STR("0"));
    args_kv(&a, "account_masked", str_of(log_mask(str_of(s->purchase.account), mask)));
    args_kv(&a, "confirmed", own || s->purchase.granted ? STR("1") : STR("0"));
    if (own) {
        args_kv(&a, "claimed", s->truth->now.registered ? STR("1") : STR("0"));
        args_kv(&a, "made", s->truth->settled ? STR("1") : STR("0"));
    }
    crash_point("resolve.before_registration");
    task_store(t, t->shard, STORE_REG_RESOLVED, a.v, a.n, finished);
}

static void indexed(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot index the account", 0);
    else
        resolve_known(t);
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
                   STORE_ACCOUNT_ADD, args, 4, indexed);
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
            resolve_refuse(t, refusals[i].code);
            return;
        }
    if (r->cls != MARKET_OK) {
        resolve_delay(t, r);
        return;
    }
    if (!purchase_copy(t, &r->purchase, &s->purchase)) {
        task_retry(t, "RETRY", "no memory for the purchase", 0);
        return;
    }
    if (standing_channel(s->cfg)) {
        resolve_truth(t);
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
        resolve_refuse(t, "token_invalid");
    } else {
        crash_point("resolve.before_market");
        task_hold(t);
        s->ops->resolve(s->market, buf_view(&token), s->created_ms, resolved, t);
    }
    if (token.p)
        sodium_memzero(token.p, token.cap);
    buf_free(&token);
}

static void signed_in(struct sign_in *in)
{
    struct resolve *s = in->user;

    in->t->state = s;
    ask(in->t, s->sealed);
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
    s->sealed = arena_str(t->arena, store_get(rows, "token"));
    s->submitted = str_is(state, "submitted");
    s->created_ms = store_row_int(&rows->row[0], "created", 0);
    s->market = snapshot_market(t->snap, s->channel, s->product, &s->ops, &s->cfg);
    s->sign_in = (struct sign_in){t, s->market, s->ops, s->cfg, {"", "", "", ""}, signed_in, s};
    if (!s->market)
        resolve_refuse(t, "product_unknown");
    else if (sign_in_wanted(s->ops, s->cfg))
        sign_in_begin(&s->sign_in, &rows->row[0]);
    else
        ask(t, s->sealed);
}

void resolve_run(struct task *t)
{
    struct str args[] = {t->id, t->token, t->subject};

    task_store(t, t->shard, STORE_REG_LOAD, args, 3, loaded);
}
