/*
 * state: the two axes of an order, as words and as tables of legal transitions.
 *
 * contract mirrors the channel, fulfilment is ours; they are never merged. The Lua part order holds
 * the same tables (a unit test compares them); only the scripts write states, and they check first.
 * The operator's quadrant is derived, never stored.
 */
#ifndef LM_STATE_H
#define LM_STATE_H

#include <stdbool.h>

#include "base/str.h"

enum contract {
    CONTRACT_PENDING,
    CONTRACT_ACTIVE,
    CONTRACT_SUSPENDED,
    CONTRACT_CANCELLED,
    CONTRACT_EXPIRED
};

enum fulfilment {
    FULFIL_RECEIVED,   /* the purchase is known; the buyer has not registered or the channel has not
                          confirmed yet */
    FULFIL_IDENTIFIED, /* registered and confirmed: work may begin */
    FULFIL_PROVISIONING, /* the engine works */
    FULFIL_VERIFYING,    /* the engine says done; probed through the proxy */
    FULFIL_READY,
    FULFIL_UPDATING,
    FULFIL_SUSPENDED,
    FULFIL_DEGRADED, /* was ready, the probe fails */
    FULFIL_FAILED,   /* needs a change (class in o.class) */
    FULFIL_STUCK,    /* needs a human */
    FULFIL_DELETING,
    FULFIL_CLOSED /* terminal */
};

enum quadrant {
    QUAD_HEALTHY,
    QUAD_ONBOARDING,
    QUAD_PAYING_NOT_PROVISIONED,
    QUAD_SERVING_NOT_BILLED,
    QUAD_CLOSED
};

const char *contract_name(enum contract c);
int contract_parse(struct str s, enum contract *out);
bool contract_legal(enum contract from, enum contract to);
const char *fulfilment_name(enum fulfilment f);
int fulfilment_parse(struct str s, enum fulfilment *out);
bool fulfilment_legal(enum fulfilment from, enum fulfilment to);
enum quadrant quadrant_of(enum contract c, enum fulfilment f);
const char *quadrant_name(enum quadrant q);

#endif
