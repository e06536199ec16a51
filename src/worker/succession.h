/*
 * succession: what became of an order whose purchase has run out (aws, concurrent agreements).
 *
 * The agreement was renewed or replaced, or cannot be read because a channel partner sold it, and
 * its licence grants nothing any more. What else the account holds of this product tells whether
 * the order goes on. A superseded agreement alone ends nothing: what came after it has to have
 * ended, and what an unlinked agreement or licence may be serving is never taken away.
 *
 *   an active agreement of nobody         OPEN: the walk links it, or its events do
 *   contract pricing: no licence of       ENDED
 *     nobody is in force
 *   one such, and no other order lacks    CONTINUES: with that licence
 *     its own
 *   usage pricing: more agreements of     ENDED
 *     nobody ended than other orders wait
 *   anything else that could be his       UNKNOWN: a person must decide
 *
 * "Of nobody": no order that a buyer registered goes on with it, and nobody told that it is a
 * purchase of its own. Reads only.
 */
#ifndef LM_SUCCESSION_H
#define LM_SUCCESSION_H

#include "worker/truth.h"

enum succession_end {
    SUCCESSION_OPEN, /* it runs, or is not ours to say */
    SUCCESSION_CONTINUES,
    SUCCESSION_ENDED,
    SUCCESSION_UNKNOWN
};

struct holding { /* an agreement, or (agreement "") a licence in force */
    const char *agreement, *status, *purchase, *license;
    int64_t bought_ms;
};

struct succession {
    /* The caller's: */
    struct task *t;
    struct str order, channel, product;
    struct market *market;
    const struct market_ops *ops;
    const struct cfg_market *cfg;
    const struct market_purchase *known; /* of the order; its status as it was read just now */
    void *user;
    void (*done)(struct succession *s);
    /* The answer: */
    enum succession_end end;
    const char *status;  /* ENDED: of the newest agreement of his that ended; "" none is known */
    struct holding heir; /* CONTINUES; agreement: where it is known */
    /* Ours: */
    struct holding *h;
    size_t n, at;
    struct str intent; /* of the agreement at h[at] */
    struct truth *x;   /* its order */
    size_t active, ended, heirs, others;
    bool runs;
    int64_t bought_ms, ended_bought_ms;
    struct str *orders; /* of the account */
    size_t norders, next;
};

/* Ends the task (retry) on trouble; otherwise done(). */
void succession_ask(struct succession *s);

#endif
