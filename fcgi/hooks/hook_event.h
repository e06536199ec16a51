/*
 * hook_event: what a verified body is called: the key it is stored under and its type, for the
 * record. Nothing is judged here; a body without the members that name it is kept under the hash
 * of its bytes, so that nothing genuine is lost.
 */
#ifndef LM_HOOK_EVENT_H
#define LM_HOOK_EVENT_H

#include "config/config.h"
#include "store/event_key.h"

enum { HOOK_TYPE = 64 };

struct hook_event {
    struct event_key key;
    char type[HOOK_TYPE]; /* azure: action, gcp: eventType; "" when there is none */
};

/* 0, -EBADMSG: not a JSON object (gcp: not a Pub/Sub push), -ENOMEM. */
int hook_event_read(const struct cfg_market *m, struct str body, unsigned shards,
                    struct hook_event *out);

#endif
