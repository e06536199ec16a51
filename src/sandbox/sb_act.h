/*
 * sb_act: what a buyer (or AWS) does to a purchase, by name; for the control API and the store
 * page alike.
 */
#ifndef LM_SB_ACT_H
#define LM_SB_ACT_H

#include "base/json.h"
#include "sandbox/sb_purchase.h"

/* action: upgrade {plan, quantity, mode: amend|replace, link, order}, renew {link, order},
 * cancel {status}, advisory, advisory/resolve, expire-token. in may be NULL: without a plan an
 * upgrade takes the next one of the list. order is created-first or ended-first.
 * 0 with *out = the purchase that counts from now on; -ENOENT unknown action, -EINVAL, -EPERM,
 * -EEXIST, -ENOBUFS with a sentence in *why. */
int sb_act(struct sb *s, struct sb_purchase *p, struct str action, const cJSON *in,
           struct sb_purchase **out, const char **why);

#endif
