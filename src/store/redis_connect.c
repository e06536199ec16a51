#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "store/redis_internal.h"

static void greet(struct redis *c)
{
    c->state = REDIS_GREETING;
    c->greetings = 1;
    buf_reset(&c->out);
    if (c->cfg.password[0]) {
        bool user = c->cfg.user[0] != '\0';

        redis_array(&c->out, user ? 3 : 2);
        redis_bulk(&c->out, STR("AUTH"));
        if (user)
            redis_bulk(&c->out, str_of(c->cfg.user));
        redis_bulk(&c->out, str_of(c->cfg.password));
        c->greetings++;
    }
    redis_array(&c->out, 1);
    redis_bulk(&c->out, STR("PING"));
    redis_flush_later(c);
}

static void on_connect(uv_connect_t *req, int status)
{
    struct redis *c = req->data;

    if (c->state != REDIS_CONNECTING || c->ending)
        return;
    if (status == 0)
        status = redis_read_start(c);
    if (status < 0)
        redis_drop(c, uv_err_name(status));
    else
        greet(c);
}

static void connect_to(struct redis *c, const struct sockaddr *addr)
{
    int rc = uv_tcp_init(c->loop, &c->h.tcp);

    if (rc == 0) {
        c->stream = true;
        c->open_handles++;
        c->h.tcp.data = c;
        uv_tcp_nodelay(&c->h.tcp, 1);
        rc = uv_tcp_connect(&c->connect, &c->h.tcp, addr, on_connect);
    }
    if (rc < 0)
        redis_drop(c, uv_err_name(rc));
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *res)
{
    struct redis *c = req->data;

    c->resolving = false;
    if (c->ending) {
        uv_freeaddrinfo(res);
        redis_free_if_over(c);
        return;
    }
    if (c->state == REDIS_CONNECTING && !c->stream) {
        if (status < 0)
            redis_drop(c, uv_err_name(status));
        else
            connect_to(c, res->ai_addr);
    }
    uv_freeaddrinfo(res);
}

static void connect_host(struct redis *c)
{
    struct sockaddr_storage addr = {0};
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    char port[8];
    int rc;

    if (uv_ip4_addr(c->cfg.host, c->cfg.port, (struct sockaddr_in *)&addr) == 0 ||
        uv_ip6_addr(c->cfg.host, c->cfg.port, (struct sockaddr_in6 *)&addr) == 0) {
        connect_to(c, (const struct sockaddr *)&addr);
        return;
    }
    if (c->resolving) /* the last question is still open: its answer will do */
        return;
    snprintf(port, sizeof(port), "%u", (unsigned)c->cfg.port);
    rc = uv_getaddrinfo(c->loop, &c->resolve, on_resolved, c->cfg.host, port, &hints);
    if (rc < 0)
        redis_drop(c, uv_err_name(rc));
    else
        c->resolving = true;
}

void redis_connect(struct redis *c)
{
    assert(!c->stream);
    c->state = REDIS_CONNECTING;
    c->looked = false;
    c->greet_end = clock_mono_ms() + c->cfg.connect_ms;
    c->connect.data = c->resolve.data = c;
    reply_reader_free(&c->reader);
    if (reply_reader_new(&c->reader)) {
        redis_drop(c, "out of memory");
    } else if (c->cfg.socket[0]) {
        uv_pipe_init(c->loop, &c->h.pipe, 0);
        c->stream = true;
        c->open_handles++;
        c->h.pipe.data = c;
        uv_pipe_connect(&c->connect, &c->h.pipe, c->cfg.socket, on_connect);
    } else {
        connect_host(c);
    }
    redis_arm(c);
}
