/* kinds: the entry points of every kind of task; the table is in kinds.c. */
#ifndef LM_KINDS_H
#define LM_KINDS_H

#include "worker/task.h"

void resolve_run(struct task *t); /* market: purchase token -> order */
void place_run(struct task *t);   /* market: a submitted registration -> its order's shard */
void event_run(struct task *t);   /* market: one stored event */
void refresh_run(struct task *t); /* market: what does the channel say about an order? */
void fulfil_run(struct task *t);  /* deploy: one order, desired against observed */
void purge_run(struct task *t); /* deploy: a deleted environment's archive, when its time is over */
void mail_run(struct task *t);  /* notify: one mail */
void late_run(struct task *t);  /* notify: is an order late? */

#endif
