/*
 * coming: what is going to change about an order's plan or quantity, and when. Pure: fields of the
 * order in, names out; for the page, the mail and the operator alike.
 *
 * Two things lie ahead: a change that the buyer made and the seller's rule `at-renewal` carries out
 * when the term ends in which it was bought ("served" is not "plan", "plan_until"), and a change or
 * renewal that the marketplace itself has put down for later ("next_plan" "next_quantity"
 * "next_at"). The first is nearer: it has been bought.
 */
#ifndef LM_COMING_H
#define LM_COMING_H

#include <stdbool.h>

#include "store/store.h"

struct coming {
    struct str plan;   /* to which plan: its name, or the marketplace's id of it; "": as it is */
    uint64_t quantity; /* to which quantity; 0: as it is */
    int64_t at_ms;     /* 0: at the end of the marketplace's billing period, whenever that is */
    struct str today;  /* the plan that is served until then */
};

/* False: nothing. *out is always set: today then is the order's plan. prefix: "o." where the fields
 * of row have one. market: the order's listing, NULL when it is no longer configured. */
bool coming_of(const struct store_row *row, const char *prefix, const struct cfg_market *market,
               int64_t now_ms, struct coming *out);

#endif
