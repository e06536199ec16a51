/*
 * resolve: the token that a buyer's browser brought becomes an order.
 *
 *   resolve.c        sign-in, token -> purchase, refusals and delays, registration
 *   resolve_truth.c  the order, where the channel has its own record of a purchase (azure, gcp)
 */
#ifndef LM_RESOLVE_H
#define LM_RESOLVE_H

#include "worker/purchase.h"
#include "worker/sign_in.h"
#include "worker/truth.h"

struct resolve {
    struct str channel, product;
    struct market *market;
    const struct market_ops *ops;
    const struct cfg_market *cfg;
    struct market_purchase purchase;
    char order[ID_ORDER];
    struct str found;
    unsigned shard;
    int64_t created_ms;
    struct sign_in sign_in;
    struct truth *truth; /* channels with a standing */
    struct str sealed;
    bool submitted;
};

/* Ends the registration. */
void resolve_refuse(struct task *t, const char *code);
/* The buyer may go on: the page offers the form although the purchase is not known yet. */
void resolve_delay(struct task *t, const struct market_result *r);
/* The purchase is known. May he claim it? Then the truth as it was read goes to its order. */
void resolve_truth(struct task *t);
/* found and shard are set: the registration learns its order. */
void resolve_known(struct task *t);

#endif
