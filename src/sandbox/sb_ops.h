/* sb_ops: the operations behind the table of sb_aws.c. Each has the form of sb_op_fn. */
#ifndef LM_SB_OPS_H
#define LM_SB_OPS_H

#include "sandbox/sb_call.h"

/* sb_resolve.c, sb_meter.c: metering service */
int sb_resolve_customer(struct sb_call *c);
int sb_meter_batch(struct sb_call *c);
/* sb_entitle.c: entitlement service */
int sb_entitle_get(struct sb_call *c);
/* sb_agree.c: agreement service */
int sb_agree_describe(struct sb_call *c);
int sb_agree_terms(struct sb_call *c);
int sb_agree_entitlements(struct sb_call *c);
int sb_agree_search(struct sb_call *c);
/* sb_receive.c, sb_sqs.c: SQS, JSON and query protocol */
int sb_sqs_receive(struct sb_call *c);
int sb_sqs_delete(struct sb_call *c);
int sb_sqs_delete_batch(struct sb_call *c);
int sb_sqs_visibility(struct sb_call *c);
int sb_sqs_url(struct sb_call *c);
int sb_sqs_send(struct sb_call *c);
int sb_sqs_attributes(struct sb_call *c);
/* sb_sts.c: STS, query protocol */
int sb_sts_assume(struct sb_call *c);
int sb_sts_web_identity(struct sb_call *c);
int sb_sts_identity(struct sb_call *c);

#endif
