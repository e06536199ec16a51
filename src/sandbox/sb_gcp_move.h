/* sb_gcp_move: the state changes that sb_gcp_order.c and sb_gcp_act.c share. */
#ifndef LM_SB_GCP_MOVE_H
#define LM_SB_GCP_MOVE_H

#include "sandbox/sb_gcp_event.h"
#include "sandbox/sb_gcp_order.h"

#define SB_GCP_KEEP_MS (60 * (int64_t)SB_DAY_MS) /* a cancelled record is deleted after it */

/* New state; a provider's message to the user ends with the old one. */
void sb_gcp_move(struct sb *s, struct sb_gcp_ent *e, enum sb_gcp_state to, enum sb_gcp_next next,
                 int64_t next_ms);
/* CANCELLED; without offers or changes that were pending. */
void sb_gcp_move_cancel(struct sb *s, struct sb_gcp_ent *e, const char *reason,
                        const char *event_id);
/* The record is deleted. */
void sb_gcp_move_purge(struct sb *s, struct sb_gcp_ent *e);
void sb_gcp_move_active(struct sb *s, struct sb_gcp_ent *e);
/* The pending plan becomes the plan. */
void sb_gcp_move_plan(struct sb *s, struct sb_gcp_ent *e);
/* The pending plan is forgotten. */
void sb_gcp_move_unplan(struct sb *s, struct sb_gcp_ent *e);
/* What an order in service waits for by itself: the end of its offer, or nothing. */
void sb_gcp_move_service(struct sb *s, struct sb_gcp_ent *e);

#endif
