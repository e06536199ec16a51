/*
 * fulfil_done: what an engine's answer means for the order's record. One fenced script each, then
 * the order is read anew.
 */
#include "base/crash.h"
#include "base/json.h"
#include "fulfil/plan.h"
#include "worker/fulfil.h"

enum { OUTPUTS_MAX = 65536 };
/* For an order whose plan is no longer configured. */
#define RETAIN_MS (30ULL * 24 * 3600 * 1000)

static void add_outputs(struct args *a, const char *outputs)
{
    cJSON *j = NULL;

    args_kv(a, "t.outputs", str_of(outputs));
    if (json_parse(str_of(outputs), OUTPUTS_MAX, &j) == 0 && json_str(j, "endpoint").n)
        args_kv(a, "o.endpoint", arena_str(a->t->round, json_str(j, "endpoint")));
    cJSON_Delete(j);
}

/* Nothing of what was recorded as running is believed any more. */
static void args_forget(struct args *a, struct task *t)
{
    fulfil_args(a, t);
    args_kv(a, "t.pending", STR(""));
    args_kv(a, "t.observed_generation", STR("0"));
    args_kv(a, "t.observed_sha256", STR(""));
}

static void record_forgotten(struct task *t, const char *text)
{
    struct args a;

    args_forget(&a, t);
    fulfil_log(&a, "engine", text);
    fulfil_write(t, &a, fulfil_written);
}

/* An environment on another cloud, or in another region, than was bought is not the one that was
 * bought, however healthy. */
static bool elsewhere(struct task *t, const struct engine_result *r)
{
    struct fulfil_work *f = t->state;
    struct plan_place want = {str_of(f->market ? f->market->cloud : ""), f->v.region};
    struct engine_result fail = {
        .status = ENGINE_FAIL, .cls = CLASS_INVALID, .code = "wrong_place", .pct = -1};
    struct buf why;

    buf_init(&why, 512);
    if (plan_elsewhere(str_of(r->outputs ? r->outputs : ""), &want, &why)) {
        fail.detail = buf_cstr(&why);
        fulfil_failed(t, &fail);
        buf_free(&why);
        return true;
    }
    buf_free(&why);
    return false;
}

static void done_apply(struct task *t, const struct engine_result *r)
{
    struct fulfil_work *f = t->state;
    struct args a;

    if (elsewhere(t, r))
        return;
    fulfil_args(&a, t);
    fulfil_work_over(&a, t);
    args_kv(&a, "t.pending", STR(""));
    args_kvi(&a, "t.observed_generation", (int64_t)f->v.generation);
    args_kv(&a, "t.observed_sha256", f->v.spec_sha256);
    if (r->outputs && r->outputs[0])
        add_outputs(&a, r->outputs);
    args_kvi(&a, "o.at_applied", f->v.now);
    args_kv(&a, "o.note", STR(""));
    fulfil_log(&a, "engine", "applied");
    crash_point("fulfil.before_applied");
    fulfil_write(t, &a, fulfil_written);
}

static void done_observe(struct task *t, const struct engine_result *r)
{
    struct fulfil_work *f = t->state;
    bool same = r->observed_sha256 && str_is(f->v.spec_sha256, r->observed_sha256);

    if (!same) {
        record_forgotten(t, "drift: another spec runs");
    } else if (r->suspended) {
        /* Somebody stopped it behind our back; it is to run. */
        fulfil_engine(t, ENGINE_RESUME);
    } else if (!f->v.in.applied) {
        done_apply(t, r);
    } else {
        fulfil_probe(t);
    }
}

/* The old plan's deployment is gone, its data archived; the next round makes the new one. */
static void replaced(struct task *t)
{
    struct args a;

    args_forget(&a, t);
    fulfil_work_over(&a, t);
    args_kv(&a, "t.touched", STR(""));
    args_kv(&a, "t.external_id", STR(""));
    args_kv(&a, "t.outputs", STR(""));
    fulfil_log(&a, "engine", "replaced: the old plan's deployment is gone");
    crash_point("fulfil.before_replaced");
    fulfil_write(t, &a, fulfil_written);
}

/* An erasure leaves no archive. */
static uint64_t retention(const struct fulfil_work *f)
{
    if (f->v.in.erase)
        return 0;
    return f->plan ? f->plan->retain_ms : RETAIN_MS;
}

void fulfil_closing(struct args *a, struct task *t)
{
    struct fulfil_work *f = t->state;
    const struct decide_in *in = &f->v.in;
    bool rejected = in->commit == COMMIT_REJECTED;

    if (f->v.email.n)
        args_kv(a, "+mail", rejected ? STR("declined") : STR("closed"));
    if (rejected || in->contract == CONTRACT_CANCELLED || in->contract == CONTRACT_EXPIRED)
        return;
    if (fulfil_caps(f)->cancel)
        args_kv(a, "+task", STR("tell market 0 cancel"));
    else
        args_kv(a, "+mail", STR("alert-paid"));
}

static void done_state(struct task *t, enum fulfilment to, const char *msg, const char *mail)
{
    struct fulfil_work *f = t->state;
    struct args a;

    fulfil_args(&a, t);
    fulfil_work_over(&a, t);
    args_kv(&a, "o.fulfilment", str_of(fulfilment_name(to)));
    args_kv(&a, "o.msg", str_of(msg));
    if (to == FULFIL_CLOSED) {
        args_kv(&a, "t.wiped", STR("1"));
        args_kv(&a, "o.endpoint", STR(""));
        args_kv(&a, "+task",
                str_of(arena_fmt(t->arena, "purge deploy %llu", (unsigned long long)retention(f))));
        fulfil_closing(&a, t);
    }
    if (mail && f->v.email.n)
        args_kv(&a, "+mail", str_of(mail));
    fulfil_log(&a, "state", fulfilment_name(to));
    fulfil_write(t, &a, fulfil_written);
}

static void done_delete(struct task *t)
{
    struct fulfil_work *f = t->state;

    if (f->d.act == ACT_REPLACE)
        replaced(t);
    else
        done_state(t, FULFIL_CLOSED, "closed", NULL);
}

static void probe_next(struct task *t, int rc, const struct store_rows *rows)
{
    if (rc)
        fulfil_written(t, rc, rows);
    else
        fulfil_probe(t);
}

/* What somebody had stopped behind our back runs again. */
static void restarted(struct task *t)
{
    struct args a;

    fulfil_args(&a, t);
    fulfil_work_over(&a, t);
    fulfil_log(&a, "engine", "runs again");
    fulfil_write(t, &a, probe_next);
}

void fulfil_done(struct task *t, const struct engine_result *r)
{
    struct fulfil_work *f = t->state;

    switch (f->verb) {
    case ENGINE_APPLY:
        done_apply(t, r);
        break;
    case ENGINE_OBSERVE:
        done_observe(t, r);
        break;
    case ENGINE_SUSPEND:
        done_state(t, FULFIL_SUSPENDED, "suspended", "suspended");
        break;
    case ENGINE_RESUME:
        if (f->v.in.fulfilment == FULFIL_SUSPENDED)
            done_state(t, FULFIL_VERIFYING, "verifying", NULL);
        else
            restarted(t);
        break;
    case ENGINE_DELETE:
        done_delete(t);
        break;
    default:
        task_done(t);
    }
}

void fulfil_absent(struct task *t)
{
    struct fulfil_work *f = t->state;

    if (f->verb == ENGINE_DELETE)
        done_delete(t);
    else if (f->verb == ENGINE_SUSPEND)
        done_state(t, FULFIL_SUSPENDED, "suspended", "suspended");
    else if (f->verb == ENGINE_RESUME)
        done_state(t, FULFIL_UPDATING, "updating", NULL);
    else
        record_forgotten(t, "gone at the engine");
}
