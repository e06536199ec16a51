/*
 * sb_queue: the one queue "lastmile-events" with the rules of a standard SQS queue: at least
 * once, visibility timeout, receive count, a new receipt handle per receive of which only the
 * newest deletes (SQS Developer Guide, "Visibility timeout"; ReceiveMessage API reference).
 *
 * A message is scheduled by the sandbox's clock (due_ms, so that moving the clock delivers it)
 * and hidden by the monotonic clock (a running visibility timeout is real time).
 */
#ifndef LM_SB_QUEUE_H
#define LM_SB_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "sandbox/sb_id.h"
#include "sandbox/sb_vec.h"

#define SB_QUEUE_RECEIPT 96
#define SB_QUEUE_BODY    262144 /* SQS limit of a message when this protocol was written */

struct sb_queue_msg {
    char id[SB_ID_UUID];
    char receipt[SB_QUEUE_RECEIPT]; /* newest handle; "" before the first receive */
    char purchase[16];              /* for the ledger; "" when not of a purchase */
    char label[96];                 /* detail-type or action */
    char md5[33];
    int64_t sent_ms;
    int64_t due_ms;            /* sandbox clock */
    uint64_t hidden_until_ms;  /* monotonic */
    int64_t first_received_ms; /* sandbox clock; 0 never */
    uint64_t order;
    unsigned receives;
    bool held;       /* waits for its successor (fault: reorder) */
    struct str body; /* points behind the struct */
};

struct sb_queue {
    struct sb_vec msgs; /* struct sb_queue_msg */
    uint64_t next_order;
};

struct sb_queue_put {
    struct str body;
    const char *purchase, *label;
    int64_t now_ms, due_ms;
};

void sb_queue_init(struct sb_queue *q);
void sb_queue_free(struct sb_queue *q);
/* The stored message (owned by the queue) or NULL when the queue is full or the body too long. */
struct sb_queue_msg *sb_queue_put(struct sb_queue *q, const struct sb_queue_put *m);
/* Puts a message behind all others. */
void sb_queue_last(struct sb_queue *q, struct sb_queue_msg *m);
/* The next receivable message, hidden for visibility_s and counted; NULL when there is none. */
struct sb_queue_msg *sb_queue_take(struct sb_queue *q, int64_t now_ms, uint64_t mono_ms,
                                   uint32_t visibility_s);
/* Milliseconds until the earliest hidden or scheduled message becomes receivable; -1 never. */
int64_t sb_queue_next_ms(const struct sb_queue *q, int64_t now_ms, uint64_t mono_ms);
/* 0 also for a handle that is no longer the newest (nothing happens); -EINVAL: no handle. */
int sb_queue_delete(struct sb_queue *q, struct str receipt, char purchase[16]);
/* 0; -EINVAL no handle; -ENOENT message gone or not in flight. */
int sb_queue_visibility(struct sb_queue *q, struct str receipt, uint64_t mono_ms, uint32_t s);
/* Every visibility timeout ends now. How many messages were hidden. */
size_t sb_queue_show(struct sb_queue *q, uint64_t mono_ms);
void sb_queue_count(const struct sb_queue *q, int64_t now_ms, uint64_t mono_ms, size_t *visible,
                    size_t *in_flight, size_t *delayed);

#endif
