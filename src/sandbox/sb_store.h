/*
 * sb_store: the store page, as a buyer sees a marketplace: products with plans, a purchase, the
 * way to the seller, and below it what was bought with everything that can happen to it. Plain
 * HTML that works without JavaScript; style and the one small script come from here.
 */
#ifndef LM_SB_STORE_H
#define LM_SB_STORE_H

#include "sandbox/sb_core.h"
#include "sandbox/sb_msg.h"

/* GET /, /sandbox/store.css, /sandbox/store.js; POST /sandbox/subscribe,
 * /sandbox/purchases/{id}/{action}, /sandbox/trouble, /sandbox/clock. False: not one of these. */
bool sb_store_handle(struct sb *s, const struct sb_req *req, struct sb_resp *resp);

#endif
