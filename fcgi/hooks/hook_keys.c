#include "hooks/hook_keys.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/store.h"

static int64_t age_now(const struct hook_ring *ring, int64_t mono_ms)
{
    return ring->age + (mono_ms - ring->loaded);
}

enum hook_key hook_keys_state(const struct hook_ring *ring, struct str kid, int64_t mono_ms)
{
    int64_t since = mono_ms - ring->loaded;
    bool usable = ring->set && age_now(ring, mono_ms) < HOOK_STALE_MS;
    bool here = usable && jwk_set_has(ring->set, kid);

    if (ring->loaded == 0 || since >= HOOK_RELOAD_MS || (!here && since >= HOOK_RETRY_MS))
        return HOOK_KEY_LOAD;
    if (here)
        return HOOK_KEY_HERE;
    return usable && age_now(ring, mono_ms) < HOOK_REFETCH_MS ? HOOK_KEY_NONE : HOOK_KEY_UNKNOWN;
}

static void take(struct hook_ring *ring, const struct store_rows *rows)
{
    const struct store_row *row = &rows->row[0];
    int64_t fetched = store_row_int(row, "fetched", 0);
    struct jwk_set *set = NULL;
    int rc = 0;

    ring->age = store_row_int(row, "now", 0) - fetched;
    ring->ttl = store_row_int(row, "ttl", 0);
    if (ring->set && fetched == ring->fetched)
        return;
    rc = jwk_set_parse(store_row_get(row, "keys"), &set);
    if (rc) {
        LOG(LOG_ERROR, "hook.keys_refused", F("channel", ring->m->channel),
            F("product", ring->m->name), FI("rc", rc));
        return;
    }
    jwk_set_free(&ring->set);
    ring->set = set;
    ring->fetched = fetched;
}

static void forget(struct hook_ring *ring)
{
    jwk_set_free(&ring->set);
    ring->fetched = 0;
}

static void on_keys(void *arg, int rc, const struct store_rows *rows)
{
    struct hook_ring *ring = arg;
    struct hook_waiter *w = ring->waiting, *next;

    ring->loading = false;
    ring->waiting = NULL;
    if (rc == 0 && rows->n)
        take(ring, rows);
    else if (rc == -ENOENT)
        forget(ring);
    rc = rc == 0 || rc == -ENOENT ? 0 : -EAGAIN;
    if (rc == 0)
        ring->loaded = (int64_t)clock_mono_ms();
    if (ring->set && ring->age > ring->ttl)
        hook_keys_want(ring);
    for (; w; w = next) {
        next = w->next;
        w->loaded(w, rc);
    }
}

void hook_keys_load(struct hook_ring *ring, struct hook_waiter *w)
{
    const struct str args[] = {str_of(ring->m->channel), str_of(ring->m->name)};

    w->next = ring->waiting;
    ring->waiting = w;
    if (ring->loading)
        return;
    ring->loading = true;
    store_call(ring->store, 0, STORE_KEYS_GET, args, 2, on_keys, ring);
}

/* Whoever needs the set comes again and looks. */
static void on_asked(void *arg, int rc, const struct store_rows *rows)
{
    (void)arg;
    (void)rc;
    (void)rows;
}

void hook_keys_want(struct hook_ring *ring)
{
    char min[16];
    struct str args[] = {str_of(ring->m->channel), str_of(ring->m->name), {NULL, 0}};
    int64_t now = (int64_t)clock_mono_ms();

    if (ring->asked && now - ring->asked < HOOK_RETRY_MS)
        return;
    ring->asked = now;
    snprintf(min, sizeof(min), "%d", HOOK_REFETCH_MS);
    args[2] = str_of(min);
    store_call(ring->store, 0, STORE_KEYS_WANT, args, 3, on_asked, NULL);
}

void hook_keys_close(struct hook_ring *ring)
{
    jwk_set_free(&ring->set);
}
