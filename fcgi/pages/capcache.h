/*
 * capcache: which order a capability opens, and what its last poll was answered, remembered for a
 * short while: a poll then costs one small HMGET that asks for the order's version, and neither a
 * script nor a text. What is kept here is never sent unless Redis has just said that the order is
 * as it was (version and time of the last write), and not once the clock has passed `until`.
 *
 * Bounded: CAPCACHE_SLOTS capabilities in sets of CAPCACHE_WAYS, the oldest of a full set makes
 * room; bodies take CAPCACHE_BYTES at most. An entry lives CAPCACHE_MS, which bounds how long a
 * revoked or moved capability still answers from here; it may be put again and keeps its answer.
 *
 * Thread rule: the loop's thread only.
 */
#ifndef LM_CAPCACHE_H
#define LM_CAPCACHE_H

#include <stdint.h>

#include "base/id.h"
#include "pages/forms.h"

enum {
    CAPCACHE_SLOTS = 16384,
    CAPCACHE_WAYS = 16,
    CAPCACHE_MS = 300000,
    CAPCACHE_BYTES = 4 * 1024 * 1024,
    CAPCACHE_ETAG = 40 /* with NUL */
};

struct capcache;

/* Stands for a capability in one cache: neither the capability nor what Redis knows it by, so a hit
 * costs no SHA-256 and the cache holds no secret. */
struct cap_key {
    uint8_t tag[HASH_TAG];
};

/* An answer, and the state of the order that it is the answer of. */
struct cap_answer {
    int64_t ver, updated;
    int64_t until; /* wall clock, ms: the words hold before that */
    int retry_after;
    char etag[CAPCACHE_ETAG];
    struct forms_text *body; /* the cache's; NULL: only 304 can be said */
};

int capcache_new(struct capcache **out);
void capcache_free(struct capcache **c);
/* Of a capability's text as it came: what is in the cache was found to be one. */
void capcache_key(const struct capcache *c, struct str capability, struct cap_key *out);
/* Empty slice when unknown or too old; valid until the next put. */
struct str capcache_get(const struct capcache *c, const struct cap_key *key, uint64_t now_ms);
void capcache_put(struct capcache *c, const struct cap_key *key, struct str order, uint64_t now_ms);
void capcache_drop(struct capcache *c, const struct cap_key *key);
/* What was kept for this capability and order; NULL: nothing. Valid until the next call that takes
 * a struct capcache that is not const. */
const struct cap_answer *capcache_answer(const struct capcache *c, const struct cap_key *key,
                                         struct str order);
void capcache_forget(struct capcache *c, const struct cap_key *key); /* the answer only */
/* Keeps a copy of *a (its body is not looked at) and of body, which may be empty. Nothing happens
 * when the capability is not in the cache with this order. */
void capcache_keep(struct capcache *c, const struct cap_key *key, struct str order,
                   const struct cap_answer *a, struct str body);

#endif
