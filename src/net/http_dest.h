/*
 * http_dest: what is known of one destination (scheme://host:port): calls in flight, calls in
 * line, and the circuit breaker. No I/O; time is an argument. Loop thread only.
 *
 * Breaker: DEST_TRIP failures in a row open it for a jittered time that doubles from 1 s to 60 s.
 * When the time is over one call goes through; its outcome closes or reopens the breaker.
 */
#ifndef LM_HTTP_DEST_H
#define LM_HTTP_DEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/str.h"

#define DEST_TRIP    5
#define DEST_OPEN_MS 60000

struct http_call;
TAILQ_HEAD(http_calls, http_call);

TAILQ_HEAD(http_dests, http_dest);

struct http_dest {
    TAILQ_ENTRY(http_dest) link;
    struct http_calls waiting;
    unsigned in_flight;
    unsigned failures; /* in a row */
    unsigned opened;   /* times in a row, for the growing pause */
    uint64_t open_until;
    bool is_open, probing;
    char key[];
};

struct http_dest *http_dest_new(struct str key);
/* May a call start now? *probe: it is the one that decides. false: *wait_ms until the next try. */
bool http_dest_admit(struct http_dest *d, uint64_t now, bool *probe, uint64_t *wait_ms);
/* Outcome of an admitted call. known: false when it says nothing about the peer (cancelled). */
void http_dest_outcome(struct http_dest *d, uint64_t now, bool probe, bool known, bool good);
/* Nothing to remember: may be freed. */
bool http_dest_idle(const struct http_dest *d);

#endif
