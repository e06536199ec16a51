/*
 * fulfil: one order, desired against observed.
 *
 *   fulfil.c        load, decide (src/fulfil/decide.c), act, ask again
 *   fulfil_view.c   rows -> struct fulfil_view -> struct decide_in
 *   fulfil_engine.c a verb at the engine: intent before
 *   fulfil_done.c   its result after
 *   fulfil_commit.c where the channel holds the charge: ask, commit, refuse
 *   fulfil_deadline.c  how long all that may take
 *   fulfil_fail.c   classes of failure to consequences
 *   fulfil_probe.c  ask the environment through the proxy
 *
 * Every act ends in one fenced script and then the order is read anew, so a change of mind (a
 * cancellation during provisioning) is seen after each step. A long PENDING goes back into the
 * queue: a deployment in flight costs this process nothing while it waits.
 */
#ifndef LM_FULFIL_H
#define LM_FULFIL_H

#include "fulfil/decide.h"
#include "worker/task.h"

struct fulfil_view {
    struct str order; /* id */
    struct decide_in in;
    struct str channel, plan, region, tenant, email;
    struct str spec, spec_sha256, external_id, outputs, pending, endpoint;
    struct str wanted_spec; /* where it differs from spec */
    char wanted_sha256[HASH_HEX];
    struct str bought; /* plan name; plan is the one to serve */
    uint64_t generation, slot;
    struct str work; /* kind and generation of what is under way at the engine; "": nothing */
    int64_t work_since;
    int64_t at_applied, at_verified, at_ready, now;
    bool late;
};

struct fulfil_work {
    struct fulfil_view v;
    const struct cfg_market *market;
    const struct cfg_plan *plan;
    const struct cfg_template *tmpl; /* of the plan to serve */
    const struct cfg_template *made; /* of what is recorded; tmpl when nothing is */
    const struct cfg_template *use;  /* the one that the running verb goes by */
    size_t tmpl_index;               /* of use */
    struct engine *engine;
    const struct engine_ops *ops;
    struct decision d;
    unsigned rounds, probes, probe_failures;
    enum engine_verb verb;
    char op_id[33];
    uint64_t progress_at;
    bool verb_counted;
    uint64_t wait_ms;          /* after a PENDING or a wait for the seller was recorded */
    enum engine_class waiting; /* what the seller must mend */
    const char *why;           /* the outcome is unknown */
};

/* false: the rows are not an order. Finds plan, template and engine in the task's snapshot. */
bool fulfil_view_read(struct task *t, const struct store_rows *rows);

/* Reads the order again and goes on. */
void fulfil_again(struct task *t);
/* Starts a fenced write of this order; add "o.x", "t.x", "s.x", "log.*", "+mail" pairs, then
 * fulfil_write(). */
void fulfil_args(struct args *a, struct task *t);
void fulfil_log(struct args *a, const char *type, const char *text);
void fulfil_write(struct task *t, struct args *a, task_cont *next);
/* Continuation that reads the order again; logs and parks on an illegal transition. */
void fulfil_written(struct task *t, int rc, const struct store_rows *rows);

void fulfil_engine(struct task *t, enum engine_verb verb);
/* The engine did it. */
void fulfil_done(struct task *t, const struct engine_result *r);
/* The engine has nothing of this tenant. */
void fulfil_absent(struct task *t);
void fulfil_failed(struct task *t, const struct engine_result *r);
/* fulfil_deadline.c: of the verb that runs. Its name is "" for a verb that only looks. */
enum fulfil_work_kind {
    WORK_CREATE,
    WORK_UPDATE,
    WORK_SUSPEND,
    WORK_RESUME,
    WORK_DELETE,
    WORK_NONE
};
const char *fulfil_work_name(const struct fulfil_work *f);
/* Records its begin, once; the end of whatever was under way. */
void fulfil_work_note(struct args *a, struct task *t);
void fulfil_work_over(struct args *a, struct task *t);
/* Until its deadline; INT64_MAX: it has none. */
int64_t fulfil_work_left(struct task *t);
/* The deadline has passed and the engine still says pending: for a human. */
void fulfil_overdue(struct task *t);
void fulfil_probe(struct task *t);
/* The acts between us and the channel: ACT_COMMIT, ACT_REJECT, ACT_ASK_APPROVAL, ACT_TELL_LATE,
 * ACT_TELL_CHARGE, ACT_TELL_CHANGE. */
void fulfil_commit(struct task *t, enum act act);
/* What the order's channel can do; never NULL. */
const struct market_caps *fulfil_caps(const struct fulfil_work *f);
/* While the charge is held the buyer reads our progress at the marketplace too, where it can. */
void fulfil_tell_progress(struct args *a, struct task *t);
/* What the move to CLOSED says: to the buyer, and to the channel or the seller where the contract
 * has not ended: nothing is left that it is paid for. */
void fulfil_closing(struct args *a, struct task *t);

#endif
