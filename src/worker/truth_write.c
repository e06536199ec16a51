#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "worker/truth.h"

static void indexed(struct task *t, int rc, const struct store_rows *rows)
{
    struct truth *x = t->state;

    (void)rows;
    if (rc) {
        task_retry(t, "RETRY", "cannot index the account", 0);
        return;
    }
    x->end = TRUTH_WRITTEN;
    x->done(x);
}

/* An account's orders are found together when its data must go. */
static void index_account(struct task *t, int rc, const struct store_rows *rows)
{
    struct truth *x = t->state;
    struct str args[] = {str_of(x->channel), str_of(x->cfg->product_code), str_of(x->p.account),
                         x->order};

    if (rc)
        task_retry(t, "RETRY", "cannot queue the alert", 0);
    else if (x->p.account[0] == '\0' || strcmp(x->p.account, x->now.known.account) == 0)
        indexed(t, 0, rows);
    else
        task_store(t, id_shard_of(args[0], args[2], store_shards(t->w->store)), STORE_ACCOUNT_ADD,
                   args, 4, indexed);
}

/* A change that nobody can decide yet: its buyer may read so at the marketplace. */
static void say_held(struct task *t, int rc, const struct store_rows *rows)
{
    struct truth *x = t->state;
    struct str args[] = {str_of(arena_fmt(t->arena, "tell:%.*s:progress", STR_FMT(x->order))),
                         STR("tell"),
                         STR("market"),
                         x->order,
                         STR("0"),
                         STR("progress")};

    if (rc || x->answer != ANSWER_HOLD || !market_caps_of(x->ops, x->cfg)->progress ||
        str_is(x->now.change_id, x->p.change_id))
        index_account(t, rc, rows);
    else
        task_store(t, x->shard, STORE_TASK_ADD, args, 6, index_account);
}

static void alert_plan(struct truth *x)
{
    struct task *t = x->t;
    bool unknown = !x->unknown && x->p.plan[0] && !standing_plan(x->cfg, str_of(x->p.plan));
    struct str args[] = {str_of(arena_fmt(t->arena, "mail:%.*s:alert-plan", STR_FMT(x->order))),
                         STR("mail"),
                         STR("notify"),
                         x->order,
                         STR("0"),
                         STR("alert-plan")};

    if (x->answer != ANSWER_HOLD && (!unknown || str_is(x->now.plan_unknown, "1"))) {
        index_account(t, 0, NULL);
        return;
    }
    LOG(LOG_ERROR, "truth.unknown_plan", FS("order", x->order), F("plan", x->p.plan),
        F("asked", x->p.pending_plan));
    task_store(t, x->shard, STORE_TASK_ADD, args, 6, say_held);
}

static void written(struct task *t, int rc, const struct store_rows *rows)
{
    struct truth *x = t->state;

    if (rc) {
        /* -EPERM: linked to another order or ended between reading and writing: read anew. */
        task_retry(t, "RETRY", "cannot write the order", 0);
        return;
    }
    x->created = str_is(store_get(rows, "created"), "1");
    x->changed = store_row_int(&rows->row[0], "changed", 0) > 0;
    x->stale = str_is(store_get(rows, "stale"), "1");
    x->settled = store_get(rows, "tenant").n > 0;
    if (x->created || (x->p.standing == STANDING_ENDED && !x->now.ended))
        LOG(LOG_INFO, "truth.written", FS("order", x->order),
            F("standing", standing_word(x->p.standing)), FI("created", x->created));
    alert_plan(x);
}

/* Unknown to the channel, but not yet believed: only since when. */
static void doubt(struct truth *x)
{
    struct args a;

    args_init(&a, x->t);
    args_add(&a, x->order);
    args_int(&a, x->p.read_ms);
    if (!x->now.gone_since)
        args_kvi(&a, "gone_since", x->p.read_ms);
    task_store(x->t, x->shard, STORE_ORDER_UPSERT, a.v, a.n, written);
}

void truth_write(struct truth *x)
{
    struct args a = {.t = x->t};
    bool ended = x->p.standing == STANDING_ENDED;
    bool under_way;

    x->t->state = x;
    if (x->p.read_ms == 0)
        x->p.read_ms = x->asked_ms ? x->asked_ms : clock_wall_ms();
    crash_point("truth.before_order");
    if (x->unknown && !ended) {
        doubt(x);
        return;
    }
    if (x->now.ended && !ended) {
        LOG(LOG_ERROR, "truth.reopened", FS("order", x->order),
            F("standing", standing_word(x->p.standing)));
        x->end = TRUTH_WRITTEN;
        x->done(x);
        return;
    }
    under_way = !ended && !x->unknown && x->answer == ANSWER_NONE &&
                change_awaited(&x->now, &x->p, clock_wall_ms());
    x->awaits = x->awaits || under_way;
    if (x->unknown)
        standing_end_args(&a, x->cfg, x->order, &x->now, &x->p);
    else
        standing_args(&a, x->cfg, x->order, &x->now, &x->p, under_way);
    if (x->answer == ANSWER_REFUSE)
        args_kvi(&a, "change_refused", x->p.read_ms);
    if (ended && x->erase)
        args_kv(&a, "erase", STR("1"));
    task_store(x->t, x->shard, STORE_ORDER_UPSERT, a.v, a.n, written);
}
