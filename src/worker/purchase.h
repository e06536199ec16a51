/*
 * purchase: what a channel says about a purchase, written to its order. Shared by resolve and
 * event.
 */
#ifndef LM_PURCHASE_H
#define LM_PURCHASE_H

#include "worker/task.h"

/* A copy that lives in the task's arena; false without memory. */
bool purchase_copy(struct task *t, const struct market_purchase *p, struct market_purchase *out);
/* What names the purchase, as members of an order: listing, keys, offer. */
void purchase_keys(struct args *a, const struct cfg_market *m, const struct market_purchase *p);
/* Arguments of STORE_ORDER_UPSERT for this purchase: plan and quantity from the entitlements, ends
 * of the contract with the plan's grace. confirmed: the channel's own event or entitlement stands
 * behind it. */
void purchase_args(struct args *a, const struct cfg_market *m, struct str order_id,
                   const struct market_purchase *p, bool confirmed, int64_t at_ms);
/* Plan that the purchase means; NULL when the product has none. */
const struct cfg_plan *purchase_plan(const struct cfg_market *m, const struct market_purchase *p,
                                     uint64_t *quantity);
/* Is that status of an agreement (aws) its end? RENEWED and REPLACED are not: the order goes on. */
bool purchase_over(const char *status);
/* aws: the agreement lives on in another one; its end revokes nothing. */
bool purchase_superseded(struct str status);
/* From the end of the contract to the deletion. */
uint64_t purchase_grace_ms(const struct cfg_market *m, struct str plan);
/* Shard and natural order id of a purchase key. */
unsigned purchase_order(struct worker *w, struct str channel, struct str purchase,
                        char order_id[ID_ORDER]);

#endif
