/*
 * process_op: one verb of the process engine on its way: order, wait, answer. Internal to
 * process.c (birth, cancel) and process_op.c (the way).
 */
#ifndef LM_PROCESS_OP_H
#define LM_PROCESS_OP_H

#include <stdatomic.h>

#include "deploy/process_int.h"

struct engine {
    uv_loop_t *loop;
    struct arena *arena;
    const char *run_dir, *data_dir, *archive_dir, *keeper, *endpoint, *cgroup_root;
    uint32_t uid_base;
};

struct engine_op {
    struct engine *e;
    struct arena *arena;
    const struct engine_call *call;
    const struct cfg_template *template;
    struct engine_events ev;
    struct process_paths paths;
    const char *endpoint;
    struct process_ctl *ctl;
    struct child *child;
    uv_timer_t timer;
    uint64_t wait_until;
    unsigned starts, busy, polls;
    struct process_spec_result spec;
    struct buf outputs, detail, line;
    bool accepted; /* the order is recorded: from now on only ask */
    bool over;
    bool cancelled;
    atomic_bool abandoned;
};

/* Sends the order, or asks for the status of one that was accepted. */
void process_op_next(struct engine_op *op);
/* Answers and ends; every further answer is ignored. */
void process_op_answer(struct engine_op *op, enum engine_status status, enum engine_class cls,
                       const char *code, const char *detail);
void process_op_fail(struct engine_op *op, enum engine_class cls, const char *code,
                     const char *detail);
void process_op_free(struct engine_op *op);

#endif
