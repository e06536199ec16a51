#include "base/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
};

static int address(struct sockaddr_un *a, socklen_t *len)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t n = path ? strlen(path) : 0;

    if (n == 0)
        return -ENOENT;
    if ((path[0] != '/' && path[0] != '@') || n >= sizeof(a->sun_path))
        return -EINVAL;
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(a->sun_path, path, n);
    if (path[0] == '@')
        a->sun_path[0] = '\0';
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    return 0;
}

static void attach(struct msghdr *m, union control *c, int fd)
{
    struct cmsghdr *h;

    memset(c, 0, sizeof(*c));
    m->msg_control = c;
    m->msg_controllen = sizeof(c->room);
    h = CMSG_FIRSTHDR(m);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(h), &fd, sizeof(fd));
}

static int datagram(const char *text, int fd)
{
    struct sockaddr_un a;
    socklen_t len;
    union control control;
    char copy[256];
    struct iovec iov = {copy, 0};
    const struct timeval patience = {.tv_sec = 1}; /* a manager that does not read */
    struct msghdr m = {.msg_name = &a, .msg_iov = &iov, .msg_iovlen = 1};
    int s, rc = address(&a, &len);

    if (rc < 0)
        return rc;
    iov.iov_len = strlen(text);
    if (iov.iov_len >= sizeof(copy))
        return -EMSGSIZE;
    memcpy(copy, text, iov.iov_len);
    m.msg_namelen = len;
    if (fd >= 0)
        attach(&m, &control, fd);
    s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0)
        return -errno;
    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (sendmsg(s, &m, MSG_NOSIGNAL) < 0)
        rc = -errno;
    close(s);
    return rc;
}

int notify_send(const char *state)
{
    int rc = datagram(state, -1);

    return rc == -ENOENT && !getenv("NOTIFY_SOCKET") ? 0 : rc;
}

int notify_store_fd(const char *name, int fd)
{
    char text[128];
    int n = snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", name);

    if (n < 0 || (size_t)n >= sizeof(text))
        return -EMSGSIZE;
    return datagram(text, fd);
}
