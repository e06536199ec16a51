/*
 * task: one claimed piece of work, from claim to finish.
 *
 * A kind's run() starts a chain of callbacks that ends in exactly one of task_done, task_retry,
 * task_wait, task_dead, or in task_drop when the lease was lost (then nothing more is written: the
 * next owner decides). Everything of a task lives in its arena and dies with it.
 *
 * task_store() is how a chain talks to Redis (its arguments live until the answer): -EAGAIN is
 * retried inside with jitter for as long as the lease lives, -ESTALE drops the task; the
 * continuation sees every other answer. It is not called any more once the task was dropped. Thread
 * rule: loop thread only.
 */
#ifndef LM_TASK_H
#define LM_TASK_H

#include "base/arena.h"
#include "worker/worker.h"

struct lease;

struct task_kind {
    const char *name;
    unsigned role;
    void (*run)(struct task *t);
    bool steps; /* the claimed record's steps are kept for task_step() */
};

struct task {
    struct task *next, *prev;
    struct worker *w;
    struct snapshot *snap;
    struct arena *arena;
    struct arena *round; /* task_round() */
    const struct task_kind *kind;
    unsigned shard;
    struct str id, token, subject, data;
    uint64_t tries, crashes, fence;
    struct lease *lease;
    bool dropped;     /* lost lease: end without writing */
    bool rides;       /* a claim is on its finish */
    unsigned holds;   /* outstanding callbacks */
    uv_timer_t timer; /* task_after() */
    void (*timer_cb)(struct task *t);
    struct engine_op *op;
    const struct engine_ops *op_ops;
    struct http_call *call;
    void *state; /* the kind's own, in the arena */
    const struct store_field *steps;
    size_t nsteps;
};

/* Memory for one round of a kind that goes round many times: what the round before had is gone.
 * NULL without memory. */
struct arena *task_round(struct task *t);

typedef void task_cont(struct task *t, int rc, const struct store_rows *rows);

/* From a claimed row; NULL without memory (the lease then expires by itself). */
struct task *task_start(struct worker *w, unsigned shard, const struct store_row *row,
                        uint64_t lease_deadline);
/* A durable step ("s.x") as it was when the task was claimed; empty when there is none. */
struct str task_step(const struct task *t, const char *name);
/* From the lease table: the lease is gone. */
void task_lost(struct task *t);

void task_store(struct task *t, unsigned shard, enum store_script script, const struct str *args,
                size_t nargs, task_cont *next);
/* Outbound HTTP for a task: the reply callback is not called after a drop. */
typedef void task_http_cont(struct task *t, const struct http_reply *reply);
void task_http(struct task *t, const struct http_request *rq, task_http_cont *next);
void task_mail(struct task *t, const struct http_mail *m, task_http_cont *next);
void task_after(struct task *t, uint64_t ms, void (*next)(struct task *t));
/* Callbacks of engines and markets: hold before, release first thing in the callback; false means
 * the task was dropped and must not go on. */
void task_hold(struct task *t);
bool task_release(struct task *t);

void task_done(struct task *t);
/* Not a failure: again after delay_ms, without counting a try. */
void task_wait(struct task *t, uint64_t delay_ms);
/* A failure: counts; delay_ms 0 = exponential with full jitter. */
void task_retry(struct task *t, const char *cls, const char *error, uint64_t delay_ms);
/* Parked for an operator. */
void task_dead(struct task *t, const char *cls, const char *error);

/* kinds.c: the table of kinds; NULL for an unknown name. */
const struct task_kind *task_kind_find(struct str name);

/* Argument lists built in the task's arena. */
struct args {
    struct task *t;
    struct str v[96];
    size_t n;
};
void args_init(struct args *a, struct task *t);
void args_add(struct args *a, struct str s);
void args_cstr(struct args *a, const char *s);
void args_int(struct args *a, int64_t v);
void args_kv(struct args *a, const char *k, struct str v);
void args_kvi(struct args *a, const char *k, int64_t v);
/* Nothing for "" and NULL. */
void args_kv_opt(struct args *a, const char *k, const char *v);

#endif
