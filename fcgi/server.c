#include "server.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "conn.h"

enum {
    ACCEPT_BATCH = 16, /* then let the other processes and the connections have a turn */
    CONNS_MAX = 10000,
    FDS_RESERVED = 64, /* store, log, listener, loop */
    PAUSE_MS = 1000,   /* after EMFILE and the like (slowcgi does the same) */
    STALE_MS = 1000,   /* an idle connection that long may be closed for a new one */
    SPARE_CAP = 16384,
    LOGS_PER_SECOND = 10, /* of what a peer can cause */
};

static void on_listener(uv_poll_t *h, int status, int events);
static void on_receiver(uv_poll_t *h, int status, int events);

static void listener_on(struct server *s, bool on)
{
    if (s->draining)
        on = false;
    s->paused = !on;
    if (on)
        uv_poll_start(&s->listener, UV_READABLE, on_listener);
    else
        uv_poll_stop(&s->listener);
}

static void on_pause_over(uv_timer_t *t)
{
    listener_on(t->data, true);
}

static void pause_listener(struct server *s, int err)
{
    char text[64];

    LOG(LOG_WARN, "front.accept_paused", F("error", log_errno(err, text)),
        FI("connections", s->nconns));
    listener_on(s, false);
    uv_timer_start(&s->pause, on_pause_over, PAUSE_MS, 0);
}

/* At the limit the longest idle connection makes room, if it is not in use this very second. */
static bool make_room(struct server *s)
{
    struct conn *c = s->first;
    uint64_t now = uv_now(s->front->loop);

    while (c && !conn_is_idle(c))
        c = c->next;
    if (!c || now - c->active < STALE_MS)
        return false;
    conn_close(c);
    return true;
}

static void on_listener(uv_poll_t *h, int status, int events)
{
    struct server *s = h->data;
    int i, fd;

    (void)events;
    if (status < 0) {
        pause_listener(s, status);
        return;
    }
    for (i = 0; i < ACCEPT_BATCH; i++) {
        if (s->nconns >= s->conns_max && !make_room(s)) {
            pause_listener(s, EMFILE);
            return;
        }
        fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                pause_listener(s, errno);
            return;
        }
        s->front->stats.accepted++;
        conn_open(s, fd, false);
    }
}

static void on_receiver(uv_poll_t *h, int status, int events)
{
    struct server *s = h->data;
    int fd;

    (void)events;
    if (status == 0 && handover_recv(&s->handover, &fd) == 0)
        conn_open(s, fd, true);
}

static void on_tick(uv_timer_t *t)
{
    struct server *s = t->data;
    uint64_t now = uv_now(t->loop);
    struct conn *c, *next;

    for (c = s->first; c; c = next) {
        next = c->next;
        if (c->state != CONN_CLOSING && now >= c->deadline)
            conn_expire(c);
        else if (s->draining)
            conn_leave(c);
    }
}

bool server_may_log(struct server *s)
{
    uint64_t second = uv_now(s->front->loop) / 1000;

    if (second != s->log_second)
        s->log_count = 0;
    s->log_second = second;
    return s->log_count++ < LOGS_PER_SECOND;
}

void server_conn_opened(struct server *s, struct conn *c)
{
    c->prev = s->last;
    c->next = NULL;
    if (s->last)
        s->last->next = c;
    else
        s->first = c;
    s->last = c;
    if (s->nconns++ == 0)
        uv_timer_start(&s->tick, on_tick, SERVER_TICK_MS, SERVER_TICK_MS);
    s->front->stats.conns = s->nconns;
}

static void unlink_conn(struct server *s, struct conn *c)
{
    if (c->prev)
        c->prev->next = c->next;
    else
        s->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    else
        s->last = c->prev;
}

void server_conn_active(struct server *s, struct conn *c)
{
    c->active = uv_now(s->front->loop);
    if (s->last == c)
        return;
    unlink_conn(s, c);
    c->next = NULL;
    c->prev = s->last;
    s->last->next = c;
    s->last = c;
}

void server_conn_closed(struct server *s, struct conn *c)
{
    unlink_conn(s, c);
    s->nconns--;
    s->front->stats.conns = s->nconns;
    if (s->paused && !s->draining)
        listener_on(s, true);
    if (s->nconns > 0)
        return;
    uv_timer_stop(&s->tick);
    if (s->draining)
        s->drained(s);
}

struct buf server_body(struct server *s)
{
    struct buf b;

    if (s->nspare > 0)
        return s->spare[--s->nspare];
    buf_init(&b, REQ_ANSWER_MAX);
    return b;
}

void server_body_back(struct server *s, struct buf *b)
{
    if (b->cap == 0)
        return;
    if (b->cap > SPARE_CAP || s->nspare == SERVER_BUFS) {
        buf_free(b);
        return;
    }
    buf_reset(b);
    s->spare[s->nspare++] = *b;
    memset(b, 0, sizeof(*b));
}

static size_t conns_max(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) < 0)
        return 256;
    r.rlim_cur = r.rlim_max;
    setrlimit(RLIMIT_NOFILE, &r);
    if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur < 2 * FDS_RESERVED)
        return FDS_RESERVED;
    return r.rlim_cur - FDS_RESERVED < CONNS_MAX ? r.rlim_cur - FDS_RESERVED : CONNS_MAX;
}

int server_open(struct server *s, struct front *front, int listen_fd, struct handover handover,
                void (*drained)(struct server *))
{
    uv_loop_t *loop = front->loop;
    int rc;

    memset(s, 0, sizeof(*s));
    s->front = front;
    s->lim = &req_limits_default;
    s->listen_fd = listen_fd;
    s->handover = handover;
    s->drained = drained;
    s->conns_max = conns_max();
    buf_init(&s->out, 2 * REQ_ANSWER_MAX);
    buf_init(&s->late, 2 * REQ_ANSWER_MAX);
    s->listener.data = s->receiver.data = s->tick.data = s->pause.data = s;
    uv_timer_init(loop, &s->tick);
    uv_timer_init(loop, &s->pause);
    rc = uv_poll_init(loop, &s->listener, listen_fd);
    if (rc == 0)
        rc = uv_poll_init(loop, &s->receiver, handover.in);
    if (rc == 0)
        rc = uv_poll_start(&s->listener, UV_READABLE, on_listener);
    if (rc == 0)
        rc = uv_poll_start(&s->receiver, UV_READABLE, on_receiver);
    return rc;
}

void server_drain(struct server *s)
{
    struct conn *c, *next;

    if (s->draining)
        return;
    s->draining = true;
    listener_on(s, false);
    uv_timer_stop(&s->pause);
    uv_poll_stop(&s->receiver);
    for (c = s->first; c; c = next) {
        next = c->next;
        conn_leave(c);
    }
    if (s->nconns == 0)
        s->drained(s);
}

void server_close(struct server *s)
{
    size_t i;

    uv_close((uv_handle_t *)&s->listener, NULL);
    uv_close((uv_handle_t *)&s->receiver, NULL);
    uv_close((uv_handle_t *)&s->tick, NULL);
    uv_close((uv_handle_t *)&s->pause, NULL);
    for (i = 0; i < s->nspare; i++)
        buf_free(&s->spare[i]);
    buf_free(&s->out);
    buf_free(&s->late);
}
