/*
 * event: what one stored event does to its order.
 *
 *   event.c       load, merge into the agreement's record, find the purchase and its order
 *   event_link.c  a renewed or replaced purchase joins the order that it continues
 *   event_apply.c ask the channel for the truth and write it to the order
 *   event_truth.c the same where the channel has its own record of a purchase (azure, gcp)
 *
 * An event is a hint: besides what only the event tells (an end and its reason, an advisory), the
 * order is written from what the channel's API answers. Every step is an idempotent script or a
 * read, so the durable task may run again from the start at any time.
 */
#ifndef LM_EVENT_H
#define LM_EVENT_H

#include "worker/task.h"

enum { EVENT_HOPS = 16 };

struct event_work {
    struct market_event ev;
    struct str channel, product;
    int64_t stored_ms; /* by Redis' clock */
    struct market *market;
    const struct market_ops *ops;
    const struct cfg_market *cfg;
    /* merged record of the agreement */
    struct str intent, status, previous, account, product_code, license, agreement;
    struct str purchase; /* key; empty while no licence is known */
    char natural[ID_ORDER];
    unsigned natural_shard;
    struct str order;
    unsigned shard;
    bool exists, linked, ended; /* ended: the order's contract, when it was read */
    bool moved;                 /* the order goes on with another purchase by now */
    bool begins;                /* this agreement was put down as what comes next */
    int64_t order_at;           /* of the order's newest fact */
    unsigned hops;              /* from shard to shard behind an alias */
    struct {
        struct str *order;
        size_t n, at;
        struct str running, over;
        size_t nrunning, nover;
    } others; /* event_link.c: of the account */
};

/* Several listings may share one queue, and not every event names its product: then the poller
 * could only guess, and what the agreement's record or the order says is right. */
void event_product(struct task *t, struct str product);
/* order and shard are known; decides whether a link is due, then event_apply(). */
void event_link(struct task *t);
/* From an agreement's record to where its order is looked for; false: it names no purchase. */
bool event_find_previous(struct task *t, const struct store_rows *rows, task_cont *found);
void event_apply(struct task *t);
void event_truth(struct task *t);
/* event_next.c: an agreement that continues another one and has no licence yet. */
void event_next(struct task *t);
/* It ended before it began; order, shard and order_at are set. */
void event_next_clear(struct task *t);
/* Nothing comes next any more: pairs of STORE_ORDER_UPSERT. */
void event_next_none(struct args *a);

#endif
