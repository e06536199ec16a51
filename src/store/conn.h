/*
 * conn: one pipelined connection to Redis on a libuv loop. It moves bytes, matches replies to
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
 * buffers. on_reply and on_fail never run inside conn_send(). Thread rule: the loop's.
 */
#ifndef LM_CONN_H
#define LM_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "store/reply.h"

#define CONN_CMD_MAX   (4u << 20)  /* one command */
#define CONN_OUT_MAX   (64u << 20) /* not yet written */
#define CONN_CALLS_MAX 65536       /* waiting and in flight */

enum conn_next {
    CONN_DONE,   /* the call is over and goes back to the free list */
    CONN_MORE,   /* it expects another reply */
    CONN_RESEND, /* call->cmd is new: send it and expect its replies */
    CONN_RENEW   /* done, and this connection is of no use any more: make a new one */
};

struct conn_call {
    struct conn_call *next;
    struct buf cmd;
    uint64_t timeout_ms; /* for the answer, from the time it is sent */
    uint64_t deadline;   /* of conn */
    int rc;              /* of conn */
    /* of the user */
    store_cb *cb;
    void *arg, *kept;
    const char *const *names;
    size_t n;
    int kind, replies, saved;
    enum store_script script;
};

struct conn_hooks {
    enum conn_next (*on_reply)(void *owner, struct conn_call *call, struct reply_reader *reader,
                               const struct reply *reply);
    void (*on_fail)(void *owner, struct conn_call *call, int rc);
    void (*on_closed)(void *owner); /* last use of owner after conn_close() */
    void *owner;
};

struct conn_cfg {
    const char *socket; /* "" : host and port */
    const char *host;
    uint16_t port;
    const char *user, *password; /* "" : none */
    uint64_t connect_ms;
};

struct conn;

/* cfg's strings must outlive the connection. Begins to connect. 0 or -errno. */
int conn_open(uv_loop_t *loop, const struct conn_cfg *cfg, const struct conn_hooks *hooks,
              struct conn **out);
/* Fails every call with -EAGAIN at once; calls that these failures make fail a little later. Frees
 * itself on the loop, then on_closed. */
void conn_close(struct conn *c);
/* A call to fill; NULL: no memory. Give it to conn_send() or conn_release(). */
struct conn_call *conn_call_new(struct conn *c);
void conn_release(struct conn *c, struct conn_call *call);
/* Fails later (on_fail) with -EAGAIN, or -EMSGSIZE for a command over CONN_CMD_MAX. */
void conn_send(struct conn *c, struct conn_call *call);
/* on_fail with rc, later; the call is not sent. */
void conn_reject(struct conn *c, struct conn_call *call, int rc);
bool conn_up(const struct conn *c);
/* What went wrong last, for a log line; "" when nothing did. */
const char *conn_trouble(const struct conn *c);
void conn_set_trouble(struct conn *c, struct str text);
/* One RESP bulk string, and the head of an array. */
void conn_bulk(struct buf *b, struct str s);
void conn_array(struct buf *b, size_t n);

#endif
