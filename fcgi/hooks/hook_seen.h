/*
 * hook_seen: hashes that are remembered for a while.
 *
 * Bounded: one entry per place, a newer one takes the place of an older. Forgetting is harmless:
 * the work is done again.
 */
#ifndef LM_HOOK_SEEN_H
#define LM_HOOK_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

struct hook_seen;

int hook_seen_new(size_t slots, struct hook_seen **out); /* 0 or -ENOMEM */
void hook_seen_free(struct hook_seen **s);
bool hook_seen_has(const struct hook_seen *s, const uint8_t hash[HASH_LEN], int64_t now_ms);
void hook_seen_put(struct hook_seen *s, const uint8_t hash[HASH_LEN], int64_t until_ms);

#endif
