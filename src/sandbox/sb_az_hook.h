/*
 * sb_az_hook: webhooks to the publisher's connection webhook: POST with a bearer token of Entra,
 * again and again until a 2xx answers (pc-saas-fulfillment-webhook; 500 times over eight hours).
 */
#ifndef LM_SB_AZ_HOOK_H
#define LM_SB_AZ_HOOK_H

#include "sandbox/sb_az.h"

/* Fixes the body by what is true now. 0 or -ENOBUFS. */
int sb_az_hook_body(struct sb *s, struct sb_az_op *op);
/* Queues one delivery; attempt counts from 0. 0 or -errno. */
int sb_az_hook_send(struct sb *s, struct sb_az_op *op, unsigned attempt);
/* Both, with planned faults. 0 or -errno. */
int sb_az_hook_first(struct sb *s, struct sb_az_op *op);
/* After a restart: whatever was not delivered yet. */
void sb_az_hook_resume(struct sb *s);

/* A hostile delivery, once. */
struct sb_az_strike {
    char id[SB_AZ_GUID];
    bool done;
    unsigned status; /* what the webhook answered; 0 = nothing */
};
/* in: purchase (already looked up as sub), action, plan, quantity, status, body; see
 * docs/sandbox.md. Waits for the answer. 0, -EINVAL, -ENOBUFS, -ETIMEDOUT. */
int sb_az_attack(struct sb *s, struct sb_az_sub *sub, const cJSON *in, unsigned *status);

#endif
