/*
 * sb_gcp_push: push subscriptions. A message is posted to the endpoint with an OpenID token;
 * 102, 200, 201, 202 and 204 acknowledge it, anything else brings it again after a pause that
 * doubles ("Push subscriptions", Pub/Sub documentation). One request at a time per subscription.
 */
#ifndef LM_SB_GCP_PUSH_H
#define LM_SB_GCP_PUSH_H

#include "sandbox/sb_gcp_token.h"

/* Sends what can be sent, and sets the alarm for what comes later. */
void sb_gcp_push_pump(struct sb *s);
/* One push that is not a message of the subscription, signed as `how` says; waits for the answer.
 * 0 and the HTTP status (0: no answer), or -errno. */
int sb_gcp_push_attack(struct sb *s, const struct sb_gcp_sub *q, struct str how, struct str data,
                       unsigned *status);

#endif
