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
    ACT_GRANT /* pattern `account`: ready without a deployment */
};

struct decide_in {
    enum contract contract;
    enum fulfilment fulfilment;
    bool registered;
    bool want_suspended, want_deleted; /* operator */
    bool held;                         /* waits for a human: nothing but deletion */
    bool deployed;                     /* an engine has (or may have) something of this tenant */
    bool keep_on_end;                  /* plan: keep running during the grace period */
    bool has_plan;                     /* the plan exists in this configuration */
    bool account;                      /* plan's pattern is `account` */
    bool manual;                       /* plan's pattern is `manual` */
    bool spec_current;                 /* recorded spec == desired spec */
    bool applied;                      /* observed generation and hash == recorded spec */
    bool pending;   /* an apply of this generation was answered PENDING or unknown */
    bool failed;    /* exactly this spec failed for good before */
    bool drift_due; /* a resync visit: look at the engine even when all is well */
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
