/*
 * market_job: the calls under way of one channel. Each begins from the loop, in the order in which
 * they came, so no callback runs inside the function that made it.
 *
 * A channel's job has a struct market_job as its first member. Thread rule: loop thread only.
 */
#ifndef LM_MARKET_JOB_H
#define LM_MARKET_JOB_H

#include <stdbool.h>
#include <sys/queue.h>
#include <uv.h>

#include "base/arena.h"

struct market_job {
    TAILQ_ENTRY(market_job) link;
    bool begun;
};

TAILQ_HEAD(market_job_list, market_job);

/* The first step of a job; it may end this job, any other, and make new ones. */
typedef void market_job_begin(struct market_job *j);

struct market_jobs {
    struct market_job_list list; /* the oldest first */
    uv_timer_t starter;
    market_job_begin *begin;
};

void market_jobs_open(struct market_jobs *q, uv_loop_t *loop, market_job_begin *begin);
/* After the last job has ended. closed: the handle's data is owner. */
void market_jobs_close(struct market_jobs *q, void *owner, uv_close_cb closed);
/* A zeroed job of that size, queued, and its wiped arena with room for so many bytes beyond the
 * usual; NULL without memory. */
void *market_job_new(struct market_jobs *q, size_t size, size_t room, struct arena **a);
/* Out of the queue, before its caller is called back. */
void market_job_leave(struct market_jobs *q, struct market_job *j);
/* Frees a job that has left. */
void market_job_free(void *job, struct arena **a);
/* The oldest job and the one behind; NULL: none. */
void *market_job_first(const struct market_jobs *q);
void *market_job_next(const struct market_job *j);

#endif
