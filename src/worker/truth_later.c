#include "worker/truth.h"

void truth_later(struct task *t, unsigned shard, struct str order, int64_t ms, const char *data,
                 task_cont *next)
{
    struct args a;

    args_init(&a, t);
    args_add(&a, str_of(arena_fmt(t->arena, "refresh:%.*s", STR_FMT(order))));
    args_cstr(&a, "refresh");
    args_cstr(&a, "market");
    args_add(&a, order);
    args_int(&a, ms);
    args_cstr(&a, data);
    task_store(t, shard, STORE_TASK_ADD, a.v, a.n, next);
}

void truth_later_done(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot queue the refresh", 0);
    else
        task_done(t);
}
