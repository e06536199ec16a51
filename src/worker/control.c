/*
 * control: what signals do to a running worker. SIGTERM and SIGINT: no more claims, tasks end, the
 * rest is handed back when worker.drain is over; a second one stops at once. SIGHUP: the
 * configuration is read anew and swapped when it is right.
 */
#include <signal.h>

#include "base/log.h"
#include "base/notify.h"
#include "worker/task.h"

static void handed_back(void *arg, int rc, const struct store_rows *rows)
{
    struct worker *w = arg;

    (void)rc;
    (void)rows;
    if (--w->running == 0)
        uv_stop(w->loop);
}

/* What did not end in time goes back at once instead of waiting for its lease to end. */
static void hand_back(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    unsigned n = 0;

    for (struct task *t = w->tasks; t; t = t->next) {
        struct str args[] = {t->id, t->token, STR("wait"), STR("0"), STR(""), STR("")};

        if (t->op)
            t->op_ops->abandon(t->op);
        store_call(w->store, t->shard, STORE_TASK_FINISH, args, 6, handed_back, w);
        n++;
    }
    LOG(LOG_WARN, "worker.handed_back", FI("tasks", n));
    w->running = n;
    if (n == 0)
        uv_stop(w->loop);
}

static void drained(struct worker *w)
{
    uv_stop(w->loop);
}

static void on_term(uv_signal_t *sig, int signum)
{
    struct worker *w = sig->data;

    if (w->draining) {
        uv_stop(w->loop);
        return;
    }
    LOG(LOG_INFO, "worker.draining", FI("signal", signum), FI("tasks", w->running));
    notify_send("STOPPING=1");
    w->draining = true;
    sched_stop(w);
    upkeep_stop(w);
    poll_stop(w);
    if (w->running == 0)
        uv_stop(w->loop);
    else
        uv_timer_start(&w->drain, hand_back, w->now->cfg->worker.drain_ms, 0);
}

static void on_hup(uv_signal_t *sig, int signum)
{
    struct worker *w = sig->data;
    struct snapshot *fresh;
    struct buf why;

    (void)signum;
    buf_init(&why, SNAPSHOT_WHY_MAX);
    notify_send("RELOADING=1");
    if (snapshot_open(w, w->config_path, &fresh, &why)) {
        LOG(LOG_ERROR, "config.rejected", FS("why", buf_view(&why)));
    } else if (fresh->cfg->redis.shards != w->now->cfg->redis.shards) {
        LOG(LOG_ERROR, "config.rejected", F("why", "redis.shards is fixed at installation"));
        snapshot_unref(&fresh);
    } else {
        struct snapshot *old = w->now;

        w->now = fresh;
        snapshot_unref(&old);
        http_limit(w->http, fresh->cfg->worker.http_in_flight);
        if (w->roles & ROLE_MARKET)
            poll_reload(w);
        mended_reload(w);
        LOG(LOG_INFO, "config.reloaded", F("file", w->config_path));
    }
    notify_send("READY=1");
    buf_free(&why);
}

void control_start(struct worker *w)
{
    const struct {
        uv_signal_t *h;
        int num;
        uv_signal_cb cb;
    } rows[] = {{&w->sigterm, SIGTERM, on_term},
                {&w->sigint, SIGINT, on_term},
                {&w->sighup, SIGHUP, on_hup}};

    w->drained = drained;
    uv_timer_init(w->loop, &w->drain);
    w->drain.data = w;
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        uv_signal_init(w->loop, rows[i].h);
        rows[i].h->data = w;
        uv_signal_start(rows[i].h, rows[i].cb, rows[i].num);
    }
}
