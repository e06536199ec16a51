/*
 * sched: who claims when.
 *
 * Per shard one blocking wait (wake marker) and at most one claim at a time. A claim answers with
 * tasks and with the time of the next thing due in that shard (a delayed task or the end of
 * somebody's lease), so a timer covers what no marker announces. No polling: an idle shard costs
 * one wait per lease time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "worker/lease.h"
#include "worker/task.h"

enum { CLAIM_MAX = 32 };

struct shard_sched {
    struct worker *w;
    unsigned shard;
    bool waiting, claiming, want; /* want: something may be due, but no slot or a claim is out */
    uint64_t claim_sent;
    uint64_t seed_n;
    uv_timer_t timer;
    unsigned failures;
};

static void pump(struct shard_sched *s);

static size_t role_names(const struct worker *w, const char **out)
{
    size_t n = 0;

    if (w->roles & ROLE_MARKET)
        out[n++] = "market";
    if (w->roles & ROLE_DEPLOY)
        out[n++] = "deploy";
    if (w->roles & ROLE_NOTIFY)
        out[n++] = "notify";
    return n;
}

static unsigned free_slots(const struct worker *w)
{
    unsigned slots = w->now->cfg->worker.slots;

    return w->running >= slots ? 0 : slots - w->running;
}

static void due(uv_timer_t *timer)
{
    pump(timer->data);
}

static void woken(void *arg, int rc, const struct store_rows *rows)
{
    struct shard_sched *s = arg;

    (void)rows;
    s->waiting = false;
    if (s->w->draining)
        return;
    if (rc == -EAGAIN) {
        uv_timer_start(&s->timer, due, 50 + rand_backoff_ms(s->failures++, 100, 2000), 0);
        return;
    }
    pump(s);
}

static void wait_for_work(struct shard_sched *s, int64_t next_ms)
{
    uint64_t idle = s->w->now->cfg->worker.lease_ms;
    const char *roles[3];

    if (next_ms >= 0 && (uint64_t)next_ms < idle)
        uv_timer_start(&s->timer, due, (uint64_t)next_ms + 1, 0);
    if (s->waiting)
        return;
    s->waiting = true;
    store_wait(s->w->store, s->shard, roles, role_names(s->w, roles), idle, woken, s);
}

static void claimed(void *arg, int rc, const struct store_rows *rows)
{
    struct shard_sched *s = arg;
    struct worker *w = s->w;
    uint64_t deadline = s->claim_sent + w->now->cfg->worker.lease_ms;
    bool full;

    s->claiming = false;
    if (rc) {
        if (!w->draining)
            uv_timer_start(&s->timer, due, 50 + rand_backoff_ms(s->failures++, 100, 2000), 0);
        return;
    }
    s->failures = 0;
    for (size_t i = 1; i < rows->n; i++)
        if (!task_start(w, s->shard, &rows->row[i], deadline))
            LOG(LOG_ERROR, "task.memory", FS("task", store_row_get(&rows->row[i], "id")));
    full = rows->n > 1 && rows->n - 1 >= CLAIM_MAX;
    if (full || s->want)
        pump(s);
    else
        wait_for_work(s, rows->n ? store_row_int(&rows->row[0], "next_ms", -1) : -1);
}

static void pump(struct shard_sched *s)
{
    struct worker *w = s->w;
    unsigned slots = free_slots(w);
    char lease[24], max[16], limit[16], seed[64];
    const char *roles[3];
    struct str args[5 + 3];
    size_t n = 5, nroles;

    if (w->draining)
        return;
    if (s->claiming || slots == 0) {
        s->want = true;
        return;
    }
    s->want = false;
    s->claiming = true;
    s->claim_sent = clock_mono_ms();
    snprintf(lease, sizeof(lease), "%llu", (unsigned long long)w->now->cfg->worker.lease_ms);
    snprintf(max, sizeof(max), "%u", slots < CLAIM_MAX ? slots : CLAIM_MAX);
    snprintf(limit, sizeof(limit), "%u", w->now->cfg->worker.crash_limit);
    snprintf(seed, sizeof(seed), "%s:%llu", w->seed, (unsigned long long)s->seed_n++);
    args[0] = str_of(w->id);
    args[1] = str_of(seed);
    args[2] = str_of(lease);
    args[3] = str_of(max);
    args[4] = str_of(limit);
    nroles = role_names(w, roles);
    for (size_t i = 0; i < nroles; i++)
        args[n++] = str_of(roles[i]);
    store_call(w->store, s->shard, STORE_TASK_CLAIM, args, n, claimed, s);
}

void sched_pump_all(struct worker *w)
{
    for (unsigned i = 0; w->shards && i < store_shards(w->store); i++)
        if (w->shards[i].want)
            pump(&w->shards[i]);
}

int sched_start(struct worker *w)
{
    unsigned n = store_shards(w->store);

    w->shards = calloc(n, sizeof(*w->shards));
    if (!w->shards)
        return -ENOMEM;
    for (unsigned i = 0; i < n; i++) {
        struct shard_sched *s = &w->shards[i];

        s->w = w;
        s->shard = i;
        uv_timer_init(w->loop, &s->timer);
        s->timer.data = s;
        pump(s);
    }
    return 0;
}

void sched_stop(struct worker *w)
{
    for (unsigned i = 0; w->shards && i < store_shards(w->store); i++)
        uv_timer_stop(&w->shards[i].timer);
}
