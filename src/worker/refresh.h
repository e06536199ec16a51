/*
 * refresh: one order of a channel without a record of purchases (aws), read again.
 *
 *   refresh.c        read, compare, write
 *   refresh_heir.c   its purchase has run out: does the order go on with another one?
 *   refresh_truth.c  channels with a record (azure, gcp)
 */
#ifndef LM_REFRESH_H
#define LM_REFRESH_H

#include "worker/truth.h"

struct refresh { /* t->state */
    struct market *market;
    const struct market_ops *ops;
    const struct cfg_market *cfg;
    struct market_purchase known;
    struct str plan, channel, product;
    int64_t at, now, waiting_ms; /* waiting: a buyer registered and nothing is granted */
    int64_t gone_since; /* since when nothing of its account serves it; 0: something does */
    bool pending;
    bool unlisted; /* no walk of the reconciler meets it */
};

/* Nothing more to do: done, or asked again at the reconciler's pace. */
void refresh_rest(struct task *t);
/* Continuation of the write of a living order. */
void refresh_written(struct task *t, int rc, const struct store_rows *rows);
/* The contract has ended, as that status says; ends the task. */
void refresh_end(struct task *t, const char *status);
/* status: the agreement's, "" when it cannot be read. Ends the task. */
void refresh_heir(struct task *t, const char *status);

#endif
