/*
 * A verb is one order to the tenant's keeper and a short wait. What takes longer is answered
 * PENDING; the worker comes back with observe.
 */
#include "deploy/process_op.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"

#define CTL_MS     5000
#define STARTS_MAX 3 /* keepers that came up and were gone again */
#define BUSY_MAX   40
#define BUSY_MS    100

void process_op_free(struct engine_op *op)
{
    buf_free(&op->outputs);
    buf_free(&op->detail);
    buf_free(&op->line);
    buf_free(&op->spec.json);
    arena_free(&op->arena);
    free(op);
}

static void on_closed(uv_handle_t *h)
{
    process_op_free(h->data);
}

static void finish(struct engine_op *op, const struct engine_result *r)
{
    if (op->over)
        return;
    op->over = true;
    op->ev.done(op->ev.arg, r);
    uv_close((uv_handle_t *)&op->timer, on_closed);
}

void process_op_answer(struct engine_op *op, enum engine_status status, enum engine_class cls,
                       const char *code, const char *detail)
{
    struct engine_result r = {.status = status,
                              .cls = cls,
                              .outputs = "",
                              .code = code,
                              .detail = detail,
                              .observed_sha256 = "",
                              .pct = -1};

    finish(op, &r);
}

void process_op_fail(struct engine_op *op, enum engine_class cls, const char *code,
                     const char *detail)
{
    process_op_answer(op, ENGINE_FAIL, cls, code, detail);
}

static void progress(struct engine_op *op, int pct, const char *message)
{
    if (op->ev.progress)
        op->ev.progress(op->ev.arg, pct, message);
}

static void on_timer(uv_timer_t *t)
{
    process_op_next(t->data);
}

static void later(struct engine_op *op, uint64_t ms)
{
    uv_timer_start(&op->timer, on_timer, ms, 0);
}

/* Suspended before the host was restarted: there is nothing to stop and nothing to ask. */
static void answer_suspended(struct engine_op *op)
{
    struct engine_result r = {.status = ENGINE_DONE,
                              .suspended = true,
                              .code = "",
                              .detail = "",
                              .observed_sha256 = op->call->spec_sha256,
                              .pct = 100};
    struct jsonw w;

    jsonw_init(&w, &op->outputs);
    jsonw_obj(&w);
    jsonw_kvs(&w, "endpoint", str_of(op->endpoint));
    jsonw_obj_end(&w);
    r.outputs = buf_cstr(&op->outputs);
    finish(op, &r);
}

/* What to do when no keeper answers, by verb and by what the files say. True: answered. */
static bool answered_by_disk(struct engine_op *op)
{
    enum process_disk d = process_disk(&op->paths);

    switch (op->call->verb) {
    case ENGINE_OBSERVE:
        if (d == DISK_NOTHING)
            process_op_answer(op, ENGINE_ABSENT, CLASS_NONE, "", "");
        else if (d == DISK_SUSPENDED)
            answer_suspended(op);
        else if (d == DISK_DELETING)
            process_op_fail(op, CLASS_RETRY, "delete_interrupted",
                            "the keeper died while it was deleting");
        else
            process_op_fail(op, CLASS_GONE_EXTERNALLY, "keeper_gone",
                            "no keeper answers for this tenant");
        return true;
    case ENGINE_DELETE:
        if (d == DISK_NOTHING)
            process_op_answer(op, ENGINE_ABSENT, CLASS_NONE, "", "");
        return d == DISK_NOTHING;
    case ENGINE_SUSPEND:
        if (d == DISK_SUSPENDED)
            answer_suspended(op);
        /* fall through */
    case ENGINE_RESUME:
        if (d == DISK_NOTHING)
            process_op_fail(op, CLASS_GONE_EXTERNALLY, "no_spec", "nothing was ever applied");
        return op->over;
    default:
        return false;
    }
}

static void on_keeper(void *arg, const struct child_end *end)
{
    struct engine_op *op = arg;
    int code = WIFEXITED(end->status) ? WEXITSTATUS(end->status) : -1;

    op->child = NULL;
    if (op->cancelled) {
        process_op_fail(op, CLASS_RETRY, "cancelled", "");
        return;
    }
    if (code != 0 && code != 75) {
        buf_reset(&op->detail);
        buf_fmt(&op->detail, "keeper ended with %d: %.*s", code, STR_FMT(str_trim(end->errors)));
        process_op_fail(op, CLASS_RETRY, "keeper_unavailable", buf_cstr(&op->detail));
        return;
    }
    if (code == 0) {
        op->starts++;
        crash_point("engine.after_keeper");
    } else {
        op->busy++;
    }
    /* 75: another one holds the lock: about to listen, or about to be gone. */
    later(op, code == 0 ? 0 : BUSY_MS);
}

static void start_keeper(struct engine_op *op)
{
    const struct process_keeper_opts o = {
        .paths = &op->paths,
        .program = op->e->keeper,
        .archive_dir = op->e->archive_dir,
        .cgroup_root = op->e->cgroup_root,
        .tenant = op->call->tenant,
        .uid = op->e->uid_base + op->call->slot,
    };
    const struct child_events ev = {NULL, on_keeper, op};
    char why[64];
    int rc;

    if (op->starts >= STARTS_MAX || op->busy >= BUSY_MAX) {
        process_op_fail(op, CLASS_RETRY, "keeper_unavailable",
                        op->busy >= BUSY_MAX ? "a keeper holds the lock and does not answer"
                                             : "keepers end as soon as they are started");
        return;
    }
    if (op->starts + op->busy == 0)
        progress(op, 10, "Preparing the environment");
    crash_point("engine.before_keeper");
    rc = process_keeper_start(op->e->loop, &o, &ev, &op->child);
    if (rc) {
        buf_reset(&op->detail);
        buf_fmt(&op->detail, "%s: %s", op->e->keeper, log_errno(rc, why));
        process_op_fail(op, CLASS_RETRY, "keeper_unavailable", buf_cstr(&op->detail));
    }
}

static void nobody(struct engine_op *op)
{
    /* After an accepted delete this is the good end; anything else begins again. */
    op->accepted = false;
    if (!answered_by_disk(op))
        start_keeper(op);
}

static void ask_again(struct engine_op *op, struct engine_result *pending)
{
    static const uint64_t delays[] = {10, 20, 40, 80, 120, 160, 200};
    uint64_t now = clock_mono_ms();
    size_t i = op->polls < sizeof(delays) / sizeof(delays[0])
                   ? op->polls
                   : sizeof(delays) / sizeof(delays[0]) - 1;

    if (op->call->verb == ENGINE_OBSERVE || now >= op->wait_until) {
        finish(op, pending);
        return;
    }
    op->polls++;
    later(op, delays[i]);
}

static void on_ctl(void *arg, int rc, const cJSON *st)
{
    struct engine_op *op = arg;
    const struct process_ask ask = {op->call, op->endpoint, &op->outputs, &op->detail};
    struct engine_result r;
    char why[64];

    op->ctl = NULL;
    if (rc == -ECONNREFUSED) {
        nobody(op);
        return;
    }
    if (rc) {
        process_op_fail(op, CLASS_RETRY, "keeper_unavailable", log_errno(rc, why));
        return;
    }
    if (process_reply(&ask, st, &r)) {
        finish(op, &r);
        return;
    }
    if (!op->accepted && op->call->verb == ENGINE_APPLY)
        progress(op, 40, "Starting the program");
    op->accepted = true;
    ask_again(op, &r);
}

static void write_order(struct engine_op *op)
{
    bool order = !op->accepted && op->call->verb != ENGINE_OBSERVE;
    struct jsonw w;

    buf_reset(&op->line);
    jsonw_init(&w, &op->line);
    jsonw_obj(&w);
    jsonw_kvs(&w, "cmd", str_of(order ? engine_verb_name(op->call->verb) : "status"));
    if (order)
        jsonw_kvi(&w, "fence", (int64_t)op->call->fence);
    if (order && op->call->verb == ENGINE_APPLY) {
        jsonw_key(&w, "spec");
        jsonw_raw(&w, buf_view(&op->spec.json));
    }
    jsonw_obj_end(&w);
}

void process_op_next(struct engine_op *op)
{
    int rc;

    if (op->over || op->ctl || op->child)
        return;
    if (atomic_load(&op->abandoned)) {
        process_op_fail(op, CLASS_RETRY, "abandoned", "the lease was lost");
        return;
    }
    write_order(op);
    rc = buf_err(&op->line);
    if (rc == 0)
        rc = process_ctl_send(op->e->loop, op->paths.ctl, buf_view(&op->line), CTL_MS, on_ctl, op,
                              &op->ctl);
    if (rc)
        process_op_fail(op, CLASS_RETRY, "no_memory", "");
}
