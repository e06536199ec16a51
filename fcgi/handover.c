#include "handover.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int handover_open(struct handover *h)
{
    int fd[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) < 0)
        return -errno;
    h->in = fd[0];
    h->out = fd[1];
    return 0;
}

void handover_close(struct handover *h)
{
    if (h->in >= 0)
        close(h->in);
    if (h->out >= 0)
        close(h->out);
    h->in = h->out = -1;
}

int handover_send(const struct handover *h, int fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char byte = 'c';
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof(control.room)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    if (h->out < 0)
        return -EBADF;
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    return sendmsg(h->out, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int handover_recv(const struct handover *h, int *fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof(control.room)};
    const struct cmsghdr *c;
    ssize_t n;

    if (h->in < 0)
        return -EBADF;
    n = recvmsg(h->in, &m, MSG_CMSG_CLOEXEC);
    if (n < 0)
        return -errno;
    c = CMSG_FIRSTHDR(&m);
    if (!c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
        return n == 0 ? -EPIPE : -EPROTO;
    memcpy(fd, CMSG_DATA(c), sizeof(*fd));
    return 0;
}
