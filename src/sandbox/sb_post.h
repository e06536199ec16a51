/*
 * sb_post: HTTP requests that the sandbox makes itself (webhooks, push subscriptions), and timers.
 *
 * A job waits until its time, is sent by one of a few background threads without the lock, and its
 * callback then runs with the lock held: it may change the sandbox, add jobs, write the ledger.
 * A job without url is a timer: only the callback runs. Jobs live in memory only; who wants them
 * after a restart adds them again.
 * Redirects are not followed, certificates not checked (the receiver is a test's own server), the
 * environment's proxies are ignored. Threads are started by the first job and end with
 * sb_post_free(), which cuts running requests short.
 */
#ifndef LM_SB_POST_H
#define LM_SB_POST_H

#include "sandbox/sb_core.h"

#define SB_POST_THREADS 4
#define SB_POST_HEADERS 8
#define SB_POST_REPLY   4096 /* bytes of an answer that are kept */

struct sb_post_job;
/* status: HTTP status, or 0 when no answer came; error: "" or what happened ("timeout",
 * "refused", "failed"); reply: beginning of the body. The job is freed after the call. */
typedef void (*sb_post_fn)(struct sb *s, const struct sb_post_job *job, unsigned status,
                           const char *error, struct str reply);

struct sb_post_job {
    char url[2048];       /* "" = timer */
    uint64_t due_mono_ms; /* not before; 0 = at once */
    uint64_t timeout_ms;  /* of the whole request; 0 = 10 s */
    char id[64];          /* for the callback, which looks its object up again by it */
    unsigned attempt;     /* likewise */
    sb_post_fn done;      /* may be NULL */
    /* Owned by the job: */
    char *header[SB_POST_HEADERS]; /* "Name: value"; the same name may come twice */
    size_t nheaders;
    struct buf body;
};

/* An empty job whose body may hold max bytes; NULL: no memory. */
struct sb_post_job *sb_post_new(size_t max);
/* Only for a job that was not given to sb_post_add(). */
void sb_post_drop(struct sb_post_job **job);
/* 0, -ENOBUFS (too many headers) or -ENOMEM. */
int sb_post_header(struct sb_post_job *job, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Takes the job over in every case. 0, -ENOBUFS (too many jobs), -ENOMEM, -EAGAIN (no thread). */
int sb_post_add(struct sb *s, struct sb_post_job *job);
/* Jobs that wait or run. */
size_t sb_post_pending(const struct sb *s);
/* Without the lock; after sb_core_stop() or when no other thread uses s. */
void sb_post_free(struct sb *s);

#endif
