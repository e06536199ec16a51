/*
 * exec_op: one run of the operator's program. Internal to exec.c (birth, cancel, abandon) and
 * exec_op.c (from the first check to the answer).
 */
#ifndef LM_EXEC_OP_H
#define LM_EXEC_OP_H

#include <pthread.h>

#include "deploy/child.h"
#include "deploy/exec_int.h"

struct engine {
    uv_loop_t *loop;
    struct arena *arena;
    const char *base; /* deploy.data_dir */
    const char *dir;  /* deploy.data_dir/exec */
};

struct engine_op {
    struct engine *e;
    struct arena *arena; /* dir, endpoint: as long as the op */
    struct arena *birth; /* call and what is made of it: until the program has its request */
    const struct engine_call *call;
    const struct cfg_template *template;
    struct engine_events ev;
    const char *dir, *endpoint;
    uv_timer_t timer;
    pthread_mutex_t lock; /* child, abandoned: abandon() comes from another thread */
    struct child *child;
    bool abandoned;
    bool over, cancelled, too_late, claimed;
    uint64_t grace_ms;
    struct exec_said said;
};

/* First event of an op: checks, starts the program, hands over the request. */
void exec_op_begin(uv_timer_t *t);
/* TERM to the group, KILL after the grace. The op has a child. */
void exec_op_end_child(struct engine_op *op);
/* Answers and ends; every further answer is ignored. */
void exec_op_fail(struct engine_op *op, enum engine_class cls, const char *code,
                  const char *detail);
void exec_op_free(struct engine_op *op);

#endif
