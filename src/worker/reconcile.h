/*
 * reconcile: one walk over a channel's own list, shared by
 *
 *   reconcile.c            pages, counts, report; purchases with a standing (azure, gcp)
 *   reconcile_agreement.c  agreements (aws): their record, their order, what an event would have
 *                          said
 *   reconcile_event.c      what a walk found, put into the store as an event
 *   reconcile_record.c     what is known of an agreement; the licence of one that nobody told
 *   reconcile_renewal.c    which order does an agreement continue that nobody told of?
 */
#ifndef LM_RECONCILE_H
#define LM_RECONCILE_H

#include "worker/truth.h"

struct reconcile {
    struct str channel, product;
    struct market *market;
    const struct market_ops *ops;
    const struct cfg_market *cfg;
    struct market_purchase *p;
    size_t n, at;
    struct str next;
    struct str runs; /* a purchase whose plans are asked for at the end */
    int64_t started;
    uint64_t seen, repaired, created;
    enum market_class cls; /* of a page that could not be had */
    const char *code;
};

/* The purchase at r->at is done with; t->state is the walk. */
void reconcile_next(struct task *t);
/* A refresh task for the order, after ms; then reconcile_next(). The walk must be x->user. */
void reconcile_ask_refresh(struct truth *x, int64_t ms);

/* The agreement at r->at. */
void reconcile_agreement(struct task *t);

/* One agreement that is compared; in the task's arena. */
struct agreement_work {
    struct reconcile *r;
    struct truth *x;                 /* the order of its purchase, once it is known */
    const struct market_purchase *p; /* as the list has it */
    /* what is known of it here */
    struct str intent, status, purchase;
    char natural[ID_ORDER];
    /* reconcile_renewal.c */
    struct str *orders; /* of the account, but its own */
    size_t norders, at, candidates;
    struct str order, agreement, previous, ended; /* of the one asked about; of the candidate */
    void (*found)(struct task *t);
};

/* In all of these t->state is an agreement_work. */

/* Done with it: reconcile_next() of its walk. */
void reconcile_agreement_next(struct task *t);
/* Its purchase is known, or will not be: looks for its order and compares. */
void reconcile_agreement_order(struct task *t);
/* An event of this agreement and its order as they were read; its texts live as long as k. */
struct market_event reconcile_event_of(const struct agreement_work *k, enum market_event_kind kind);
/* Stores it once per walk, agreement and kind, whoever walks; then reconcile_agreement_next(). */
void reconcile_store_event(struct task *t, const struct market_event *e);
/* Looks for the one live order of the same account and listing whose
 * agreement was renewed or replaced: previous is its agreement and ended that one's status, or
 * candidates is not 1. Then found(). */
void reconcile_renewal(struct task *t, void (*found)(struct task *t));

#endif
