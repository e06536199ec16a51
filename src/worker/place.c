/*
 * place: a submitted registration moves to the shard of its order.
 *
 * Only needed when the two live in different shards, or when the form was accepted before the
 * marketplace answered. Both scripts are idempotent and this task is durable until the second one
 * has been done, so the hand-over happens exactly once whatever dies in between.
 */
#include <errno.h>

#include "base/crash.h"
#include "base/log.h"
#include "worker/kinds.h"

static void marked(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc && rc != -ENOENT)
        task_retry(t, "RETRY", "cannot mark the registration as placed", 0);
    else
        task_done(t);
}

static void placed(struct task *t, int rc, const struct store_rows *rows)
{
    struct args *a = t->state;

    if (rc) {
        task_retry(t, "RETRY", "cannot place the registration", 0);
        return;
    }
    if (str_is(store_get(rows, "remote"), "1")) {
        /* Renewed meanwhile: the order that it belongs to lives in yet another shard. */
        a->v[0] = arena_str(t->arena, store_get(rows, "order"));
        task_store(t, (unsigned)store_row_int(&rows->row[0], "shard", 0), STORE_ORDER_PLACE, a->v,
                   a->n, placed);
        return;
    }
    crash_point("place.between");
    task_store(t, t->shard, STORE_REG_PLACED, (struct str[]){t->id, t->token, t->subject, a->v[0]},
               4, marked);
}

static void loaded(struct task *t, int rc, const struct store_rows *rows)
{
    struct str order = store_get(rows, "order");
    struct args *a;
    unsigned shard;

    if (rc == -ENOENT) {
        task_done(t);
        return;
    }
    if (rc || id_shard(order, store_shards(t->w->store), &shard)) {
        task_retry(t, "RETRY", rc ? "cannot load the registration" : "not resolved yet", 0);
        return;
    }
    a = arena_alloc(t->arena, sizeof(*a));
    if (!a) {
        task_retry(t, "RETRY", "no memory", 0);
        return;
    }
    t->state = a;
    args_init(a, t);
    args_add(a, arena_str(t->arena, order));
    args_add(a, arena_str(t->arena, store_get(rows, "cap")));
    args_int(a, (int64_t)t->snap->cfg->front.capability_ttl_ms);
    args_add(a, arena_str(t->arena, store_get(rows, "form")));
    args_add(a, arena_str(t->arena, store_get(rows, "email")));
    args_int(a, (int64_t)t->snap->cfg->notify.late_after_ms);
    task_store(t, shard, STORE_ORDER_PLACE, a->v, a->n, placed);
}

void place_run(struct task *t)
{
    struct str args[] = {t->id, t->token, t->subject};

    task_store(t, t->shard, STORE_REG_LOAD, args, 3, loaded);
}
