/*
 * capcache: which order a capability opens, remembered for a short while, so that a status poll
 * costs one HMGET and no script.
 *
 * Bounded: CAPCACHE_SLOTS entries, a newer one takes the place of an older. An entry lives
 * CAPCACHE_MS, which bounds how long a revoked or moved capability still answers from here.
 */
#ifndef LM_CAPCACHE_H
#define LM_CAPCACHE_H

#include <stdint.h>

#include "base/id.h"

enum { CAPCACHE_SLOTS = 16384, CAPCACHE_MS = 30000 };

struct capcache;

int capcache_new(struct capcache **out);
void capcache_free(struct capcache **c);
/* Empty slice when unknown or too old; valid until the next put. */
struct str capcache_get(const struct capcache *c, const char hash[HASH_HEX], uint64_t now_ms);
void capcache_put(struct capcache *c, const char hash[HASH_HEX], struct str order, uint64_t now_ms);
void capcache_drop(struct capcache *c, const char hash[HASH_HEX]);

#endif
