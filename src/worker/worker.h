/*
 * worker: one process, one loop, hundreds of tasks in flight.
 *
 * The loop thread claims tasks (sched.c), runs them as chains of callbacks (task.c and the files
 * per kind) and talks to Redis, marketplaces, engines and mail asynchronously; nothing on it
 * blocks. A second thread renews leases (lease.c) with a connection of its own, so a busy loop
 * cannot lose them; when a lease is lost it kills the task's children itself.
 *
 * Configuration is a counted snapshot: SIGHUP makes a new one and swaps the pointer; tasks in
 * flight keep the one that they began with.
 */
#ifndef LM_WORKER_H
#define LM_WORKER_H

#ifndef LASTMILE_VERSION
#define LASTMILE_VERSION "0.1.0"
#endif

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/seal.h"
#include "config/config.h"
#include "deploy/engine.h"
#include "market/market.h"
#include "net/http.h"
#include "store/store.h"

/* They are called as cfg_reader_table says. */
enum role {
    ROLE_MARKET = CFG_MARKET,
    ROLE_DEPLOY = CFG_DEPLOY,
    ROLE_NOTIFY = CFG_NOTIFY,
    ROLE_ALL = CFG_ANY_ROLE
};
enum { ROLES = CFG_ROLES };
enum { ENGINES_MAX = 8, MARKETS_MAX = 32, TEMPLATES_MAX = 64 };

/* A configuration with what was opened for it. */
struct snapshot {
    unsigned refs;
    struct config *cfg;
    struct market *markets[MARKETS_MAX]; /* same index as cfg->markets; NULL without role market */
    const struct market_ops *market_ops[MARKETS_MAX];
    struct engine *engines[ENGINES_MAX];
    const struct engine_ops *engine_ops[ENGINES_MAX];
    size_t nengines;
    unsigned verbs[TEMPLATES_MAX]; /* engine verbs running now, per template */
};

struct shard_sched; /* sched.c */
struct lease_table; /* lease.c */
struct task;
struct poller; /* poll.c */
struct mended; /* mended.c */

struct worker {
    uv_loop_t *loop;
    struct snapshot *now;
    struct snapshot *first; /* what the stores of this process were opened with: outlives them */
    struct store *store;
    struct http *http;
    struct lease_table *leases;
    struct shard_sched *shards;
    struct poller *pollers;
    struct mended *mended;
    struct seal_key seal;
    unsigned roles;
    char id[64]; /* host:pid:random */
    char seed[33];
    unsigned running;    /* tasks in flight */
    struct task *tasks;  /* list of them */
    unsigned shard_turn; /* which shard is asked first */
    bool draining;
    void (*drained)(struct worker *w); /* draining, and the last task has ended */
    const char *config_path;
    uv_timer_t beat, sweep, resync, drain;
    uv_async_t lost; /* from the lease thread */
    uv_signal_t sigterm, sigint, sighup;
    unsigned resync_shard;
    char resync_cursor[64];
    unsigned sweep_shard;
    char sweep_cursor[64];
};

/* control.c: signals, and the end that they ask for. */
void control_start(struct worker *w);

/* begin.c: waits for Redis, refuses one that would lose orders, makes or checks every shard. Runs
 * the loop meanwhile. -EINTR: asked to stop before it was there. */
int begin_store(struct worker *w);

enum { SNAPSHOT_WHY_MAX = 65536 };
/* snapshot.c: 0 or -errno with *why: the configuration is wrong, a secret of our roles cannot be
 * read (those of others are not touched), or a part cannot be opened. The caller owns one
 * reference.
 */
int snapshot_open(struct worker *w, const char *path, struct snapshot **out, struct buf *why);
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot **s);
/* NULL when the configuration no longer has it. */
struct market *snapshot_market(const struct snapshot *s, struct str channel, struct str product,
                               const struct market_ops **ops, const struct cfg_market **cfg);
struct engine *snapshot_engine(const struct snapshot *s, const char *name,
                               const struct engine_ops **ops);

/* sched.c */
int sched_start(struct worker *w);
void sched_pump_all(struct worker *w); /* a slot became free */
void sched_stop(struct worker *w);
/* A claim that rides on a finish of this shard: its arguments (at most 6, made in the arena; 0:
 * none is wanted). Then sched_rode is called once: with the answer, or with -ECANCELED without one.
 */
size_t sched_ride(struct worker *w, unsigned shard, struct arena *arena, struct str *args);
void sched_rode(struct worker *w, unsigned shard, int rc, const struct store_rows *rows);

/* upkeep.c: heartbeat, sweep, resync; mended.c. */
void upkeep_start(struct worker *w);
void upkeep_stop(struct worker *w);

/* standing_tasks.c: what every listing always has: its keys, its reconciler. Role market only. */
void standing_tasks_start(struct worker *w);

/* poll.c: one long poll per product with a queue, role market only; begins the standing tasks. */
void poll_start(struct worker *w);
void poll_stop(struct worker *w);
void poll_reload(struct worker *w);
void poll_wake(struct worker *w); /* polls that failed: again now */

/* mended.c: what waits for refused credentials (class CONFIG, roles market and notify) is looked at
 * when one of the configuration's files with a secret changes, and after a reload. */
void mended_start(struct worker *w);
void mended_stop(struct worker *w);
void mended_reload(struct worker *w);

#endif
