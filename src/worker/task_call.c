/* What a task waits for: scripts of the store, outbound HTTP and mail, time. */
#include "worker/task_int.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"

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
        task_end(t);
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
        task_end(t); /* the lease runs out and somebody else goes on */
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
