#include "exchange.h"

#include <assert.h>
#include <sys/socket.h>

struct exchange {
    struct req req;
    struct rec_request q;
    struct server *srv;
    void *owner; /* NULL: cut */
    exchange_answered *answered;
    bool started; /* the handler was called and has not answered */
};

static void release(struct exchange *ex)
{
    struct arena *a = ex->q.arena;

    server_body_back(ex->srv, &ex->req.resp.body);
    arena_free(&a);
}

static void count(struct front *f, int status)
{
    f->stats.requests++;
    if (status >= 100 && status < 600)
        f->stats.status[status / 100]++;
}

static void finish(struct req *r)
{
    struct exchange *ex = r->transport;
    void *owner = ex->owner;

    assert(ex->started);
    ex->started = false;
    ex->owner = NULL;
    if (owner) {
        count(ex->srv->front, r->resp.status);
        ex->answered(owner, r, &ex->q);
    } else {
        ex->srv->front->stats.dropped++;
    }
    release(ex);
}

struct exchange *exchange_new(struct server *s, void *owner, const struct rec_request *q,
                              uint64_t deadline, exchange_answered *answered)
{
    struct exchange *ex = arena_alloc(q->arena, sizeof(*ex));

    if (!ex)
        return NULL;
    ex->q = *q;
    ex->srv = s;
    ex->owner = owner;
    ex->answered = answered;
    ex->req = (struct req){.arena = q->arena,
                           .body = q->body,
                           .params = q->params,
                           .nparams = q->nparams,
                           .deadline = deadline,
                           .app = s->front,
                           .finish = finish,
                           .transport = ex};
    ex->req.resp.body = server_body(s);
    return ex;
}

void exchange_start(struct exchange *ex, const struct rec_request *q)
{
    int status = req_prepare(&ex->req, ex->req.deadline);

    ex->started = true;
    if (q->refuse)
        status = q->refuse;
    if (status)
        route_refuse(&ex->req, status);
    else
        route_dispatch(&ex->req);
}

void exchange_cut(struct exchange *ex)
{
    assert(ex->started);
    ex->owner = NULL;
}

/* A second request in the first one's place: the handler still owns the first and its resp. */
void exchange_expire(struct exchange *ex)
{
    struct req late = ex->req;
    void *owner = ex->owner;

    ex->owner = NULL;
    late.resp = (struct resp){.status = 503,
                              .retry_after = 2,
                              .content_type = "text/plain; charset=utf-8",
                              .body = server_body(ex->srv)};
    buf_cat(&late.resp.body, "This took too long. Please try again.\n");
    count(ex->srv->front, 503);
    ex->answered(owner, &late, &ex->q);
    server_body_back(ex->srv, &late.resp.body);
}

const char *exchange_id(const struct exchange *ex)
{
    return ex->req.id;
}

void exchange_half_close(int fd)
{
    shutdown(fd, SHUT_WR);
}
