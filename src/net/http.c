#include "net/http.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/http_int.h"

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static bool curl_ok;

static void curl_begin(void)
{
    curl_ok = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static void call_free(struct http_call *c)
{
    if (c->easy)
        curl_easy_cleanup(c->easy);
    if (c->body.p)
        sodium_memzero(c->body.p, c->body.cap);
    buf_free(&c->body);
    arena_free(&c->a);
    free(c);
}

static void deliver(struct http_call *c)
{
    TAILQ_REMOVE(&c->h->done, c, link);
    c->reply.elapsed_ms = clock_mono_ms() - c->started;
    c->cb(c->arg, &c->reply);
    call_free(c);
}

void http_dispatch(struct http *h)
{
    struct http_call *c;

    if (h->dispatching)
        return;
    h->dispatching = true;
    while ((c = TAILQ_FIRST(&h->done)))
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it cannot follow TAILQ_REMOVE */
        deliver(c);
    h->dispatching = false;
}

static void on_soon(uv_timer_t *t)
{
    http_dispatch(t->data);
}

void http_done(struct http_call *c)
{
    c->state = CALL_DONE;
    TAILQ_INSERT_TAIL(&c->h->done, c, link);
    if (!c->h->closing)
        uv_timer_start(&c->h->soon, on_soon, 0, 0);
}

void http_fail(struct http_call *c, int rc)
{
    c->reply.rc = rc;
    http_done(c);
}

struct http_call *http_call_new(struct http *h, size_t room, http_cb *cb, void *arg)
{
    struct http_call *c = h->closing ? NULL : calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->a = arena_new(4096, room + 64 * 1024);
    if (!c->a) {
        free(c);
        return NULL;
    }
    arena_secret(c->a);
    c->h = h;
    c->sock = CURL_SOCKET_BAD;
    c->cb = cb;
    c->arg = arg;
    c->started = clock_mono_ms();
    return c;
}

struct http_call *http_start(struct http *h, const struct http_request *rq, http_cb *cb, void *arg)
{
    struct http_call *c = http_call_new(h, rq->body.n, cb, arg);
    struct buf key;
    int rc;

    if (!c)
        return NULL;
    buf_init(&key, 600);
    c->allow = rq->allow;
    c->probe_flag = rq->probe;
    c->long_poll = rq->long_poll;
    c->unix_socket = rq->unix_socket != NULL;
    rc = http_url_check(rq->url, "http https", &c->plain, &key);
    if (rc == 0)
        rc = http_easy_request(c, rq);
    if (rc == 0 && rq->unix_socket)
        buf_fmt(&key, "+unix:%s", rq->unix_socket);
    if (rc == 0 && buf_err(&key))
        rc = -EINVAL;
    if (rc)
        http_fail(c, rc);
    else
        http_enter(c, buf_view(&key), rq->timeout_ms);
    buf_free(&key);
    return c;
}

void http_cancel(struct http_call *c)
{
    struct http *h = c->h;

    if (c->state == CALL_WAITING)
        TAILQ_REMOVE(&c->dest->waiting, c, link);
    c->reply = (struct http_reply){.rc = -ECANCELED, .sent = c->sent};
    if (c->state == CALL_RUNNING && c->mail)
        http_mail_cut(c);
    if (c->state == CALL_RUNNING)
        http_leave(c);
    if (c->state != CALL_DONE)
        http_done(c);
    deliver(c);
    http_pump(h);
}

unsigned http_in_flight(const struct http *h)
{
    return h->in_flight;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct http *h = handle->data;
    struct http_dest *d;

    if (--h->open_timers)
        return;
    while ((d = TAILQ_FIRST(&h->dests))) {
        TAILQ_REMOVE(&h->dests, d, link);
        free(d);
    }
    free(h);
}

static void timer_open(struct http *h, uv_timer_t *t)
{
    uv_timer_init(h->loop, t);
    t->data = h;
    h->open_timers++;
}

int http_open(uv_loop_t *loop, unsigned in_flight, unsigned per_host, struct http **out)
{
    struct http *h;
    int rc;

    *out = NULL;
    pthread_once(&curl_once, curl_begin);
    if (!curl_ok)
        return -EIO;
    h = calloc(1, sizeof(*h));
    if (!h)
        return -ENOMEM;
    h->loop = loop;
    h->max_in_flight = in_flight ? in_flight : 64;
    h->per_host = per_host ? per_host : 8;
    TAILQ_INIT(&h->dests);
    TAILQ_INIT(&h->running);
    TAILQ_INIT(&h->done);
    rc = http_multi_open(h);
    if (rc) {
        if (h->multi)
            curl_multi_cleanup(h->multi);
        free(h);
        return rc;
    }
    timer_open(h, &h->curl_timer);
    timer_open(h, &h->line_timer);
    timer_open(h, &h->soon);
    *out = h;
    return 0;
}

void http_limit(struct http *h, unsigned in_flight)
{
    h->max_in_flight = in_flight;
    http_pump(h);
}

static struct http_call *any_call(struct http *h)
{
    struct http_dest *d;

    if (!TAILQ_EMPTY(&h->done))
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it cannot follow TAILQ_REMOVE */
        return TAILQ_FIRST(&h->done);
    if (!TAILQ_EMPTY(&h->running))
        return TAILQ_FIRST(&h->running);
    for (d = TAILQ_FIRST(&h->dests); d; d = TAILQ_NEXT(d, link))
        if (!TAILQ_EMPTY(&d->waiting))
            return TAILQ_FIRST(&d->waiting);
    return NULL;
}

void http_close(struct http **hp)
{
    struct http *h = *hp;
    struct http_call *c;

    if (!h)
        return;
    *hp = NULL;
    h->closing = true;
    while ((c = any_call(h)))
        http_cancel(c);
    curl_multi_cleanup(h->multi);
    uv_close((uv_handle_t *)&h->curl_timer, on_timer_closed);
    uv_close((uv_handle_t *)&h->line_timer, on_timer_closed);
    uv_close((uv_handle_t *)&h->soon, on_timer_closed);
}
