#include "market/market_job.h"

#include <stdlib.h>

static void on_starter(uv_timer_t *t)
{
    struct market_jobs *q = t->data;
    struct market_job *j = TAILQ_FIRST(&q->list);

    /* A first step may end its job and start others: look from the front again after each. */
    while (j) {
        if (j->begun) {
            j = TAILQ_NEXT(j, link);
            continue;
        }
        j->begun = true;
        q->begin(j);
        j = TAILQ_FIRST(&q->list);
    }
}

void market_jobs_open(struct market_jobs *q, uv_loop_t *loop, market_job_begin *begin)
{
    TAILQ_INIT(&q->list);
    uv_timer_init(loop, &q->starter);
    q->starter.data = q;
    q->begin = begin;
}

void market_jobs_close(struct market_jobs *q, void *owner, uv_close_cb closed)
{
    q->starter.data = owner;
    uv_close((uv_handle_t *)&q->starter, closed);
}

void *market_job_new(struct market_jobs *q, size_t size, size_t room, struct arena **a)
{
    struct market_job *j = calloc(1, size);

    if (!j)
        return NULL;
    *a = arena_new(4096, room + (1 << 20));
    if (!*a) {
        free(j);
        return NULL;
    }
    arena_secret(*a);
    TAILQ_INSERT_TAIL(&q->list, j, link);
    uv_timer_start(&q->starter, on_starter, 0, 0);
    return j;
}

void market_job_leave(struct market_jobs *q, struct market_job *j)
{
    TAILQ_REMOVE(&q->list, j, link);
}

void market_job_free(void *job, struct arena **a)
{
    arena_free(a);
    free(job);
}

void *market_job_first(const struct market_jobs *q)
{
    return TAILQ_FIRST(&q->list);
}

void *market_job_next(const struct market_job *j)
{
    return TAILQ_NEXT(j, link);
}
