#include "worker/lease.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"

enum { BATCH = 64 };

struct lease {
    struct lease *next, *prev;
    unsigned shard;
    struct str id, token; /* both in text */
    uint64_t deadline;    /* monotonic ms: Redis may give it away after this */
    uint64_t asked;       /* number of the renewal now in flight; 0: none */
    bool lost, reaped;
    const struct engine_ops *ops;
    struct engine_op *op;
    struct task *task;
    char text[];
};

struct lease_table {
    struct worker *w;
    uint64_t lease_ms;
    pthread_mutex_t lock;
    struct lease *list;
    pthread_t thread;
    uv_loop_t loop;
    uv_timer_t tick;
    uv_async_t stop;
    struct store *store;
    uint64_t batches;
};

struct batch {
    struct lease_table *t;
    uint64_t sent, number;
};

/* Under the lock. */
static void lose(struct lease_table *t, struct lease *l)
{
    if (l->lost)
        return;
    l->lost = true;
    if (l->op)
        l->ops->abandon(l->op);
    uv_async_send(&t->w->lost);
}

static bool is_ok(const struct store_rows *rows, struct str id)
{
    for (size_t i = 0; i < rows->n; i++)
        if (str_eq(store_row_get(&rows->row[i], "id"), id))
            return str_is(store_row_get(&rows->row[i], "state"), "ok");
    return false;
}

/* Only what this renewal asked for: a task may have ended since and been claimed anew, with a lease
 * of which the answer says nothing. */
static void renewed(void *arg, int rc, const struct store_rows *rows)
{
    struct batch *b = arg;
    struct lease_table *t = b->t;

    pthread_mutex_lock(&t->lock);
    for (struct lease *l = t->list; l; l = l->next) {
        if (l->asked != b->number)
            continue;
        l->asked = 0;
        if (rc)
            continue;
        if (is_ok(rows, l->id))
            l->deadline = b->sent + t->lease_ms;
        else
            lose(t, l);
    }
    pthread_mutex_unlock(&t->lock);
    free(b);
}

/* One call for up to BATCH leases of a shard that have used up a third of their time. True: there
 * may be more. Under the lock. */
static bool renew_shard(struct lease_table *t, unsigned shard, uint64_t now)
{
    struct str args[1 + 2 * BATCH];
    char lease_text[24];
    struct batch *b;
    uint64_t number = ++t->batches;
    size_t n = 1;

    for (struct lease *l = t->list; l && n + 2 <= 1 + 2 * BATCH; l = l->next) {
        if (l->shard != shard || l->lost || l->asked || l->deadline > now + t->lease_ms * 2 / 3)
            continue;
        args[n++] = l->id;
        args[n++] = l->token;
        l->asked = number;
    }
    b = n > 1 ? calloc(1, sizeof(*b)) : NULL;
    if (!b)
        return false;
    b->t = t;
    b->sent = now;
    b->number = number;
    snprintf(lease_text, sizeof(lease_text), "%llu", (unsigned long long)t->lease_ms);
    args[0] = str_of(lease_text);
    store_call(t->store, shard, STORE_TASK_RENEW, args, n, renewed, b);
    return n == 1 + 2 * BATCH;
}

static void tick(uv_timer_t *timer)
{
    struct lease_table *t = timer->data;
    uint64_t now = clock_mono_ms();

    pthread_mutex_lock(&t->lock);
    for (struct lease *l = t->list; l; l = l->next)
        if (now + t->lease_ms / 10 >= l->deadline)
            lose(t, l);
    for (unsigned s = 0; t->list && s < store_shards(t->store); s++)
        while (renew_shard(t, s, now))
            ;
    pthread_mutex_unlock(&t->lock);
}

static void stop(uv_async_t *a)
{
    struct lease_table *t = a->data;

    uv_timer_stop(&t->tick);
    uv_close((uv_handle_t *)&t->tick, NULL);
    uv_close((uv_handle_t *)&t->stop, NULL);
    store_close(&t->store);
}

static void *thread_main(void *arg)
{
    struct lease_table *t = arg;

    uv_run(&t->loop, UV_RUN_DEFAULT);
    uv_loop_close(&t->loop);
    return NULL;
}

int lease_open(struct worker *w, uint64_t lease_ms, struct lease_table **out)
{
    struct lease_table *t = calloc(1, sizeof(*t));
    uint64_t every = lease_ms / 30 < 20 ? 20 : lease_ms / 30;
    int rc;

    if (!t)
        return -ENOMEM;
    t->w = w;
    t->lease_ms = lease_ms;
    pthread_mutex_init(&t->lock, NULL);
    uv_loop_init(&t->loop);
    uv_timer_init(&t->loop, &t->tick);
    t->tick.data = t;
    uv_async_init(&t->loop, &t->stop, stop);
    t->stop.data = t;
    rc = store_open(&t->loop, &w->now->cfg->redis, STORE_WORKER, &t->store);
    if (rc == 0) {
        uv_timer_start(&t->tick, tick, every, every);
        rc = -pthread_create(&t->thread, NULL, thread_main, t);
    }
    if (rc) {
        free(t);
        return rc;
    }
    *out = t;
    return 0;
}

uint64_t lease_length(const struct lease_table *t)
{
    return t ? t->lease_ms : 0;
}

void lease_close(struct lease_table **tp)
{
    struct lease_table *t = *tp;

    if (!t)
        return;
    uv_async_send(&t->stop);
    pthread_join(t->thread, NULL);
    pthread_mutex_destroy(&t->lock);
    free(t);
    *tp = NULL;
}

static struct str put(char *to, struct str s)
{
    if (s.n)
        memcpy(to, s.p, s.n);
    return str_make(to, s.n);
}

struct lease *lease_add(struct lease_table *t, unsigned shard, struct str id, struct str token,
                        uint64_t deadline_mono, struct task *task)
{
    struct lease *l = calloc(1, sizeof(*l) + id.n + token.n);

    if (!l)
        return NULL;
    l->id = put(l->text, id);
    l->token = put(l->text + id.n, token);
    l->shard = shard;
    l->deadline = deadline_mono;
    l->task = task;
    pthread_mutex_lock(&t->lock);
    l->next = t->list;
    if (l->next)
        l->next->prev = l;
    t->list = l;
    pthread_mutex_unlock(&t->lock);
    return l;
}

void lease_guard(struct lease_table *t, struct lease *l, const struct engine_ops *ops,
                 struct engine_op *op)
{
    pthread_mutex_lock(&t->lock);
    l->ops = ops;
    l->op = op;
    if (op && l->lost)
        ops->abandon(op);
    pthread_mutex_unlock(&t->lock);
}

void lease_remove(struct lease_table *t, struct lease **lp)
{
    struct lease *l = *lp;

    pthread_mutex_lock(&t->lock);
    if (l->prev)
        l->prev->next = l->next;
    else
        t->list = l->next;
    if (l->next)
        l->next->prev = l->prev;
    pthread_mutex_unlock(&t->lock);
    free(l);
    *lp = NULL;
}

/* The table keeps a lost lease until its task is gone; fn may remove it, so start over each time.
 */
void lease_reap(struct lease_table *t, void (*fn)(struct task *))
{
    for (;;) {
        struct task *task = NULL;

        pthread_mutex_lock(&t->lock);
        for (struct lease *l = t->list; l && !task; l = l->next)
            if (l->lost && !l->reaped) {
                l->reaped = true;
                task = l->task;
            }
        pthread_mutex_unlock(&t->lock);
        if (!task)
            return;
        fn(task);
    }
}
