/* Who may start now, who waits, who is told that the destination is down. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/http_int.h"

enum { TIMEOUT_MS = 10000, DESTS_MAX = 4096 };

/* Errors of our own making say nothing about the peer. */
static bool tells_of_peer(int rc)
{
    return rc != -ECANCELED && rc != -EACCES && rc != -EINVAL && rc != -ENOMEM && rc != -EMSGSIZE;
}

void http_leave(struct http_call *c)
{
    struct http *h = c->h;
    const struct http_reply *r = &c->reply;

    curl_multi_remove_handle(h->multi, c->easy);
    TAILQ_REMOVE(&h->running, c, link);
    h->in_flight--;
    if (!c->long_poll) {
        h->counted--;
        c->dest->in_flight--;
    }
    if (!c->probe_flag)
        http_dest_outcome(c->dest, clock_mono_ms(), c->deciding, tells_of_peer(r->rc),
                          r->rc == 0 && (c->mail || r->status < 500));
}

/* Idle destinations are dropped when a new one needs room. */
static void sweep_dests(struct http *h)
{
    struct http_dest *d, *next;

    for (d = TAILQ_FIRST(&h->dests); d; d = next) {
        next = TAILQ_NEXT(d, link);
        if (http_dest_idle(d)) {
            TAILQ_REMOVE(&h->dests, d, link);
            h->ndests--;
            free(d);
        }
    }
}

static struct http_dest *dest_get(struct http *h, struct str key)
{
    struct http_dest *d;

    for (d = TAILQ_FIRST(&h->dests); d; d = TAILQ_NEXT(d, link))
        if (str_is(key, d->key))
            return d;
    if (h->ndests >= DESTS_MAX)
        sweep_dests(h);
    if (h->ndests >= DESTS_MAX || !(d = http_dest_new(key)))
        return NULL;
    TAILQ_INSERT_TAIL(&h->dests, d, link);
    h->ndests++;
    return d;
}

static void start_now(struct http_call *c)
{
    struct http *h = c->h;
    uint64_t now = clock_mono_ms();
    long left = now < c->deadline ? (long)(c->deadline - now) : 1;

    c->state = CALL_RUNNING;
    TAILQ_INSERT_TAIL(&h->running, c, link);
    h->in_flight++;
    if (!c->long_poll) {
        h->counted++;
        c->dest->in_flight++;
    }
    curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, left);
    if (curl_multi_add_handle(h->multi, c->easy)) {
        c->reply.rc = -ENOMEM;
        http_leave(c);
        http_done(c);
    }
}

static bool has_room(const struct http_call *c)
{
    const struct http *h = c->h;

    return c->long_poll || (h->counted < h->max_in_flight && c->dest->in_flight < h->per_host);
}

/* Starts the call, fails it, or says that it must wait (false). */
static bool try_start(struct http_call *c)
{
    uint64_t wait;

    if (!has_room(c))
        return false;
    if (c->probe_flag || http_dest_admit(c->dest, clock_mono_ms(), &c->deciding, &wait)) {
        start_now(c);
    } else {
        c->reply.retry_after_ms = wait;
        http_fail(c, -EHOSTDOWN);
    }
    return true;
}

/* Round robin over the destinations, so that a slow one does not hold the others up. */
void http_pump(struct http *h)
{
    bool again = true;

    while (again && !h->closing && h->counted < h->max_in_flight) {
        struct http_dest *d;

        again = false;
        for (d = TAILQ_FIRST(&h->dests); d; d = TAILQ_NEXT(d, link)) {
            struct http_call *c = TAILQ_FIRST(&d->waiting);

            if (!c || !has_room(c))
                continue;
            TAILQ_REMOVE(&d->waiting, c, link);
            again |= try_start(c);
        }
    }
}

static void on_line_timer(uv_timer_t *t);

static void line_watch(struct http *h, uint64_t due)
{
    uint64_t now = clock_mono_ms();

    if (uv_is_active((uv_handle_t *)&h->line_timer) && h->line_due <= due)
        return;
    h->line_due = due;
    uv_timer_start(&h->line_timer, on_line_timer, due > now ? due - now : 1, 0);
}

static void on_line_timer(uv_timer_t *t)
{
    struct http *h = t->data;
    uint64_t now = clock_mono_ms(), due = UINT64_MAX;
    struct http_dest *d;

    for (d = TAILQ_FIRST(&h->dests); d; d = TAILQ_NEXT(d, link)) {
        struct http_call *c, *next;

        for (c = TAILQ_FIRST(&d->waiting); c; c = next) {
            next = TAILQ_NEXT(c, link);
            if (c->deadline <= now) {
                TAILQ_REMOVE(&d->waiting, c, link);
                http_fail(c, -ETIMEDOUT);
            } else if (c->deadline < due) {
                due = c->deadline;
            }
        }
    }
    if (due != UINT64_MAX)
        line_watch(h, due);
    http_dispatch(h);
}

void http_enter(struct http_call *c, struct str dest_key, uint64_t timeout_ms)
{
    struct http *h = c->h;

    c->deadline = c->started + (timeout_ms ? timeout_ms : TIMEOUT_MS);
    c->dest = dest_get(h, dest_key);
    if (!c->dest) {
        http_fail(c, -ENOMEM);
        return;
    }
    /* Behind those already in line, unless there is no line for this kind of call. */
    if ((c->long_poll || TAILQ_EMPTY(&c->dest->waiting)) && try_start(c))
        return;
    c->state = CALL_WAITING;
    TAILQ_INSERT_TAIL(&c->dest->waiting, c, link);
    line_watch(h, c->deadline);
}
