/*
 * front: what handlers work with (req->app), one per loop: one per process in the records and
 * cgi transports, one per thread in fcgi2.
 *
 * front_open() waits for nothing but a host name: the store connects on the loop and comes back on
 * its own. The configuration outlives every front. Thread rule: the loop's thread only.
 */
#ifndef LM_FRONT_H
#define LM_FRONT_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/seal.h"
#include "config/config.h"

struct store;

struct front_stats {
    uint64_t accepted, requests, refused, malformed, expired, dropped;
    uint64_t status[6]; /* by hundred */
    uint64_t conns, idle_handed_over;
};

struct front {
    uv_loop_t *loop;
    const struct config *cfg;
    const char *base; /* path below which everything lives, no slash at the end */
    struct store *store;
    struct cfg_redis redis; /* as configured, with the address in place of a host name */
    char redis_address[64];
    struct seal_pub seal;
    bool sealed; /* seal holds the market role's key */
    void *pages; /* of fcgi/pages */
    void *hooks; /* of fcgi/hooks */
    struct front_stats stats;
};

/* 0 or -errno; what is wrong has been logged. */
int front_open(struct front *f, uv_loop_t *loop, const struct config *cfg);
void front_close(struct front *f);

#endif
