/* Requests of a connection: from its bytes to a handler, and the answer back. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conn_internal.h"
#include "exchange.h"

static void answered(void *owner, const struct req *r, const struct rec_request *q)
{
    struct conn *c = conn_check(owner);
    struct buf *out = c->collect ? c->collect : &c->srv->late;
    unsigned char head[FCGI_HEADER_LEN] = {0};
    size_t from;

    if (!c->collect)
        buf_reset(out);
    from = out->len;
    c->ex = NULL;
    if (c->aborted) {
        rec_put_end(out, q->id, FCGI_REQUEST_COMPLETE);
    } else {
        buf_add(out, head, sizeof(head));
        if (resp_build(r, out) < 0)
            LOG(LOG_ERROR, "front.response_refused", F("request", r->id), FS("path", r->path));
        rec_seal(out, from, q->id);
    }
    c->aborted = false;
    c->last = c->last || !q->keep || q->unread;
    c->rest = c->rest || q->unread;
    c->state = CONN_READING;
    rec_answered(&c->rec);
    server_conn_active(c->srv, c);
    if (c->collect)
        return;
    conn_set_deadline(c);
    conn_flush(c, out);
    conn_settle(c);
}

void conn_dispatch(struct conn *c)
{
    struct rec_request q;

    rec_take(&c->rec, &q);
    c->state = CONN_BUSY;
    c->aborted = false;
    conn_set_deadline(c);
    c->ex = exchange_new(c->srv, c, &q, c->deadline, answered);
    if (!c->ex) {
        arena_free(&q.arena);
        conn_close(c);
        return;
    }
    exchange_start(c->ex, &q);
}

static void hold(struct conn *c, struct str in)
{
    char *p = malloc(in.n + 1);

    if (!p) {
        conn_close(c);
        return;
    }
    memcpy(p, in.p, in.n);
    free(c->held);
    c->held = p;
    c->nheld = in.n;
    conn_read_on(c, false);
}

static void malformed(struct conn *c)
{
    c->srv->front->stats.malformed++;
    if (server_may_log(c->srv))
        LOG(LOG_WARN, "front.peer_malformed", F("what", rec_why(&c->rec)));
    conn_close(c);
}

static void aborted(struct conn *c)
{
    if (c->state == CONN_BUSY) {
        c->aborted = true;
        return;
    }
    c->last = !c->rec.cur.keep;
    c->rest = c->last;
}

static enum rec_step work(struct conn *c, struct str in)
{
    enum rec_step step;

    do {
        step = rec_feed(&c->rec, &in, c->collect);
        if (step == REC_REQUEST)
            conn_dispatch(c);
        else if (step == REC_ABORT)
            aborted(c);
        else if (step == REC_HOLD)
            hold(c, in);
    } while ((step == REC_REQUEST || step == REC_ABORT) && !c->last && c->state != CONN_CLOSING);
    return step;
}

/* Answers that are ready at once leave in one write. A handler may end the request of another
 * connection on the way, whose input is then worked on inside ours: it gets its own buffer. */
void conn_input(struct conn *c, struct str in)
{
    struct server *s = c->srv;
    struct buf own = {0}, *out = s->collecting ? &own : &s->out;
    enum rec_state before = c->rec.state;
    bool was_idle = rec_idle(&c->rec);
    enum rec_step step;

    buf_init(&own, s->out.max);
    buf_reset(out);
    s->collecting++;
    c->collect = out;
    step = work(c, in);
    c->collect = NULL;
    if (c->state != CONN_BUSY && (c->rec.state != before || was_idle || step != REC_MORE))
        conn_set_deadline(c);
    conn_flush(c, out);
    s->collecting--;
    buf_free(&own);
    if (step == REC_BAD)
        malformed(c);
    else if (c->state != CONN_BUSY)
        conn_settle(c);
}
