/*
 * status_model: what a buyer is told about an order. Pure: fields of the store in, words out.
 *
 * The page, status.json and the API show the same structure. Texts are keys of the catalogue;
 * billing truth is told only where the state implies it.
 */
#ifndef LM_STATUS_MODEL_H
#define LM_STATUS_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "pages/billing.h"
#include "store/coming.h"

enum { STATUS_STEPS = 6 };

/* How a page looks at a state. */
enum status_mood {
    MOOD_WORKING, /* something happens: poll often */
    MOOD_WAITING, /* somebody else is to act */
    MOOD_READY,
    MOOD_TROUBLE,
    MOOD_ENDED
};

enum step_state { STEP_TODO, STEP_NOW, STEP_DONE, STEP_ERROR };

struct status_step {
    const char *id; /* "registered": also the last part of the catalogue key "step.<id>" */
    enum step_state state;
    int64_t at;      /* ms; 0: not yet */
    int64_t seconds; /* from the step before; -1: not known */
};

struct status {
    const char *state; /* "provisioning": also the key "status.<state>" */
    enum status_mood mood;
    bool late, terminal;
    bool live; /* there is an environment to go to */
    bool was_ready;
    bool deploys; /* an environment of its own is made (plan's pattern) */
    bool manual;
    bool over;             /* the purchase has ended, or never began and never will */
    bool payment;          /* suspended by the channel, not by the seller */
    unsigned step, nsteps; /* step counts from 1; nsteps + 1 when all are done */
    struct status_step steps[STATUS_STEPS];
    int pct; /* -1: not known */
    int retry_after;
    int64_t ver, updated, delete_at;
    int64_t until;  /* ms: what the clock had a part in holds before that; INT64_MAX: for good */
    unsigned phase; /* which of the order's days are past: names the words beside ver */
    struct billing billing;          /* what the sentence about money follows from */
    const char *billing_word;        /* "held": last part of its key; "" nothing to say */
    struct coming coming;            /* another plan or quantity, later; borrowed from the row */
    const char *coming_word;         /* "plan.dated": last part of its key; "" nothing comes */
    struct str endpoint, note, code; /* borrowed from the row */
};

/* Fields of an order for store_order_fields(): the first status_nfields are what the model reads,
 * all of them what the page shows. */
extern const char *const status_fields[];
extern const size_t status_nfields, status_nfields_page;
/* What says that an order is as it was: every write to it changes one of them. */
enum { STATUS_VER, STATUS_UPDATED, STATUS_MARKS };
extern const char *const status_marks[STATUS_MARKS];

/* An order. market and plan (the one that is served, coming_of()) may be NULL; now: ms, for what
 * begins later. */
void status_of_order(const struct store_row *row, const struct cfg_market *market,
                     const struct cfg_plan *plan, int64_t now, struct status *out);
/* A registration that waits for its purchase to be known: state "confirming", or "refused". */
void status_of_reg(const struct store_row *row, struct status *out);
const char *step_state_name(enum step_state s);
const char *status_mood_name(enum status_mood m);

#endif
