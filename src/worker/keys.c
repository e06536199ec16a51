/*
 * keys: the key set that the front checks a listing's inbound calls with. The front has no way out,
 * so the worker fetches and publishes; a failure keeps what was published last. The task never
 * ends: it waits half the time that the keys may be kept, or until the front asks for it.
 */
#include "base/log.h"
#include "worker/kinds.h"
#include "worker/truth.h"

enum { KEYS_MIN_MS = 60 * 1000, KEYS_MAX_MS = 12 * 3600 * 1000 };

struct keys {
    const struct cfg_market *cfg;
    uint64_t wait_ms;
};

static void published(struct task *t, int rc, const struct store_rows *rows)
{
    struct keys *k = t->state;

    (void)rows;
    if (rc)
        task_retry(t, "RETRY", "cannot publish the keys", 0);
    else
        task_wait(t, k->wait_ms);
}

static void fetched(void *arg, enum market_class cls, const char *code, struct str set,
                    uint64_t ttl_ms)
{
    struct task *t = arg;
    struct keys *k = t->state;
    struct args a;

    if (!task_release(t))
        return;
    if (cls != MARKET_OK) {
        truth_failed(t, k->cfg, cls, code, 0);
        return;
    }
    k->wait_ms = ttl_ms / 2 < KEYS_MIN_MS   ? KEYS_MIN_MS
                 : ttl_ms / 2 > KEYS_MAX_MS ? KEYS_MAX_MS
                                            : ttl_ms / 2;
    args_init(&a, t);
    args_add(&a, t->id);
    args_add(&a, t->token);
    args_cstr(&a, k->cfg->channel);
    args_cstr(&a, k->cfg->name);
    args_add(&a, set);
    args_int(&a, (int64_t)ttl_ms);
    LOG(LOG_INFO, "keys.fetched", FS("product", t->subject), FI("bytes", set.n));
    task_store(t, t->shard, STORE_KEYS_PUT, a.v, a.n, published);
}

void keys_run(struct task *t)
{
    struct str product, channel = str_cut(t->subject, '/', &product);
    struct keys *k = arena_alloc(t->arena, sizeof(*k));
    const struct market_ops *ops = NULL;
    const struct cfg_market *cfg;
    struct market *m = snapshot_market(t->snap, channel, product, &ops, &cfg);

    if (!k) {
        task_retry(t, "RETRY", "task memory is used up", 0);
        return;
    }
    if (!m || !ops->keys) {
        task_done(t); /* no longer configured */
        return;
    }
    k->cfg = cfg;
    t->state = k;
    task_hold(t);
    ops->keys(m, fetched, t);
}
