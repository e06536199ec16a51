/*
 * redis: one pipelined connection to Redis on a libuv loop. It moves bytes, matches replies to
 * calls in order, keeps deadlines and comes back by itself; what replies mean is its user's.
 *
 * A call is queued until the connection is up (at most connect_ms) and must be answered within
 * its own time after it was sent. A deadline that passes closes the connection, since the late
 * answer would otherwise be taken for the next call's; everything in flight then fails with
 * -EAGAIN. While the connection has been down for connect_ms and an attempt has failed, calls
 * fail at once (the breaker); attempts go on with jitter. A connection counts as up when it has
 * answered AUTH and PING, so a server that accepts and then says nothing is down.
 *
 * All calls within one pass of the loop leave in one write. Calls come from a free list with their
 * buffers. on_reply and on_fail never run inside redis_send(). Thread rule: the loop's.
 */
#ifndef LM_REDIS_H
#define LM_REDIS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "store/reply.h"

#define REDIS_CMD_MAX   (4u << 20)  /* one command */
#define REDIS_OUT_MAX   (64u << 20) /* not yet written */
#define REDIS_CALLS_MAX 65536       /* waiting and in flight */

enum redis_next {
    REDIS_DONE,   /* the call is over and goes back to the free list */
    REDIS_MORE,   /* it expects another reply */
    REDIS_RESEND, /* call->cmd is new: send it and expect its replies */
    REDIS_RENEW   /* done, and this connection is of no use any more: make a new one */
};

struct redis_call {
    struct redis_call *next;
    struct buf cmd;
    uint64_t timeout_ms; /* for the answer, from the time it is sent */
    uint64_t deadline;   /* of redis.c */
    int rc;              /* of redis.c */
    /* of its user */
    store_cb *cb;
    void *arg, *kept;
    const char *const *names;
    size_t n;
    int kind, replies, saved;
    enum store_script script;
};

struct redis_hooks {
    enum redis_next (*on_reply)(void *owner, struct redis_call *call, struct reply_reader *reader,
                                const struct reply *reply);
    void (*on_fail)(void *owner, struct redis_call *call, int rc);
    void (*on_closed)(void *owner); /* last use of owner after redis_close() */
    void *owner;
};

struct redis_cfg {
    const char *socket; /* "" : host and port */
    const char *host;
    uint16_t port;
    const char *user, *password; /* "" : none */
    uint64_t connect_ms;
};

struct redis;

/* cfg's strings must outlive the connection. Begins to connect. 0 or -errno. */
int redis_open(uv_loop_t *loop, const struct redis_cfg *cfg, const struct redis_hooks *hooks,
               struct redis **out);
/* Fails every call with -EAGAIN at once; calls that these failures make fail a little later. Frees
 * itself on the loop, then on_closed. */
void redis_close(struct redis *c);
/* A call to fill; NULL: no memory. Give it to redis_send() or redis_release(). */
struct redis_call *redis_call_new(struct redis *c);
void redis_release(struct redis *c, struct redis_call *call);
/* Fails later (on_fail) with -EAGAIN, or -EMSGSIZE for a command over REDIS_CMD_MAX. */
void redis_send(struct redis *c, struct redis_call *call);
/* on_fail with rc, later; the call is not sent. */
void redis_reject(struct redis *c, struct redis_call *call, int rc);
bool redis_up(const struct redis *c);
/* What went wrong last, for a log line; "" when nothing did. */
const char *redis_trouble(const struct redis *c);
void redis_set_trouble(struct redis *c, struct str text);
/* One RESP bulk string, and the head of an array. */
void redis_bulk(struct buf *b, struct str s);
void redis_array(struct buf *b, size_t n);

#endif
