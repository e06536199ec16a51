/*
 * The exec engine: the operator's own program carries out a verb. Its path comes from the
 * template, never from an order; buyers' strings reach it only inside the JSON of its stdin.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/engine_call.h"
#include "deploy/exec_op.h"

#define GRACE_MS 20000

enum { ARENA_FIRST = 256, ARENA_MAX = 64 * 1024, BIRTH_FIRST = 4096, BIRTH_MAX = 8 << 20 };

static uint64_t grace_of(const struct cfg_template *t)
{
    uint64_t v;

    for (size_t i = 0; t && i < t->nparameters; i++)
        if (strcmp(t->parameters[i].key, "term_grace_ms") == 0 &&
            str_u64(str_of(t->parameters[i].value), 3600000, &v) == 0)
            return v;
    return GRACE_MS;
}

static int fill(struct engine_op *op, const struct engine_call *call)
{
    const struct cfg_template *t = call->template;

    exec_said_init(&op->said);
    op->template = t;
    op->grace_ms = grace_of(t);
    op->arena = arena_new(ARENA_FIRST, ARENA_MAX);
    op->birth = arena_new(BIRTH_FIRST, BIRTH_MAX);
    op->call = op->arena && op->birth ? engine_call_copy(op->birth, call) : NULL;
    if (op->call == NULL)
        return -ENOMEM;
    op->dir = arena_fmt(op->arena, "%s/%s", op->e->dir, op->call->tenant);
    op->endpoint =
        engine_render(op->arena, engine_or_empty(t ? t->endpoint : NULL), op->call->tenant);
    return op->dir && op->endpoint ? 0 : -ENOMEM;
}

static struct engine_op *exec_start(struct engine *e, const struct engine_call *call,
                                    const struct engine_events *ev)
{
    struct engine_op *op = calloc(1, sizeof(*op));

    if (op == NULL)
        return NULL;
    op->e = e;
    op->ev = *ev;
    pthread_mutex_init(&op->lock, NULL);
    if (fill(op, call)) {
        exec_op_free(op);
        return NULL;
    }
    uv_timer_init(e->loop, &op->timer);
    op->timer.data = op;
    uv_timer_start(&op->timer, exec_op_begin, 0, 0);
    return op;
}

static void exec_cancel(struct engine_op *op)
{
    if (op->over || op->cancelled)
        return;
    op->cancelled = true;
    if (op->child)
        exec_op_end_child(op);
    else
        exec_op_fail(op, CLASS_RETRY, "cancelled", "");
}

static void exec_abandon(struct engine_op *op)
{
    pthread_mutex_lock(&op->lock);
    op->abandoned = true;
    if (op->child)
        child_kill_now(op->child);
    pthread_mutex_unlock(&op->lock);
}

static void exec_close(struct engine *e)
{
    struct arena *a = e->arena;

    arena_free(&a);
}

static int exec_open(uv_loop_t *loop, const void *cfg, struct engine **out, const char **err)
{
    const struct cfg_deploy *d = &((const struct config *)cfg)->deploy;
    struct arena *a = arena_new(1024, 65536);
    struct engine *e = a ? arena_alloc(a, sizeof(*e)) : NULL;

    *err = "out of memory";
    if (e) {
        e->loop = loop;
        e->arena = a;
        e->base = arena_dup(a, str_of(d->data_dir));
        e->dir = arena_fmt(a, "%s/exec", d->data_dir);
    }
    if (e && e->base && e->dir && e->dir[0] == '/') {
        *out = e;
        return 0;
    }
    if (e && e->dir)
        *err = "deploy.data_dir must be an absolute path";
    arena_free(&a);
    return -EINVAL;
}

const struct engine_ops engine_exec = {
    .name = "exec",
    .open = exec_open,
    .close = exec_close,
    .start = exec_start,
    .cancel = exec_cancel,
    .abandon = exec_abandon,
};
