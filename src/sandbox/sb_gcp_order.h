/*
 * sb_gcp_order: the life of accounts and entitlements: what buyers do, what the seller answers,
 * and what comes by itself. Every change sends the events that Google would send.
 *
 *   REQUESTED -approve-> (settle_ms, or the offer's start) -> ACTIVE
 *   ACTIVE -change-> PLAN_APPROVAL -approve-> ACTIVE, or PLAN_PENDING until the cycle ends
 *   ACTIVE -cancel-> ENDING until the cycle ends -> CANCELLED -60 days-> deleted
 * With automatic approval the seller's approvals of entitlements fall away, not that of the
 * account.
 *
 * Functions return 0, -EINVAL, -EEXIST, -EPERM (not in this state), -ENOENT or -ENOBUFS, with a
 * sentence in *why.
 */
#ifndef LM_SB_GCP_ORDER_H
#define LM_SB_GCP_ORDER_H

#include "sandbox/sb_gcp.h"

struct sb_gcp_buy {
    const struct sb_gcp_product *product;
    const struct sb_gcp_plan *plan;
    struct sb_gcp_account *account; /* NULL: a new one */
    bool test;                      /* a new account is the partner's own */
    int automatic;                  /* -1: as the product says */
    bool offer;                     /* a private offer */
    struct str duration;            /* of the offer, ISO 8601; empty: an end date */
    int64_t start_in_ms, end_in_ms, settle_ms /* -1: the setting */, usage_late_ms;
};

/* A new account, without an event. NULL: no room. */
struct sb_gcp_account *sb_gcp_order_account(struct sb *s, const char *provider, bool test);
int sb_gcp_order_buy(struct sb *s, const struct sb_gcp_buy *b, struct sb_gcp_ent **out,
                     const char **why);
/* The buyer's side, by name: change-plan {plan, when: "now"|"cycle-end", offer, duration},
 * cancel-plan-change, cancel {when}, revert-cancel, renew, offer-ended {then: "cancel"|
 * "continue"}, abandon, suspend, resume, settle (what is due comes now), delete. in may be NULL. */
int sb_gcp_order_act(struct sb *s, struct sb_gcp_ent *e, struct str action, const cJSON *in,
                     const char **why);
/* ACCOUNT_DELETED: every order of it ends and goes. */
void sb_gcp_order_delete_account(struct sb *s, struct sb_gcp_account *a);

/* The seller's side. -EPERM: not in this state; the API says FAILED_PRECONDITION. */
int sb_gcp_order_approve(struct sb *s, struct sb_gcp_ent *e);
int sb_gcp_order_reject(struct sb *s, struct sb_gcp_ent *e, const char *reason);
int sb_gcp_order_approve_plan(struct sb *s, struct sb_gcp_ent *e);
int sb_gcp_order_reject_plan(struct sb *s, struct sb_gcp_ent *e);
void sb_gcp_order_approval(struct sb *s, struct sb_gcp_account *a, enum sb_gcp_approval to,
                           struct str reason);
/* accounts.reset: every order of it ends, the sign-up is pending again. */
void sb_gcp_order_reset(struct sb *s, struct sb_gcp_account *a);

/* Does what has become due. Called before every request is answered. */
void sb_gcp_order_tick(struct sb *s);
/* Milliseconds until something becomes due; -1 never. */
int64_t sb_gcp_order_next_ms(const struct sb *s);
/* A newer updateTime than before. */
void sb_gcp_order_touch(struct sb *s, struct sb_gcp_ent *e);
/* Live: not cancelled, not deleted. */
bool sb_gcp_order_lives(const struct sb_gcp_ent *e);

#endif
