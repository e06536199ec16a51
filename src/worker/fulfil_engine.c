#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/rand.h"
#include "worker/fulfil.h"
#include "worker/lease.h"

enum { PROGRESS_EVERY_MS = 1000, CALL_FIRST = 2048, CALL_MAX = 4 << 20 };

/* Depends on tenant, generation and verb, never on the attempt. */
static void name_operation(struct fulfil_work *f)
{
    char hex[HASH_HEX];
    struct buf b;

    buf_init(&b, 256);
    buf_fmt(&b, "%.*s:%llu:%d", STR_FMT(f->v.tenant), (unsigned long long)f->v.generation,
            (int)f->verb);
    hash_sha256_hex(buf_view(&b), hex);
    buf_free(&b);
    str_copy(str_sub(str_of(hex), 0, 32), f->op_id, sizeof(f->op_id));
}

static void uncount(struct task *t)
{
    struct fulfil_work *f = t->state;

    if (f->verb_counted)
        t->snap->verbs[f->tmpl_index]--;
    f->verb_counted = false;
}

static void ignore(struct task *t, int rc, const struct store_rows *rows)
{
    (void)t;
    (void)rc;
    (void)rows;
}

static void on_progress(void *arg, int pct, const char *message)
{
    struct task *t = arg;
    struct fulfil_work *f = t->state;
    char digits[16];
    struct args a;

    if (t->dropped || clock_mono_ms() < f->progress_at + PROGRESS_EVERY_MS)
        return;
    f->progress_at = clock_mono_ms();
    fulfil_args(&a, t);
    /* Not from the task's arena: once a second for an hour. */
    snprintf(digits, sizeof(digits), "%d", pct > 100 ? 100 : pct);
    if (pct >= 0)
        args_kv(&a, "o.pct", str_of(digits));
    args_kv(&a, "o.note", str_sub(str_of(message), 0, 200));
    fulfil_write(t, &a, ignore);
}

/* Written at once: a crash after the engine created it must not lose its name. */
static void on_external_id(void *arg, const char *id)
{
    struct task *t = arg;
    struct args a;

    if (t->dropped)
        return;
    crash_point("fulfil.external_id");
    fulfil_args(&a, t);
    args_kv(&a, "t.external_id", str_of(id));
    fulfil_log(&a, "engine", "external id");
    fulfil_write(t, &a, ignore);
}

static void noted(struct task *t, int rc, const struct store_rows *rows)
{
    struct fulfil_work *f = t->state;

    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot record progress", 0);
    else
        task_wait(t, f->wait_ms);
}

/* The operation goes on at the engine: remember that, and come back later. */
static void pending(struct task *t, const struct engine_result *r, uint64_t ms)
{
    struct fulfil_work *f = t->state;
    bool makes = f->verb == ENGINE_APPLY || f->verb == ENGINE_OBSERVE;
    bool known = !makes || (str_is(f->v.pending, f->op_id) && r->pct < 0);
    int64_t left = fulfil_work_left(t);
    struct args a;

    if (left <= 0) {
        fulfil_overdue(t);
        return;
    }
    f->wait_ms = (uint64_t)left < ms ? (uint64_t)left : ms;
    if (known) {
        task_wait(t, f->wait_ms);
        return;
    }
    fulfil_args(&a, t);
    fulfil_work_note(&a, t);
    if (f->verb == ENGINE_APPLY)
        args_kv(&a, "t.pending", str_of(f->op_id));
    if (r->pct >= 0)
        args_kvi(&a, "o.pct", r->pct > 100 ? 100 : r->pct);
    args_kv(&a, "s.op", str_of(f->op_id));
    fulfil_write(t, &a, noted);
}

static void on_done(void *arg, const struct engine_result *r)
{
    struct task *t = arg;
    struct fulfil_work *f = t->state;

    t->op = NULL;
    if (t->lease)
        lease_guard(t->w->leases, t->lease, NULL, NULL);
    uncount(t);
    if (!task_release(t))
        return;
    crash_point("fulfil.after_engine");
    LOG(LOG_INFO, "engine.result", FS("tenant", f->v.tenant), FI("verb", f->verb),
        FI("status", r->status), F("class", engine_class_name(r->cls)),
        F("detail", r->detail ? r->detail : ""));
    switch (r->status) {
    case ENGINE_DONE:
        fulfil_done(t, r);
        break;
    case ENGINE_PENDING:
        pending(t, r, r->poll_after_ms ? r->poll_after_ms : 1000);
        break;
    case ENGINE_ABSENT:
        fulfil_absent(t);
        break;
    default:
        fulfil_failed(t, r);
    }
}

struct texts {
    struct arena *arena;
    bool failed;
};

static const char *cstr(struct texts *x, struct str s)
{
    const char *p = x->arena ? arena_dup(x->arena, s) : NULL;

    x->failed = x->failed || !p;
    return p ? p : "";
}

/* The engine copies what it needs, so this copy lives no longer than start(). */
static struct engine_op *start_engine(struct task *t)
{
    struct fulfil_work *f = t->state;
    struct texts x = {arena_new(CALL_FIRST, CALL_MAX), false};
    const struct engine_events ev = {on_progress, on_external_id, on_done, t};
    union {
        const void *c;
        void *v;
    } tmpl = {f->use};
    const struct engine_call call = {
        .verb = f->verb,
        .tenant = cstr(&x, f->v.tenant),
        .order = cstr(&x, f->v.order),
        .channel = cstr(&x, f->v.channel),
        .plan = cstr(&x, f->v.plan),
        .region = cstr(&x, f->v.region),
        .generation = f->v.generation,
        .spec = cstr(&x, f->v.spec),
        .spec_sha256 = cstr(&x, f->v.spec_sha256),
        .op_id = f->op_id,
        .fence = t->fence,
        .deadline_ms = f->use->deadline_ms,
        .external_id = cstr(&x, f->v.external_id),
        .outputs = cstr(&x, f->v.outputs),
        .slot = (uint32_t)f->v.slot,
        .template = tmpl.v,
    };
    struct engine_op *op = x.failed ? NULL : f->ops->start(f->engine, &call, &ev);

    arena_free(&x.arena);
    return op;
}

static void call_engine(struct task *t, int rc, const struct store_rows *rows)
{
    struct fulfil_work *f = t->state;
    struct engine_op *op;

    if (rc) {
        fulfil_written(t, rc, rows);
        return;
    }
    t->snap->verbs[f->tmpl_index]++;
    f->verb_counted = true;
    t->op_ops = f->ops;
    crash_point("fulfil.before_engine");
    task_hold(t);
    task_hold(t); /* the op may answer before start() returns */
    op = start_engine(t);
    if (!task_release(t))
        return;
    if (!op && f->verb_counted) {
        uncount(t);
        if (task_release(t))
            task_retry(t, "RETRY", "no memory for the engine", 0);
    } else if (f->verb_counted) {
        t->op = op;
        lease_guard(t->w->leases, t->lease, f->ops, op);
    }
}

/* Intent before side effect, in the same order on every attempt. */
static void write_intent(struct task *t)
{
    struct fulfil_work *f = t->state;
    struct args a;

    fulfil_args(&a, t);
    args_kv(&a, "t.touched", STR("1"));
    args_kv(&a, "s.intent", str_of(f->op_id));
    fulfil_work_note(&a, t);
    crash_point("fulfil.before_intent");
    fulfil_write(t, &a, call_engine);
}

void fulfil_engine(struct task *t, enum engine_verb verb)
{
    struct fulfil_work *f = t->state;

    f->verb = verb;
    f->use = verb == ENGINE_APPLY ? f->tmpl : f->made;
    f->engine = f->use ? snapshot_engine(t->snap, f->use->engine, &f->ops) : NULL;
    if (!f->engine) {
        task_retry(t, "INVALID", "the plan's template or engine is not configured", 60000);
        return;
    }
    f->tmpl_index = (size_t)(f->use - t->snap->cfg->templates);
    if (t->snap->verbs[f->tmpl_index] >= f->use->concurrency) {
        task_wait(t, 100 + rand_below(400));
        return;
    }
    name_operation(f);
    if (verb == ENGINE_OBSERVE)
        call_engine(t, 0, NULL);
    else
        write_intent(t);
}
