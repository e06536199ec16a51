/*
 * sb_az_ctl: what controls and the store page do to azure subscriptions (docs/sandbox.md).
 */
#ifndef LM_SB_AZ_CTL_H
#define LM_SB_AZ_CTL_H

#include "sandbox/sb_az.h"
#include "sandbox/sb_msg.h"

/* The part of /sandbox/api/ below "azure/"; in: the body, or NULL. */
void sb_az_ctl(struct sb *s, struct str path, const struct sb_req *req, const cJSON *in,
               struct sb_resp *resp);
/* GET and POST below /sandbox/azure/, for the store page. False: not one of these. */
bool sb_az_store(struct sb *s, const struct sb_req *req, struct sb_resp *resp);

/* A purchase from a control's body or a form's fields (all texts). 0 or -errno with why. */
int sb_az_order(struct sb *s, const cJSON *in, struct sb_az_sub **out, const char **why);
/* action: change-plan, change-quantity, renew, suspend, reinstate, cancel, unknown, read-only,
 * expire-token, auto-renew. *op: the operation, or NULL. 0, -ENOENT, -EINVAL, -EPERM, -EEXIST,
 * -ENOBUFS with why. */
int sb_az_act(struct sb *s, struct sb_az_sub *sub, struct str action, const cJSON *in,
              struct sb_az_op **op, const char **why);

#endif
