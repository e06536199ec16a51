/*
 * plan: from what was bought to what is deployed. Pure.
 */
#ifndef LM_PLAN_H
#define LM_PLAN_H

#include "base/buf.h"
#include "base/json.h"
#include "config/config.h"
#include "market/market.h"

/* The plan that a set of entitlements means: the matching plan that stands last in the
 * configuration (plans are listed from small to large), with the entitlement's number as quantity.
 * No match: NULL, quantity 1. */
const struct cfg_plan *plan_named_by(const struct cfg_market *m, const struct market_entitlement *e,
                                     size_t n, uint64_t *quantity);
/* The same; no match: the default plan. NULL when the product has no plan at all. */
const struct cfg_plan *plan_of_entitlements(const struct cfg_market *m,
                                            const struct market_entitlement *e, size_t n,
                                            uint64_t *quantity);
/* Entitlements as JSON array [{"dimension","value","expires"}]. */
void plan_entitlements_json(const struct market_entitlement *e, size_t n, struct buf *out);

struct plan_spec_in {
    const struct cfg_plan *plan;
    const struct cfg_template *tmpl; /* NULL when the plan has none */
    struct str quantity;             /* digits */
    struct str form;                 /* JSON object as stored, or "" */
    struct str region;
};

/* Where an environment was bought to be; region "" when anywhere will do. */
struct plan_place {
    struct str cloud, region;
};
/* The region of an order: the buyer's choice, else the plan's first. form: JSON object or "". */
struct str plan_region(struct arena *a, const struct cfg_plan *plan, struct str form);
/* Does the engine's report (JSON object with "cloud", "region", or "") say that the environment is
 * somewhere else? why then says it for an operator. What it does not report is not doubted. */
bool plan_elsewhere(struct str outputs, const struct plan_place *want, struct buf *why);

/* The canonical JSON of a deployment's spec: same input, same bytes, so its hash is its identity.
 * The spec holds what the engine needs and nothing that changes on its own. */
int plan_spec(const struct plan_spec_in *in, struct buf *out);

#endif
