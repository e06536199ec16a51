#include "worker/fulfil.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "worker/kinds.h"

enum { ROUNDS_MAX = 40, WAIT_MAX_MS = 24 * 3600 * 1000 };

void fulfil_args(struct args *a, struct task *t)
{
    args_init(a, t);
    args_add(a, t->id);
    args_add(a, t->token);
    args_add(a, t->subject);
}

void fulfil_log(struct args *a, const char *type, const char *text)
{
    args_kv(a, "log.type", str_of(type));
    args_kv(a, "log.text", str_of(text));
}

void fulfil_write(struct task *t, struct args *a, task_cont *next)
{
    task_store(t, t->shard, STORE_ORDER_WRITE, a->v, a->n, next);
}

void fulfil_written(struct task *t, int rc, const struct store_rows *rows)
{
    (void)rows;
    if (rc == -EPERM) {
        LOG(LOG_ERROR, "fulfil.illegal", FS("order", t->subject));
        task_dead(t, "STUCK", "illegal transition");
    } else if (rc) {
        task_retry(t, "RETRY", "cannot write the order", 0);
    } else {
        fulfil_again(t);
    }
}

static void renew_spec(struct task *t)
{
    struct fulfil_work *f = t->state;
    struct args a;

    fulfil_args(&a, t);
    args_kv(&a, "t.spec", f->v.wanted_spec);
    args_kv(&a, "t.spec_sha256", str_of(f->v.wanted_sha256));
    args_kvi(&a, "t.generation", (int64_t)f->v.generation + 1);
    args_kv(&a, "t.plan", str_of(f->plan->name));
    args_kv(&a, "o.served", str_of(f->plan->name));
    args_kv(&a, "t.template", str_of(f->plan->deployment_template));
    args_kv(&a, "t.engine", str_of(f->tmpl ? f->tmpl->engine : ""));
    args_kv(&a, "t.pending", STR(""));
    fulfil_log(&a, "spec", f->plan->name);
    fulfil_write(t, &a, fulfil_written);
}

/* What else a move writes: text for the buyer, mails. */
static const struct {
    enum fulfilment to;
    const char *msg, *mail, *alert;
} moves[] = {
    {FULFIL_IDENTIFIED, "identified", NULL, NULL},
    {FULFIL_PROVISIONING, "provisioning", NULL, NULL},
    {FULFIL_VERIFYING, "verifying", NULL, NULL},
    {FULFIL_UPDATING, "updating", NULL, NULL},
    {FULFIL_DELETING, "deleting", NULL, NULL},
    {FULFIL_CLOSED, "closed", NULL, NULL},
    {FULFIL_STUCK, "stuck", "failed", "alert-stuck"},
};

static void move(struct task *t)
{
    struct fulfil_work *f = t->state;
    enum fulfilment to = f->d.to;
    struct args a;

    fulfil_args(&a, t);
    args_kv(&a, "o.fulfilment", str_of(fulfilment_name(to)));
    for (size_t i = 0; i < sizeof(moves) / sizeof(*moves); i++) {
        if (moves[i].to != to)
            continue;
        args_kv(&a, "o.msg", str_of(moves[i].msg));
        if (moves[i].mail && f->v.email.n)
            args_kv(&a, "+mail", str_of(moves[i].mail));
        if (moves[i].alert)
            args_kv(&a, "+mail", str_of(moves[i].alert));
    }
    if (to == FULFIL_STUCK && !f->plan) {
        args_kv(&a, "o.class", STR("INVALID"));
        args_kv(&a, "o.detail", STR("no plan of this product matches the purchase"));
    }
    if ((to == FULFIL_PROVISIONING || to == FULFIL_UPDATING) && f->v.in.manual) {
        args_kv(&a, "o.hold", STR("manual"));
        args_kv(&a, "+mail", STR("alert-manual"));
    }
    if (to == FULFIL_CLOSED)
        fulfil_closing(&a, t);
    fulfil_tell_progress(&a, t);
    fulfil_log(&a, "state", fulfilment_name(to));
    fulfil_write(t, &a, fulfil_written);
}

/* Patterns `account` and `manual`: no engine; the buyer gets the address of the seller's portal. */
static void grant(struct task *t)
{
    struct fulfil_work *f = t->state;
    struct args a;

    fulfil_args(&a, t);
    args_kv(&a, "o.fulfilment", str_of(fulfilment_name(FULFIL_READY)));
    args_kv(&a, "o.msg", STR("ready"));
    if (f->plan->account_url[0])
        args_kv(&a, "o.endpoint", str_of(f->plan->account_url));
    args_kvi(&a, "t.observed_generation", (int64_t)f->v.generation);
    args_kv(&a, "t.observed_sha256", f->v.spec_sha256);
    if (f->v.at_ready == 0) {
        args_kvi(&a, "o.at_ready", f->v.now);
        args_kv(&a, "+mail", STR("ready"));
    }
    fulfil_log(&a, "state", "READY");
    fulfil_write(t, &a, fulfil_written);
}

static void wait_until(struct task *t, int64_t until)
{
    struct fulfil_work *f = t->state;
    int64_t ms = until - f->v.now;

    task_wait(t, ms < 1 ? 1 : ms > WAIT_MAX_MS ? WAIT_MAX_MS : (uint64_t)ms);
}

static const struct {
    enum act act;
    enum engine_verb verb;
} verbs[] = {
    {ACT_APPLY, ENGINE_APPLY},   {ACT_OBSERVE, ENGINE_OBSERVE}, {ACT_SUSPEND, ENGINE_SUSPEND},
    {ACT_RESUME, ENGINE_RESUME}, {ACT_DELETE, ENGINE_DELETE},   {ACT_REPLACE, ENGINE_DELETE},
};

static void rest(struct task *t)
{
    const struct fulfil_work *f = t->state;

    if (f->d.act == ACT_WAIT)
        wait_until(t, f->d.until_ms);
    else
        task_done(t);
}

static void rested(struct task *t, int rc, const struct store_rows *rows)
{
    if (rc)
        fulfil_written(t, rc, rows);
    else
        rest(t);
}

/* Nothing is under way at the engine any more: what comes later has its own deadline. */
static void lay_down(struct task *t)
{
    const struct fulfil_work *f = t->state;
    struct args a;

    if (f->v.work.n == 0) {
        rest(t);
        return;
    }
    fulfil_args(&a, t);
    fulfil_work_over(&a, t);
    fulfil_write(t, &a, rested);
}

static void act(struct task *t)
{
    struct fulfil_work *f = t->state;

    for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
        if (verbs[i].act == f->d.act) {
            fulfil_engine(t, verbs[i].verb);
            return;
        }
    switch (f->d.act) {
    case ACT_MOVE:
        move(t);
        break;
    case ACT_RENEW_SPEC:
        renew_spec(t);
        break;
    case ACT_PROBE:
        fulfil_probe(t);
        break;
    case ACT_GRANT:
        grant(t);
        break;
    case ACT_COMMIT:
    case ACT_REJECT:
    case ACT_ASK_APPROVAL:
    case ACT_TELL_LATE:
    case ACT_TELL_CHARGE:
    case ACT_TELL_CHANGE:
        fulfil_commit(t, f->d.act);
        break;
    default:
        lay_down(t);
    }
}

static void loaded(struct task *t, int rc, const struct store_rows *rows)
{
    struct fulfil_work *f = t->state;

    if (rc == -ENOENT) {
        task_done(t);
        return;
    }
    if (rc || !fulfil_view_read(t, rows)) {
        task_retry(t, "RETRY", "cannot read the order", 0);
        return;
    }
    if (f->rounds++ > ROUNDS_MAX) {
        task_retry(t, "STUCK", "the order does not come to rest", 0);
        return;
    }
    decide(&f->v.in, &f->d);
    LOG(LOG_DEBUG, "fulfil.act", FS("order", t->subject), F("act", act_name(f->d.act)),
        F("fulfilment", fulfilment_name(f->v.in.fulfilment)));
    act(t);
}

void fulfil_again(struct task *t)
{
    struct str args[] = {t->id, t->token, t->subject};

    task_store(t, t->shard, STORE_FULFIL_LOAD, args, 3, loaded);
}

void fulfil_run(struct task *t)
{
    t->state = arena_alloc(t->arena, sizeof(struct fulfil_work));
    if (!t->state)
        task_retry(t, "RETRY", "no memory", 0);
    else
        fulfil_again(t);
}
