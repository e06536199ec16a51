/* hooks_int: what the files of the hooks share. */
#ifndef LM_HOOKS_INT_H
#define LM_HOOKS_INT_H

#include "hooks/hook_keys.h"
#include "hooks/hook_seen.h"
#include "hooks/hook_trust.h"
#include "hooks/hooks.h"

struct hooks {
    struct hook_seen *tokens; /* verified, by set, product and token, until they end (wall clock) */
    struct hook_seen *events; /* stored, by their keys, for a while (monotonic) */
    int64_t log_second;
    unsigned log_count;
    size_t n;
    struct hook_ring ring[]; /* one per product that has inbound events */
};

#endif
