/*
 * plans: what a listing sells against what is configured, at the end of a walk of its list.
 *
 * The channel is asked for the plans that the holder of one running purchase can have. A plan on
 * sale that no plan here means (standing_plan) is logged, plans.unknown, and one alert-plan a day:
 * somebody could buy it and would wait. A configured plan that the channel does not offer to him is
 * only logged, plans.absent: it may be private, or not published yet. Nothing here fails the walk;
 * what could not be asked is asked after the next one.
 */
#ifndef LM_PLANS_H
#define LM_PLANS_H

#include "worker/task.h"

/* *of becomes p's when it may be asked for: it runs and is ours to change (a reseller's is not); a
 * test purchase only while there is no other. Borrowed from p. */
void plans_choose(struct str *of, const struct market_purchase *p);
/* of: "" none was found. next() is called once, not after a drop. */
void plans_compare(struct task *t, struct market *m, const struct market_ops *ops,
                   const struct cfg_market *cfg, struct str of, void (*next)(struct task *t));

#endif
