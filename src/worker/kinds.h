/* kinds: the entry points of every kind of task; the table is in kinds.c. */
#ifndef LM_KINDS_H
#define LM_KINDS_H

#include "worker/task.h"

void resolve_run(struct task *t); /* market: purchase token -> order */
void place_run(struct task *t);   /* market: a submitted registration -> its order's shard */
void event_run(struct task *t);   /* market: one stored event */
void refresh_run(struct task *t); /* market: what does the channel say about an order? */
void refresh_truth(struct task *t, const struct store_rows *rows); /* its part for azure and gcp */
void tell_run(struct task *t);      /* market: one verb to the channel about one order */
void reconcile_run(struct task *t); /* market: one page of the channel's own list */
void keys_run(struct task *t);      /* market: the keys that the front checks inbound calls with */
void fulfil_run(struct task *t);    /* deploy: one order, desired against observed */
void purge_run(struct task *t); /* deploy: a deleted environment's archive, when its time is over */
void mail_run(struct task *t);  /* notify: one mail */
void late_run(struct task *t);  /* notify: is an order late? */

#endif
