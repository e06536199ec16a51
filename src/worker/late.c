/*
 * late: asks, some time after a registration, whether the order is ready; if not, the buyer and the
 * seller are told.
 *
 * What waits for a person of the seller (by hand, for approval, held) takes as long as he needs,
 * and the buyer was told so: then only the seller is told, and it is asked again later. What begins
 * on a later day is not late before that day, and what ended never.
 */
#include <errno.h>

#include "base/log.h"
#include "store/state.h"
#include "worker/kinds.h"

struct late {
    struct str state;
    uint64_t after_ms;
};

static void told(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot mark the order late", 0);
    else
        task_done(t);
}

static void seller_told(struct task *t, int rc, const struct store_rows *rows)
{
    const struct late *l = t->state;

    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot tell that the order waits", 0);
    else
        task_wait(t, l->after_ms);
}

static void tell(struct task *t, bool by_hand)
{
    const struct late *l = t->state;
    struct args a;

    LOG(LOG_WARN, "order.late", FS("order", t->subject), FS("fulfilment", l->state));
    args_init(&a, t);
    args_add(&a, t->id);
    args_add(&a, t->token);
    args_add(&a, t->subject);
    args_kv(&a, "+mail", STR("alert-late"));
    if (!by_hand) {
        args_kv(&a, "o.late", STR("1"));
        args_kv(&a, "+mail", STR("delayed"));
        args_kv(&a, "log.type", STR("late"));
        args_kv(&a, "log.text", l->state);
    }
    task_store(t, t->shard, STORE_ORDER_WRITE, a.v, a.n, by_hand ? seller_told : told);
}

static bool is_over(const struct store_row *r, enum fulfilment f)
{
    struct str contract = store_row_get(r, "o.contract");

    return f > FULFIL_VERIFYING || str_is(contract, "CANCELLED") || str_is(contract, "EXPIRED");
}

static void loaded(struct task *t, int rc, const struct store_rows *rows)
{
    const struct store_row *r = rows->n ? &rows->row[0] : NULL;
    struct late *l = arena_alloc(t->arena, sizeof(*l));
    enum fulfilment f;
    int64_t ahead;

    if (rc == -ENOENT) {
        task_done(t);
        return;
    }
    if (rc || !r || !l || fulfilment_parse(store_row_get(r, "o.fulfilment"), &f)) {
        task_retry(t, "RETRY", "cannot read the order", 0);
        return;
    }
    l->state = arena_str(t->arena, store_row_get(r, "o.fulfilment"));
    l->after_ms = t->snap->cfg->notify.late_after_ms;
    t->state = l;
    ahead = store_row_int(r, "o.starts", 0) - store_row_int(r, "now", 0);
    if (is_over(r, f))
        task_done(t);
    else if (ahead > 0 && str_is(store_row_get(r, "o.contract"), "PENDING"))
        task_wait(t, (uint64_t)ahead + l->after_ms);
    else
        tell(t, store_row_get(r, "o.hold").n > 0);
}

void late_run(struct task *t)
{
    struct str args[] = {t->id, t->token, t->subject};

    task_store(t, t->shard, STORE_FULFIL_LOAD, args, 3, loaded);
}
