/*
 * What is known here of an agreement that a walk reads: its record, made of what events told.
 *
 * An agreement may have ended without an event that named its licence: its order, made by a
 * landing, does not know it either, so the end (or the renewal) of what it serves would be missed.
 * The channel still tells the licence. Asked for where the account has orders here, and once.
 */
#include "base/crash.h"
#include "worker/reconcile.h"

static bool is_active(const struct agreement_work *k)
{
    return str_is(str_of(k->p->status), "ACTIVE");
}

static void recorded(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot record the agreement", 0);
    else
        reconcile_agreement_order(t);
}

static void record_license(struct task *t, const struct market_purchase *p)
{
    struct agreement_work *k = t->state;
    struct args a;

    args_init(&a, t);
    args_add(&a, k->r->channel);
    args_cstr(&a, p->agreement);
    args_int(&a, p->read_ms);
    args_kv(&a, "looked", STR("1"));
    args_kv(&a, "license", str_of(p->license));
    args_kv(&a, "purchase", str_of(p->purchase));
    if (p->purchase[0])
        args_kv(&a, "status", str_of(p->status));
    task_store(t, id_shard_of(k->r->channel, str_of(p->agreement), store_shards(t->w->store)),
               STORE_AGREEMENT, a.v, a.n, recorded);
}

static void answered(void *arg, const struct market_result *r)
{
    struct task *t = arg;
    struct agreement_work *k = t->state;
    struct market_purchase *p = &k->r->p[k->r->at];

    if (!task_release(t))
        return;
    crash_point("reconcile.after_license");
    if (r->cls == MARKET_RETRY) {
        task_retry(t, "RETRY", r->code, r->retry_after_ms);
        return;
    }
    if (r->cls != MARKET_OK || r->code[0]) {
        reconcile_agreement_order(t); /* refused: a later walk may be allowed to ask */
        return;
    }
    p->license = arena_dup(t->arena, str_of(r->purchase.license));
    p->purchase = arena_dup(t->arena, str_of(r->purchase.purchase));
    if (p->license && p->purchase)
        record_license(t, p);
    else
        task_retry(t, "RETRY", "no memory for the licence", 0);
}

static void account_orders(struct task *t, int rc, const struct store_rows *rows)
{
    struct agreement_work *k = t->state;
    struct market_purchase known = market_purchase_none;

    if (rc) {
        task_retry(t, "RETRY", "cannot read the account's orders", 0);
        return;
    }
    if (rows->n == 0) {
        reconcile_agreement_order(t);
        return;
    }
    known.agreement = k->p->agreement;
    known.account = k->p->account;
    known.status = k->p->status;
    known.product_code = k->r->cfg->product_code;
    task_hold(t);
    k->r->ops->refresh(k->r->market, &known, answered, t);
}

static void ask_license(struct task *t)
{
    struct agreement_work *k = t->state;
    struct str args[] = {k->r->channel, str_of(k->r->cfg->product_code), str_of(k->p->account)};

    if (args[2].n == 0 || !k->r->ops->refresh)
        reconcile_agreement_order(t);
    else
        task_store(t, id_shard_of(args[0], args[2], store_shards(t->w->store)), STORE_ACCOUNT_GET,
                   args, 3, account_orders);
}

/* A status that is final, as of now; the successor's search needs it. */
static void record(struct task *t)
{
    struct agreement_work *k = t->state;
    struct args a;

    args_init(&a, t);
    args_add(&a, k->r->channel);
    args_cstr(&a, k->p->agreement);
    args_int(&a, k->p->read_ms);
    args_kv(&a, "status", str_of(k->p->status));
    task_store(t, id_shard_of(k->r->channel, str_of(k->p->agreement), store_shards(t->w->store)),
               STORE_AGREEMENT, a.v, a.n, recorded);
}

static void record_read(struct task *t, int rc, const struct store_rows *rows)
{
    struct agreement_work *k = t->state;
    const char *license;

    if (rc) {
        task_retry(t, "RETRY", "cannot read the agreement", 0);
        return;
    }
    k->intent = arena_str(t->arena, store_get(rows, "intent"));
    k->status = arena_str(t->arena, store_get(rows, "status"));
    k->purchase = arena_str(t->arena, store_get(rows, "purchase"));
    license = arena_dup(t->arena, store_get(rows, "license"));
    if (license && k->p->license[0] == '\0')
        k->r->p[k->r->at].license = license;
    if (!license)
        task_retry(t, "RETRY", "task memory is used up", 0);
    else if (!is_active(k) && k->purchase.n && !str_is(k->status, k->p->status))
        record(t);
    else if (!is_active(k) && k->purchase.n == 0 && !str_is(store_get(rows, "looked"), "1"))
        ask_license(t);
    else
        reconcile_agreement_order(t);
}

void reconcile_agreement(struct task *t)
{
    struct reconcile *r = t->state;
    struct agreement_work *k = arena_alloc(t->arena, sizeof(*k));
    struct str args[3];

    if (!k) {
        task_retry(t, "RETRY", "task memory is used up", 0);
        return;
    }
    k->r = r;
    k->p = &r->p[r->at];
    t->state = k;
    args[0] = r->channel;
    args[1] = str_of(k->p->agreement);
    args[2] = STR("0");
    task_store(t, id_shard_of(args[0], args[1], store_shards(t->w->store)), STORE_AGREEMENT, args,
               3, record_read);
}
