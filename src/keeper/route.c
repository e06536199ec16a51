#include "route.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/crash.h"

#define BACKLOG 512

static int own_path(const struct keeper *k, const struct inst *i, char out[ROUTE_PATH])
{
    int n = snprintf(out, ROUTE_PATH, "%s/.app.%llu.sock", k->o.run, (unsigned long long)i->seq);

    return n < 0 || n >= ROUTE_PATH ? -ENAMETOOLONG : 0;
}

static int app_path(const struct keeper *k, char out[ROUTE_PATH])
{
    int n = snprintf(out, ROUTE_PATH, "%s/app.sock", k->o.run);

    return n < 0 || n >= ROUTE_PATH ? -ENAMETOOLONG : 0;
}

int route_path(const struct keeper *k, const struct inst *i, char out[ROUTE_PATH])
{
    return i->state == INST_SERVING ? app_path(k, out) : own_path(k, i, out);
}

int route_listen(const struct keeper *k, const struct inst *i, uint64_t *ino)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct stat st;
    int fd, rc = own_path(k, i, sa.sun_path);

    if (rc)
        return rc;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    unlink(sa.sun_path);
    /* Everybody may connect; who reaches the name is decided by the directory's mode. */
    if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) || chmod(sa.sun_path, 0666) ||
        stat(sa.sun_path, &st) || listen(fd, BACKLOG)) {
        rc = -errno;
        unlink(sa.sun_path);
        close(fd);
        return rc;
    }
    *ino = st.st_ino;
    return fd;
}

int route_switch(const struct keeper *k, const struct inst *i)
{
    char own[ROUTE_PATH], app[ROUTE_PATH];
    int rc = own_path(k, i, own);

    if (rc == 0)
        rc = app_path(k, app);
    if (rc)
        return rc;
    crash_point("keeper.before_switch");
    if (rename(own, app))
        return -errno;
    crash_point("keeper.after_switch");
    return 0;
}

void route_remove(const struct keeper *k)
{
    char app[ROUTE_PATH];

    if (app_path(k, app) == 0)
        unlink(app);
}

void route_forget(const struct keeper *k, const struct inst *i)
{
    char own[ROUTE_PATH];

    if (own_path(k, i, own) == 0)
        unlink(own);
}

uint64_t route_current(const struct keeper *k)
{
    char app[ROUTE_PATH];
    struct stat st;

    if (app_path(k, app) || stat(app, &st))
        return 0;
    return st.st_ino;
}
