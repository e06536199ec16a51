/*
 * sb_event: what AWS tells the seller, put into the queue. A concurrent listing gets EventBridge
 * events (source aws.agreement-marketplace; seller guide saas-eventbridge-integration and
 * notifications-eventbridge), a legacy one gets SNS notifications of its two topics (seller guide
 * saas-notification). Event faults (sb_fault.h: delay, drop, duplicate, reorder, doc-arn) act here.
 */
#ifndef LM_SB_EVENT_H
#define LM_SB_EVENT_H

#include "sandbox/sb_purchase.h"

enum sb_event {
    SB_EVENT_CREATED,
    SB_EVENT_AMENDED,
    SB_EVENT_ENDED,
    SB_EVENT_LICENSE_UPDATED,
    SB_EVENT_DEPROVISIONED,
    SB_EVENT_ADVISORY_ISSUED,
    SB_EVENT_ADVISORY_RESOLVED,
    SB_EVENTS
};

struct sb_event_opt {
    const char *intent; /* NEW, RENEW, REPLACE, AMEND */
    bool link;          /* with previousAgreementId and the product */
    bool fail;          /* legacy: subscribe-fail instead of subscribe-success */
    int64_t after_ms;   /* not before so much later */
};

/* opt NULL: nothing special. Kinds that a legacy listing does not know send nothing there. */
void sb_event_send(struct sb *s, const struct sb_purchase *p, enum sb_event kind,
                   const struct sb_event_opt *opt);
/* A body as it stands, through the same faults. 0 or -ENOBUFS. */
int sb_event_put(struct sb *s, struct str body, const char *purchase, const char *label,
                 int64_t after_ms);
/* Removes scheduled messages of that purchase and label that nobody has received. */
void sb_event_withdraw(struct sb *s, const char *purchase, const char *label);

#endif
