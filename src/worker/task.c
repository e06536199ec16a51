#include "worker/task.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/rand.h"
#include "worker/lease.h"

enum { TASK_ARENA_FIRST = 3072, ROUND_ARENA_FIRST = 4096, TASK_ARENA_MAX = 4 << 20 };

static void timer_closed(uv_handle_t *h)
{
    struct task *t = h->data;
    struct worker *w = t->w;
    struct arena *a = t->arena;

    snapshot_unref(&t->snap);
    arena_free(&t->round);
    arena_free(&a); /* t lived in it */
    w->running--;
    if (w->draining && w->running == 0)
        w->drained(w);
    else
        sched_pump_all(w);
}

static void rode(struct task *t, int rc, const struct store_rows *rows)
{
    bool rides = t->rides;

    t->rides = false;
    if (rides)
        sched_rode(t->w, t->shard, rc, rows);
}

/* The end of every task; callbacks that are still out keep it until they return. */
static void end(struct task *t)
{
    t->dropped = true;
    if (t->lease)
        lease_remove(t->w->leases, &t->lease);
    rode(t, -ECANCELED, NULL);
    if (t->holds || uv_is_closing((uv_handle_t *)&t->timer))
        return;
    if (t->prev)
        t->prev->next = t->next;
    else
        t->w->tasks = t->next;
    if (t->next)
        t->next->prev = t->prev;
    uv_close((uv_handle_t *)&t->timer, timer_closed);
}

static void keep_steps(struct task *t, const struct store_row *row)
{
    struct store_field *f = arena_alloc(t->arena, row->n * sizeof(*f) + 1);

    for (size_t i = 0; f && i < row->n; i++)
        if (str_starts(row->f[i].k, STR("s.")))
            f[t->nsteps++] = (struct store_field){arena_str(t->arena, row->f[i].k),
                                                  arena_str(t->arena, row->f[i].v)};
    t->steps = f;
}

struct str task_step(const struct task *t, const char *name)
{
    for (size_t i = 0; i < t->nsteps; i++)
        if (str_is(t->steps[i].k, name))
            return t->steps[i].v;
    return STR("");
}

struct task *task_start(struct worker *w, unsigned shard, const struct store_row *row,
                        uint64_t lease_deadline)
{
    struct arena *a = arena_new(TASK_ARENA_FIRST, TASK_ARENA_MAX);
    struct task *t = a ? arena_alloc(a, sizeof(*t)) : NULL;

    if (!t)
        return NULL;
    t->w = w;
    t->arena = a;
    t->shard = shard;
    t->id = arena_str(a, store_row_get(row, "id"));
    t->token = arena_str(a, store_row_get(row, "token"));
    t->subject = arena_str(a, store_row_get(row, "subject"));
    t->data = arena_str(a, store_row_get(row, "data"));
    t->tries = (uint64_t)store_row_int(row, "tries", 0);
    t->crashes = (uint64_t)store_row_int(row, "crashes", 0);
    t->fence = (uint64_t)store_row_int(row, "fence", 0);
    t->kind = task_kind_find(store_row_get(row, "kind"));
    if (t->kind && t->kind->steps)
        keep_steps(t, row);
    t->lease = lease_add(w->leases, shard, t->id, t->token, lease_deadline, t);
    if (!t->lease || t->id.n == 0 || t->token.n == 0) {
        if (t->lease)
            lease_remove(w->leases, &t->lease);
        arena_free(&a);
        return NULL;
    }
    t->snap = snapshot_ref(w->now);
    uv_timer_init(w->loop, &t->timer);
    t->timer.data = t;
    t->next = w->tasks;
    if (t->next)
        t->next->prev = t;
    w->tasks = t;
    w->running++;
    crash_point("task.claimed");
    if (t->kind)
        t->kind->run(t);
    else
        task_dead(t, "INVALID", "unknown kind of task");
    return t;
}

void task_lost(struct task *t)
{
    LOG(LOG_WARN, "task.lost", FS("task", t->id));
    t->dropped = true;
    uv_timer_stop(&t->timer);
    if (t->op)
        t->op_ops->cancel(t->op);
    if (t->call)
        http_cancel(t->call);
    end(t);
}

void task_hold(struct task *t)
{
    t->holds++;
}

bool task_release(struct task *t)
{
    assert(t->holds > 0);
    t->holds--;
    if (!t->dropped)
        return true;
    end(t);
    return false;
}

struct arena *task_round(struct task *t)
{
    arena_free(&t->round);
    t->round = arena_new(ROUND_ARENA_FIRST, TASK_ARENA_MAX);
    return t->round;
}

/* One block of its own, freed with the answer: a task may make hundreds of calls. */
struct pending {
    struct task *t;
    unsigned shard;
    enum store_script script;
    task_cont *next;
    unsigned tries;
    uv_timer_t *again; /* rarely needed */
    size_t nargs;
    struct str args[];
};

static void issue(struct pending *p);

static void again_closed(uv_handle_t *h)
{
    struct pending *p = h->data;

    free(h);
    if (task_release(p->t))
        issue(p);
    else
        free(p);
}

static void again_due(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, again_closed);
}

/* The script may have run: all are idempotent, so the same call is simply made again. */
static bool ask_again(struct pending *p)
{
    p->again = malloc(sizeof(*p->again));
    if (!p->again)
        return false;
    task_hold(p->t);
    uv_timer_init(p->t->w->loop, p->again);
    p->again->data = p;
    uv_timer_start(p->again, again_due, 20 + rand_backoff_ms(p->tries++, 50, 2000), 0);
    return true;
}

static void answered(void *arg, int rc, const struct store_rows *rows)
{
    struct pending *p = arg;
    struct task *t = p->t;
    task_cont *next = p->next;

    if (!task_release(t)) {
        free(p);
        return;
    }
    if (rc == -EAGAIN && ask_again(p))
        return;
    if (rc == -ESTALE) {
        LOG(LOG_WARN, "task.stale", FS("task", t->id), F("script", store_script_name(p->script)));
        end(t);
    } else {
        next(t, rc, rows);
    }
    free(p);
}

static void issue(struct pending *p)
{
    task_hold(p->t);
    store_call(p->t->w->store, p->shard, p->script, p->args, p->nargs, answered, p);
}

void task_store(struct task *t, unsigned shard, enum store_script script, const struct str *args,
                size_t nargs, task_cont *next)
{
    size_t room = sizeof(struct pending) + nargs * sizeof(*args);
    struct pending *p;
    char *text;

    assert(!t->dropped);
    for (size_t i = 0; i < nargs; i++)
        room += args[i].n;
    p = malloc(room);
    if (!p) {
        LOG(LOG_ERROR, "task.memory", FS("task", t->id));
        end(t); /* the lease runs out and somebody else goes on */
        return;
    }
    *p = (struct pending){.t = t, .shard = shard, .script = script, .next = next, .nargs = nargs};
    text = (char *)&p->args[nargs];
    for (size_t i = 0; i < nargs; i++) {
        if (args[i].n)
            memcpy(text, args[i].p, args[i].n);
        p->args[i] = str_make(text, args[i].n);
        text += args[i].n;
    }
    issue(p);
}

struct pending_http {
    struct task *t;
    task_http_cont *next;
};

static void http_answered(void *arg, const struct http_reply *reply)
{
    struct pending_http *p = arg;

    p->t->call = NULL;
    if (task_release(p->t))
        p->next(p->t, reply);
}

static struct pending_http *http_prepare(struct task *t, task_http_cont *next)
{
    struct pending_http *p = arena_alloc(t->arena, sizeof(*p));

    if (p) {
        *p = (struct pending_http){t, next};
        task_hold(t);
    }
    return p;
}

static void http_started(struct task *t, struct http_call *call)
{
    t->call = call;
    if (!call && task_release(t))
        task_retry(t, "RETRY", "no memory for a request", 0);
}

void task_http(struct task *t, const struct http_request *rq, task_http_cont *next)
{
    struct pending_http *p = http_prepare(t, next);

    if (!p)
        task_retry(t, "RETRY", "task memory is used up", 0);
    else
        http_started(t, http_start(t->w->http, rq, http_answered, p));
}

void task_mail(struct task *t, const struct http_mail *m, task_http_cont *next)
{
    struct pending_http *p = http_prepare(t, next);

    if (!p)
        task_retry(t, "RETRY", "task memory is used up", 0);
    else
        http_started(t, http_mail(t->w->http, m, http_answered, p));
}

static void timer_due(uv_timer_t *timer)
{
    struct task *t = timer->data;

    t->timer_cb(t);
}

void task_after(struct task *t, uint64_t ms, void (*next)(struct task *t))
{
    t->timer_cb = next;
    uv_timer_start(&t->timer, timer_due, ms, 0);
}

static void finished(struct task *t, int rc, const struct store_rows *rows)
{
    crash_point("task.finished");
    if (rc)
        LOG(LOG_ERROR, "task.finish", FS("task", t->id), FI("rc", rc));
    rode(t, rc, rows);
    end(t);
}

static void finish(struct task *t, const char *how, uint64_t delay_ms, const char *cls,
                   const char *error)
{
    struct str args[6 + 6];
    size_t n = 6;

    crash_point("task.finishing");
    args[0] = t->id;
    args[1] = t->token;
    args[2] = str_of(how);
    args[3] = str_of(arena_fmt(t->arena, "%llu", (unsigned long long)delay_ms));
    args[4] = str_of(cls);
    args[5] = str_sub(str_of(error), 0, 1000);
    n += sched_ride(t->w, t->shard, t->arena, &args[n]);
    t->rides = n > 6;
    task_store(t, t->shard, STORE_TASK_FINISH, args, n, finished);
}

void task_done(struct task *t)
{
    finish(t, "done", 0, "", "");
}

void task_wait(struct task *t, uint64_t delay_ms)
{
    finish(t, "wait", delay_ms, "", "");
}

void task_retry(struct task *t, const char *cls, const char *error, uint64_t delay_ms)
{
    if (delay_ms == 0)
        delay_ms = 100 + rand_backoff_ms((unsigned)t->tries, 1000, 60000);
    LOG(LOG_WARN, "task.retry", FS("task", t->id), F("class", cls), F("error", error),
        FI("tries", t->tries), FI("delay_ms", delay_ms));
    finish(t, "retry", delay_ms, cls, error);
}

void task_dead(struct task *t, const char *cls, const char *error)
{
    LOG(LOG_ERROR, "task.dead", FS("task", t->id), F("class", cls), F("error", error));
    finish(t, "dead", 0, cls, error);
}

void args_init(struct args *a, struct task *t)
{
    a->t = t;
    a->n = 0;
}

void args_add(struct args *a, struct str s)
{
    assert(a->n < sizeof(a->v) / sizeof(a->v[0]));
    a->v[a->n++] = s;
}

void args_cstr(struct args *a, const char *s)
{
    args_add(a, str_of(s));
}

void args_int(struct args *a, int64_t v)
{
    args_add(a, str_of(arena_fmt(a->t->arena, "%lld", (long long)v)));
}

void args_kv(struct args *a, const char *k, struct str v)
{
    args_cstr(a, k);
    args_add(a, v);
}

void args_kvi(struct args *a, const char *k, int64_t v)
{
    args_cstr(a, k);
    args_int(a, v);
}

void args_kv_opt(struct args *a, const char *k, const char *v)
{
    if (v && v[0])
        args_kv(a, k, str_of(v));
}
