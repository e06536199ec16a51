#include "worker/task_int.h"

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

/* Thousands of tasks wait for their engines, so both begin at what such a one needs. */
enum { TASK_ARENA_FIRST = 1280, ROUND_ARENA_FIRST = 1024, TASK_ARENA_MAX = 4 << 20 };

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

void task_end(struct task *t)
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
    task_end(t);
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
    task_end(t);
    return false;
}

struct arena *task_round(struct task *t)
{
    arena_free(&t->round);
    t->round = arena_new(ROUND_ARENA_FIRST, TASK_ARENA_MAX);
    return t->round;
}

static void finished(struct task *t, int rc, const struct store_rows *rows)
{
    crash_point("task.finished");
    if (rc)
        LOG(LOG_ERROR, "task.finish", FS("task", t->id), FI("rc", rc));
    rode(t, rc, rows);
    task_end(t);
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
