/*
 * change: which plan an order is served with while what was bought and what is deployed differ.
 *
 * The seller declares a strategy per pair of plans (plans.x.changes): in place, replace (the old
 * deployment goes, the new plan's is made), at renewal (the old plan is served until the term ends
 * in which the change was bought), refuse. Plans whose engines differ cannot change in place: they
 * are replaced. Pure.
 */
#ifndef LM_CHANGE_H
#define LM_CHANGE_H

#include "config/config.h"

enum change {
    CHANGE_NONE,    /* bought is what is deployed, or nothing is deployed yet */
    CHANGE_NOW,     /* serve the bought plan, by an update */
    CHANGE_REPLACE, /* serve the bought plan, after the old deployment is gone */
    CHANGE_LATER,   /* go on with the deployed plan until the term ends */
    CHANGE_REFUSED  /* go on with the deployed plan: a human must settle it with the buyer */
};

struct change_in {
    const struct config *cfg;
    const struct cfg_market *market;
    struct str deployed, bought; /* plan names; deployed "" when there is none */
    int64_t until_ms;            /* end of the term in which the change was bought; 0: unknown */
    int64_t now_ms;
};

enum change change_of(const struct change_in *in);
/* The plan to serve by that answer; NULL when the configuration has it no more. */
const struct cfg_plan *change_plan(const struct change_in *in, enum change c);

#endif
