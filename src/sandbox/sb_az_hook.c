#include "sandbox/sb_az_hook.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "sandbox/sb_az_jwt.h"
#include "sandbox/sb_az_op.h"
#include "sandbox/sb_az_sub.h"
#include "sandbox/sb_fault.h"
#include "sandbox/sb_post.h"
#include "sandbox/sb_state.h"

static void outer_quantity(const struct sb *s, struct jsonw *w, const struct sb_az_op *op)
{
    if (!op->plan->seats && s->az->set.quantity == SB_AZ_Q_NULL)
        jsonw_kvi(w, "quantity", 1);
    else
        sb_az_quantity_write(s, w, op->plan->seats, op->quantity);
}

static void write_minimal(const struct sb *s, struct jsonw *w, const struct sb_az_op *op)
{
    jsonw_kvs(w, "operationRequestSource", str_of(op->partner ? "Partner" : "Azure"));
    jsonw_kvs(w, "subscriptionId", str_of(op->sub->id));
    sb_az_time_write(s, w, "timeStamp", op->created_ms, true);
    jsonw_kvs(w, "action", str_of(op->action));
}

static void write_whole(const struct sb *s, struct jsonw *w, const struct sb_az_op *op)
{
    char offer[80];

    sb_az_offer(op->sub, offer);
    jsonw_kvs(w, "publisherId", str_of(op->sub->product->publisher));
    jsonw_kvs(w, "offerId", str_of(offer));
    jsonw_kvs(w, "planId", str_of(op->plan->id));
    outer_quantity(s, w, op);
    write_minimal(s, w, op);
    jsonw_kvs(w, "status", str_of(sb_az_opstate(op->state)));
    jsonw_key(w, "subscription");
    sb_az_sub_write(s, w, op->sub);
    jsonw_key(w, "purchaseToken");
    jsonw_null(w);
    if (s->az->set.extra)
        jsonw_kvs(w, "futureMember", STR("unknown"));
}

int sb_az_hook_body(struct sb *s, struct sb_az_op *op)
{
    struct jsonw w;
    struct buf b;

    buf_init(&b, sizeof(op->body) - 1);
    jsonw_init(&w, &b);
    jsonw_obj(&w);
    jsonw_kvs(&w, "id", str_of(op->id));
    jsonw_kvs(&w, "activityId", str_of(op->activity));
    if (op->minimal)
        write_minimal(s, &w, op);
    else
        write_whole(s, &w, op);
    jsonw_obj_end(&w);
    int rc = buf_err(&b) ? buf_err(&b) : str_copy(buf_view(&b), op->body, sizeof(op->body));
    buf_free(&b);
    return rc;
}

static bool waits(const struct sb_az_op *op)
{
    return op->state == SB_AZ_IN_PROGRESS && !op->partner;
}

static void answered(struct sb *s, struct sb_az_op *op, unsigned attempt, unsigned status)
{
    bool change = !strcmp(op->action, "ChangePlan") || !strcmp(op->action, "ChangeQuantity");

    op->last = status;
    if (status >= 200 && status < 300) {
        op->answered++;
        op->posted = true;
        if (waits(op) && !op->accept_ms)
            op->accept_ms = sb_core_now(s) + s->az->set.auto_accept_ms;
        return;
    }
    op->failed++;
    if (op->posted)
        return;
    if (status >= 400 && status < 500 && change && waits(op)) {
        op->posted = true;
        sb_az_settle(s, op, false, "refused");
    } else if (attempt + 1 >= (uint64_t)s->az->set.redeliver_max) {
        op->posted = true;
        if (waits(op))
            sb_az_settle(s, op, false, "unanswered");
    } else {
        sb_az_hook_send(s, op, attempt + 1);
    }
}

static void on_answer(struct sb *s, const struct sb_post_job *job, unsigned status,
                      const char *error, struct str reply)
{
    struct sb_az_op *op = sb_az_op(s->az, str_of(job->id));
    char result[24], detail[96];

    (void)reply;
    if (!op)
        return;
    if (status)
        snprintf(result, sizeof(result), "%u", status);
    else
        snprintf(result, sizeof(result), "%s", error);
    snprintf(detail, sizeof(detail), "%s %s attempt %u", op->action, op->id, job->attempt + 1);
    sb_ledger_add(&s->ledger, sb_core_now(s), "Webhook", op->sub->id, result, detail);
    op->sent++;
    s->dirty = true;
    answered(s, op, job->attempt, status);
    sb_az_tick(s);
    sb_state_save(s);
}

static int send_after(struct sb *s, const struct sb_az_op *op, unsigned attempt, uint64_t ms)
{
    struct sb_post_job *job = sb_post_new(SB_AZ_BODY);
    struct buf token;
    int rc;

    if (!job)
        return -ENOMEM;
    buf_init(&token, 16384);
    rc = sb_az_jwt_webhook(s, 0, &token);
    if (rc == 0)
        rc = sb_post_header(job, "Authorization: Bearer %s", buf_cstr(&token));
    if (rc == 0)
        rc = sb_post_header(job, "Content-Type: application/json; charset=utf-8");
    buf_free(&token);
    if (rc) {
        sb_post_drop(&job);
        return rc;
    }
    snprintf(job->url, sizeof(job->url), "%s", op->sub->product->webhook);
    snprintf(job->id, sizeof(job->id), "%s", op->id);
    buf_cat(&job->body, op->body);
    job->attempt = attempt;
    job->due_mono_ms = clock_mono_ms() + ms;
    job->done = on_answer;
    return sb_post_add(s, job);
}

int sb_az_hook_send(struct sb *s, struct sb_az_op *op, unsigned attempt)
{
    return send_after(s, op, attempt, attempt ? (uint64_t)s->az->set.redeliver_ms : 0);
}

int sb_az_hook_first(struct sb *s, struct sb_az_op *op)
{
    struct sb_fault f;
    uint64_t delay = 0;
    int rc = sb_az_hook_body(s, op);

    if (rc == 0 && sb_fault_event(s, op->action, SB_FAULT_DROP, NULL)) {
        op->posted = true;
        if (waits(op))
            op->accept_ms = sb_core_now(s) + s->az->set.auto_accept_ms;
        sb_ledger_add(&s->ledger, sb_core_now(s), "Webhook", op->sub->id, "dropped", op->action);
        sb_az_tick(s);
        return 0;
    }
    if (sb_fault_event(s, op->action, SB_FAULT_DELAY, &f) ||
        sb_fault_event(s, op->action, SB_FAULT_REORDER, &f))
        delay = f.ms;
    if (rc == 0)
        rc = send_after(s, op, 0, delay);
    if (sb_fault_event(s, op->action, SB_FAULT_DUPLICATE, &f)) {
        for (uint64_t i = 0; rc == 0 && i < f.n; i++)
            rc = send_after(s, op, 0, delay);
    }
    return rc;
}

void sb_az_hook_resume(struct sb *s)
{
    for (size_t i = 0; i < s->az->ops.n; i++) {
        struct sb_az_op *op = s->az->ops.p[i];
        if (!op->posted && op->body[0])
            send_after(s, op, op->sent, 0);
    }
}
