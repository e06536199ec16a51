/*
 * decide: what to do next for one order. Pure: no I/O, no clock of its own, the same input gives
 * the same answer, so every duplicate, loss and reordering of events ends at the same place.
 *
 * Desired is derived anew each time from the contract, the operator's wish and the configuration;
 * delete wins over every other desire. The caller performs the act, records its result and asks
 * again.
 */
#ifndef LM_DECIDE_H
#define LM_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "store/state.h"

enum desire { DESIRE_NONE, DESIRE_RUNNING, DESIRE_SUSPENDED, DESIRE_DELETED };

enum act {
    ACT_REST,       /* nothing to do: finish the task; resync or an event will ask again */
    ACT_WAIT,       /* nothing until `until_ms` */
    ACT_MOVE,       /* write fulfilment = `to`, then ask again */
    ACT_RENEW_SPEC, /* the desired spec differs from the recorded: write it with generation + 1 */
    ACT_APPLY,      /* engine apply, intent first */
    ACT_OBSERVE,    /* engine observe */
    ACT_PROBE,      /* ask the environment through the proxy */
    ACT_SUSPEND,
    ACT_RESUME,
    ACT_DELETE,
    ACT_GRANT,        /* pattern `account`: ready without a deployment */
    ACT_COMMIT,       /* tell the channel that the charge may begin */
    ACT_REJECT,       /* tell it that we will not serve this purchase */
    ACT_ASK_APPROVAL, /* put the order before an operator */
    ACT_TELL_LATE,    /* the charge is held for longer than it should */
    ACT_TELL_CHARGE,  /* the charge began although an operator had stopped the order */
    ACT_TELL_CHANGE,  /* the channel changed to a plan that the seller refuses */
    ACT_REPLACE       /* the old deployment goes before the new plan's is made */
};

/* Where an order stands whose charge the channel can hold. */
enum decide_commit {
    COMMIT_NONE, /* nothing was ever held */
    COMMIT_HELD,
    COMMIT_ASKED, /* told; the channel has not shown it yet */
    COMMIT_DONE,
    COMMIT_REJECTED
};

struct decide_in {
    enum contract contract;
    enum fulfilment fulfilment;
    bool registered;                   /* or nobody has to register */
    bool want_suspended, want_deleted; /* operator */
    bool held;                         /* waits for a human: nothing but deletion */
    bool deployed;                     /* an engine has (or may have) something of this tenant */
    bool keep_on_end;                  /* plan: keep running during the grace period */
    bool has_plan;                     /* the plan exists in this configuration */
    bool account;                      /* plan's pattern is `account` */
    bool manual;                       /* plan's pattern is `manual` */
    bool spec_current;                 /* recorded spec == desired spec */
    bool applied;                      /* observed generation and hash == recorded spec */
    bool pending;        /* an apply of this generation was answered PENDING or unknown */
    bool failed;         /* exactly this spec failed for good before */
    bool delete_gave_up; /* the deletion itself is what failed or is stuck */
    bool drift_due;      /* a resync visit: look at the engine even when all is well */
    enum decide_commit commit;
    bool commit_early;   /* plan: at registration */
    bool needs_approval; /* plan: by hand, and nobody has approved yet */
    bool rejected;       /* an operator said no while the charge was held */
    bool replace;        /* the new plan's deployment takes the place of the old one */
    bool erase;          /* the customer's data must go now */
    bool paused;         /* an operator suspended or cancelled: no charge is to begin now */
    bool charged_anyway; /* it began since then, and nobody was told */
    bool late_told;
    bool change_refused, change_told;
    enum cfg_late_commit on_late;
    int64_t commit_deadline_ms; /* INT64_MAX: none */
    int64_t delete_at_ms;
    int64_t now_ms;
};

struct decision {
    enum act act;
    enum desire desire;
    enum fulfilment to; /* ACT_MOVE */
    int64_t until_ms;   /* ACT_WAIT */
};

void decide(const struct decide_in *in, struct decision *out);
enum desire decide_desire(const struct decide_in *in);
const char *act_name(enum act a);

#endif
