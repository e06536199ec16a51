/*
 * standing: a purchase of a channel that has its own record of it (azure, gcp) and the order here.
 * Pure: no I/O, no clock. AWS has no such record and stays with purchase.h.
 *
 * Level, not edge: whatever the event was, the whole truth as it was read is written, as of the
 * time of the reading. An ended order is never opened again: on both channels an end is final.
 */
#ifndef LM_STANDING_H
#define LM_STANDING_H

#include "worker/task.h"

/* What the order says now, from a row of STORE_ORDER_GET ("o.x"); lives in the task's arena. */
struct order_now {
    bool exists, registered, unattended, ended;
    struct str product, contract, plan, standing, commit, plan_unknown, change_id;
    uint64_t quantity;
    int64_t at, now, created, at_registered, at_asked;
    int64_t change_at;   /* since when an accepted change is awaited; 0: none */
    int64_t change_seen; /* the channel's record, when the change was asked for, was of then */
    int64_t change_over; /* when it was seen what became of the last one */
    int64_t gone_since;  /* since when the channel does not know a running purchase; 0: it does */
    struct market_purchase known; /* the keys that the channel is asked with */
};

/* True for a channel whose purchases have a standing. */
bool standing_channel(const struct cfg_market *m);
/* False where the channel has no list that a walk could use: aws listings in legacy mode, or
 * without their product_id. */
bool standing_listed(const struct cfg_market *m);
/* "held" "scheduled" "active" "suspended" "ended" "unknown" */
const char *standing_word(enum market_standing s);
/* rows NULL or empty: no such order. */
void order_now_read(struct task *t, const struct store_rows *rows, struct order_now *out);
/* The configured plan of a channel's plan id, for gcp also behind a term ("pro-P1Y" is pro); NULL:
 * the configuration does not know it, and nothing takes its place. */
const struct cfg_plan *standing_plan(const struct cfg_market *m, struct str plan_id);
/* Which listing of this channel sells that product code; "<offer>-preview" is the offer too. An
 * empty code names the only listing there is. NULL: none. */
const struct cfg_market *standing_market(const struct config *c, const char *channel,
                                         struct str product_code);
/* From an end to the deletion: the plan's grace; azure: at least 7 days. */
uint64_t standing_grace_ms(const struct cfg_market *m, struct str plan);
/* Arguments of STORE_ORDER_UPSERT for what was read. awaits_change: an accepted change is under way
 * and what the order says of it stays. */
void standing_args(struct args *a, const struct cfg_market *m, struct str order_id,
                   const struct order_now *now, const struct market_purchase *p,
                   bool awaits_change);
/* The same for a purchase that the channel no longer knows: only that it has ended. */
void standing_end_args(struct args *a, const struct cfg_market *m, struct str order_id,
                       const struct order_now *now, const struct market_purchase *p);
/* Google names where usage is reported to a while after the start (gcp.usageReportingId). */
bool standing_lacks_usage(const struct cfg_market *m, const struct market_purchase *p);
/* Does the order say something else than the channel about what a buyer pays for? */
bool standing_differs(const struct cfg_market *m, const struct order_now *now,
                      const struct market_purchase *p);

/* Where they differ: only in what we asked the channel for lately, or answered. Its list may be
 * behind, our order may be, and the order's own refresh is on the way. */
bool standing_asked(const struct market_caps *caps, const struct order_now *now,
                    const struct market_purchase *p);

/* What to answer to a change of plan or quantity that waits (p->change_id). */
enum change_answer {
    ANSWER_NONE,
    ANSWER_ACCEPT,
    ANSWER_REFUSE,
    ANSWER_HOLD /* nobody can decide before the plan is configured; the channel lets it wait */
};
enum change_answer change_decide(const struct cfg_market *m, const struct market_caps *caps,
                                 const struct market_purchase *p);
/* An accepted change that the channel does not show yet, and has not taken back. */
bool change_awaited(const struct order_now *now, const struct market_purchase *p, int64_t wall_ms);

#endif
