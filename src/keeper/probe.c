#include "probe.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#define STATUS 13 /* "HTTP/1.1 200 " */

void probe_stop(struct probe *p)
{
    if (p->state != PROBE_IDLE)
        close(p->fd);
    p->state = PROBE_IDLE;
    p->fd = -1;
}

static enum probe_result finish(struct probe *p, enum probe_result r)
{
    probe_stop(p);
    return r;
}

enum probe_result probe_start(struct probe *p, const char *socket_path, const char *http_path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int n = snprintf(p->req, sizeof(p->req),
                     "GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: lastmile-keeper\r\n"
                     "Connection: close\r\n\r\n",
                     http_path);

    if (n < 0 || (size_t)n >= sizeof(p->req) ||
        str_copy(str_of(socket_path), sa.sun_path, sizeof(sa.sun_path)))
        return PROBE_BAD;
    p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (p->fd < 0)
        return PROBE_BAD;
    p->state = PROBE_SENDING;
    p->req_len = (size_t)n;
    p->sent = p->got = 0;
    p->deadline = clock_mono_ms() + PROBE_TIMEOUT_MS;
    /* A unix connect is immediate; EAGAIN means the backlog is full. */
    if (connect(p->fd, (const struct sockaddr *)&sa, sizeof(sa)))
        return finish(p, PROBE_BAD);
    return probe_io(p);
}

short probe_events(const struct probe *p)
{
    return p->state == PROBE_SENDING ? POLLOUT : POLLIN;
}

static enum probe_result io_error(struct probe *p)
{
    if (errno == EAGAIN || errno == EINTR)
        return clock_mono_ms() < p->deadline ? PROBE_PENDING : finish(p, PROBE_BAD);
    return finish(p, PROBE_BAD);
}

enum probe_result probe_io(struct probe *p)
{
    ssize_t n;

    while (p->state == PROBE_SENDING) {
        n = send(p->fd, p->req + p->sent, p->req_len - p->sent, MSG_NOSIGNAL);
        if (n < 0)
            return io_error(p);
        p->sent += (size_t)n;
        if (p->sent == p->req_len)
            p->state = PROBE_READING;
    }
    while (p->got < STATUS) {
        n = recv(p->fd, p->in + p->got, STATUS - p->got, 0);
        if (n < 0)
            return io_error(p);
        if (n == 0)
            return finish(p, PROBE_BAD);
        p->got += (size_t)n;
    }
    if (memcmp(p->in, "HTTP/1.", 7) == 0 && memcmp(p->in + 8, " 200", 4) == 0 &&
        (p->in[12] == ' ' || p->in[12] == '\r'))
        return finish(p, PROBE_OK);
    return finish(p, PROBE_BAD);
}
