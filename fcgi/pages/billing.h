/*
 * billing: what a buyer is told about money, in every state. Pure: facts in, a key out.
 *
 * Only what the marketplace itself says (contract, standing, commit, trial) decides; the words are
 * "billing.<key>" of the catalogue, or "billing.<key>.<channel>" where a marketplace differs.
 */
#ifndef LM_BILLING_H
#define LM_BILLING_H

#include "config/config.h"
#include "store/state.h"

struct billing {
    enum contract contract;
    struct str commit;   /* "", "held", "asked", "done", "rejected" */
    struct str standing; /* the channel's own word: "held", "scheduled", "active" ... */
    bool trial, no_renewal;
    bool was_ready; /* there was an environment once */
    bool trouble;   /* it cannot be used, or could not be made */
    bool off;       /* switched off by the seller's or our own doing */
    bool gone;      /* it has been deleted, or is being deleted */
    bool declined;  /* the order was given back before anything was charged */
    int64_t starts, ends, now;
    const struct cfg_market *market; /* NULL: no longer configured: nothing is said */
    const struct cfg_plan *plan;     /* NULL: not known */
};

/* The charge waits for our word. */
bool billing_held(const struct billing *b);
/* Last part of the catalogue key; "" where there is nothing to say. */
const char *billing_key(const struct billing *b);

#endif
