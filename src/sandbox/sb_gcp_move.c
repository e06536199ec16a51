#include "sandbox/sb_gcp_move.h"

#include <stdio.h>
#include <string.h>

void sb_gcp_order_touch(struct sb *s, struct sb_gcp_ent *e)
{
    int64_t now = sb_core_now(s);

    e->updated = now > e->updated ? now : e->updated + 1;
    s->dirty = true;
}

bool sb_gcp_order_lives(const struct sb_gcp_ent *e)
{
    return !e->deleted && e->state != SB_GCP_CANCELLED;
}

void sb_gcp_move(struct sb *s, struct sb_gcp_ent *e, enum sb_gcp_state to, enum sb_gcp_next next,
                 int64_t next_ms)
{
    e->state = to;
    e->next = next;
    e->next_ms = next_ms;
    e->message[0] = '\0';
    sb_gcp_order_touch(s, e);
    sb_core_announce(s);
}

void sb_gcp_move_service(struct sb *s, struct sb_gcp_ent *e)
{
    bool ends = e->offer[0] && e->end;

    sb_gcp_move(s, e, SB_GCP_ACTIVE, ends ? SB_GCP_NEXT_OFFER_END : SB_GCP_NEXT_NONE,
                ends ? e->end : 0);
}

void sb_gcp_move_unplan(struct sb *s, struct sb_gcp_ent *e)
{
    e->pending_plan[0] = e->pending_offer[0] = e->pending_duration[0] = '\0';
    sb_gcp_move_service(s, e);
}

void sb_gcp_move_cancel(struct sb *s, struct sb_gcp_ent *e, const char *reason,
                        const char *event_id)
{
    int64_t now = sb_core_now(s);

    snprintf(e->cancel_reason, sizeof(e->cancel_reason), "%s", reason);
    e->pending_plan[0] = e->pending_offer[0] = e->pending_duration[0] = '\0';
    e->approved = false;
    e->end = e->activated && e->offer[0] ? now : 0;
    sb_gcp_move(s, e, SB_GCP_CANCELLED, SB_GCP_NEXT_PURGE, now + SB_GCP_KEEP_MS);
    sb_gcp_event_ent(s, e, SB_GCP_EV_CANCELLED, event_id);
}

void sb_gcp_move_purge(struct sb *s, struct sb_gcp_ent *e)
{
    e->deleted = true;
    e->next = SB_GCP_NEXT_NONE;
    sb_gcp_order_touch(s, e);
    sb_gcp_event_ent(s, e, SB_GCP_EV_DELETED, NULL);
}

void sb_gcp_move_active(struct sb *s, struct sb_gcp_ent *e)
{
    int64_t now = sb_core_now(s);

    e->approved = false;
    e->cycle_end = now + s->gcp->set.cycle_ms;
    e->activated = now;
    sb_gcp_move_service(s, e);
    sb_gcp_event_ent(s, e, SB_GCP_EV_ACTIVE, NULL);
}

void sb_gcp_move_plan(struct sb *s, struct sb_gcp_ent *e)
{
    memcpy(e->plan, e->pending_plan, sizeof(e->plan));
    if (e->pending_offer[0]) {
        memcpy(e->offer, e->pending_offer, sizeof(e->offer));
        memcpy(e->duration, e->pending_duration, sizeof(e->duration));
    }
    sb_gcp_move_unplan(s, e);
    sb_gcp_event_ent(s, e, SB_GCP_EV_PLAN_CHANGED, e->event_id);
}
