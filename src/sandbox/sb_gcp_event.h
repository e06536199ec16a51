/*
 * sb_gcp_event: what Google publishes on the provider's topic, put into every subscription of that
 * provider. Event faults (sb_fault.h: delay, drop, duplicate, reorder) act on each copy.
 *
 * One eventId serves all events of one act (settings decide on the field names' age and on what
 * is left out). Sources: Google Cloud Marketplace partner documentation, "Managing entitlements",
 * "Managing user accounts", "Automatic approval"; the Pub/Sub message limits are sb_queue's.
 */
#ifndef LM_SB_GCP_EVENT_H
#define LM_SB_GCP_EVENT_H

#include "sandbox/sb_gcp.h"

enum sb_gcp_event {
    SB_GCP_EV_ACCOUNT_ACTIVE,
    SB_GCP_EV_ACCOUNT_DELETED,
    SB_GCP_EV_CREATION_REQUESTED,
    SB_GCP_EV_OFFER_ACCEPTED,
    SB_GCP_EV_ACTIVE,
    SB_GCP_EV_PLAN_CHANGE_REQUESTED,
    SB_GCP_EV_PLAN_CHANGED,
    SB_GCP_EV_PLAN_CHANGE_CANCELLED,
    SB_GCP_EV_PENDING_CANCELLATION,
    SB_GCP_EV_CANCELLATION_REVERTED,
    SB_GCP_EV_CANCELLING,
    SB_GCP_EV_CANCELLED,
    SB_GCP_EV_RENEWED,
    SB_GCP_EV_OFFER_ENDED,
    SB_GCP_EV_DELETED,
    SB_GCP_EVENTS
};

/* prefix-uuid */
void sb_gcp_event_id(const char *prefix, char out[80]);
/* event_id NULL: a new one named after the type. */
void sb_gcp_event_account(struct sb *s, const struct sb_gcp_account *a, enum sb_gcp_event type,
                          const char *event_id);
void sb_gcp_event_ent(struct sb *s, const struct sb_gcp_ent *e, enum sb_gcp_event type,
                      const char *event_id);
/* Any data, through the same faults, to the subscriptions of a provider, or, when sub is not NULL,
 * to that one. How many copies were stored. */
size_t sb_gcp_event_put(struct sb *s, const char *provider, struct sb_gcp_sub *sub, struct str data,
                        const char *handle, const char *label);

#endif
