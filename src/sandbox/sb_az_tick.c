#include <stdio.h>

#include "base/clock.h"
#include "sandbox/sb_az_hook.h"
#include "sandbox/sb_az_op.h"
#include "sandbox/sb_az_sub.h"
#include "sandbox/sb_post.h"
#include "sandbox/sb_state.h"

static void begin(struct sb *s, struct sb_az_op *op)
{
    op->begin_ms = 0;
    op->state = SB_AZ_SUCCEEDED;
    snprintf(op->by, sizeof(op->by), "publisher");
    sb_az_hook_body(s, op);
    sb_az_apply(s, op);
    sb_az_hook_send(s, op, 0);
}

static void activation(struct sb *s, struct sb_az_sub *sub)
{
    struct sb_az_ask ask = {.action = "Unsubscribe"};
    const char *why;

    if (!sub->activate_fails) {
        sb_az_start(s, sub);
        return;
    }
    sub->settle_ms = 0;
    sb_az_ask(s, sub, &ask, NULL, &why);
}

static void on_timer(struct sb *s, const struct sb_post_job *job, unsigned status,
                     const char *error, struct str reply)
{
    (void)job, (void)status, (void)error, (void)reply;
    s->az->tick_at = 0;
    sb_az_tick(s);
    sb_state_save(s);
}

static void set_timer(struct sb *s, int64_t at)
{
    int64_t now = sb_core_now(s);
    struct sb_post_job *job;

    if (s->az->tick_at && s->az->tick_at <= at && s->az->tick_at > now)
        return;
    job = sb_post_new(0);
    if (!job)
        return;
    job->due_mono_ms = clock_mono_ms() + (uint64_t)(at > now ? at - now : 0) + 1;
    job->done = on_timer;
    s->az->tick_at = at;
    sb_post_add(s, job);
}

static void earliest(int64_t *next, int64_t t)
{
    if (t && (!*next || t < *next))
        *next = t;
}

static void tick_subs(struct sb *s, int64_t now, int64_t *next)
{
    for (size_t i = 0; i < s->az->subs.n; i++) {
        struct sb_az_sub *sub = s->az->subs.p[i];
        struct sb_az_ask end = {.action = "Unsubscribe"};
        int64_t ends = sub->suspended_ms + s->az->set.suspend_days * SB_DAY_MS;
        bool suspended = sub->status == SB_AZ_SUSPENDED;
        const char *why;

        if (sub->settle_ms && sub->settle_ms <= now)
            activation(s, sub);
        else if (suspended && ends <= now)
            sb_az_ask(s, sub, &end, NULL, &why);
        earliest(next, sub->settle_ms);
        earliest(next, suspended && sub->status == SB_AZ_SUSPENDED ? ends : 0);
    }
}

void sb_az_tick(struct sb *s)
{
    int64_t now = sb_core_now(s), next = 0;

    if (!s->az)
        return;
    tick_subs(s, now, &next);
    for (size_t i = 0; i < s->az->ops.n; i++) {
        struct sb_az_op *op = s->az->ops.p[i];
        if (op->begin_ms && op->begin_ms <= now)
            begin(s, op);
        if (op->accept_ms && op->accept_ms <= now)
            sb_az_settle(s, op, true, "clock");
        earliest(&next, op->begin_ms);
        earliest(&next, op->accept_ms);
    }
    if (next)
        set_timer(s, next);
}
