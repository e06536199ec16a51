/*
 * hook_keys: the key set of one product, as the worker publishes it (STORE_KEYS_*), kept in this
 * process.
 *
 * Read again after HOOK_RELOAD_MS, or sooner (but not within HOOK_RETRY_MS) when a token names a
 * key that is not in it. A set that the worker fetched less than HOOK_REFETCH_MS ago knows every
 * key there is: another kid is not genuine. An older one is asked for anew, and until then nobody
 * can know. A set is used past its ttl while its source is down, up to HOOK_STALE_MS.
 */
#ifndef LM_HOOK_KEYS_H
#define LM_HOOK_KEYS_H

#include "base/jwt.h"
#include "config/config.h"

enum {
    HOOK_RELOAD_MS = 60 * 1000,
    HOOK_RETRY_MS = 3 * 1000,
    HOOK_REFETCH_MS = 60 * 1000,
    HOOK_STALE_MS = 7 * 24 * 3600 * 1000
};

struct store;
struct hook_ring;

/* What is to be done with a token of this kid. */
enum hook_key {
    HOOK_KEY_HERE,   /* verify with hook_ring.set */
    HOOK_KEY_LOAD,   /* hook_keys_load(), then ask again */
    HOOK_KEY_NONE,   /* there is no such key */
    HOOK_KEY_UNKNOWN /* hook_keys_want(), 503 */
};

/* Somebody who waits for a load; lives until called. rc 0, or -EAGAIN: Redis is in trouble. */
struct hook_waiter {
    struct hook_waiter *next;
    void (*loaded)(struct hook_waiter *w, int rc);
};

struct hook_ring {
    const struct cfg_market *m;
    struct store *store;
    struct jwk_set *set;
    int64_t fetched;  /* as the store has it; names the set */
    int64_t age, ttl; /* of the set when it was loaded */
    int64_t loaded;   /* monotonic; 0: never */
    int64_t asked;    /* monotonic; 0: never */
    bool loading;
    struct hook_waiter *waiting;
};

enum hook_key hook_keys_state(const struct hook_ring *ring, struct str kid, int64_t mono_ms);
/* One command at a time, however many wait. Never calls back before it returns. */
void hook_keys_load(struct hook_ring *ring, struct hook_waiter *w);
/* Asks the worker for a new set; at most once per HOOK_RETRY_MS, and the store limits again. */
void hook_keys_want(struct hook_ring *ring);
/* No callback may be under way. */
void hook_keys_close(struct hook_ring *ring);

#endif
