/*
 * sb_sns: legacy listings. Notifications of the two topics of a product (AWS Marketplace seller
 * guide, saas-notification), wrapped in signed SNS envelopes as a subscribed SQS queue gets them
 * without raw delivery.
 */
#ifndef LM_SB_SNS_H
#define LM_SB_SNS_H

#include "sandbox/sb_event.h"

void sb_sns_send(struct sb *s, const struct sb_purchase *p, enum sb_event kind,
                 const struct sb_event_opt *opt);

#endif
