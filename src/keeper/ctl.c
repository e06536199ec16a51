#include "ctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "order.h"

int ctl_open(struct ctl *c, const char *run)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int n = snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/ctl", run);
    int rc = 0;

    for (size_t i = 0; i < CTL_PEERS; i++)
        c->peers[i].fd = -1;
    c->fd = -1;
    if (n < 0 || (size_t)n >= sizeof(sa.sun_path))
        return -ENAMETOOLONG;
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        return -errno;
    unlink(sa.sun_path); /* of a keeper that died: we hold the lock */
    /* Nobody gets in between bind and chmod: the umask is 077. */
    if (bind(c->fd, (const struct sockaddr *)&sa, sizeof(sa)) || chmod(sa.sun_path, 0600) ||
        listen(c->fd, CTL_PEERS))
        rc = -errno;
    if (rc)
        ctl_close(c);
    return rc;
}

static void peer_free(struct ctl_peer *p)
{
    close(p->fd);
    p->fd = -1;
    buf_free(&p->in);
    buf_free(&p->out);
}

void ctl_close(struct ctl *c)
{
    for (size_t i = 0; i < CTL_PEERS; i++)
        if (c->peers[i].fd >= 0)
            peer_free(&c->peers[i]);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

static bool allowed(int fd)
{
    struct ucred who;
    socklen_t n = sizeof(who);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n))
        return false;
    return who.uid == 0 || who.uid == geteuid();
}

void ctl_accept(struct ctl *c)
{
    struct ctl_peer *p = NULL;
    int fd;

    for (size_t i = 0; i < CTL_PEERS && p == NULL; i++)
        if (c->peers[i].fd < 0)
            p = &c->peers[i];
    if (p == NULL)
        return;
    fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (!allowed(fd)) {
        close(fd);
        return;
    }
    p->fd = fd;
    p->deadline = clock_mono_ms() + CTL_PEER_MS;
    buf_init(&p->in, CTL_MAX);
    buf_init(&p->out, 16384);
}

/* 1: a line is complete, 0: wait, -errno: over. */
static int read_line(struct ctl_peer *p)
{
    char chunk[4096];
    ssize_t n;

    for (;;) {
        n = recv(p->fd, chunk, sizeof(chunk), 0);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
            return -EPIPE;
        buf_add(&p->in, chunk, (size_t)n);
        if (buf_err(&p->in))
            return -EMSGSIZE;
        if (memchr(chunk, '\n', (size_t)n))
            return 1;
    }
}

/* 1: all sent, 0: wait, -errno: over. */
static int flush(struct ctl_peer *p)
{
    while (p->out.len) {
        ssize_t n = send(p->fd, p->out.p, p->out.len, MSG_NOSIGNAL);

        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        buf_drop(&p->out, (size_t)n);
    }
    return 1;
}

void ctl_peer_io(struct ctl_peer *p, struct keeper *k)
{
    struct str line, rest;
    int rc = 1;

    if (p->out.len == 0) {
        rc = read_line(p);
        if (rc == 1) {
            line = str_cut(buf_view(&p->in), '\n', &rest);
            order_take(k, line, &p->out);
        }
    }
    if (rc == 1)
        rc = flush(p);
    if (rc != 0 || clock_mono_ms() >= p->deadline)
        peer_free(p);
}
