/*
 * The list names no predecessor. What was renewed or replaced is known by its status, though, and
 * the orders of an account by their index: the one live order whose agreement was superseded is
 * what the new agreement continues. With several of them nothing is guessed.
 */
#include <errno.h>

#include "worker/reconcile.h"

enum { ORDERS_MAX = 200 };

static void next_order(struct task *t);

static void judged(struct task *t, int rc, const struct store_rows *rows)
{
    struct agreement_work *k = t->state;
    struct str status = store_get(rows, "status");

    if (rc) {
        task_retry(t, "RETRY", "cannot read the agreement of another order", 0);
        return;
    }
    if (str_is(status, "RENEWED") || str_is(status, "REPLACED")) {
        k->previous = k->agreement;
        k->ended = arena_str(t->arena, status);
        k->candidates++;
    }
    next_order(t);
}

static void other_read(struct task *t, int rc, const struct store_rows *rows)
{
    struct agreement_work *k = t->state;
    struct str args[3] = {k->r->channel, STR(""), STR("0")};

    if (rc && rc != -ENOENT) {
        task_retry(t, "RETRY", "cannot read an order of the account", 0);
        return;
    }
    if (rc ||
        !(str_is(store_get(rows, "o.contract"), "ACTIVE") ||
          str_is(store_get(rows, "o.contract"), "PENDING")) ||
        !str_eq(store_get(rows, "o.product"), k->r->product) ||
        str_is(store_get(rows, "o.purchase"), k->p->purchase) || store_get(rows, "o.merged").n ||
        store_get(rows, "o.agreement").n == 0) {
        next_order(t);
        return;
    }
    args[1] = k->agreement = arena_str(t->arena, store_get(rows, "o.agreement"));
    task_store(t, id_shard_of(args[0], args[1], store_shards(t->w->store)), STORE_AGREEMENT, args,
               3, judged);
}

static void next_order(struct task *t)
{
    struct agreement_work *k = t->state;
    unsigned shard = 0;

    while (k->at < k->norders && id_shard(k->orders[k->at], store_shards(t->w->store), &shard))
        k->at++;
    if (k->at == k->norders)
        k->found(t);
    else
        task_store(t, shard, STORE_ORDER_GET, &k->orders[k->at++], 1, other_read);
}

static void account_orders(struct task *t, int rc, const struct store_rows *rows)
{
    struct agreement_work *k = t->state;

    if (rc) {
        task_retry(t, "RETRY", "cannot read the account's orders", 0);
        return;
    }
    k->orders = arena_alloc(t->arena, rows->n * sizeof(*k->orders) + 1);
    if (!k->orders) {
        task_retry(t, "RETRY", "task memory is used up", 0);
        return;
    }
    for (size_t i = 0; i < rows->n && k->norders < ORDERS_MAX; i++) {
        struct str o = store_row_get(&rows->row[i], "order");

        if (o.n && !str_is(o, k->natural))
            k->orders[k->norders++] = arena_str(t->arena, o);
    }
    next_order(t);
}

void reconcile_renewal(struct task *t, void (*found)(struct task *t))
{
    struct agreement_work *k = t->state;
    struct str args[3] = {k->r->channel, str_of(k->r->cfg->product_code), str_of(k->p->account)};

    k->found = found;
    task_store(t, id_shard_of(args[0], args[2], store_shards(t->w->store)), STORE_ACCOUNT_GET, args,
               3, account_orders);
}
