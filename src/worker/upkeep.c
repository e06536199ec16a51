/*
 * upkeep: heartbeat, sweep (repairs what should never be broken) and resync (visits every tenant on
 * a jittered timer, so that a lost event or a dead environment is found without anybody asking).
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "worker/worker.h"

enum {
    BEAT_MS = 10000,
    SWEEP_MS = 30000,
    SWEEP_COUNT = 200,
    RESYNC_COUNT = 100,
    RESYNC_PAGE_MS = 20
};

static void beaten(void *arg, int rc, const struct store_rows *rows)
{
    (void)arg;
    (void)rows;
    if (rc)
        LOG(LOG_WARN, "beat.failed", FI("rc", rc));
}

static void beat(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    char roles[32], ttl[16];
    struct str args[3] = {str_of(w->id), {roles, 0}, {ttl, 0}};

    args[1].n = (size_t)snprintf(
        roles, sizeof(roles), "%s%s%s", w->roles & ROLE_MARKET ? "market " : "",
        w->roles & ROLE_DEPLOY ? "deploy " : "", w->roles & ROLE_NOTIFY ? "notify " : "");
    args[2].n = (size_t)snprintf(ttl, sizeof(ttl), "%d", BEAT_MS * 3);
    for (unsigned s = 0; s < store_shards(w->store); s++)
        store_call(w->store, s, STORE_BEAT, args, 3, beaten, w);
}

/* Steps on to the next shard when a shard's cursor came back to 0. */
static void advance(struct worker *w, const struct store_rows *rows, unsigned *shard, char *cursor,
                    size_t cap)
{
    if (str_copy(store_get(rows, "cursor"), cursor, cap) || cursor[0] == '\0' ||
        (cursor[0] == '0' && cursor[1] == '\0')) {
        snprintf(cursor, cap, "0");
        *shard = (*shard + 1) % store_shards(w->store);
    }
}

static void swept(void *arg, int rc, const struct store_rows *rows)
{
    struct worker *w = arg;
    int64_t repaired;

    if (rc)
        return;
    repaired = rows->n ? store_row_int(&rows->row[0], "repaired", 0) : 0;
    if (repaired)
        LOG(LOG_WARN, "sweep.repaired", FI("tasks", repaired), FI("shard", w->sweep_shard));
    advance(w, rows, &w->sweep_shard, w->sweep_cursor, sizeof(w->sweep_cursor));
}

static void sweep(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    char count[16];
    struct str args[2] = {str_of(w->sweep_cursor), {count, 0}};

    args[1].n = (size_t)snprintf(count, sizeof(count), "%d", SWEEP_COUNT);
    store_call(w->store, w->sweep_shard, STORE_SWEEP, args, 2, swept, w);
}

static void resync(uv_timer_t *timer);

/* Page after page until every shard was walked; then a rest. */
static void resynced(void *arg, int rc, const struct store_rows *rows)
{
    struct worker *w = arg;

    if (rc)
        return;
    advance(w, rows, &w->resync_shard, w->resync_cursor, sizeof(w->resync_cursor));
    if ((w->resync_shard || strcmp(w->resync_cursor, "0") != 0) &&
        uv_is_active((uv_handle_t *)&w->resync))
        uv_timer_start(&w->resync, resync, RESYNC_PAGE_MS, 0);
}

static void resync(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    uint64_t every = w->now->cfg->worker.resync_ms;
    char count[16], jitter[24], refresh[24];
    struct str args[4] = {str_of(w->resync_cursor), {count, 0}, {jitter, 0}, {refresh, 0}};

    args[1].n = (size_t)snprintf(count, sizeof(count), "%d", RESYNC_COUNT);
    args[2].n = (size_t)snprintf(jitter, sizeof(jitter), "%llu", (unsigned long long)every / 2);
    args[3].n = (size_t)snprintf(refresh, sizeof(refresh), "%llu",
                                 (unsigned long long)w->now->cfg->worker.refresh_ms);
    store_call(w->store, w->resync_shard, STORE_RESYNC, args, 4, resynced, w);
    uv_timer_start(timer, resync, every / 2 + rand_below(every + 1), 0);
}

void upkeep_start(struct worker *w)
{
    uint64_t every = w->now->cfg->worker.resync_ms;

    snprintf(w->sweep_cursor, sizeof(w->sweep_cursor), "0");
    snprintf(w->resync_cursor, sizeof(w->resync_cursor), "0");
    mended_start(w);
    w->beat.data = w->sweep.data = w->resync.data = w;
    uv_timer_init(w->loop, &w->beat);
    uv_timer_init(w->loop, &w->sweep);
    uv_timer_init(w->loop, &w->resync);
    uv_timer_start(&w->beat, beat, 0, BEAT_MS);
    uv_timer_start(&w->sweep, sweep, 100, SWEEP_MS);
    if (w->roles & ROLE_DEPLOY)
        uv_timer_start(&w->resync, resync, every / 2 + rand_below(every + 1), 0);
}

void upkeep_stop(struct worker *w)
{
    mended_stop(w);
    uv_timer_stop(&w->beat);
    uv_timer_stop(&w->sweep);
    uv_timer_stop(&w->resync);
}
