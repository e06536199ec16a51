#include "oneshot.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "server.h"

struct oneshot {
    struct req req;
    uv_timer_t *timer;
    bool done, expired, cut;
};

static int add_param(struct req *r, struct req_param *list, const struct req_limits *lim,
                     const char *entry, size_t *bytes)
{
    struct str value, name = str_cut(str_of(entry), '=', &value);

    if (name.n == 0 || str_is(name, "HTTP_PROXY"))
        return 0;
    *bytes += name.n + value.n;
    if (r->nparams == lim->params_max || name.n > lim->name_max || value.n > lim->value_max ||
        *bytes > lim->params_bytes)
        return 431;
    list[r->nparams].name = name;
    list[r->nparams].value = value;
    r->nparams++;
    return 0;
}

static int take_params(struct req *r, char *const *env, const struct req_limits *lim)
{
    struct req_param *list = arena_alloc(r->arena, lim->params_max * sizeof(*list));
    size_t bytes = 0;
    int status = list ? 0 : 503;

    for (; !status && *env; env++)
        status = add_param(r, list, lim, *env, &bytes);
    r->params = list;
    return status;
}

/* Reads the body into b, beyond the cap into nothing. *unread: its end was not seen. */
static int take_body(const struct req *r, const struct oneshot_io *io, struct buf *b, bool *unread)
{
    const struct req_limits *lim = &req_limits_default;
    struct str hint = req_param(r, "CONTENT_LENGTH");
    uint64_t want = 0;
    size_t got = 0;
    char part[8192];
    int status = 0;
    ssize_t n;

    if (hint.n > 0 && str_u64(hint, INT64_MAX, &want) < 0)
        status = 400;
    else if (want > lim->body_max)
        status = 413;
    *unread = true;
    while (io->until_eof || got < want) {
        size_t room = !io->until_eof && want - got < sizeof(part) ? want - got : sizeof(part);

        if (got > lim->body_max + lim->drain_max)
            return 413;
        n = io->read(io->arg, part, room);
        if (n < 0)
            return status ? status : 408;
        if (n == 0)
            break;
        got += (size_t)n;
        if (!status)
            buf_add(b, part, (size_t)n);
    }
    *unread = false;
    if (!status && got > lim->body_max)
        status = 413;
    else if (!status && hint.n > 0 && got != want)
        status = 400;
    return status;
}

static void finish(struct req *r)
{
    struct oneshot *o = r->transport;
    struct arena *a = r->arena;

    o->done = true;
    if (!o->cut)
        return;
    buf_free(&r->resp.body);
    arena_free(&a);
}

static void on_time(uv_timer_t *t)
{
    struct oneshot *o = t->data;

    o->expired = true;
}

static void on_timer_closed(uv_handle_t *h)
{
    bool *closed = h->data;

    *closed = true;
}

/* Turns the loop until the handler has answered or its time is over. */
static void wait_answer(struct oneshot *o, uv_loop_t *loop)
{
    uv_timer_t timer;
    bool closed = false;

    uv_timer_init(loop, &timer);
    timer.data = o;
    uv_timer_start(&timer, on_time, SERVER_HANDLER_MS, 0);
    while (!o->done && !o->expired)
        uv_run(loop, UV_RUN_ONCE);
    timer.data = &closed;
    uv_close((uv_handle_t *)&timer, on_timer_closed);
    while (!closed)
        uv_run(loop, UV_RUN_NOWAIT);
}

static void answer_late(struct oneshot *o, struct buf *out)
{
    struct req late = o->req;

    LOG(LOG_ERROR, "front.handler_late", F("request", o->req.id));
    late.resp = (struct resp){.status = 503, .retry_after = 2};
    resp_build(&late, out);
}

static void handle(struct oneshot *o, int status, struct buf *out)
{
    struct front *f = o->req.app;

    if (status)
        route_refuse(&o->req, status);
    else
        route_dispatch(&o->req);
    if (!o->done)
        wait_answer(o, f->loop);
    f->stats.requests++;
    if (!o->done) {
        o->cut = true;
        answer_late(o, out);
        return;
    }
    if (resp_build(&o->req, out) < 0)
        LOG(LOG_ERROR, "front.response_refused", F("request", o->req.id));
}

int oneshot_run(struct front *f, char *const *env, const struct oneshot_io *io, struct buf *out)
{
    struct arena *a = arena_new(REQ_ARENA_FIRST, REQ_ARENA_MAX);
    struct oneshot *o = a ? arena_alloc(a, sizeof(*o)) : NULL;
    struct buf body;
    bool unread = false;
    int status, other;

    if (!o) {
        arena_free(&a);
        return -ENOMEM;
    }
    o->req = (struct req){.arena = a, .app = f, .finish = finish, .transport = o};
    buf_init(&o->req.resp.body, REQ_ANSWER_MAX);
    buf_init(&body, req_limits_default.body_max);
    status = take_params(&o->req, env, &req_limits_default);
    other = take_body(&o->req, io, &body, &unread);
    if (!status)
        status = other;
    if (body.len > 0)
        arena_secret(a);
    o->req.body = arena_str(a, buf_view(&body));
    if (!status && o->req.body.n != body.len)
        status = 503;
    buf_free(&body);
    other = req_prepare(&o->req, uv_now(f->loop) + SERVER_HANDLER_MS);
    handle(o, status ? status : other, out);
    if (o->done) {
        buf_free(&o->req.resp.body);
        arena_free(&a);
    }
    return unread ? -EPIPE : 0;
}
