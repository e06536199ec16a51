/*
 * sched: who claims when.
 *
 * Per shard one blocking wait (wake marker) and at most one claim at a time. A claim answers with
 * tasks and with the time of the next thing due in that shard (a delayed task or the end of
 * somebody's lease), so a timer covers what no marker announces. No polling: an idle shard costs
 * one wait per lease time.
 *
 * While more is due than there are slots, a claim rides on the finish of the task that frees one:
 * one durable write a task. Roles and shards take turns at being first, so that a backlog of one
 * leaves the others their share.
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
    unsigned asked; /* for how many tasks */
    uint64_t seed_n;
    uv_timer_t timer;
    unsigned failures;
};

static void pump(struct shard_sched *s);

/* first: which of them leads, counted round. */
static size_t role_names(const struct worker *w, uint64_t first, const char **out)
{
    size_t n = 0;

    for (size_t i = 0; i < ROLES; i++) {
        const struct cfg_reader_row *r = &cfg_reader_table[(first + i) % ROLES];

        if (w->roles & r->bit)
            out[n++] = r->name;
    }
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

static void retry_soon(struct shard_sched *s)
{
    if (!s->w->draining)
        uv_timer_start(&s->timer, due, 50 + rand_backoff_ms(s->failures++, 100, 2000), 0);
}

static void woken(void *arg, int rc, const struct store_rows *rows)
{
    struct shard_sched *s = arg;

    (void)rows;
    s->waiting = false;
    if (s->w->draining)
        return;
    if (rc == -EAGAIN)
        retry_soon(s);
    else
        pump(s);
}

static void wait_for_work(struct shard_sched *s, int64_t next_ms)
{
    uint64_t idle = lease_length(s->w->leases);
    const char *roles[3];

    if (next_ms >= 0 && (uint64_t)next_ms < idle)
        uv_timer_start(&s->timer, due, (uint64_t)next_ms + 1, 0);
    if (s->waiting)
        return;
    s->waiting = true;
    store_wait(s->w->store, s->shard, roles, role_names(s->w, 0, roles), idle, woken, s);
}

static void claimed(void *arg, int rc, const struct store_rows *rows)
{
    struct shard_sched *s = arg;
    struct worker *w = s->w;
    uint64_t deadline = s->claim_sent + lease_length(w->leases);

    s->claiming = false;
    if (rc) {
        retry_soon(s);
        return;
    }
    s->failures = 0;
    for (size_t i = 1; i < rows->n; i++)
        if (!task_start(w, s->shard, &rows->row[i], deadline))
            LOG(LOG_ERROR, "task.memory", FS("task", store_row_get(&rows->row[i], "id")));
    if (rows->n > s->asked || s->want)
        pump(s);
    else if (!w->draining)
        wait_for_work(s, rows->n ? store_row_int(&rows->row[0], "next_ms", -1) : -1);
}

/* What every claim says of the worker; the texts are the caller's. */
struct asker {
    char seed[64], lease[24];
    const char *roles[3];
    size_t nroles;
};

static void ask(struct shard_sched *s, unsigned n, struct asker *a)
{
    struct worker *w = s->w;

    s->want = false;
    s->claiming = true;
    s->claim_sent = clock_mono_ms();
    s->asked = n;
    snprintf(a->lease, sizeof(a->lease), "%llu", (unsigned long long)lease_length(w->leases));
    snprintf(a->seed, sizeof(a->seed), "%s:%llu", w->seed, (unsigned long long)s->seed_n++);
    a->nroles = role_names(w, s->seed_n, a->roles);
}

static void pump(struct shard_sched *s)
{
    struct worker *w = s->w;
    unsigned slots = free_slots(w);
    char max[16], limit[16];
    struct asker a;
    struct str args[5 + 3];
    size_t n = 5;

    if (w->draining)
        return;
    if (s->claiming || slots == 0) {
        s->want = true;
        return;
    }
    ask(s, slots < CLAIM_MAX ? slots : CLAIM_MAX, &a);
    snprintf(max, sizeof(max), "%u", s->asked);
    snprintf(limit, sizeof(limit), "%u", w->now->cfg->worker.crash_limit);
    args[0] = str_of(w->id);
    args[1] = str_of(a.seed);
    args[2] = str_of(a.lease);
    args[3] = str_of(max);
    args[4] = str_of(limit);
    for (size_t i = 0; i < a.nroles; i++)
        args[n++] = str_of(a.roles[i]);
    store_call(w->store, s->shard, STORE_TASK_CLAIM, args, n, claimed, s);
}

static bool others_want(const struct worker *w, unsigned shard)
{
    for (unsigned i = 0; i < store_shards(w->store); i++)
        if (i != shard && w->shards[i].want)
            return true;
    return false;
}

size_t sched_ride(struct worker *w, unsigned shard, struct arena *arena, struct str *args)
{
    struct shard_sched *s = &w->shards[shard];
    struct asker a;
    size_t n = 0;

    if (w->draining || !s->want || s->claiming || free_slots(w) || others_want(w, shard))
        return 0;
    ask(s, 1, &a);
    args[n++] = str_of(w->id);
    args[n++] = arena_str(arena, str_of(a.seed));
    args[n++] = arena_str(arena, str_of(a.lease));
    if (!args[1].n || !args[2].n) {
        s->claiming = false;
        s->want = true;
        return 0;
    }
    for (size_t i = 0; i < a.nroles; i++)
        args[n++] = str_of(a.roles[i]);
    return n;
}

void sched_rode(struct worker *w, unsigned shard, int rc, const struct store_rows *rows)
{
    claimed(&w->shards[shard], rc, rows);
}

void sched_pump_all(struct worker *w)
{
    unsigned n = w->shards ? store_shards(w->store) : 0;

    for (unsigned i = 0; i < n; i++) {
        struct shard_sched *s = &w->shards[(w->shard_turn + i) % n];

        if (s->want)
            pump(s);
    }
    w->shard_turn++;
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
