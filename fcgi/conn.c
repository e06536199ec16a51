#include "conn_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "exchange.h"

enum { CONN_MAGIC = 0x434f4e4e };

static void on_read(uv_stream_t *s, ssize_t nread, const uv_buf_t *b);

struct conn *conn_check(void *p)
{
    struct conn *c = p;

    assert(c && c->magic == CONN_MAGIC);
    return c;
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
    struct conn *c = conn_check(h->data);

    (void)suggested;
    *b = uv_buf_init(c->srv->read, sizeof(c->srv->read));
}

void conn_read_on(struct conn *c, bool on)
{
    if (c->reading == on || c->state == CONN_CLOSING)
        return;
    c->reading = on;
    if (!on)
        uv_read_stop(&c->u.stream);
    else if (uv_read_start(&c->u.stream, on_alloc, on_read) < 0)
        conn_close(c);
}

static void on_closed(uv_handle_t *h)
{
    struct conn *c = conn_check(h->data);
    struct server *s = c->srv;

    rec_free(&c->rec);
    free(c->held);
    server_conn_closed(s, c);
    c->magic = 0;
    free(c);
}

void conn_close(struct conn *c)
{
    if (c->state == CONN_CLOSING)
        return;
    if (c->ex)
        exchange_cut(c->ex);
    c->ex = NULL;
    c->state = CONN_CLOSING;
    uv_close(&c->u.handle, on_closed);
}

bool conn_is_idle(const struct conn *c)
{
    return c->state == CONN_READING && !c->collect && !c->writing && !c->last && c->nheld == 0 &&
           rec_idle(&c->rec);
}

static void hand_over(struct conn *c)
{
    uv_os_fd_t fd;
    int rc = -EBADF;

    if (!c->eof && uv_fileno(&c->u.handle, &fd) == 0) {
        conn_read_on(c, false);
        rc = handover_send(&c->srv->handover, fd);
    }
    if (rc == -EAGAIN || rc == -ETOOMANYREFS) {
        conn_read_on(c, true); /* the receivers are behind: served here until the next tick */
        return;
    }
    if (rc == 0)
        c->srv->front->stats.idle_handed_over++;
    conn_close(c);
}

void conn_leave(struct conn *c)
{
    if (conn_is_idle(c))
        hand_over(c);
}

void conn_set_deadline(struct conn *c)
{
    uint64_t ms = SERVER_IDLE_MS;

    if (c->state == CONN_LINGER)
        ms = SERVER_LINGER_MS;
    else if (c->writing)
        ms = SERVER_WRITE_MS;
    else if (c->state == CONN_BUSY)
        ms = SERVER_HANDLER_MS;
    else if (c->rec.state == REC_STDIN)
        ms = SERVER_BODY_MS;
    else if (!rec_idle(&c->rec))
        ms = SERVER_FIRST_MS;
    c->deadline = uv_now(c->srv->front->loop) + ms;
}

static void linger(struct conn *c)
{
    uv_os_fd_t fd;

    c->state = CONN_LINGER;
    if (uv_fileno(&c->u.handle, &fd) == 0)
        exchange_half_close(fd);
    conn_set_deadline(c);
    conn_read_on(c, true);
}

void conn_settle(struct conn *c)
{
    char *held = c->held;
    size_t n = c->nheld;

    if (c->state == CONN_CLOSING || c->writing)
        return;
    if (c->last && c->rest && !c->eof) {
        linger(c);
    } else if (c->last || (c->eof && c->state == CONN_READING && !c->rec.held)) {
        conn_close(c);
    } else if (c->state == CONN_READING && (n > 0 || c->rec.held)) {
        c->held = NULL;
        c->nheld = 0;
        conn_input(c, str_make(held, n));
        free(held);
    } else if (c->srv->draining && conn_is_idle(c)) {
        hand_over(c);
    } else if (!c->eof) {
        conn_read_on(c, true);
    }
}

/* ---- writing ---- */

struct pending {
    uv_write_t req;
    struct conn *c;
    char data[];
};

static void on_written(uv_write_t *w, int status)
{
    struct pending *p = w->data;
    struct conn *c = conn_check(p->c);

    free(p);
    c->writing = false;
    if (c->state == CONN_CLOSING)
        return;
    if (status < 0) {
        conn_close(c);
        return;
    }
    conn_set_deadline(c);
    conn_settle(c);
}

static void write_later(struct conn *c, struct str rest)
{
    struct pending *p = malloc(sizeof(*p) + rest.n);
    uv_buf_t b;

    if (!p) {
        conn_close(c);
        return;
    }
    memcpy(p->data, rest.p, rest.n);
    p->c = c;
    p->req.data = p;
    b = uv_buf_init(p->data, (unsigned)rest.n);
    if (uv_write(&p->req, &c->u.stream, &b, 1, on_written) < 0) {
        free(p);
        conn_close(c);
        return;
    }
    c->writing = true;
    conn_read_on(c, false);
    conn_set_deadline(c);
}

void conn_flush(struct conn *c, struct buf *out)
{
    uv_buf_t b;
    int n = 0;

    if (c->state == CONN_CLOSING || out->len == 0)
        return;
    if (buf_err(out) < 0 || c->writing) {
        conn_close(c);
        return;
    }
    b = uv_buf_init(out->p, (unsigned)out->len);
    n = uv_try_write(&c->u.stream, &b, 1);
    if (n == UV_EAGAIN)
        n = 0;
    if (n < 0)
        conn_close(c);
    else if ((size_t)n < out->len)
        write_later(c, str_from(buf_view(out), (size_t)n));
}

static void on_read(uv_stream_t *s, ssize_t nread, const uv_buf_t *b)
{
    struct conn *c = conn_check(s->data);

    if (nread == 0 || c->state == CONN_CLOSING)
        return;
    if (nread > 0) {
        if (c->state != CONN_LINGER)
            conn_input(c, str_make(b->base, (size_t)nread));
        return;
    }
    c->eof = true;
    conn_read_on(c, false);
    if (c->state == CONN_BUSY && nread == UV_EOF)
        return; /* the peer may have closed its half only: the answer is tried */
    conn_close(c);
}

void conn_expire(struct conn *c)
{
    struct server *s = c->srv;

    s->front->stats.expired++;
    if (c->state == CONN_BUSY && !c->writing) {
        LOG(LOG_ERROR, "front.handler_late", F("request", exchange_id(c->ex)));
        c->last = true;
        exchange_expire(c->ex);
    } else if (c->state == CONN_READING && c->rec.state == REC_STDIN && !c->writing) {
        rec_give_up(&c->rec, 408);
        conn_dispatch(c);
    } else {
        conn_close(c);
    }
}

static int fd_family(int fd)
{
    struct sockaddr_storage a = {0};
    socklen_t n = sizeof(a);

    return getsockname(fd, (struct sockaddr *)&a, &n) < 0 ? AF_UNSPEC : a.ss_family;
}

int conn_open(struct server *s, int fd, bool kept)
{
    struct conn *c = calloc(1, sizeof(*c));
    bool local = fd_family(fd) == AF_UNIX;
    int rc = -ENOMEM;

    if (!c) {
        close(fd);
        return rc;
    }
    *c = (struct conn){.magic = CONN_MAGIC, .srv = s};
    rec_init(&c->rec, s->lim);
    if (local)
        rc = uv_pipe_init(s->front->loop, &c->u.pipe, 0);
    else
        rc = uv_tcp_init(s->front->loop, &c->u.tcp);
    if (rc < 0) {
        close(fd);
        free(c);
        return rc;
    }
    c->u.handle.data = c;
    server_conn_opened(s, c);
    rc = local ? uv_pipe_open(&c->u.pipe, fd) : uv_tcp_open(&c->u.tcp, fd);
    if (rc < 0) {
        close(fd);
        conn_close(c);
        return rc;
    }
    c->active = uv_now(s->front->loop);
    c->deadline = c->active + (kept ? SERVER_IDLE_MS : SERVER_FIRST_MS);
    conn_read_on(c, true);
    return 0;
}
