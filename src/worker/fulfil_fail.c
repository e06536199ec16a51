/*
 * fulfil_fail: what each class of failure means for an order: again, wait for the seller, look
 * before doing anything, or give up and tell a human.
 *
 * An engine that cannot say how an environment is takes nothing away from one that serves: its
 * answer to buyers decides then (fulfil_probe), and the next resync looks again.
 */
#include "base/log.h"
#include "base/rand.h"
#include "worker/fulfil.h"

enum { TRIES_MAX = 20, BLIND_TRIES = 3 };

static void fail_for_good(struct task *t, const struct engine_result *r, enum fulfilment to)
{
    struct fulfil_work *f = t->state;
    struct args a;

    fulfil_args(&a, t);
    args_kv(&a, "o.fulfilment", str_of(fulfilment_name(to)));
    args_kv(&a, "o.msg", to == FULFIL_STUCK ? STR("stuck") : STR("failed"));
    args_kv(&a, "o.class", str_of(engine_class_name(r->cls)));
    args_kv(&a, "o.code", str_of(r->code ? r->code : ""));
    args_kv(&a, "o.detail", str_sub(str_of(r->detail), 0, 1000));
    args_kv(&a, "t.failed_sha256", f->v.spec_sha256);
    args_kv(&a, "t.pending", STR(""));
    args_kv(&a, "t.gave_up", str_of(fulfil_work_name(f)));
    fulfil_work_over(&a, t);
    if (f->v.email.n)
        args_kv(&a, "+mail", STR("failed"));
    args_kv(&a, "+mail", STR("alert-failed"));
    fulfil_log(&a, "state", fulfilment_name(to));
    fulfil_write(t, &a, fulfil_written);
}

static void told_waiting(struct task *t, int rc, const struct store_rows *rows)
{
    struct fulfil_work *f = t->state;

    (void)rows;
    if (rc == -EPERM)
        fulfil_written(t, rc, rows);
    else
        task_retry(t, engine_class_name(f->waiting), "waits for the seller", f->wait_ms);
}

/* Nothing is wrong with the order: quota or credentials are the seller's to mend. */
static void wait_for_seller(struct task *t, const struct engine_result *r, uint64_t delay_ms)
{
    struct fulfil_work *f = t->state;
    struct args a;

    f->wait_ms = delay_ms;
    f->waiting = r->cls;
    fulfil_args(&a, t);
    fulfil_work_over(&a, t);
    args_kv(&a, "o.class", str_of(engine_class_name(r->cls)));
    args_kv(&a, "o.detail", str_sub(str_of(r->detail), 0, 1000));
    args_kv(&a, "+mail", STR("alert-waiting"));
    fulfil_write(t, &a, told_waiting);
}

static void look_first(struct task *t, int rc, const struct store_rows *rows)
{
    const struct fulfil_work *f = t->state;

    (void)rows;
    task_retry(t, engine_class_name(CLASS_UNKNOWN_OUTCOME), rc ? "cannot be recorded" : f->why, 0);
}

/* Something may have happened: nothing is done again before the engine was looked at. */
static void unknown(struct task *t, const char *detail)
{
    struct fulfil_work *f = t->state;
    struct args a;

    f->why = arena_dup(t->arena, str_sub(str_of(detail), 0, 1000));
    if (!f->why)
        f->why = "";
    if (f->verb != ENGINE_APPLY || str_is(f->v.pending, f->op_id)) {
        look_first(t, 0, NULL);
        return;
    }
    fulfil_args(&a, t);
    args_kv(&a, "t.pending", str_of(f->op_id));
    args_kv(&a, "s.op", str_of(f->op_id));
    fulfil_write(t, &a, look_first);
}

/* true: taken care of. */
static bool only_blind(struct task *t, const struct engine_result *r, const char *detail)
{
    const struct fulfil_work *f = t->state;
    bool serves = f->v.in.fulfilment == FULFIL_READY || f->v.in.fulfilment == FULFIL_DEGRADED;

    if (!serves || f->verb != ENGINE_OBSERVE ||
        !(r->cls == CLASS_RETRY || r->cls == CLASS_UNKNOWN_OUTCOME || r->cls == CLASS_INVALID))
        return false;
    if (t->tries < BLIND_TRIES) {
        task_retry(t, engine_class_name(r->cls), detail, 0);
        return true;
    }
    LOG(LOG_WARN, "engine.blind", FS("order", t->subject), F("class", engine_class_name(r->cls)),
        F("detail", detail));
    fulfil_probe(t);
    return true;
}

void fulfil_failed(struct task *t, const struct engine_result *r)
{
    uint64_t tries = t->tries;
    const char *name = engine_class_name(r->cls);
    const char *detail = r->detail && r->detail[0] ? r->detail : name;

    if (only_blind(t, r, detail))
        return;
    switch (r->cls) {
    case CLASS_INVALID:
        fail_for_good(t, r, FULFIL_FAILED);
        break;
    case CLASS_STUCK:
        fail_for_good(t, r, FULFIL_STUCK);
        break;
    case CLASS_GONE_EXTERNALLY:
        fulfil_absent(t);
        break;
    case CLASS_UNKNOWN_OUTCOME:
        if (tries < TRIES_MAX)
            unknown(t, detail);
        else
            fail_for_good(t, r, FULFIL_STUCK);
        break;
    case CLASS_WAIT_QUOTA:
        wait_for_seller(t, r, 30000 + rand_backoff_ms((unsigned)tries, 30000, 900000));
        break;
    case CLASS_AUTH:
        wait_for_seller(t, r, 60000 + rand_below(240000));
        break;
    default:
        if (tries >= TRIES_MAX)
            fail_for_good(t, r, FULFIL_STUCK);
        else
            task_retry(t, name, detail, 0);
    }
}
