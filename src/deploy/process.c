#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "deploy/engine_call.h"
#include "deploy/process_op.h"

#define WAIT_MS      1500
#define UID_MAX_OURS 2147483646u

static const char *bad_call(struct engine_op *op)
{
    const struct cfg_template *t = op->template;
    struct stat st;

    if (!engine_tenant_ok(op->call->tenant))
        return "the tenant id is not a DNS label of at most 40 characters";
    if (strlen(op->paths.ctl) + sizeof(".app.18446744073709551615.sock") > 107)
        return "deploy.run_dir is too long for a unix socket";
    if (geteuid() == 0 &&
        (op->e->uid_base == 0 || (uint64_t)op->e->uid_base + op->call->slot > UID_MAX_OURS))
        return "deploy.uid_base plus the slot is not a usable uid";
    if (op->call->verb != ENGINE_APPLY && op->call->verb != ENGINE_VALIDATE)
        return NULL;
    if (process_spec(op->call, t, &op->spec))
        return op->spec.why;
    if (stat(t->command[0], &st) || !S_ISREG(st.st_mode) || !(st.st_mode & 0111))
        return "the template's command is not an executable file";
    return NULL;
}

static void begin(uv_timer_t *t)
{
    struct engine_op *op = t->data;
    const char *why = bad_call(op);

    op->wait_until =
        clock_mono_ms() + (op->call->deadline_ms < WAIT_MS ? op->call->deadline_ms : WAIT_MS);
    if (why)
        process_op_fail(op, CLASS_INVALID, "invalid_spec", why);
    else if (op->call->verb == ENGINE_VALIDATE)
        process_op_answer(op, ENGINE_DONE, CLASS_NONE, "", "");
    else
        process_op_next(op);
}

static int fill(struct engine_op *op, const struct engine_call *call)
{
    const struct engine *e = op->e;
    struct arena *a = op->arena;

    op->call = engine_call_copy(a, call);
    op->template = call->template;
    if (op->call == NULL)
        return -ENOMEM;
    op->paths.run = arena_fmt(a, "%s/%s", e->run_dir, op->call->tenant);
    op->paths.ctl = arena_fmt(a, "%s/%s/ctl", e->run_dir, op->call->tenant);
    op->paths.data = arena_fmt(a, "%s/%s", e->data_dir, op->call->tenant);
    op->paths.record = arena_fmt(a, "%s/%s.json", e->data_dir, op->call->tenant);
    op->endpoint = engine_render(a,
                                 op->template && op->template->endpoint && op->template->endpoint[0]
                                     ? op->template->endpoint
                                     : e->endpoint,
                                 op->call->tenant);
    return op->paths.run && op->paths.ctl && op->paths.data && op->paths.record && op->endpoint
               ? 0
               : -ENOMEM;
}

static struct engine_op *process_start(struct engine *e, const struct engine_call *call,
                                       const struct engine_events *ev)
{
    struct engine_op *op = calloc(1, sizeof(*op));

    if (op == NULL)
        return NULL;
    op->e = e;
    op->ev = *ev;
    op->arena = arena_new(2048, 1u << 20);
    buf_init(&op->outputs, 4096);
    buf_init(&op->detail, 4096);
    buf_init(&op->line, 128u * 1024u);
    buf_init(&op->spec.json, 1);
    if (op->arena == NULL || fill(op, call)) {
        process_op_free(op);
        return NULL;
    }
    uv_timer_init(e->loop, &op->timer);
    op->timer.data = op;
    uv_timer_start(&op->timer, begin, 0, 0);
    return op;
}

static void process_cancel(struct engine_op *op)
{
    op->cancelled = true;
    if (op->over || op->child) /* a keeper that is starting answers within moments */
        return;
    if (op->ctl)
        process_ctl_cancel(op->ctl);
    op->ctl = NULL;
    process_op_fail(op, CLASS_RETRY, "cancelled", "");
}

static void process_abandon(struct engine_op *op)
{
    /* The keeper is nobody's child and refuses an older fence; only stop sending. */
    atomic_store(&op->abandoned, true);
}

static const char *beside_us(struct arena *a)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    ptrdiff_t slash;

    if (n <= 0)
        return NULL;
    slash = str_rchr(str_make(self, (size_t)n), '/');
    return arena_fmt(a, "%.*s/lastmile-keeper", (int)slash, self);
}

static void process_close(struct engine *e)
{
    struct arena *a = e->arena;

    arena_free(&a);
}

static int process_open(uv_loop_t *loop, const void *cfg, struct engine **out, const char **err)
{
    const struct cfg_deploy *d = &((const struct config *)cfg)->deploy;
    struct arena *a = arena_new(4096, 65536);
    struct engine *e = a ? arena_alloc(a, sizeof(*e)) : NULL;

    *err = "out of memory";
    if (e == NULL)
        goto fail;
    e->loop = loop;
    e->arena = a;
    e->uid_base = d->uid_base;
    e->run_dir = arena_dup(a, str_of(d->run_dir));
    e->data_dir = arena_dup(a, str_of(d->data_dir));
    e->archive_dir = arena_dup(a, str_of(d->archive_dir));
    e->endpoint = arena_dup(a, str_of(d->endpoint));
    e->cgroup_root = arena_dup(a, str_of(d->cgroup_root));
    e->keeper = d->keeper && d->keeper[0] ? arena_dup(a, str_of(d->keeper)) : beside_us(a);
    if (!e->run_dir || !e->data_dir || !e->archive_dir || !e->endpoint || !e->cgroup_root ||
        !e->keeper)
        goto fail;
    *err = "deploy.run_dir and deploy.data_dir must be absolute paths";
    if (e->run_dir[0] != '/' || e->data_dir[0] != '/')
        goto fail;
    *out = e;
    return 0;
fail:
    arena_free(&a);
    return -EINVAL;
}

const struct engine_ops engine_process = {
    .name = "process",
    .open = process_open,
    .close = process_close,
    .start = process_start,
    .cancel = process_cancel,
    .abandon = process_abandon,
};
