#include "net/http_dest.h"

#include <stdlib.h>
#include <string.h>

#include "base/rand.h"

struct http_dest *http_dest_new(struct str key)
{
    struct http_dest *d = calloc(1, sizeof(*d) + key.n + 1);

    if (!d)
        return NULL;
    TAILQ_INIT(&d->waiting);
    memcpy(d->key, key.p, key.n);
    return d;
}

bool http_dest_admit(struct http_dest *d, uint64_t now, bool *probe, uint64_t *wait_ms)
{
    *probe = false;
    *wait_ms = 0;
    if (!d->is_open)
        return true;
    if (now < d->open_until || d->probing) {
        *wait_ms = now < d->open_until ? d->open_until - now : 1000;
        return false;
    }
    d->probing = *probe = true;
    return true;
}

static void trip(struct http_dest *d, uint64_t now)
{
    uint64_t pause = 1000;

    for (unsigned i = 0; i < d->opened && pause < DEST_OPEN_MS; i++)
        pause *= 2;
    if (pause > DEST_OPEN_MS)
        pause = DEST_OPEN_MS;
    d->is_open = true;
    d->opened++;
    d->open_until = now + pause / 2 + rand_below(pause / 2 + 1);
}

void http_dest_outcome(struct http_dest *d, uint64_t now, bool probe, bool known, bool good)
{
    if (probe)
        d->probing = false;
    if (!known)
        return;
    if (good) {
        /* Late answers of calls from before the trip do not close it; the probe does. */
        if (!d->is_open || probe) {
            d->failures = d->opened = 0;
            d->is_open = false;
        }
        return;
    }
    if (d->failures < DEST_TRIP)
        d->failures++;
    if (probe || (!d->is_open && d->failures >= DEST_TRIP))
        trip(d, now);
}

bool http_dest_idle(const struct http_dest *d)
{
    return d->in_flight == 0 && TAILQ_EMPTY(&d->waiting) && d->failures == 0 && !d->is_open;
}
