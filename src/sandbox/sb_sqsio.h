/* sb_sqsio: what the SQS operations share: the queue's name and writing in both protocols. */
#ifndef LM_SB_SQSIO_H
#define LM_SB_SQSIO_H

#include "sandbox/sb_call.h"

#define SB_SQSIO_PATH     "/000000000000/lastmile-events"
#define SB_SQSIO_HIDE_MAX 43200 /* seconds */
#define SB_SQSIO_HIDE     30    /* default visibility timeout, seconds */

/* 0 when the call names our queue (JSON in the body; the query protocol also by the request
 * path); else fails the call. */
int sb_sqsio_queue(struct sb_call *c);
/* Fails the call: there is no such queue. */
int sb_sqsio_absent(struct sb_call *c);
void sb_sqsio_kv(struct sb_call *c, const char *key, const char *value);
/* A number as SQS attributes carry it: as text. */
void sb_sqsio_number(struct sb_call *c, const char *name, int64_t value);
/* JSON only: opens the result and names its one list or map. */
void sb_sqsio_open(struct sb_call *c, const char *json_key);

#endif
