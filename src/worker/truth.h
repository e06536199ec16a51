/*
 * truth: what the channel says about one purchase, read and written to its order.
 *
 *   truth.c        order -> refresh -> is it ours? -> change (below) -> write
 *   truth_write.c  one STORE_ORDER_UPSERT and what follows from it: alert, account index
 *   truth_later.c  the refresh task of an order, queued
 *
 * A change that waits for an answer is answered here, from whatever task happens to read it: the
 * webhook may have been lost. It is written as pending and stays so until the channel shows it.
 * Every step is a read, a verb that may be sent again or an idempotent script, so the task that
 * called may begin anew at any time. Failures end the task (retry, with an alarm where credentials
 * are refused); otherwise done() is called with what happened.
 */
#ifndef LM_TRUTH_H
#define LM_TRUTH_H

#include "worker/standing.h"

enum truth_end {
    TRUTH_WRITTEN,
    TRUTH_FOREIGN, /* of a product that this installation does not sell: nothing was touched */
    TRUTH_ABSENT   /* neither the channel nor we have a live purchase of that id */
};

struct truth {
    /* The caller's: */
    struct task *t;
    const char *channel;
    struct str product; /* the listing that is assumed until order or channel name another */
    struct str purchase;
    struct str account; /* "" unknown */
    struct str order;
    unsigned shard;
    const char *change_id; /* of the event that led here, "" none */
    bool reinstated;       /* the event wants an answer by change_id */
    bool ended;            /* the channel told of the end: "unknown purchase" is believed at once */
    bool erase;            /* the customer's data must go once the purchase has ended */
    const struct market_event *event; /* the caller's, untouched here */
    void *user;                       /* the caller's, untouched here */
    void (*done)(struct truth *x);
    /* Ours: */
    enum truth_end end;
    struct market *market;
    const struct market_ops *ops;
    const struct cfg_market *cfg;
    struct order_now now; /* before the write */
    struct market_purchase p;
    int64_t asked_ms;
    enum change_answer answer;
    bool awaits;   /* something was accepted or is believed to come: read again soon */
    bool switched; /* the channel named another listing, which was asked then */
    bool unknown;  /* the channel has no such purchase */
    bool stale;    /* a newer reading was written already */
    bool created, changed;
    bool settled; /* the order has a tenant */
};

/* Zeroed but for task, listing and keys; NULL without memory (the task was ended then). */
struct truth *truth_new(struct task *t, struct str channel, struct str product,
                        struct str purchase);
/* order and shard are set (an alias was followed). */
void truth_ask(struct truth *x);
/* p was read by the caller (list, resolve), now and the listing are set: writes. */
void truth_write(struct truth *x);
/* The order is read and the listing chosen; next() goes on. */
void truth_load(struct truth *x, void (*next)(struct truth *x));
/* STORE_ORDER_FIND, through aliases of other shards, sets order and shard. */
void truth_find(struct truth *x, void (*next)(struct truth *x));
/* Queues the refresh task of that order, in ms; data: "erase" or "". next: what goes on, or
 * truth_later_done, which ends this task. */
void truth_later(struct task *t, unsigned shard, struct str order, int64_t ms, const char *data,
                 task_cont *next);
void truth_later_done(struct task *t, int rc, const struct store_rows *rows);
/* Ends the task after a failed call of a channel: slow and with one alarm a day where a person
 * must act. */
void truth_failed(struct task *t, const struct cfg_market *m, enum market_class cls,
                  const char *code, uint64_t retry_after_ms);

/* alarm.c: at most one mail of that kind per listing and day (tag ""), or per tag. Fire and
 * forget: what failed fails again and calls again. */
void alarm_raise(struct worker *w, const struct cfg_market *m, const char *kind, const char *tag,
                 const char *detail);
/* The same for what is not met again: once per tag, durable when next() is called. */
void alarm_once(struct task *t, const struct cfg_market *m, const char *kind, const char *tag,
                const char *detail, task_cont *next);

#endif
