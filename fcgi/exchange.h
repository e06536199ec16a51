/*
 * exchange: one request of a connection while a handler has it.
 *
 * Lives in the request's own arena, so that it can outlive its connection: after exchange_cut()
 * or exchange_expire() nobody hears of the handler's answer any more, and req_done() only frees.
 */
#ifndef LM_EXCHANGE_H
#define LM_EXCHANGE_H

#include "records.h"
#include "server.h"

struct exchange;

/* The answer is in r->resp. Called once, unless the exchange was cut. */
typedef void exchange_answered(void *owner, const struct req *r, const struct rec_request *q);

/* Takes the arena of q. NULL: no memory, q is untouched. */
struct exchange *exchange_new(struct server *s, void *owner, const struct rec_request *q,
                              uint64_t deadline, exchange_answered *answered);
/* Runs the handler, or refuses. The exchange may be gone when this returns. */
void exchange_start(struct exchange *ex, const struct rec_request *q);
void exchange_cut(struct exchange *ex);
/* The handler's time is over: 503 in its place, then as cut. */
void exchange_expire(struct exchange *ex);
const char *exchange_id(const struct exchange *ex);
void exchange_half_close(int fd);

#endif
