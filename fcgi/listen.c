#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

enum { FIRST_PASSED = 3, PATH_ROOM = 256 };

static bool is_listening(int fd)
{
    int on = 0;
    socklen_t n = sizeof(on);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on;
}

static bool is_stream(int fd)
{
    int type = 0;
    socklen_t n = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM;
}

static void own_flags(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static uint64_t env_number(const char *name)
{
    uint64_t n = 0;

    return str_u64(str_of(getenv(name)), INT32_MAX, &n) < 0 ? 0 : n;
}

void listen_find_passed(struct listen_found *out)
{
    uint64_t n = env_number("LISTEN_FDS");
    bool ours = env_number("LISTEN_PID") == (uint64_t)getpid();
    int fd;

    out->fd = -1;
    out->nkept = 0;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    for (fd = FIRST_PASSED; ours && fd < FIRST_PASSED + (int)n; fd++) {
        if (!is_stream(fd))
            continue;
        own_flags(fd);
        if (!is_listening(fd) && out->nkept < LISTEN_KEPT_MAX)
            out->kept[out->nkept++] = fd;
        else if (is_listening(fd) && out->fd < 0)
            out->fd = fd;
    }
}

bool listen_is_stdin(void)
{
    if (!is_listening(STDIN_FILENO))
        return false;
    own_flags(STDIN_FILENO);
    return true;
}

/* ---- own sockets ---- */

static struct str unix_path(const char *address)
{
    struct str a = str_of(address);

    if (str_starts(a, STR("unix:")))
        return str_from(a, 5);
    return a.n > 0 && a.p[0] == '/' ? a : str_make(NULL, 0);
}

bool listen_is_unix(const char *address)
{
    return unix_path(address).n > 0;
}

/* 0: the way is free (a dead socket was removed). */
static int clear_path(const struct sockaddr_un *a)
{
    struct stat st;
    int s, rc;

    if (lstat(a->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0)
        return -errno;
    rc = connect(s, (const struct sockaddr *)a, sizeof(*a)) < 0 ? -errno : 0;
    close(s);
    if (rc == 0 || rc == -EAGAIN)
        return -EADDRINUSE;
    if (rc != -ECONNREFUSED)
        return rc;
    return unlink(a->sun_path) < 0 ? -errno : 0;
}

static int give_to_group(const char *path, const char *group)
{
    struct group entry, *found = NULL;
    char room[4096];

    if (!*group)
        return 0;
    if (getgrnam_r(group, &entry, room, sizeof(room), &found) != 0 || !found)
        return -ENOENT;
    return chown(path, (uid_t)-1, found->gr_gid) < 0 ? -errno : 0;
}

static int bind_listen(const struct sockaddr *a, socklen_t len, int *fd)
{
    int s = socket(a->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    int rc = 0;

    if (s < 0)
        return -errno;
    if (a->sa_family != AF_UNIX)
        setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(s, a, len) < 0 || listen(s, LISTEN_BACKLOG) < 0)
        rc = -errno;
    if (rc < 0)
        close(s);
    else
        *fd = s;
    return rc;
}

/* Two programs that start together must not both find the same dead socket: the directory is
 * locked between looking and binding. */
static int lock_directory(const char *path)
{
    char dir[PATH_ROOM];
    ptrdiff_t slash = str_rchr(str_of(path), '/');
    int fd;

    if (slash < 0 || str_copy(str_make(path, (size_t)slash + 1), dir, sizeof(dir)) < 0)
        return -EINVAL;
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX) < 0) {
        close(fd);
        return -errno;
    }
    return fd;
}

static int bind_unix(const struct listen_spec *spec, int *fd)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct str path = unix_path(spec->address);
    int lock, rc;
    mode_t old;

    if (path.p[0] != '/' || str_copy(path, a.sun_path, sizeof(a.sun_path)) < 0)
        return -EINVAL;
    lock = lock_directory(a.sun_path);
    if (lock < 0)
        return lock;
    rc = clear_path(&a);
    if (rc == 0) {
        old = umask(0777 & ~spec->mode);
        rc = bind_listen((const struct sockaddr *)&a, sizeof(a), fd);
        umask(old);
    }
    if (rc == 0)
        rc = give_to_group(a.sun_path, spec->group);
    close(lock);
    return rc;
}

/* "127.0.0.1:9000" or "[::1]:9000". The protocol has no authentication: loopback only. */
static int bind_tcp(const char *address, int *fd)
{
    struct str a = str_of(address);
    ptrdiff_t colon = str_rchr(a, ':');
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    char host[64];
    uint64_t port;

    if (colon <= 0 || str_u64(str_from(a, (size_t)colon + 1), 65535, &port) < 0)
        return -EINVAL;
    a = str_sub(a, 0, (size_t)colon);
    if (a.n > 2 && a.p[0] == '[' && a.p[a.n - 1] == ']')
        a = str_sub(a, 1, a.n - 2);
    if (str_copy(a, host, sizeof(host)) < 0)
        return -EINVAL;
    in4.sin_port = in6.sin6_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, host, &in4.sin_addr) == 1) {
        if (ntohl(in4.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
            return -EACCES;
        return bind_listen((const struct sockaddr *)&in4, sizeof(in4), fd);
    }
    if (inet_pton(AF_INET6, host, &in6.sin6_addr) != 1)
        return -EINVAL;
    if (!IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr))
        return -EACCES;
    return bind_listen((const struct sockaddr *)&in6, sizeof(in6), fd);
}

int listen_bind(const struct listen_spec *spec, int *fd)
{
    return listen_is_unix(spec->address) ? bind_unix(spec, fd) : bind_tcp(spec->address, fd);
}
