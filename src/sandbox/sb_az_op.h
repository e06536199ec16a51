/*
 * sb_az_op: operations on subscriptions, from the marketplace ("Azure") or from the publisher
 * ("Partner"): what they change, who settles them, and what time does to them.
 *
 * Azure's ChangePlan, ChangeQuantity and Reinstate wait for the publisher and accept themselves a
 * while after their webhook was answered 200; Subscribe, Renew, Suspend, Unsubscribe and unknown
 * ones have happened when the webhook tells of them. A Partner operation begins after change_ms,
 * takes effect at once and comes back as a webhook with the same id.
 */
#ifndef LM_SB_AZ_OP_H
#define LM_SB_AZ_OP_H

#include "sandbox/sb_az.h"

struct sb_az_ask {
    const char *action;            /* any word up to 31 characters */
    const struct sb_az_plan *plan; /* ChangePlan; else NULL */
    int64_t quantity;              /* ChangeQuantity; else 0 */
    bool partner, minimal, revert;
};

/* Makes the operation and sends its webhook. 0 with *out (may be NULL), or -EINVAL, -EPERM (the
 * state does not allow it), -EEXIST (another operation is pending), -ENOBUFS with a sentence. */
int sb_az_ask(struct sb *s, struct sb_az_sub *sub, const struct sb_az_ask *ask,
              struct sb_az_op **out, const char **why);
/* Decides a pending operation; by: a word of at most 11 characters. */
void sb_az_settle(struct sb *s, struct sb_az_op *op, bool good, const char *by);
/* What the operation changes; once per operation. */
void sb_az_apply(struct sb *s, struct sb_az_op *op);
/* An operation as the API shows it. */
void sb_az_op_write(const struct sb *s, struct jsonw *w, const struct sb_az_op *op);

#endif
