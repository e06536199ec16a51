#include "deploy/exec_op.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/file.h"
#include "base/log.h"
#include "deploy/engine_call.h"

#define REQUEST_MAX (512u * 1024u)
#define ENV_MAX     64

void exec_op_free(struct engine_op *op)
{
    pthread_mutex_destroy(&op->lock);
    exec_said_free(&op->said);
    arena_free(&op->birth);
    arena_free(&op->arena);
    free(op);
}

static void on_closed(uv_handle_t *h)
{
    exec_op_free(h->data);
}

static void finish(struct engine_op *op, const struct engine_result *r)
{
    if (op->over)
        return;
    op->over = true;
    if (op->claimed)
        exec_claim_drop(op->dir);
    if (r->status == ENGINE_ABSENT)
        (void)rmdir(op->dir); /* what the program keeps there stays */
    op->ev.done(op->ev.arg, r);
    uv_close((uv_handle_t *)&op->timer, on_closed);
}

void exec_op_fail(struct engine_op *op, enum engine_class cls, const char *code, const char *detail)
{
    struct engine_result r = {.status = ENGINE_FAIL,
                              .cls = cls,
                              .outputs = "",
                              .code = code,
                              .detail = detail,
                              .observed_sha256 = "",
                              .pct = -1};

    finish(op, &r);
}

static void on_grace(uv_timer_t *t)
{
    struct engine_op *op = t->data;

    if (op->child)
        child_signal(op->child, SIGKILL);
}

void exec_op_end_child(struct engine_op *op)
{
    child_signal(op->child, SIGTERM);
    uv_timer_start(&op->timer, on_grace, op->grace_ms, 0);
}

static void on_deadline(uv_timer_t *t)
{
    struct engine_op *op = t->data;

    op->too_late = true;
    if (op->child)
        exec_op_end_child(op);
}

static void on_line(void *arg, struct str line)
{
    struct engine_op *op = arg;

    switch (exec_line(&op->said, line)) {
    case EXEC_LINE_PROGRESS:
        if (op->ev.progress)
            op->ev.progress(op->ev.arg, op->said.pct, op->said.message);
        break;
    case EXEC_LINE_ID:
        if (op->ev.external_id)
            op->ev.external_id(op->ev.arg, op->said.id);
        break;
    default:
        break;
    }
}

/* The template knows the address when the program names none. */
static void add_endpoint(struct engine_op *op, struct engine_result *r)
{
    const char *kept;
    cJSON *o = NULL;
    char *text;

    if (r->status != ENGINE_DONE || op->endpoint[0] == '\0')
        return;
    if (json_parse(str_of(r->outputs[0] ? r->outputs : "{}"), EXEC_LINE_MAX, &o))
        return;
    if (json_get(o, "endpoint") == NULL) {
        cJSON_AddStringToObject(o, "endpoint", op->endpoint);
        text = cJSON_PrintUnformatted(o);
        kept = exec_keep(&op->said, str_of(text));
        if (kept[0])
            r->outputs = kept;
        cJSON_free(text);
    }
    cJSON_Delete(o);
}

static void on_exit_child(void *arg, const struct child_end *ended)
{
    struct engine_op *op = arg;
    struct exec_end end = {.status = ended->status,
                           .too_late = op->too_late,
                           .cancelled = op->cancelled,
                           .errors = ended->errors};
    struct engine_result r;

    pthread_mutex_lock(&op->lock);
    op->child = NULL;
    end.abandoned = op->abandoned;
    pthread_mutex_unlock(&op->lock);
    uv_timer_stop(&op->timer);
    op->said.bad = op->said.bad || ended->line_too_long;
    exec_verdict(&op->said, &end, &r);
    add_endpoint(op, &r);
    crash_point("exec.after_end");
    finish(op, &r);
}

static bool has_name(const char *const *env, size_t n, const char *assignment)
{
    size_t len = strcspn(assignment, "=");

    for (size_t i = 0; i < n; i++)
        if (strncmp(env[i], assignment, len + 1) == 0)
            return true;
    return false;
}

static int make_env(struct engine_op *op, const char *env[ENV_MAX])
{
    const char *ours[] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
                          arena_fmt(op->birth, "HOME=%s", op->dir),
                          arena_fmt(op->birth, "LASTMILE_TENANT=%s", op->call->tenant)};
    size_t n = 0;

    for (const char *const *e = op->template->environment; e && *e; e++) {
        if (n + 5 >= ENV_MAX)
            return -E2BIG;
        env[n++] = *e;
    }
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (ours[i] == NULL)
            return -ENOMEM;
        if (!has_name(env, n, ours[i]))
            env[n++] = ours[i];
    }
    env[n] = NULL;
    return 0;
}

static int make_argv(const struct engine_op *op, const char *argv[ENV_MAX])
{
    size_t n = 0;

    for (const char *const *a = op->template->command; *a; a++) {
        if (n + 2 >= ENV_MAX)
            return -E2BIG;
        argv[n++] = *a;
    }
    argv[n++] = engine_verb_name(op->call->verb);
    argv[n] = NULL;
    return 0;
}

static int launch(struct engine_op *op)
{
    const char *argv[ENV_MAX], *env[ENV_MAX];
    const struct child_spec spec = {
        .argv = argv, .env = env, .cwd = op->dir, .line_max = EXEC_LINE_MAX};
    const struct child_events ev = {on_line, on_exit_child, op};
    int rc = make_argv(op, argv);

    if (rc == 0)
        rc = make_env(op, env);
    if (rc)
        return rc;
    /* Under the lock: after an abandon() nothing is started any more. */
    pthread_mutex_lock(&op->lock);
    rc = op->abandoned ? -ECANCELED : child_start(op->e->loop, &spec, &ev, &op->child);
    pthread_mutex_unlock(&op->lock);
    return rc;
}

/* Recorded first, told second: a program that nobody recorded has got no request. One that has
 * ended by now (-ESRCH) needs neither. */
static void hand_over(struct engine_op *op, struct str request)
{
    uint64_t deadline_ms = op->call->deadline_ms;
    int rc;

    crash_point("exec.before_request");
    rc = exec_claim_write(op->dir, child_pid(op->child));
    op->claimed = rc == 0;
    if (rc == 0)
        rc = child_send(op->child, request);
    crash_point("exec.after_request");
    op->call = NULL; /* may run for an hour: nothing of this is needed again */
    arena_free(&op->birth);
    if (rc && rc != -ESRCH) {
        op->cancelled = true;
        exec_op_end_child(op);
        return;
    }
    uv_timer_start(&op->timer, on_deadline, deadline_ms, 0);
}

static void run(struct engine_op *op)
{
    struct buf request;
    char why[64];
    int rc;

    buf_init(&request, REQUEST_MAX);
    rc = exec_request(op->call, op->template, op->endpoint, &request);
    if (rc)
        exec_op_fail(op, CLASS_INVALID, "invalid_spec", "spec or outputs are not JSON objects");
    else
        rc = launch(op);
    if (rc == 0)
        hand_over(op, buf_view(&request));
    else
        exec_op_fail(op, CLASS_RETRY, rc == -ECANCELED ? "abandoned" : "exec_unavailable",
                     log_errno(rc, why));
    buf_free(&request);
}

void exec_op_begin(uv_timer_t *t)
{
    struct engine_op *op = t->data;
    const struct cfg_template *c = op->template;
    char why[64];
    int rc;

    if (!engine_tenant_ok(op->call->tenant)) {
        exec_op_fail(op, CLASS_INVALID, "invalid_spec", "the tenant id is not a DNS label");
        return;
    }
    if (c == NULL || c->command == NULL || c->command[0] == NULL || c->command[0][0] != '/') {
        exec_op_fail(op, CLASS_INVALID, "invalid_spec",
                     "the template's command must be an absolute path");
        return;
    }
    rc = file_mkdirs(op->e->base, 0711); /* shared with tenants of the process engine */
    if (rc == 0)
        rc = file_mkdirs(op->dir, 0700);
    if (rc == 0)
        rc = exec_claim_check(op->dir);
    if (rc == 0)
        run(op);
    else
        exec_op_fail(op, CLASS_RETRY, rc == -EBUSY ? "former_run" : "exec_unavailable",
                     log_errno(rc, why));
}
