/*
 * late: asks once, some time after a registration, whether the order is ready; if not, the buyer
 * and the seller are told.
 */
#include <errno.h>

#include "base/log.h"
#include "store/state.h"
#include "worker/kinds.h"

static void told(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot mark the order late", 0);
    else
        task_done(t);
}

static void loaded(struct task *t, int rc, const struct store_rows *rows)
{
    struct str state = store_get(rows, "o.fulfilment");
    enum fulfilment f;
    struct args a;

    if (rc == -ENOENT) {
        task_done(t);
        return;
    }
    if (rc || fulfilment_parse(state, &f)) {
        task_retry(t, "RETRY", "cannot read the order", 0);
        return;
    }
    if (f > FULFIL_VERIFYING) {
        task_done(t);
        return;
    }
    LOG(LOG_WARN, "order.late", FS("order", t->subject), FS("fulfilment", state));
    args_init(&a, t);
    args_add(&a, t->id);
    args_add(&a, t->token);
    args_add(&a, t->subject);
    args_kv(&a, "o.late", STR("1"));
    args_kv(&a, "+mail", STR("delayed"));
    args_kv(&a, "+mail", STR("alert-late"));
    args_kv(&a, "log.type", STR("late"));
    args_kv(&a, "log.text", state);
    task_store(t, t->shard, STORE_ORDER_WRITE, a.v, a.n, told);
}

void late_run(struct task *t)
{
    struct str args[] = {t->id, t->token, t->subject};

    task_store(t, t->shard, STORE_FULFIL_LOAD, args, 3, loaded);
}
